//! Personalises a software card: keys, files and names of one citizen's CIE 3.
//!
//! Files and their identifiers follow the card's public descriptions; where those are silent (EF.DIR,
//! the form of EF.DH, sizes) the content is plausible, not known.

use std::time::SystemTime;

use crate::crypto::generate::{GeneratedKey, GivenExponent, generate_rsa};
use crate::crypto::signature::RsaPublicKey;
use crate::environment::Entropy;
use crate::iso7816::tlv;

use super::citizen::Citizen;
use super::personalisation::{
    CertificationKey, DhGroup, Directory, EF_ATR_IDENTIFIER, ElementaryFile, Personalisation, ReadAccess,
};
use super::pki::{Error, Generation, HolderProfile, PUBLIC_EXPONENT, TestPki};
use super::profile::Chip;

/// PIN of the demo card. It protects nothing.
pub const DEMO_PIN: [u8; 8] = *b"12345678";
/// PUK of the demo card.
pub const DEMO_PUK: [u8; 8] = *b"87654321";

/// The private exponent with which every published terminal program certifies itself, whatever modulus
/// the card shows. It is no secret: device authentication on a CIE does not authenticate the terminal.
/// The card's key 84 is generated around it, so that terminals need no change to talk to this card.
const TERMINAL_PRIVATE_EXPONENT: [u8; 256] = hex_literal::hex!(
    "186B31488C25DCF85D953D3630C0D073BA1C6AA24581AD254F3B6719C5D72CCA"
    "3E5CDC5A1E5316578D75954FF73B237B532C9F8DE4A2C4C911385A23E63E33E4"
    "7EE45E66EFD49B18E02CFF87598C39109E8F86A66BC330249CE3FCAD655DCDBF"
    "98C9C5E479321AF53B517D041061880A647BBE0FF813683470E6C50094CE81D0"
    "64E204E351BD3AE0A7947D8E91C3FD5C0A15233C349A5215A4E66E21C5D33498"
    "E71991EA24473B29F1475F6FD9BE3996E19BD474FAD1B41EA0DCD2FC16C9BFFA"
    "071BFEC1B22415184811C1985FBFE3E7B4F44A4B3C8DFAB4D90CECFC5E608D67"
    "3E6762C62CB798341271149BA688162EC7D0E3468F65A94AB4AD1AB67E37BFC1"
);

/// Four filler bytes and the name of key 84.
const CERTIFICATION_KEY_NAME: [u8; 12] = *b"\0\0\0\0TESTCA01";
/// The CIE application and the role of an authority.
const CERTIFICATION_KEY_AUTHORISATION: [u8; 7] = hex_literal::hex!("A0000000003900");

/// Name of the IAS application.
const IAS_APPLICATION: [u8; 13] = hex_literal::hex!("A0000000308000000009816001");
/// Name of the CIE application.
const CIE_APPLICATION: [u8; 6] = hex_literal::hex!("A00000000039");

/// The 2048-bit group with a 256-bit subgroup of RFC 5114 section 2.3. Which group real cards use is not
/// published.
const GENERATOR: [u8; 256] = hex_literal::hex!(
    "3FB32C9B73134D0B2E77506660EDBD484CA7B18F21EF205407F4793A1A0BA125"
    "10DBC15077BE463FFF4FED4AAC0BB555BE3A6C1B0C6B47B1BC3773BF7E8C6F62"
    "901228F8C28CBB18A55AE31341000A650196F931C77A57F2DDF463E5E9EC144B"
    "777DE62AAAB8A8628AC376D282D6ED3864E67982428EBC831D14348F6F2F9193"
    "B5045AF2767164E1DFC967C1FB3F2E55A4BD1BFFE83B9C80D052B985D182EA0A"
    "DB2A3B7313D3FE14C8484B1E052588B9B7D2BBD2DF016199ECD06E1557CD0915"
    "B3353BBB64E0EC377FD028370DF92B52C7891428CDC67EB6184B523D1DB246C3"
    "2F63078490F00EF8D647D148D47954515E2327CFEF98C582664B4C0F6CC41659"
);
const PRIME: [u8; 256] = hex_literal::hex!(
    "87A8E61DB4B6663CFFBBD19C651959998CEEF608660DD0F25D2CEED4435E3B00"
    "E00DF8F1D61957D4FAF7DF4561B2AA3016C3D91134096FAA3BF4296D830E9A7C"
    "209E0C6497517ABD5A8A9D306BCF67ED91F9E6725B4758C022E0B1EF4275BF7B"
    "6C5BFC11D45F9088B941F54EB1E59BB8BC39A0BF12307F5C4FDB70C581B23F76"
    "B63ACAE1CAA6B7902D52526735488A0EF13C6D9A51BFA4AB3AD8347796524D8E"
    "F6A167B5A41825D967E144E5140564251CCACB83E6B486F6B3CA3F7971506026"
    "C0B857F689962856DED4010ABD0BE621C3A3960A54E710C375F26375D7014103"
    "A4B54330C198AF126116D2276E11715F693877FAD7EF09CADB094AE91E1A1597"
);
const ORDER: [u8; 32] = hex_literal::hex!("8CF83642A709A097B447997640129DA299B1A47D1EB3750BA308B0FE64F5FBD3");

/// What can be chosen when a card is made.
#[derive(Debug, Clone)]
pub struct IssueOptions {
    /// PIN, eight ASCII digits.
    pub pin: [u8; 8],
    /// PUK, eight ASCII digits.
    pub puk: [u8; 8],
    /// Way in which the files are signed.
    pub generation: Generation,
    /// How many zero bytes follow the DER in EF 1003, 1004 and 1005.
    pub padding: usize,
    /// Whether the holder's certificate has an extended key usage.
    pub extended_key_usage: bool,
}

