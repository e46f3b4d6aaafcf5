use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::transport::trace::{EVENTS_MAX, Event, Kind, TRACE_MAX};

/// The logs of other programs (fixtures/logs/README.md).
const LOGS: [(&str, LogFormat); 9] = [
    ("cns.opensc-debug.log", LogFormat::OpenSc),
    ("cns.pcscd.log", LogFormat::Pcscd),
    ("cns.pcsc-spy.log", LogFormat::PcscSpy),
    ("cns.scriptor.log", LogFormat::Scriptor),
    ("cns.hex-list.txt", LogFormat::HexList),
    ("cie3.opensc-debug.log", LogFormat::OpenSc),
    ("cie3.pcscd.log", LogFormat::Pcscd),
    ("cie3.pcsc-spy.log", LogFormat::PcscSpy),
    ("cie3.scriptor.log", LogFormat::Scriptor),
];

/// What was said to the CNS, whoever logged it.
const CNS: &str = "\
> 00A4080C0410001003
< 9000
> 00B0000010
< [16] 9000
> 00A40800041100110200
< 6F38800201908203010000830211028501 [1] 8609 [9] 8A0105CB18 [24] 9000
> 00B00000FF
< [255] 9000
> 00B000FF91
< [145] 9000
> 00200090 [?]
< 9000
> 00200090 [?]
< 63C2
> 0084000008
< [8] 9000
";

/// What was said to the CIE 3.
const CIE_3: &str = "\
> 00A4040C0DA000000030800000000981600100
< 9000
> 00B0810006
< 6A82
> 00B0850000
< 6A82
> 00A4040C06A00000000039
< 9000
> 00200081 [?]
< 6982
> 0084000008
< [8] 9000
> 00CB3FFF0C4D0A7008BFA101A303970000
< 6A80
";

fn log(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs").join(name)).unwrap()
}

fn imported(log: &[u8], format: LogFormat) -> Imported {
    import(log, format, Origin::Citizen, SystemTime::UNIX_EPOCH).unwrap()
}

/// The events without times, and the notes.
fn told(format: LogFormat, log: &[u8]) -> (String, Vec<(usize, Reason)>) {
    let mut imported = imported(log, format);
    for entry in &mut imported.trace.entries {
        if let Event::Response { time, .. } = &mut entry.event {
            *time = None;
        }
    }
    let events = imported.trace.entries.iter().map(|entry| format!("{}\n", entry.event)).collect();
    assert_eq!(imported.unparsed_count, imported.unparsed.len());
    (events, imported.unparsed.iter().map(|unparsed| (unparsed.line, unparsed.reason)).collect())
}

#[track_caller]
fn says(format: LogFormat, log: &str, events: &str, notes: &[(usize, Reason)]) {
    for log in [log.to_owned(), log.replace('\n', "\r\n")] {
        let (told, noted) = told(format, log.as_bytes());
        assert_eq!((told.as_str(), noted.as_slice()), (events, notes), "{log}");
    }
}

/// What must hold of whatever is imported.
fn check(log: &[u8], format: LogFormat) -> Option<String> {
    let Ok(imported) = import(log, format, Origin::Citizen, SystemTime::UNIX_EPOCH) else { return None };
    let text = imported.trace.to_string();
    let read = Trace::parse(text.as_bytes()).unwrap();
    assert_eq!((read.kind, read.origin, read.to_string()), (Kind::Diagnostic, Origin::Citizen, text.clone()));
    let lines = log.split(|byte| *byte == b'\n').count();
    assert!(imported.unparsed.iter().all(|unparsed| (1..=lines).contains(&unparsed.line)));
    Some(text + &format!("{imported:?}"))
}

#[test]
fn every_program_tells_the_same_dialogue() {
    for (name, format) in LOGS {
        let log = log(name);
        assert_eq!(LogFormat::recognise(&log), Some(format), "{name}");
        let (events, notes) = told(format, &log);
        let (connection, events) = events.split_once('\n').unwrap();
        let (atr, dialogue) = match name.starts_with("cns") {
            true => ("3BFF1800FF8131FE55006B02091617011101434E531131808D", CNS),
            false => ("3B8F800180318065B085040011120FFF8290008A", CIE_3),
        };
        let knows_atr = !matches!(format, LogFormat::Scriptor | LogFormat::HexList);
        let expected = if knows_atr { format!("atr {atr} shared") } else { "atr shared".to_owned() };
        assert_eq!((connection, notes), (expected.as_str(), vec![]), "{name}");
        let more =
            if name == "cie3.scriptor.log" { "event terminal-reset\n> 00B0810006\n< 6A82\n" } else { "" };
        assert_eq!(events, format!("{dialogue}{more}"), "{name}");
        assert_eq!(imported(&log, format).commands, events.matches('>').count());
    }
}

