//! Bodies of the fuzz targets for recorded dialogues, and for the logs of other programs that become some.

use std::time::SystemTime;

use crate::iso7816::command::{INS_GET_RESPONSE, INS_SELECT, carries_pin};
use crate::transport::trace::import::{LogFormat, UNPARSED_MAX, import};
use crate::transport::trace::{Event, Kind, Origin, Piece, TRACE_MAX, Told, Trace};

/// CLA bits of secure messaging.
const PROTECTED: u8 = 0x0C;

/// A trace: what is read can be written and is read again, and says the same; an error has a place.
pub fn trace(input: &[u8]) {
    match Trace::parse(input) {
        Ok(trace) => {
            let text = trace.to_string();
            let again = Trace::parse(text.as_bytes()).expect("what was written parses");
            assert_eq!(again.to_string(), text);
            assert!(again.entries.iter().map(|e| &e.event).eq(trace.entries.iter().map(|e| &e.event)));
            let entries: usize = trace.connections().map(<[_]>::len).sum();
            assert_eq!(entries, trace.entries.len());
            assert!(matches!(Trace::parse_broken_off(input), Ok((same, None)) if same == trace));
            assert!(Trace::parse(&[input, b"end\n"].concat()).is_err(), "nothing may follow");
        }
        Err(error) => {
            let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line) && (1..=input.len() + 1).contains(&error.column));
        }
    }
}

/// OpenSC's log.
pub fn import_opensc(input: &[u8]) {
    imported(input, LogFormat::OpenSc);
}

/// The log of `pcscd -a`.
pub fn import_pcscd(input: &[u8]) {
    imported(input, LogFormat::Pcscd);
}

/// What `pcsc-spy` prints.
pub fn import_pcsc_spy(input: &[u8]) {
    imported(input, LogFormat::PcscSpy);
}

/// What `scriptor` prints.
pub fn import_scriptor(input: &[u8]) {
    imported(input, LogFormat::Scriptor);
}

/// A list of hexadecimal lines.
pub fn import_hex_list(input: &[u8]) {
    imported(input, LogFormat::HexList);
}

/// A log: what comes of it is a diagnostic trace that can be read, each command is answered once, no PIN is told, and
/// notes are about lines that there are.
fn imported(input: &[u8], format: LogFormat) {
    let _ = LogFormat::recognise(input);
    let Ok(imported) = import(input, format, Origin::Citizen, SystemTime::UNIX_EPOCH) else { return };
    let text = imported.trace.to_string();
    assert!(text.len() <= TRACE_MAX);
    let read = Trace::parse(text.as_bytes()).expect("what was imported is a trace");
    assert_eq!((read.kind, read.origin), (Kind::Diagnostic, Origin::Citizen));
    assert_eq!(read.to_string(), text);
    let commands = read.entries.iter().filter_map(|entry| match &entry.event {
        Event::Command(told) => Some(told),
        _ => None,
    });
    assert_eq!(commands.clone().count(), imported.commands);
    assert!(commands.clone().all(|told| !tells_a_pin(told)));
    tells_no_data(&read);
    let outcomes =
        read.entries.iter().filter(|entry| matches!(entry.event, Event::Response { .. } | Event::Failed(_)));
    assert_eq!(outcomes.count(), imported.commands);
    let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert_eq!(imported.unparsed.len(), imported.unparsed_count.min(UNPARSED_MAX));
    assert!(imported.unparsed.iter().all(|unparsed| (1..=lines).contains(&unparsed.line)));
    assert!(imported.unparsed.is_sorted_by_key(|unparsed| unparsed.line));
}

/// Of an answer nothing but its status word is told, unless a file was selected or the answer is protected.
fn tells_no_data(trace: &Trace) {
    let mut header = None;
    for entry in &trace.entries {
        match &entry.event {
            // GET RESPONSE asks for the answer to the command before.
            Event::Command(told) if told.header().is_some_and(|[_, ins, ..]| ins == INS_GET_RESPONSE) => {}
            Event::Command(told) => header = told.header(),
            Event::Connected { .. } => header = None,
            Event::Response { answer, .. } => {
                let tells =
                    header.is_some_and(|[cla, ins, ..]| ins == INS_SELECT || cla & PROTECTED == PROTECTED);
                let bytes = answer.pieces().iter().map(|piece| match piece {
                    Piece::Bytes(bytes) => bytes.len(),
                    _ => 0,
                });
                assert!(tells || bytes.sum::<usize>() <= 2);
            }
            _ => {}
        }
    }
}

/// Header and Le of a command without data are told, and of one with protected data its objects.
fn tells_a_pin(told: &Told) -> bool {
    let Some([cla, ins, ..]) = told.header() else { return false };
    carries_pin(ins) && cla & PROTECTED != PROTECTED && told.beginning().len() > 7
}
