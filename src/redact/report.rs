//! What a redaction tells of itself: what was replaced, what differs; never a value.

use std::collections::BTreeMap;
use std::fmt;

use super::search::Fate;
use super::values::Values;

/// Words that every redaction has in its files, whoever the holder is: those of reports, card files and test
/// certificates.
pub(super) const WORDS: &str = "\
    cie-trace origin kind clock emulator citizen test-card diagnostic replayable plain random event terminal-reset \
    format software card chip profile personalisation files directory identifier short_identifier access content \
    holder always holder_key device_key services_key certification_key modulus public_exponent private_exponent \
    prime_p prime_q holder_reference holder_authorisation dh_group serial_number contact model path directories \
    reference_data tries tries_left unblocked_by after never made_for kebab surname given_names birth_date \
    birth_place fiscal_code document_number personal_data card_number issuer_code issue_date expiry_date stature_cm \
    citizenship_code birth_municipality birth_state birth_act residence_municipality residence_address travel_note \
    BEGIN CERTIFICATE END RND.IFD RND.ICC DH.x PRND.IFD Report redaction replaced searched operations differences";

/// A personal value that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Replaced {
    /// What it is.
    pub what: String,
    /// How long it is, in bytes.
    pub length: usize,
    /// Whether the output was searched for it. What is too short, or is a word that every software card has, is
    /// replaced because nothing of the trace is copied.
    pub searched: bool,
}

/// What a redaction replaced and what it could not do alike. `Display` is the text of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The kind of card.
    pub card: String,
    /// Every value that was replaced.
    pub replaced: Vec<Replaced>,
    /// The operations that were performed again, in order.
    pub operations: Vec<String>,
    /// Lines of the recorded trace that belong to no operation that is known.
    pub not_understood: Vec<usize>,
    /// Operations that could not be performed.
    pub not_done: Vec<String>,
    /// What the software card does in another way.
    pub differences: Vec<String>,
}

pub(super) fn replaced(values: &Values, fates: &[Fate]) -> Vec<Replaced> {
    let replaced = values.iter().zip(fates).map(|(value, fate)| Replaced {
        what: value.what.clone(),
        length: value.bytes.len(),
        searched: *fate == Fate::Searched,
    });
    replaced.collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Report of a redaction: {}", self.card)?;
        writeln!(f, "\nReplaced, and searched for in every file:")?;
        let (searched, short): (Vec<_>, Vec<_>) = self.replaced.iter().partition(|value| value.searched);
        list(f, &counted(&searched))?;
        writeln!(f, "\nReplaced, but too short or too common a word to be searched for:")?;
        list(f, &counted(&short))?;
        writeln!(f, "\nOperations that were performed again:")?;
        list(f, &self.operations)?;
        writeln!(f, "\nOperations that could not be performed:")?;
        list(f, &self.not_done)?;
        writeln!(f, "\nLines that belong to no operation that is known:")?;
        list(f, &self.not_understood.iter().map(|line| format!("line {line}")).collect::<Vec<_>>())?;
        writeln!(f, "\nWhat the software card does in another way (lines are those of the recorded trace):")?;
        list(f, &self.differences)
    }
}

/// Values of one name and length in one line.
fn counted(values: &[&Replaced]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for value in values {
        *counts.entry((&value.what, value.length)).or_default() += 1;
    }
    let told = counts.into_iter().map(|((what, length), count)| {
        let times = if count > 1 { format!(" ({count} values)") } else { String::new() };
        format!("{what}: {length} bytes{times}")
    });
    told.collect()
}

fn list(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return f.write_str("  none\n");
    }
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}
