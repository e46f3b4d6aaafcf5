//! The certificates on the card: where they may be and what they are wrapped in.

use std::sync::Arc;

use super::credential::{Credential, Form, KeySet};
use super::{Cause, Error, Fci, Session, Step, UNTOLD_SIZE_MAX};
use crate::crypto::PresentedCertificate;
use crate::dialogue::Step as _;
use crate::file::{self, Extent};
use crate::iso7816::{StatusWord, tlv};

/// Bytes before a wrapped certificate; the second and third are its length.
const WRAPPING: usize = 5;

/// A certificate that was read, and the key that belongs to it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) key_set: KeySet,
    pub(super) certificate: Arc<PresentedCertificate>,
}

impl Session {
    /// The certificate of a key; read from the card the first time. Anybody may read it: no PIN is needed.
    ///
    /// # Errors
    /// [`Cause::NoCertificate`] if the card has none, [`Cause::Crypto`] if it is not one.
    pub fn certificate(&mut self, credential: Credential) -> Result<&PresentedCertificate, Error> {
        Ok(&self.hold_certificate(credential)?.certificate)
    }

    pub(super) fn hold_certificate(&mut self, credential: Credential) -> Result<&Held, Error> {
        let held = match self.certificate_slot(credential).take() {
            Some(held) => held,
            None => self.read_certificate(credential)?,
        };
        Ok(self.certificate_slot(credential).insert(held))
    }

    /// Looks where the certificate may be; an empty file is like none.
    fn read_certificate(&mut self, credential: Credential) -> Result<Held, Error> {
        let step = Step::ReadCertificate(credential);
        let mut missing = step.failed(Cause::NoCertificate);
        for key_set in credential.key_sets(self.family) {
            match self.read_one_certificate(key_set, step) {
                Ok(certificate) => return Ok(Held { key_set, certificate: Arc::new(certificate) }),
                // Not there, or not for us: the next place. What was refused is told if there is no other.
                Err(error) => match error.cause {
                    Cause::NoCertificate | Cause::Status(StatusWord::FILE_NOT_FOUND) => {}
                    Cause::Status(_) | Cause::SecureMessagingRequired => missing = error,
                    _ => return Err(error),
                },
            }
        }
        Err(missing)
    }

    fn read_one_certificate(&mut self, set: KeySet, step: Step) -> Result<PresentedCertificate, Error> {
        let der = match set.form {
            Form::Plain => match self.read_path(set.certificate, step, |_| Extent::OuterObject) {
                Err(error) if is_of_nothing(&error.cause) => return Err(step.failed(Cause::NoCertificate)),
                read => read?,
            },
            Form::Wrapped => {
                let size = |fci: &Fci| Extent::AtMost(fci.size().unwrap_or(UNTOLD_SIZE_MAX));
                let wrapped = self.read_path(set.certificate, step, size)?;
                unwrap(&wrapped).ok_or_else(|| step.failed(Cause::NoCertificate))?.to_vec()
            }
        };
        // A file that nobody wrote a certificate to has zeros, or nothing but ones.
        if matches!(der.first(), None | Some(0x00 | 0xFF)) {
            return Err(step.failed(Cause::NoCertificate));
        }
        PresentedCertificate::from_der(&der).map_err(|e| step.failed(e))
    }

    fn certificate_slot(&mut self, credential: Credential) -> &mut Option<Held> {
        let [authentication, signature] = &mut self.certificates;
        match credential {
            Credential::Authentication => authentication,
            Credential::Signature => signature,
        }
    }
}

/// Whether a file that should begin with an object has none: no byte, or ones, which are a tag without an end.
fn is_of_nothing(cause: &Cause) -> bool {
    match cause {
        Cause::Status(StatusWord::WRONG_OFFSET) | Cause::File(file::Error::NoData) => true,
        Cause::File(file::Error::Malformed(tlv::Error { kind, position })) => match kind {
            tlv::ErrorKind::TagTooLong => true,
            tlv::ErrorKind::Truncated => *position < 4,
            _ => false,
        },
        _ => false,
    }
}

/// The certificate behind its five bytes.
fn unwrap(file: &[u8]) -> Option<&[u8]> {
    let [_, high, low] = file.first_chunk::<3>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    file.get(WRAPPING..WRAPPING + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use file::Error;

    #[test]
    fn the_certificate_behind_its_five_bytes() {
        assert_eq!(unwrap(&[0x61, 0, 2, 0x62, 0x63, 0x30, 0x00, 0xFF]), Some(&[0x30, 0x00][..]));
        assert_eq!(unwrap(&[0, 0, 0, 0, 0, 0x30]), Some(&[][..]));
        for file in [&[0, 0][..], &[0, 0, 2, 0, 0, 0x30], &[0, 0xFF, 0xFF, 0, 0, 0x30], &[0, 0, 1]] {
            assert_eq!(unwrap(file), None, "{file:02X?}");
        }
    }

    /// A file that begins with a header of an object and ends too early was cut; one without a header has nothing.
    #[test]
    fn a_file_without_an_object_is_told_from_one_that_is_cut() {
        let truncated = |position| {
            Cause::File(Error::Malformed(tlv::Error { kind: tlv::ErrorKind::Truncated, position }))
        };
        let malformed = |kind| Cause::File(Error::Malformed(tlv::Error { kind, position: 0 }));
        for nothing in [
            Cause::Status(StatusWord::WRONG_OFFSET),
            Cause::File(Error::NoData),
            malformed(tlv::ErrorKind::TagTooLong),
            truncated(0),
            truncated(3),
        ] {
            assert!(is_of_nothing(&nothing), "{nothing}");
        }
        for other in [
            Cause::Status(StatusWord::FILE_NOT_FOUND),
            Cause::File(Error::TooLong(70_000)),
            Cause::File(Error::Truncated { found: 4, expected: 900 }),
            malformed(tlv::ErrorKind::LengthForm),
            truncated(4),
        ] {
            assert!(!is_of_nothing(&other), "{other}");
        }
    }
}
