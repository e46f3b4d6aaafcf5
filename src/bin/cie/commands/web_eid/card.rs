//! The card's part of a browser's request. A try is spent only on a PIN that a person typed for it; what was refused
//! is not sent again.

use cie::card::{Card, Session, Unlocked};
use cie::cns::{self, Credential};
use cie::crypto::PresentedCertificate;
use cie::login::{AuthToken, CreateError, Nonce};
use cie::pin::{self, LastTry, Tries};
use cie::secret::{ContactPin, Typed};
use cie::web_eid::{self, SignRequest, SigningRefused, check_signing_certificate};

use super::desk::{Ask, Desk, Stop, whose_pin};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::language::{self, Text};
use crate::output::Output;
use crate::reader;

/// Does something with the card that lies there; if that is not possible now but may be later, the person decides
/// whether to try again, with whatever card lies there then.
pub(super) fn with_card<T>(
    desk: &Desk<'_>,
    common: &Common,
    output: Output,
    mut attempt: impl FnMut(Card) -> Result<T, Stop>,
) -> Result<T, Stop> {
    loop {
        desk.check()?;
        match reader::card(common, output).map_err(Stop::Failed).and_then(&mut attempt) {
            Err(Stop::Failed(failure)) if may_pass(&failure) => desk.retry(&failure)?,
            Err(Stop::Failed(failure)) => {
                desk.tell(&failure);
                return Err(Stop::Failed(failure));
            }
            outcome => return outcome,
        }
    }
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
    card: Card,
    origin: &cie::login::Origin,
    nonce: &Nonce,
    output: Output,
) -> Result<AuthToken, Stop> {
    let mut session = reader::session(card, output).map_err(Stop::Failed)?;
    // A card without a certificate is found out before its PIN is asked for, if it lets anybody look.
    session.public_certificate()?;
    // Nobody types a PIN that could not be shown.
    session.keep_exclusive()?;
    let mut unlocked = unlock(desk, session)?;
    desk.check()?;
    AuthToken::create(&mut unlocked.signer()?, origin, nonce).map_err(|error| match error {
        CreateError::Certificate(error) => error.into(),
        CreateError::Signer(error) => error.into(),
        // What may come is the signer's in any case.
        _ => cie::trust::Error::WrongSignature.into(),
    })
}

/// The certificate of the key that signs documents.
pub(super) fn signing_certificate(desk: &Desk<'_>, card: Card) -> Result<PresentedCertificate, Stop> {
    let (_, _, signing) = second_key(card)?;
    desk.consent()?;
    Ok(signing)
}

/// A signature of that key.
pub(super) fn sign(desk: &Desk<'_>, card: Card, request: &SignRequest) -> Result<Vec<u8>, Stop> {
    let (mut session, login, signing) = second_key(card)?;
    request.check_certificate(&signing).map_err(Stop::Refused)?;
    session.keep_exclusive()?;
    let mut unlocked = unlock(desk, SignatureKey(session))?;
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
/// only after a question of its own; and one that the card refused a moment ago not at all.
fn unlock<L: Locked>(desk: &Desk<'_>, mut card: L) -> Result<L::Unlocked, Stop> {
    let (what, whose) = card.words();
    let mut wrong: Option<String> = None;
    let mut refused: Vec<Typed> = Vec::new();
    loop {
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
            Err((back, error)) if error.code() == "pin-wrong" => {
                wrong = Some(desk.advice(&error.into()));
                refused.push(typed);
                card = back;
            }
            Err((_, error)) => return Err(error.into()),
        }
    }
}
