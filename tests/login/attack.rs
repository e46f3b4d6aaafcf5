//! An attack on a portal, and everything that must hold when it was refused: the error, the challenge gone, one line
//! in the log, nobody named anywhere, and the door open for whoever has the right answer.

use std::error::Error as _;
use std::fmt::Debug;

use base64ct::{Base64, Encoding};
use cie::login::{AuthToken, Error, Nonce, Outcome};
use serde_json::Value;

use crate::common::{card, demo};
use crate::pki::{HOLDER, World};
use crate::portal::{Portal, answer, origin, session};

/// The right answer to a challenge.
type Right<'a> = Box<dyn Fn(&Nonce) -> Vec<u8> + 'a>;

/// A portal and the citizen who should get in.
pub struct Attack<'a> {
    pub portal: &'a Portal,
    pub right: Right<'a>,
    /// What makes the door open again, if the attack was on more than the answer.
    pub repair: Box<dyn Fn() + 'a>,
}

impl<'a> Attack<'a> {
    /// On a portal that takes the holder of the little PKI.
    pub fn on(portal: &'a Portal, world: &'a World) -> Self {
        Self::with(portal, |nonce| world.holder.answers(&origin(), nonce))
    }

    /// On one that takes software cards.
    pub fn on_cards(portal: &'a Portal) -> Self {
        let card = card(cie::emulator::Chip::Gemalto);
        Self::with(portal, move |nonce| answer(&card, &origin(), nonce).to_json().into_bytes())
    }

    pub fn with(portal: &'a Portal, right: impl Fn(&Nonce) -> Vec<u8> + 'a) -> Self {
        Self { portal, right: Box::new(right), repair: Box::new(|| {}) }
    }

    pub fn repaired_by(self, repair: impl Fn() + 'a) -> Self {
        Self { repair: Box::new(repair), ..self }
    }

    /// Shows a forged answer to a fresh challenge.
    #[track_caller]
    pub fn refused(&self, expected: &Error, forge: impl FnOnce(&Nonce) -> Vec<u8>) {
        let nonce = self.portal.party.challenge(&session("attacked")).unwrap();
        let forged = forge(&nonce);
        assert_eq!(&self.refused_later(&nonce, &forged), expected);
    }

    /// Shows the right answer, of a card that must not get in, to a portal whose next visitor may.
    #[track_caller]
    pub fn refused_card(&self, forge: impl FnOnce(&Nonce) -> Vec<u8>) -> Error {
        let nonce = self.portal.party.challenge(&session("attacked")).unwrap();
        self.refused_later(&nonce, &forge(&nonce))
    }

