//! What PC/SC programs call it when a command has no answer.

use crate::transport::trace::Failure;

/// The numbers and names of pcsclite.h.
const KNOWN: [(u64, &str, Failure); 15] = [
    (0x8010_0002, "SCARD_E_CANCELLED", Failure::Cancelled),
    (0x8010_0007, "SCARD_F_WAITED_TOO_LONG", Failure::TimedOut),
    (0x8010_0008, "SCARD_E_INSUFFICIENT_BUFFER", Failure::AnswerTooLong),
    (0x8010_0009, "SCARD_E_UNKNOWN_READER", Failure::NoReader),
    (0x8010_000A, "SCARD_E_TIMEOUT", Failure::TimedOut),
    (0x8010_000B, "SCARD_E_SHARING_VIOLATION", Failure::InUse),
    (0x8010_000C, "SCARD_E_NO_SMARTCARD", Failure::NoCard),
    (0x8010_0013, "SCARD_F_COMM_ERROR", Failure::NoAnswer),
    (0x8010_0016, "SCARD_E_NOT_TRANSACTED", Failure::NoAnswer),
    (0x8010_0017, "SCARD_E_READER_UNAVAILABLE", Failure::NoReader),
    (0x8010_001D, "SCARD_E_NO_SERVICE", Failure::NoService),
    (0x8010_0066, "SCARD_W_UNRESPONSIVE_CARD", Failure::Unpowered),
    (0x8010_0067, "SCARD_W_UNPOWERED_CARD", Failure::Unpowered),
    (0x8010_0068, "SCARD_W_RESET_CARD", Failure::Reset),
    (0x8010_0069, "SCARD_W_REMOVED_CARD", Failure::Removed),
];

/// By its number; `None` is success.
pub(super) fn of_code(code: u64) -> Option<Failure> {
    let known = KNOWN.iter().find(|(number, ..)| *number == code);
    (code != 0).then(|| known.map_or(Failure::Failed, |(.., failure)| *failure))
}

/// By its name; `None` is success.
pub(super) fn of_name(name: &[u8]) -> Option<Failure> {
    let known = KNOWN.iter().find(|(_, known, _)| known.as_bytes() == name);
    (name != b"SCARD_S_SUCCESS").then(|| known.map_or(Failure::Failed, |(.., failure)| *failure))
}
