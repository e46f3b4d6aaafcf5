//! What kiosk and street say to each other, one line each over a Unix socket: words between tabs.

use super::plan::Flow;

/// What the kiosk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// A reader is there, with nothing on it so far.
    Reader(String),
    ReaderGone(String),
    /// A card was laid on; the number is the kiosk's.
    Card(String, u64),
    Mute(String),
    Gone(String),
    /// What the flow came to.
    Accepted(String, u64, String),
    /// The code of the error, and the error in words.
    Refused(String, u64, String, String),
    /// An order was heard.
    Ready(String),
    ServiceLost,
    ServiceBack,
    /// The monitor said something else.
    Strange(String),
}

impl Said {
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Reader(reader) => format!("reader\t{reader}\n"),
            Self::ReaderGone(reader) => format!("reader gone\t{reader}\n"),
            Self::Card(reader, serial) => format!("card\t{reader}\t{serial}\n"),
            Self::Mute(reader) => format!("mute\t{reader}\n"),
            Self::Gone(reader) => format!("gone\t{reader}\n"),
            Self::Accepted(reader, serial, what) => format!("accepted\t{reader}\t{serial}\t{what}\n"),
            Self::Refused(reader, serial, code, text) => {
                let text = text.replace(['\t', '\n'], " ");
                format!("refused\t{reader}\t{serial}\t{code}\t{text}\n")
            }
            Self::Ready(reader) => format!("ready\t{reader}\n"),
            Self::ServiceLost => "service lost\n".to_owned(),
            Self::ServiceBack => "service back\n".to_owned(),
            Self::Strange(text) => format!("strange\t{}\n", text.replace(['\t', '\n'], " ")),
        }
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        let own = |word: &&str| (*word).to_owned();
        Some(match &words[..] {
            ["reader", reader] => Self::Reader(own(reader)),
            ["reader gone", reader] => Self::ReaderGone(own(reader)),
            ["card", reader, serial] => Self::Card(own(reader), serial.parse().ok()?),
            ["mute", reader] => Self::Mute(own(reader)),
            ["gone", reader] => Self::Gone(own(reader)),
            ["accepted", reader, serial, what] => {
                Self::Accepted(own(reader), serial.parse().ok()?, own(what))
            }
            ["refused", reader, serial, code, text] => {
                Self::Refused(own(reader), serial.parse().ok()?, own(code), own(text))
            }
            ["ready", reader] => Self::Ready(own(reader)),
            ["service lost"] => Self::ServiceLost,
            ["service back"] => Self::ServiceBack,
            ["strange", text] => Self::Strange(own(text)),
            _ => return None,
        })
    }

    /// The reader that it is about.
    pub(crate) fn reader(&self) -> Option<&str> {
        match self {
            Self::Reader(reader)
            | Self::ReaderGone(reader)
            | Self::Card(reader, _)
            | Self::Mute(reader)
            | Self::Gone(reader)
            | Self::Accepted(reader, ..)
            | Self::Refused(reader, ..)
            | Self::Ready(reader) => Some(reader),
            _ => None,
        }
    }
}

/// What the kiosk is to do with the next cards on a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) flow: Flow,
    /// Forget the cards seen before.
    pub(crate) fresh: bool,
}

impl Order {
    pub(crate) fn line(&self, reader: &str) -> String {
        format!("{reader}\t{}\t{}\n", self.flow.name(), if self.fresh { "fresh" } else { "known" })
    }

    pub(crate) fn parse(line: &str) -> Option<(String, Self)> {
        let mut words = line.trim_end_matches('\n').split('\t');
        let (reader, flow, fresh) = (words.next()?, words.next()?, words.next()?);
        let flow = Flow::ALL.into_iter().find(|one| one.name() == flow)?;
        Some((reader.to_owned(), Self { flow, fresh: fresh == "fresh" }))
    }
}