/// By how each program writes its clock; the first of each, and that of the right PIN.
#[test]
fn times_are_those_of_the_log() {
    for (name, first, pin) in [
        ("cns.opensc-debug.log", Some(0), Some(1000)),
        ("cns.pcscd.log", Some(71), Some(1487)),
        ("cns.pcsc-spy.log", Some(401), Some(1636)),
        ("cns.scriptor.log", None, None),
    ] {
        let imported = imported(&log(name), LogFormat::recognise(&log(name)).unwrap());
        let times = imported.trace.entries.iter().filter_map(|entry| match &entry.event {
            Event::Response { time, .. } => Some(time.map(|time| time.as_micros())),
            _ => None,
        });
        let times: Vec<_> = times.collect();
        assert_eq!((times[0], times[5]), (first, pin), "{name}");
    }
    let night = "a 23:59:59.999 [x] y\nOutgoing APDU (4 bytes):\n00 A4 00 00 ....\n\
                 a 00:00:00.001 [x] y\nIncoming APDU (2 bytes):\n90 00 ..\n";
    let trace = imported(night.as_bytes(), LogFormat::OpenSc).trace.to_string();
    assert!(trace.contains("< 9000 us 2000\n"), "{trace}");
}

/// The secrets of the citizens in the fixtures: PINs, name, fiscal code, card number, a random number of the card.
fn secrets(log: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for secret in ["12345678", "31415", "PROVA", "FITTIZI", "PRVFTZ58B28F20", "7099001000000013"] {
        let hex = |upper: bool, between: &str| {
            let byte = |byte: u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            secret.bytes().map(byte).collect::<Vec<_>>().join(between)
        };
        let forms = [secret.to_owned(), hex(true, ""), hex(false, ""), hex(true, " "), hex(false, " ")];
        let holds = |form: &String| log.windows(form.len()).any(|window| window == form.as_bytes());
        if forms.iter().any(holds) {
            found.extend(forms.into_iter().map(String::into_bytes));
        }
    }
    found
}

#[test]
fn nothing_private_survives() {
    for (name, format) in LOGS {
        let log = log(name);
        let secrets = secrets(&log);
        assert!(secrets.len() >= if name.starts_with("cns") { 20 } else { 5 }, "{name}: {}", secrets.len());
        // Whole, and broken off anywhere.
        let step = log.len() / 400 + 1;
        for end in (0..log.len()).step_by(step).chain([log.len()]) {
            let Some(said) = check(&log[..end], format) else { continue };
            for secret in &secrets {
                let holds = said.as_bytes().windows(secret.len()).any(|window| window == secret);
                assert!(!holds, "{name}, {end} bytes: {}\n{said}", String::from_utf8_lossy(secret));
            }
        }
    }
}

