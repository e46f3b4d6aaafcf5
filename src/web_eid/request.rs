//! What the extension asks: one command with exactly its arguments, each of them judged before anybody is asked
//! anything.

use std::fmt;
use std::marker::PhantomData;

use base64ct::{Base64, Encoding};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::crypto::Digest;
use crate::login::{Nonce, NonceError, Origin, OriginError, SigningAlgorithm};

/// The longest `lang`: a tag such as `it` or `en-GB`.
const LANGUAGE_MAX: usize = 8;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// Nothing but to end: the extension wanted to know the version.
    Quit,
    /// A login token for this origin and this challenge.
    Authenticate {
        /// The page that asks, as the browser says.
        origin: Origin,
        /// The portal's challenge.
        nonce: Nonce,
    },
    /// The certificate of the key that signs documents.
    GetSigningCertificate {
        /// The page that asks, as the browser says.
        origin: Origin,
    },
    /// A signature of that key.
    Sign(SignRequest),
}

/// What a page wants signed: a digest of its own choosing, whatever it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignRequest {
    /// The page that asks, as the browser says.
    pub origin: Origin,
    /// The digest.
    pub digest: Digest,
    /// How the page wants it signed.
    pub algorithm: SigningAlgorithm,
    /// DER of the certificate that `get-signing-certificate` gave: the card must be that one.
    pub certificate: Vec<u8>,
}

/// Why a message is no request. None of the texts repeats what the message said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not JSON, or not an object with a text `command` and an object `arguments`, or a member stands there twice, or
    /// an argument that no command has.
    #[error("not a request")]
    Malformed,
    /// A command that is not known here.
    #[error("an unknown command")]
    Command,
    /// Not exactly the arguments of the command.
    #[error("not the arguments of this command")]
    Arguments,
    /// What stands there as origin is none.
    #[error("the origin: {0}")]
    Origin(#[from] OriginError),
    /// What stands there as challenge is none.
    #[error("the challenge: {0}")]
    Nonce(#[from] NonceError),
    /// Not base64 with the alphabet of RFC 4648 section 4, padded.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// A hash function that no card here signs, or a digest that is not one of its.
    #[error("a hash that cannot be signed")]
    Hash,
}

/// Members beyond these two are passed over: a later extension may send some.
#[derive(serde::Deserialize)]
struct Envelope {
    command: String,
    arguments: Object<Arguments>,
}

/// The arguments of all commands; one that no command has is refused, and one that stands there twice.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Arguments {
    origin: Option<String>,
    challenge_nonce: Option<String>,
    hash: Option<String>,
    hash_function: Option<String>,
    certificate: Option<String>,
    lang: Option<String>,
}

/// A JSON object: what serde derives would take an array as well, with its members in order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

impl Request {
    /// Reads a message. With the request comes the language that the page asks for, if it does: a tag such as `it`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn parse(message: &[u8]) -> Result<(Self, Option<String>), RequestError> {
        let Object(envelope): Object<Envelope> =
            serde_json::from_slice(message).map_err(|_| RequestError::Malformed)?;
        let Object(arguments) = envelope.arguments;
        let Arguments { origin, challenge_nonce, hash, hash_function, certificate, lang } = arguments;
        // What is no language is no reason to let nobody in.
        let lang = lang.filter(|lang| is_language(lang));
        let given = (origin, challenge_nonce, hash, hash_function, certificate);
        let request = match (envelope.command.as_str(), given) {
            ("quit", (None, None, None, None, None)) => Self::Quit,
            ("authenticate", (Some(origin), Some(nonce), None, None, None)) => {
                Self::Authenticate { origin: Origin::parse(&origin)?, nonce: Nonce::parse(&nonce)? }
            }
            ("get-signing-certificate", (Some(origin), None, None, None, None)) => {
                Self::GetSigningCertificate { origin: Origin::parse(&origin)? }
            }
            ("sign", (Some(origin), None, Some(hash), Some(function), Some(certificate))) => {
                let origin = Origin::parse(&origin)?;
                let (algorithm, digest) = digest(&function, &hash)?;
                let certificate = decode("the certificate", &certificate)?;
                Self::Sign(SignRequest { origin, digest, algorithm, certificate })
            }
            ("quit" | "authenticate" | "get-signing-certificate" | "sign", _) => {
                return Err(RequestError::Arguments);
            }
            _ => return Err(RequestError::Command),
        };
        Ok((request, lang))
    }
}

