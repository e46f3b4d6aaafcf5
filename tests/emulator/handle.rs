//! The card as an object: file, reader, copies, tampering.

use super::bench::{
    SELECT_IAS, VERIFY_RIGHT, VERIFY_WRONG, authenticated, card, hex, personalisation, send, send_all,
    vectors,
};
use cie::emulator::entropy::Seeded;
use cie::emulator::{Chip, Error, SoftCard};
use cie::iso7816::{Response, StatusWord};
use cie::transport::{self, Transport};

#[test]
fn removal_and_reset_reach_every_connection() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let mut other = card.transport();
    card.reset_by_other();
    let read = hex::decode("00B081000C").unwrap();
    for connection in [&mut transport, &mut other] {
        assert_eq!(connection.transmit(&read).unwrap_err(), transport::Error::Reset);
        assert_eq!(connection.transmit(&read).unwrap(), [0x6A, 0x82], "once");
    }
    let lost = channel.protect("00200081");
    assert_eq!(send(&mut transport, &lost), "6985");
    transport.reset().unwrap();
    assert_eq!(send(&mut transport, SELECT_IAS), "9000", "its own reset is no news to it");
    assert_eq!(other.transmit(&read).unwrap_err(), transport::Error::Reset);
    card.remove();
    assert_eq!(transport.transmit(&read).unwrap_err(), transport::Error::Removed);
    assert_eq!(transport.reset().unwrap_err(), transport::Error::Removed);
    let _link = card.insert();
    assert_eq!(transport.transmit(&read).unwrap_err(), transport::Error::Removed);
    assert_eq!(send(&mut card.transport(), SELECT_IAS), "9000");
}

#[test]
fn a_link_speaks_to_the_card() {
    let v = vectors();
    let card = card(&v, Chip::Nxp);
    let clock = cie::environment::FixedClock(std::time::UNIX_EPOCH);
    let mut link = card.insert_with(Seeded::new(1), clock);
    assert_eq!(link.now(), std::time::UNIX_EPOCH);
    let select = cie::iso7816::command::select_application(&hex::decode("A00000000039").unwrap());
    assert!(link.exchange(&select).unwrap().status().is_success());
    let get = cie::iso7816::command::get_data(&hex::decode("4D0A7008BFA10104A3029700").unwrap());
    let answer = link.exchange(&get).unwrap();
    assert_eq!(answer.data(), hex(&v["dh_apdus"]["get_data_g_rsp"]));
}

#[test]
fn a_snapshot_goes_its_own_way() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let copy = card.snapshot();
    let (mut other, mut other_channel) = (copy.transport(), super::bench::Channel::new(&v, channel.ssc));
    assert_eq!(channel.send(&mut transport, VERIFY_WRONG), "63C2");
    assert_eq!(other_channel.send(&mut other, VERIFY_RIGHT), "9000");
    assert_eq!((card.pin_tries(), copy.pin_tries()), (2, 3));
    let challenge = channel.send(&mut transport, "0084000008");
    assert_eq!(challenge, "5A5A5A5A5A5A5A5A9000");
    assert_eq!(other_channel.send(&mut other, "0084000008"), challenge, "the same randomness to come");
}

#[test]
fn a_hostile_card_changes_its_answers_before_it_protects_them() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    card.set_tamper(Some(Box::new(|command, answer| match command.ins() {
        0x20 => {
            assert_eq!(command.data(), b"00000000");
            Response::from(StatusWord::SUCCESS)
        }
        0xB0 => Response::new(vec![0xEE; 300], StatusWord::SUCCESS),
        _ => answer,
    })));
    assert_eq!(channel.send(&mut transport, VERIFY_WRONG), "9000", "a lie");
    assert_eq!(card.pin_tries(), 2);
    assert_eq!(channel.send(&mut transport, "00B0830001"), format!("{}9000", "EE".repeat(300)));
    assert_eq!(send_all(&mut transport, "00B0830001"), format!("{}9000", "EE".repeat(300)));
    card.set_tamper(None);
    assert_eq!(channel.send(&mut transport, "00B0830001"), "6982");
}

#[test]
fn a_card_file_outlives_its_handles() {
    let v = vectors();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    SoftCard::create(&path, personalisation(&v), Chip::Gemalto).unwrap();
    assert!(matches!(
        SoftCard::create(&path, personalisation(&v), Chip::Gemalto).unwrap_err(),
        Error::File { .. }
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("card.json") & 0o777, 0o600);
    }
    let wrong_pin = || {
        let card = SoftCard::open_with(&path, super::bench::draws(&v)).unwrap();
        assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse);
        let (mut transport, mut channel) = authenticated(&v, &card);
        let answer = channel.send(&mut transport, VERIFY_WRONG);
        // A connection alone keeps the file, too.
        drop(card);
        assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse);
        answer
    };
    assert_eq!(wrong_pin(), "63C2");
    assert_eq!(wrong_pin(), "63C1");
    assert_eq!(SoftCard::open(&path).unwrap().pin_tries(), 1);
    let card = SoftCard::open_with(&path, super::bench::draws(&v)).unwrap();
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(
        channel.send(&mut transport, "00240081103132333435363738 3131313131313131".replace(' ', "").as_str()),
        "9000"
    );
    drop((card, transport));
    let card = SoftCard::open_with(&path, super::bench::draws(&v)).unwrap();
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(card.pin_tries(), 3);
    assert_eq!(channel.send(&mut transport, "00200081083131313131313131"), "9000");
    drop((card, transport));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let card = SoftCard::open(&link).unwrap();
        assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse, "one file under two names");
        drop(card);
    }
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(SoftCard::open(&path).unwrap_err(), Error::Format(_)));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(SoftCard::open(&path).unwrap_err(), Error::File { .. }));
}

