//! The chip of a CIE 3: which one the software card can pose as, and where it behaves in another way.

use std::borrow::Cow;

use super::super::certificate::EXTENDED_KEY_USAGE;
use super::super::dialogue::Exchange;
use super::super::files::CIE;
use super::Observed;
use crate::card::ChipFamily;
use crate::crypto::DigestAlgorithm;
use crate::emulator::pki::Generation;
use crate::emulator::{Chip, Profile, WrongLe};
use crate::ias::IAS_AID;
use crate::iso7816::command::{
    INS_CHANGE_REFERENCE_DATA, INS_GET_DATA_ODD, INS_INTERNAL_AUTHENTICATE, INS_VERIFY,
};
use crate::iso7816::tlv;
use crate::passive::ClaimedSecurityObject;

/// The longest data of a protected command that chips take without a word.
const USUAL_DATA: usize = 231;
/// PIN and PUK: their references and the objects that tell their tries.
const SECRETS: [(u8, u32); 2] = [(0x81, 0xBF_8101), (0x82, 0xBF_8102)];

/// What was seen of a CIE 3.
pub(in crate::redact) struct Cie3 {
    pub(in crate::redact) chip: Chip,
    pub(in crate::redact) profile: Profile,
    pub(in crate::redact) generation: Generation,
    pub(in crate::redact) extended_key_usage: bool,
    /// Tries of PIN and PUK at the beginning, as far as the card told them.
    pub(in crate::redact) tries: [Option<u8>; 2],
}

impl Cie3 {
    pub(super) fn of(seen: &Observed<'_>) -> Self {
        let chip = chip(seen);
        let object = seen.file(&[CIE, 0x1006]).and_then(|file| {
            let length = tlv::encoded_length(&file.content).ok()?;
            ClaimedSecurityObject::parse(file.content.get(..length)?).ok()
        });
        let first = object.is_some_and(|object| object.digest_algorithm() == DigestAlgorithm::Sha256);
        let certificate = seen.certificate();
        Self {
            chip,
            profile: profile(seen, chip.profile()),
            generation: if first { Generation::First } else { Generation::Second },
            extended_key_usage: certificate
                .is_some_and(|parts| parts.extension(&EXTENDED_KEY_USAGE).is_some()),
            tries: SECRETS.map(|(reference, object)| tries(seen, reference, object)),
        }
    }
}

/// By the card's own words; a chip that is not known is taken for one that knows the application's name, or not.
fn chip(seen: &Observed<'_>) -> Chip {
    let ef_atr = seen.file(&[0x2F01]).map_or(&[][..], |file| file.content.as_slice());
    match ChipFamily::claimed(ef_atr, seen.atr) {
        ChipFamily::Gemalto | ChipFamily::Gemalto2 => Chip::Gemalto,
        ChipFamily::Nxp => Chip::Nxp,
        ChipFamily::St => Chip::St,
        ChipFamily::Actalis | ChipFamily::Bit4id => Chip::Actalis,
        ChipFamily::Unknown if by_name(seen) == Some(false) => Chip::Nxp,
        ChipFamily::Unknown => Chip::Gemalto,
    }
}

/// Whether the application is known by its name.
fn by_name(seen: &Observed<'_>) -> Option<bool> {
    let selected = seen.exchanges().filter(|exchange| exchange.selects_name(&IAS_AID));
    selected
        .filter_map(|exchange| match exchange.status? {
            0x9000 => Some(true),
            0x6A82 => Some(false),
            _ => None,
        })
        .next()
}

/// The usual behaviour, changed where another one was seen.
fn profile(seen: &Observed<'_>, usual: Profile) -> Profile {
    let mut profile = Profile { atr: Cow::Owned(seen.atr.to_vec()), ..usual };
    profile.knows_ias_by_name = by_name(seen).unwrap_or(profile.knows_ias_by_name);
    reads(seen, &mut profile);
    direct_answers(seen, &mut profile);
    let long = |exchange: &&Exchange| exchange.protected && exchange.sent >= USUAL_DATA;
    let mut long = seen.exchanges().filter(long).peekable();
    if long.peek().is_some() {
        let refused = long.any(was_refused);
        if refused != (profile.longest_protected_data < USUAL_DATA) {
            profile.longest_protected_data = if refused { USUAL_DATA - 1 } else { USUAL_DATA };
        }
    }
    let mut after_change = seen
        .exchanges()
        .skip_while(|exchange| exchange.ins() != INS_CHANGE_REFERENCE_DATA || !exchange.is_success());
    let shown_again = |exchange: &Exchange| matches!(exchange.ins(), INS_VERIFY);
    let signed =
        after_change.by_ref().take_while(|exchange| !shown_again(exchange)).find(|exchange| signs(exchange));
    match signed.and_then(|exchange| exchange.status) {
        Some(0x9000) => profile.verified_after_change = true,
        Some(0x6982) => profile.verified_after_change = false,
        _ => {}
    }
    for exchange in seen.exchanges().filter(|exchange| signs(exchange)) {
        match (exchange.status, profile.longest_token) {
            (Some(0x9000), Some(longest)) if exchange.sent > longest => profile.longest_token = None,
            (Some(0x6700 | 0x6A80), _) => profile.longest_token = exchange.sent.checked_sub(1),
            _ => {}
        }
    }
    profile
}

