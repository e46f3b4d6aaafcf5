//! A link in clear that becomes a secure channel, once, and is closed by the first doubtful answer.

use super::{COMMAND_DATA_MAX, COMMAND_DATA_SMALL, Error, READ_DATA_MAX, SecureMessaging};
use crate::iso7816::{Command, Response, StatusWord};
use crate::transport::Link;
use crate::transport::trace::Failure;

enum Protection {
    Clear,
    Protected(SecureMessaging),
    Closed,
}

/// A link with the protection that its commands have now.
///
/// A failure under protection drops the session keys: nothing more goes out over this channel.
pub struct Channel {
    link: Link,
    protection: Protection,
    /// The most clear bytes of one protected command.
    fragment: usize,
}

impl Channel {
    /// A channel that speaks in clear.
    #[must_use]
    pub fn clear(link: Link) -> Self {
        Self { link, protection: Protection::Clear, fragment: COMMAND_DATA_MAX }
    }

    /// The same channel, with protected commands of [`COMMAND_DATA_SMALL`] bytes from the beginning.
    #[must_use]
    pub fn with_small_commands(mut self) -> Self {
        self.fragment = COMMAND_DATA_SMALL;
        self
    }

    /// From now on everything is protected.
    pub fn protect(&mut self, session: SecureMessaging) {
        self.protection = Protection::Protected(session);
    }

    /// Replaces the send sequence counter, as device authentication does.
    pub fn set_ssc(&mut self, ssc: u64) {
        if let Protection::Protected(session) = &mut self.protection {
            session.set_ssc(ssc);
        }
    }

    /// Drops the session keys. Nothing more goes out over this channel.
    pub fn close(&mut self) {
        self.protection = Protection::Closed;
    }

    /// Whether a failure has closed the channel.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.protection, Protection::Closed)
    }

    /// Whether commands go out in clear.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        matches!(self.protection, Protection::Clear)
    }

    /// The most bytes that one READ BINARY should ask for.
    #[must_use]
    pub fn largest_read(&self) -> usize {
        if self.is_clear() { 256 } else { READ_DATA_MAX }
    }

    /// Carries out an operation of several commands without another program getting at the card in
    /// between, where the card is shared.
    pub fn uninterrupted<T>(&mut self, operation: impl FnOnce(&mut Self) -> T) -> T {
        self.link.hold();
        let outcome = operation(self);
        self.link.let_go();
        outcome
    }

    /// The link below.
    pub fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> crate::transport::Statistics {
        self.link.statistics()
    }

    /// The answer to reset of the card.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        self.link.atr()
    }

    /// The link below; session keys are dropped.
    #[must_use]
    pub fn into_link(self) -> Link {
        self.link
    }

    /// Carries out one command, protected if the channel is: long data goes out as a chain of
    /// protected fragments, and a command that may be repeated is issued again after a 6Cxx.
    ///
    /// If the card says over the channel that the first fragment is too long (6700), nothing was carried
    /// out: the chain goes out once more in fragments of [`COMMAND_DATA_SMALL`] bytes, and so does all that
    /// follows. Not so a command that carries a PIN or PUK, however long.
    ///
    /// # Errors
    /// [`Error`]; a status word other than 9000 is in the response and not an error here.
    pub fn exchange(&mut self, command: &Command) -> Result<Response, Error> {
        let (protected, closed) = (!self.is_clear(), self.is_closed());
        if let Some(tap) = self.link.tap().filter(|_| !closed) {
            tap.command(command, protected);
        }
        let result = match &mut self.protection {
            Protection::Clear => self.link.exchange(command).map_err(Error::from),
            Protection::Closed => return Err(Error::Closed),
            Protection::Protected(session) => {
                exchange_protected(&mut self.link, session, command, &mut self.fragment)
            }
        };
        if let Some(tap) = self.link.tap() {
            tap.outcome(result.as_ref().map_err(|error| match error {
                Error::Transport(error) => Failure::from(error),
                _ => Failure::Unprotected,
            }));
        }
        if protected && result.is_err() {
            self.close();
        }
        result
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.protection {
            Protection::Clear => "Channel(clear)",
            Protection::Protected(_) => "Channel(protected)",
            Protection::Closed => "Channel(closed)",
        })
    }
}

fn exchange_protected(
    link: &mut Link,
    session: &mut SecureMessaging,
    command: &Command,
    size: &mut usize,
) -> Result<Response, Error> {
    let mut response = Response::from(StatusWord::SUCCESS);
    for (index, fragment) in command.chain(*size).iter().enumerate() {
        response = one(link, session, fragment)?;
        if let Some(again) = fragment.with_right_length(response.status()) {
            response = one(link, session, &again)?;
        }
        let could_be_smaller = index == 0 && fragment.data().len() > COMMAND_DATA_SMALL;
        if could_be_smaller && response.status() == StatusWord::WRONG_LENGTH && !command.carries_pin() {
            // Once: no fragment of the next chain could be smaller.
            *size = COMMAND_DATA_SMALL;
            return exchange_protected(link, session, command, size);
        }
        if !response.status().is_success() {
            break;
        }
    }
    Ok(response)
}

fn one(link: &mut Link, session: &mut SecureMessaging, command: &Command) -> Result<Response, Error> {
    let response = link.exchange(&session.wrap(command)?)?;
    session.unwrap(command.ins(), &response)
}
