//! A card on the virtual reader that does what a test tells it to, faults included. Written apart from the
//! library's own: it is the other opinion on the protocol.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::pcscd::{PORT, until};

/// What the card does with a command.
pub(crate) enum Reaction {
    /// Answers.
    Answer(Vec<u8>),
    /// Announces so many bytes, sends these, and is gone.
    BreakOff(u16, Vec<u8>),
    /// Announces an answer of no bytes.
    Nothing,
    /// Never answers.
    Silence,
}

/// What came over the connection, as far as a test may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    PowerOff,
    PowerOn,
    Reset,
    Command(Vec<u8>),
}

/// An answer to reset as contactless readers give it, without historical bytes.
pub(crate) const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];

/// The card; taken off the reader when dropped.
pub(crate) struct RawCard {
    stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl RawCard {
    /// Lays a card on the first slot.
    pub(crate) fn insert(react: impl FnMut(&[u8]) -> Reaction + Send + 'static) -> Self {
        Self::insert_at(PORT, react)
    }

    /// A card that answers every command with the same.
    pub(crate) fn answering(answer: &[u8]) -> Self {
        let answer = answer.to_vec();
        Self::insert(move |_| Reaction::Answer(answer.clone()))
    }

    /// Lays a card on the slot with this port.
    pub(crate) fn insert_at(port: u16, react: impl FnMut(&[u8]) -> Reaction + Send + 'static) -> Self {
        Self::insert_with_atr(port, &ATR, react)
    }

    /// A card with an answer to reset of its own, well-formed or not.
    pub(crate) fn insert_with_atr(
        port: u16,
        atr: &[u8],
        mut react: impl FnMut(&[u8]) -> Reaction + Send + 'static,
    ) -> Self {
        let atr = atr.to_vec();
        let mut stream = None;
        until("the reader takes the card", || {
            stream = TcpStream::connect(("127.0.0.1", port)).ok();
            stream.is_some()
        });
        let stream = stream.unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (mut wire, log) = (stream.try_clone().unwrap(), seen.clone());
        thread::spawn(move || while serve(&mut wire, &log, &atr, &mut react).is_ok() {});
        Self { stream, seen }
    }

    /// Takes the card off the reader.
    pub(crate) fn remove(self) {}

    /// What the reader asked for so far, questions for the ATR apart.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How often the reader reset the card.
    pub(crate) fn resets(&self) -> usize {
        self.seen().iter().filter(|seen| **seen == Seen::Reset).count()
    }

    /// How many commands came.
    pub(crate) fn commands(&self) -> usize {
        self.seen().iter().filter(|seen| matches!(seen, Seen::Command(_))).count()
    }
}

impl Drop for RawCard {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn serve(
    wire: &mut TcpStream,
    log: &Mutex<Vec<Seen>>,
    atr: &[u8],
    react: &mut impl FnMut(&[u8]) -> Reaction,
) -> std::io::Result<()> {
    let mut length = [0; 2];
    wire.set_quickack(true)?;
    wire.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    wire.set_quickack(true)?;
    wire.read_exact(&mut message)?;
    let note = |seen| log.lock().unwrap().push(seen);
    let answer = match &message[..] {
        [control @ 0..=2] => {
            note([Seen::PowerOff, Seen::PowerOn, Seen::Reset][usize::from(*control)].clone());
            return Ok(());
        }
        [4] => Reaction::Answer(atr.to_vec()),
        command => {
            note(Seen::Command(command.to_vec()));
            react(command)
        }
    };
    match answer {
        Reaction::Answer(bytes) => {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            wire.write_all(&[&length[..], &bytes].concat())
        }
        Reaction::BreakOff(announced, bytes) => {
            if announced > 0 {
                wire.write_all(&[&announced.to_be_bytes()[..], &bytes].concat())?;
            }
            wire.shutdown(Shutdown::Both)
        }
        Reaction::Nothing => wire.write_all(&[0, 0]),
        Reaction::Silence => Ok(()),
    }
}
