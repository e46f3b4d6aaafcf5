//! Certification paths, good and bad: a table of chains made here, and what the program `openssl` makes of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![allow(unreachable_pub)]

#[cfg(feature = "system-tests")]
#[path = "paths/agree.rs"]
mod agree;
#[path = "paths/bad.rs"]
mod bad;
#[path = "paths/chain.rs"]
mod chain;
#[path = "common/der.rs"]
mod der;
#[path = "paths/draft.rs"]
mod draft;
#[path = "paths/good.rs"]
mod good;
#[cfg(feature = "system-tests")]
#[path = "paths/italian.rs"]
mod italian;
#[path = "paths/remembered.rs"]
mod remembered;
#[cfg(feature = "system-tests")]
#[path = "paths/written_out.rs"]
mod written_out;

use std::collections::BTreeSet;

use chain::Case;

fn cases() -> Vec<Case> {
    good::cases().into_iter().chain(bad::cases()).collect()
}

#[test]
fn every_chain_gets_its_verdict() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let wrong = cases.iter().filter_map(|case| {
        let verdict = case.verdict().map_err(|error| error.to_string());
        let as_expected = match (&verdict, case.expected) {
            (Ok(()), Ok(())) => true,
            (Err(said), Err(expected)) => said.contains(expected),
            _ => false,
        };
        (!as_expected).then(|| format!("{}: {verdict:?}", case.name))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let good = cases.iter().filter(|case| case.expected.is_ok()).count();
    say(&format!("paths: {good} good chains accepted, {} bad ones refused", cases.len() - good));
}

/// Says something that is shown although the test passes: `println!` would be swallowed.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
