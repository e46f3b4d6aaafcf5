//! The card's keys, checked once and ready for use.

use crate::crypto::agreement::DomainParameters;
use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use crate::emulator::error::Error;
use crate::emulator::personalisation::{CardKey, CertificationKey};
use crate::emulator::store::{PIN_TRIES, PUK_TRIES, Persistent};

/// Largest file: offsets have 15 bits.
const FILE_MAX: usize = 0x8000;

/// Keys that never change after personalisation.
pub(super) struct Keys {
    pub(super) holder: RsaPrivateKey,
    pub(super) device: RsaPrivateKey,
    pub(super) services: RsaPrivateKey,
    pub(super) certification: RsaPublicKey,
    /// The name of the certification key: what certificates under it say as their authority.
    pub(super) authority: [u8; 8],
    /// What the holder authorisation of every certificate under it starts with.
    pub(super) application: [u8; 6],
    pub(super) group: DomainParameters,
}

impl Keys {
    /// Checks everything of a personalisation that the card relies on.
    pub(super) fn new(state: &Persistent) -> Result<Self, Error> {
        let given = &state.personalisation;
        if given.files.iter().any(|file| file.content.len() > FILE_MAX) {
            return Err(Error::Malformed("an elementary file"));
        }
        if state.pin_tries > PIN_TRIES || state.puk_tries > PUK_TRIES {
            return Err(Error::Malformed("a try counter"));
        }
        for (name, digits) in [("the PIN", &given.pin), ("the PUK", &given.puk)] {
            if !digits.iter().all(u8::is_ascii_digit) {
                return Err(Error::Malformed(name));
            }
        }
        let (certification, authority, application) = certification_key(&given.certification_key)?;
        let named = |name| move |error| Error::Key { name, error };
        Ok(Self {
            holder: private_key(&given.holder_key).map_err(named("key 81"))?,
            device: private_key(&given.device_key).map_err(named("key 82"))?,
            services: private_key(&given.services_key).map_err(named("key 83"))?,
            certification,
            authority,
            application,
            group: DomainParameters::new(&given.dh_group.g, &given.dh_group.p, &given.dh_group.q)
                .map_err(named("the DH group"))?,
        })
    }
}

/// The primes make signing faster, and a card works without them.
fn private_key(key: &CardKey) -> Result<RsaPrivateKey, crate::crypto::Error> {
    if key.prime_p.is_empty() || key.prime_q.is_empty() {
        RsaPrivateKey::new(&key.modulus, &key.private_exponent)
    } else {
        RsaPrivateKey::with_primes(
            &key.modulus,
            &key.public_exponent,
            &key.private_exponent,
            &key.prime_p,
            &key.prime_q,
        )
    }
}

fn certification_key(key: &CertificationKey) -> Result<(RsaPublicKey, [u8; 8], [u8; 6]), Error> {
    let public = RsaPublicKey::with_long_exponent(&key.modulus, &key.public_exponent)
        .map_err(|error| Error::Key { name: "key 84", error })?;
    // Four bytes of filler, then the name.
    let authority = match key.holder_reference.split_first_chunk::<4>() {
        Some((_, name)) => name.try_into().map_err(|_| Error::Malformed("the name of key 84"))?,
        None => return Err(Error::Malformed("the name of key 84")),
    };
    match key.holder_authorisation.split_first_chunk::<6>() {
        Some((application, [_role])) => Ok((public, authority, *application)),
        _ => Err(Error::Malformed("the authorisation of key 84")),
    }
}
