//! A plain trace as exchanges: command, answer, the status words on the wire between them.

use zeroize::Zeroizing;

use crate::ias::{CIE_AID, IAS_AID};
use crate::iso7816::Command;
use crate::iso7816::command::{INS_READ_BINARY, INS_SELECT};
use crate::transport::trace::{Event, Piece, Told, Trace};

/// What happened at one place of a dialogue.
#[derive(Clone)]
pub(super) enum Step {
    /// A connection begins.
    Connected,
    /// A command and what came of it.
    Exchange(Exchange),
    /// The terminal reset the card.
    Reset,
}

/// A command and what came of it.
#[derive(Clone, Default)]
pub(super) struct Exchange {
    /// The line of the command in the trace.
    pub(super) line: usize,
    pub(super) header: [u8; 4],
    /// The command's data; of a command that carries a PIN nothing.
    pub(super) data: Zeroizing<Vec<u8>>,
    /// How many bytes the data had.
    pub(super) sent: usize,
    pub(super) ne: Option<u32>,
    pub(super) answer: Zeroizing<Vec<u8>>,
    /// None if no answer came.
    pub(super) status: Option<u16>,
    /// Status words on the wire before the last.
    pub(super) wire: Vec<u16>,
    /// Whether it went out under secure messaging.
    pub(super) protected: bool,
}

impl Exchange {
    fn of(line: usize, told: &Told, protected: bool) -> Self {
        let header = told.header().unwrap_or_default();
        let exchange = Self { line, header, protected, ..Self::default() };
        let command = told.whole().and_then(|bytes| Command::parse(bytes).ok());
        match command {
            Some(command) => {
                let data = Zeroizing::new(command.data().to_vec());
                Self { sent: data.len(), data, ne: command.ne(), ..exchange }
            }
            None => {
                let hidden = |piece: &Piece| if let Piece::Hidden(count) = piece { *count } else { 0 };
                Self { sent: told.pieces().iter().map(hidden).sum(), ..exchange }
            }
        }
    }

    pub(super) fn ins(&self) -> u8 {
        let [_, ins, _, _] = self.header;
        ins
    }

    pub(super) fn p1(&self) -> u8 {
        let [_, _, p1, _] = self.header;
        p1
    }

    pub(super) fn p2(&self) -> u8 {
        let [.., p2] = self.header;
        p2
    }

    pub(super) fn is_success(&self) -> bool {
        self.status == Some(0x9000)
    }

    /// Whether it selects something by its name.
    pub(super) fn selects_name(&self, name: &[u8]) -> bool {
        self.ins() == INS_SELECT && self.p1() == 0x04 && *self.data == name
    }

    pub(super) fn selects(&self) -> bool {
        self.ins() == INS_SELECT
    }

    pub(super) fn reads(&self) -> bool {
        self.ins() == INS_READ_BINARY
    }

    /// Where a READ BINARY begins, and the short identifier if it names one.
    pub(super) fn place(&self) -> (usize, Option<u8>) {
        match (self.p1(), self.p2()) {
            (p1 @ 0x80.., p2) => (usize::from(p2), Some(p1 & 0x1F)),
            (p1, p2) => (usize::from(u16::from_be_bytes([p1, p2])), None),
        }
    }

    /// Ne, as far as it fits.
    pub(super) fn asked(&self) -> usize {
        self.ne.and_then(|ne| usize::try_from(ne).ok()).unwrap_or_default()
    }
}

/// All steps of a trace, in order.
pub(super) fn steps(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut protected = false;
    let mut open: Option<Exchange> = None;
    for entry in &trace.entries {
        match &entry.event {
            Event::Connected { .. } => {
                protected = false;
                steps.push(Step::Connected);
            }
            Event::Protected => protected = true,
            Event::TerminalReset(_) => {
                protected = false;
                steps.push(Step::Reset);
            }
            Event::Command(told) => {
                let exchange = Exchange::of(entry.line, told, protected);
                // An application that is selected by its name in clear ends the channel.
                let clear = exchange.selects_name(&IAS_AID) || exchange.selects_name(&CIE_AID);
                protected &= !clear;
                open = Some(Exchange { protected, ..exchange });
            }
            Event::Wire(words) => {
                if let Some(exchange) = &mut open {
                    exchange.wire = words.iter().map(|word| word.value()).collect();
                }
            }
            Event::Response { answer, .. } => {
                if let Some(mut exchange) = open.take() {
                    let whole = answer.whole().unwrap_or_default();
                    if let Some((data, status)) = whole.split_last_chunk::<2>() {
                        exchange.answer = Zeroizing::new(data.to_vec());
                        exchange.status = Some(u16::from_be_bytes(*status));
                    }
                    steps.push(Step::Exchange(exchange));
                }
            }
            Event::Failed(_) => steps.extend(open.take().map(Step::Exchange)),
            _ => {}
        }
    }
    steps
}

/// The exchanges among the steps.
pub(super) fn exchanges(steps: &[Step]) -> impl Iterator<Item = &Exchange> {
    steps.iter().filter_map(|step| if let Step::Exchange(exchange) = step { Some(exchange) } else { None })
}
