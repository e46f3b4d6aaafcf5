//! `auth-verify`: whose login a token is. Whether its challenge was answered before, only a server that keeps
//! challenges knows.

use std::path::{Path, PathBuf};

use cie::login::danger::{self, NoStore};
use cie::login::{RelyingParty, SoftCitizen};
use cie::trust::{
    AnchorPurpose, CertifiedCard, FoundAs, HolderPolicy, Report, Revocation, RevocationRules, TrustStore,
};

use super::auth;
use super::citizen::{self, Status};
use crate::arguments::login::{AuthVerify, StatusPolicy, TakenCard};
use crate::failure::{self, Failure};
use crate::fetch::Http;
use crate::input;
use crate::language;
use crate::output::Output;
use crate::progress::Progress;

/// The most bytes of a token that are read, one more than any has.
const TOKEN_MAX: usize = 10_000;
/// The most bytes of a list.
const LIST_MAX: usize = 64 << 20;

pub(super) fn run(command: &AuthVerify, output: Output) -> Result<(), Failure> {
    let (origin, nonce) = auth::challenge(&command.challenge)?;
    let trust = trust(command, output)?;
    let revocation = Revocation::new(&trust, RevocationRules::default());
    for path in lists(&command.list)? {
        // What is no list was looked at in vain: the person meant something by it.
        revocation
            .add_list(&input::read(&path, LIST_MAX)?)
            .map_err(|fault| Failure::Own(failure::LIST, format!("{} ({fault})", path.display())))?;
    }
    let status = command.status.unwrap_or_default();
    let http = Http::new();
    let mut party =
        RelyingParty::builder(origin, trust, NoStore).accept(policy(command)).revocation(revocation);
    if status != StatusPolicy::Offline && !command.no_fetch {
        party = party.fetch(http.clone());
    }
    let token = input::read(command.token.as_deref().unwrap_or(Path::new("-")), TOKEN_MAX)?;
    let pending = danger::begin(&party.finish(), &nonce, &token)?;
    let progress = Progress::start(output, language::ASKING_STATUS);
    let answers = pending.fetch();
    drop(progress);
    for (location, reason) in http.failures() {
        output.note(&language::NOT_FETCHED.with(output.language, &[&location, &reason]));
    }
    match status {
        StatusPolicy::Hard => {
            let citizen = pending.finish(&answers)?;
            citizen::tell(&citizen, &Status::of(citizen.proof()), output)
        }
        StatusPolicy::Soft => match pending.finish_soft(&answers)? {
            SoftCitizen::Verified(citizen) => citizen::tell(&citizen, &Status::of(citizen.proof()), output),
            SoftCitizen::StatusUnknown(citizen) => {
                citizen::tell(&citizen, &Status::Unknown(citizen.proof().fault()), output)
            }
        },
        StatusPolicy::Offline => citizen::tell(&pending.finish_offline()?, &Status::NotAsked, output),
    }
}

/// Whom to trust. The words of the command line have one of the two folders.
fn trust(command: &AuthVerify, output: Output) -> Result<TrustStore, Failure> {
    if let Some(folder) = &command.roots.italian_roots {
        let (trust, report) = TrustStore::load_italian(folder)?;
        tell_roots(&report, output);
        return Ok(trust);
    }
    let empty = TrustStore::new();
    let empty = if command.allow_test_pki { empty.allow_test_pki() } else { empty };
    Ok(empty.load(command.roots.trust.as_deref().unwrap_or(Path::new("")))?)
}

/// What was found in a folder whose certificates are trusted by what is known of them, not by where they lie.
fn tell_roots(report: &Report, output: Output) {
    let language = output.language;
    let (holder, csca) = (report.roots(AnchorPurpose::Holder), report.roots(AnchorPurpose::Csca));
    output.note(&language::ROOTS_FOUND.with(language, &[&holder, &csca]));
    for found in &report.certificates {
        let path = found.path.display();
        match &found.found_as {
            FoundAs::Unknown => output.note(&language::ROOT_UNKNOWN.with(language, &[&path])),
            FoundAs::Unusable(error) => {
                output.note(&language::ROOT_UNUSABLE.with(language, &[&path, error]));
            }
            _ => {}
        }
    }
    for path in &report.passed_over {
        output.note(&language::ROOT_PASSED_OVER.with(language, &[&path.display()]));
    }
}

/// The files with lists: those that are named, and those in folders that are named, by name.
fn lists(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = path.read_dir().and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        });
        let mut entries = entries.map_err(|error| Failure::input(path, &error))?;
        entries.sort();
        files.extend(entries);
    }
    Ok(files)
}

fn policy(command: &AuthVerify) -> HolderPolicy {
    let mut cards = command.card.iter().map(|card| match card {
        TakenCard::Cie3 => CertifiedCard::Cie3,
        TakenCard::Cns => CertifiedCard::Cns,
        TakenCard::FirstGenerations => CertifiedCard::FirstGenerations,
    });
    let first = cards.next().map_or_else(HolderPolicy::default, HolderPolicy::of);
    let policy = cards.fold(first, HolderPolicy::and);
    if command.legacy_cryptography { policy.allow_legacy_cryptography() } else { policy }
}
