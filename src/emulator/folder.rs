//! A software card in a folder of its own, with the certificates that a relying party needs to check it.
//!
//! | file | content |
//! |---|---|
//! | `card.json` | the card; for its owner only, as it holds every key of it |
//! | `citizen.json` | whose card it is, for programs that compare; of a contact card also what is in its files |
//! | `trust/holder/root.pem` | anchor of holders' certificates |
//! | `trust/holder/intermediate/sub-ca.pem` | the CA under it that issued the holder's certificate |
//! | `trust/cns/root.pem` | the same anchor, for a CNS: whoever issues these vouches for no identity card; only of these |
//! | `trust/first-generations/root.pem` | the same anchor, for a CIE 1 or CIE 2: nothing in their certificates says that they are from one; only of these |
//! | `lists/root.crl`, `lists/sub-ca.crl` | their revocation lists, which revoke nobody, as long as the card lasts |
//! | `trust/csca/csca.pem` | anchor of the signatures over the card's files; only of a CIE 3 |
//!
//! The keys of the authorities are not written anywhere: nobody issues a second card under these anchors.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::citizen::Citizen;
use super::contact::{self, Issued, Model, PersonalData};
use super::entropy::Seeded;
use super::error::Error;
use super::issue::{DEMO_PIN, DEMO_PUK, IssueOptions, issue};
use super::personalisation::Personalisation;
use super::pki::{self, Authority, ListProfile, TestPki};
use super::profile::Chip;
use super::soft_card::SoftCard;
use crate::crypto::SystemEntropy;
use crate::environment::Entropy;

/// Name of the card's file in its folder.
pub const CARD: &str = "card.json";
/// Name of the file that says whose card it is.
pub const CITIZEN: &str = "citizen.json";
/// Name of the folder with the anchors.
pub const TRUST: &str = "trust";

/// The certificates below the folder.
const ROOT: &str = "trust/holder/root.pem";
const CNS: &str = "trust/cns/root.pem";
const FIRST_GENERATIONS: &str = "trust/first-generations/root.pem";
const SUB_CA: &str = "trust/holder/intermediate/sub-ca.pem";
const CSCA: &str = "trust/csca/csca.pem";
/// The revocation lists of the first two.
const LISTS: [(&str, Authority); 2] =
    [("lists/root.crl", Authority::Root), ("lists/sub-ca.crl", Authority::SubCa)];
/// How long they are good, in days: nobody can sign the next ones.
const LIST_DAYS: i64 = 3653;

/// What can be chosen about a new card.
#[derive(Debug, Clone)]
pub struct FolderOptions {
    /// The maker whose chip a CIE 3 poses as.
    pub chip: Chip,
    /// The contact card to make instead of a CIE 3.
    pub contact: Option<Model>,
    /// PIN, eight ASCII digits; of a contact card five to eight ([`contact::reference_value`]).
    pub pin: [u8; 8],
    /// PUK, likewise.
    pub puk: [u8; 8],
    /// Chooses the citizen ([`Citizen::numbered`]); without one it is anybody of the dozen.
    pub seed: Option<u64>,
    /// The moment of issue: certificates are valid from it.
    pub now: SystemTime,
    /// Whether the keys follow from the seed, too, those of the authorities included: the same seed, chip
    /// and moment make the same folder. Whoever knows the seed can then make a card that passes for any
    /// under the same anchors. Without a seed this is refused.
    pub insecure_fixed_pki: bool,
}

impl FolderOptions {
    /// A Gemalto card of somebody, issued at this moment, with the demo PIN and PUK and unguessable keys.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        let (chip, contact, pin, puk) = (Chip::Gemalto, None, DEMO_PIN, DEMO_PUK);
        Self { chip, contact, pin, puk, seed: None, now, insecure_fixed_pki: false }
    }
}

/// Makes a card with its own test PKI and writes the folder, which is made if need be. Says whose it is.
///
/// No file is overwritten: if any of them exists the folder is left as it is. Making the keys takes some
/// seconds.
///
/// # Errors
/// [`Error::Malformed`] for a PIN or PUK that is none and for fixed keys without a seed, [`Error::File`] if
/// a file exists or cannot be written, [`Error::Issue`] if the card cannot be made.
pub fn create(folder: impl AsRef<Path>, options: &FolderOptions) -> Result<Citizen, Error> {
    let folder = folder.as_ref();
    for (name, digits) in [("the PIN", &options.pin), ("the PUK", &options.puk)] {
        let good = match options.contact {
            Some(_) => contact::is_reference_value(digits),
            None => digits.iter().all(u8::is_ascii_digit),
        };
        if !good {
            return Err(Error::Malformed(name));
        }
    }
    let names = [CARD, CITIZEN, ROOT, SUB_CA].into_iter().chain(LISTS.map(|(name, _)| name));
    check_absence(folder, names.chain([own_anchor(options.contact)]))?;

    let (pki, citizen, card) = make(options)?;
    let mut written = Vec::new();
    let outcome = write_all(folder, &pki, &citizen, card, options.now, &mut written);
    if outcome.is_err() {
        // Half a folder would be in the way of the next attempt; the first error is the one to report.
        written.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    outcome.map(|()| citizen)
}

/// The anchor that not every kind of card has: of a CIE 3's files, or of the certificate in other cards.
fn own_anchor(contact: Option<Model>) -> &'static str {
    match contact {
        None => CSCA,
        Some(Model::Cie1 | Model::Cie2) => FIRST_GENERATIONS,
        Some(_) => CNS,
    }
}

