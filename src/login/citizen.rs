//! A citizen who was let in.

use std::fmt;

use super::{Error, SigningCertificate};
use crate::identity::{ClaimedIdentity, CommonNameError, FiscalCode};
use crate::trust::{CertifiedCard, Name, Proof, UnknownStatus, VerifiedCertificate};

/// What stands before the document number in a CIE 3 certificate (ETSI EN 319 412-1 section 5.1.3: identity card,
/// Italy).
const IDENTITY_CARD: &str = "IDCIT-";

/// A citizen who answered a fresh challenge with the key of a certificate that a known issuer gave to this fiscal
/// code. What vouches for the certificate is the type's parameter: whether it was revoked is known to be no
/// ([`VerifiedCertificate`]), could not be asked ([`UnknownStatus`]), or was not asked
/// ([`ValidPath`](crate::trust::ValidPath)).
///
/// Debug shows nothing of the person.
#[derive(Clone)]
pub struct Citizen<P: Proof = VerifiedCertificate> {
    identity: ClaimedIdentity,
    card_number: Option<String>,
    signing_certificates: Vec<SigningCertificate>,
    proof: P,
}

/// What comes of a login under soft-fail.
#[derive(Debug, Clone)]
pub enum SoftCitizen {
    /// The certificate was not revoked.
    Verified(Box<Citizen>),
    /// Nobody could say whether it was.
    StatusUnknown(Box<Citizen<UnknownStatus>>),
}

/// Whom a verified certificate names, read before anything is fetched: a certificate without a fiscal code lets
/// nobody in.
pub(super) struct Identity {
    identity: ClaimedIdentity,
    card_number: Option<String>,
    signing_certificates: Vec<SigningCertificate>,
}

impl Identity {
    pub(super) fn of(
        subject: &Name,
        card: Option<CertifiedCard>,
        signing_certificates: Vec<SigningCertificate>,
    ) -> Result<Self, Error> {
        let identity = ClaimedIdentity::of(subject)?;
        // A CIE 3 names its holder by the fiscal code alone, and a CNS by a name of three parts.
        let card_number = match (&identity, card) {
            (ClaimedIdentity::CommonName(name), _) => Some(name.card_id().trim_end_matches(' ').to_owned()),
            (ClaimedIdentity::FiscalCodeOnly(_), Some(CertifiedCard::Cns)) => {
                return Err(CommonNameError::OtherForm.into());
            }
            _ => {
                let serial = subject.serial_number.as_deref();
                serial.and_then(|serial| serial.strip_prefix(IDENTITY_CARD)).map(str::to_owned)
            }
        };
        Ok(Self { identity, card_number, signing_certificates })
    }

    pub(super) fn vouched<P: Proof>(self, proof: P) -> Citizen<P> {
        let Self { identity, card_number, signing_certificates } = self;
        Citizen { identity, card_number, signing_certificates, proof }
    }
}

impl<P: Proof> Citizen<P> {
    /// The fiscal code, with a right check character; where two citizens would share one, as it was given to this
    /// one ([`FiscalCode::is_omocodia`](crate::identity::FiscalCode)).
    #[must_use]
    pub fn fiscal_code(&self) -> &FiscalCode {
        self.identity.fiscal_code()
    }

    /// The surname, if the certificate tells it; issuers cut off what is longer than 64 characters.
    #[must_use]
    pub fn surname(&self) -> Option<&str> {
        self.subject().surname.as_deref()
    }

    /// The given names, likewise.
    #[must_use]
    pub fn given_names(&self) -> Option<&str> {
        self.subject().given_name.as_deref()
    }

    /// The number of the card: the document number of a CIE 3, the number in the common name of a CNS.
    #[must_use]
    pub fn card_number(&self) -> Option<&str> {
        self.card_number.as_deref()
    }

    /// The kind of card.
    #[must_use]
    pub fn card(&self) -> Option<CertifiedCard> {
        self.proof.path().card()
    }

    /// The subject of the certificate.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.proof.path().subject()
    }

    /// What vouches for the certificate: keep it as evidence of the login.
    #[must_use]
    pub fn proof(&self) -> &P {
        &self.proof
    }

    /// The certificate (DER) that the challenge was answered with.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        self.proof.path().certificate().as_der()
    }

    /// Certificates for signing documents that the citizen's program sent along: claims, see
    /// [`SigningCertificate`].
    #[must_use]
    pub fn unverified_signing_certificates(&self) -> &[SigningCertificate] {
        &self.signing_certificates
    }

    /// Whether this is a software card of a test PKI, and nobody at all.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.proof.path().is_test()
    }

    /// Whether older cryptography had to be let pass
    /// ([`HolderPolicy::allow_legacy_cryptography`](crate::trust::HolderPolicy::allow_legacy_cryptography)).
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.proof.path().is_legacy()
    }
}

impl<P: Proof> fmt::Debug for Citizen<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Citizen(..{})", if self.is_test() { ", test" } else { "" })
    }
}
