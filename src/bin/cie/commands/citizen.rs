//! What is said of a citizen whose login was verified, and of what vouches for it.

use std::fmt::Write;

use cie::environment::moment;
use cie::login::Citizen;
use cie::trust::{CertificateStatus, CertifiedCard, Proof, StatusFault, StatusSource, VerifiedCertificate};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::language::{self, Text};
use crate::output::Output;

/// What is known about revocation.
pub(super) enum Status {
    /// Nothing was revoked.
    Good { certificates: Vec<CertificateStatus>, good_until: String },
    /// Nobody could say, for the certificate at a place of the path.
    Unknown((usize, StatusFault)),
    /// Nobody was asked.
    NotAsked,
}

impl Status {
    pub(super) fn of(proof: &VerifiedCertificate) -> Self {
        let good_until = moment::format(proof.good_until());
        Self::Good { certificates: proof.statuses().to_vec(), good_until }
    }

    fn to_json(&self) -> Value {
        let (mut certificates, mut good_until, mut reason) = (Vec::new(), None, None);
        match self {
            Self::Good { certificates: known, good_until: until } => {
                certificates.extend(known.iter().map(|status| {
                    json!({
                        "source": source(status.source).0,
                        "this_update": moment::format(status.this_update),
                        "good_until": moment::format(status.good_until),
                    })
                }));
                good_until = Some(until);
            }
            Self::Unknown((depth, fault)) => {
                reason = Some(json!({
                    "code": fault_name(fault), "certificate": depth, "message": fault.to_string(),
                }));
            }
            Self::NotAsked => {
                reason = Some(json!({ "code": "not-asked", "certificate": null, "message": null }));
            }
        }
        json!({
            "known": reason.is_none(),
            "good_until": good_until,
            "certificates": certificates,
            "reason": reason,
        })
    }

    fn to_text(&self, output: Output) -> String {
        let language = output.language;
        match self {
            Self::Good { certificates, good_until } => {
                let mut text = String::new();
                for (depth, status) in certificates.iter().enumerate() {
                    let (whose, by) = (whose(depth).of(language), source(status.source).1.of(language));
                    let (from, until) =
                        (moment::format(status.this_update), moment::format(status.good_until));
                    let line = language::STATUS_GOOD.with(language, &[&whose, &by, &from, &until]);
                    // Writing to a string does not fail.
                    let _ = writeln!(text, "{line}");
                }
                text + &format!("{}\n", language::STATUS_UNTIL.with(language, &[good_until]))
            }
            Self::Unknown((depth, fault)) => {
                let whose = whose(*depth).of(language);
                let reason = match fault {
                    StatusFault::NoAnswer => language::STATUS_NO_ANSWER.of(language).to_owned(),
                    StatusFault::NoLocation => language::STATUS_NO_LOCATION.of(language).to_owned(),
                    fault => fault.to_string(),
                };
                format!("{}\n", language::STATUS_UNKNOWN.with(language, &[&whose, &reason]))
            }
            Self::NotAsked => format!("{}\n", language::STATUS_NOT_ASKED.of(language)),
        }
    }
}

/// Prints whose login it is.
pub(super) fn tell<P: Proof>(citizen: &Citizen<P>, status: &Status, output: Output) -> Result<(), Failure> {
    let valid_until = moment::format(citizen.proof().path().certificate().validity().1);
    let (card, card_text) = (citizen.card().map(CertifiedCard::name), card_text(citizen.card()));
    let object = json!({
        "citizen": {
            "fiscal_code": citizen.fiscal_code().as_str(),
            "surname": citizen.surname(),
            "given_names": citizen.given_names(),
            "card": card,
            "card_number": citizen.card_number(),
            "certificate_valid_until": valid_until,
            "is_test": citizen.is_test(),
            "is_legacy": citizen.is_legacy(),
        },
        "status": status.to_json(),
    });
    let language = output.language;
    let mut text = String::new();
    let mut line = |label: Text, value: Option<&str>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{}", label.with(language, &[&value]));
        }
    };
    // First of all, so that nobody reads on as if it were somebody.
    line(language::CITIZEN_TEST, citizen.is_test().then_some(""));
    line(language::DATA_FISCAL_CODE, Some(citizen.fiscal_code().as_str()));
    line(language::DATA_SURNAME, citizen.surname());
    line(language::DATA_GIVEN_NAMES, citizen.given_names());
    line(language::INFO_CARD, Some(card_text.of(language)));
    line(language::DATA_CARD_NUMBER, citizen.card_number());
    line(language::CITIZEN_VALID_UNTIL, Some(&valid_until));
    line(language::CITIZEN_LEGACY, citizen.is_legacy().then_some(""));
    output.result(&object, &(text + &status.to_text(output)))
}

/// What a person calls a kind of card.
fn card_text(card: Option<CertifiedCard>) -> Text {
    match card {
        Some(CertifiedCard::Cie3) => language::CARD_CIE3,
        Some(CertifiedCard::Cns) => language::CARD_CNS,
        Some(CertifiedCard::FirstGenerations) => language::CARD_FIRST,
        _ => language::CARD_OTHER,
    }
}

/// A source for a program, and for a person.
fn source(source: StatusSource) -> (&'static str, Text) {
    match source {
        StatusSource::List => ("list", language::STATUS_LIST),
        StatusSource::Responder => ("responder", language::STATUS_RESPONDER),
        _ => ("unknown", language::READER_UNKNOWN),
    }
}

/// Why a status is not known, for a program.
fn fault_name(fault: &StatusFault) -> &'static str {
    match fault {
        StatusFault::NoLocation => "no-location",
        StatusFault::NoAnswer => "no-answer",
        StatusFault::List(_) => "list-unusable",
        StatusFault::Response(_) => "response-unusable",
        _ => "unknown",
    }
}

/// Whose certificate stands at a place of the path.
fn whose(depth: usize) -> Text {
    if depth == 0 { language::STATUS_HOLDER } else { language::STATUS_ISSUER }
}
