//! A software card on a virtual reader: the reader's side is spoken here, byte for byte as vpcd does.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cie::emulator::contact::Model;
use cie::emulator::vpcd::{self, Error, Event};
use cie::emulator::{Chip, SoftCard};
use cie::ias::Session;
use cie::transport::{self, Link, Transport};
use common::contact::contact_card;
use common::{CHIPS, card, pin};

const ATR: &str = "3B8F800180318065B085040011120FFF8290008A";
const SELECT_IAS: &str = "00A4040C0DA0000000308000000009816001";
const SELECT_CIE: &str = "00A4040C06A00000000039";
const READ_NIS: &str = "00B081000C";

/// The reader's side of one connection, with vpcd's habit of writing length and bytes apart.
struct Reader(TcpStream);

impl Reader {
    fn accept(listener: &TcpListener) -> Self {
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    fn say(&mut self, message: &[u8]) {
        self.0.write_all(&u16::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
        self.0.write_all(message).unwrap();
    }

    fn hear(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    fn ask(&mut self, message: &str) -> String {
        self.say(&hex::decode(message).unwrap());
        hex::encode_upper(self.hear())
    }

    /// The card says nothing of its own accord, and went away.
    fn assert_gone(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "{rest:02X?}"),
            // What the card had not read yet.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

impl Transport for Reader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        self.say(command);
        Ok(self.hear())
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.say(&[2]);
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A card on a reader, and what serving it comes to.
fn laid(card: &SoftCard) -> (Reader, vpcd::Remover, JoinHandle<Result<(), Error>>) {
    let (listener, address) = listener();
    let connection = vpcd::connect(card, address).unwrap();
    let remover = connection.remover();
    let served = thread::spawn(move || connection.serve());
    (Reader::accept(&listener), remover, served)
}

#[test]
fn the_order_of_a_real_service() {
    let card = card(Chip::Gemalto);
    let (mut reader, _, served) = laid(&card);
    // Insertion, then a client comes some polls later.
    reader.say(&[1]);
    assert_eq!(reader.ask("04"), ATR);
    reader.say(&[0]);
    assert_eq!(reader.ask("04"), ATR, "after power off, too");
    reader.say(&[1]);
    assert_eq!(reader.ask("04"), ATR);
    assert_eq!(reader.ask(SELECT_IAS), "9000");
    assert_eq!(reader.ask("04"), ATR);
    assert_eq!(reader.ask(SELECT_CIE), "9000");
    assert_eq!(reader.ask("04"), ATR);
    assert!(reader.ask(READ_NIS).ends_with("9000"), "the polls in between changed nothing");
    // Each of the three makes the card forget.
    for control in [0, 1, 2] {
        assert_eq!(reader.ask(SELECT_IAS), "9000");
        assert_eq!(reader.ask(SELECT_CIE), "9000");
        assert!(reader.ask(READ_NIS).ends_with("9000"));
        reader.say(&[control]);
        assert_eq!(reader.ask("04"), ATR);
        assert_eq!(reader.ask(READ_NIS), "6A82", "{control}");
    }
    drop(reader);
    assert_eq!(served.join().unwrap(), Ok(()));
    assert_eq!(card.transport().transmit(&[0, 0xA4, 0, 0]), Err(transport::Error::Removed));
}

#[test]
fn every_contact_card_shows_its_own_answer_to_reset() {
    for model in Model::ALL {
        let card = contact_card(model);
        let (mut reader, _, served) = laid(&card);
        assert_eq!(reader.ask("04"), hex::encode_upper(model.profile().atr), "{model}");
        assert_eq!(reader.ask("00A4000C023F00"), "9000");
        assert_eq!(reader.ask("00200010083030303030303030").len(), 4);
        drop(reader);
        assert_eq!(served.join().unwrap(), Ok(()));
    }
}

#[test]
fn every_chip_logs_in_through_a_virtual_reader() {
    for chip in CHIPS {
        let card = card(chip);
        let (mut reader, _, served) = laid(&card);
        assert_eq!(reader.ask("04"), hex::encode_upper(chip.profile().atr));
        let mut unlocked = Session::open(Link::new(reader)).unwrap().verify_pin(&pin()).unwrap();
        unlocked.certificate().unwrap();
        assert_eq!(card.verify_count(), 1);
        drop(unlocked);
        assert_eq!(served.join().unwrap(), Ok(()));
    }
}

/// 200 exchanges, each with length and bytes written apart: without prompt acknowledgements each of them
/// takes 40 ms or more.
#[test]
#[cfg(target_os = "linux")]
fn nobody_waits_for_an_acknowledgement() {
    let card = card(Chip::Gemalto);
    let (mut reader, _, _served) = laid(&card);
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(reader.ask("04"), ATR);
        assert_eq!(reader.ask(SELECT_IAS), "9000");
    }
    let each = began.elapsed() / 400;
    common::say(&format!("virtual reader: {each:?} an exchange"));
    assert!(each < Duration::from_millis(20), "{each:?}");
}

#[test]
fn messages_in_pieces_and_of_every_length() {
    let card = card(Chip::Gemalto);
    let (mut reader, _, served) = laid(&card);
    for byte in [&[0][..], &[18], &hex::decode(SELECT_IAS).unwrap()[..5]] {
        reader.0.write_all(byte).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    reader.0.write_all(&hex::decode(SELECT_IAS).unwrap()[5..]).unwrap();
    assert_eq!(reader.hear(), [0x90, 0]);
    // Two messages in one piece.
    reader.0.write_all(&[0, 1, 4, 0, 4, 0, 0xA4, 0, 0]).unwrap();
    assert_eq!((hex::encode_upper(reader.hear()), reader.hear()), (ATR.to_owned(), vec![0x90, 0]));
    for length in [2, 3, 4, 5, 255, 256, 4096, 65_534, 65_535] {
        reader.say(&vec![0; length]);
        assert_eq!(reader.hear().len(), 2, "{length}");
    }
    reader.say(&[0xFF; 65_535]);
    assert_eq!(reader.hear(), [0x67, 0]);
    assert!(reader.ask("04") == ATR && !served.is_finished());
}

#[test]
fn what_no_reader_says_takes_the_card_away() {
    for (bytes, error) in [
        (&[0, 0][..], Error::Empty),
        (&[0, 1, 3], Error::UnknownControl(3)),
        (&[0, 1, 0xFF], Error::UnknownControl(0xFF)),
        (&[0, 0, 0, 1, 4], Error::Empty),
        (b"GET / HTTP/1.1\r\n\r\n", Error::Truncated),
        (&[0], Error::Truncated),
        (&[0, 1], Error::Truncated),
        (&[0xFF, 0xFF, 0, 0xA4], Error::Truncated),
    ] {
        let card = card(Chip::Gemalto);
        let (mut reader, _, served) = laid(&card);
        assert_eq!(reader.ask("04"), ATR);
        reader.0.write_all(bytes).unwrap();
        // The card may have gone by now.
        let _ = reader.0.shutdown(std::net::Shutdown::Write);
        assert_eq!(served.join().unwrap(), Err(error), "{bytes:02X?}");
        reader.assert_gone();
        assert_eq!(card.transport().transmit(&[0, 0xA4, 0, 0]), Err(transport::Error::Removed));
        drop(card.insert());
        assert_eq!(card.transport().transmit(&[0, 0xA4, 0, 0]), Ok(vec![0x90, 0]));
    }
}

#[test]
fn a_card_lies_in_one_place() {
    let card = card(Chip::Gemalto);
    let mut inside = card.transport();
    let root = [0, 0xA4, 0, 0];
    assert_eq!(inside.transmit(&root), Ok(vec![0x90, 0]));
    // No reader: the card stays where it is.
    let (unused, nobody) = listener();
    drop(unused);
    assert!(vpcd::connect(&card, nobody).is_err());
    assert_eq!(inside.transmit(&root), Ok(vec![0x90, 0]));

    let (mut reader, _, served) = laid(&card);
    assert_eq!(reader.ask("00A40000"), "9000");
    assert_eq!(inside.transmit(&root), Err(transport::Error::Removed));
    assert_eq!(inside.reset(), Err(transport::Error::Removed));
    assert_eq!(card.transport().transmit(&root), Err(transport::Error::Removed));
    assert_eq!(reader.ask(SELECT_CIE), "9000", "nobody touched it");

    // Back on the reader inside: the next poll finds nothing, and leaves the card where it is now.
    drop(card.insert());
    let mut inside = card.transport();
    reader.say(&[4]);
    reader.assert_gone();
    assert_eq!(served.join().unwrap(), Err(Error::TakenOff));
    assert_eq!(inside.transmit(&root), Ok(vec![0x90, 0]));

    // A reset that the reader cannot be told, and a removal.
    for (act, error) in [
        (SoftCard::reset_by_other as fn(&SoftCard), Error::ResetByOther),
        (SoftCard::remove, Error::TakenOff),
    ] {
        let (mut reader, _, served) = laid(&card);
        assert_eq!(reader.ask(SELECT_IAS), "9000");
        act(&card);
        reader.say(&hex::decode(SELECT_CIE).unwrap());
        reader.assert_gone();
        assert_eq!(served.join().unwrap(), Err(error));
        assert_eq!(card.transport().transmit(&root), Err(transport::Error::Removed));
    }

    // On another virtual reader: the first one loses it, the second keeps it.
    let (mut first, _, first_served) = laid(&card);
    let (mut second, _, _served) = laid(&card);
    assert_eq!(second.ask(SELECT_IAS), "9000");
    first.say(&[4]);
    first.assert_gone();
    assert_eq!(first_served.join().unwrap(), Err(Error::TakenOff));
    assert_eq!(second.ask(SELECT_CIE), "9000");
}

#[test]
fn a_remover_takes_the_card_off_from_another_thread() {
    let card = card(Chip::Gemalto);
    let (mut reader, remover, served) = laid(&card);
    assert_eq!(reader.ask("04"), ATR);
    let copy = remover.clone();
    thread::spawn(move || copy.remove()).join().unwrap();
    assert_eq!(served.join().unwrap(), Ok(()));
    reader.assert_gone();
    remover.remove();
}

/// Keeps a card on a reader, until told to stop by the number of waits.
fn kept(card: &SoftCard, address: SocketAddr) -> (Receiver<Event>, JoinHandle<()>) {
    let (send, events) = channel();
    let card = card.clone();
    let keep = move || {
        vpcd::lay_on_reader(&card, address, |event| match send.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    };
    (events, thread::spawn(keep))
}

#[test]
fn a_card_comes_back_when_the_service_does() {
    let card = card(Chip::Gemalto);
    let (first, address) = listener();
    drop(first);
    let (events, kept) = kept(&card, address);
    let next = || events.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(matches!(next(), Event::Waiting(std::io::ErrorKind::ConnectionRefused)));

    for round in 0..2 {
        let listener = TcpListener::bind(address).unwrap();
        let mut reader = Reader::accept(&listener);
        let laid = std::iter::repeat_with(next).find(|event| !matches!(event, Event::Waiting(_)));
        let Some(Event::Laid(remover)) = laid else { panic!("{laid:?}") };
        assert_eq!(reader.ask(READ_NIS), "6A82", "powered up anew");
        assert_eq!(reader.ask(SELECT_IAS), "9000");
        assert_eq!(reader.ask(SELECT_CIE), "9000");
        if round == 1 {
            // Taken off and laid down again, the service running.
            remover.remove();
            assert!(matches!(next(), Event::Gone(Ok(()))));
            reader = Reader::accept(&listener);
            assert!(matches!(next(), Event::Laid(_)));
            assert_eq!(reader.ask(READ_NIS), "6A82");
        }
        // The service stops: its side closes first.
        drop((reader, listener));
        assert!(matches!(next(), Event::Gone(Ok(()))));
    }
    drop(events);
    kept.join().unwrap();
}

#[test]
fn a_reader_that_breaks_off_is_one_whose_service_was_killed() {
    let card = card(Chip::Gemalto);
    // With an answer unread the system resets the connection.
    let (mut reader, _, served) = laid(&card);
    reader.say(&hex::decode(SELECT_IAS).unwrap());
    reader.say(&[4]);
    thread::sleep(Duration::from_millis(100));
    drop(reader);
    assert_eq!(served.join().unwrap(), Ok(()));
    // Between the length and its bytes it is a message that broke off, and no reason to stay away.
    let (listener, address) = listener();
    let (events, _keeper) = kept(&card, address);
    let mut reader = Reader::accept(&listener);
    reader.0.write_all(&[0, 5, 0]).unwrap();
    drop(reader);
    let next = || events.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(next(), Event::Laid(_)));
    assert!(matches!(next(), Event::Gone(Err(Error::Truncated))));
    assert_eq!(Reader::accept(&listener).ask("04"), ATR);
    drop(listener);
}

#[test]
fn a_card_that_its_handle_takes_away_stays_away() {
    let card = card(Chip::Gemalto);
    let (listener, address) = listener();
    let (events, kept) = kept(&card, address);
    let mut reader = Reader::accept(&listener);
    assert_eq!(reader.ask("04"), ATR);
    card.reset_by_other();
    reader.say(&[4]);
    reader.assert_gone();
    let mut reader = Reader::accept(&listener);
    assert_eq!(reader.ask("04"), ATR, "laid down again after a reset");
    card.remove();
    reader.say(&[4]);
    reader.assert_gone();
    kept.join().unwrap();
    let said: Vec<_> = events.iter().collect();
    let [Event::Laid(_), Event::Gone(Err(first)), Event::Laid(_), Event::Gone(Err(second))] = &said[..]
    else {
        panic!("{said:?}")
    };
    assert_eq!((first, second), (&Error::ResetByOther, &Error::TakenOff));
}