fn is_language(lang: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    matches!(lang.len(), 2..=LANGUAGE_MAX) && lang.bytes().all(fits)
}

/// The cards here sign SHA-2; not its shortest, and not SHA-3.
fn digest(function: &str, base64: &str) -> Result<(SigningAlgorithm, Digest), RequestError> {
    let mut known = SigningAlgorithm::OF_CARDS.into_iter();
    let found = known.find(|(algorithm, _)| algorithm.hash_function == function);
    let (algorithm, digest) = found.ok_or(RequestError::Hash)?;
    let digest = Digest::from_bytes(digest, &decode("the hash", base64)?).map_err(|_| RequestError::Hash)?;
    Ok((algorithm, digest))
}

fn decode(name: &'static str, base64: &str) -> Result<Vec<u8>, RequestError> {
    Base64::decode_vec(base64).map_err(|_| RequestError::Base64(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NONCE: &str = "12345678123456781234567812345678912356789123";
    const ORIGIN: &str = "https://portale.comune.example.it";

    fn parse(value: &serde_json::Value) -> Result<(Request, Option<String>), RequestError> {
        Request::parse(value.to_string().as_bytes())
    }

    #[test]
    fn every_command_with_its_arguments() {
        let hash = Base64::encode_string(&[7; 32]);
        let certificate = Base64::encode_string(b"certificate");
        for (command, arguments) in [
            ("quit", json!({})),
            ("authenticate", json!({"origin": ORIGIN, "challengeNonce": NONCE})),
            ("get-signing-certificate", json!({"origin": ORIGIN})),
            (
                "sign",
                json!({"origin": ORIGIN, "hash": hash, "hashFunction": "SHA-256", "certificate": certificate}),
            ),
        ] {
            let mut value = json!({"command": command, "arguments": arguments});
            let (request, lang) = parse(&value).unwrap();
            assert_eq!(lang, None);
            match request {
                Request::Quit => assert_eq!(command, "quit"),
                Request::Authenticate { origin, nonce } => {
                    assert_eq!((command, origin.as_str(), nonce.as_str()), ("authenticate", ORIGIN, NONCE));
                }
                Request::GetSigningCertificate { origin } => {
                    assert_eq!((command, origin.as_str()), ("get-signing-certificate", ORIGIN));
                }
                Request::Sign(sign) => {
                    assert_eq!((command, sign.origin.as_str()), ("sign", ORIGIN));
                    assert_eq!(
                        (sign.digest.as_bytes(), sign.certificate.as_slice()),
                        (&[7; 32][..], &b"certificate"[..])
                    );
                    assert_eq!(sign.digest.message_length(), None, "nobody knows of what");
                }
            }
            // The language may stand everywhere, and later members outside.
            value["arguments"]["lang"] = json!("it");
            value["version"] = json!(3);
            assert_eq!(parse(&value).unwrap().1.as_deref(), Some("it"));
            // One less, one more, one that no command has, one that is no text.
            let whole = value.clone();
            for name in ["origin", "challengeNonce", "hash", "hashFunction", "certificate"] {
                let mut other = whole.clone();
                let arguments = other["arguments"].as_object_mut().unwrap();
                if arguments.remove(name).is_none() {
                    arguments.insert(name.to_owned(), json!("x"));
                }
                assert_eq!(parse(&other), Err(RequestError::Arguments), "{command} {name}");
                let mut other = whole.clone();
                other["arguments"][name] = json!(1);
                assert_eq!(parse(&other), Err(RequestError::Malformed), "{command} {name}");
            }
            let mut other = whole;
            other["arguments"]["pin"] = json!("12345678");
            assert_eq!(parse(&other), Err(RequestError::Malformed), "{command}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        use RequestError::{Command, Hash, Malformed};
        let nonce = json!({"origin": ORIGIN, "challengeNonce": "short"});
        for (message, error) in [
            (json!([]), Malformed),
            (json!({}), Malformed),
            (json!({"command": "quit"}), Malformed),
            (json!({"command": 1, "arguments": {}}), Malformed),
            (json!({"command": "quit", "arguments": []}), Malformed),
            (json!({"command": "status", "arguments": {}}), Command),
            (json!({"command": "Quit", "arguments": {}}), Command),
            (json!({"command": "quit", "arguments": {"lang": 1}}), Malformed),
            (json!(["quit", {}]), Malformed),
            (json!({"command": "quit", "arguments": [null, null, null, null, null, null]}), Malformed),
            (json!(["authenticate", [ORIGIN, NONCE, null, null, null, null]]), Malformed),
            (json!({"command": "authenticate", "arguments": nonce}), RequestError::Nonce(NonceError)),
        ] {
            assert_eq!(parse(&message), Err(error), "{message}");
        }
        for lang in ["", "i", "it\nen", "it_IT", "zh-Hant-TW"] {
            let quit = json!({"command": "quit", "arguments": {"lang": lang}});
            assert_eq!(parse(&quit), Ok((Request::Quit, None)), "{lang:?}");
        }
        let good = Base64::encode_string(&[7; 32]);
        for (hash, function, certificate, error) in [
            ("*", "SHA-256", "AAAA", RequestError::Base64("the hash")),
            (good.as_str(), "SHA-256", "*", RequestError::Base64("the certificate")),
            (&good, "SHA-384", "AAAA", Hash),
            (&good, "SHA-1", "AAAA", Hash),
            (&good, "SHA3-256", "AAAA", Hash),
            (&good, "sha-256", "AAAA", Hash),
            ("", "SHA-256", "AAAA", Hash),
        ] {
            let arguments =
                json!({"origin": ORIGIN, "hash": hash, "hashFunction": function, "certificate": certificate});
            assert_eq!(parse(&json!({"command": "sign", "arguments": arguments})), Err(error), "{function}");
        }
        for text in [
            "",
            "null",
            "{\"command\":\"quit\",\"command\":\"quit\",\"arguments\":{}}",
            "{\"command\":\"quit\",\"arguments\":{\"lang\":\"it\",\"lang\":\"it\"}}",
            "{\"command\":\"quit\",\"arguments\":{}} x",
            "{\"command\":\"quit\",\"arguments\":{}",
        ] {
            assert_eq!(Request::parse(text.as_bytes()), Err(Malformed), "{text}");
        }
        assert_eq!(Request::parse(b"{\"command\":\"\xFF\",\"arguments\":{}}"), Err(Malformed));
        let deep = format!("{{\"command\":\"quit\",\"x\":{}", "[".repeat(8000));
        assert_eq!(Request::parse(deep.as_bytes()), Err(Malformed));
    }

    /// Whatever stands there as origin, only what a browser writes of an https page goes on.
    #[test]
    fn an_origin_is_one_or_nothing_happens() {
        for origin in [
            "http://portale.example.it",
            "https://portale.example.it/",
            "https://portale.example.it ",
            " https://portale.example.it",
            "https://portale.example.it\nD 12345678",
            "https://portale.example.it%0AD 12345678",
            "https://portale.example.it\r\nOK",
            "https://portale.examp\u{6C}\u{435}.it",
            "https://portale.example.it\u{202E}",
            "https://portale.example.it\0",
            "wss://portale.example.it",
            "null",
            "",
            "file://",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ] {
            let hash = Base64::encode_string(&[7; 32]);
            for (command, more) in [
                ("authenticate", json!({"challengeNonce": NONCE})),
                ("get-signing-certificate", json!({})),
                ("sign", json!({"hash": hash, "hashFunction": "SHA-256", "certificate": "AAAA"})),
            ] {
                let mut arguments = more;
                arguments["origin"] = json!(origin);
                let outcome = parse(&json!({"command": command, "arguments": arguments}));
                assert!(matches!(outcome, Err(RequestError::Origin(_))), "{origin:?}: {outcome:?}");
            }
        }
    }
}
