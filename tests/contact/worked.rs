//! The worked dialogues of the vectors, from the terminal's side: what it sends is what they say, byte for byte. A
//! reader answers from the list, and from a software card where the list says nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use cie::cns::{Credential, Session, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::pin::{LastTry, Tries};
use cie::secret::{ContactPin, ContactPuk};
use cie::transport::{Error, Link, Transport};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../fixtures/vectors/cie2-cns.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// Files of the vectors behind SELECT by path and READ BINARY, and the exchanges of one dialogue, in order.
struct Desk {
    files: Vec<(Vec<u8>, Vec<u8>)>,
    current: usize,
    exchanges: VecDeque<(Vec<u8>, Vec<u8>)>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    atr: Vec<u8>,
}

impl Transport for Desk {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(path) = command.strip_prefix(&[0x00, 0xA4, 0x08, 0x00, 0x04]) {
            let found = self.files.iter().position(|(file, _)| path[..4] == file[..]);
            self.current = found.unwrap_or(usize::MAX);
            return Ok(found.map_or(vec![0x6A, 0x82], |_| vec![0x90, 0x00]));
        }
        if command.starts_with(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00]) {
            return Ok(vec![0x90, 0x00]);
        }
        if let [0x00, 0xB0, high, low, ne] = *command {
            let content = &self.files[self.current].1;
            let offset = usize::from(u16::from_be_bytes([high, low]));
            let ne = if ne == 0 { 256 } else { usize::from(ne) };
            let end = content.len().min(offset + ne);
            return Ok([&content[offset..end], &[0x90, 0x00]].concat());
        }
        self.sent.lock().unwrap().push(command.to_vec());
        let (expected, answer) = self.exchanges.pop_front().expect("the dialogue is over");
        assert_eq!(hex::encode_upper(command), hex::encode_upper(expected));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

const STINCARD: &str = "3BFF1800FF8131FE55006B02090200010101434E531031809F";
const ATHENA: &str = "3BDF18008131FE7D006B040C0184011101434E53103180FC";

/// A session that says what one dialogue of the vectors says, and a look at what is left of it.
fn session(dialogue: &str, atr: &str) -> (Session, Arc<Mutex<Vec<Vec<u8>>>>, usize) {
    let vectors = vectors();
    let exchanges: VecDeque<_> = vectors["dialogues"][dialogue]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| (bytes(&exchange["c"]), bytes(&exchange["r"])))
        .collect();
    let data = vectors["dati_personali"].as_array().unwrap();
    let data = &data.iter().find(|data| data["name"] == "cns_400").unwrap()["ef_hex"];
    let files = vec![
        (vec![0x10, 0x00, 0x10, 0x03], b"7099001000000120".to_vec()),
        (vec![0x11, 0x00, 0x11, 0x02], bytes(data)),
        (vec![0x11, 0x00, 0x11, 0x01], bytes(&vectors["certificates"]["cns_holder"])),
    ];
    let sent = Arc::default();
    let count = exchanges.len();
    let atr = hex::decode(atr).unwrap();
    let desk = Desk { files, current: 0, exchanges, sent: Arc::clone(&sent), atr };
    (Session::open(Link::new(desk)).unwrap(), sent, count)
}

fn pin(digits: &str) -> ContactPin {
    ContactPin::parse(digits).unwrap()
}

#[test]
fn a_pin_is_shown_as_the_vectors_show_it() {
    for (dialogue, atr) in [("verify_pin_ok_st", STINCARD), ("verify_pin_ok_plain", ATHENA)] {
        let (session, sent, count) = session(dialogue, atr);
        session.verify_pin(&pin("12345678")).unwrap();
        assert_eq!(sent.lock().unwrap().len(), count);
    }
    let (session, sent, count) = session("verify_short_pin_padding", ATHENA);
    let refused = session.verify_pin(&pin("12345")).unwrap_err();
    assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(2));
    assert_eq!(sent.lock().unwrap().len(), count);
}

#[test]
fn a_pin_is_blocked_and_unblocked_as_the_vectors_have_it() {
    let (mut session, sent, count) = session("verify_pin_block_and_unblock", ATHENA);
    let credential = Credential::Authentication;
    for wrong in ["00000000", "00000000", "00000000", "12345678"] {
        session = *session.verify_pin_of(credential, &pin(wrong), LastTry::Spend).unwrap_err().back;
    }
    let puk = ContactPuk::parse("87654321").unwrap();
    let new = pin("23456");
    session.unblock_pin(credential, &puk, Unblock::NewPin(&new), LastTry::Refuse).unwrap();
    session.verify_pin(&new).unwrap();
    assert_eq!(sent.lock().unwrap().len(), count);
}

#[test]
fn a_pin_is_changed_as_the_vectors_have_it() {
    let (mut session, sent, count) = session("change_pin", ATHENA);
    let credential = Credential::Authentication;
    session.change_pin(credential, &pin("12345678"), &pin("654321"), LastTry::Refuse).unwrap();
    session.verify_pin(&pin("654321")).unwrap();
    assert_eq!(sent.lock().unwrap().len(), count);
}

/// The signatures are those of the vectors, too, since PKCS #1 v1.5 has no randomness.
#[test]
fn a_signature_is_made_as_the_vectors_have_it() {
    for (dialogue, algorithm) in [
        ("sign_sha256_pso_dec_raw", DigestAlgorithm::Sha256),
        ("sign_sha1_pso_dec_raw", DigestAlgorithm::Sha1),
    ] {
        let (session, sent, count) = session(dialogue, ATHENA);
        let mut unlocked = session.verify_pin(&pin("12345678")).unwrap();
        let digest = Digest::of(algorithm, b"cie test vector");
        let signature = unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
        let vectors = vectors();
        let last = vectors["dialogues"][dialogue].as_array().unwrap().last().unwrap();
        assert_eq!(bytes(&last["r"])[..signature.len()], signature);
        assert_eq!(sent.lock().unwrap().len(), count);
    }
}

#[test]
fn who_the_holder_is_as_the_vectors_have_it() {
    let (mut session, sent, _) = session("verify_pin_ok_plain", ATHENA);
    let data = session.read_personal_data().unwrap();
    assert_eq!(data.surname(), Some("CAVIA"));
    let card_id = session.card_id().cloned();
    let certificate = session.certificate(Credential::Authentication).unwrap();
    let policy = cie::identity::HashPolicy::Strict;
    let bound = cie::identity::verify_personal_data(certificate, card_id.as_ref(), &data, policy).unwrap();
    assert_eq!(bound.fiscal_code().as_str(), "CVAPVN79C57G999T");
    assert!(sent.lock().unwrap().is_empty());
}
