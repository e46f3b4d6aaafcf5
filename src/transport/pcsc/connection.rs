//! One connection to one card: a thread that makes the calls, and the side that waits for them no longer
//! than the deadline.

use std::ffi::CString;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::super::{Company, Error, Transport};
use super::abandoned::Abandoned;
use super::token::Token;
use super::worker::Worker;
use super::{ReaderState, Sharing, snapshot};

/// How long a dropped connection waits for the service to take its leave.
const LEAVE: Duration = Duration::from_secs(1);
/// How soon a service answers that does not hang.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How many deadlines one operation may take in all: a card that answers each command at the last moment
/// would otherwise keep its terminal for hours.
const OPERATION: u32 = 12;

/// What the thread is asked to do. It answers each with one reply.
pub(super) enum Request {
    /// One exchange; where the card is shared and no transaction is open, in one of its own.
    Transmit(Zeroizing<Vec<u8>>),
    /// Resets the card.
    Reset,
    /// Begins a transaction.
    Begin,
    /// Ends it.
    End,
    /// Connects anew, for other company. Not within a transaction.
    Share(Sharing),
}

/// What came back.
pub(super) type Reply = Result<Vec<u8>, Error>;

/// A connection to the card on a reader. `Send`.
///
/// Dropping it leaves the card as it is, unless it was told otherwise or a call was given up.
pub struct Connection {
    requests: Option<Sender<Request>>,
    replies: Receiver<Reply>,
    token: Weak<Token>,
    deadline: Duration,
    /// What was asked for at first, and what holds now.
    asked: Sharing,
    sharing: Sharing,
    /// When the present operation has lasted too long.
    until: Option<Instant>,
    /// Why nothing can be asked any more.
    dead: Error,
    atr: Vec<u8>,
}

impl Connection {
    /// Starts the thread, which connects; waits for that.
    pub(super) fn open(
        reader: CString,
        sharing: Sharing,
        deadline: Duration,
        token: Arc<Token>,
    ) -> Result<Self, Error> {
        let (requests, inbox) = mpsc::channel();
        let (outbox, replies) = mpsc::channel();
        let mut connection = Self {
            requests: Some(requests),
            replies,
            token: Arc::downgrade(&token),
            deadline,
            asked: sharing,
            sharing,
            until: None,
            dead: Error::Unresponsive,
            atr: Vec::new(),
        };
        thread::Builder::new()
            .name("cie reader".to_owned())
            .spawn(move || Worker::new(sharing, inbox, outbox, token).run(&reader))
            .map_err(|error| Error::Reader(error.to_string()))?;
        connection.atr = connection.wait()?;
        Ok(connection)
    }

    /// Has one thing done. Once a call was given up nothing more is asked.
    fn ask(&mut self, request: Request) -> Reply {
        match &self.requests {
            Some(requests) if requests.send(request).is_ok() => self.wait(),
            _ => Err(self.dead.clone()),
        }
    }

    fn wait(&mut self) -> Reply {
        match self.replies.recv_timeout(self.deadline) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Disconnected) => Err(self.dead.clone()),
            Err(RecvTimeoutError::Timeout) => Err(self.give_up()),
        }
    }

    /// Waits no longer for the call that goes on.
    fn give_up(&mut self) -> Error {
        self.requests = None;
        let Some(token) = self.token.upgrade() else { return self.dead.clone() };
        let at_the_card = token.give_up();
        // What never got as far as the card waits for another program, as far as anyone can see.
        let in_use = !at_the_card && self.is_in_use(token.reader());
        self.dead = if in_use { Error::InUse } else { Error::Unresponsive };
        token.tell_others(self.dead.clone());
        if at_the_card { Error::NoAnswer } else { self.dead.clone() }
    }

    /// Whether the service says that somebody is connected to the card. That may be ourselves, so it must say so at
    /// once, and the call must not have come back with it: else it was the service that had kept us waiting.
    fn is_in_use(&self, reader: &str) -> bool {
        let readers = snapshot(self.deadline.min(AT_ONCE), &Abandoned::default()).unwrap_or_default();
        let in_use = readers.into_iter().any(|found| {
            found.name == reader && matches!(found.state, ReaderState::Present { in_use: true, .. })
        });
        in_use && matches!(self.replies.try_recv(), Err(TryRecvError::Empty))
    }
}

impl Transport for Connection {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        // Within a command: before its first piece the link asks.
        if self.is_overdue() {
            return Err(Error::NoAnswer);
        }
        let answer = self.ask(Request::Transmit(Zeroizing::new(command.to_vec())))?;
        // Less than a status word: the exchange broke off, which the service does not take for an error.
        if answer.len() < 2 { Err(Error::NoAnswer) } else { Ok(answer) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.ask(Request::Reset).map(drop)
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Connection {
    fn begin(&mut self) -> Result<(), Error> {
        self.until = Instant::now().checked_add(self.deadline.saturating_mul(OPERATION));
        self.ask(Request::Begin).map(drop)
    }

    fn end(&mut self) {
        self.until = None;
        // If this fails, the next command finds out why.
        let _ = self.ask(Request::End);
    }

    fn is_overdue(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }

    fn is_shared(&self) -> bool {
        self.sharing == Sharing::Shared
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
        let sharing = if exclusive { Sharing::Exclusive } else { self.asked };
        if sharing != self.sharing {
            let outcome = self.ask(Request::Share(sharing));
            if let Err(error) = outcome {
                // If the card is lost to another program by that, this is what every further call says.
                self.dead = error.clone();
                return Err(error);
            }
            self.sharing = sharing;
        }
        Ok(())
    }

    fn reset_when_dropped(&mut self, reset: bool) {
        if let Some(token) = self.token.upgrade() {
            token.reset_at_the_end(reset);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection(..)")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The thread takes its leave when nobody can ask it anything more. A program that ends now would
        // cut it short, and the service would then reset a card that was to be left as it is.
        if self.requests.take().is_some() {
            while self.replies.recv_timeout(LEAVE).is_ok() {}
        }
    }
}
