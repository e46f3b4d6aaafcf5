//! A software card on a virtual reader of the PC/SC service: the card's side of the vpcd protocol of the
//! project *vsmartcard*, over TCP.
//!
//! Every message is a length of two bytes, big-endian, and that many bytes. The reader sends one byte to
//! control the card (00 power off, 01 power on, 02 reset, 04 give the answer to reset) or a command APDU;
//! the card answers to the last two, in the same form. A connection is a card that lies on the reader, its
//! end is a card taken away. The service looks for the card some 400 ms apart, between the commands of its
//! clients and after power off.
//!
//! # One card, one place
//!
//! A card that is laid on a virtual reader is taken away from the reader inside this process: connections
//! made there say [`Removed`](crate::transport::Error::Removed). [`SoftCard::insert`] takes it back, and
//! [`SoftCard::remove`] takes it away from both; the virtual reader then sees it go. The protocol has no
//! message for a reset by somebody else, so [`SoftCard::reset_by_other`] ends the connection, too: a client
//! is never left with a card that silently forgot what it was told.
//!
//! vpcd listens on all interfaces and asks nobody who they are. Do not install it where cards matter.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::slot::{Lost, Place, Seen, SharedSlot};
use super::soft_card::SoftCard;

/// The port of the first virtual reader, as vpcd is installed: 8C7B hex.
pub const PORT: u16 = 35_963;

/// Between two attempts to lay the card on the reader.
const PAUSE: Duration = Duration::from_millis(250);

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GIVE_ATR: u8 = 0x04;

/// Why a card is no longer served on a virtual reader, if not because the reader went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection failed.
    #[error("the connection to the virtual reader failed: {0}")]
    Connection(io::ErrorKind),
    /// The reader's side ended the connection within a message.
    #[error("the virtual reader broke off within a message")]
    Truncated,
    /// A message of length zero.
    #[error("the virtual reader sent an empty message")]
    Empty,
    /// A control byte that does not exist. Perhaps it is no virtual reader.
    #[error("the virtual reader sent the unknown control byte {0:02X}")]
    UnknownControl(u8),
    /// The card's handle took it away, or laid it on the reader inside this process.
    #[error("the card was taken off the virtual reader")]
    TakenOff,
    /// The card's handle reset it, which the virtual reader cannot be told.
    #[error("the card was reset by another program")]
    ResetByOther,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            kind => Self::Connection(kind),
        }
    }
}

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Removed => Self::TakenOff,
            Lost::Reset => Self::ResetByOther,
        }
    }
}

/// Lays a card on the virtual reader at this address, such as `("127.0.0.1", vpcd::PORT)`. Where it lay
/// before it is taken away; if there is no reader it stays there.
///
/// # Errors
/// What the operating system says, if there is no reader.
pub fn connect(card: &SoftCard, address: impl ToSocketAddrs) -> io::Result<Connection> {
    let socket = TcpStream::connect(address)?;
    // Where nobody listens, a connection to a port that the system also gives out can meet itself, and
    // would keep the reader from the port.
    if socket.local_addr()? == socket.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    socket.set_nodelay(true)?;
    let card = card.slot();
    let mut slot = card.lock();
    slot.lay(Place::VirtualReader);
    let seen = slot.look(Place::VirtualReader);
    drop(slot);
    Ok(Connection { socket: Arc::new(socket), card, seen })
}

/// A card that lies on a virtual reader. Dropping it takes the card away.
pub struct Connection {
    socket: Arc<TcpStream>,
    card: SharedSlot,
    seen: Seen,
}

impl Connection {
    /// What takes the card away from another thread.
    #[must_use]
    pub fn remover(&self) -> Remover {
        Remover(self.socket.clone())
    }

