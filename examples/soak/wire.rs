//! A card on a virtual reader, with faults on the wire at a chosen exchange: the card's side of the vpcd protocol,
//! written apart from the library's own.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cie::emulator::SoftTransport;
use cie::transport::Transport;

use super::plan::{Dice, Fault};

/// How long a virtual reader may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// What answers.
pub(crate) enum Body {
    /// A software card.
    Soft(SoftTransport),
    /// Nothing that answers to power.
    Mute,
    /// Nothing that answers to commands.
    Silent,
    /// Answers of no bytes.
    Nothing,
    /// Answers of one byte.
    Short,
    /// Answers without meaning.
    Garbage(Dice),
}

/// A card on a reader; taken away when dropped.
pub(crate) struct Laid {
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
    exchanges: Arc<AtomicUsize>,
    looks: Arc<AtomicUsize>,
}

/// Lays a card on the reader with this port. `fired` is called when the fault has happened.
pub(crate) fn lay(
    port: u16,
    body: Body,
    fault: Fault,
    fired: impl FnOnce() + Send + 'static,
) -> io::Result<Laid> {
    let began = Instant::now();
    let stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            // Where nobody listens, a connection can meet itself.
            Ok(stream) if stream.local_addr()? != stream.peer_addr()? => break stream,
            Err(error) if began.elapsed() > PATIENCE => return Err(error),
            _ => thread::sleep(Duration::from_millis(5)),
        }
    };
    let exchanges = Arc::new(AtomicUsize::new(0));
    let looks = Arc::new(AtomicUsize::new(0));
    let (counted, looked) = (exchanges.clone(), looks.clone());
    let mut wire = Wire { stream: stream.try_clone()?, body, fault, exchanges: counted, looks: looked };
    let thread = thread::spawn(move || {
        // However it ends, the card is off the reader.
        if let Ok(true) = wire.serve() {
            fired();
        }
        let _ = wire.stream.shutdown(Shutdown::Both);
    });
    Ok(Laid { stream, thread: Some(thread), exchanges, looks })
}

impl Laid {
    /// How many commands came so far.
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges.load(SeqCst)
    }

    /// Whether the reader has hung up on the card, or the fault took it away.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How often the service looked whether the card is there.
    pub(crate) fn looks(&self) -> usize {
        self.looks.load(SeqCst)
    }

    /// Takes the card away, and waits until it has done with its last command.
    pub(crate) fn remove(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        self.remove();
    }
}

struct Wire {
    stream: TcpStream,
    body: Body,
    fault: Fault,
    exchanges: Arc<AtomicUsize>,
    looks: Arc<AtomicUsize>,
}

impl Wire {
    /// Answers until the reader hangs up, or the fault takes the card away: then true.
    fn serve(&mut self) -> io::Result<bool> {
        loop {
            let message = self.receive()?;
            match &message[..] {
                [0..=2] => {
                    if let Body::Soft(card) = &mut self.body {
                        let _ = card.reset();
                    }
                }
                [4] => {
                    self.looks.fetch_add(1, SeqCst);
                    let atr = self.atr();
                    self.send(&atr)?;
                }
                command => {
                    let number = self.exchanges.fetch_add(1, SeqCst) + 1;
                    if self.fault == Fault::Before(number) {
                        return Ok(true);
                    }
                    let answer = self.answer(command);
                    match (self.fault, answer) {
                        (Fault::After(at) | Fault::Swap(at), _) if at == number => return Ok(true),
                        (Fault::Within(at), Some(answer)) if at == number => {
                            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
                            self.stream.write_all(&[&length.to_be_bytes()[..], &answer[..1]].concat())?;
                            return Ok(true);
                        }
                        (Fault::Silence(at), _) if number >= at => {}
                        (_, Some(answer)) => self.send(&answer)?,
                        (_, None) => {}
                    }
                }
            }
        }
    }

    fn atr(&self) -> Vec<u8> {
        match &self.body {
            Body::Soft(card) => card.atr().to_vec(),
            // Longer than any answer to reset.
            Body::Mute => vec![0x3B; 40],
            _ => vec![0x3B, 0x80, 0x80, 0x01, 0x01],
        }
    }

    fn answer(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        match &mut self.body {
            // Nobody else takes the card away; if it failed, silence would be noticed.
            Body::Soft(card) => card.transmit(command).ok(),
            Body::Mute | Body::Silent => None,
            Body::Nothing => Some(Vec::new()),
            Body::Short => Some(vec![0x90]),
            Body::Garbage(dice) => {
                let length = 2 + dice.below(300);
                Some((0..length).map(|_| dice.next().to_be_bytes()[0]).collect())
            }
        }
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        // The driver writes length and bytes apart and waits for the acknowledgement in between.
        self.stream.set_quickack(true)?;
        self.stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.set_quickack(true)?;
        self.stream.read_exact(&mut message)?;
        Ok(message)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        self.stream.write_all(&[&length.to_be_bytes()[..], bytes].concat())
    }
}