impl Default for IssueOptions {
    /// A card of the second generation.
    fn default() -> Self {
        Self {
            pin: DEMO_PIN,
            puk: DEMO_PUK,
            generation: Generation::default(),
            padding: 32,
            extended_key_usage: false,
        }
    }
}

/// Makes a card for a citizen. Its certificate is valid from `now`, for ten years, a minor's for less.
///
/// # Errors
/// An [`Error`].
pub fn issue(
    pki: &TestPki,
    citizen: &Citizen,
    options: &IssueOptions,
    entropy: &mut dyn Entropy,
    now: SystemTime,
) -> Result<Personalisation, Error> {
    citizen.check()?;
    let mut key = |exponent, label| generate_rsa(2048, exponent, entropy, label);
    let holder_key = key(PUBLIC_EXPONENT, "key holder")?;
    let device_key = key(PUBLIC_EXPONENT, "key device authentication")?;
    let services_key = key(PUBLIC_EXPONENT, "key services")?;
    let terminals = key(GivenExponent::Private(&TERMINAL_PRIVATE_EXPONENT), "key certification")?;

    let mut card_number = [0; 10];
    entropy.draw("card number", &mut card_number)?;
    let holder = HolderProfile {
        extended_key_usage: options.extended_key_usage,
        ..HolderProfile::at_issue(citizen, now)?
    };
    let certificate = pki.certify_holder(citizen, &public(&holder_key)?, &holder, entropy)?;
    let device_public = public(&device_key)?.to_der()?;
    let services_public = public(&services_key)?.to_der()?;
    let dh_group = DhGroup { g: GENERATOR.to_vec(), p: PRIME.to_vec(), q: ORDER.to_vec() };
    let dh_object = encode_dh_group(&dh_group);
    let security_object = pki.sign_files(
        options.generation,
        // Numbers and order as on real cards.
        &[
            (0xA5, &services_public),
            (0x1B, &dh_object),
            (0xA4, &device_public),
            (0xA3, &certificate),
            (0xA2, citizen.document_number.as_bytes()),
            (0xA1, citizen.nis.as_bytes()),
        ],
        entropy,
    )?;

    let padded = |mut content: Vec<u8>| {
        content.resize(content.len() + options.padding, 0);
        content
    };
    let mut number = citizen.document_number.clone().into_bytes();
    number.resize(16, 0);
    let files = vec![
        root_file(0x2F00, 0x1E, encode_directory()),
        root_file(EF_ATR_IDENTIFIER, 0x1D, Chip::Gemalto.ef_atr()),
        root_file(0xD003, 0x1C, tlv::encode(0x5A, &card_number)),
        root_file(0xD004, 0x1B, dh_object),
        file(0x1001, ReadAccess::Always, citizen.nis.clone().into_bytes()),
        file(0x1002, ReadAccess::Holder, number),
        file(0x1003, ReadAccess::Holder, padded(certificate)),
        file(0x1004, ReadAccess::Always, padded(device_public)),
        file(0x1005, ReadAccess::Always, padded(services_public)),
        file(0x1006, ReadAccess::Always, security_object),
    ];
    let [_, _, serial_number @ ..] = card_number;
    Ok(Personalisation {
        files,
        holder_key: holder_key.into(),
        device_key: device_key.into(),
        services_key: services_key.into(),
        certification_key: CertificationKey {
            modulus: terminals.modulus,
            public_exponent: terminals.public_exponent,
            holder_reference: CERTIFICATION_KEY_NAME.to_vec(),
            holder_authorisation: CERTIFICATION_KEY_AUTHORISATION.to_vec(),
        },
        dh_group,
        serial_number,
        pin: options.pin,
        puk: options.puk,
    })
}

/// A test PKI, the demo citizen and their card with all defaults.
///
/// # Errors
/// An [`Error`].
pub fn demo_card(
    entropy: &mut dyn Entropy,
    now: SystemTime,
) -> Result<(TestPki, Citizen, Personalisation), Error> {
    let pki = TestPki::generate(entropy, now)?;
    let citizen = Citizen::demo();
    let card = issue(&pki, &citizen, &IssueOptions::default(), entropy, now)?;
    Ok((pki, citizen, card))
}

fn public(key: &GeneratedKey) -> Result<RsaPublicKey, Error> {
    Ok(RsaPublicKey::new(&key.modulus, &key.public_exponent)?)
}

fn root_file(identifier: u16, short_identifier: u8, content: Vec<u8>) -> ElementaryFile {
    let (directory, access) = (Directory::Root, ReadAccess::Always);
    ElementaryFile { directory, identifier, short_identifier, access, content }
}

/// A file of the CIE application; its short identifier is the low byte of the long one.
fn file(identifier: u16, access: ReadAccess, content: Vec<u8>) -> ElementaryFile {
    let [_, short_identifier] = identifier.to_be_bytes();
    ElementaryFile { directory: Directory::Cie, identifier, short_identifier, access, content }
}

/// EF.DIR: one application template for each application (ISO/IEC 7816-4 section 8.2.1.1).
fn encode_directory() -> Vec<u8> {
    let template = |name: &[u8]| tlv::encode(0x61, &tlv::encode(0x4F, name));
    [template(&IAS_APPLICATION), template(&CIE_APPLICATION)].concat()
}

/// EF.DH: the domain parameters in the template in which GET DATA gives them.
fn encode_dh_group(group: &DhGroup) -> Vec<u8> {
    let parameters =
        [tlv::encode(0x97, &group.g), tlv::encode(0x98, &group.p), tlv::encode(0x99, &group.q)].concat();
    tlv::encode(0x70, &tlv::encode(0xBFA101, &tlv::encode(0xA3, &parameters)))
}
