//! The members of a token's JSON object: each at most once, whatever else stands there.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{SIGNING_CERTIFICATES_MAX, SigningAlgorithm, TokenError};

/// The words of Web eID for what a key can do.
const CRYPTO_ALGORITHMS: [&str; 2] = ["RSA", "ECC"];
const HASH_FUNCTIONS: [&str; 8] =
    ["SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"];
const PADDING_SCHEMES: [&str; 3] = ["NONE", "PKCS1.5", "PSS"];
/// The most ways to sign that are read for one certificate.
const ALGORITHMS_MAX: usize = 32;
const TWICE: &str = "a member stands there twice";

/// The members that are known, as texts.
#[derive(Default)]
pub(super) struct Members {
    pub(super) certificate: String,
    pub(super) algorithm: String,
    pub(super) signature: String,
    pub(super) format: String,
    pub(super) app_version: Option<String>,
    /// An earlier draft of format 1.1 had one certificate, and its algorithms beside it.
    signing_certificate: Option<String>,
    supported: Option<Vec<Algorithm>>,
    signing_certificates: Option<Vec<Signing>>,
}

impl Members {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            // What stood there is the sender's, and no error repeats it: only our own words.
            let ours = said.starts_with("missing field") || said.starts_with(TWICE);
            // Where it stood tells how long what stands before it is, the certificate above all.
            let said = said.split(" at line ").next().unwrap_or_default().to_owned();
            match error.classify() {
                serde_json::error::Category::Data if ours => said,
                serde_json::error::Category::Data => "a member of the wrong type".to_owned(),
                _ => "malformed JSON".to_owned(),
            }
        })
    }

    /// The minor version: `web-eid:1` is `web-eid:1.0`, as the reference implementation has it.
    pub(super) fn minor_version(&self) -> Option<u32> {
        match self.format.strip_prefix("web-eid:1")? {
            "" => Some(0),
            rest => {
                let digits = rest.strip_prefix('.')?;
                let good =
                    !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
                if good { digits.parse().ok() } else { None }
            }
        }
    }

    /// The signing certificates in base64, with what their keys can do, in either shape. Format 1.1 has at least one.
    pub(super) fn signing_certificates(&self) -> Result<Vec<(String, Vec<SigningAlgorithm>)>, TokenError> {
        let known =
            |algorithms: &[Algorithm]| algorithms.iter().map(Algorithm::known).collect::<Option<Vec<_>>>();
        let all = match (&self.signing_certificates, &self.signing_certificate, &self.supported) {
            (Some(several), None, None) => {
                several.iter().map(|one| (one.certificate.clone(), known(&one.supported))).collect::<Vec<_>>()
            }
            (None, Some(one), Some(supported)) => vec![(one.clone(), known(supported))],
            _ => return Err(TokenError::Json("format 1.1 without its signing certificates".to_owned())),
        };
        if !matches!(all.len(), 1..=SIGNING_CERTIFICATES_MAX) {
            return Err(TokenError::Json("no signing certificate, or too many".to_owned()));
        }
        let good = |(certificate, algorithms): (String, Option<Vec<SigningAlgorithm>>)| {
            let algorithms = algorithms.filter(|list| matches!(list.len(), 1..=ALGORITHMS_MAX));
            algorithms.map(|algorithms| (certificate, algorithms))
        };
        let all: Option<Vec<_>> = all.into_iter().map(good).collect();
        all.ok_or_else(|| TokenError::Json("an algorithm that is not known".to_owned()))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads the object member by member: what serde derives would let a member that is not known stand there twice.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let mut seen = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "unverifiedCertificate" => members.certificate = object.next_value()?,
                "algorithm" => members.algorithm = object.next_value()?,
                "signature" => members.signature = object.next_value()?,
                "format" => members.format = object.next_value()?,
                // Before it was called appVersion.
                "appVersion" | "issuerApp" => {
                    let version: String = object.next_value()?;
                    members.app_version.get_or_insert(version);
                }
                "unverifiedSigningCertificate" => members.signing_certificate = Some(object.next_value()?),
                "supportedSignatureAlgorithms" => members.supported = Some(object.next_value()?),
                "unverifiedSigningCertificates" => members.signing_certificates = Some(object.next_value()?),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
            if !seen.insert(name) {
                return Err(de::Error::custom(TWICE));
            }
        }
        for name in ["unverifiedCertificate", "algorithm", "signature", "format"] {
            if !seen.contains(name) {
                return Err(de::Error::missing_field(name));
            }
        }
        Ok(members)
    }
}

#[derive(serde::Deserialize)]
struct Signing {
    certificate: String,
    #[serde(rename = "supportedSignatureAlgorithms")]
    supported: Vec<Algorithm>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Algorithm {
    crypto_algorithm: String,
    hash_function: String,
    padding_scheme: String,
}

impl Algorithm {
    fn known(&self) -> Option<SigningAlgorithm> {
        let find = |words: &[&'static str], word: &str| words.iter().find(|known| **known == word).copied();
        Some(SigningAlgorithm {
            crypto_algorithm: find(&CRYPTO_ALGORITHMS, &self.crypto_algorithm)?,
            hash_function: find(&HASH_FUNCTIONS, &self.hash_function)?,
            padding_scheme: find(&PADDING_SCHEMES, &self.padding_scheme)?,
        })
    }
}