#[test]
fn opensc_in_other_versions_and_moods() {
    let old = "\
0x7f 2012-01-01 10:00:00.100 [opensc-tool] apdu.c:187:sc_apdu_log: \n\
Outgoing APDU data [    7 bytes] =====================================\n\
00 A4 00 00 02 3F 00 .....?.\n\
======================================================================\n\
Incoming APDU data [    2 bytes] =====================================\n\
90 00 ..\n\
======================================================================\n";
    says(LogFormat::OpenSc, old, "atr shared\n> 00A40000023F00\n< 9000\n", &[]);
    assert_eq!(LogFormat::recognise(old.as_bytes()), Some(LogFormat::OpenSc));
    // Another thread's words within a dump; a command that fails; a dump that is cut off; one that is too long.
    let log = "\
P:1; T:0x1 10:00:00.100 [x] reader-pcsc.c:889:pcsc_init: PC/SC options: connect_exclusive=1 x=0\n\
P:1; T:0x1 10:00:00.100 [x] card.c:254:sc_connect_card: called\n\
P:1; T:0x1 10:00:00.100 [x] card.c:1234:match_atr_table: ATR     : 31:32:33:34\n\
P:1; T:0x1 10:00:00.100 [x] card.c:1234:match_atr_table: ATR     : 3b:00\n\
Outgoing APDU (20 bytes):\n\
00 A4 04 0C 0F D2 33 00 00 00 45 73 74 45 49 44 ......3...EstEID\n\
P:1; T:0x2 10:00:00.100 [x] card.c:530:sc_unlock: called\n\
20 76 33 35                                      v35\n\
P:1; T:0x1 10:00:00.100 [x] reader-pcsc.c:2:f: R:SCardTransmit/Control failed: 0x80100069\n\
Outgoing APDU (13 bytes):\n\
00 20 00 90 08 31 32 33\n\
Incoming APDU (2 bytes):\n\
90 00 ..\n\
Outgoing APDU (99999999999999999999 bytes):\n\
Outgoing APDU (5 bytes):\n\
00 B0 00 00 01 .....\n";
    let events = "atr 3B00\n> 00A4040C0FD23300000045737445494420763335\nevent removed\n\
                  > 00B0000001\nevent no-answer\n";
    let notes = [
        (3, Reason::Atr),
        (10, Reason::Cut),
        (12, Reason::NoCommand),
        (14, Reason::TooLong),
        (15, Reason::Unanswered),
    ];
    says(LogFormat::OpenSc, log, events, &notes);
}

/// The service writes an answer that did not come as one without bytes, and says so later.
#[test]
fn pcscd_tells_failures_and_resets() {
    let log = "\
00000001 eventhandler.c:423:EHStatusHandlerThread() Card inserted into A 00 00\n\
00000001 Card ATR: 3B 00 \n\
00000001 eventhandler.c:423:EHStatusHandlerThread() Card inserted into B 00 00\n\
00000001 Card ATR: 3F 00 \n\
00000001 winscard.c:258:SCardConnect() Attempting Connect to A 00 00 using protocol: 3\n\
00000002 APDU: 00 B0 00 01 \n\
00000003 ifd-vpcd.c:397:IFDHTransmitToICC() could not send apdu or receive rapdu\n\
00000001 SW: \n\
00000001 winscard.c:1621:SCardTransmit() Card not transacted: rv=SCARD_E_NOT_TRANSACTED\n\
00000001 winscard_svc.c:694:ContextThread() TRANSMIT for client 11, rv=SCARD_E_NOT_TRANSACTED\n\
00000001 APDU: 00 B0 00 02 \n\
00000001 winscard_svc.c:694:ContextThread() TRANSMIT for client 11, rv=SCARD_W_REMOVED_CARD\n\
00000001 winscard_svc.c:694:ContextThread() TRANSMIT for client 11, rv=SCARD_W_REMOVED_CARD\n\
00000001 APDU: 00 B0 00 03 \n\
00000001 SW: \n\
00000001 winscard_svc.c:694:ContextThread() TRANSMIT for client 11, rv=SCARD_S_SUCCESS\n\
00000001 winscard.c:609:SCardReconnect() Reset complete.\n\
00000001 APDU: 00 B0 00 04 \n\
00000001 APDU: 00 B0 00 05 \n\
00000001 SW: 61 0\n\
00000001 SW: \n";
    let events = "atr 3B00 shared\n> 00B00001\nevent no-answer\n> 00B00002\nevent removed\n> 00B00003\n<\n\
                  event terminal-reset\n> 00B00004\nevent no-answer\n> 00B00005\n<\n";
    says(LogFormat::Pcscd, log, events, &[(18, Reason::Unanswered), (20, Reason::NotHex)]);
    let journal = "\
Nov 25 22:48:19 host pcscd[321]: 00000007 APDU: 00 A4 00 00\n\
Nov 25 22:48:19 host pcscd[321]: 00001000 [140316503594688] unrelated\n\
Nov 25 22:48:19 host pcscd[321]: 00000234 [140316503594688] SW: 90 00\n";
    assert_eq!(LogFormat::recognise(journal.as_bytes()), Some(LogFormat::Pcscd));
    let trace = imported(journal.as_bytes(), LogFormat::Pcscd).trace.to_string();
    assert!(trace.contains("\n> 00A40000\n< 9000 us 1234\n"), "{trace}");
}

