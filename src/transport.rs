//! The way to a card: [`Transport`] carries single APDUs, [`Link`] turns them into whole commands
//! (chaining, GET RESPONSE, wrong Le; ISO/IEC 7816-4 section 5.3 and ISO/IEC 7816-3 section 12).

mod link;
#[cfg(feature = "pcsc")]
pub mod pcsc;
pub mod replay;
pub mod trace;

use crate::iso7816::apdu;

pub use link::Link;

/// The longest answer that is put together from 61xx pieces, in bytes.
pub const ANSWER_MAX: usize = 65_536;

/// Why an exchange with the card did not come to an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The card left the reader. What the last command did is not known.
    #[error("the card was removed")]
    Removed,
    /// The card was reset, by another program or by losing power: everything it knew of us is gone.
    #[error("the card was reset")]
    Reset,
    /// No answer came. What the command did is not known.
    #[error("the card did not answer")]
    NoAnswer,
    /// The answer has less than the two bytes of a status word, or a command has no encoding.
    #[error(transparent)]
    Apdu(#[from] apdu::Error),
    /// The card keeps announcing more data than any answer has.
    #[error("the card's answer does not end")]
    EndlessAnswer,
    /// The card carried the command out, but its answer was longer than any APDU and is lost.
    #[error("the card's answer was too long and is lost")]
    AnswerTooLong,
    /// No service for readers is running, or it does not answer, or it stopped. What a command under way
    /// did is not known.
    #[error("the smart card service is not running or does not answer")]
    NoService,
    /// The service lets this account use no readers, or no cards.
    #[error("the smart card service denies access")]
    AccessDenied,
    /// There is no reader, or none of this name.
    #[error("there is no such reader")]
    NoReader,
    /// No card lies on the reader.
    #[error("there is no card on the reader")]
    NoCard,
    /// Another program uses the card and does not share it.
    #[error("another program uses the card")]
    InUse,
    /// A command to this reader never came back; until it does, the reader cannot be used.
    #[error("the reader does not come back from an earlier command")]
    Unresponsive,
    /// The card does not answer when it is powered, or the reader cannot power it.
    #[error("the reader cannot power the card")]
    Unpowered,
    /// What was waited for did not happen in time.
    #[error("nothing happened in the time given")]
    TimedOut,
    /// The waiting was cancelled.
    #[error("the waiting was cancelled")]
    Cancelled,
    /// The command was not sent: whoever watches the link wants no more of them.
    #[error("the operation was stopped before the next command")]
    Stopped,
    /// The command was not sent: the operation that it belongs to has lasted too long.
    #[error("the operation lasted too long for the next command")]
    Overdue,
    /// The reader or its service failed; the text is theirs.
    #[error("the reader failed: {0}")]
    Reader(String),
    /// A recorded dialogue is played back, and what happened is not what was recorded.
    #[error(transparent)]
    NotAsRecorded(Box<replay::Mismatch>),
}

/// One way to one card: a reader, a recorded dialogue, a software card.
///
/// `transmit` carries the bytes as they are and returns what came back, status word included. It does
/// not interpret, repeat or repair anything: all of that belongs above. `Send`, so that a card can be
/// used from a worker thread.
pub trait Transport: Send {
    /// Sends one command APDU and returns the response APDU.
    ///
    /// # Errors
    /// Whatever kept an answer from coming.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error>;

    /// Resets the card: it forgets current files, secure channels and verified PINs.
    ///
    /// # Errors
    /// If the card is gone.
    fn reset(&mut self) -> Result<(), Error>;

    /// The answer to reset, as the reader gave it.
    fn atr(&self) -> &[u8];

    /// What is done about other programs that use the same card; `None` where there are none. A transport around
    /// another one gives what that one gives: else neither transactions nor the reset at the end would reach it.
    fn company(&mut self) -> Option<&mut dyn Company>;
}

/// A card that other programs may use as well.
pub trait Company {
    /// Keeps other programs off the card until [`Company::end`], where it is shared with any.
    ///
    /// # Errors
    /// [`Error::InUse`] if another program does not let go of it; [`Error::Reset`] or [`Error::Removed`]
    /// if that happened meanwhile. Nothing is kept then.
    fn begin(&mut self) -> Result<(), Error>;

    /// Lets other programs at the card again.
    fn end(&mut self);

    /// Whether other programs may get at the card between two transactions.
    fn is_shared(&self) -> bool;

    /// Whether what was begun has lasted too long for one more command.
    fn is_overdue(&self) -> bool {
        false
    }

    /// Keeps every other program off the card, also between transactions (`true`), or lets in those again
    /// that could come in at first (`false`). Not to be called within a transaction.
    ///
    /// # Errors
    /// [`Error::InUse`] if another program is connected to the card; then everything is as it was. If another
    /// program takes the card for itself in that moment, this connection to it is over, and says so from then on.
    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error>;

    /// Whether the card must have forgotten what it was told when this is dropped. Whoever sets this also
    /// calls [`Transport::reset`] at the end; a transport that can do something if that fails does it.
    fn reset_when_dropped(&mut self, reset: bool);
}

/// How much was said over a [`Link`] so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Command APDUs sent, GET RESPONSE apart; every fragment of a chain counts.
    pub commands: u32,
    /// GET RESPONSE commands sent.
    pub get_responses: u32,
    /// Bytes sent to the card.
    pub bytes_sent: u64,
    /// Bytes received from the card, status words included.
    pub bytes_received: u64,
}

impl std::ops::Add for Statistics {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            commands: self.commands.saturating_add(other.commands),
            get_responses: self.get_responses.saturating_add(other.get_responses),
            bytes_sent: self.bytes_sent.saturating_add(other.bytes_sent),
            bytes_received: self.bytes_received.saturating_add(other.bytes_received),
        }
    }
}

impl std::ops::Sub for Statistics {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            commands: self.commands.saturating_sub(earlier.commands),
            get_responses: self.get_responses.saturating_sub(earlier.get_responses),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
        }
    }
}
