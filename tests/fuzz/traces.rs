//! Seeds of the targets for traces and for the logs of other programs: what matters of `fixtures/logs`, and what is
//! rare.

use std::path::Path;
use std::time::SystemTime;

use cie::transport::trace::Origin;
use cie::transport::trace::import::{LogFormat, import};
use serde_json::Value;

use super::{Seeds, named};

/// So many bytes are enough of a log.
const ENOUGH: usize = 1_200;

fn log(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The lines of a log that matter: the first of them, and the single exchanges, each of which begins with `mark`.
fn parts(name: &str, file: &str, mark: &str, matters: &dyn Fn(&str) -> bool) -> Seeds {
    let log: String = log(file).split_inclusive('\n').filter(|line| matters(line)).collect();
    let mut first = String::new();
    for line in log.split_inclusive('\n') {
        if first.len() + line.len() > ENOUGH {
            break;
        }
        first += line;
    }
    let mut seeds = vec![(name.to_owned(), first.into_bytes())];
    let exchanges = log.split(mark).skip(1).map(|exchange| format!("{mark}{exchange}").into_bytes());
    let short = exchanges.filter(|exchange| exchange.len() <= ENOUGH).enumerate();
    seeds.extend(short.map(|(at, exchange)| (format!("{name}_{at}"), exchange)));
    seeds
}

fn with(mut parts: Seeds, others: &[(&str, Vec<u8>)]) -> Seeds {
    parts.extend(named(others));
    parts
}

fn has(line: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| line.contains(mark))
}

pub(super) fn opensc(_: &Value) -> Seeds {
    let marks = ["connect_exclusive", "sc_connect_card: called", "ATR     :", "pcsc_transmit:"];
    let matters = |line: &str| !line.starts_with("P:") || has(line, &marks);
    let old = b"Outgoing APDU data [    7 bytes] ====\n00 A4 00 00 02 3F 00 .....?.\n====\n\
                Incoming APDU data [    2 bytes] ====\n90 00 ..\n";
    let failed = b"Outgoing APDU (4 bytes):\n00 B0 00 00 ....\n\
                   1 10:00:00.000 [x] r.c:1:f: R:SCardTransmit/Control failed: 0x80100069\n";
    let mut seeds = parts("cns", "cns.opensc-debug.log", "Outgoing APDU", &matters);
    seeds.extend(parts("cie3", "cie3.opensc-debug.log", "Outgoing APDU", &matters));
    with(seeds, &[("old", old.to_vec()), ("failed", failed.to_vec())])
}

pub(super) fn pcscd(_: &Value) -> Seeds {
    let marks = ["APDU: 0", "SW: ", "Card ATR", "Card inserted", "SCardConnect() Attempting", "TRANSMIT for"];
    let matters = |line: &str| has(line, &marks);
    let failed = b"00000002 APDU: 00 B0 00 01\n00000001 SW: \n\
                   00000001 winscard_svc.c:694:ContextThread() TRANSMIT for client 11, rv=SCARD_E_NOT_TRANSACTED\n\
                   00000001 winscard.c:609:SCardReconnect() Reset complete.\n";
    let journal = b"Nov 25 22:48:19 host pcscd[321]: 00000007 APDU: 00 A4 00 00\n\
                    Nov 25 22:48:19 host pcscd[321]: 00000234 [140316503594688] SW: 90 00\n";
    let mut seeds = parts("cns", "cns.pcscd.log", "00000001 APDU:", &matters);
    seeds.extend(parts("cie3_coloured", "cie3.pcscd.log", "\u{1b}[34mAPDU:", &matters));
    with(seeds, &[("failed", failed.to_vec()), ("journal", journal.to_vec())])
}

