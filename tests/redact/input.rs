//! What is no recording of a card, what breaks off, and what somebody made up.

use std::time::Duration;

use cie::card;
use cie::emulator::SoftCard;
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::{self, Model};
use cie::emulator::entropy::Seeded;
use cie::environment::{Entropy, FixedClock};
use cie::pin::LastTry;
use cie::redact::{self, Error, Shapes};
use cie::transport::trace::{Event, Kind, Told, Trace};

use super::cie3::typed;
use super::record::{issuer, now, plain, redacted, then};

fn trace(model: Model) -> Trace {
    let mut entropy = Seeded::new(6);
    let options = contact::IssueOptions::default();
    let issued =
        contact::issue(issuer(), &Citizen::numbered(2), model, &options, &mut entropy, then()).unwrap();
    let card = SoftCard::new_contact(issued.personalisation, model, Seeded::new(1)).unwrap();
    plain(&card, |connect| {
        let mut card = card::open(connect()).unwrap();
        card.information().unwrap();
        let session = card.open_session().unwrap();
        drop(session.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap());
    })
}

#[test]
fn only_a_plain_trace_of_a_known_card_can_be_redacted() {
    let redacted = |trace: &Trace| redact::redact_under(trace, issuer(), now()).unwrap_err();
    let whole = trace(Model::Cns10);
    for kind in [Kind::Diagnostic, Kind::Replayable] {
        let error = redacted(&Trace { kind, ..whole.clone() });
        assert_eq!(error, Error::NotPlain(kind));
        assert_eq!(cie::Error::from(error).code(), "trace-not-redactable");
    }
    let refusing = Trace::parse(
        b"cie-trace 1\norigin citizen\nkind plain\nclock 2026-01-01T00:00:00Z\natr 3B00\n> 00A4040C0DA0000000308000000009816001\n< 6A82\n> 00A40000\n< 6D00\nend\n",
    );
    assert_eq!(redacted(&refusing.unwrap()), Error::NotRecognised);
    assert_eq!(redacted(&Trace { entries: Vec::new(), ..whole }), Error::NotRecognised);
}

/// A recording that breaks off anywhere is redacted as far as it goes, or not at all.
#[test]
fn a_broken_off_recording_is_looked_at_as_far_as_it_goes() {
    let whole = trace(Model::Cns10);
    for length in 0..whole.entries.len() {
        let entries = whole.entries[..length].to_vec();
        let _ = Shapes::of(&Trace { entries, ..whole.clone() });
    }
    let entries = whole.entries[..whole.entries.len() * 2 / 3].to_vec();
    let redacted = redacted(&Trace { entries, ..whole });
    assert!(redacted.report().not_done.is_empty(), "{}", redacted.report());
}

/// Anybody may have written the file: bytes of answers and commands that mean something else, lines left out and
/// doubled. It is redacted or refused, and never gets out of hand.
#[test]
fn a_made_up_recording_is_redacted_or_refused() {
    let mut entropy = Seeded::new(9);
    let mut draw = |below: usize| {
        let mut bytes = [0; 4];
        entropy.draw("garbage", &mut bytes).unwrap();
        usize::try_from(u32::from_be_bytes(bytes)).unwrap() % below
    };
    for model in [Model::Cns10, Model::Ace] {
        let whole = trace(model);
        for round in 0..300 {
            let mut entries = whole.entries.clone();
            for _ in 0..1 + draw(6) {
                let at = draw(entries.len());
                let entry = entries[at].clone();
                let changed = |told: &Told, draw: &mut dyn FnMut(usize) -> usize| {
                    let mut bytes = told.whole().unwrap_or_default().to_vec();
                    if !bytes.is_empty() {
                        let place = draw(bytes.len());
                        bytes[place] = u8::try_from(draw(256)).unwrap();
                        bytes.truncate(1 + draw(bytes.len()));
                    }
                    Told::all(&bytes)
                };
                match &entry.event {
                    Event::Command(told) => entries[at].event = Event::Command(changed(told, &mut draw)),
                    Event::Response { answer, .. } => {
                        entries[at].event =
                            Event::Response { answer: changed(answer, &mut draw), time: None };
                    }
                    _ if draw(2) == 0 => drop(entries.remove(at)),
                    _ => entries.insert(at, entry),
                }
            }
            let made_up = Trace { entries, ..whole.clone() };
            let Ok(shapes) = Shapes::of(&made_up) else { continue };
            // Keys take long: of some the whole way is gone.
            if round % 60 == 0 {
                let outcome = redact::redact_under(&made_up, issuer(), now() + Duration::from_secs(86_400));
                assert!(
                    outcome.is_ok() || matches!(outcome, Err(Error::Survived { .. } | Error::Card(_))),
                    "{shapes:?}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn the_folder_is_new_and_its_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    let redacted = redacted(&trace(Model::Cie2));
    let path = folder.path().join("shared");
    redacted.write(&path).unwrap();
    for (name, content) in redacted.files() {
        let file = path.join(name);
        assert_eq!(std::fs::read(&file).unwrap(), content);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    let names: Vec<_> = redacted.files().map(|(name, _)| name).collect();
    for name in ["card.json", "citizen.json", "dialogue.trace", "original.trace", "report.txt"] {
        assert!(names.contains(&name), "{name}");
    }
    let error = redacted.write(&path).unwrap_err();
    assert_eq!(cie::Error::from(error).code(), "soft-card", "it is there already");
    assert!(path.join("card.json").is_file(), "and stays");
    // Another process lays this card on a reader.
    let card = SoftCard::open(path.join("card.json")).unwrap();
    drop(card::open(card.insert_with(Seeded::new(1), FixedClock(now()))).unwrap());
}

/// As many exchanges as a file can have, of the sorts that are looked at longest: nobody would wait for the end of this
/// if the work were not linear.
#[test]
fn the_longest_recording_is_looked_at_in_a_moment() {
    let head = "cie-trace 1\norigin citizen\nkind plain\nclock 2026-01-01T00:00:00Z\natr 3B00\n\
        > 00A4040C06A00000000039\n< 9000\n";
    let lines = [
        "> 00B0000001\n< 009000\n",
        "> 00A4080004110011019000\n< 6A82\n",
        "> 00A40800041100110100\n< 9000\n> 00B0000001\n< 309000\n",
        "> 0020001008 [8]\n< 63C2\nevent terminal-reset\n",
        "event protected\n> 00A40204021003\n< 9000\n> 00B0000000\n< 9000\n",
    ];
    for line in lines {
        let text = format!("{head}{}end\n", line.repeat(cie::transport::trace::EVENTS_MAX / 5 - 1));
        let trace = Trace::parse(text.as_bytes()).unwrap();
        let shapes = Shapes::of(&trace);
        assert!(shapes.is_ok() || matches!(shapes, Err(Error::TooMuch)), "{line}");
    }
}
