//! One error for the whole crate, with a stable code for programs and advice for people.

mod advice;
mod message;

use advice::*;

use crate::dialogue::{About, Cause, Step};
use crate::identity::BindingError;
use crate::pin::{self, Tries};
use crate::{
    card, cns, crypto, dialogue, genuine, ias, identity, kiosk, login, passive, secret, secure_messaging,
    transport, trust,
};

/// A language that [`Error::advice`] speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Italian.
    Italian,
}

/// Anything that can go wrong, gathered from every floor.
///
/// `Display` says what happened and at which step, for a developer; [`Error::code`] is for programs,
/// [`Error::advice`] for the person at the reader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A PIN or PUK that is not one; it was not sent.
    #[error(transparent)]
    Pin(#[from] secret::Malformed),
    /// A new PIN that is easily guessed; it was not sent.
    #[error(transparent)]
    WeakPin(#[from] pin::Weak),
    /// A card that was not recognised.
    #[error(transparent)]
    Card(card::Error),
    /// The link to the card.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The dialogue with a CIE 3.
    #[error(transparent)]
    Ias(#[from] ias::Error),
    /// The dialogue with a contact card.
    #[error(transparent)]
    Cns(#[from] cns::Error),
    /// A certificate's worth.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// A folder with trusted certificates.
    #[error(transparent)]
    TrustFolder(#[from] trust::FolderError),
    /// A revocation list that cannot be used.
    #[error(transparent)]
    RevocationList(#[from] trust::ListFault),
    /// A login at a portal.
    #[error(transparent)]
    Login(login::Error),
    /// What should be the origin of a portal.
    #[error(transparent)]
    Origin(#[from] login::OriginError),
    /// What should be a challenge nonce.
    #[error(transparent)]
    Nonce(#[from] login::NonceError),
    /// The personal data of a contact card against its certificate.
    #[error(transparent)]
    PersonalData(#[from] identity::BindingError),
    /// What should be a fiscal code.
    #[error(transparent)]
    FiscalCode(#[from] identity::FiscalCodeError),
    /// A card that a kiosk does not take for genuine.
    #[error(transparent)]
    Kiosk(kiosk::Error),
    /// What EF.SOD says about the card's files.
    #[error(transparent)]
    SecurityObject(#[from] passive::Error),
    /// A recorded dialogue that cannot be read or played back.
    #[error(transparent)]
    Trace(#[from] transport::replay::OpenError),
    /// A cryptographic operation.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The software card.
    #[cfg(feature = "emulator")]
    #[error(transparent)]
    SoftCard(#[from] crate::emulator::Error),
    /// A recording that cannot be made into something to share.
    #[cfg(feature = "emulator")]
    #[error(transparent)]
    Redact(#[from] crate::redact::Error),
}

impl<T: std::fmt::Debug, E: std::error::Error + Into<Self>> From<dialogue::Refused<T, E>> for Error {
    fn from(refused: dialogue::Refused<T, E>) -> Self {
        refused.error.into()
    }
}

/// What is one protocol's error or a malformed secret is not called a card's.
impl From<card::Error> for Error {
    fn from(error: card::Error) -> Self {
        match error {
            card::Error::Cie3(error) => Self::Ias(error),
            card::Error::Contact(error) => Self::Cns(error),
            card::Error::Malformed(error) => Self::Pin(error),
            error => Self::Card(error),
        }
    }
}

/// What is wrong with a certificate is not called the login's.
impl From<login::Error> for Error {
    fn from(error: login::Error) -> Self {
        match error {
            login::Error::Trust(error) => Self::Trust(error),
            login::Error::Crypto(error) => Self::Crypto(error),
            error => Self::Login(error),
        }
    }
}

/// What the card or its files are to blame for is not called the kiosk's.
impl From<kiosk::Error> for Error {
    fn from(error: kiosk::Error) -> Self {
        match error {
            kiosk::Error::Card(error) => Self::Ias(error),
            kiosk::Error::SecurityObject(error) => Self::SecurityObject(error),
            error => Self::Kiosk(error),
        }
    }
}

impl From<genuine::Error> for Error {
    fn from(error: genuine::Error) -> Self {
        match error {
            genuine::Error::Card(error) => Self::Ias(error),
            genuine::Error::SecurityObject(error) => Self::SecurityObject(error),
        }
    }
}

impl<E: std::error::Error + Into<Self>> From<login::CreateError<E>> for Error {
    fn from(error: login::CreateError<E>) -> Self {
        match error {
            login::CreateError::Signer(error) => error.into(),
            login::CreateError::Certificate(error) => error.into(),
        }
    }
}

impl From<login::TokenError> for Error {
    fn from(error: login::TokenError) -> Self {
        Self::Login(error.into())
    }
}

impl Error {
    /// A stable name for programs. Codes may be added; none changes its meaning.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.find().code
    }

    /// Every code that [`Error::code`] can give, for programs that map them.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        // The same code may come in other words for other cards.
        let mut codes: Vec<_> = ALL.iter().map(|advice| advice.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter()
    }

    /// What happened, in a short sentence for the person who holds the card; `Display` is for developers.
    #[must_use]
    pub fn message(&self, language: Language) -> &'static str {
        message::of(self.code(), language)
    }

    /// What a person can do about it, in one or two sentences.
    #[must_use]
    pub fn advice(&self, language: Language) -> &'static str {
        let advice = self.find();
        match language {
            Language::English => advice.english,
            Language::Italian => advice.italian,
        }
    }

    /// Whether a PIN or PUK went out and nobody knows what the card made of it: a try may be spent.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        fn of<S: Step>(error: &dialogue::Error<S>) -> bool {
            let lost = matches!(&error.cause, Cause::Channel(cause) if !cause.is_unsent());
            lost && error.step.about().shows_a_secret()
        }
        match self {
            Self::Ias(error) => of(error),
            Self::Cns(error) => of(error),
            _ => false,
        }
    }

    /// How many tries are left, if the error is about the PIN or PUK and the card said so. Which of the two
    /// it is about, [`Error::code`] tells.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        let error = match self {
            Self::Ias(error) => error.pin_error(),
            Self::Cns(error) => error.pin_error(),
            _ => None,
        };
        match error? {
            pin::Error::Wrong(Tries::Left(left)) => Some(*left),
            pin::Error::LastTryLeft => Some(1),
            pin::Error::Blocked => Some(0),
            _ => None,
        }
    }

    fn find(&self) -> &'static Advice {
        match self {
            Self::Pin(error) => of_malformed(*error),
            Self::WeakPin(_) => &PIN_WEAK,
            Self::Card(error) => match error {
                card::Error::NotACie(_) => &NOT_A_KNOWN_CARD,
                card::Error::Unsupported(_) => &CARD_UNSUPPORTED,
                card::Error::Failed(error) | card::Error::Cie3(error) => of_dialogue(error),
                card::Error::Contact(error) => of_contact(error),
                card::Error::Malformed(error) => of_malformed(*error),
            },
            Self::Transport(error) => of_transport(error),
            Self::Ias(error) => of_dialogue(error),
            Self::Cns(error) => of_contact(error),
            // Of what somebody else sent. What the card at hand signs wrongly is an error of its dialogue.
            Self::Trust(trust::Error::WrongSignature) => &TOKEN_SIGNATURE,
            Self::Trust(error) => of_trust(error),
            Self::PersonalData(error) => match error {
                BindingError::Certificate(error) => of_trust(error),
                BindingError::Differs(_) => &DATA_ALTERED,
                BindingError::CommonName(error) if !error.is_other_form() => &CERTIFICATE_BAD,
                BindingError::OtherCertificate => &CERTIFICATE_BAD,
                BindingError::CommonName(_) | BindingError::RangeNotAccepted(_) => &DATA_UNBOUND,
            },
            Self::TrustFolder(_) => &TRUST_FOLDER,
            Self::RevocationList(_) => &STATUS_UNAVAILABLE,
            Self::Login(error) => of_login(error),
            Self::Origin(_) => &ORIGIN_MALFORMED,
            Self::Nonce(_) => &NONCE_MALFORMED,
            Self::FiscalCode(_) => &FISCAL_CODE,
            Self::Kiosk(kiosk::Error::NotGenuine) => &CHIP_NOT_AUTHENTIC,
            Self::Kiosk(kiosk::Error::Crypto(_)) => &INTERNAL,
            Self::Kiosk(_) => &CARD_MALFORMED,
            Self::SecurityObject(passive::Error::DigestDiffers(_) | passive::Error::ContentAltered) => {
                &FILE_ALTERED
            }
            Self::SecurityObject(passive::Error::WrongSignature) => &WRONG_SIGNATURE,
            Self::SecurityObject(passive::Error::Sha1) => &SIGNATURE_WEAK,
            Self::SecurityObject(
                passive::Error::UnsupportedSignature | passive::Error::UnsupportedDigest,
            ) => &CARD_UNSUPPORTED,
            // No card has such a signer, and nobody can let one pass: not a matter of age.
            Self::SecurityObject(passive::Error::Signer(trust::Error::TooWeak)) => &CERTIFICATE_BAD,
            Self::SecurityObject(passive::Error::Signer(error)) => of_trust(error),
            Self::SecurityObject(_) => &CARD_MALFORMED,
            Self::Trace(_) => &TRACE_UNUSABLE,
            Self::Crypto(_) => &INTERNAL,
            #[cfg(feature = "emulator")]
            Self::SoftCard(crate::emulator::Error::InUse) => &CARD_IN_USE,
            #[cfg(feature = "emulator")]
            Self::SoftCard(_) | Self::Redact(crate::redact::Error::Card(_)) => &SOFT_CARD,
            #[cfg(feature = "emulator")]
            Self::Redact(crate::redact::Error::Survived { .. }) => &REDACTION_LEAKS,
            #[cfg(feature = "emulator")]
            Self::Redact(_) => &TRACE_NOT_REDACTABLE,
        }
    }
}

fn of_malformed(error: secret::Malformed) -> &'static Advice {
    match error {
        secret::Malformed::Pin => &PIN_MALFORMED,
        secret::Malformed::Puk => &PUK_MALFORMED,
        secret::Malformed::ContactPin => &CONTACT_PIN_MALFORMED,
        secret::Malformed::ContactPuk => &CONTACT_PUK_MALFORMED,
        secret::Malformed::NewPin => &NEW_PIN_MALFORMED,
        secret::Malformed::NewContactPin => &NEW_CONTACT_PIN_MALFORMED,
    }
}

fn of_transport(error: &transport::Error) -> &'static Advice {
    match error {
        transport::Error::Removed => &CARD_REMOVED,
        transport::Error::Reset => &CARD_RESET,
        transport::Error::NoAnswer | transport::Error::Overdue => &CARD_MUTE,
        transport::Error::Apdu(_) | transport::Error::EndlessAnswer | transport::Error::AnswerTooLong => {
            &CARD_MALFORMED
        }
        transport::Error::NoService => &NO_SERVICE,
        transport::Error::AccessDenied => &ACCESS_DENIED,
        transport::Error::NoReader => &NO_READER,
        transport::Error::NoCard => &NO_CARD,
        transport::Error::InUse => &CARD_IN_USE,
        transport::Error::Unresponsive => &READER_STUCK,
        transport::Error::Unpowered => &CARD_UNPOWERED,
        transport::Error::TimedOut => &TIMED_OUT,
        transport::Error::Cancelled | transport::Error::Stopped => &CANCELLED,
        transport::Error::Reader(_) => &READER_FAILED,
        transport::Error::NotAsRecorded(_) => &NOT_AS_RECORDED,
    }
}

/// What holds for every card, whatever its protocol; `of_contact` says where the words differ.
fn of_dialogue<S: Step>(error: &dialogue::Error<S>) -> &'static Advice {
    let about = error.step.about();
    match &error.cause {
        Cause::Status(_) if about == About::Selection => &NOT_A_CIE,
        Cause::Status(_) if about == About::Unblocking => &UNBLOCK_REFUSED,
        Cause::Status(_) => &CARD_REFUSED,
        Cause::Channel(error) if about.sets_the_pin() && !error.is_unsent() => &PIN_UNCERTAIN,
        Cause::Channel(secure_messaging::Error::Transport(error)) => of_transport(error),
        Cause::Channel(secure_messaging::Error::Unprotected(status)) => match status.value() {
            0x6300 | 0x63C0..=0x63CF | 0x6983 => &PIN_DOUBTFUL,
            0x6882 | 0x6982 | 0x6985 | 0x6987 | 0x6988 => &CHANNEL_LOST,
            _ => &CHANNEL_BROKEN,
        },
        Cause::Channel(_) => &CHANNEL_BROKEN,
        Cause::Pin(error) if about.shows_the_puk() => match error {
            pin::Error::Wrong(Tries::Left(1)) => &PUK_WRONG_ONE_LEFT,
            pin::Error::Wrong(_) => &PUK_WRONG,
            pin::Error::LastTryLeft => &PUK_LAST_TRY,
            pin::Error::Blocked => &PUK_BLOCKED,
            _ => &CARD_REFUSED,
        },
        Cause::Pin(pin::Error::Wrong(Tries::Left(1))) => &PIN_WRONG_ONE_LEFT,
        Cause::Pin(pin::Error::Wrong(_)) => &PIN_WRONG,
        Cause::Pin(pin::Error::LastTryLeft) => &PIN_LAST_TRY,
        Cause::Pin(pin::Error::Blocked) => &PIN_BLOCKED,
        Cause::Pin(_) => &CARD_REFUSED,
        Cause::Crypto(crypto::Error::Entropy(_) | crypto::Error::Library(_)) => &INTERNAL,
        Cause::Crypto(_) | Cause::Tlv(_) | Cause::File(_) | Cause::Malformed(_) => &CARD_MALFORMED,
        Cause::ForeignAuthority => &FOREIGN_AUTHORITY,
        Cause::ChipNotAuthentic => &CHIP_NOT_AUTHENTIC,
        Cause::PinNeeded => &PIN_NEEDED,
        Cause::PinStateLost => &PIN_STATE_LOST,
        Cause::WrongSignature => &WRONG_SIGNATURE,
        Cause::PurposeRefused => &PURPOSE_REFUSED,
        Cause::NoCertificate | Cause::NotPersonalised => &NOT_ACTIVATED,
        Cause::SecureMessagingRequired => &CARD_UNSUPPORTED,
    }
}

/// Other words for the same: who issued the card, how many digits its PIN has, what else was in the command.
fn of_contact(error: &cns::Error) -> &'static Advice {
    let is_one_left = matches!(error.cause, Cause::Pin(pin::Error::Wrong(Tries::Left(1))));
    match (of_dialogue(error).code, error.step) {
        ("pin-wrong", _) if is_one_left => &CONTACT_PIN_WRONG_ONE_LEFT,
        ("puk-wrong", _) if is_one_left => &CONTACT_PUK_WRONG_ONE_LEFT,
        ("not-a-cie", _) => &NOT_A_KNOWN_CARD,
        ("pin-wrong", _) => &CONTACT_PIN_WRONG,
        ("puk-wrong", _) => &CONTACT_PUK_WRONG,
        ("puk-blocked", _) => &CONTACT_PUK_BLOCKED,
        ("card-in-use", cns::Step::KeepExclusive) => &CONTACT_CARD_IN_USE,
        ("pin-uncertain", cns::Step::UnblockPin) => &CONTACT_UNBLOCK_UNCERTAIN,
        ("card-refused", cns::Step::UnblockPin) => &CONTACT_UNBLOCK_REFUSED,
        ("card-refused", cns::Step::ReadFile(_)) => &CONTACT_FILE_REFUSED,
        _ => of_dialogue(error),
    }
}

fn of_trust(error: &trust::Error) -> &'static Advice {
    match error {
        trust::Error::UnknownIssuer => &ISSUER_UNKNOWN,
        trust::Error::Expired | trust::Error::NotYetValid => &CERTIFICATE_EXPIRED,
        trust::Error::TestCertificate => &TEST_CERTIFICATE,
        trust::Error::WrongSignature => &WRONG_SIGNATURE,
        trust::Error::Revoked(_) => &CERTIFICATE_REVOKED,
        trust::Error::CardNotTaken(_) => &CARD_NOT_ACCEPTED,
        trust::Error::TooWeak => &CERTIFICATE_WEAK,
        trust::Error::StatusUnavailable { .. } => &STATUS_UNAVAILABLE,
        trust::Error::Crypto(_) => &INTERNAL,
        _ => &CERTIFICATE_BAD,
    }
}

