//! The numbers that functions return.

use std::ffi::{CStr, c_char};

/// What a function returns: `CIE_OK`, or the number of what went wrong. Numbers may be added; none changes its meaning.
/// Those from 100 on are the codes of the library's errors, by which the documentation and the command line call them.
pub type cie_result = i32;

/// Done.
pub const CIE_OK: cie_result = 0;
/// A pointer is null that must not be.
pub const CIE_NULL: cie_result = 1;
/// An argument is not one of those that the function takes: `cie_error_detail` says which and why.
pub const CIE_ARGUMENT: cie_result = 2;
/// The handle is closed, was never open, or stands for something else.
pub const CIE_HANDLE: cie_result = 3;
/// Another call uses it at this moment; in a callback, the call that the callback belongs to.
pub const CIE_BUSY: cie_result = 4;
/// The buffer is too small; the size that it needs was put where the size was. Nothing else was done.
pub const CIE_NO_ROOM: cie_result = 5;
/// There is no such field, or the card does not tell.
pub const CIE_ABSENT: cie_result = 6;
/// The library was built without this part: see `cie_features`.
pub const CIE_NOT_BUILT_IN: cie_result = 7;
/// This function is not for this kind of card.
pub const CIE_OTHER_CARD: cie_result = 8;
/// The PIN is verified; `cie_card_lock` must end that first.
pub const CIE_UNLOCKED: cie_result = 9;
/// A file cannot be read or written.
pub const CIE_FILE: cie_result = 10;
/// The card does not say that it is a software card, so not everything may be recorded.
pub const CIE_NO_TEST_CARD: cie_result = 11;
/// Too many handles are open.
pub const CIE_TOO_MANY_HANDLES: cie_result = 12;
/// The reader service lets this account use no readers or no cards.
pub const CIE_ACCESS_DENIED: cie_result = 100;
/// The waiting was cancelled.
pub const CIE_CANCELLED: cie_result = 101;
/// Another program uses the card.
pub const CIE_CARD_IN_USE: cie_result = 102;
/// The card's answers are not those of such a card.
pub const CIE_CARD_MALFORMED: cie_result = 103;
/// The card does not answer.
pub const CIE_CARD_MUTE: cie_result = 104;
/// The card refused.
pub const CIE_CARD_REFUSED: cie_result = 105;
/// The card was taken away.
pub const CIE_CARD_REMOVED: cie_result = 106;
/// Another program reset the card.
pub const CIE_CARD_RESET: cie_result = 107;
/// The reader cannot power the card.
pub const CIE_CARD_UNPOWERED: cie_result = 108;
/// A card of this kind that the library does not support.
pub const CIE_CARD_UNSUPPORTED: cie_result = 109;
/// A certificate was checked and is not good.
pub const CIE_CERTIFICATE_BAD: cie_result = 110;
/// A certificate has expired, or is not valid yet.
pub const CIE_CERTIFICATE_EXPIRED: cie_result = 111;
/// The certificate was revoked.
pub const CIE_CERTIFICATE_REVOKED: cie_result = 112;
/// The challenge was answered too late.
pub const CIE_CHALLENGE_EXPIRED: cie_result = 113;
/// There is no such challenge: answered already, or never drawn for this session.
pub const CIE_CHALLENGE_MISSING: cie_result = 114;
/// Challenges cannot be kept at the moment.
pub const CIE_CHALLENGE_STORE: cie_result = 115;
/// An answer over the protected channel was altered: the channel is closed.
pub const CIE_CHANNEL_BROKEN: cie_result = 116;
/// The protected channel to the card is gone.
pub const CIE_CHANNEL_LOST: cie_result = 117;
/// The chip did not prove that it is genuine.
pub const CIE_CHIP_NOT_AUTHENTIC: cie_result = 118;
/// A file of the card is not the one that was signed.
pub const CIE_FILE_ALTERED: cie_result = 119;
/// Not a fiscal code.
pub const CIE_FISCAL_CODE_MALFORMED: cie_result = 120;
/// The card takes terminal keys of another authority.
pub const CIE_FOREIGN_AUTHORITY: cie_result = 121;
/// The library or the computer could not do it.
pub const CIE_INTERNAL: cie_result = 122;
/// No path leads to a certificate that is trusted: nothing was checked.
pub const CIE_ISSUER_UNKNOWN: cie_result = 123;
/// No card lies on the reader.
pub const CIE_NO_CARD: cie_result = 124;
/// No such reader.
pub const CIE_NO_READER: cie_result = 125;
/// The reader service is not running.
pub const CIE_NO_SERVICE: cie_result = 126;
/// Not a challenge.
pub const CIE_NONCE_MALFORMED: cie_result = 127;
/// Not a card that the library knows.
pub const CIE_NOT_A_CIE: cie_result = 128;
/// The card has not been activated.
pub const CIE_NOT_ACTIVATED: cie_result = 129;
/// What happened is not what was recorded.
pub const CIE_NOT_AS_RECORDED: cie_result = 130;
/// Not the origin of a portal.
pub const CIE_ORIGIN_MALFORMED: cie_result = 131;
/// Nothing binds the personal data to the certificate.
pub const CIE_PERSONAL_DATA_UNBOUND: cie_result = 132;
/// The PIN is blocked.
pub const CIE_PIN_BLOCKED: cie_result = 133;
/// What the card made of the PIN is not known: a try may be spent.
pub const CIE_PIN_DOUBTFUL: cie_result = 134;
/// Only one try of the PIN is left; nothing was sent.
pub const CIE_PIN_LAST_TRY: cie_result = 135;
/// Not a PIN of this card; nothing was sent.
pub const CIE_PIN_MALFORMED: cie_result = 136;
/// The PIN must be verified first.
pub const CIE_PIN_NEEDED: cie_result = 137;
/// The card has forgotten that the PIN was verified.
pub const CIE_PIN_STATE_LOST: cie_result = 138;
/// The connection was lost while the PIN was changed or unblocked: it may be the new one.
pub const CIE_PIN_UNCERTAIN: cie_result = 139;
/// The new PIN is easily guessed; nothing was sent.
pub const CIE_PIN_WEAK: cie_result = 140;
/// The PIN is wrong; a try is spent.
pub const CIE_PIN_WRONG: cie_result = 141;
/// The PUK is blocked, for good.
pub const CIE_PUK_BLOCKED: cie_result = 142;
/// Only one try of the PUK is left; nothing was sent.
pub const CIE_PUK_LAST_TRY: cie_result = 143;
/// Not a PUK of this card; nothing was sent.
pub const CIE_PUK_MALFORMED: cie_result = 144;
/// The PUK is wrong; a try is spent.
pub const CIE_PUK_WRONG: cie_result = 145;
/// These bytes are not signed for this purpose: they could be a login.
pub const CIE_PURPOSE_REFUSED: cie_result = 146;
/// The reader or its service failed.
pub const CIE_READER_FAILED: cie_result = 147;
/// The reader does not come back from an earlier command.
pub const CIE_READER_STUCK: cie_result = 148;
/// Not from this library: a redaction would have told something of the holder.
pub const CIE_REDACTION_LEAKS: cie_result = 149;
/// EF.SOD is signed with SHA-1, which was not allowed.
pub const CIE_SIGNATURE_WEAK: cie_result = 150;
/// The software card cannot be used.
pub const CIE_SOFT_CARD: cie_result = 151;
/// Whether the certificate was revoked could not be found out.
pub const CIE_STATUS_UNAVAILABLE: cie_result = 152;
/// A software card's certificate, and these were not allowed.
pub const CIE_TEST_CERTIFICATE: cie_result = 153;
/// Nothing happened in the time given.
pub const CIE_TIMED_OUT: cie_result = 154;
/// Not a login token.
pub const CIE_TOKEN_MALFORMED: cie_result = 155;
/// Not from this library: a recording that cannot be redacted.
pub const CIE_TRACE_NOT_REDACTABLE: cie_result = 156;
/// Not a recorded dialogue that can be played back.
pub const CIE_TRACE_UNUSABLE: cie_result = 157;
/// A folder of certificates cannot be used as it is; nothing of it is trusted.
pub const CIE_TRUST_FOLDER: cie_result = 158;
/// The PUK was right, but the card did not unblock the PIN in this way.
pub const CIE_UNBLOCK_REFUSED: cie_result = 159;
/// A signature is wrong.
pub const CIE_WRONG_SIGNATURE: cie_result = 160;
/// A certificate says that it is from a card of a kind that the portal does not accept.
pub const CIE_CARD_NOT_ACCEPTED: cie_result = 161;
/// A key or digest is too weak, as on cards from before 2012 or so, which `CIE_ALLOW_LEGACY` lets pass.
pub const CIE_CERTIFICATE_WEAK: cie_result = 162;
/// What cannot become the PIN of this card; nothing was sent.
pub const CIE_NEW_PIN_MALFORMED: cie_result = 163;