#[test]
fn pcsc_spy_tells_threads_apart() {
    let log = "\
SCardConnect\n i szReader A\n i dwShareMode: SCARD_SHARE_EXCLUSIVE (0x00000001)\n => x (OK [0x00000000])  [0.1]\n\
SCardTransmit\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n\
    \x20   SCardReconnect\n\
    \x20    i dwShareMode: SCARD_SHARE_SHARED (0x00000002)\n\
    \x20    i dwInitialization 0x00000001 (1)\n\
 i  0000 00 B0 00 01                                     ....\n\
    \x20    => x (SCARD_W_REMOVED_CARD [0x80100069])  [0.000001]\n\
 o bRecvLength 0x00000003 (3)\n o bRecvBuffer\n o  0000 41 90 00    A..\n\
 => Command successful. (SCARD_S_SUCCESS [0x00000000])  [1.000002]\n\
SCardTransmit\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n i  0000 00 B0 00 02   ....\n\
 o bRecvLength 0x00000000 (0)\n o bRecvBuffer\n => gone (SCARD_W_RESET_CARD [0x80100068])  [0.1]\n\
SCarControl\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n i  0000 00 20 00 01   ....\n\
 => Command successful. (SCARD_S_SUCCESS [0x00000000])  [1.000002]\n\
SCardTransmit\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n i  0000 00 B0 00   ...\n\
SCardTransmit\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n i  0000 00 B0 00 03   ....\n";
    let events = "atr\nevent terminal-reset removed\n> 00B00001\n< [1] 9000\n> 00B00002\nevent reset\n\
                  > 00B00003\nevent no-answer\n";
    says(LogFormat::PcscSpy, log, events, &[(29, Reason::Cut), (33, Reason::Unanswered)]);
    assert!(imported(log.as_bytes(), LogFormat::PcscSpy).trace.to_string().contains("us 1000002\n"));
    let with_names = "(t0) SCardTransmit\n (t0)  i bSendLength 0x00000004 (4)\n (t0)  i bSendBuffer\n     (t1) SCardStatus\n \
                      (t0)  i  0000 00 B0 00 01   ....\n";
    says(
        LogFormat::PcscSpy,
        with_names,
        "atr shared\n> 00B00001\nevent no-answer\n",
        &[(1, Reason::Unanswered)],
    );
}

#[test]
fn scriptor_and_its_sister() {
    // A file's own lines are repeated: continued ones, remarks, `reset`.
    let log = "\
Using T=1 protocol\n# a remark\n00 20 00 10 08 \\\n31 32 33 34 35 36 37 38\n\
> 00 20 00 10 08 31 32 33 34 35 36 37 38\n< 90 00 : Normal processing.\nreset\n> RESET\n< KO: no card\n\
31 32\n00 84 00 00 08\n> 00 84 00 00 08\n<  : wrong SW size for: \n< 90 00 : Normal\n> 00 84 0\n90 00\n";
    let notes = [(10, Reason::Unknown), (14, Reason::NoCommand), (15, Reason::NotHex), (16, Reason::Unknown)];
    let events = "atr shared\n> 00200010 [?]\n< 9000\nevent terminal-reset failed\n> 0084000008\n<\n";
    says(LogFormat::Scriptor, log, events, &notes);
    // In the window of gscriptor, from its source: a command or answer of sixteen bytes has an empty line behind it.
    let sixteen = "00 A4 04 0C 0B A0 00 00 00 30 80 00 00 00 09 81 ";
    let log = format!(
        "Sending: {sixteen}\n\nReceived: 90 00 \nNormal processing.\n\n[Reset]\nATR: 3B 00 \n\n\
         Sending: {sixteen}\n60 01 \nReceived: {sixteen}\n90 00 \nNormal processing.\n\nSending: AA\n\n\
         Errors During Script Execution: no card\nScript was executed without error...\n"
    );
    let events = "atr shared\n> 00A4040C0BA000000030800000000981\n< 9000\nevent terminal-reset\n\
                  > 00A4040C [?]\n< [16] 9000\n> [?]\nevent failed\n";
    says(LogFormat::Scriptor, &log, events, &[]);
    assert_eq!(LogFormat::recognise(log.as_bytes()), Some(LogFormat::Scriptor));
}

