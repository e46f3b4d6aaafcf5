//! What the extension is told: a result, or one of two errors.

use base64ct::{Base64, Encoding};
use serde_json::json;

use crate::crypto::PresentedCertificate;
use crate::login::{AuthToken, SigningAlgorithm};

/// The version of the protocol that is spoken, and behind the plus sign who speaks it (semantic versioning). The
/// extension takes a program whose first number is not lower than its own.
pub const PROTOCOL_VERSION: &str = concat!("2.0.0+cie-card.", env!("CARGO_PKG_VERSION"));

/// What an error says to the page. Why it is, the person was told: a page has no business with what reader or card
/// somebody has.
const FATAL: &str = "the login program could not do this; if it could open a window, it said why there";
const CANCELLED: &str = "the person did not go on";

/// An answer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// Who is here, said before anybody asks.
    Version,
    /// To `quit`.
    Done,
    /// To `authenticate`.
    Token(&'a AuthToken),
    /// To `get-signing-certificate`.
    SigningCertificate(&'a PresentedCertificate),
    /// To `sign`: the signature, and how it was made.
    Signature(&'a [u8], SigningAlgorithm),
    /// It cannot be done, and trying again changes nothing: `ERR_WEBEID_NATIVE_FATAL`. With a reason if that is the
    /// page's own doing, and tells nothing of the person.
    Fatal(Option<&'a str>),
    /// The person did not want to: `ERR_WEBEID_USER_CANCELLED`.
    Cancelled,
}

impl Answer<'_> {
    /// The answer as JSON, one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let error = |code: &str, message: &str| json!({ "error": { "code": code, "message": message } });
        let object = match self {
            Self::Version => json!({ "version": PROTOCOL_VERSION }),
            Self::Done => json!({}),
            Self::Token(token) => return token.to_json(),
            Self::SigningCertificate(certificate) => {
                let algorithms = SigningAlgorithm::OF_CARDS.map(|(algorithm, _)| algorithm.to_json());
                json!({
                    "certificate": Base64::encode_string(certificate.as_der()),
                    "supportedSignatureAlgorithms": algorithms,
                })
            }
            Self::Signature(signature, algorithm) => json!({
                "signature": Base64::encode_string(signature),
                "signatureAlgorithm": algorithm.to_json(),
            }),
            Self::Fatal(reason) => error("ERR_WEBEID_NATIVE_FATAL", reason.unwrap_or(FATAL)),
            Self::Cancelled => error("ERR_WEBEID_USER_CANCELLED", CANCELLED),
        };
        object.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_version_is_one_that_the_extension_takes() {
        let (numbers, build) = PROTOCOL_VERSION.split_once('+').unwrap();
        let numbers: Vec<u32> = numbers.split('.').map(|number| number.parse().unwrap()).collect();
        assert!(numbers.len() == 3 && numbers[0] >= 2);
        assert!(build.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }));
        assert_eq!(Answer::Version.to_json(), format!("{{\"version\":\"{PROTOCOL_VERSION}\"}}"));
    }

    #[test]
    fn answers_have_their_members() {
        let parse = |answer: Answer<'_>| serde_json::from_str::<Value>(&answer.to_json()).unwrap();
        assert_eq!(parse(Answer::Done), json!({}));
        assert_eq!(
            parse(Answer::Signature(&[1, 2, 3], SigningAlgorithm::OF_CARDS[1].0)),
            json!({
                "signature": "AQID",
                "signatureAlgorithm":
                    { "cryptoAlgorithm": "RSA", "hashFunction": "SHA-384", "paddingScheme": "PKCS1.5" },
            })
        );
        assert_eq!(parse(Answer::Cancelled)["error"]["code"], "ERR_WEBEID_USER_CANCELLED");
        assert_eq!(parse(Answer::Fatal(None))["error"]["code"], "ERR_WEBEID_NATIVE_FATAL");
        assert_eq!(parse(Answer::Fatal(Some("because")))["error"]["message"], "because");
    }
}