    /// Shows an answer to a challenge that the session `attacked` has, or had.
    #[track_caller]
    pub fn refused_later(&self, nonce: &Nonce, forged: &[u8]) -> Error {
        let party = &self.portal.party;
        self.portal.log.lock().unwrap().clear();
        let error = party.verify(&session("attacked"), forged).expect_err("somebody got in");
        let written = self.portal.log.lock().unwrap().clone();
        assert_eq!(written.len(), 1, "{written:?}");
        let expected = match &error {
            Error::Trust(cie::trust::Error::Revoked(revoked)) => Outcome::Revoked(revoked.reason),
            error => Outcome::Refused(error.clone()),
        };
        assert_eq!(written[0].outcome, expected);
        assert_eq!(written[0].origin, origin());
        assert_eq!(written[0].challenge.is_some(), error != Error::NoChallenge);

        // The challenge is used up: the right answer to it comes too late, and so does the same one again.
        (self.repair)();
        for late in [(self.right)(nonce), forged.to_vec()] {
            let late = party.verify(&session("attacked"), &late).expect_err("a challenge was answered twice");
            assert_eq!(late, Error::NoChallenge);
        }

        // And whoever answers the next one gets in.
        let next = party.challenge(&session("attacked")).unwrap();
        let right = (self.right)(&next);
        let citizen = party.verify(&session("attacked"), &right).unwrap();

        let log = self.portal.log.lock().unwrap().clone();
        let kinds =
            log.iter().map(|event| matches!(event.outcome, Outcome::Refused(_) | Outcome::Revoked(_)));
        assert_eq!(kinds.collect::<Vec<_>>(), [true, true, true, false, false], "{log:?}");
        let mut said = Said::default();
        said.print(&log);
        said.print(&error);
        said.0.push_str(&error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            said.print(&cause);
            said.0.push_str(&cause.to_string());
            source = cause.source();
        }
        said.print(party);
        said.print(&citizen);
        said.print(citizen.proof());
        said.print(citizen.subject());
        said.print(citizen.fiscal_code());
        said.print(&(nonce, session("attacked")));
        let read = AuthToken::parse(forged);
        said.print(&read);
        let certificates = read.iter().map(AuthToken::unverified_certificate);
        let ders = certificates.map(cie::trust::Certificate::as_der).chain([citizen.certificate_der()]);
        said.names_nobody(&ders.map(<[u8]>::to_vec).collect::<Vec<_>>());
        assert!(!said.0.contains(nonce.as_str()) && !said.0.contains(next.as_str()));
        error
    }
}

/// Everything that was printed.
#[derive(Default)]
pub struct Said(pub String);

impl Said {
    pub fn print(&mut self, value: &dyn Debug) {
        self.0.push_str(&format!("{value:?}\n{value:#?}\n"));
    }

    /// Looks for whatever tells who somebody is.
    #[track_caller]
    pub fn names_nobody(&self, certificates: &[Vec<u8>]) {
        let said = self.0.to_lowercase();
        let invented = &demo().citizen;
        let of_card = [
            &invented.person.surname,
            &invented.person.given_names,
            &invented.fiscal_code,
            &invented.document_number,
        ];
        let names = of_card.into_iter().map(String::as_str).chain(HOLDER);
        for name in names {
            assert!(!said.contains(&name.to_lowercase()), "{name} in {}", self.0);
        }
        // In hex, as numbers, and in base64 from each of the three bytes at which a group can begin.
        let numbers = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for der in certificates {
            for window in der.windows(8) {
                let listed = format!("{window:?}");
                assert!(!said.contains(&hex::encode(window)), "bytes of a certificate in {}", self.0);
                assert!(!numbers.contains(listed.trim_matches(['[', ']'])), "bytes in {}", self.0);
            }
            for from in 0..3 {
                let text = Base64::encode_string(&der[from..]);
                let known = text.as_bytes().windows(12).map(|window| std::str::from_utf8(window).unwrap());
                known.for_each(|part| {
                    assert!(!self.0.contains(part), "base64 of a certificate in {}", self.0)
                });
            }
        }
    }
}

/// A token with its members changed.
pub fn changed(token: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut members: Value = serde_json::from_slice(token).unwrap();
    change(&mut members);
    members.to_string().into_bytes()
}

/// The search finds what it looks for, or nothing above would mean anything.
#[test]
fn what_names_somebody_would_be_found() {
    let world = World::new();
    let der = &world.holder.der;
    let found = |text: String| {
        let der = der.clone();
        std::panic::catch_unwind(move || Said(text).names_nobody(&[der])).is_err()
    };
    assert!(!found("nothing".to_owned()));
    assert!(found(format!("somebody with {}", HOLDER[0].to_lowercase())));
    assert!(found(format!("document {}", HOLDER[1])));
    assert!(found(demo().citizen.person.surname.to_uppercase()));
    assert!(found(hex::encode_upper(&der[100..120])));
    assert!(found(format!("{:?}", &der[100..120])) && found(format!("{:#?}", &der[100..120])));
    for from in 100..103 {
        assert!(found(Base64::encode_string(&der[from..from + 24])));
    }
}
