//! An explained trace for people: one exchange on a line, under the step that it belongs to, and below it what is in
//! it.

use std::fmt::Write;
use std::time::Duration;

use cie::Language;
use cie::environment::moment;
use cie::explain::{self, Answer, Data, Exchange, Explanation, Item, Object, Outcome, Step, Totals};
use cie::transport::trace::{Kind, Origin, ParseError, Piece, Told};

use crate::language;

/// The widest line, in characters.
const WIDTH: usize = 110;
/// The width of what a command is called.
const COMMAND: usize = 63;
/// Where it begins, and what is said below.
const INDENT: usize = 19;
/// The template that asks for objects.
const HEADER_LIST: u32 = 0x4D;
/// INS of SELECT, and its P1 by name.
const SELECT: u8 = 0xA4;
const BY_NAME: u8 = 0x04;

/// A page that grows line by line.
struct Page {
    language: Language,
    text: String,
}

pub(super) fn page(explanation: &Explanation, missing: Option<ParseError>, language: Language) -> String {
    let mut page = Page { language, text: String::new() };
    let kind = match explanation.kind {
        Kind::Diagnostic => language::TRACE_DIAGNOSTIC,
        Kind::Replayable => language::TRACE_REPLAYABLE,
        _ => language::TRACE_PLAIN,
    };
    let origin = match explanation.origin {
        Origin::Emulator => language::TRACE_EMULATOR,
        Origin::TestCard => language::TRACE_TEST_CARD,
        _ => language::TRACE_CITIZEN,
    };
    let clock = moment::format(explanation.clock);
    page.line(&language::TRACE_HEAD.with(language, &[&kind.of(language), &origin.of(language), &clock]));
    for connection in &explanation.connections {
        let atr = match connection.atr.as_slice() {
            [] => "–".to_owned(),
            atr => hex::encode_upper(atr),
        };
        let mut title = language::TRACE_CONNECTION.with(language, &[&connection.line, &atr]);
        if connection.shared {
            title += &format!(", {}", language::TRACE_SHARED.of(language));
        }
        page.line("");
        page.line(&title);
        page.columns();
        let mut step = None;
        for item in &connection.items {
            page.item(item, &mut step);
        }
    }
    page.totals(explanation);
    page.line("");
    for line in language::TRACE_LEGEND.of(language).split('|') {
        page.line(line);
    }
    if explanation.totals.uncounted > 0 {
        page.line(language::TRACE_UNCOUNTED.of(language));
    }
    if explanation.left_out > 0 {
        page.line(&language::TRACE_LEFT_OUT.with(language, &[&explanation.left_out]));
    }
    if let Some(missing) = missing {
        page.line(&language::TRACE_BROKEN_OFF.with(language, &[&missing.line]));
    }
    page.text
}

impl Page {
    fn line(&mut self, line: &str) {
        let line = line.trim_end();
        match line.char_indices().nth(WIDTH) {
            // Of what is too long the last column tells that it goes on.
            Some(_) => {
                let cut: String = line.chars().take(WIDTH - 1).collect();
                self.text += &format!("{cut}…\n");
            }
            None => self.text += &format!("{line}\n"),
        }
    }

    fn below(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.line(&format!("{:INDENT$}{line}", ""));
    }

    fn of(&self, text: &explain::Text) -> String {
        match self.language {
            Language::Italian => text.italian.clone().into_owned(),
            _ => text.english.clone().into_owned(),
        }
    }

    /// A row of the table.
    fn row(&mut self, [line, marks, header, command, sent, received, status, time]: [&str; 8]) {
        self.line(&format!(
            "{line:>5} {marks:<2} {header:<8}  {command:<COMMAND$}{sent:>6}{received:>6}  {status:<4} {time:>9}"
        ));
    }

    fn columns(&mut self) {
        let mut names = language::TRACE_COLUMNS.of(self.language).split('|');
        let mut next = || names.next().unwrap_or_default();
        let (line, header, command) = (next(), next(), next());
        self.row([line, "", header, command, next(), next(), next(), next()]);
    }

