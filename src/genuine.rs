//! Whether the chip at the other end of a protected channel is one that a country vouches for: to be asked before a
//! person is asked for a PIN.
//!
//! An [`ias::Session`] talks to a *claimed* chip: it has proved the private half of the key in its EF 1004, and anybody
//! can make such a pair. EF.SOD names the keys of genuine chips.

use std::fmt;
use std::time::SystemTime;

use crate::crypto::{PresentedCertificate, constant_time_equal, sha256};
use crate::ias::{self, File, Session};
use crate::passive::{self, AuthenticFiles, ClaimedSecurityObject, SecurityObjectPolicy, group};
use crate::trust::TrustStore;

/// Why a chip was not taken for genuine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The card did not give EF.SOD over the channel.
    #[error(transparent)]
    Card(#[from] ias::Error),
    /// EF.SOD is not authentic, or does not vouch for the key of this channel.
    #[error(transparent)]
    SecurityObject(#[from] passive::Error),
}

/// A chip that a country vouches for, which answered over a channel that only it can speak. What it says of its holder
/// is claimed still: [`GenuineChip::check_holder_certificate`] ties that to the chip.
pub struct GenuineChip {
    files: AuthenticFiles,
    /// SHA-256 of EF 1004 as it was read for the channel.
    device_key: [u8; 32],
    is_replayed: bool,
    checked_at: SystemTime,
}

/// Checks the key with which the chip of this session authenticated itself: the bytes of EF 1004 as they were read
/// then, against EF.SOD as it comes over the channel now. No PIN is needed, and no try spent.
///
/// # Errors
/// [`Error`]: a refusal of the card is one, too.
pub fn verify(
    session: &mut Session,
    trust: &TrustStore,
    policy: &SecurityObjectPolicy,
) -> Result<GenuineChip, Error> {
    let (now, is_replayed) = (session.link().now(), session.link().is_replayed());
    let security_object = session.read(File::SecurityObject)?;
    let files = ClaimedSecurityObject::parse(&security_object)?.verify(trust, policy, now)?;
    let device_key = session.device_key_file();
    files.check_file(group::DEVICE_KEY, device_key)?;
    Ok(GenuineChip { device_key: sha256(&[device_key]), files, is_replayed, checked_at: now })
}

impl GenuineChip {
    /// Whether this session is with this chip, and not with the next person's.
    #[must_use]
    pub fn is_of(&self, session: &Session) -> bool {
        constant_time_equal(&self.device_key, &sha256(&[session.device_key_file()]))
    }

    /// Checks that a certificate is the one that was issued with this chip: a certificate and a chip of two cards do
    /// not pass for one.
    ///
    /// # Errors
    /// [`passive::Error::DigestDiffers`] or [`passive::Error::MissingGroup`].
    pub fn check_holder_certificate(&self, presented: &PresentedCertificate) -> Result<(), Error> {
        Ok(self.files.check_file(group::HOLDER_CERTIFICATE, presented.as_der())?)
    }

    /// The card's files: who signed them, and whether SHA-1 was let pass for it.
    #[must_use]
    pub fn files(&self) -> &AuthenticFiles {
        &self.files
    }

    /// Whether it is a software card or a recorded dialogue, not a chip that lies there.
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

impl fmt::Debug for GenuineChip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GenuineChip({:?})", self.files)
    }
}
