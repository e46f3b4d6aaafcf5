//! Every kept dialogue with a byte of an answer changed, an event left out, doubled or exchanged with the next: an
//! error that names a line from there on, or what it came to before. All of that for one login of each kind of card,
//! a sample for the others.

use std::sync::atomic::{AtomicUsize, Ordering};

use cie::transport::replay::Failed;
use cie::transport::trace::{Event, Trace};

use crate::{Kept, kept, play};

/// How many changes are tried in the dialogues that are not gone through completely.
const SAMPLE: usize = 2_000;
/// The logins that are.
const COMPLETE: [&str; 4] = ["cie3-gemalto-log-in", "cie2-log-in", "cie1-log-in", "cns-1.1-log-in"];

/// A change to an event, by its place.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// These bits of this byte of an answer, or of the answer to reset.
    Flip(usize, usize, u8),
    Drop(usize),
    Double(usize),
    Swap(usize),
}

impl Change {
    /// Every change of a trace; of each byte one bit, another one for each.
    fn all(trace: &Trace) -> Vec<Self> {
        let mut all = Vec::new();
        for (place, entry) in trace.entries.iter().enumerate() {
            let length = match &entry.event {
                Event::Response { answer, .. } => answer.len(),
                Event::Connected { atr, .. } => atr.len(),
                _ => 0,
            };
            all.extend((0..length).map(|byte| Self::Flip(place, byte, 1 << (byte % 8))));
            all.extend([Self::Drop(place), Self::Double(place)]);
            if place + 1 < trace.entries.len() {
                all.push(Self::Swap(place));
            }
        }
        all
    }

    fn place(self) -> usize {
        match self {
            Self::Flip(place, ..) | Self::Drop(place) | Self::Double(place) | Self::Swap(place) => place,
        }
    }

    /// The changed trace as a file.
    fn made(self, trace: &Trace) -> String {
        let mut lines: Vec<String> = trace.entries.iter().map(|entry| entry.event.to_string()).collect();
        match self {
            Self::Flip(place, byte, bits) => {
                let digits = lines[place].find(' ').unwrap() + 1 + 2 * byte;
                let old = u8::from_str_radix(&lines[place][digits..digits + 2], 16).unwrap();
                lines[place].replace_range(digits..digits + 2, &format!("{:02X}", old ^ bits));
            }
            Self::Drop(place) => drop(lines.remove(place)),
            Self::Double(place) => lines.insert(place, lines[place].clone()),
            Self::Swap(place) => lines.swap(place, place + 1),
        }
        let head = trace.to_string().lines().take(4).collect::<Vec<_>>().join("\n");
        format!("{head}\n{}\nend\n", lines.join("\n"))
    }
}

/// How the changed dialogues ended.
#[derive(Default)]
struct Counts {
    /// The file was refused.
    unreadable: AtomicUsize,
    /// Something else was said than was recorded.
    differing: AtomicUsize,
    /// The library refused what it was told.
    refused: AtomicUsize,
    /// The same was proved as before.
    right: AtomicUsize,
}

impl Counts {
    fn say(&self, what: &str) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let (unreadable, differing, refused, right) =
            (of(&self.unreadable), of(&self.differing), of(&self.refused), of(&self.right));
        let all = unreadable + differing + refused + right;
        let text = format!(
            "{what}: {all} changes: {unreadable} unreadable, {differing} not as recorded, {refused} refused, {right} right"
        );
        // Shown although the test passes.
        use std::io::Write;
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

fn check(kept: &Kept, trace: &Trace, change: Change, counts: &Counts) {
    let what = || format!("{}, {change:?}", kept.name);
    // In the changed file the head has four lines and no comments.
    let changed_line = change.place() + 5;
    let (count, line) = match Trace::parse(change.made(trace).as_bytes()) {
        Err(error) => (&counts.unreadable, error.line),
        Ok(changed) => match play(changed, kept.dialogue) {
            Ok(outcome) => {
                assert_eq!(outcome.proved, kept.right.proved, "{}", what());
                (&counts.right, changed_line)
            }
            Err(failed @ Failed::Mismatch(_)) => (&counts.differing, failed.line()),
            Err(failed) => (&counts.refused, failed.line()),
        },
    };
    // An answer left out is missed at its command; everything else not before it stands.
    let from =
        if matches!(change, Change::Drop(_) | Change::Swap(_)) { changed_line - 1 } else { changed_line };
    assert!((from..trace.entries.len() + 8).contains(&line), "{}: line {line}", what());
    count.fetch_add(1, Ordering::Relaxed);
}

fn check_all(kept: &Kept, trace: &Trace, changes: &[Change], counts: &Counts) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for chunk in changes.chunks(changes.len().div_ceil(threads).max(1)) {
            scope.spawn(move || chunk.iter().for_each(|change| check(kept, trace, *change, counts)));
        }
    });
}

#[test]
fn a_login_with_anything_changed_is_an_error_or_right() {
    let mut seen = 0;
    for kept in kept().iter().filter(|kept| COMPLETE.contains(&kept.name.as_str())) {
        let trace = Trace::parse(kept.text.as_bytes()).unwrap();
        let (changes, counts) = (Change::all(&trace), Counts::default());
        check_all(kept, &trace, &changes, &counts);
        counts.say(&kept.name);
        seen += 1;
    }
    assert_eq!(seen, COMPLETE.len());
}

#[test]
fn a_sample_of_changes_to_every_other_dialogue() {
    let counts = Counts::default();
    let others: Vec<_> = kept().into_iter().filter(|kept| !COMPLETE.contains(&kept.name.as_str())).collect();
    let each = SAMPLE.div_ceil(others.len());
    // The sequence of Knuth's MMIX: the same changes in every run.
    let mut random = 2026_u64;
    let mut below = |most: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % most
    };
    for kept in &others {
        let trace = Trace::parse(kept.text.as_bytes()).unwrap();
        let all = Change::all(&trace);
        let changes: Vec<_> = (0..each).map(|_| all[below(all.len())]).collect();
        check_all(kept, &trace, &changes, &counts);
    }
    counts.say(&format!("{} other dialogues", others.len()));
}
