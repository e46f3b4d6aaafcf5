//! From the events of a trace to what they mean, in one go.

use std::time::Duration;

use super::apdu::{self, Apdu};
use super::objects::{Data, OBJECTS_MAX, Unfolding};
use super::parts::Parts;
use super::tags::Context;
use super::walk::Walk;
use super::{Answer, Connection, Exchange, Explanation, Happening, ITEMS_MAX, Item, Outcome, Step, Totals};
use crate::iso7816::StatusWord;
use crate::iso7816::command::{
    INS_GET_DATA_ODD, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION, INS_READ_BINARY_ODD,
    INS_SELECT,
};
use crate::transport::trace::{Event, Failure, Told, Trace};

/// The most data objects that are unfolded in one trace.
const OBJECTS_IN_ALL: usize = 200_000;

pub(super) fn explain(trace: &Trace) -> Explanation {
    let mut explanation = Explanation {
        origin: trace.origin,
        kind: trace.kind,
        clock: trace.clock,
        connections: Vec::new(),
        steps: Vec::new(),
        totals: Totals::default(),
        left_out: 0,
    };
    let mut steps = [Totals::default(); Step::ALL.len()];
    let (mut room, mut objects_left) = (ITEMS_MAX, OBJECTS_IN_ALL);
    for entries in trace.connections() {
        let mut walker = Walker { room, objects_left, ..Walker::default() };
        let mut connection = Connection { line: 0, atr: Vec::new(), shared: false, items: Vec::new() };
        for entry in entries {
            match &entry.event {
                Event::Connected { atr, shared } => {
                    (connection.line, connection.shared) = (entry.line, *shared);
                    connection.atr.clone_from(atr);
                }
                event => walker.event(entry.line, event),
            }
        }
        walker.flush();
        walker.settle();
        for (step, totals) in Step::ALL.iter().zip(&mut steps) {
            for (_, here) in walker.counted.iter().filter(|(of, _)| of == step) {
                totals.join(here);
                explanation.totals.join(here);
            }
        }
        explanation.left_out += walker.left_out;
        if room == 0 {
            explanation.left_out += 1;
            continue;
        }
        // A connection takes the room of one event.
        room -= (walker.items.len() + 1).min(room);
        objects_left = walker.objects_left;
        connection.items = walker.items;
        explanation.connections.push(connection);
    }
    let gone = |(_, totals): &(Step, Totals)| *totals != Totals::default();
    explanation.steps = Step::ALL.into_iter().zip(steps).filter(gone).collect();
    explanation
}

/// A command whose outcome is to come.
struct Open {
    exchange: Exchange,
    /// Whether the step is that of the next one.
    leads_on: bool,
    is_get_response: bool,
}

/// What kind of data an answer has.
#[derive(Debug, Clone, Copy, Default)]
struct Expected {
    context: Option<Context>,
    carries_pin: bool,
    /// Bytes of the same answer that came already.
    collected: usize,
}

#[derive(Default)]
struct Walker {
    walk: Walk,
    items: Vec<Item>,
    room: usize,
    objects_left: usize,
    left_out: usize,
    open: Option<Open>,
    expected: Expected,
    /// Items whose step is that of the exchange behind them, and what was said there.
    leading: Vec<usize>,
    leading_totals: Totals,
    /// INS, P1 and P2 of a chain that goes on.
    chain: Option<[u8; 3]>,
    /// How much was said in which step.
    counted: Vec<(Step, Totals)>,
}