pub(super) fn pcsc_spy(_: &Value) -> Seeds {
    let calls = ["SCardConnect", "SCardTransmit", "szReader", "Atr:", "ShareMode"];
    let bytes = ["bSend", "bRecv", " => ", " i  00", " o  00"];
    let matters = |line: &str| has(line, &calls) || has(line, &bytes);
    let threads = b"SCardTransmit\n i bSendLength 0x00000004 (4)\n i bSendBuffer\n    SCardReconnect\n     \
                    i dwInitialization 0x00000001 (1)\n i  0000 00 B0 00 01   ....\n     \
                    => x (SCARD_W_REMOVED_CARD [0x80100069])  [0.000001]\n o bRecvLength 0x00000002 (2)\n \
                    o bRecvBuffer\n o  0000 90 00    ..\n => ok (SCARD_S_SUCCESS [0x00000000])  [1.000002]\n";
    let mut seeds = parts("cns", "cns.pcsc-spy.log", "SCardTransmit", &matters);
    seeds.extend(parts("cie3_coloured", "cie3.pcsc-spy.log", "\u{1b}[34mSCardTransmit", &matters));
    with(seeds, &[("threads", threads.to_vec())])
}

pub(super) fn scriptor(_: &Value) -> Seeds {
    let window = b"Sending: 00 A4 04 0C 0B A0 00 00 00 30 80 00 00 00 09 81 \n\nReceived: 90 00 \n\
                   Normal processing.\n\n[Reset]\nATR: 3B 00 \n\nErrors During Script Execution: no card\n";
    let mut seeds = parts("cns", "cns.scriptor.log", "> ", &|_| true);
    seeds.extend(parts("cie3_file", "cie3.scriptor.log", "> ", &|_| true));
    with(seeds, &[("window", window.to_vec())])
}

pub(super) fn hex_lists(_: &Value) -> Seeds {
    let written = b"# a remark\natr 3B00\n> 00a4 0400 # select\n<90:00\n=> 00 20 00 81\n   08 31 32 33 34 35 36 37 38\n\
                    <= 63C2 us 12\n<< 00,B0\nwhat\n";
    with(parts("cns", "cns.hex-list.txt", "> ", &|_| true), &[("written", written.to_vec())])
}

pub(super) fn traces(_: &Value) -> Seeds {
    let imported = |name: &str, format| {
        let imported =
            import(log(name).as_bytes(), format, Origin::Emulator, SystemTime::UNIX_EPOCH).unwrap();
        imported.trace.to_string().into_bytes()
    };
    let text = |kind: &str, body: &str| {
        format!("cie-trace 1\norigin citizen\nkind {kind}\nclock 2026-01-01T00:00:00Z\n{body}end\n")
            .into_bytes()
    };
    let replayable = "# a comment\natr 3B00\nrandom RND.IFD 0011223344556677\n> 0084000008\n< 01020304050607089000\n\
                      event terminal-reset\n> 00A40000\nevent removed\nevent begin reset\natr shared\n>\n<\n";
    let plain = "atr 3B00 shared\nevent protected\n> 00B0000000\nevent wire 6C10 6100\n< [16] 9000 us 12\n\
                 > 00200081 [?]\nevent unprotected\nevent exclusive in-use\nevent share failed\n";
    named(&[
        ("diagnostic", imported("cns.pcscd.log", LogFormat::Pcscd)),
        ("diagnostic_reset", imported("cie3.scriptor.log", LogFormat::Scriptor)),
        ("replayable", text("replayable", replayable)),
        ("plain", text("plain", plain)),
        ("nothing", text("diagnostic", "")),
        ("no_atr", text("replayable", "atr\nrandom DH.x\n")),
        (
            "resets",
            text("diagnostic", "atr 3B\nevent terminal-reset\nevent terminal-reset removed\natr 3F00\n"),
        ),
        (
            "pin",
            text(
                "diagnostic",
                "atr\n> 00200081 [?]\n< 63C2 us 86400000000\n> 0CB00000 [3] 8E08 [8] 00\n< [2]\n",
            ),
        ),
        (
            "failures",
            text("diagnostic", "atr\n> [1]\nevent no-answer\nevent begin in-use\nevent exclusive in-use\n"),
        ),
        ("wire", text("plain", "atr\n> 00CB3FFF00\nevent wire 9000 6105\n< [300] 9000\n")),
        ("many", text("diagnostic", &format!("atr\n{}", "> [9]\n< 9000\n".repeat(40)))),
    ])
}
