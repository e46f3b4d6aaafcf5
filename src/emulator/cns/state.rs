//! What a contact card keeps when it loses power, checked before it is used.

use serde::{Deserialize, Serialize};

use crate::crypto::signature::RsaPrivateKey;
use crate::emulator::contact::{FilePath, Model, Personalisation, Profile, ReadAccess};
use crate::emulator::error::Error;
use crate::emulator::store::State;
use crate::emulator::{contact, personalisation::CardKey};

/// Largest file: offsets have 15 bits.
const FILE_MAX: usize = 0x7FFF;
/// The most tries that a counter holds.
const TRIES_MAX: u8 = 15;
/// PIN and PUK of the holder.
const HOLDER: [u8; 2] = [0x10, 0x11];

/// Everything of a contact card that outlives a reset.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Persistent {
    pub(super) model: Model,
    /// How it behaves, if not as its model usually does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) profile: Option<Profile>,
    pub(super) personalisation: Personalisation,
}

impl State for Persistent {
    const KIND: &'static str = "contact";
}

impl Persistent {
    pub(in crate::emulator) fn new(personalisation: Personalisation, model: Model) -> Self {
        Self { model, profile: None, personalisation }
    }

    pub(in crate::emulator) fn with_profile(
        personalisation: Personalisation,
        model: Model,
        profile: Option<Profile>,
    ) -> Self {
        Self { model, profile, personalisation }
    }

    /// How many wrong PINs, and how many wrong PUKs, the holder has left.
    pub(super) fn tries_left(&self) -> [u8; 2] {
        HOLDER.map(|identifier| {
            let found = self.personalisation.reference_data.iter().find(|data| data.identifier == identifier);
            found.map_or(0, |data| data.tries_left)
        })
    }

    /// Checks everything that the card relies on, and makes its keys ready.
    pub(super) fn keys(&self) -> Result<Vec<RsaPrivateKey>, Error> {
        let given = &self.personalisation;
        if given.files.iter().any(|file| file.content.len() > FILE_MAX || !is_access(file.access)) {
            return Err(Error::Malformed("an elementary file"));
        }
        check_tree(given)?;
        for data in &given.reference_data {
            let tries = (1..=TRIES_MAX).contains(&data.tries) && data.tries_left <= data.tries;
            if !tries {
                return Err(Error::Malformed("a try counter"));
            }
            if !(1..=0x1F).contains(&data.identifier) || !contact::is_reference_value(&data.value) {
                return Err(Error::Malformed("a PIN or PUK"));
            }
        }
        if given.keys.iter().any(|key| !(1..=0x7F).contains(&key.identifier)) {
            return Err(Error::Malformed("a key identifier"));
        }
        given.keys.iter().map(|key| private_key(&key.key)).collect()
    }
}

/// Every path once, and everything in a directory that there is.
fn check_tree(given: &Personalisation) -> Result<(), Error> {
    let root = FilePath::default();
    let mut directories: Vec<&FilePath> = given.directories.iter().map(|directory| &directory.path).collect();
    let mut paths: Vec<&FilePath> = given.files.iter().map(|file| &file.path).collect();
    paths.extend(&directories);
    paths.push(&root);
    paths.sort();
    let unique = paths.windows(2).all(|pair| pair.first() != pair.last());
    directories.push(&root);
    let parents = paths.iter().filter_map(|path| path.parent());
    let owners = given.reference_data.iter().map(|data| &data.directory);
    let mut owners = owners.chain(given.keys.iter().map(|key| &key.directory)).cloned().chain(parents);
    if unique && owners.all(|owner| directories.contains(&&owner)) {
        Ok(())
    } else {
        Err(Error::Malformed("the tree of files"))
    }
}

fn is_access(access: ReadAccess) -> bool {
    match access {
        ReadAccess::Always | ReadAccess::Never => true,
        ReadAccess::After(identifier) => (1..=0x1F).contains(&identifier),
    }
}

/// The primes make signing faster, and a card works without them.
fn private_key(key: &CardKey) -> Result<RsaPrivateKey, Error> {
    let CardKey { modulus, public_exponent, private_exponent, prime_p, prime_q } = key;
    let made = if prime_p.is_empty() || prime_q.is_empty() {
        RsaPrivateKey::new(modulus, private_exponent)
    } else {
        RsaPrivateKey::with_primes(modulus, public_exponent, private_exponent, prime_p, prime_q)
    };
    made.map_err(|error| Error::Key { name: "a key", error })
}
