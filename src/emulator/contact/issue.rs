//! Personalises a contact card: keys, certificates, card number and personal data of one citizen.

use std::time::SystemTime;

use super::layout::{Content, Signature, lay_out};
use super::model::Model;
use super::personal_data::{Header, PersonalData};
use super::personalisation::Personalisation;
use crate::crypto::DigestAlgorithm;
use crate::crypto::generate::{GeneratedKey, generate_rsa};
use crate::crypto::signature::RsaPublicKey;
use crate::emulator::citizen::{Citizen, day_of};
use crate::emulator::pki::{ContactHolder, Error, HolderUsage, PUBLIC_EXPONENT, TestPki, days_from};
use crate::environment::Entropy;

/// PIN of the demo card. It protects nothing.
pub const DEMO_PIN: [u8; 8] = *b"12345678";
/// PUK of the demo card.
pub const DEMO_PUK: [u8; 8] = *b"87654321";

/// The policy of every CNS authentication certificate.
const CNS_POLICY: &str = "1.3.76.16.2.1";
/// Sizes of EF_DatiPersonali.
const CNS_PERSONAL_DATA: usize = 400;
const CIE_PERSONAL_DATA: usize = 1200;
/// Validity in days: six years of a CNS, five of an identity card of its time.
const CNS_DAYS: i64 = 2191;
const CIE_DAYS: i64 = 1826;

/// What EF_IDCarta has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardNumber {
    /// Sixteen digits, the last one a check digit (Luhn): a citizen's card of some issuer.
    Digits,
    /// Seven digits and two letters, as printed on the paper cards, then zeros. What an older CIE has is
    /// not known.
    Printed,
}

/// Which bytes of EF_DatiPersonali the digest in the certificate's common name covers. Nobody has told; a
/// terminal may try all and should say which it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestOver {
    /// The whole file.
    #[default]
    File,
    /// Header and fields, without the zeros behind them.
    Used,
    /// The fields.
    Fields,
}

/// A second key, for signatures, in a directory of its own: it computes signatures, and does not decipher.
#[derive(Debug, Clone, Copy)]
pub struct SignatureKey {
    /// Its PIN, see [`reference_value`](super::reference_value).
    pub pin: [u8; 8],
    /// The PUK of that PIN.
    pub puk: [u8; 8],
}

/// What can be chosen when a contact card is made.
#[derive(Debug, Clone)]
pub struct IssueOptions {
    /// PIN, see [`reference_value`](super::reference_value).
    pub pin: [u8; 8],
    /// PUK, likewise.
    pub puk: [u8; 8],
    /// How often the PUK may be wrong, from 1 to 15. What real cards have is not known.
    pub puk_tries: u8,
    /// What the header of the personal data counts.
    pub header: Header,
    /// What the digest in the common name covers.
    pub digest_over: DigestOver,
    /// What EF_IDCarta has in it; without a choice digits on a CNS, the printed number on a CIE.
    pub card_number: Option<CardNumber>,
    /// Whether the certificate is for signatures only, without key encipherment and client authentication.
    /// OpenSC then has the card compute a signature instead of deciphering a block.
    pub certificate_only_signs: bool,
    /// A key for signatures, if there is to be one.
    pub signature_key: Option<SignatureKey>,
}

impl Default for IssueOptions {
    fn default() -> Self {
        Self {
            pin: DEMO_PIN,
            puk: DEMO_PUK,
            puk_tries: 10,
            header: Header::default(),
            digest_over: DigestOver::default(),
            card_number: None,
            certificate_only_signs: false,
            signature_key: None,
        }
    }
}

/// What is to stand in a card's files in the place of what follows from the citizen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// The number in EF_IDCarta.
    pub(crate) card_number: Option<String>,
    /// The fields of EF_DatiPersonali.
    pub(crate) personal_data: Option<PersonalData>,
    /// Size of that file.
    pub(crate) personal_data_size: Option<usize>,
}

/// A card's content, with what is in it for tests to compare.
#[derive(Debug, Clone)]
pub struct Issued {
    /// What [`SoftCard::new_contact`](crate::emulator::SoftCard::new_contact) takes.
    pub personalisation: Personalisation,
    /// The card number, padding left out.
    pub card_number: String,
    /// The fields of EF_DatiPersonali.
    pub personal_data: PersonalData,
    /// DER of the authentication certificate.
    pub certificate: Vec<u8>,
    /// DER of the signature certificate.
    pub signature_certificate: Option<Vec<u8>>,
}

/// Makes a contact card for a citizen, valid from `now`: six years if it is a CNS, five if it is a CIE.
///
/// # Errors
/// An [`Error`].
pub fn issue(
    pki: &TestPki,
    citizen: &Citizen,
    model: Model,
    options: &IssueOptions,
    entropy: &mut dyn Entropy,
    now: SystemTime,
) -> Result<Issued, Error> {
    issue_given(pki, citizen, model, options, Given::default(), entropy, now)
}

