//! Which operations of this library a recorded dialogue consists of.

mod contact;
mod ias;

use super::dialogue::{Exchange, Step};
use crate::cns::{self, Credential};
use crate::crypto::DigestAlgorithm;
use crate::ias::{File, RootFile};

/// The most steps that are performed again; the comparison tells of what comes after them.
const STEPS_MAX: usize = 2000;

/// An operation, as far as a trace tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// A connection begins.
    Connect,
    /// The card is reset and what was known of it forgotten, but the connection stays.
    Reset,
    /// The card is recognised, whichever it is: more than one kind is looked for.
    Open,
    SelectApplication,
    Read(File),
    Probe(File),
    ReadRoot(RootFile),
    ProbeRoot(RootFile),
    PinTries,
    PukTries,
    HasApplication(Vec<u8>),
    /// The key for services answers a challenge.
    ChallengeServicesKey,
    Authenticate,
    ReadProtected(File),
    OpenContact,
    ReadContact(cns::File),
    ProbeContact(cns::File),
    Certificate(Credential),
    Verify {
        credential: Credential,
        right: bool,
    },
    Change {
        credential: Credential,
        right: bool,
    },
    Unblock {
        credential: Credential,
        right: bool,
        new_pin: bool,
        asks: bool,
    },
    Sign(DigestAlgorithm),
    /// The PIN state is ended by a reset and the session goes on.
    Lock,
}

impl Operation {
    /// What it is called in a report.
    pub(super) fn name(&self) -> String {
        let wrong = |right: &bool| if *right { "" } else { ", refused" };
        match self {
            Self::Connect => "connect".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Open => "recognise the card".to_owned(),
            Self::SelectApplication => "select the application".to_owned(),
            Self::Read(file) | Self::ReadProtected(file) => format!("read {file:?}"),
            Self::Probe(file) => format!("ask for {file:?}"),
            Self::ReadRoot(file) => format!("read {file:?}"),
            Self::ProbeRoot(file) => format!("ask for {file:?}"),
            Self::PinTries => "tries of the PIN".to_owned(),
            Self::PukTries => "tries of the PUK".to_owned(),
            Self::HasApplication(name) => format!("ask for the application {}", hex::encode_upper(name)),
            Self::ChallengeServicesKey => "challenge to the services key".to_owned(),
            Self::Authenticate => "authenticate".to_owned(),
            Self::OpenContact => "recognise the contact card".to_owned(),
            Self::ReadContact(file) => format!("read {file}"),
            Self::ProbeContact(file) => format!("ask for {file}"),
            Self::Certificate(credential) => format!("certificate ({credential:?})"),
            Self::Verify { right, .. } => format!("verify the PIN{}", wrong(right)),
            Self::Change { right, .. } => format!("change the PIN{}", wrong(right)),
            Self::Unblock { right, .. } => format!("unblock the PIN{}", wrong(right)),
            Self::Sign(algorithm) => format!("sign {algorithm:?}"),
            Self::Lock => "lock".to_owned(),
        }
    }
}

/// The operations, and the lines of which nobody knows what they belong to.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub(super) list: Vec<Operation>,
    pub(super) unknown: Vec<usize>,
}

impl Operations {
    pub(super) fn of(steps: &[Step], contact: bool) -> Self {
        let mut found = Self::default();
        let steps = steps.get(..STEPS_MAX).unwrap_or(steps);
        for connection in steps.chunk_by(|_, next| !matches!(next, Step::Connected)) {
            let mut cursor = Cursor { steps: connection, at: 0 };
            if matches!(connection.first(), Some(Step::Connected)) {
                found.list.push(Operation::Connect);
                cursor.at = 1;
            }
            if contact { found.contact(&mut cursor) } else { found.ias(&mut cursor) }
        }
        found
    }
}

/// A place in one connection.
struct Cursor<'a> {
    steps: &'a [Step],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn ahead(&self, count: usize) -> Option<&'a Exchange> {
        match self.steps.get(self.at + count)? {
            Step::Exchange(exchange) => Some(exchange),
            _ => None,
        }
    }

    fn next(&self) -> Option<&'a Exchange> {
        self.ahead(0)
    }

    fn is_over(&self) -> bool {
        self.at >= self.steps.len()
    }

    /// Goes past exchanges as long as they are of this sort, and gives the last.
    fn skip(&mut self, sort: impl Fn(&Exchange) -> bool) -> Option<&'a Exchange> {
        let mut last = None;
        while let Some(exchange) = self.next().filter(|exchange| sort(exchange)) {
            last = Some(exchange);
            self.at += 1;
        }
        last
    }

    /// Goes past a reset, if one comes next.
    fn skip_reset(&mut self) -> bool {
        let reset = matches!(self.steps.get(self.at), Some(Step::Reset));
        self.at += usize::from(reset);
        reset
    }
}

/// The algorithm of a DigestInfo, a block around one, or a bare digest.
fn algorithm(data: &[u8]) -> Option<DigestAlgorithm> {
    let all =
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    all.into_iter().find(|algorithm| {
        let length = algorithm.output_length();
        if data.len() == length {
            return true;
        }
        let Some(begin) = data.len().checked_sub(length) else { return false };
        let Ok(digest) = crate::crypto::Digest::from_bytes(*algorithm, data.get(begin..).unwrap_or_default())
        else {
            return false;
        };
        data.ends_with(&digest.digest_info())
    })
}

/// Whether the card took a PIN or PUK; nothing if no answer came or it says something else.
fn is_right(status: Option<u16>) -> Option<bool> {
    match status? {
        0x9000 => Some(true),
        0x6300 | 0x63C0..=0x63CF | 0x6983 => Some(false),
        _ => None,
    }
}