/// The name of each number; from 100 on, the code of the library's error.
const NAMES: &[(cie_result, &CStr)] = &[
    (CIE_OK, c"ok"),
    (CIE_NULL, c"null"),
    (CIE_ARGUMENT, c"argument"),
    (CIE_HANDLE, c"handle"),
    (CIE_BUSY, c"busy"),
    (CIE_NO_ROOM, c"no-room"),
    (CIE_ABSENT, c"absent"),
    (CIE_NOT_BUILT_IN, c"not-built-in"),
    (CIE_OTHER_CARD, c"other-card"),
    (CIE_UNLOCKED, c"unlocked"),
    (CIE_FILE, c"file"),
    (CIE_NO_TEST_CARD, c"no-test-card"),
    (CIE_TOO_MANY_HANDLES, c"too-many-handles"),
    (CIE_ACCESS_DENIED, c"access-denied"),
    (CIE_CANCELLED, c"cancelled"),
    (CIE_CARD_IN_USE, c"card-in-use"),
    (CIE_CARD_MALFORMED, c"card-malformed"),
    (CIE_CARD_MUTE, c"card-mute"),
    (CIE_CARD_REFUSED, c"card-refused"),
    (CIE_CARD_REMOVED, c"card-removed"),
    (CIE_CARD_RESET, c"card-reset"),
    (CIE_CARD_UNPOWERED, c"card-unpowered"),
    (CIE_CARD_UNSUPPORTED, c"card-unsupported"),
    (CIE_CERTIFICATE_BAD, c"certificate-bad"),
    (CIE_CERTIFICATE_EXPIRED, c"certificate-expired"),
    (CIE_CERTIFICATE_REVOKED, c"certificate-revoked"),
    (CIE_CHALLENGE_EXPIRED, c"challenge-expired"),
    (CIE_CHALLENGE_MISSING, c"challenge-missing"),
    (CIE_CHALLENGE_STORE, c"challenge-store"),
    (CIE_CHANNEL_BROKEN, c"channel-broken"),
    (CIE_CHANNEL_LOST, c"channel-lost"),
    (CIE_CHIP_NOT_AUTHENTIC, c"chip-not-authentic"),
    (CIE_FILE_ALTERED, c"file-altered"),
    (CIE_FISCAL_CODE_MALFORMED, c"fiscal-code-malformed"),
    (CIE_FOREIGN_AUTHORITY, c"foreign-authority"),
    (CIE_INTERNAL, c"internal"),
    (CIE_ISSUER_UNKNOWN, c"issuer-unknown"),
    (CIE_NO_CARD, c"no-card"),
    (CIE_NO_READER, c"no-reader"),
    (CIE_NO_SERVICE, c"no-service"),
    (CIE_NONCE_MALFORMED, c"nonce-malformed"),
    (CIE_NOT_A_CIE, c"not-a-cie"),
    (CIE_NOT_ACTIVATED, c"not-activated"),
    (CIE_NOT_AS_RECORDED, c"not-as-recorded"),
    (CIE_ORIGIN_MALFORMED, c"origin-malformed"),
    (CIE_PERSONAL_DATA_UNBOUND, c"personal-data-unbound"),
    (CIE_PIN_BLOCKED, c"pin-blocked"),
    (CIE_PIN_DOUBTFUL, c"pin-doubtful"),
    (CIE_PIN_LAST_TRY, c"pin-last-try"),
    (CIE_PIN_MALFORMED, c"pin-malformed"),
    (CIE_PIN_NEEDED, c"pin-needed"),
    (CIE_PIN_STATE_LOST, c"pin-state-lost"),
    (CIE_PIN_UNCERTAIN, c"pin-uncertain"),
    (CIE_PIN_WEAK, c"pin-weak"),
    (CIE_PIN_WRONG, c"pin-wrong"),
    (CIE_PUK_BLOCKED, c"puk-blocked"),
    (CIE_PUK_LAST_TRY, c"puk-last-try"),
    (CIE_PUK_MALFORMED, c"puk-malformed"),
    (CIE_PUK_WRONG, c"puk-wrong"),
    (CIE_PURPOSE_REFUSED, c"purpose-refused"),
    (CIE_READER_FAILED, c"reader-failed"),
    (CIE_READER_STUCK, c"reader-stuck"),
    (CIE_REDACTION_LEAKS, c"redaction-leaks"),
    (CIE_SIGNATURE_WEAK, c"signature-weak"),
    (CIE_SOFT_CARD, c"soft-card"),
    (CIE_STATUS_UNAVAILABLE, c"status-unavailable"),
    (CIE_TEST_CERTIFICATE, c"test-certificate"),
    (CIE_TIMED_OUT, c"timed-out"),
    (CIE_TOKEN_MALFORMED, c"token-malformed"),
    (CIE_TRACE_NOT_REDACTABLE, c"trace-not-redactable"),
    (CIE_TRACE_UNUSABLE, c"trace-unusable"),
    (CIE_TRUST_FOLDER, c"trust-folder"),
    (CIE_UNBLOCK_REFUSED, c"unblock-refused"),
    (CIE_WRONG_SIGNATURE, c"wrong-signature"),
    (CIE_CARD_NOT_ACCEPTED, c"card-not-accepted"),
    (CIE_CERTIFICATE_WEAK, c"certificate-weak"),
    (CIE_NEW_PIN_MALFORMED, c"new-pin-malformed"),
];