/// Whether the first fragment was too long for the chip: it said so over the channel, where every answer is 9000 on
/// the wire, and one fragment more went out than the data needs.
fn was_refused(exchange: &Exchange) -> bool {
    let fragments = exchange.wire.iter().filter(|word| **word == 0x9000).count() + 1;
    exchange.status == Some(0x6700) || fragments > exchange.sent.div_ceil(USUAL_DATA)
}

fn signs(exchange: &Exchange) -> bool {
    exchange.ins() == INS_INTERNAL_AUTHENTICATE && exchange.sent != 8
}

/// How files end, and how much of them comes at once.
fn reads(seen: &Observed<'_>, profile: &mut Profile) {
    for read in seen.reads() {
        let (exchange, asked) = (read.exchange, read.exchange.asked());
        let given = exchange.answer.len();
        let short = given < asked && given > 0;
        let corrected = exchange.wire.iter().any(|word| word >> 8 == 0x6C)
            || exchange.status.is_some_and(|status| status >> 8 == 0x6C);
        match (exchange.protected, exchange.status) {
            (true, _) if corrected => profile.wrong_le = WrongLe::Refused,
            (false, _) if corrected && profile.wrong_le != WrongLe::Refused => {
                profile.wrong_le = WrongLe::RefusedInClear;
            }
            (true, Some(0x9000)) if short && read.goes_on => profile.longest_protected_read = given,
            (false, Some(0x9000)) if short && read.goes_on => profile.longest_clear_read = given,
            (false, Some(0x6282)) if short => {
                profile.wrong_le = WrongLe::Warned;
                profile.le_zero_warns |= asked == 256;
            }
            (false, Some(0x9000)) if short && asked == 256 && read.rest == Some(given) => {
                profile.le_zero_warns = false;
            }
            _ => {}
        }
        // What is longer than the limit that was thought of.
        let limit = if exchange.protected {
            &mut profile.longest_protected_read
        } else {
            &mut profile.longest_clear_read
        };
        if asked == 256 && given > *limit {
            *limit = given;
        }
    }
}

/// Which answers in clear wait for GET RESPONSE.
fn direct_answers(seen: &Observed<'_>, profile: &mut Profile) {
    let clear = |exchange: &&Exchange| !exchange.protected && exchange.ne.is_some() && exchange.is_success();
    for exchange in seen.exchanges().filter(clear) {
        let waited = exchange.wire.iter().any(|word| word >> 8 == 0x61);
        let length = exchange.answer.len().min(exchange.asked());
        if waited && length > 0 && length <= profile.longest_direct_answer {
            profile.longest_direct_answer = length - 1;
        } else if !waited && length > profile.longest_direct_answer {
            profile.longest_direct_answer = length;
        }
    }
}

/// The tries of a secret at the beginning: by the card's word, or by its first answer to a wrong one.
fn tries(seen: &Observed<'_>, reference: u8, object: u32) -> Option<u8> {
    for exchange in seen.exchanges() {
        match (exchange.ins(), exchange.status?) {
            (INS_GET_DATA_ODD, 0x9000) => {
                let told = tlv::find_path(&exchange.answer, &[0x70, object, 0xA0, 0x9B]);
                if let Ok([left]) = told {
                    return Some(*left);
                }
            }
            (INS_VERIFY | INS_CHANGE_REFERENCE_DATA, status) if exchange.p2() == reference => {
                return match status {
                    0x63C0..=0x63CF => u8::try_from(status & 0xF).ok().map(|left| left + 1),
                    0x6983 => Some(0),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    None
}
