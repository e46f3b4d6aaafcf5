//! The software card's own PKI: a root and a sub CA for holders, a CSCA and a document signer.
//!
//! The shapes follow the certificates that Italy publishes; every one carries the [test
//! mark](crate::test_mark). All of it follows from the entropy and the time that are passed in.

mod certificate;
mod contact;
mod profile;
mod revocation_list;
mod security_object;

use std::time::{Duration, SystemTime};

use der::asn1::ObjectIdentifier;
use x509_cert::Certificate;

use crate::crypto::generate::{GeneratedKey, GivenExponent, generate_rsa};
use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use crate::environment::{Entropy, EntropyError};

use super::citizen::{self, Citizen};
use certificate::{Scheme, Signatory, certify};
pub use contact::{ContactHolder, HolderUsage};
pub use profile::HolderProfile;
pub use revocation_list::ListProfile;
pub use security_object::Generation;

/// A certificate, a security object or a card that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something does not fit its ASN.1 type.
    #[error("encoding failed: {0}")]
    Encoding(String),
    /// A key or a signature could not be made.
    #[error(transparent)]
    Crypto(#[from] crate::crypto::Error),
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The citizen's data are malformed.
    #[error(transparent)]
    Citizen(#[from] citizen::Error),
    /// Something is longer than its place on the card.
    #[error("{0} is longer than its place on the card")]
    TooLong(&'static str),
    /// A time that certificates cannot express.
    #[error("the time is out of range")]
    Time,
}

/// Hides the library's error type, as no type of it appears in our signatures.
fn encoding(error: der::Error) -> Error {
    Error::Encoding(error.to_string())
}

/// A time before or after another one.
pub(super) fn days_from(time: SystemTime, days: i64) -> Result<SystemTime, Error> {
    let distance = Duration::from_secs(days.unsigned_abs() * 86_400);
    let moved = if days < 0 { time.checked_sub(distance) } else { time.checked_add(distance) };
    moved.ok_or(Error::Time)
}

/// The public exponent of every key but the terminals' certification key.
pub(super) const PUBLIC_EXPONENT: GivenExponent<'_> = GivenExponent::Public(&[1, 0, 1]);

/// A key with its certificate.
#[derive(Debug)]
struct Entity {
    key: RsaPrivateKey,
    scheme: Scheme,
    certificate: Certificate,
    der: Vec<u8>,
}

impl Entity {
    fn signatory(&self) -> Result<Signatory<'_>, Error> {
        Signatory::new(&self.certificate, &self.key, self.scheme)
    }

    fn new(key: RsaPrivateKey, scheme: Scheme, certificate: Certificate) -> Result<Self, Error> {
        let der = der::Encode::to_der(&certificate).map_err(encoding)?;
        Ok(Self { key, scheme, certificate, der })
    }

    /// An authority that certifies itself.
    fn self_signed(
        profile: &profile::Profile,
        key: &GeneratedKey,
        scheme: Scheme,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        let (public, private) = halves(key)?;
        let signatory = Signatory::of_itself(profile, &public, &private, scheme)?;
        let certificate = certify(profile, &public, &signatory, entropy)?;
        Self::new(private, scheme, certificate)
    }

    /// An authority or a signer that another one certifies.
    fn issued_by(
        issuer: &Self,
        profile: &profile::Profile,
        key: &GeneratedKey,
        scheme: Scheme,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        let (public, private) = halves(key)?;
        let certificate = certify(profile, &public, &issuer.signatory()?, entropy)?;
        Self::new(private, scheme, certificate)
    }
}

/// Both halves of a generated key.
fn halves(key: &GeneratedKey) -> Result<(RsaPublicKey, RsaPrivateKey), Error> {
    let GeneratedKey { modulus, public_exponent, private_exponent, prime_p, prime_q } = key;
    let public = RsaPublicKey::new(modulus, public_exponent)?;
    let private = RsaPrivateKey::with_primes(modulus, public_exponent, private_exponent, prime_p, prime_q)?;
    Ok((public, private))
}

/// An authority above the holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authority {
    /// The root.
    Root,
    /// The CA that issues to holders.
    SubCa,
}

/// All authorities behind one batch of software cards.
#[derive(Debug)]
pub struct TestPki {
    root: Entity,
    sub_ca: Entity,
    csca: Entity,
    document_signer: Entity,
}

