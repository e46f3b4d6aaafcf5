//! A link in clear that becomes a secure channel, once, and is closed by the first doubtful answer.

use super::{COMMAND_DATA_MAX, Error, READ_DATA_MAX, SecureMessaging};
use crate::iso7816::{Command, Response, StatusWord};
use crate::transport::Link;

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
}

impl Channel {
    /// A channel that speaks in clear.
    #[must_use]
    pub fn clear(link: Link) -> Self {
        Self { link, protection: Protection::Clear }
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

    /// The link below.
    pub fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> crate::transport::Statistics {
        self.link.statistics()
    }

    /// The link below; session keys are dropped.
    #[must_use]
    pub fn into_link(self) -> Link {
        self.link
    }

    /// Carries out one command, protected if the channel is: long data goes out as a chain of
    /// protected fragments, and a command that may be repeated is issued again after a 6Cxx.
    ///
    /// # Errors
    /// [`Error`]; a status word other than 9000 is in the response and not an error here.
    pub fn exchange(&mut self, command: &Command) -> Result<Response, Error> {
        let result = match &mut self.protection {
            Protection::Clear => return Ok(self.link.exchange(command)?),
            Protection::Closed => Err(Error::Closed),
            Protection::Protected(session) => protected(&mut self.link, session, command),
        };
        if result.is_err() {
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

fn protected(link: &mut Link, session: &mut SecureMessaging, command: &Command) -> Result<Response, Error> {
    let mut response = Response::from(StatusWord::SUCCESS);
    for fragment in command.chain(COMMAND_DATA_MAX) {
        response = one(link, session, &fragment)?;
        if let Some(again) = fragment.with_right_length(response.status()) {
            response = one(link, session, &again)?;
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
