//! Logs of one dialogue, written meanwhile by programs that know nothing of each other: OpenSC, pcsc-spy between it
//! and the service, pcscd, and scriptor. What is imported of each is the same.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use cie::emulator::contact::Model;
use cie::emulator::{Chip, SoftCard};
use cie::transport::trace::import::{Imported, LogFormat, import};
use cie::transport::trace::{Event, Origin, Trace};

use super::flows::{lay, take_away};
use crate::common::card;
use crate::common::contact::contact_card;
use crate::common::pcscd::{Pcscd, folder, until};
use crate::isolated_tests;

/// Where libpcscspy lies, by the system's list of libraries.
fn spying_library() -> String {
    let list = Command::new("ldconfig").arg("-p").output().expect("ldconfig").stdout;
    let list = String::from_utf8(list).unwrap();
    let line = list.lines().find(|line| line.contains("libpcscspy.so"));
    line.expect("libpcsclite-dev (Debian) is needed").rsplit(' ').next().unwrap().to_owned()
}

fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// Runs a program of OpenSC, which logs at this level, and pcsc-spy between it and the service.
fn opensc(line: &str, level: u8) {
    let log = path("opensc-debug.log");
    let _ = fs::remove_file(&log);
    // OpenSC loads the library of PC/SC itself: LD_PRELOAD puts nothing between.
    let configuration = format!(
        "app default {{ debug = {level}; debug_file = {}; reader_driver pcsc {{ provider_library = {}; }} }}",
        log.display(),
        spying_library()
    );
    fs::write(path("opensc.conf"), configuration).unwrap();
    let said = fs::File::create(path("pcsc-spy.log")).unwrap();
    let mut spy = Command::new("pcsc-spy").env("HOME", folder()).stdout(said).spawn().expect("pcsc-spy");
    until("pcsc-spy listens", || path("pcsc-spy").exists());
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(folder()).env("HOME", folder()).env("XDG_CACHE_HOME", folder());
    let output = command.env("OPENSC_CONF", path("opensc.conf")).output().expect("opensc (Debian) is needed");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    until("pcsc-spy ends with the program", || spy.try_wait().unwrap().is_some());
}

/// Has scriptor carry out commands.
fn scriptor(commands: &str) {
    fs::write(path("script"), commands).unwrap();
    let log = fs::File::create(path("scriptor.log")).unwrap();
    let mut command = Command::new("scriptor");
    let status = command.arg(path("script")).stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).status();
    assert!(status.expect("pcsc-tools (Debian) is needed").success());
}

fn imported(log: &str, format: LogFormat) -> Imported {
    let log = fs::read(path(log)).unwrap();
    assert_eq!(LogFormat::recognise(&log), Some(format));
    let imported = import(&log, format, Origin::Emulator, SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(imported.unparsed, [], "{format}");
    let text = imported.trace.to_string();
    assert_eq!(Trace::parse(text.as_bytes()).unwrap().to_string(), text);
    for secret in ["12345678", "3132333435363738", "PROVA", "50524F5641"] {
        assert!(!text.contains(secret), "{format}: {secret}");
    }
    imported
}

/// What was said on each connection, without the times.
fn dialogues(imported: &Imported) -> Vec<Vec<String>> {
    let line = |event: &Event| {
        let line = event.to_string();
        line.split(" us ").next().unwrap().to_owned()
    };
    imported.trace.connections().map(|entries| entries.iter().map(|e| line(&e.event)).collect()).collect()
}

/// Whether a log shows the PIN.
fn shows_the_pin(log: &str) -> bool {
    fs::read_to_string(path(log)).unwrap().contains("31 32 33 34 35 36 37 38")
}

fn every_log_says_the_same(card: &SoftCard, line: &str, commands: &str) {
    let pcscd = Pcscd::start_logging(&path("pcscd.log"));
    let (service, remover) = lay(card);
    opensc(line, 9);
    scriptor(commands);
    take_away(&service, &remover);
    drop(service);
    pcscd.stop();

    let said = dialogues(&imported("opensc-debug.log", LogFormat::OpenSc));
    let spied = dialogues(&imported("pcsc-spy.log", LogFormat::PcscSpy));
    let served = dialogues(&imported("pcscd.log", LogFormat::Pcscd));
    let scripted = dialogues(&imported("scriptor.log", LogFormat::Scriptor));
    assert_eq!((said.len(), spied.len(), served.len(), scripted.len()), (1, 1, 2, 1));
    assert_eq!(said, spied);
    assert_eq!(said[0], served[0], "with the answer to reset");
    assert_eq!(scripted[0][1..], served[1][1..]);
    for dialogue in [&said[0], &scripted[0]] {
        assert!(
            dialogue.iter().any(|line| line.starts_with("> 002000") && line.ends_with(" [?]")),
            "{dialogue:?}"
        );
    }
    assert!(said[0].len() > 10 && scripted[0].contains(&"event terminal-reset".to_owned()));
    for log in ["opensc-debug.log", "pcsc-spy.log", "pcscd.log", "scriptor.log"] {
        assert!(shows_the_pin(log), "{log}: nothing had to be hidden");
    }
}

isolated_tests! {
    fn every_log_of_a_cns_says_the_same() {
        let verify = "pkcs15-tool --verify-pin --auth-id 01 --pin 12345678";
        // With the holder's data, of 256 bytes in several lines.
        let commands = "# a remark\n00A40800041100110200\n00B0000000\nreset\n00 20 00 90 08 \\\n\
                        31 32 33 34 35 36 37 38\n00B0000001\n";
        every_log_says_the_same(&contact_card(Model::Cns11), verify, commands);
    }

    fn every_log_of_a_cie_3_says_the_same() {
        let verify = "opensc-tool -r 0 -c default -s 00A4040C0DA000000030800000000981600100 -s 0084000008 \
                      -s 00A4040C06A00000000039 -s 00200081083132333435363738 -s 00CB3FFF0C4D0A7008BFA101A303970000";
        let commands = "00A4040C0DA0000000308000000009816001\nreset\n00 20 00 81 08 31 32 33 34 35 36 37 38\n";
        every_log_says_the_same(&card(Chip::Gemalto), verify, commands);
    }

    /// Below level 8 OpenSC leaves a command out of its log that carries a PIN, with its answer.
    fn opensc_below_level_8_logs_no_pin() {
        let _pcscd = Pcscd::start();
        let card = contact_card(Model::Cns11);
        let (service, remover) = lay(&card);
        opensc("pkcs15-tool --verify-pin --auth-id 01 --pin 12345678", 7);
        take_away(&service, &remover);
        assert!(!shows_the_pin("opensc-debug.log") && shows_the_pin("pcsc-spy.log"));
        let [said, spied] = [("opensc-debug.log", LogFormat::OpenSc), ("pcsc-spy.log", LogFormat::PcscSpy)]
            .map(|(log, format)| dialogues(&imported(log, format)).remove(0));
        let at = spied.iter().position(|line| line == "> 00200090 [?]").unwrap();
        assert_eq!(said, [&spied[..at], &spied[at + 2..]].concat());
    }
}