#[test]
fn what_opensc_tool_prints() {
    let log = "\
Sending: 00 A4 04 0C 06 A0 00 00 00 00 39 \nReceived (SW1=0x90, SW2=0x00)\nSending: 00 B0 81 00 06 \n\
Received (SW1=0x90, SW2=0x00):\n43 01 B8 47 03 94 C..G..\nSending: 00 84 00 00 08 \n\
APDU transmit failed: Card removed\n";
    let events = "atr shared\n> 00A4040C06A00000000039\n< 9000\n> 00B0810006\n< [?] 9000\n> 0084000008\n\
                  event failed\n";
    says(LogFormat::Scriptor, log, events, &[]);
    assert_eq!(LogFormat::recognise(log.as_bytes()), Some(LogFormat::Scriptor));
}

/// Where a log breaks off, the last bytes of what is there are no status word: "op" could be one.
#[test]
fn where_a_log_breaks_off_no_data_are_told() {
    let pcscd = "00000001 APDU: 00 B0 00 00\n00000001 SW: 41 6F 70";
    let scriptor = "Using T=1 protocol\n> 00 B0 00 00\n< 41 6F 70";
    let line = "41 ".repeat(16);
    let wrapped = format!("Using T=1 protocol\n> 00 B0 00 00\n< {line}\n6F 70");
    let list = "> 00B00000\n< 416F70";
    let window = "Sending: 00 B0 00 00\nReceived: 41 6F 70";
    for (format, log, command, end) in [
        (LogFormat::Pcscd, pcscd, 1, 2),
        (LogFormat::Scriptor, scriptor, 2, 3),
        (LogFormat::Scriptor, &wrapped, 2, 4),
        (LogFormat::HexList, list, 1, 2),
        (LogFormat::Scriptor, window, 1, 2),
    ] {
        let notes = [(command, Reason::Unanswered), (end, Reason::Cut)];
        says(format, log, "atr shared\n> 00B00000\nevent no-answer\n", &notes);
    }
}

#[test]
fn lists_as_people_write_them() {
    let log = "\
# a remark\n\natr 3B00\n> 00a4 0400 # select\n<90:00\n  >> 00,B0,81,00,06\n  << 6A 82 (nothing there)\n\
=> 00 20 00 81\n   08 31 32 33 34 35 36 37 38\n<= 63C2 us 12\nATR: 3F 00\n-> 0084000008\n<- 4142 9000\n\n\
ATR: 1234\n> 12345678 hello\n12345678\n>\n< 9000\nPIN 12345678\n";
    let events = "atr 3B00 shared\n> 00A40400\n< 9000\n> 00B0810006\n< 6A82\n> 00200081\n< 63C2\natr 3F00 shared\n\
                  > 0084000008\n< [2] 9000\n";
    let notes = [
        (9, Reason::Unknown),
        (15, Reason::Atr),
        (16, Reason::NotHex),
        (17, Reason::Unknown),
        (18, Reason::Unknown),
        (19, Reason::NoCommand),
        (20, Reason::Unknown),
    ];
    says(LogFormat::HexList, log, events, &notes);
    assert_eq!(LogFormat::recognise(log.as_bytes()), Some(LogFormat::HexList));
    // A trace is such a list: what it tells is told again, what it hides stays hidden.
    let trace = format!(
        "cie-trace 1\norigin emulator\nkind plain\nclock 2026-01-01T00:00:00Z\natr shared\n{CIE_3}end\n"
    );
    assert_eq!(LogFormat::recognise(trace.as_bytes()), Some(LogFormat::HexList));
}

/// A line that stands by itself could be a PIN: it is no part of the answer before it, and of what does go on in
/// whole lines of sixteen nothing is told that could be one.
#[test]
fn a_pin_on_a_line_of_its_own_is_not_told() {
    let sixteen = "41".repeat(16);
    for pin in ["12346123", "12349000", "10203040", "00006300"] {
        let scriptor = "Using T=1 protocol\n";
        for (format, log, events, noted) in [
            (LogFormat::HexList, format!("> 00200081\n< 63C3\n{pin}\n"), "> 00200081\n< 63C3\n", Some(3)),
            (LogFormat::HexList, format!("> 00200081\n{pin}\n< 63C3\n"), "> 00200081\n< 63C3\n", Some(2)),
            (LogFormat::HexList, format!("> 00B00000\n< {sixteen}\n{pin}\n"), "> 00B00000\n< [?]\n", None),
            (LogFormat::HexList, format!("> 00A4040004\n{pin}\n< 9000\n"), "> 00A4040004\n< 9000\n", Some(2)),
            (LogFormat::HexList, format!("> {pin}\n< 9000\n"), "> [?]\n< 9000\n", None),
            (
                LogFormat::Scriptor,
                format!("{scriptor}> 00 20 00 81\n< 63 C3\n{pin}\nend\n"),
                "> 00200081\n< 63C3\n",
                Some(4),
            ),
            (
                LogFormat::Scriptor,
                format!("{scriptor}> 00 B0 00 00\n< {sixteen}\n{pin}\nend\n"),
                "> 00B00000\n< [?]\n",
                None,
            ),
        ] {
            let (told, notes) = told(format, log.as_bytes());
            assert_eq!(told, format!("atr shared\n{events}"), "{log}");
            let unknown: Vec<_> = notes.iter().filter(|(_, reason)| *reason == Reason::Unknown).collect();
            assert_eq!(unknown.first().map(|(line, _)| *line), noted, "{log}");
        }
    }
}

