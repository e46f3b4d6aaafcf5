//! `web-eid host`: the program beside the browser, started by it for one request of the Web eID extension.

use std::io::{self, IsTerminal};

use cie::Language;
use cie::web_eid::{Answer, Request};

use super::card;
use super::desk::{self, Desk, Stop};
use super::turn::Turn;
use crate::arguments::Common;
use crate::arguments::web_eid::Host;
use crate::browser::{Browser, Interruption};
use crate::failure::{self, Failure};
use crate::output::Output;
use crate::pinentry::Program;

pub(super) fn run(command: &Host, common: &Common, output: Output) -> Result<(), Failure> {
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        return Err(Failure::Own(failure::NO_BROWSER, String::new()));
    }
    let browser = Browser::listen(io::stdin());
    browser.greet();
    let message = match browser.request() {
        Ok(Some(message)) => message,
        // It only wanted to see whether there is somebody.
        Ok(None) => return Ok(()),
        Err(error) => return Err(refuse(&browser, &error.to_string())),
    };
    let (request, lang) = match Request::parse(&message) {
        Ok(request) => request,
        Err(error) => return Err(refuse(&browser, &error.to_string())),
    };
    let output = Output { language: language_of(lang.as_deref(), output.language), ..output };
    match grant(&browser, &request, command, common, output) {
        Ok(()) => Ok(()),
        Err(Stop::Interrupted(Interruption::Gone)) => Ok(()),
        Err(Stop::Interrupted(Interruption::Spoke)) => Err(refuse(&browser, "a second request")),
        Err(Stop::Refused(reason)) => {
            browser.answer(Answer::Fatal(Some(&reason.to_string())));
            let said = desk::refusal(&reason).of(output.language).to_owned();
            Err(Failure::Own(failure::REQUEST_REFUSED, said))
        }
        Err(Stop::Cancelled) => {
            browser.answer(Answer::Cancelled);
            Ok(())
        }
        Err(Stop::Failed(failure)) => {
            browser.answer(Answer::Fatal(None));
            Err(failure)
        }
    }
}

/// Does what is asked, and answers.
fn grant(
    browser: &Browser,
    request: &Request,
    command: &Host,
    common: &Common,
    output: Output,
) -> Result<(), Stop> {
    let origin = match request {
        Request::Authenticate { origin, .. } | Request::GetSigningCertificate { origin } => origin,
        Request::Sign(sign) => &sign.origin,
        _ => {
            browser.answer(Answer::Done);
            return Ok(());
        }
    };
    let program = Program::of(command.pinentry.as_deref());
    let desk = Desk::new(browser, &program, origin, output.language);
    let _turn = match Turn::take() {
        Some(turn) => turn,
        None => {
            let failure = Failure::Own(failure::OTHER_REQUEST, String::new());
            desk.tell(&failure);
            return Err(Stop::Failed(failure));
        }
    };
    match request {
        Request::Authenticate { origin, nonce } => {
            let token = card::with_card(&desk, common, output, |card, memory| {
                card::authenticate(&desk, (card, memory), (origin, nonce), output)
            })?;
            answer(browser, Answer::Token(&token))
        }
        Request::GetSigningCertificate { .. } => {
            // Before the card is looked at: a page is not to learn unasked that one lies there, nor of which kind.
            desk.consent()?;
            let certificate =
                card::with_card(&desk, common, output, |card, _| card::signing_certificate(card))?;
            answer(browser, Answer::SigningCertificate(&certificate))
        }
        Request::Sign(sign) => {
            let signature = card::with_card(&desk, common, output, |card, memory| {
                card::sign(&desk, (card, memory), sign)
            })?;
            answer(browser, Answer::Signature(&signature, sign.algorithm))
        }
        _ => Ok(()),
    }
}

/// Answers a browser that still waits; what was made for one that went, nobody gets.
fn answer(browser: &Browser, answer: Answer<'_>) -> Result<(), Stop> {
    browser.check().map_err(Stop::Interrupted)?;
    browser.answer(answer);
    Ok(())
}

/// Refuses what is the page's own doing, or its extension's, and says why.
fn refuse(browser: &Browser, why: &str) -> Failure {
    browser.answer(Answer::Fatal(Some(why)));
    Failure::Own(failure::REQUEST_REFUSED, why.to_owned())
}

/// The language of the page, if it is one of ours; else the person's.
fn language_of(lang: Option<&str>, own: Language) -> Language {
    match lang.map(|lang| lang.split('-').next().unwrap_or_default()) {
        Some("it") => Language::Italian,
        Some("en") => Language::English,
        _ => own,
    }
}