/// The stable name of a number, such as "pin-wrong" for `CIE_PIN_WRONG`, and "unknown" for one that no function of this
/// version returns: static text, nobody frees it.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_result_name(result: cie_result) -> *const c_char {
    name(result).as_ptr()
}

pub(super) fn name(result: cie_result) -> &'static CStr {
    NAMES.iter().find(|(number, _)| *number == result).map_or(c"unknown", |(_, name)| name)
}

/// The number of an error's code.
pub(super) fn number_of(code: &str) -> cie_result {
    let found = NAMES.iter().find(|(_, name)| name.to_bytes() == code.as_bytes());
    found.map_or(CIE_INTERNAL, |(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn every_code_of_the_library_has_a_number_and_every_number_a_name() {
        for code in Error::codes() {
            let known = NAMES.iter().filter(|(_, name)| name.to_bytes() == code.as_bytes()).count();
            assert_eq!(known, 1, "{code}");
        }
        let mut numbers: Vec<_> = NAMES.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), NAMES.len());
        for (number, name) in NAMES {
            assert_eq!(self::name(*number), *name);
            assert!(
                (*number < 100) != Error::codes().any(|code| code.as_bytes() == name.to_bytes()),
                "{name:?}"
            );
        }
        assert_eq!(name(99), c"unknown");
    }

    /// A number goes by one name in both places: the header's and that of `cie_result_name`.
    #[test]
    fn the_header_calls_each_number_by_its_name() {
        let header = include_str!("../../include/cie.h");
        for (number, name) in NAMES {
            let constant = name.to_str().unwrap().to_uppercase().replace('-', "_");
            let definition = format!("#define CIE_{constant} {number}");
            assert_eq!(header.lines().filter(|line| *line == definition).count(), 1, "{definition}");
        }
    }
}
