//! One connection to one card: a thread that makes the calls, and the side that waits for them no longer
//! than the deadline.

use std::ffi::CString;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use pcsc::{Card, Disposition, MAX_BUFFER_SIZE_EXTENDED, Protocols, ShareMode, Transaction};
use zeroize::Zeroizing;

use super::super::{Error, Transport};
use super::{Sharing, establish};

/// How long a dropped connection waits for the service to take its leave.
const LEAVE: Duration = Duration::from_secs(1);

/// How many resets by others a connection bears while it is made.
const RESETS_AT_FIRST: usize = 5;

/// A connection as the service's register sees it. The thread holds it: it is gone when the thread is.
pub(super) struct Token {
    reader: String,
    /// What the others are told once a call was given up that has not returned.
    given_up: OnceLock<Error>,
}

impl Token {
    pub(super) fn new(reader: &str) -> Self {
        Self { reader: reader.to_owned(), given_up: OnceLock::new() }
    }

    /// Notes that nobody waits any more for the call that goes on; what others are told from now on.
    pub(super) fn give_up(&self, others: Error) {
        // Done once only: afterwards nothing more is asked.
        let _ = self.given_up.set(others);
    }

    /// Why this reader cannot be used, if a call to it was given up.
    pub(super) fn hangs(&self, reader: &str) -> Option<Error> {
        if self.reader == reader { self.given_up.get().cloned() } else { None }
    }
}

/// What the thread is asked to do. It answers each with one reply.
enum Request {
    Transmit(Zeroizing<Vec<u8>>),
    Reset,
    Begin,
    End,
}

type Reply = Result<Vec<u8>, Error>;

/// A connection to the card on a reader. `Send`.
///
/// Dropping it leaves the card as it is.
pub struct Connection {
    requests: Option<Sender<Request>>,
    replies: Receiver<Reply>,
    token: std::sync::Weak<Token>,
    deadline: Duration,
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
        let watched = Arc::downgrade(&token);
        thread::Builder::new()
            .name("cie reader".to_owned())
            .spawn(move || {
                Worker { sharing, inbox, outbox, token }.run(&reader);
            })
            .map_err(|error| Error::Reader(error.to_string()))?;
        let mut connection =
            Self { requests: Some(requests), replies, token: watched, deadline, atr: Vec::new() };
        connection.atr = connection.wait(&Error::Unresponsive)?;
        Ok(connection)
    }

    /// Has one thing done. Once a call was given up nothing more is asked.
    fn ask(&mut self, request: Request, when_late: &Error) -> Reply {
        let sent = self.requests.as_ref().is_some_and(|requests| requests.send(request).is_ok());
        if sent { self.wait(when_late) } else { Err(self.gone()) }
    }

    fn wait(&mut self, when_late: &Error) -> Reply {
        match self.replies.recv_timeout(self.deadline) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(token) = self.token.upgrade() {
                    let waits_for_others = *when_late == Error::InUse;
                    token.give_up(if waits_for_others { Error::InUse } else { Error::Unresponsive });
                }
                self.requests = None;
                Err(when_late.clone())
            }
        }
    }

    /// Why there is no thread to ask.
    fn gone(&self) -> Error {
        let given_up = self.token.upgrade().and_then(|token| token.given_up.get().cloned());
        given_up.unwrap_or(Error::NoAnswer)
    }
}

impl Transport for Connection {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let answer = self.ask(Request::Transmit(Zeroizing::new(command.to_vec())), &Error::NoAnswer)?;
        // Less than a status word: the exchange broke off, which the service does not take for an error.
        if answer.len() < 2 { Err(Error::NoAnswer) } else { Ok(answer) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.ask(Request::Reset, &Error::Unresponsive).map(drop)
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.ask(Request::Begin, &Error::InUse).map(drop)
    }

