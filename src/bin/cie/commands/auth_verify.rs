//! `auth-verify`: whose login a token is. Whether its challenge was answered before, only a server that keeps
//! challenges knows.

use std::path::{Path, PathBuf};

use cie::login::danger::{self, NoStore};
use cie::login::{RelyingParty, SoftCitizen};
use cie::trust::{CertifiedCard, HolderPolicy, Revocation, RevocationRules};

use super::citizen::{self, Status};
use super::{auth, trusted};
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
    let trust = trusted::store(&command.trusted, output)?;
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
    let cards = command.card.iter().map(|card| match card {
        TakenCard::Cie3 => CertifiedCard::Cie3,
        TakenCard::Cns => CertifiedCard::Cns,
        TakenCard::FirstGenerations => CertifiedCard::FirstGenerations,
    });
    let policy = HolderPolicy::of_any(cards);
    if command.legacy_cryptography { policy.allow_legacy_cryptography() } else { policy }
}
