//! What the software card does in another way than the card that was recorded: headers, lengths and status words.

use super::dialogue::{Exchange, Step, exchanges};

/// How far ahead the same command is looked for, when one was said here and not there.
const AHEAD: usize = 24;
/// The most differences that are told.
const DIFFERENCES_MAX: usize = 200;

/// What differs, line by line of the recorded trace.
pub(super) fn compare(recorded: &[Step], ours: &[Step]) -> Vec<String> {
    let recorded: Vec<_> = exchanges(recorded).collect();
    let ours: Vec<_> = exchanges(ours).collect();
    let (mut theirs, mut here) = (recorded.as_slice(), ours.as_slice());
    let mut differences = Differences::default();
    while let ([first, rest @ ..], [second, others @ ..]) = (theirs, here) {
        if same_command(first, second) {
            if let Some(line) = difference(first, second) {
                differences.push(line);
            }
            (theirs, here) = (rest, others);
            continue;
        }
        // Whichever side comes to the other's command sooner said more.
        let more_theirs = rest.iter().take(AHEAD).position(|next| same_command(next, second));
        let more_ours = others.iter().take(AHEAD).position(|next| same_command(first, next));
        match (more_theirs, more_ours) {
            (Some(count), other) if other.is_none_or(|other| count <= other) => {
                differences.push(format!("line {}: {} and more are not said again", first.line, told(first)));
                theirs = theirs.get(count + 1..).unwrap_or_default();
            }
            (_, Some(count)) => {
                differences.push(format!(
                    "line {}: before it {} and more are said here",
                    first.line,
                    told(second)
                ));
                here = here.get(count + 1..).unwrap_or_default();
            }
            _ => {
                differences.push(format!(
                    "line {}: {} was recorded, here {}",
                    first.line,
                    told(first),
                    told(second)
                ));
                (theirs, here) = (rest, others);
            }
        }
    }
    if let [first, ..] = theirs {
        differences.push(format!("line {}: {} and what follows is not said again", first.line, told(first)));
    }
    if let [first, ..] = here {
        differences.push(format!("at the end: {} and what follows is said here only", told(first)));
    }
    differences.told()
}

/// The first so many, and how many more there are.
#[derive(Default)]
struct Differences {
    lines: Vec<String>,
    more: usize,
}

impl Differences {
    fn push(&mut self, line: String) {
        if self.lines.len() < DIFFERENCES_MAX { self.lines.push(line) } else { self.more += 1 }
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}

/// Whether two commands do the same, whatever the length is that they ask for.
fn same_command(first: &Exchange, second: &Exchange) -> bool {
    let selects_the_same = !first.selects() || first.data == second.data;
    first.header == second.header && first.protected == second.protected && selects_the_same
}

fn difference(first: &Exchange, second: &Exchange) -> Option<String> {
    let shape = |exchange: &Exchange| {
        (exchange.sent, exchange.ne, exchange.answer.len(), exchange.status, exchange.wire.clone())
    };
    (shape(first) != shape(second)).then(|| {
        format!(
            "line {}: {} {} was recorded, here {}",
            first.line,
            told(first),
            lengths(first),
            lengths(second)
        )
    })
}

fn told(exchange: &Exchange) -> String {
    hex::encode_upper(exchange.header)
}

/// `[sent] Le … < [answered] status (words before it)`.
fn lengths(exchange: &Exchange) -> String {
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| format!("{status:04X}"));
    let wire: Vec<_> = exchange.wire.iter().map(|word| format!("{word:04X}")).collect();
    let before = if wire.is_empty() { String::new() } else { format!(" after {}", wire.join(" ")) };
    let asked = exchange.ne.map_or_else(|| "none".to_owned(), |ne| ne.to_string());
    format!("[{}] Ne {asked} < [{}] {status}{before}", exchange.sent, exchange.answer.len())
}
