//! A contact card: which model the software card can pose as, and where it behaves in another way.

use std::borrow::Cow;

use super::super::Error;
use super::super::certificate::{CLIENT_AUTHENTICATION, EXTENDED_KEY_USAGE};
use super::super::dialogue::Exchange;
use super::super::values::trimmed;
use super::Observed;
use crate::cns::{self, AtrHint, Family, Fci, FileType};
use crate::crypto::DigestAlgorithm;
use crate::emulator::contact::{
    AtEnd, CardNumber, ControlInformation, DigestOver, Header, KeyUse, Model, Paths, PinReferences, Profile,
    ShortRead, SignatureInput, WrongPin,
};
use crate::iso7816::StatusWord;
use crate::iso7816::command::{
    INS_CHANGE_REFERENCE_DATA, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION,
    INS_RESET_RETRY_COUNTER, INS_VERIFY,
};

/// How MANAGE SECURITY ENVIRONMENT names the key of the signature directory.
const SIGNATURE_KEY: [u8; 3] = [0x83, 0x01, 0x10];

/// What was seen of a contact card.
pub(in crate::redact) struct Contact {
    pub(in crate::redact) model: Model,
    pub(in crate::redact) profile: Profile,
    pub(in crate::redact) header: Header,
    pub(in crate::redact) digest_over: DigestOver,
    pub(in crate::redact) card_number: Option<CardNumber>,
    pub(in crate::redact) only_signs: bool,
    pub(in crate::redact) signature_key: bool,
    /// The lengths of the personal data's fields, if they were read, in the order of the file.
    pub(in crate::redact) fields: Option<Vec<usize>>,
    /// Tries of the PIN and of the PUK at the beginning, as far as the card told them.
    pub(in crate::redact) tries: [Option<u8>; 2],
}

/// Which key has its certificate at a path: false for that which logs in, true for that which signs documents.
pub(in crate::redact) fn key_set_of(path: &[u16]) -> Option<bool> {
    match path {
        [0x1100, 0x1101] | [0x1400, 0x9001, 0x2002] | [0x2FFF, 0x8228] | [0xDA01, 0xC001] => Some(false),
        [0x1400, 0x9010] => Some(true),
        _ => None,
    }
}

impl Contact {
    /// Whether an exchange shows that this is a contact card.
    pub(super) fn tells(exchange: &Exchange) -> bool {
        let path = exchange.selects() && matches!(exchange.p1(), 0x08 | 0x09) && exchange.is_success();
        let file = matches!(exchange.data.as_slice(), [0x10, 0x03] | [0x11, 0x02]);
        path || exchange.selects_name(&cns::APPLICATION) && exchange.is_success()
            || file && exchange.selects() && exchange.is_success()
    }

    pub(super) fn of(seen: &Observed<'_>) -> Result<Self, Error> {
        let model = model(seen);
        let data = seen.file(&[0x1100, 0x1102]);
        let parsed = data.and_then(|file| cns::PersonalData::parse(&file.content).ok());
        let counts_itself = parsed.as_ref().is_none_or(|data| data.header() == cns::Header::CountsItself);
        let number = seen.file(&[0x1000, 0x1003]).map(|file| trimmed(&file.content));
        let usage = seen.certificate();
        let usage = usage.as_ref().and_then(|parts| parts.extension(&EXTENDED_KEY_USAGE));
        let logs_in =
            |usage: &[u8]| usage.windows(CLIENT_AUTHENTICATION.len()).any(|w| w == CLIENT_AUTHENTICATION);
        Ok(Self {
            model,
            profile: profile(seen, model.profile()),
            header: if counts_itself { Header::Inclusive } else { Header::Exclusive },
            digest_over: parsed.as_ref().map_or_else(DigestOver::default, |data| digest_over(seen, data)),
            card_number: number.map(|number| match number.iter().all(u8::is_ascii_digit) {
                true => CardNumber::Digits,
                false => CardNumber::Printed,
            }),
            only_signs: usage.is_some_and(|usage| !logs_in(usage)),
            signature_key: seen.file(&[0x1400, 0x9010]).is_some(),
            fields: parsed.as_ref().map(|data| {
                let length = |field| data.text(field).map_or(0, |text| text.chars().count());
                cns::Field::ALL.into_iter().map(length).collect()
            }),
            tries: [
                tries(seen, &[INS_VERIFY, INS_CHANGE_REFERENCE_DATA]),
                tries(seen, &[INS_RESET_RETRY_COUNTER]),
            ],
        })
    }
}