#[test]
fn unusable_personalisations_are_refused() {
    let v = vectors();
    let refused = |change: &dyn Fn(&mut cie::emulator::personalisation::Personalisation)| {
        let mut personalisation = personalisation(&v);
        change(&mut personalisation);
        SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(0)).unwrap_err()
    };
    assert!(matches!(refused(&|p| p.holder_key.modulus.clear()), Error::Key { name: "key 81", .. }));
    assert!(matches!(refused(&|p| p.dh_group.q.clear()), Error::Key { .. }));
    assert!(matches!(refused(&|p| p.certification_key.public_exponent.clear()), Error::Key { .. }));
    assert!(matches!(refused(&|p| p.certification_key.holder_reference.truncate(11)), Error::Malformed(_)));
    assert!(matches!(refused(&|p| p.certification_key.holder_authorisation.clear()), Error::Malformed(_)));
    assert!(matches!(refused(&|p| p.files[1].content.resize(40_000, 0)), Error::Malformed(_)));
    assert_eq!(refused(&|p| p.pin = *b"1234567\0"), Error::Malformed("the PIN"));
    assert_eq!(refused(&|p| p.puk[0] = b'x'), Error::Malformed("the PUK"));
}

/// Names the card file that this program is to hold open, when it was started by itself.
const HELD: &str = "CIE_TEST_CARD_TO_HOLD";

/// Not a test of its own, but what the other process of the next one does.
#[test]
fn holds_a_card_when_it_is_the_other_process() {
    use std::io::{Read, Write};
    let Some(path) = std::env::var_os(HELD) else { return };
    let card = SoftCard::open(path);
    // The harness writes to standard output, too.
    let said = card.as_ref().map_or_else(ToString::to_string, |_| "open".to_owned());
    writeln!(std::io::stderr(), "{said}").unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn another_process_cannot_open_a_card_in_use() {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    SoftCard::create(&path, personalisation(&vectors()), Chip::Gemalto).unwrap();
    /// Another process and the first line that it says.
    fn other(path: &std::path::Path) -> (Child, String) {
        let test = "handle::holds_a_card_when_it_is_the_other_process";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(HELD, path);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut other = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(other.stderr.take().unwrap()).read_line(&mut said).unwrap();
        (other, said)
    }

    let card = SoftCard::open(&path).unwrap();
    let (mut refused, said) = other(&path);
    assert_eq!(said.trim_end(), Error::InUse.to_string());
    drop(refused.stdin.take());
    assert!(refused.wait().unwrap().success());
    assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse, "the other one took nothing away");

    drop(card);
    let (mut holder, said) = other(&path);
    assert_eq!(said.trim_end(), "open");
    assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse);
    // However a process ends, its lock ends with it.
    holder.kill().unwrap();
    holder.wait().unwrap();
    SoftCard::open(&path).unwrap();
}

#[test]
#[cfg(unix)]
fn a_card_file_is_replaced_as_a_whole_or_not_at_all() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let v = vectors();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    SoftCard::create(&path, personalisation(&v), Chip::Gemalto).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let card = SoftCard::open_with(&path, super::bench::draws(&v)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let inode = || std::fs::metadata(&path).unwrap().ino();

    for (command, answer) in [(VERIFY_WRONG, "63C2"), (VERIFY_RIGHT, "9000")] {
        // Held open, so that its number is not given to a new file.
        let held = std::fs::File::open(&path).unwrap();
        assert_eq!(channel.send(&mut transport, command), answer);
        assert_ne!(inode(), held.metadata().unwrap().ino(), "another file in its place");
    }
    // Something stands where the new file would be written.
    let new = folder.path().join("card.json.new");
    std::fs::create_dir(&new).unwrap();
    let (before, written) = (inode(), std::fs::read(&path).unwrap());
    for command in [VERIFY_RIGHT, VERIFY_WRONG] {
        assert_eq!(channel.send(&mut transport, command), "6581");
        assert_eq!((card.verify_count(), card.pin_tries()), (2, 3), "nothing was compared");
        assert_eq!(channel.send(&mut transport, "00200081"), "63C3");
    }
    assert_eq!((inode(), std::fs::read(&path).unwrap()), (before, written));
    std::fs::remove_dir(&new).unwrap();
    // A file that a power cut left behind is in nobody's way.
    std::fs::write(&new, "{").unwrap();
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert!(!new.exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_card_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::create_dir(place("folder")).unwrap();
    std::fs::write(place("letter"), "Dear Sir").unwrap();
    std::fs::write(place("other.json"), r#"{"format":"something else","card":{}}"#).unwrap();
    // Nobody ever writes into it: to open it would be to wait.
    assert!(std::process::Command::new("mkfifo").arg(place("pipe")).status().unwrap().success());
    for name in ["folder", "letter", "other.json", "pipe"] {
        std::fs::set_permissions(place(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(SoftCard::open(place(name)), Err(Error::Format(_))), "{name}");
        assert_eq!(std::fs::metadata(place(name)).unwrap().permissions().mode() & 0o777, 0o755, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "and no lock lies beside it");
}
