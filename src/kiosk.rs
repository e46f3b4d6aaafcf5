//! What a kiosk may know of a card without its PIN: that it is genuine, and its number for services (NIS).
//!
//! Three things have to hold together: a country signing authority vouches for the digests in EF.SOD, the NIS and the
//! key for services are those that were digested, and the card that lies there has the private half of that key, which
//! cannot be copied. Each alone is worth nothing: files can be copied, and any chip can answer a challenge with a key
//! of its own.

mod seen;

use std::fmt;
use std::time::SystemTime;

use crate::crypto::{self, signature::RsaPublicKey};
use crate::ias::{self, Application, ClaimedNis, File};
use crate::passive::{self, AuthenticFiles, ClaimedSecurityObject, SecurityObjectPolicy, group};
use crate::trust::TrustStore;
pub use seen::SeenCards;

/// Why a card was not taken for genuine. Whichever it is, nothing is known of whose card it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The card did not give a file, or did not answer the challenge.
    #[error(transparent)]
    Card(#[from] ias::Error),
    /// EF.SOD is not authentic, or a file is not the one that it is about.
    #[error(transparent)]
    SecurityObject(#[from] passive::Error),
    /// What stands in the place of the key for services is no key.
    #[error("the key for services is malformed")]
    Key,
    /// A cryptographic operation of ours failed: nothing is known of the card.
    #[error(transparent)]
    Crypto(crypto::Error),
    /// The answer to the challenge is not by the key that EF.SOD vouches for: a copy of a card's files.
    #[error("the chip does not have the key of these files")]
    NotGenuine,
}

/// The number for services of a genuine card that lies there: twelve digits, the same for as long as the card lives. It
/// tells who comes back, not who somebody is. That the card was not reported stolen and has not expired is not known:
/// nothing that is read without a PIN says so.
pub struct AuthenticNis {
    nis: ClaimedNis,
    files: AuthenticFiles,
    is_replayed: bool,
    checked_at: SystemTime,
}

/// Checks the card that lies there, without a PIN. Every file is read once, and what was read is what is judged.
///
/// # Errors
/// [`Error`]: a refusal of the card is one, too.
pub fn verify_nis(
    application: &mut Application,
    trust: &TrustStore,
    policy: &SecurityObjectPolicy,
) -> Result<AuthenticNis, Error> {
    verify_nis_with(application, trust, policy, &SeenCards::new())
}

/// The same with a memory of cards that were genuine, which saves half of the commands when one comes back. Several
/// checks may share it at the same time.
///
/// # Errors
/// [`Error`]: a refusal of the card is one, too.
pub fn verify_nis_with(
    application: &mut Application,
    trust: &TrustStore,
    policy: &SecurityObjectPolicy,
    seen: &SeenCards,
) -> Result<AuthenticNis, Error> {
    application.link().hold();
    let outcome = verify_held(application, trust, policy, seen);
    application.link().let_go();
    outcome
}

fn verify_held(
    application: &mut Application,
    trust: &TrustStore,
    policy: &SecurityObjectPolicy,
    seen: &SeenCards,
) -> Result<AuthenticNis, Error> {
    let (now, is_replayed) = (application.link().now(), application.link().is_replayed());
    let nis = application.read_nis()?;
    let key_file = application.read(File::ServicesKey)?;
    let identity = seen::digest(nis.digits(), &key_file);
    let security_object = match seen.find(&identity) {
        Some(remembered) => remembered,
        None => application.read(File::SecurityObject)?.into(),
    };

    let files = ClaimedSecurityObject::parse(&security_object)?.verify(trust, policy, now)?;
    files.check_file(group::NIS, nis.digits().as_bytes())?;
    files.check_file(group::SERVICES_KEY, &key_file)?;

    let key = RsaPublicKey::from_der(&key_file).map_err(|error| of_crypto(error, Error::Key))?;
    let asked = application.challenge_services_key()?;
    // The whole block is compared, with the challenge as it was sent: no digest, no DigestInfo.
    key.check_block(&asked.challenge, &asked.answer).map_err(|error| of_crypto(error, Error::NotGenuine))?;
    seen.remember(identity, &security_object);
    Ok(AuthenticNis { nis, files, is_replayed, checked_at: now })
}

/// What the card is to blame for, and what it is not.
fn of_crypto(error: crypto::Error, blame: Error) -> Error {
    match error {
        crypto::Error::Library(_) | crypto::Error::Entropy(_) => Error::Crypto(error),
        _ => blame,
    }
}

impl AuthenticNis {
    /// The twelve digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.nis.digits()
    }

    /// The card's files: who signed them, and whether SHA-1 was let pass for it.
    #[must_use]
    pub fn files(&self) -> &AuthenticFiles {
        &self.files
    }

    /// Whether it is a software card or a recorded dialogue, not a person's card that lies there.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.files.is_test() || self.is_replayed
    }

    /// When the check began, by the link's clock.
    #[must_use]
    pub fn checked_at(&self) -> SystemTime {
        self.checked_at
    }
}

/// It identifies a person: not printed by accident.
impl fmt::Debug for AuthenticNis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthenticNis(.., {:?})", self.files)
    }
}
