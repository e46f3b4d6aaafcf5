//! A signed order on its way, and what it is worth: pending once signature and signer hold, payable once the signer's
//! certificate is known not to have been revoked.

use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use cie::crypto::{self, DigestAlgorithm, PresentedCertificate};
use cie::identity::{ClaimedIdentity, CommonNameError};
use cie::trust::{
    self, Answer, CertifiedCard, Fetch, HolderPolicy, PendingStatus, Revocation, TrustStore, ValidPath,
    VerifiedCertificate,
};
use serde::{Deserialize, Serialize};

use crate::order::{Order, OrderError, TimeError};
use crate::text::shown;

/// Says what the file is, and which layout it has.
const FORMAT: &str = "cie-payment:1";
/// The only algorithm: RSASSA-PKCS1-v1_5 with SHA-256, by its name in RFC 7518.
const ALGORITHM: &str = "RS256";
/// The longest file that is read, in bytes.
pub(crate) const LENGTH_MAX: usize = 16 << 10;

/// Why a signed order is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("a signed order is at most {LENGTH_MAX} bytes long")]
    Length,
    #[error("not a signed order: {0}")]
    Json(String),
    #[error("another format or version of a signed order")]
    Format,
    #[error("signed with an algorithm that is not taken here")]
    Algorithm,
    #[error("the certificate: {0}")]
    Certificate(#[from] crypto::Error),
    #[error(transparent)]
    Trust(#[from] trust::Error),
    #[error("the signer: {0}")]
    Signer(#[from] CommonNameError),
    #[error("il pagatore non è il titolare della carta / the order names another payer than the certificate")]
    OtherPayer,
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl VerifyError {
    /// Whether nothing could be checked, as opposed to checked and bad. What is from the future says that a clock is
    /// wrong, no more.
    pub(crate) fn is_unchecked(&self) -> bool {
        match self {
            Self::Trust(trust::Error::NotYetValid) | Self::Time(TimeError::Future) => true,
            Self::Trust(error) => error.is_unchecked(),
            _ => false,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    order: String,
    certificate: String,
    algorithm: String,
    signature: String,
}

/// What somebody says is a signed order. Nothing in it is verified by reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedOrder {
    order: Vec<u8>,
    certificate: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedOrder {
    pub(crate) fn new(order: Vec<u8>, certificate: &PresentedCertificate, signature: Vec<u8>) -> Self {
        Self { order, certificate: certificate.as_der().to_vec(), signature }
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self, VerifyError> {
        if json.len() > LENGTH_MAX {
            return Err(VerifyError::Length);
        }
        let file: File = serde_json::from_slice(json).map_err(|error| VerifyError::Json(place_of(&error)))?;
        if file.format != FORMAT {
            return Err(VerifyError::Format);
        }
        if file.algorithm != ALGORITHM {
            return Err(VerifyError::Algorithm);
        }
        let bytes = |text: &str| {
            Base64::decode_vec(text).map_err(|_| VerifyError::Json("a value is no base64".to_owned()))
        };
        let (order, certificate) = (bytes(&file.order)?, bytes(&file.certificate)?);
        Ok(Self { order, certificate, signature: bytes(&file.signature)? })
    }

    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&File {
            format: FORMAT.to_owned(),
            order: Base64::encode_string(&self.order),
            certificate: Base64::encode_string(&self.certificate),
            algorithm: ALGORITHM.to_owned(),
            signature: Base64::encode_string(&self.signature),
        })
    }

    /// The bytes that are said to be signed.
    pub(crate) fn order_bytes(&self) -> &[u8] {
        &self.order
    }

    pub(crate) fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What any channel can find out by itself, without asking anybody: that the holder of a card of a known issuer
    /// signed this order, and that it is the payer's own card. Whether the card was revoked is not known by that,
    /// and nothing is paid.
    pub(crate) fn verify(&self, trust: &TrustStore, now: SystemTime) -> Result<PendingOrder, VerifyError> {
        let presented = PresentedCertificate::from_der(&self.certificate)?;
        let path = trust.verify_holder_with(&presented, now, &policy())?;
        let verified = path.verify_signature(&self.order, DigestAlgorithm::Sha256, &self.signature)?;
        // What is read is what was signed. The words at its beginning say that it was meant as an order.
        let order = Order::parse(verified.message())?;
        let identity = ClaimedIdentity::of(path.subject())?;
        // A CNS names its holder by a common name of three parts.
        if let (ClaimedIdentity::FiscalCodeOnly(_), Some(CertifiedCard::Cns)) = (&identity, path.card()) {
            return Err(CommonNameError::OtherForm.into());
        }
        if identity.fiscal_code() != order.payer() {
            return Err(VerifyError::OtherPayer);
        }
        order.check_time(now)?;
        Ok(PendingOrder { order, path, signed: self.clone() })
    }
}

/// Where and how a JSON text is wrong, in our own words: serde's repeat what somebody wrote there.
fn place_of(error: &serde_json::Error) -> String {
    let how = match error.classify() {
        serde_json::error::Category::Data => "other members or values than those of a signed order",
        serde_json::error::Category::Eof => "it ends early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "no JSON",
    };
    format!("{how}, at line {} column {}", error.line(), error.column())
}

/// Whose signature counts: cards of today, with today's cryptography.
fn policy() -> HolderPolicy {
    HolderPolicy::of(CertifiedCard::Cie3).and(CertifiedCard::Cns)
}

/// An order that its payer signed. Only [`SignedOrder::verify`] makes one.
#[derive(Debug)]
pub(crate) struct PendingOrder {
    order: Order,
    path: ValidPath,
    signed: SignedOrder,
}

impl PendingOrder {
    pub(crate) fn order(&self) -> &Order {
        &self.order
    }

    pub(crate) fn signed(&self) -> &SignedOrder {
        &self.signed
    }

    /// Whether a software card signed: nobody's money.
    pub(crate) fn is_test(&self) -> bool {
        self.path.is_test()
    }

    /// The payer's name as the certificate has it; some cards' certificates have none.
    pub(crate) fn name(&self) -> String {
        let subject = self.path.subject();
        let names = [&subject.given_name, &subject.surname].into_iter().flatten();
        names.map(|name| shown(name)).collect::<Vec<_>>().join(" ")
    }

    /// Begins to ask whether the payer's certificate was revoked. What is not known already is described, not
    /// fetched: [`AskedOrder::fetch`] has somebody ask.
    pub(crate) fn ask(self, revocation: &Revocation, now: SystemTime) -> Result<AskedOrder, trust::Error> {
        let status = revocation.begin(self.path.clone(), now)?;
        Ok(AskedOrder { pending: self, status })
    }
}

/// A pending order whose payer's certificate is being asked about.
pub(crate) struct AskedOrder {
    pending: PendingOrder,
    status: PendingStatus,
}

impl AskedOrder {
    /// Asks lists and responders for what the lists that are held do not say.
    pub(crate) fn fetch(&self, fetch: &dyn Fetch, now: SystemTime) -> Vec<Answer> {
        self.status.fetch(fetch, now)
    }

    /// Takes the answers. Nothing but a good status of every certificate will do: this is money.
    pub(crate) fn finish(self, answers: &[Answer], now: SystemTime) -> Result<PayableOrder, trust::Error> {
        let certificate = self.status.finish(answers, now)?;
        Ok(PayableOrder { pending: self.pending, certificate })
    }
}

/// An order that its payer signed with a card that was not revoked: what the ledger takes.
#[derive(Debug)]
pub(crate) struct PayableOrder {
    pending: PendingOrder,
    certificate: VerifiedCertificate,
}

impl PayableOrder {
    pub(crate) fn pending(&self) -> &PendingOrder {
        &self.pending
    }

    /// Until when what is known of the certificate is good.
    pub(crate) fn good_until(&self) -> SystemTime {
        self.certificate.good_until()
    }
}