impl Walker {
    fn event(&mut self, line: usize, event: &Event) {
        match event {
            Event::Command(told) => {
                self.flush();
                self.command(line, told);
            }
            Event::Response { answer, time } => self.answer(line, answer, *time),
            Event::Failed(failure) => self.failed(*failure),
            Event::Wire(words) => {
                if let Some(open) = &mut self.open {
                    open.exchange.wire.extend_from_slice(words);
                }
            }
            Event::Random { label, bytes } => {
                self.push(Item::Draw { line, label: label.clone(), length: bytes.len() });
            }
            Event::TerminalReset(failure) => {
                self.flush();
                self.settle();
                self.happened(line, Happening::Reset, *failure);
                self.walk = Walk::default();
            }
            Event::BeginFailed(failure) => self.happened(line, Happening::Begin, Some(*failure)),
            Event::ExclusiveFailed(failure) => self.happened(line, Happening::Exclusive, Some(*failure)),
            Event::ShareFailed(failure) => self.happened(line, Happening::Share, Some(*failure)),
            Event::Protected => {
                self.walk.protect();
                self.happened(line, Happening::Protection, None);
            }
            Event::Clear => {
                self.walk.unprotect();
                self.happened(line, Happening::Clearness, None);
            }
            Event::Connected { .. } => {}
        }
    }

    /// How many objects may be unfolded here.
    fn objects_max(&self) -> usize {
        self.objects_left.min(OBJECTS_MAX)
    }

    fn happened(&mut self, line: usize, what: Happening, failure: Option<Failure>) {
        self.push(Item::Happened { line, what, failure });
    }

    fn push(&mut self, item: Item) {
        if self.items.len() < self.room { self.items.push(item) } else { self.left_out += 1 }
    }

    fn command(&mut self, line: usize, told: &Told) {
        let apdu = Apdu::read(told);
        let about = self.walk.command(apdu.as_ref());
        let sent_is_counted = Parts::of(told).is_counted();
        let is_known = apdu.is_some();
        let apdu = apdu.unwrap_or_default();
        let [cla, ins, p1, p2] = apdu.header;
        let chain = (is_known && apdu.is_chained()).then_some([ins, p1, p2]);
        let goes_on = std::mem::replace(&mut self.chain, chain) == Some([ins, p1, p2]);
        if !about.is_get_response {
            let context = context_of(&apdu);
            self.expected = Expected { context, carries_pin: apdu.carries_pin(), collected: 0 };
        }
        let application = self.walk.place.application;
        let command = match command_context(&apdu) {
            // Not even a cryptogram: whoever made the trace may have written something else there.
            _ if apdu.hides_data() => Data::counted(&apdu.data),
            // In the middle of a chain no object begins.
            Some(context) if !goes_on || apdu.is_protected() => {
                let how = Unfolding { context, application, most: self.objects_max(), tell: &|_, _| true };
                Data::unfolded(apdu.data.clone(), &how)
            }
            _ => Data::plain(&apdu.data),
        };
        self.objects_left -= command.objects.len().min(self.objects_left);
        let exchange = Exchange {
            line,
            step: about.step.unwrap_or(Step::Recognition),
            header: is_known.then_some([cla, ins, p1, p2]),
            name: if is_known { apdu::name(apdu.header) } else { None },
            detail: about.detail,
            is_protected: about.is_protected,
            is_chained: chain.is_some(),
            sent: told.len(),
            sent_is_counted,
            nc: apdu.nc,
            ne: apdu.ne,
            command,
            wire: Vec::new(),
            outcome: None,
        };
        let (leads_on, is_get_response) = (about.step.is_none(), about.is_get_response);
        self.open = Some(Open { exchange, leads_on, is_get_response });
    }