    fn end(&mut self) {
        // If this fails, the next command finds out why.
        let _ = self.ask(Request::End, &Error::Unresponsive);
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

/// The side that makes the calls.
struct Worker {
    sharing: Sharing,
    inbox: Receiver<Request>,
    outbox: Sender<Reply>,
    token: Arc<Token>,
}

impl Worker {
    fn run(self, reader: &CString) {
        match self.connect(reader) {
            Ok((mut card, atr)) => {
                let mut flow = self.answer(Ok(atr));
                while flow.is_continue() {
                    flow = self.serve(&mut card);
                }
                self.leave(card);
            }
            Err(error) => {
                // Whoever asked may have given up.
                let _ = self.outbox.send(Err(error));
            }
        }
    }

    fn connect(&self, reader: &CString) -> Result<(Card, Vec<u8>), Error> {
        let mut card = establish()?.connect(reader, self.mode(), Protocols::ANY)?;
        let mut status = card.status2_owned();
        // Another program may reset the card at any moment; to a connection that is new it means nothing.
        for _ in 0..RESETS_AT_FIRST {
            if status.as_ref().err() != Some(&pcsc::Error::ResetCard) {
                break;
            }
            status = self.reconnect(&mut card, Disposition::LeaveCard).and_then(|_| card.status2_owned());
        }
        match status {
            Ok(status) => Ok((card, status.atr().to_vec())),
            Err(error) => {
                self.leave(card);
                Err(error.into())
            }
        }
    }

    fn mode(&self) -> ShareMode {
        match self.sharing {
            Sharing::Exclusive => ShareMode::Exclusive,
            Sharing::Shared => ShareMode::Shared,
        }
    }

    /// Ends the connection. The card is left as it is, unless a call was given up: nobody knows then what
    /// it did.
    fn leave(&self, card: Card) {
        let given_up = self.token.given_up.get().is_some();
        let disposition = if given_up { Disposition::ResetCard } else { Disposition::LeaveCard };
        if let Err((card, _)) = card.disconnect(disposition) {
            // The service or the reader is gone; dropping it would only say so again.
            drop(card);
        }
    }

    /// Does what is asked next, outside a transaction.
    fn serve(&self, card: &mut Card) -> ControlFlow<()> {
        let reply = match self.inbox.recv() {
            Ok(Request::Transmit(command)) => transmit(card, &command),
            Ok(Request::Reset) => self.reconnect(card, Disposition::ResetCard),
            Ok(Request::Begin) if self.sharing == Sharing::Shared => match card.transaction2() {
                Ok(transaction) => return self.serve_transaction(transaction),
                Err((_, error)) => Err(error),
            },
            Ok(Request::Begin | Request::End) => Ok(Vec::new()),
            Err(_) => return ControlFlow::Break(()),
        };
        if let Err(pcsc::Error::ResetCard) = reply {
            // Said once; from then on the card can be spoken to anew. If this fails, the next call says why.
            let _ = self.reconnect(card, Disposition::LeaveCard);
        }
        self.answer(reply)
    }

    /// Does what is asked until the transaction ends.
    fn serve_transaction(&self, mut transaction: Transaction<'_>) -> ControlFlow<()> {
        self.answer(Ok(Vec::new()))?;
        loop {
            let reply = match self.inbox.recv() {
                Ok(Request::Transmit(command)) => transmit(&transaction, &command),
                Ok(Request::Reset) => transaction
                    .reconnect(self.mode(), Protocols::ANY, Disposition::ResetCard)
                    .map(|()| Vec::new()),
                Ok(Request::Begin) => Ok(Vec::new()),
                Ok(Request::End) => {
                    let ended = transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error);
                    return self.answer(ended.map(|()| Vec::new()));
                }
                Err(_) => return ControlFlow::Break(()),
            };
            self.answer(reply)?;
        }
    }

    fn reconnect(&self, card: &mut Card, disposition: Disposition) -> Result<Vec<u8>, pcsc::Error> {
        card.reconnect(self.mode(), Protocols::ANY, disposition).map(|()| Vec::new())
    }

    /// Breaks off if nobody waits for the answer any more.
    fn answer(&self, reply: Result<Vec<u8>, pcsc::Error>) -> ControlFlow<()> {
        let given_up = self.token.given_up.get().is_some();
        match self.outbox.send(reply.map_err(Error::from)) {
            Ok(()) if !given_up => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

/// One exchange, with room for the longest answer: one that did not fit would be lost.
fn transmit(card: &Card, command: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
    let mut buffer = Zeroizing::new(vec![0; MAX_BUFFER_SIZE_EXTENDED]);
    card.transmit(command, &mut buffer).map(<[u8]>::to_vec)
}
