//! Any card, recognised by what it answers, and what a CIE tells anyone about itself.

use cie::card::{self, Card, Cie3Information, Information, KnownApplication};
use cie::emulator::{Chip, SoftCard};
use cie::ias::{CardCache, File, IAS_AID, RootFile, Terminal};
use cie::iso7816::{Response, StatusWord};
use cie::pin::Tries;

use crate::asks_for_tries;
use crate::common::{CHIPS, blocked_card, card as fresh_card, demo, link, pin};

/// The answer to reset that contactless cards of every kind share.
const SHARED_ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

fn information(card: &SoftCard) -> Cie3Information {
    match card::open(link(card)).unwrap().information().unwrap() {
        Information::Cie3(said) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cie_is_recognised_on_every_chip_and_under_any_answer_to_reset() {
    for chip in CHIPS {
        for atr in [None, Some(SHARED_ATR), Some(&[][..])] {
            let card = fresh_card(chip);
            let mut profile = card.profile();
            profile.atr = atr.map_or(profile.atr, Into::into);
            card.set_profile(profile);
            let mut recognised = card::open(link(&card)).unwrap();
            assert!(matches!(recognised, Card::Cie3(_)));
            recognised.information().unwrap();
            // What was recognised is what is authenticated with.
            let terminal = std::sync::Arc::new(Terminal::published().unwrap());
            let session = recognised.into_ias().unwrap().authenticate(&terminal, &mut CardCache::new());
            drop(session.unwrap().verify_pin(&pin()).unwrap());
        }
    }
}

#[test]
fn recognition_costs_little() {
    for chip in CHIPS {
        let card = fresh_card(chip);
        let recognised = card::open(link(&card)).unwrap();
        let commands = recognised.into_link().statistics().commands;
        assert!(commands <= 4, "{chip:?}: {commands}");
        let mut recognised = card::open(link(&card)).unwrap();
        recognised.information().unwrap();
        let commands = recognised.into_link().statistics().commands;
        assert!(commands <= 35, "{chip:?}: {commands}");
        assert_eq!(card.verify_count(), 0);
    }
}

#[test]
fn a_cie_tells_what_it_is() {
    for chip in CHIPS {
        let card = fresh_card(chip);
        let said = information(&card);
        // Families are named alike on both sides.
        assert_eq!(format!("{:?}", said.chip), format!("{chip:?}"));
        assert_eq!(card::open(link(&card)).unwrap().kind().to_string(), "CIE 3");
        assert_eq!(said.atr, *card.profile().atr);
        assert_eq!(said.applications, [KnownApplication::IasEcc, KnownApplication::Cie]);
        assert_eq!(said.nis.digits(), demo().citizen.nis);
        let number = said.card_number.as_ref().unwrap();
        let stored = demo().personalisation.files.iter().find(|file| file.identifier == 0xD003).unwrap();
        assert_eq!(stored.content[..2], [0x5A, 0x0A]);
        assert_eq!(number.as_bytes(), &stored.content[2..12]);
        assert_eq!((said.pin_tries, said.puk_tries), (Tries::Left(3), Tries::Left(10)));
        let readable = [File::Nis, File::DeviceKey, File::ServicesKey, File::SecurityObject];
        assert_eq!(said.readable, readable);
        assert_eq!(said.readable_root, RootFile::ALL);

        let seen = format!("{said:?}");
        assert!(!seen.contains(&demo().citizen.nis), "{seen}");
        assert!(!seen.contains(&format!("{:?}", number.as_bytes())), "{seen}");
        assert_eq!(information(&blocked_card(chip)).pin_tries, Tries::Left(0));
    }
}

#[test]
fn a_travel_document_is_found_and_the_card_is_itself_again() {
    let card = fresh_card(Chip::Gemalto);
    // Selecting it leaves the root: nothing else is known until that is selected again.
    let mut left = false;
    card.set_tamper(Some(Box::new(move |command, response| {
        match (command.ins(), command.data()) {
            (0xA4, [0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01]) => {
                left = true;
                return StatusWord::SUCCESS.into();
            }
            (0xA4, data) if data.is_empty() || data == IAS_AID => left = false,
            _ => {}
        }
        if left { StatusWord::FILE_NOT_FOUND.into() } else { response }
    })));
    let mut recognised = card::open(link(&card)).unwrap();
    for _ in 0..2 {
        let Information::Cie3(said) = recognised.information().unwrap() else { panic!() };
        assert_eq!(said.applications.last(), Some(&KnownApplication::TravelDocument));
    }
    let Card::Cie3(mut application) = recognised else { panic!() };
    assert_eq!(application.read_nis().unwrap().digits(), demo().citizen.nis);
}

#[test]
fn what_a_card_does_not_tell_is_absent() {
    let card = fresh_card(Chip::Gemalto);
    card.set_tamper(Some(Box::new(|command, response| {
        let hidden = asks_for_tries(command) || command.ins() == 0xB0 && matches!(command.p1(), 0x9C | 0x9D);
        if hidden || command.ins() == 0xA4 && command.p1() == 0x02 {
            return Response::from(StatusWord::REFERENCE_NOT_FOUND);
        }
        response
    })));
    let said = information(&card);
    assert_eq!((said.pin_tries, said.puk_tries), (Tries::Unknown, Tries::Unknown));
    assert_eq!(said.card_number, None);
    assert_eq!(said.readable_root, [RootFile::Directory, RootFile::DomainParameters]);
    assert_eq!(said.chip, card::ChipFamily::Gemalto, "by its answer to reset");
}

#[test]
fn a_card_that_is_taken_away_is_not_another_card() {
    let card = fresh_card(Chip::Gemalto);
    let (away, back) = (link(&card), link(&card));
    card.remove();
    let refused = card::open(away).unwrap_err();
    assert_eq!(cie::Error::from(refused).code(), "card-removed");
    drop(back);
    let mut recognised = card::open(link(&card)).unwrap();
    card.reset_by_other();
    assert_eq!(cie::Error::from(recognised.information().unwrap_err()).code(), "card-reset");
}