/// A card that was issued, of either kind.
enum Made {
    Cie3(Chip, Box<Personalisation>),
    Contact(Model, Box<Issued>),
}

/// What `citizen.json` has in it.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    citizen: &'a Citizen,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactRecord<'a>>,
}

/// What is in the files of a contact card.
#[derive(Serialize)]
struct ContactRecord<'a> {
    model: Model,
    card_number: &'a str,
    personal_data: &'a PersonalData,
}

/// What lies in a folder beside the card: whose it is, and certificates and lists to check it with, by their names
/// below the folder. The lists are good from a moment on.
pub(crate) fn papers(
    pki: &TestPki,
    citizen: &Citizen,
    contact: Option<(Model, &Issued)>,
    from: SystemTime,
) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let own_anchor = own_anchor(contact.map(|(model, _)| model));
    let contact = contact.map(|(model, issued)| {
        let Issued { card_number, personal_data, .. } = issued;
        ContactRecord { model, card_number, personal_data }
    });
    let json = serde_json::to_vec_pretty(&Record { citizen, contact });
    let json = json.map_err(|error| Error::Format(error.to_string()))?;
    let mut files = vec![
        (ROOT, pki::pem(pki.root_der())?.into_bytes()),
        (SUB_CA, pki::pem(pki.sub_ca_der())?.into_bytes()),
    ];
    let next_update = pki::days_from(from, LIST_DAYS)?;
    let list = ListProfile { revoked: &[], number: 1, this_update: from, next_update };
    for (name, authority) in LISTS {
        // The signature of these authorities needs no randomness.
        let list = pki.revocation_list(authority, &list, &mut SystemEntropy)?;
        files.push((name, pki::list_pem(&list)?.into_bytes()));
    }
    let anchor = if own_anchor == CSCA { pki.csca_der() } else { pki.root_der() };
    files.push((own_anchor, pki::pem(anchor)?.into_bytes()));
    files.push((CITIZEN, json));
    Ok(files)
}

/// Writes everything, the card last: a folder with a card in it is complete.
fn write_all(
    folder: &Path,
    pki: &TestPki,
    citizen: &Citizen,
    card: Made,
    now: SystemTime,
    written: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let contact = match &card {
        Made::Cie3(..) => None,
        Made::Contact(model, issued) => Some((*model, &**issued)),
    };
    for (name, bytes) in papers(pki, citizen, contact, now)? {
        let path = folder.join(name);
        write_new(&path, &bytes)?;
        written.push(path);
    }
    let path = folder.join(CARD);
    match card {
        Made::Cie3(chip, card) => SoftCard::create(path, *card, chip),
        Made::Contact(model, issued) => SoftCard::create_contact(path, issued.personalisation, model),
    }
}

fn make(options: &FolderOptions) -> Result<(TestPki, Citizen, Made), Error> {
    let (mut fixed, mut system);
    let entropy: &mut dyn Entropy = match (options.seed, options.insecure_fixed_pki) {
        (Some(seed), true) => {
            fixed = Seeded::new(seed);
            &mut fixed
        }
        (None, true) => return Err(Error::Malformed("the choice of fixed keys without a seed")),
        (_, false) => {
            system = SystemEntropy;
            &mut system
        }
    };
    let number = match options.seed {
        Some(seed) => seed,
        None => {
            let mut drawn = [0; 8];
            entropy.draw("citizen", &mut drawn).map_err(pki::Error::from)?;
            u64::from_be_bytes(drawn)
        }
    };
    let citizen = Citizen::numbered(number);
    let pki = TestPki::generate(entropy, options.now)?;
    let &FolderOptions { pin, puk, chip, now, .. } = options;
    let card = match options.contact {
        None => {
            let issued = IssueOptions { pin, puk, ..IssueOptions::default() };
            Made::Cie3(chip, Box::new(issue(&pki, &citizen, &issued, entropy, now)?))
        }
        Some(model) => {
            let issued = contact::IssueOptions { pin, puk, ..contact::IssueOptions::default() };
            Made::Contact(model, Box::new(contact::issue(&pki, &citizen, model, &issued, entropy, now)?))
        }
    };
    Ok((pki, citizen, card))
}

/// Looks before the keys are made; writing looks again.
fn check_absence<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    for path in names.map(|name| folder.join(name)) {
        if path.symlink_metadata().is_ok() {
            return Err(Error::file(&path, &io::ErrorKind::AlreadyExists.into()));
        }
    }
    Ok(())
}

/// Writes a file that must not exist, and the folders above it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
    };
    write().map_err(|error| Error::file(path, &error))
}
