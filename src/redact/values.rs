//! Every personal value that a plain trace contains, with a name that may be told.

use zeroize::Zeroizing;

use super::certificate::{self, Parts, children, rsa_modulus, unsigned};
use super::dialogue::{Exchange, Step, exchanges};
use super::files::{CIE, Seen};
use crate::cns;
use crate::iso7816::command::{
    INS_EXTERNAL_AUTHENTICATE, INS_GET_CHALLENGE, INS_GET_DATA_ODD, INS_INTERNAL_AUTHENTICATE,
    INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION, INS_READ_BINARY, INS_SELECT,
};
use crate::iso7816::tlv;
use crate::passive::ClaimedSecurityObject;

/// The number of the domain parameters in EF.SOD: a group that many cards share.
const DOMAIN_PARAMETERS: u8 = 0x1B;
/// Extensions of a certificate that name its holder: subjectAltName, subjectDirectoryAttributes.
const PERSONAL_EXTENSIONS: [[u8; 3]; 2] = [[0x55, 0x1D, 0x11], [0x55, 0x1D, 0x09]];
/// The most values of one trace, and the most bytes in them: many times what a card has.
const VALUES_MAX: usize = 4096;
const BYTES_MAX: usize = 1 << 19;
/// Blocks of a long value are searched for, each so long.
pub(super) const BLOCK: usize = 16;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Bytes, or a number.
    Bytes,
    /// Text of which each word names somebody, too.
    Text,
}

/// A personal value and its name.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) what: String,
    pub(super) form: Form,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Value {
    pub(super) fn new(what: &str, form: Form, bytes: &[u8]) -> Self {
        Self { what: what.to_owned(), form, bytes: Zeroizing::new(bytes.to_vec()) }
    }
}