fn of_login(error: &login::Error) -> &'static Advice {
    match error {
        login::Error::NoChallenge => &CHALLENGE_MISSING,
        login::Error::ChallengeExpired => &CHALLENGE_EXPIRED,
        login::Error::Token(_) => &TOKEN_MALFORMED,
        login::Error::Trust(error) => of_trust(error),
        login::Error::Identity(_) => &CERTIFICATE_BAD,
        login::Error::Store(_) => &CHALLENGE_STORE,
        login::Error::Crypto(_) => &INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::StatusWord;

    #[test]
    fn advice_is_unique_and_speaks_both_languages() {
        let mut advices: Vec<_> = ALL.iter().map(|advice| (advice.code, advice.english)).collect();
        advices.sort_unstable();
        advices.dedup();
        assert_eq!(advices.len(), ALL.len());
        assert_eq!(ALL.len(), Error::codes().count() + 17, "in other words for other cards and counts");
        for advice in ALL {
            assert!(advice.english.ends_with('.') || advice.english.contains(": see"), "{}", advice.code);
            assert_ne!(advice.english, advice.italian);
        }
    }

    #[test]
    fn a_pin_error_tells_the_tries() {
        let error =
            |error| Error::from(ias::Error { step: ias::Step::VerifyPin, cause: ias::Cause::Pin(error) });
        let wrong = error(pin::Error::Wrong(Tries::Left(2)));
        assert_eq!((wrong.code(), wrong.tries_left()), ("pin-wrong", Some(2)));
        // What is said of two tries is not said of one.
        let step = [ias::Step::VerifyPin, ias::Step::VerifyPuk];
        let contact = [cns::Step::VerifyPin, cns::Step::UnblockPin];
        let cause = |left| pin::Error::Wrong(Tries::Left(left));
        let of = |left| {
            let cie3 = step.map(|step| Error::from(ias::Error { step, cause: ias::Cause::Pin(cause(left)) }));
            let cns =
                contact.map(|step| Error::from(cns::Error { step, cause: cns::Cause::Pin(cause(left)) }));
            [cie3, cns].concat()
        };
        for (one, two) in of(1).into_iter().zip(of(2)) {
            assert_eq!((one.code(), one.tries_left()), (two.code(), Some(1)));
            for (language, said) in [(Language::English, "one try"), (Language::Italian, "un solo tentativo")]
            {
                assert!(one.advice(language).contains(said), "{one}");
                assert!(!two.advice(language).contains(said), "{two}");
            }
        }
        assert_eq!(error(pin::Error::LastTryLeft).tries_left(), Some(1));
        assert_eq!(error(pin::Error::Blocked).code(), "pin-blocked");
        let malformed = Error::from(secret::Malformed::Pin);
        assert_eq!(malformed.code(), "pin-malformed");
        assert!(malformed.advice(Language::Italian).contains("otto cifre"));
        assert_eq!(Error::from(pin::Weak::Sequence).code(), "pin-weak");
        // No office has sent the digits of a new PIN to anybody.
        for (malformed, digits) in [
            (secret::Malformed::Pin.of_a_new_pin(), "otto cifre"),
            (secret::Malformed::ContactPin.of_a_new_pin(), "da cinque a otto cifre"),
        ] {
            let error = Error::from(malformed);
            let advice = error.advice(Language::Italian);
            assert_eq!(error.code(), "new-pin-malformed");
            assert!(advice.contains(digits) && !advice.contains("busta"), "{advice}");
            assert!(error.to_string().starts_with("the new PIN: "), "{error}");
        }
    }

    /// A login for another portal is nobody's bad card.
    #[test]
    fn a_wrong_signature_is_told_by_whose_it_is() {
        let token = Error::from(login::Error::Trust(trust::Error::WrongSignature));
        let card = Error::from(ias::Error { step: ias::Step::Sign, cause: ias::Cause::WrongSignature });
        assert_eq!((token.code(), card.code()), ("wrong-signature", "wrong-signature"));
        for (language, address) in [(Language::English, "address"), (Language::Italian, "indirizzo")] {
            assert!(token.advice(language).contains(address) && !card.advice(language).contains(address));
        }
    }

    #[test]
    fn an_error_tells_pin_from_puk() {
        let of = |step, cause| Error::from(ias::Error { step, cause });
        let error = |error| of(ias::Step::VerifyPuk, ias::Cause::Pin(error));
        let wrong = error(pin::Error::Wrong(Tries::Left(9)));
        assert_eq!((wrong.code(), wrong.tries_left()), ("puk-wrong", Some(9)));
        assert_eq!(wrong.to_string(), "verifying the PUK: it is wrong, tries left: 9");
        let last = error(pin::Error::LastTryLeft);
        assert_eq!((last.code(), last.tries_left()), ("puk-last-try", Some(1)));
        let blocked = error(pin::Error::Blocked);
        assert_eq!((blocked.code(), blocked.tries_left()), ("puk-blocked", Some(0)));
        assert!(blocked.advice(Language::Italian).contains("nuova carta"));
        assert!(blocked.advice(Language::English).contains("new card"));
        assert_eq!(Error::from(secret::Malformed::Puk).code(), "puk-malformed");
        let refused = of(ias::Step::UnblockPin, ias::Cause::Status(StatusWord::WRONG_P1_P2));
        assert_eq!((refused.code(), refused.tries_left()), ("unblock-refused", None));
        assert!(refused.advice(Language::English).contains("no try was lost"));
    }

    #[test]
    fn a_broken_channel_says_what_it_may_mean() {
        let code = |step, cause| Error::from(ias::Error { step, cause: ias::Cause::Channel(cause) }).code();
        let unprotected = |word| secure_messaging::Error::Unprotected(StatusWord::new(word));
        for (words, expected) in [
            (&[0x6300, 0x63C0, 0x63C2, 0x63CF, 0x6983][..], "pin-doubtful"),
            (&[0x6882, 0x6982, 0x6985, 0x6987, 0x6988], "channel-lost"),
            (&[0x9000, 0x6282, 0x6301, 0x63D0, 0x6700, 0x6984, 0x6A82, 0x6F00], "channel-broken"),
        ] {
            for word in words {
                assert_eq!(code(ias::Step::VerifyPin, unprotected(*word)), expected, "{word:04X}");
            }
        }
        let lost = || secure_messaging::Error::from(transport::Error::Removed);
        assert_eq!(code(ias::Step::VerifyPin, lost()), "card-removed");
        for step in [ias::Step::ChangePin, ias::Step::UnblockPin] {
            for cause in [lost(), secure_messaging::Error::WrongMac, unprotected(0x6982)] {
                assert_eq!(code(step, cause), "pin-uncertain");
            }
            assert_eq!(code(step, transport::Error::InUse.into()), "card-in-use");
        }
    }

    /// Nobody with a health card is sent to the municipality, or told of eight digits that the PIN has not.
    #[test]
    fn what_is_said_of_contact_cards_is_true_of_them() {
        let of = |step, cause| Error::from(cns::Error { step, cause });
        let status = || cns::Cause::Status(StatusWord::WRONG_P1_P2);
        let lost = || cns::Cause::Channel(transport::Error::Removed.into());
        let in_use = || cns::Cause::Channel(transport::Error::InUse.into());
        let wrong = || cns::Cause::Pin(pin::Error::Wrong(Tries::Left(1)));
        let blocked = || cns::Cause::Pin(pin::Error::Blocked);
        for (step, cause, code, said) in [
            (cns::Step::VerifyPin, wrong(), "pin-wrong", "five to eight"),
            (cns::Step::VerifyPin, blocked(), "pin-blocked", "with the PUK"),
            (cns::Step::ChangePin, lost(), "pin-uncertain", "the new PIN already"),
            (cns::Step::UnblockPin, wrong(), "puk-wrong", "every digit"),
            (cns::Step::UnblockPin, blocked(), "puk-blocked", "whoever issued"),
            (cns::Step::UnblockPin, lost(), "pin-uncertain", "a try of the PUK may"),
            (cns::Step::UnblockPin, status(), "card-refused", "a try of the PUK may"),
            (cns::Step::UnblockPin, in_use(), "card-in-use", "Another program uses"),
            (cns::Step::ReadFile(cns::File::PersonalData), status(), "card-refused", "does not have this"),
            (cns::Step::KeepExclusive, in_use(), "card-in-use", "nothing was sent"),
            (cns::Step::KeepExclusive, lost(), "card-removed", "Put the card back"),
            (cns::Step::Recognise, status(), "not-a-cie", "health card"),
        ] {
            let error = of(step, cause);
            let advice = error.advice(Language::English);
            assert_eq!(error.code(), code, "{error}");
            assert!(advice.contains(said), "{advice}");
            for words in [advice, error.advice(Language::Italian)] {
                for false_word in ["municipality", "Comune", "all eight", "otto cifre prima"] {
                    assert!(!words.contains(false_word), "{words}");
                }
            }
        }
    }

    #[test]
    fn a_foreign_card_is_named_so() {
        let cause = || ias::Cause::Status(StatusWord::FILE_NOT_FOUND);
        let code = |step| Error::from(ias::Error { step, cause: cause() }).code();
        assert_eq!(code(ias::Step::SelectApplication), "not-a-cie");
        assert_eq!(code(ias::Step::Sign), "card-refused");
    }
}
