//! The card's part of a browser's request. A try is spent only on a PIN that a person typed for it; what was refused
//! is not sent again.

use std::collections::HashMap;

use cie::card::{Card, Session, Unlocked};
use cie::cns::{self, Credential};
use cie::crypto::PresentedCertificate;
use cie::login::{AuthToken, Nonce, Origin};
use cie::pin::{self, LastTry, Tries, TriesMemory};
use cie::secret::{ContactPin, Typed};
use cie::web_eid::{self, SignRequest, SigningRefused, check_signing_certificate};

use super::desk::{Ask, Desk, Stop};
use crate::arguments::Common;
use crate::failure::{self, Failure};
use crate::language::{self, Text};
use crate::output::Output;
use crate::reader;
use crate::secret_input::whose_pin;

/// Does something with the card that lies there; if that is not possible now but may be later, or not with this card,
/// the person decides whether to try again, with whatever card lies there then. What was learned of a PIN is kept.
pub(super) fn with_card<T>(
    desk: &Desk<'_>,
    common: &Common,
    output: Output,
    mut attempt: impl FnMut(Card, &mut Memory) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let mut memory = Memory::default();
    loop {
        desk.check()?;
        match reader::card(common, output).map_err(Stop::Failed).and_then(|card| attempt(card, &mut memory)) {
            Err(Stop::Failed(failure)) if may_pass(&failure) => desk.retry(&failure)?,
            // Another card may do what this one must not. The page learns it when the person has seen it.
            Err(Stop::Refused(refused)) if desk.retry_after(&refused)? => {}
            Err(Stop::Failed(failure)) => {
                desk.tell(&failure);
                return Err(Stop::Failed(failure));
            }
            outcome => return outcome,
        }
    }
}

/// What was learned of PINs during one request, whatever became of the connection meanwhile.
#[derive(Default)]
pub(super) struct Memory {
    /// The tries that cards have left.
    tries: TriesMemory,
    /// What they refused, by the card's number. Of a card that tells none nothing says that it is another one.
    refused: HashMap<Option<String>, Vec<Typed>>,
}

/// What a person at the reader can do something about: another reader, another card, the same card once more.
fn may_pass(failure: &Failure) -> bool {
    matches!(
        failure.code(),
        "no-service"
            | "no-reader"
            | "no-card"
            | "several-cards"
            | "card-in-use"
            | "card-removed"
            | "card-mute"
            | "card-unpowered"
            | "card-reset"
            | "card-unsupported"
            | "not-a-cie"
            | "reader-failed"
            | "reader-stuck"
            | "timed-out"
            | "channel-lost"
            | "channel-broken"
            | "pin-state-lost"
    )
}

/// A login token.
pub(super) fn authenticate(
    desk: &Desk<'_>,
    (mut card, memory): (Card, &mut Memory),
    (origin, nonce): (&Origin, &Nonce),
    output: Output,
) -> Result<AuthToken, Stop> {
    let number = number(&mut card)?;
    let mut session = reader::session(card, output).map_err(Stop::Failed)?;
    session.remember(&memory.tries)?;
    // A card without a certificate is found out before its PIN is asked for, if it lets anybody look.
    session.public_certificate()?;
    let mut unlocked = unlock(desk, session, memory.refused.entry(number).or_default())?;
    desk.check()?;
    Ok(AuthToken::create(&mut unlocked.signer()?, origin, nonce)?)
}

/// The card's number, which anybody may read.
fn number(card: &mut Card) -> Result<Option<String>, Stop> {
    Ok(match card {
        Card::Cie3(application) => Some(application.read_nis()?.digits().to_owned()),
        Card::Contact(session) => session.card_id().map(|id| id.text().to_owned()),
        _ => None,
    })
}

/// The certificate of the key that signs documents. That the holder gives it away was asked for before.
pub(super) fn signing_certificate(card: Card) -> Result<PresentedCertificate, Stop> {
    let (_, _, signing) = second_key(card)?;
    Ok(signing)
}

/// A signature of that key.
pub(super) fn sign(
    desk: &Desk<'_>,
    (mut card, memory): (Card, &mut Memory),
    request: &SignRequest,
) -> Result<Vec<u8>, Stop> {
    let number = number(&mut card)?;
    let (mut session, login, signing) = second_key(card)?;
    session.remember(&memory.tries)?;
    request.check_certificate(&signing).map_err(Stop::Refused)?;
    let refused = memory.refused.entry(number).or_default();
    let mut unlocked = unlock(desk, SignatureKey(session), refused).map_err(|stop| match stop {
        // Its PUK is another one than the login's, which must not be spent on it.
        Stop::Failed(failure) if failure.code() == "pin-blocked" => {
            Stop::Failed(Failure::Own(failure::SIGNATURE_PIN_BLOCKED, String::new()))
        }
        stop => stop,
    })?;
    desk.check()?;
    web_eid::sign(&mut unlocked.signer()?, &login, request)?.map_err(Stop::Refused)
}