/// By the answer to reset, or by where the card keeps its certificate and how long its key is.
fn model(seen: &Observed<'_>) -> Model {
    let same = Model::ALL.into_iter().find(|model| *model.profile().atr == *seen.atr);
    let has = |path: &[u16]| seen.file(path).is_some();
    let applications =
        seen.exchanges().any(|exchange| exchange.selects_name(&cns::APPLICATION) && exchange.is_success());
    let long = seen.certificate().is_some_and(|parts| parts.modulus.len() > 128);
    match (same, AtrHint::parse(seen.atr).map(|hint| hint.family)) {
        _ if applications => Model::Ace,
        _ if has(&[0x1400, 0x9001, 0x2002]) => Model::Idemia,
        _ if has(&[0x2FFF, 0x8228]) => Model::Infocamere,
        (Some(model), _) => model,
        (None, Some(Family::Cie1)) => Model::Cie1,
        (None, Some(Family::Cie2)) => Model::Cie2,
        (None, None) if is_printed(seen) => Model::Cie2,
        _ if long => Model::Cns11,
        _ => Model::Cns10,
    }
}

/// Whether the card's number is that of an identity card.
fn is_printed(seen: &Observed<'_>) -> bool {
    let number = seen.file(&[0x1000, 0x1003]);
    number.is_some_and(|file| !trimmed(&file.content).iter().all(u8::is_ascii_digit))
}

/// What the digest in the common name covers.
fn digest_over(seen: &Observed<'_>, data: &cns::PersonalData) -> DigestOver {
    let certificate = seen.certificate();
    let name =
        certificate.as_ref().and_then(|parts| parts.attribute(&super::super::certificate::COMMON_NAME));
    let name = name.map(String::from_utf8_lossy).unwrap_or_default();
    let used = data.content().get(..data.used_length()).unwrap_or_default();
    let covers = |bytes: &[u8]| {
        use base64ct::{Base64, Encoding};
        name.ends_with(&Base64::encode_string(&DigestAlgorithm::Sha1.hash(bytes)))
    };
    match used.get(cns::PersonalData::HEADER_LENGTH..) {
        Some(fields) if covers(fields) => DigestOver::Fields,
        _ if covers(data.content()) => DigestOver::File,
        _ if covers(used) => DigestOver::Used,
        _ => DigestOver::default(),
    }
}

/// The usual behaviour, changed where another one was seen.
fn profile(seen: &Observed<'_>, usual: Profile) -> Profile {
    let mut profile = Profile { atr: Cow::Owned(seen.atr.to_vec()), ..usual };
    let mut signature_key = false;
    for exchange in seen.exchanges() {
        match exchange.ins() {
            INS_VERIFY | INS_CHANGE_REFERENCE_DATA | INS_RESET_RETRY_COUNTER => {
                secrets(exchange, &mut profile)
            }
            INS_MANAGE_SECURITY_ENVIRONMENT if exchange.p1() == 0xF3 && exchange.is_success() => {
                profile.security_environment = exchange.p2();
            }
            INS_MANAGE_SECURITY_ENVIRONMENT => signature_key = exchange.data.ends_with(&SIGNATURE_KEY),
            // That key does what it is made for, whatever the others do.
            INS_PERFORM_SECURITY_OPERATION if !signature_key => operations(exchange, &mut profile),
            _ if exchange.selects() && exchange.is_success() && !exchange.answer.is_empty() => {
                profile.answers_wait = exchange.wire.iter().any(|word| word >> 8 == 0x61);
            }
            _ => {}
        }
    }
    selections(seen, &mut profile);
    reads(seen, &mut profile);
    profile
}

fn secrets(exchange: &Exchange, profile: &mut Profile) {
    let Some(status) = exchange.status else { return };
    match (exchange.p2(), status == 0x6A88, profile.references) {
        (0x90, true, _) => profile.references = PinReferences::Plain,
        (0x10, true, _) => profile.references = PinReferences::Backtracking,
        (0x90, false, PinReferences::Plain) | (0x10, false, PinReferences::Backtracking) => {
            profile.references = PinReferences::Both;
        }
        _ => {}
    }
    match (status, profile.wrong_pin) {
        (0x6300, _) => profile.wrong_pin = WrongPin::Uncounted,
        (0x63C0, _) => profile.wrong_pin = WrongPin::Counted,
        (0x63C1..=0x63CF, WrongPin::Uncounted) => profile.wrong_pin = WrongPin::CountedThenBlocked,
        _ => {}
    }
}