    fn item(&mut self, item: &Item, step: &mut Option<Step>) {
        match item {
            Item::Exchange(exchange) => {
                if step.replace(exchange.step) != Some(exchange.step) {
                    self.line("");
                    self.line(&self.heading(exchange.step));
                }
                self.exchange(exchange);
            }
            Item::Draw { line, label, length } => {
                let said = language::TRACE_DRAW.with(self.language, &[label, length]);
                self.row([&line.to_string(), "", "", &said, "", "", "", ""]);
            }
            Item::Happened { line, what, failure } => {
                let mut said = self.of(&what.text());
                if let Some(failure) = failure {
                    said += &format!(": {}", self.of(&explain::failure(*failure)));
                }
                self.row([&line.to_string(), "", "", &said, "", "", "", ""]);
            }
            _ => {}
        }
    }

    fn heading(&self, step: Step) -> String {
        let name = if self.language == Language::Italian { step.italian() } else { step.english() };
        let mut characters = name.chars();
        characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let header = exchange.header.map(hex::encode_upper).unwrap_or_default();
        let marks = match (exchange.is_protected, exchange.is_chained) {
            (true, true) => "pc",
            (true, false) => "p",
            (false, true) => "c",
            (false, false) => "",
        };
        let name = exchange.name.unwrap_or(language::TRACE_UNKNOWN.of(self.language));
        let detail = exchange.detail.as_ref().map(|detail| self.of(detail));
        // What does not fit beside the name stands below it.
        let (command, below) = match detail {
            Some(detail) if name.len() + 2 + detail.chars().count() < COMMAND => {
                (format!("{name}: {detail}"), None)
            }
            detail => (name.to_owned(), detail),
        };
        let sent = format!("{}{}", exchange.sent, if exchange.sent_is_counted { "" } else { "+" });
        let answer = match &exchange.outcome {
            Some(Outcome::Answer(answer)) => Some(answer),
            _ => None,
        };
        let received = answer.map(|answer| answer.received.to_string()).unwrap_or_default();
        let status = answer.and_then(|answer| answer.protected_status.or(answer.status));
        let word = status.map(|status| format!("{status:?}")).unwrap_or_default();
        let time = answer.and_then(|answer| answer.time).map(|time| self.time(time)).unwrap_or_default();
        let line = exchange.line.to_string();
        self.row([&line, marks, &header, &command, &sent, &received, &word, &time]);
        if let Some(detail) = below {
            self.below(&detail);
        }
        // A file is named by its identifiers already.
        if !matches!((exchange.header, &exchange.detail), (Some([_, SELECT, p1, _]), Some(_)) if p1 != BY_NAME)
        {
            self.data('>', &exchange.command);
        }
        if !exchange.wire.is_empty() {
            let words: Vec<_> = exchange.wire.iter().take(16).map(|word| format!("{word:?}")).collect();
            self.below(&language::TRACE_WIRE.with(self.language, &[&words.join(" ")]));
        }
        match &exchange.outcome {
            Some(Outcome::Answer(answer)) => self.answer(answer),
            Some(Outcome::Failed(failure)) => self.below(&self.of(&explain::failure(*failure))),
            _ => self.below(language::TRACE_UNANSWERED.of(self.language)),
        }
    }

    fn answer(&mut self, answer: &Answer) {
        self.data('<', &answer.data);
        let status = answer.protected_status.or(answer.status);
        if let (Some(status), Some(meaning)) =
            (status.filter(|status| !status.is_success()), answer.meaning())
        {
            self.below(&format!("{status:?}: {}", self.of(&meaning)));
        }
    }