impl TestPki {
    /// Makes keys and certificates. `now` lies within the validity of all of them.
    ///
    /// # Errors
    /// [`Error::Crypto`], [`Error::Entropy`] or [`Error::Time`].
    pub fn generate(entropy: &mut dyn Entropy, now: SystemTime) -> Result<Self, Error> {
        let key = generate_rsa(4096, PUBLIC_EXPONENT, entropy, "key root")?;
        let root = Entity::self_signed(&profile::root(now)?, &key, Scheme::Pkcs1Sha256, entropy)?;
        let key = generate_rsa(4096, PUBLIC_EXPONENT, entropy, "key sub CA")?;
        let sub_ca = Entity::issued_by(&root, &profile::sub_ca(now)?, &key, Scheme::Pkcs1Sha256, entropy)?;
        let key = generate_rsa(4096, PUBLIC_EXPONENT, entropy, "key CSCA")?;
        let csca = Entity::self_signed(&profile::csca(now)?, &key, Scheme::PssSha512, entropy)?;
        let key = generate_rsa(2048, PUBLIC_EXPONENT, entropy, "key document signer")?;
        let document_signer =
            Entity::issued_by(&csca, &profile::document_signer(now)?, &key, Scheme::PssSha512, entropy)?;
        Ok(Self { root, sub_ca, csca, document_signer })
    }

    /// DER of the root certificate for holders.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        &self.root.der
    }

    /// DER of the certificate of the CA that issues to holders.
    #[must_use]
    pub fn sub_ca_der(&self) -> &[u8] {
        &self.sub_ca.der
    }

    /// DER of the country signing certificate.
    #[must_use]
    pub fn csca_der(&self) -> &[u8] {
        &self.csca.der
    }

    /// DER of the document signer's certificate.
    #[must_use]
    pub fn document_signer_der(&self) -> &[u8] {
        &self.document_signer.der
    }

    /// Certifies a holder's key and returns the certificate's DER.
    ///
    /// # Errors
    /// An [`Error`].
    pub fn certify_holder(
        &self,
        citizen: &Citizen,
        public_key: &RsaPublicKey,
        holder: &HolderProfile,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let profile = profile::holder(citizen, holder)?;
        let certificate = certify(&profile, public_key, &self.sub_ca.signatory()?, entropy)?;
        der::Encode::to_der(&certificate).map_err(encoding)
    }

    /// Certifies a key of a contact card and returns the certificate's DER.
    ///
    /// # Errors
    /// An [`Error`].
    pub fn certify_contact_holder(
        &self,
        citizen: &Citizen,
        public_key: &RsaPublicKey,
        holder: &ContactHolder,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let profile = contact::contact_holder(citizen, holder)?;
        let scheme = if holder.sha1 { Scheme::Pkcs1Sha1 } else { Scheme::Pkcs1Sha256 };
        let signatory = Signatory::new(&self.sub_ca.certificate, &self.sub_ca.key, scheme)?;
        let certificate = certify(&profile, public_key, &signatory, entropy)?;
        der::Encode::to_der(&certificate).map_err(encoding)
    }

    /// Has the document signer sign the digests of `files`, each under its data group number and as many
    /// bytes as are to be hashed. Returns the content of an EF.SOD.
    ///
    /// # Errors
    /// An [`Error`].
    pub fn sign_files(
        &self,
        generation: Generation,
        files: &[(u8, &[u8])],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        security_object::encode(generation, files, &self.document_signer, entropy)
    }
}

/// A certificate in PEM (RFC 7468).
///
/// # Errors
/// [`Error::Encoding`] if there is no room.
pub fn pem(der: &[u8]) -> Result<String, Error> {
    textual("CERTIFICATE", der)
}

/// A revocation list in PEM.
///
/// # Errors
/// [`Error::Encoding`] if there is no room.
pub fn list_pem(der: &[u8]) -> Result<String, Error> {
    textual("X509 CRL", der)
}

fn textual(label: &'static str, der: &[u8]) -> Result<String, Error> {
    use x509_cert::der::pem::{LineEnding, encode_string};
    encode_string(label, LineEnding::LF, der).map_err(|error| Error::Encoding(error.to_string()))
}

/// An object identifier written out.
const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}