/// The card, the certificate of its login key and that of its other key, if it has one that a page may have used.
fn second_key(card: Card) -> Result<(cns::Session, PresentedCertificate, PresentedCertificate), Stop> {
    let mut session = card.into_cns().map_err(|_| Stop::Refused(SigningRefused::OneKey))?;
    let mut read = |credential| Ok::<_, cns::Error>(session.certificate(credential)?.as_der().to_vec());
    let login = PresentedCertificate::from_der(&read(Credential::Authentication)?)?;
    let signing = read(Credential::Signature).map_err(|error| match error.cause {
        cns::Cause::NoCertificate => Stop::Refused(SigningRefused::OneKey),
        _ => error.into(),
    })?;
    let signing = PresentedCertificate::from_der(&signing)?;
    check_signing_certificate(&signing, &login).map_err(Stop::Refused)?;
    Ok((session, login, signing))
}

/// A card that waits for the PIN of one of its keys.
trait Locked: Sized {
    type Unlocked;

    /// What the PIN does, and whose it is.
    fn words(&self) -> (Text, Text);
    /// Keeps other programs off a card whose verified PIN would serve them.
    fn keep_exclusive(&mut self) -> Result<(), cie::Error>;
    /// How many tries are left; an error if there are none.
    fn tries(&self) -> Result<Tries, cie::Error>;
    /// Whether this may be a PIN of it; nothing is sent.
    fn check(&self, typed: &Typed) -> Result<(), cie::Error>;
    /// One VERIFY. A refusal gives the card back.
    fn show(self, typed: &Typed, last_try: LastTry) -> Result<Self::Unlocked, (Self, cie::Error)>;
}

impl Locked for Session {
    type Unlocked = Unlocked;

    fn words(&self) -> (Text, Text) {
        (language::WINDOW_LOG_IN, whose_pin(self.kind()))
    }

    fn keep_exclusive(&mut self) -> Result<(), cie::Error> {
        Ok(Session::keep_exclusive(self)?)
    }

    fn tries(&self) -> Result<Tries, cie::Error> {
        // The last one is spent only when the person says so: that is asked for below.
        Ok(self.check_pin_tries(match self.pin_tries() {
            Tries::Left(1) => LastTry::Spend,
            _ => LastTry::Refuse,
        })?)
    }

    fn check(&self, typed: &Typed) -> Result<(), cie::Error> {
        Ok(self.check_pin(typed)?)
    }

    fn show(self, typed: &Typed, last_try: LastTry) -> Result<Unlocked, (Self, cie::Error)> {
        self.verify_pin(typed, last_try).map_err(|refused| (*refused.back, refused.error.into()))
    }
}

/// A contact card, for the key that signs documents: it has a PIN of its own.
struct SignatureKey(cns::Session);

impl Locked for SignatureKey {
    type Unlocked = cns::Unlocked;

    fn words(&self) -> (Text, Text) {
        (language::WINDOW_SIGN, language::WINDOW_SIGNATURE_PIN)
    }

    fn keep_exclusive(&mut self) -> Result<(), cie::Error> {
        Ok(self.0.keep_exclusive()?)
    }

    fn tries(&self) -> Result<Tries, cie::Error> {
        match self.0.pin_tries(Credential::Signature) {
            Tries::Left(0) => {
                let (step, cause) = (cns::Step::VerifyPin, cns::Cause::Pin(pin::Error::Blocked));
                Err(cns::Error { step, cause }.into())
            }
            tries => Ok(tries),
        }
    }

    fn check(&self, typed: &Typed) -> Result<(), cie::Error> {
        Ok(ContactPin::parse(typed.expose()).map(drop)?)
    }

    fn show(self, typed: &Typed, last_try: LastTry) -> Result<cns::Unlocked, (Self, cie::Error)> {
        let pin = match ContactPin::parse(typed.expose()) {
            Ok(pin) => pin,
            Err(error) => return Err((self, error.into())),
        };
        let outcome = self.0.verify_pin_of(Credential::Signature, &pin, last_try);
        outcome.map_err(|refused| (Self(*refused.back), refused.error.into()))
    }
}

/// Asks for the PIN until it is right or the person gives up. Each is sent once, when a person typed it; the last try
/// only after a question of its own; and one that this card refused during this request not at all.
fn unlock<L: Locked>(desk: &Desk<'_>, mut card: L, refused: &mut Vec<Typed>) -> Result<L::Unlocked, Stop> {
    let (what, whose) = card.words();
    let mut wrong: Option<String> = None;
    loop {
        // Nobody types a PIN that could not be shown; after a wrong one others were let in.
        card.keep_exclusive()?;
        let tries = card.tries()?;
        let last_try = match tries {
            Tries::Left(1) => {
                desk.last_try()?;
                LastTry::Spend
            }
            _ => LastTry::Refuse,
        };
        let typed = desk.pin(&Ask { what, whose, tries, wrong: wrong.as_deref() })?;
        if refused.iter().any(|before| before.expose() == typed.expose()) {
            wrong = Some(desk.say(language::WINDOW_SAME_PIN).to_owned());
            continue;
        }
        if let Err(error) = card.check(&typed) {
            wrong = Some(desk.advice(&error.into()));
            continue;
        }
        desk.check()?;
        match card.show(&typed, last_try) {
            Ok(unlocked) => return Ok(unlocked),
            Err((back, error)) => {
                if error.code() != "pin-wrong" {
                    return Err(error.into());
                }
                wrong = Some(desk.advice(&error.into()));
                refused.push(typed);
                card = back;
            }
        }
    }
}