    fn data(&mut self, mark: char, data: &Data) {
        if let Some(path) = self.request(&data.objects) {
            self.below(&format!("{mark} {path}"));
            return;
        }
        let mut line = String::new();
        let mut joins = None;
        for (index, object) in data.objects.iter().enumerate() {
            let said = self.object(object);
            let is_template = data.objects.get(index + 1).is_some_and(|next| next.depth > object.depth);
            // What lies side by side stands side by side, as far as the line goes.
            let fits = INDENT + line.chars().count() + 2 + said.chars().count() <= WIDTH;
            if joins == Some(object.depth) && !is_template && fits {
                line += &format!("; {said}");
            } else {
                self.below(&line);
                line = format!("{mark} {:indent$}{said}", "", indent = 2 * object.depth);
            }
            joins = (!is_template).then_some(object.depth);
        }
        self.below(&line);
        if data.rest > 0 {
            self.below(&format!("{mark} {}", language::TRACE_REST.with(self.language, &[&data.rest])));
        }
        if has_bytes(&data.beginning) {
            let length = language::TRACE_BYTES.with(self.language, &[&data.length]);
            let more = if data.length > data.beginning.len() { "…" } else { "" };
            self.below(&format!("{mark} {}{more} ({length})", data.beginning));
        }
    }

    /// The tags of a header list, which has nothing but names in it: one line is enough.
    fn request(&self, objects: &[Object]) -> Option<String> {
        let (last, before) = objects.split_last()?;
        before.first().filter(|first| first.tag == HEADER_LIST)?;
        let mut path: String = before.iter().map(|object| format!("{:02X} / ", object.tag)).collect();
        path += &format!("{:02X}", last.tag);
        if let Some(name) = &last.name {
            path += &format!(" {}", self.of(name));
        }
        Some(path)
    }

    /// Tag, length, name, value and what it says.
    fn object(&self, object: &Object) -> String {
        let mut said = format!("{:02X} [{}]", object.tag, object.length);
        // Writing to a string does not fail.
        if let Some(name) = &object.name {
            let _ = write!(said, " {}", self.of(name));
        }
        if has_bytes(&object.value) {
            let more = if object.length > object.value.len() { "…" } else { "" };
            let _ = write!(said, ": {}{more}", object.value);
        }
        if let Some(meaning) = &object.meaning {
            let _ = write!(said, " = {}", self.of(meaning));
        }
        said
    }

    fn totals(&mut self, explanation: &Explanation) {
        let mut names = language::TRACE_TOTALS.of(self.language).split('|');
        let mut next = || names.next().unwrap_or_default();
        let row = |[name, commands, get_responses, sent, received, time]: [&str; 6]| {
            format!("{name:<45}{commands:>9}{get_responses:>14}{sent:>10}{received:>10}{time:>14}")
        };
        self.line("");
        let head = row([next(), next(), next(), next(), next(), next()]);
        self.line(&head);
        let sum = language::TRACE_SUM.of(self.language).to_owned();
        let steps = explanation.steps.iter().map(|(step, totals)| (self.heading(*step), totals));
        let rows: Vec<(String, &Totals)> = steps.chain([(sum, &explanation.totals)]).collect();
        for (name, totals) in rows {
            let statistics = totals.statistics;
            let at_least = if totals.uncounted > 0 { "+" } else { "" };
            let time = if totals.timed > 0 { self.time(totals.time) } else { String::new() };
            self.line(&row([
                &format!("  {name}"),
                &statistics.commands.to_string(),
                &statistics.get_responses.to_string(),
                &format!("{}{at_least}", statistics.bytes_sent),
                &statistics.bytes_received.to_string(),
                &time,
            ]));
        }
    }

    /// Milliseconds, as the language writes numbers.
    fn time(&self, time: Duration) -> String {
        let tenths = time.as_micros().saturating_add(50) / 100;
        let mark = if self.language == Language::Italian { ',' } else { '.' };
        format!("{}{mark}{} ms", tenths / 10, tenths % 10)
    }
}

/// Whether any byte is told: how many there are is said elsewhere.
fn has_bytes(told: &Told) -> bool {
    told.pieces().iter().any(|piece| matches!(piece, Piece::Bytes(_)))
}