    fn answer(&mut self, line: usize, told: &Told, time: Option<Duration>) {
        let Some(mut open) = self.open.take() else { return };
        let (parts, status) = Parts::of(told).without_last::<2>();
        let status = status.map(StatusWord::from);
        let application = self.walk.place.application;
        let length = parts.len();
        let data = match self.expected.context {
            // In the middle of an answer no object begins.
            _ if self.expected.collected > 0 && self.expected.carries_pin => Data::counted(&parts),
            _ if self.expected.collected > 0 => Data::plain(&parts),
            Some(context) => {
                // Of a command with a PIN nothing but the status word.
                let carries_pin = self.expected.carries_pin;
                let tell = |tag, length| !carries_pin || tag == 0x99 && length == 2;
                let how = Unfolding { context, application, most: self.objects_max(), tell: &tell };
                let data = Data::unfolded(parts, &how);
                // Bytes that are no objects of secure messaging could be taken for some, tag and length included.
                let sound = !data.objects.is_empty() && data.rest == 0;
                match sound && data.objects.iter().all(|object| object.name.is_some()) {
                    false if carries_pin => Data { length: data.length, ..Data::default() },
                    _ => data,
                }
            }
            None if self.expected.carries_pin => Data::counted(&parts),
            None => Data::plain(&parts),
        };
        self.objects_left -= data.objects.len().min(self.objects_left);
        self.expected.collected = self.expected.collected.saturating_add(length);
        let protected_status =
            data.protected_status().filter(|_| self.expected.context == Some(Context::Protected));
        if let Some(status) = protected_status.or(status) {
            self.walk.answer(status);
        }
        let answer = Answer { line, status, protected_status, received: told.len(), time, data };
        open.exchange.outcome = Some(Outcome::Answer(Box::new(answer)));
        self.close(open);
    }

    fn failed(&mut self, failure: Failure) {
        let Some(mut open) = self.open.take() else { return };
        open.exchange.outcome = Some(Outcome::Failed(failure));
        self.close(open);
        if matches!(failure, Failure::Removed | Failure::Reset) {
            self.walk = Walk::default();
        }
    }

    /// A command whose outcome never came.
    fn flush(&mut self) {
        if let Some(open) = self.open.take() {
            self.close(open);
        }
    }

    fn close(&mut self, open: Open) {
        let mut totals = Totals::default();
        totals.add(&open.exchange, open.is_get_response);
        let step = open.exchange.step;
        if open.leads_on {
            if self.items.len() < self.room {
                self.leading.push(self.items.len());
            }
            self.leading_totals.join(&totals);
        } else {
            self.lead_to(step);
            self.count(step, totals);
        }
        self.push(Item::Exchange(Box::new(open.exchange)));
    }

    /// What led here belongs to this step.
    fn lead_to(&mut self, step: Step) {
        for index in std::mem::take(&mut self.leading) {
            if let Some(Item::Exchange(exchange)) = self.items.get_mut(index) {
                exchange.step = step;
            }
        }
        let totals = std::mem::take(&mut self.leading_totals);
        self.count(step, totals);
    }

    /// What led nowhere was to find out which card it is.
    fn settle(&mut self) {
        self.lead_to(Step::Recognition);
    }

    fn count(&mut self, step: Step, totals: Totals) {
        match self.counted.iter_mut().find(|(of, _)| *of == step) {
            Some((_, before)) => before.join(&totals),
            None => self.counted.push((step, totals)),
        }
    }
}

/// What stands in the data of a command, if it is data objects.
fn command_context(apdu: &Apdu<'_>) -> Option<Context> {
    if apdu.is_protected() {
        return Some(Context::Protected);
    }
    match (apdu.ins(), apdu.p1_p2()) {
        (INS_MANAGE_SECURITY_ENVIRONMENT, [_, 0xA6]) => Some(Context::Agreement),
        (INS_MANAGE_SECURITY_ENVIRONMENT, _) => Some(Context::Template),
        (INS_GET_DATA_ODD, _) => Some(Context::DataObjects),
        (INS_READ_BINARY_ODD, _) => Some(Context::Read),
        (INS_PERFORM_SECURITY_OPERATION, [_, 0xAE | 0xBE]) => Some(Context::Certificate),
        _ => None,
    }
}

/// The same of its answer.
fn context_of(apdu: &Apdu<'_>) -> Option<Context> {
    if apdu.is_protected() {
        return Some(Context::Protected);
    }
    match apdu.ins() {
        INS_SELECT => Some(Context::Control),
        INS_GET_DATA_ODD => Some(Context::DataObjects),
        INS_READ_BINARY_ODD => Some(Context::Read),
        _ => None,
    }
}