#[test]
fn what_is_no_log_is_none() {
    for other in ["", "12345678", "\n\n", "PIN > 1234", "> hello", "<html>", "SCard"] {
        assert_eq!(LogFormat::recognise(other.as_bytes()), None, "{other}");
        for (format, _) in LogFormat::ALL {
            let outcome = import(other.as_bytes(), format, Origin::Citizen, SystemTime::UNIX_EPOCH);
            assert_eq!(outcome.err(), Some(ImportError::Nothing), "{other}");
        }
    }
    for (format, name) in LogFormat::ALL {
        assert_eq!((LogFormat::named(name), format.to_string().as_str()), (Some(format), name));
    }
}

#[test]
fn what_is_too_much_is_refused_or_counted() {
    let whole = |log: &[u8]| import(log, LogFormat::HexList, Origin::Citizen, SystemTime::UNIX_EPOCH);
    let long = vec![b' '; LOG_MAX + 1];
    assert_eq!(whole(&long).err(), Some(ImportError::TooLong));
    assert_eq!(LogFormat::recognise(&long), None);
    let long =
        [b"> ", &b"00 ".repeat(65_544)[..], b"\n< 9000\n> ", &b"0".repeat(LOG_LINE_MAX), b"\n"].concat();
    let (events, notes) = told(LogFormat::HexList, &long);
    assert_eq!((events.as_str(), notes), ("atr shared\n> [?]\n< 9000\n", vec![(3, Reason::LineTooLong)]));
    let noisy = ["> 00A40000\n< 9000\n", &"hello\n".repeat(UNPARSED_MAX + 7)].concat();
    let noisy = whole(noisy.as_bytes()).unwrap();
    assert_eq!((noisy.unparsed.len(), noisy.unparsed_count), (UNPARSED_MAX, UNPARSED_MAX + 7));
    assert_eq!(whole(&b">00A40000\n<9000\n".repeat(EVENTS_MAX / 2)).err(), Some(ImportError::TraceTooLong));
    // Few events, much text.
    let select = format!(">00A40000\n<6281C0{}9000\n", "800100".repeat(64));
    let many = TRACE_MAX / select.len();
    assert!(whole(select.repeat(many - 1000).as_bytes()).is_ok());
    assert!(many < EVENTS_MAX / 2);
    assert_eq!(whole(select.repeat(many).as_bytes()).err(), Some(ImportError::TraceTooLong));
}

/// A byte changed, taken out or put in at any place: whatever comes of it can be read.
#[test]
fn changed_logs_do_no_harm() {
    for (name, format) in LOGS {
        let log = log(name);
        let mut state = 1_u32;
        for _ in 0..200 {
            let mut log = log.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % log.len();
                match state & 3 {
                    0 => log[at] = state.to_le_bytes()[1],
                    1 => log[at] = b"\n 0F>[]"[(state >> 4) as usize % 7],
                    2 => drop(log.remove(at)),
                    _ => log.insert(at, b"\n 0F>\xFF"[(state >> 4) as usize % 6]),
                }
            }
            check(&log, format);
        }
    }
}

proptest! {
    #[test]
    fn junk_does_no_harm(junk in prop::collection::vec(any::<u8>(), 0..400)) {
        for (format, _) in LogFormat::ALL {
            check(&junk, format);
        }
    }

    #[test]
    fn lines_in_any_order_do_no_harm(order in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        for (name, format) in LOGS {
            let log = log(name);
            let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
            let mixed: Vec<&[u8]> = order.iter().map(|index| *index.get(&lines)).collect();
            check(&mixed.join(&b'\n'), format);
        }
    }
}