/// The same with some of it given.
pub(crate) fn issue_given(
    pki: &TestPki,
    citizen: &Citizen,
    model: Model,
    options: &IssueOptions,
    given: Given,
    entropy: &mut dyn Entropy,
    now: SystemTime,
) -> Result<Issued, Error> {
    citizen.check()?;
    let not_after = days_from(now, if model.is_cie() { CIE_DAYS } else { CNS_DAYS })?;
    let usual = if model.is_cie() { CardNumber::Printed } else { CardNumber::Digits };
    let card_number = given.card_number.unwrap_or_else(|| match options.card_number.unwrap_or(usual) {
        CardNumber::Digits => numbered(citizen),
        CardNumber::Printed => printed(citizen),
    });
    let (from, to) = (day_of(now)?, day_of(not_after)?);
    let mut personal_data = PersonalData::of(citizen, model.is_cie(), from, to)?;
    personal_data.issuer_code = match model.is_cie() {
        true => "100999".to_owned(),
        false => card_number.chars().take(4).collect(),
    };
    let personal_data = given.personal_data.unwrap_or(personal_data);
    let usual = if model.is_cie() { CIE_PERSONAL_DATA } else { CNS_PERSONAL_DATA };
    let size = given.personal_data_size.unwrap_or(usual);
    let file = personal_data.encode_file(options.header, size)?;
    let used = personal_data.encode(options.header)?;
    let covered = match options.digest_over {
        DigestOver::File => file.as_slice(),
        DigestOver::Used => &used,
        DigestOver::Fields => used.get(6..).unwrap_or_default(),
    };
    let digest = base64(&DigestAlgorithm::Sha1.hash(covered));
    let common_name = format!("{}/{card_number}.{digest}", citizen.fiscal_code);

    let usage = match options.certificate_only_signs {
        true => HolderUsage::SignatureOnly,
        false => HolderUsage::Authentication,
    };
    let policy = (!model.is_cie()).then_some(CNS_POLICY);
    let holder =
        ContactHolder { common_name, not_before: now, not_after, policy, usage, sha1: model.is_cie() };
    let key = generate_rsa(model.key_bits(), PUBLIC_EXPONENT, entropy, "key authentication")?;
    let certificate = pki.certify_contact_holder(citizen, &public(&key)?, &holder, entropy)?;
    let signature = match &options.signature_key {
        None => None,
        Some(SignatureKey { pin, puk }) => {
            let key = generate_rsa(model.key_bits(), PUBLIC_EXPONENT, entropy, "key signature")?;
            let public = public(&key)?;
            let common_name = format!("{}/{card_number}", citizen.fiscal_code);
            let holder = ContactHolder { common_name, policy: None, usage: HolderUsage::Document, ..holder };
            let certificate = pki.certify_contact_holder(citizen, &public, &holder, entropy)?;
            let (pin, puk, public_key, key) = (*pin, *puk, public.to_der()?, key.into());
            Some(Signature { certificate, public_key, key, pin, puk })
        }
    };
    let mut serial_number = [0; 8];
    entropy.draw("card number", &mut serial_number)?;
    let signature_certificate = signature.as_ref().map(|signature| signature.certificate.clone());
    let personalisation = lay_out(Content {
        model,
        card_number: &card_number,
        personal_data: file,
        certificate: certificate.clone(),
        public_key: public(&key)?.to_der()?,
        key: key.into(),
        serial_number,
        pin: options.pin,
        puk: options.puk,
        puk_tries: options.puk_tries,
        signature,
    })?;
    Ok(Issued { personalisation, card_number, personal_data, certificate, signature_certificate })
}

/// A test PKI, the demo citizen and their card with all defaults.
///
/// # Errors
/// An [`Error`].
pub fn demo_card(
    model: Model,
    entropy: &mut dyn Entropy,
    now: SystemTime,
) -> Result<(TestPki, Citizen, Issued), Error> {
    let pki = TestPki::generate(entropy, now)?;
    let citizen = Citizen::demo();
    let card = issue(&pki, &citizen, model, &IssueOptions::default(), entropy, now)?;
    Ok((pki, citizen, card))
}

fn public(key: &GeneratedKey) -> Result<RsaPublicKey, Error> {
    Ok(RsaPublicKey::new(&key.modulus, &key.public_exponent)?)
}

/// The digits of the document number.
fn digits(citizen: &Citizen) -> String {
    citizen.document_number.chars().filter(char::is_ascii_digit).collect()
}

/// A card of type 7, of an issuer that does not exist, with the document number's digits and a check digit.
fn numbered(citizen: &Citizen) -> String {
    let number: String = format!("7099001{:0>8}", digits(citizen)).chars().take(15).collect();
    let check = luhn(&number);
    format!("{number}{check}")
}

/// Seven digits and two letters.
fn printed(citizen: &Citizen) -> String {
    let number: String = format!("{:0>7}", digits(citizen)).chars().take(7).collect();
    format!("{number}AA")
}

/// The digit that makes the sum right when every second digit from the right is doubled (ISO/IEC 7812-1
/// annex B).
fn luhn(digits: &str) -> u32 {
    let values = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = values
        .enumerate()
        .map(|(index, digit)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

/// RFC 4648 section 4, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, at| number << 8 | group.get(at).copied().map_or(0, usize::from));
        for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = ALPHABET.get(number >> shift & 0x3F).copied().map_or('=', char::from);
            text.push(if at <= group.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie2-cns.json")).unwrap();
        for example in v["dati_personali"].as_array().unwrap() {
            let bytes = hex::decode(example["sha1_hex_full_ef"].as_str().unwrap()).unwrap();
            assert_eq!(base64(&bytes), example["sha1_b64_full_ef"]);
        }
    }

    #[test]
    fn the_check_digits_are_those_of_the_vectors() {
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie2-cns.json")).unwrap();
        for number in v["card_id"]["valid"].as_array().unwrap() {
            let (digits, check) = number.as_str().unwrap().split_at(15);
            assert_eq!(luhn(digits).to_string(), check);
        }
    }

    #[test]
    fn every_citizen_has_a_number_of_either_kind() {
        for citizen in crate::emulator::citizen::people() {
            let (number, printed) = (numbered(&citizen), printed(&citizen));
            assert!(number.len() == 16 && number.starts_with("7099001"), "{number}");
            assert!(printed.len() == 9 && printed.ends_with("AA"), "{printed}");
        }
    }
}