fn operations(exchange: &Exchange, profile: &mut Profile) {
    let deciphers = exchange.p1() == 0x80;
    match (deciphers, exchange.status) {
        (true, Some(0x6985)) => profile.key_use = KeyUse::Sign,
        (true, Some(0x9000)) if profile.key_use == KeyUse::Sign => profile.key_use = KeyUse::Both,
        (false, Some(0x9000)) => {
            if profile.key_use == KeyUse::Decipher {
                profile.key_use = KeyUse::Both;
            }
            if matches!(exchange.sent, 20 | 32) {
                profile.signature_input = SignatureInput::DigestInfoAdded;
            }
        }
        _ => {}
    }
}

/// Which paths are known, and what is told of the files at their ends.
fn selections(seen: &Observed<'_>, profile: &mut Profile) {
    let of = |p1: u8| move |exchange: &&Exchange| exchange.selects() && exchange.p1() == p1;
    let absolute = || seen.exchanges().filter(of(0x08));
    let relative = seen.exchanges().filter(of(0x09)).any(Exchange::is_success);
    match (absolute().any(Exchange::is_success), absolute().find_map(|exchange| exchange.status), relative) {
        (true, _, _) if !matches!(profile.paths, Paths::Both) => profile.paths = Paths::Both,
        (false, Some(_), true) => profile.paths = Paths::FromCurrent,
        (false, Some(status), false) => profile.paths = Paths::Refused(StatusWord::new(status)),
        _ => {}
    }
    let selected = seen.exchanges().filter(|exchange| exchange.selects() && exchange.is_success());
    let mut told: Vec<ControlInformation> = selected
        .filter_map(|exchange| {
            let Ok(fci) = Fci::parse(&exchange.answer) else { return Some(ControlInformation::None) };
            if fci.file_type() == Some(FileType::Directory) {
                return None;
            }
            Some(match (exchange.answer.first(), fci.size()) {
                (_, None) => ControlInformation::WithoutSize,
                (Some(0x62), _) => ControlInformation::Parameters,
                _ => ControlInformation::Information,
            })
        })
        .collect();
    told.dedup();
    if let [style] = told.as_slice() {
        profile.control_information = *style;
    }
}

/// How files end.
fn reads(seen: &Observed<'_>, profile: &mut Profile) {
    for read in seen.reads() {
        let (exchange, asked, given) = (read.exchange, read.exchange.asked(), read.exchange.answer.len());
        if asked == 256 {
            let refused = exchange.status == Some(0x6700) || exchange.wire.contains(&0x6700);
            profile.reads_256 = !refused;
        }
        if exchange.wire.iter().any(|word| word >> 8 == 0x6C)
            || exchange.status.is_some_and(|s| s >> 8 == 0x6C)
        {
            profile.short_read = ShortRead::Corrected;
            continue;
        }
        let at_end = given == 0 && (read.rest == Some(0) || exchange.status == Some(0x6282));
        match (exchange.status, profile.short_read) {
            (Some(0x6282), _) if at_end => profile.at_end = AtEnd::Warned,
            (Some(0x6B00), _) if at_end => profile.at_end = AtEnd::Refused,
            _ if given == 0 || given >= asked || read.goes_on => {}
            (Some(0x6282), _) if asked == 256 => profile.short_read = ShortRead::Warned,
            (Some(0x9000), _) if asked != 256 => profile.short_read = ShortRead::Success,
            (Some(0x6282), ShortRead::Success | ShortRead::Corrected) => {
                profile.short_read = ShortRead::Usual
            }
            (Some(0x9000), ShortRead::Warned | ShortRead::Corrected) => profile.short_read = ShortRead::Usual,
            _ => {}
        }
    }
}

/// The tries at the beginning, by the first answer to a wrong one.
fn tries(seen: &Observed<'_>, commands: &[u8]) -> Option<u8> {
    let mut answers = seen.exchanges().filter(|exchange| {
        commands.contains(&exchange.ins())
            && matches!(exchange.p2() & 0x7F, 0x10)
            && exchange.status != Some(0x6A88)
    });
    match answers.next()?.status? {
        status @ 0x63C0..=0x63CF => u8::try_from(status & 0xF).ok().map(|left| left + 1),
        0x6983 => Some(0),
        _ => None,
    }
}
