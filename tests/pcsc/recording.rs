//! A dialogue recorded through a real pcscd is the same file as one recorded in this process.

use cie::emulator::entropy::Seeded;
use cie::environment::FixedClock;
use cie::error::Error;
use cie::transport::Link;
use cie::transport::pcsc::{Service, Sharing};
use cie::transport::replay::Replay;
use cie::transport::trace::Trace;

use super::flows::{lay, take_away};
use crate::common::now;
use crate::common::pcscd::{Pcscd, READER};
use crate::dialogues::{LOSE_THE_CARD, Outcome, fixtures, set_other_program};
use crate::isolated_tests;
use crate::recorded::{Kind, Recording, all, record};

/// Records a dialogue with the same randomness as in process. The card is recognised as a software card by its mark.
fn through_the_service(recording: &Recording, sharing: Sharing) -> String {
    let mut laid = None;
    let text = record(recording, |card| {
        let (service, remover) = lay(card);
        let connection = service.transport(READER, sharing).unwrap();
        laid = Some((service, remover));
        set_other_program(|| {
            let mut other = Service::open().unwrap().connect(READER, Sharing::Shared).unwrap();
            other.reset().unwrap();
        });
        Link::with_sources(connection, Seeded::new(2), FixedClock(now()))
    });
    let (service, remover) = laid.unwrap();
    take_away(&service, &remover);
    text
}

fn compare(is_meant: fn(Kind) -> bool) {
    let _pcscd = Pcscd::start();
    // A card of one's own is not lost to others.
    let is_meant = |recording: &Recording| is_meant(recording.kind) && recording.name != LOSE_THE_CARD;
    let recordings: Vec<_> = all().into_iter().filter(is_meant).collect();
    for recording in &recordings {
        let text = through_the_service(recording, Sharing::Exclusive);
        let kept = std::fs::read_to_string(fixtures().join("traces").join(recording.file())).unwrap();
        assert!(text == kept, "{}:\n{text}", recording.file());
    }
    let count = recordings.len();
    crate::common::say(&format!(
        "measured: {count} dialogues through pcscd are byte for byte those in process"
    ));
}

isolated_tests! {
    fn a_dialogue_with_a_cie3_through_the_service_is_recorded_as_in_process() {
        compare(|kind| matches!(kind, Kind::Cie3(_)));
    }

    fn a_dialogue_with_a_contact_card_through_the_service_is_recorded_as_in_process() {
        compare(|kind| matches!(kind, Kind::Contact(_)));
    }

    /// Where others may use the card it is selected anew: another dialogue, which plays back as well.
    fn a_dialogue_with_a_shared_card_plays_back() {
        let _pcscd = Pcscd::start();
        let mut more = 0;
        for name in [
            "cie3-gemalto-recognise",
            "cie3-gemalto-lose-the-card",
            "cns-1.1-log-in",
            "cns-1.1-lock-and-return",
            "cie2-personal-data",
        ] {
            let recording = all().into_iter().find(|found| found.file() == format!("{name}.trace")).unwrap();
            let text = through_the_service(&recording, Sharing::Shared);
            let kept = std::fs::read_to_string(fixtures().join("traces").join(recording.file())).unwrap();
            assert!(text.contains(" shared\n"), "{name}:\n{text}");
            more += text.lines().count().abs_diff(kept.lines().count());
            let replay = Replay::of(Trace::parse(text.as_bytes()).unwrap()).unwrap();
            let outcome = replay.link().map_err(Error::from).and_then(recording.dialogue);
            assert_eq!(replay.conclude(outcome).unwrap(), Outcome::of_comments(&kept), "{name}");
        }
        assert!(more > 0, "where nobody else is, less is said");
    }
}
