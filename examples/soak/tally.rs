//! What happened, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use super::measure::Sample;
use super::plan::{Fault, Flow, Insertion, Lengths};

/// How an insertion ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Accepted,
    /// With the code of the error.
    Refused(String),
    /// The monitor said that the card does not answer.
    Mute,
    /// Taken away before the service looked.
    Unnoticed,
    /// Another card was laid on before the service looked: it takes it for the one that lay there, and nobody serves it.
    Unseen,
    /// Over with the service, and nothing said of this card.
    Disturbed,
}

#[derive(Default)]
pub(crate) struct Tally {
    /// By card, fault and end.
    rows: BTreeMap<(&'static str, &'static str, String), usize>,
    pub(crate) laid: usize,
    /// Insertions to which the service was lost.
    pub(crate) disturbed: usize,
    /// Cards laid on for these again.
    pub(crate) again: usize,
    /// Exchanges at which a fault happened.
    covered: BTreeMap<Flow, BTreeSet<usize>>,
    /// From laying a genuine card on to its acceptance, where all had been well before.
    pub(crate) calm: Vec<Duration>,
    /// The same after a fault on this reader.
    pub(crate) recoveries: Vec<Duration>,
    /// The same after the service had been away.
    pub(crate) after_service: Vec<Duration>,
    /// From a card's end to the last word of the kiosk about it.
    pub(crate) leavings: Vec<Duration>,
    /// Commands with a PIN that cards judged.
    pub(crate) pins: u32,
    pub(crate) failures: Vec<String>,
    pub(crate) samples: Vec<(String, Sample)>,
    /// How often the kiosk said that the service was lost.
    pub(crate) lost: usize,
    /// How often a service that stopped denied the monitor access.
    pub(crate) denied: usize,
}

impl Tally {
    pub(crate) fn end(&mut self, insertion: &Insertion, end: &End, disturbed: bool) {
        let fault = if disturbed { "the service was lost" } else { insertion.fault.name() };
        let end = match end {
            End::Accepted => "accepted".to_owned(),
            End::Refused(code) => format!("refused: {code}"),
            End::Mute => "told as mute".to_owned(),
            End::Unnoticed => "not noticed".to_owned(),
            End::Unseen => "exchange not noticed".to_owned(),
            End::Disturbed => "over".to_owned(),
        };
        *self.rows.entry((insertion.kind.name(), fault, end)).or_default() += 1;
        self.disturbed += usize::from(disturbed);
    }

    pub(crate) fn cover(&mut self, flow: Flow, fault: Fault) {
        if let Some(at) = fault.exchange() {
            self.covered.entry(flow).or_default().insert(at);
        }
    }

    /// The exchanges at which nothing happened yet, though something should have.
    pub(crate) fn uncovered(&self, flow: Flow, lengths: &Lengths) -> Vec<usize> {
        let covered = self.covered.get(&flow);
        (1..=lengths.of(flow).0).filter(|at| covered.is_none_or(|covered| !covered.contains(at))).collect()
    }

    /// Everything, for a person.
    pub(crate) fn report(&self, lengths: &Lengths, weather: [usize; 3]) -> String {
        let mut text = String::new();
        let _ = self.write(&mut text, lengths, weather);
        text
    }

    fn write(&self, out: &mut String, lengths: &Lengths, weather: [usize; 3]) -> std::fmt::Result {
        writeln!(out, "\n{:<27}{:<27}{:<28}{:>6}", "card", "fault", "end", "")?;
        for ((card, fault, end), count) in &self.rows {
            writeln!(out, "{card:<27}{fault:<27}{end:<28}{count:>6}")?;
        }
        writeln!(
            out,
            "cards laid on: {}, of them {} again after the service was lost",
            self.laid, self.again
        )?;
        for flow in Flow::ALL {
            let (all, missing) = (lengths.of(flow).0, self.uncovered(flow, lengths).len());
            writeln!(out, "faults at {} of the {all} exchanges of {:?}", all - missing, flow.name())?;
        }
        let [killed, stopped, paused] = weather;
        writeln!(
            out,
            "service: killed {killed}, stopped {stopped}, paused {paused} times; the kiosk lost it {} times, \
             with {} cards on readers, and was denied access {} times meanwhile",
            self.lost, self.disturbed, self.denied
        )?;
        writeln!(out, "PINs shown: {}; tries lost: 0 unless a failure says otherwise", self.pins)?;
        writeln!(out, "\n{:<52}{:>8}{:>10}{:>10}", "from laid on to accepted", "", "median", "most")?;
        for (what, times) in [
            ("without a fault before", &self.calm),
            ("after a fault on this reader", &self.recoveries),
            ("after the service was lost", &self.after_service),
        ] {
            row(out, what, times)?;
        }
        row(out, "from taken away to the kiosk's last word", &self.leavings)?;
        writeln!(
            out,
            "\n{:<30}{:>10}{:>10}{:>12}{:>12}{:>14}",
            "kiosk at rest", "handles", "threads", "RSS KiB", "own KiB", "processor s"
        )?;
        for (when, sample) in &self.samples {
            let Sample { handles, threads, resident, anonymous, processor } = sample;
            let seconds = processor.as_secs_f64();
            writeln!(
                out,
                "{when:<30}{handles:>10}{threads:>10}{resident:>12}{anonymous:>12}{seconds:>14.2}"
            )?;
        }
        for failure in &self.failures {
            writeln!(out, "FAILED: {failure}")?;
        }
        Ok(())
    }
}

fn row(out: &mut String, what: &str, times: &[Duration]) -> std::fmt::Result {
    let mut times = times.to_vec();
    times.sort_unstable();
    let Some(most) = times.last() else { return writeln!(out, "{what:<52}{:>8}", 0) };
    let median = times.get(times.len() / 2).unwrap_or(most);
    writeln!(out, "{what:<52}{:>8}{:>8.2} s{:>8.2} s", times.len(), median.as_secs_f64(), most.as_secs_f64())
}
