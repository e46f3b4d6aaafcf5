//! What a relying party is handed: revocation lists, responses of responders, login tokens.

use std::time::SystemTime;

use base64ct::Encoding as _;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use crate::login::{AuthToken, Nonce, Origin};
use crate::trust::RevocationList;

/// A revocation list: what is taken, another parser takes too and reads the same in it; it does not grow or shrink,
/// and says the same in PEM.
pub fn revocation_list(input: &[u8]) {
    let Ok(list) = RevocationList::from_bytes(input) else { return };
    assert!(list.this_update() <= list.next_update());
    assert_eq!(
        format!("{list:?}"),
        format!("RevocationList({} revoked)", list.len()),
        "nothing else is shown"
    );
    if input.first() != Some(&0x30) {
        return;
    }
    assert!(RevocationList::from_bytes(&[input, &[0]].concat()).is_err());
    let shorter = input.split_last().map(|(_, shorter)| RevocationList::from_bytes(shorter));
    assert!(shorter.is_some_and(|list| list.is_err()));

    let (rest, other) = CertificateRevocationList::from_der(input).expect("another parser takes it too");
    assert!(rest.is_empty());
    assert_eq!(other.issuer().as_raw(), list.issuer_der());
    let seconds = |moment: SystemTime| {
        let since_1970 =
            moment.duration_since(SystemTime::UNIX_EPOCH).expect("nothing was valid before 1970");
        i64::try_from(since_1970.as_secs()).ok()
    };
    assert_eq!(seconds(list.this_update()), Some(other.last_update().timestamp()));
    assert_eq!(seconds(list.next_update()), other.next_update().map(|time| time.timestamp()));
    let is_delta = |oid: String| ["2.5.29.27", "2.5.29.46"].contains(&oid.as_str());
    assert!(!other.extensions().iter().any(|extension| is_delta(extension.oid.to_id_string())));
    let mut count = 0;
    for entry in other.iter_revoked_certificates() {
        count += 1;
        assert!(entry.revocation_date.timestamp() >= 0);
        let taken_back = entry.reason_code().is_some_and(|(_, reason)| reason.0 == 8);
        let of_others =
            entry.extensions().iter().any(|extension| extension.oid.to_id_string() == "2.5.29.29");
        assert!(!taken_back && !of_others);
    }
    assert!(list.len() <= count && list.is_empty() == (count == 0));

    let pem = base64ct::Base64::encode_string(input);
    let pem = format!("-----BEGIN X509 CRL-----\n{pem}\n-----END X509 CRL-----\n");
    let again = RevocationList::from_bytes(pem.as_bytes()).expect("the same in PEM");
    assert_eq!((again.len(), again.issuer_der()), (list.len(), list.issuer_der()));
}

/// A response by a responder: whatever is read as one is whole, and what is signed is a piece of it.
pub fn ocsp_response(input: &[u8]) {
    crate::trust::check_reading_of_responses(input);
}

/// A login token: what is read can be written and says the same then; it is a token for no challenge that it was not
/// made for.
pub fn token(input: &[u8]) {
    let Ok(token) = AuthToken::parse(input) else { return };
    assert!((100..=10_000).contains(&input.len()));
    let written = token.to_json();
    let again = AuthToken::parse(written.as_bytes());
    // Signing certificates that came twice may not fit any more; nothing else grows.
    assert!(again.as_ref() == Ok(&token) || written.len() > 10_000, "{again:?}");
    let other: serde_json::Value = serde_json::from_slice(input).expect("another parser takes it too");
    let member = |name: &str| other.get(name).and_then(serde_json::Value::as_str);
    assert_eq!(member("algorithm"), Some(token.algorithm().name()));
    let certificate = member("unverifiedCertificate").expect("it was read");
    let certificate = base64ct::Base64::decode_vec(certificate).expect("it was read");
    assert_eq!(certificate, token.unverified_certificate().as_der());
    assert!(format!("{token:?}").len() < 100, "nothing of it is shown");
    let origin = Origin::parse("https://fuzz.example").expect("an origin");
    let nonce = Nonce::of(&[0x5A; 32]);
    if let Ok(key) = token.unverified_certificate().public_key() {
        assert!(token.verify_signature(&key, &origin, &nonce).is_err(), "nobody signed that");
    }
}