/// All values, each once.
#[derive(Default)]
pub(super) struct Values(Vec<Value>);

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Values {
    /// What these files and exchanges contain.
    pub(super) fn of(steps: &[Step], files: &[Seen]) -> Self {
        let mut values = Self::default();
        for file in files {
            values.file(file);
        }
        for exchange in exchanges(steps) {
            values.exchange(exchange);
        }
        values
    }

    /// Whether there are more than can be searched for.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > VALUES_MAX || self.0.iter().map(|value| value.bytes.len()).sum::<usize>() > BYTES_MAX
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        self.add(what, Form::Bytes, bytes);
    }

    fn text(&mut self, what: &str, bytes: &[u8]) {
        self.add(what, Form::Text, bytes);
    }

    fn add(&mut self, what: &str, form: Form, bytes: &[u8]) {
        let all_alike = bytes.iter().all(|byte| Some(byte) == bytes.first());
        if !all_alike || (form == Form::Text && !bytes.is_empty()) {
            let value = Value::new(what, form, bytes);
            // One more than there may be, so that it is seen.
            if self.0.len() <= VALUES_MAX && !self.0.contains(&value) {
                self.0.push(value);
            }
        }
    }

    fn file(&mut self, file: &Seen) {
        let content = file.content.as_slice();
        let used = trimmed(content);
        match file.path.as_slice() {
            [CIE, 0x1001] => self.text("number for services (NIS)", used),
            [CIE, 0x1002] => self.text("document number", used),
            [CIE, 0x1003] => self.certificate("certificate", content),
            [CIE, 0x1004] => self.key("device key", content),
            [CIE, 0x1005] => self.key("services key", content),
            [CIE, 0x1006] => self.security_object(content),
            [0xD003 | 0x2F02] => {
                let number = tlv::encoded_length(content).ok().and_then(|length| content.get(..length));
                let number =
                    number.and_then(|object| tlv::parse(object).ok()).map_or(used, |object| object.value);
                self.bytes("serial number of the card", number);
                // Device authentication names the chip by the last eight.
                self.bytes("serial number of the chip", number.last_chunk::<8>().map_or(number, |last| last));
            }
            [0x3F01] => self.key("public key", content),
            [0x1000, 0x1003] => self.text("card number", used),
            [0x1100, 0x1101] | [0x1400, 0x9001, 0x2002] | [0xDA01, 0xC001] => {
                self.certificate("certificate", content);
            }
            [0x2FFF, 0x8228] => self.certificate("certificate", content.get(5..).unwrap_or_default()),
            [0x1400, 0x9010] => self.certificate("signature certificate", content),
            [0x1100, 0x1102] => self.personal_data(content),
            // What the chip can do, which applications it has, and parameters that many cards share.
            [0x2F00 | 0x2F01 | 0xD004] => {}
            _ => self.bytes(&format!("content of {}", file.name()), used),
        }
    }

    fn key(&mut self, what: &str, content: &[u8]) {
        self.bytes(what, rsa_modulus(content).unwrap_or_else(|| trimmed(content)));
    }

    fn certificate(&mut self, what: &str, content: &[u8]) {
        let Some(parts) = Parts::of(content) else {
            self.bytes(&format!("content of the {what}"), trimmed(content));
            return;
        };
        self.bytes(&format!("serial number of the {what}"), parts.serial_number);
        self.bytes(&format!("key of the {what}"), parts.modulus);
        self.bytes(&format!("signature of the {what}"), parts.signature);
        for time in &parts.validity {
            self.bytes(&format!("validity of the {what}"), time);
        }
        if let Some(identifier) = parts.key_identifier() {
            self.bytes(&format!("key identifier of the {what}"), identifier);
        }
        for extension in PERSONAL_EXTENSIONS.iter().filter_map(|identifier| parts.extension(identifier)) {
            self.primitives(&format!("extension of the {what}"), extension, 0);
        }
        for (identifier, text) in &parts.subject {
            self.text(&format!("{} in the {what}", attribute(identifier)), text);
        }
    }

    /// Every text or number in nested objects.
    fn primitives(&mut self, what: &str, value: &[u8], depth: u8) {
        for object in children(value).unwrap_or_default() {
            let constructed = object.encoded.first().is_some_and(|first| first & 0x20 != 0);
            match constructed && depth < 8 {
                true => self.primitives(what, object.value, depth + 1),
                false => self.text(what, object.value),
            }
        }
    }

    fn security_object(&mut self, content: &[u8]) {
        let length = tlv::encoded_length(content).ok();
        let object = length.and_then(|length| ClaimedSecurityObject::parse(content.get(..length)?).ok());
        let Some(object) = object else {
            self.bytes("content of EF.SOD", trimmed(content));
            return;
        };
        for group in object.groups().filter(|group| *group != DOMAIN_PARAMETERS) {
            self.bytes("digest in EF.SOD", object.digest(group).unwrap_or_default());
        }
        for signer in object.signed_data().signers() {
            self.bytes("signature of EF.SOD", signer.signature());
            if let Some(attributes) = signer.signed_attributes() {
                self.bytes("digest of EF.SOD", attributes.message_digest());
            }
        }
        for signer in object.signed_data().certificates().iter().filter_map(|der| Parts::of(der)) {
            self.bytes("key of the signer of EF.SOD", signer.modulus);
            self.bytes("serial number of the signer of EF.SOD", signer.serial_number);
        }
    }

    fn personal_data(&mut self, content: &[u8]) {
        let Ok(data) = cns::PersonalData::parse(content) else {
            self.text("content of the personal data", trimmed(content));
            return;
        };
        for field in cns::Field::ALL {
            if let Some(text) = data.text(field) {
                self.text(&format!("{field} in the personal data"), text.as_bytes());
            }
        }
    }

    /// What a command or its answer tells beside the files.
    fn exchange(&mut self, exchange: &Exchange) {
        let answer = exchange.answer.as_slice();
        match exchange.ins() {
            INS_GET_CHALLENGE => self.bytes("challenge of the card", answer),
            INS_EXTERNAL_AUTHENTICATE => {
                self.bytes("proof of the terminal", exchange.data.get(8..).unwrap_or_default());
            }
            INS_INTERNAL_AUTHENTICATE if exchange.sent == 8 => {
                self.bytes("challenge of the terminal", &exchange.data);
                let (chip, proof) = answer.split_at_checked(8).unwrap_or((answer, &[]));
                self.bytes("serial number of the chip", chip);
                self.bytes("proof of the card", proof);
            }
            INS_INTERNAL_AUTHENTICATE | INS_PERFORM_SECURITY_OPERATION if exchange.p2() != 0xAE => {
                self.bytes("signed digest", digest(&exchange.data));
                self.bytes("signature", answer);
            }
            INS_MANAGE_SECURITY_ENVIRONMENT => {
                for object in children(&exchange.data).unwrap_or_default() {
                    if object.value.len() >= 64 {
                        self.bytes("key agreement", object.value);
                    }
                }
            }
            INS_GET_DATA_ODD => self.objects(answer, 0),
            // Its certificate, in which the terminal says who it is: the same for everybody.
            INS_SELECT | INS_READ_BINARY | INS_PERFORM_SECURITY_OPERATION => {}
            _ => {
                self.bytes("data of a command that is not known", &exchange.data);
                self.bytes("answer to a command that is not known", answer);
            }
        }
    }

    /// Keys in the answer to GET DATA, but not the parameters of a group.
    fn objects(&mut self, value: &[u8], depth: u8) {
        for object in children(value).unwrap_or_default() {
            match object.tag.0 {
                0x70 | 0xA6 | 0xBF_A004 | 0x7F49 if depth < 4 => self.objects(object.value, depth + 1),
                0x81 => self.bytes("certification key", unsigned(object.value)),
                0x91 => self.bytes("key agreement", object.value),
                _ => {}
            }
        }
    }
}

/// The digest in a DigestInfo, in a block around one, or by itself.
fn digest(data: &[u8]) -> &[u8] {
    data.len().checked_sub(20).and_then(|begin| data.get(begin..)).unwrap_or(data)
}

/// Without the padding at the end.
pub(super) fn trimmed(content: &[u8]) -> &[u8] {
    let padding = content.last().filter(|last| matches!(last, 0x00 | 0xFF));
    let count = padding.map_or(0, |padding| content.iter().rev().take_while(|byte| *byte == padding).count());
    content.get(..content.len() - count).unwrap_or_default()
}

fn attribute(identifier: &[u8]) -> String {
    let known = [
        (certificate::SURNAME, "surname"),
        (certificate::GIVEN_NAME, "given names"),
        (certificate::COMMON_NAME, "common name"),
        (certificate::SERIAL_NUMBER, "serialNumber"),
    ];
    match known.iter().find(|(known, _)| known == identifier) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("attribute {}", hex::encode_upper(identifier)),
    }
}