    /// Answers the reader until its side closes the connection between two messages (the service has
    /// stopped), or a [`Remover`] does.
    ///
    /// # Errors
    /// An [`Error`] if it ends in any other way.
    pub fn serve(mut self) -> Result<(), Error> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match self.answer_all() {
            // So ends a connection whose other side was killed with something still unread.
            Err(Error::Connection(BrokenPipe | ConnectionAborted | ConnectionReset)) => Ok(()),
            end => end,
        }
    }

    fn answer_all(&mut self) -> Result<(), Error> {
        while let Some(message) = self.receive()? {
            if let Some(answer) = self.answer(&message)? {
                self.send(&answer)?;
            }
        }
        Ok(())
    }

    /// One message, of 65535 bytes at most; nothing if the connection was closed before it.
    fn receive(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let mut reader = Prompt(&self.socket);
        let mut length = [0; 2];
        let (first, second) = length.split_at_mut(1);
        match reader.read_exact(first) {
            // So ends a connection that the remover or the reader closed.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        reader.read_exact(second)?;
        let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
        reader.read_exact(&mut message)?;
        Ok(Some(message))
    }

    /// Has the card do what a message says, if it still lies here.
    fn answer(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut slot = self.card.lock();
        slot.check(self.seen)?;
        match message {
            [] => Err(Error::Empty),
            [POWER_OFF | POWER_ON | RESET] => {
                slot.reset();
                self.seen = slot.look(Place::VirtualReader);
                Ok(None)
            }
            [GIVE_ATR] => Ok(Some(slot.card.atr().to_vec())),
            [unknown] => Err(Error::UnknownControl(*unknown)),
            command => Ok(Some(slot.transmit(command))),
        }
    }

    /// Length and bytes in one write: the other side would wait for an acknowledgement between two.
    fn send(&self, answer: &[u8]) -> Result<(), Error> {
        let length =
            u16::try_from(answer.len()).map_err(|_| Error::Connection(io::ErrorKind::InvalidData))?;
        let message = [&length.to_be_bytes(), answer].concat();
        Ok((&*self.socket).write_all(&message)?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The remover may still hold the socket open.
        let _ = self.socket.shutdown(Shutdown::Both);
        let mut slot = self.card.lock();
        if slot.check(self.seen) != Err(Lost::Removed) {
            slot.remove();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection(..)")
    }
}

/// Takes the card of one connection off its reader, from any thread.
#[derive(Clone)]
pub struct Remover(Arc<TcpStream>);

impl Remover {
    /// Takes the card away: [`Connection::serve`] returns. A command that is being carried out is carried
    /// out, but its answer may be lost, as with a card of plastic.
    pub fn remove(&self) {
        // If this fails the connection is over already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl std::fmt::Debug for Remover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remover(..)")
    }
}

/// What happens to a card that [`lay_on_reader`] keeps on a reader.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// There is no reader at the address; said before every further attempt.
    Waiting(io::ErrorKind),
    /// The card lies on the reader.
    Laid(Remover),
    /// The card is off the reader: the service stopped or a remover was used, or what went wrong.
    Gone(Result<(), Error>),
}

/// Keeps a card on the virtual reader at this address: lays it there as soon as there is one, wherever it
/// lies then, and again whenever the service was restarted, four attempts a second.
///
/// Returns when `events` says so by [`ControlFlow::Break`], or when the card's handle takes the card away
/// while it lies there ([`Error::TakenOff`], after its event).
pub fn lay_on_reader(
    card: &SoftCard,
    address: impl ToSocketAddrs,
    mut events: impl FnMut(Event) -> ControlFlow<()>,
) {
    loop {
        let said = match connect(card, &address) {
            Err(error) => events(Event::Waiting(error.kind())),
            Ok(connection) => match events(Event::Laid(connection.remover())) {
                ControlFlow::Break(()) => ControlFlow::Break(()),
                ControlFlow::Continue(()) => {
                    let end = connection.serve();
                    let said = events(Event::Gone(end));
                    if end == Err(Error::TakenOff) { ControlFlow::Break(()) } else { said }
                }
            },
        };
        if said.is_break() {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// The reading end of a connection. vpcd writes the length and the bytes of a message apart and waits in
/// between until the first is acknowledged, which the operating system delays by 40 ms unless told
/// otherwise, before every read anew.
struct Prompt<'a>(&'a TcpStream);

impl Read for Prompt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The standard library's own way to say this is newer than the compiler that we promise.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        rustix::net::sockopt::set_tcp_quickack(self.0, true)?;
        self.0.read(buffer)
    }
}
