//! One error for the whole crate, with a stable code for programs and advice for people.

use crate::dialogue::{About, Cause, Step};
use crate::identity::BindingError;
use crate::pin::{self, Tries};
use crate::{
    card, cns, crypto, dialogue, ias, identity, passive, secret, secure_messaging, transport, trust,
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
    /// The personal data of a contact card against its certificate.
    #[error(transparent)]
    PersonalData(#[from] identity::BindingError),
    /// What should be a fiscal code.
    #[error(transparent)]
    FiscalCode(#[from] identity::FiscalCodeError),
    /// What EF.SOD says about the card's files.
    #[error(transparent)]
    SecurityObject(#[from] passive::Error),
    /// A cryptographic operation.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The software card.
    #[cfg(feature = "emulator")]
    #[error(transparent)]
    SoftCard(#[from] crate::emulator::Error),
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

/// What a person can do about it: a code and the same sentence in each language.
struct Advice {
    code: &'static str,
    english: &'static str,
    italian: &'static str,
}

macro_rules! advice {
    ($($name:ident: $code:literal, $english:literal, $italian:literal;)*) => {
        $(#[cfg_attr(not(feature = "emulator"), allow(dead_code, reason = "the soft card's"))]
        const $name: Advice = Advice { code: $code, english: $english, italian: $italian };)*
        const ALL: &[Advice] = &[$($name),*];
    };
}

advice! {
    PIN_MALFORMED: "pin-malformed",
        "A CIE PIN has all eight digits: four from the municipality's receipt, four from the letter. Nothing was sent to the card.",
        "Il PIN della CIE ha otto cifre: quattro dalla ricevuta e quattro dalla busta. Nulla è stato inviato alla carta.";
    PUK_MALFORMED: "puk-malformed",
        "A CIE PUK has all eight digits: four from the municipality's receipt, four from the letter. Nothing was sent to the card.",
        "Il PUK della CIE ha otto cifre: quattro dalla ricevuta e quattro dalla busta. Nulla è stato inviato alla carta.";
    CONTACT_PIN_MALFORMED: "pin-malformed",
        "The PIN of this card has five to eight digits. Nothing was sent to the card.",
        "Il PIN di questa carta ha da cinque a otto cifre. Nulla è stato inviato alla carta.";
    CONTACT_PUK_MALFORMED: "puk-malformed",
        "The PUK of this card has five to eight digits, in practice eight. Nothing was sent to the card.",
        "Il PUK di questa carta ha da cinque a otto cifre, di solito otto. Nulla è stato inviato alla carta.";
    PIN_WEAK: "pin-weak",
        "This PIN is easily guessed, or it is the old one. Choose another; nothing was sent to the card.",
        "Questo PIN è facile da indovinare o è quello vecchio. Sceglierne un altro; nulla è stato inviato alla carta.";
    PIN_WRONG: "pin-wrong",
        "The PIN is wrong. Check all eight digits before the next try.",
        "Il PIN è errato. Controllare tutte le otto cifre prima di riprovare.";
    CONTACT_PIN_WRONG: "pin-wrong",
        "The PIN is wrong. Check every digit, five to eight, before the next try.",
        "Il PIN è errato. Controllare ogni cifra, da cinque a otto, prima di riprovare.";
    PIN_LAST_TRY: "pin-last-try",
        "Only one try is left, so nothing was sent. A wrong PIN now blocks it; the PUK unblocks it.",
        "Rimane un solo tentativo, perciò nulla è stato inviato. Un altro PIN errato lo blocca; per sbloccarlo serve il PUK.";
    PIN_BLOCKED: "pin-blocked",
        "The PIN is blocked. It can be unblocked with the PUK.",
        "Il PIN è bloccato. Si può sbloccare con il PUK.";
    PUK_WRONG: "puk-wrong",
        "The PUK is wrong. Check all eight digits before the next try: when all tries are spent, the PIN can never be unblocked again.",
        "Il PUK è errato. Controllare tutte le otto cifre prima di riprovare: esauriti i tentativi, il PIN non si potrà più sbloccare.";
    PUK_LAST_TRY: "puk-last-try",
        "Only one try of the PUK is left, so nothing was sent. A wrong PUK now blocks it for good, and then only a new card helps.",
        "Rimane un solo tentativo per il PUK, perciò nulla è stato inviato. Un altro PUK errato lo blocca per sempre: servirà una nuova carta.";
    PUK_BLOCKED: "puk-blocked",
        "The PUK is blocked for good: a blocked PIN can no longer be unblocked. Ask the municipality for a new card.",
        "Il PUK è bloccato per sempre: un PIN bloccato non si può più sbloccare. Chiedere una nuova carta al Comune.";
    CONTACT_PUK_WRONG: "puk-wrong",
        "The PUK is wrong. Check every digit before the next try: when all tries are spent, the PIN can never be unblocked again.",
        "Il PUK è errato. Controllare ogni cifra prima di riprovare: esauriti i tentativi, il PIN non si potrà più sbloccare.";
    CONTACT_PUK_BLOCKED: "puk-blocked",
        "The PUK is blocked for good: a blocked PIN can no longer be unblocked. Ask whoever issued the card for a new one.",
        "Il PUK è bloccato per sempre: un PIN bloccato non si può più sbloccare. Chiedere una nuova carta a chi l'ha emessa.";
    UNBLOCK_REFUSED: "unblock-refused",
        "The PUK was right and no try was lost, but the card did not unblock the PIN. Try to unblock it the other way: with a new PIN, or keeping the old one.",
        "Il PUK era giusto e nessun tentativo è andato perso, ma la carta non ha sbloccato il PIN. Provare nell'altro modo: con un nuovo PIN o tenendo il vecchio.";
    PIN_UNCERTAIN: "pin-uncertain",
        "The connection to the card was lost while it changed its PIN. It may have the new PIN already: try the new one first, then the old one.",
        "Il collegamento con la carta si è perso durante il cambio del PIN. Il PIN potrebbe già essere quello nuovo: provare prima il nuovo, poi il vecchio.";
    CONTACT_UNBLOCK_UNCERTAIN: "pin-uncertain",
        "The connection to the card was lost while the PUK was with it. The PIN may be unblocked already, with the new value if one was given: try that first. If it was not, a try of the PUK may have been spent.",
        "Il collegamento con la carta si è perso durante l'invio del PUK. Il PIN potrebbe essere già sbloccato, con il nuovo valore se è stato scelto: provare prima quello. Altrimenti un tentativo del PUK potrebbe essere stato consumato.";
    CONTACT_UNBLOCK_REFUSED: "card-refused",
        "The card refused to unblock the PIN in this way, and a try of the PUK may have been spent. Some cards know only one way: with a new PIN, or keeping the old one.",
        "La carta ha rifiutato di sbloccare il PIN in questo modo, e un tentativo del PUK potrebbe essere stato consumato. Alcune carte conoscono un solo modo: con un nuovo PIN, o tenendo il vecchio.";
    CONTACT_FILE_REFUSED: "card-refused",
        "The card does not have this, or does not give it to everybody.",
        "La carta non contiene questo dato, o non lo fornisce a chiunque.";
    PIN_NEEDED: "pin-needed",
        "The PIN must be entered for this.",
        "Per questa operazione serve il PIN.";
    PIN_STATE_LOST: "pin-state-lost",
        "The card has forgotten that the PIN was entered. Enter it again.",
        "La carta ha dimenticato il PIN inserito. Inserirlo di nuovo.";
    CARD_REMOVED: "card-removed",
        "The card was moved too early. Put it back and leave it there.",
        "La carta è stata tolta troppo presto. Rimetterla e non muoverla.";
    CARD_RESET: "card-reset",
        "Another program has used the card. Start again.",
        "Un altro programma ha usato la carta. Ricominciare.";
    CARD_MUTE: "card-mute",
        "The card does not answer. Lay it flat on the reader, without a cover, or put it in with the contacts ahead, and start again.",
        "La carta non risponde. Appoggiarla in piano sul lettore, senza custodia, o inserirla dal lato dei contatti, e ricominciare.";
    NO_SERVICE: "no-service",
        "The computer's smart card service is not running. Start it (on Linux: pcscd) and try again.",
        "Il servizio per le smart card del computer non è attivo. Avviarlo (su Linux: pcscd) e riprovare.";
    NO_READER: "no-reader",
        "The reader was not found. Plug it in, and check its name.",
        "Il lettore non è stato trovato. Collegarlo e controllarne il nome.";
    NO_CARD: "no-card",
        "There is no card on the reader. Lay the card flat on it, or put it in with the contacts ahead, and leave it there.",
        "Non c'è nessuna carta sul lettore. Appoggiarla in piano, o inserirla dal lato dei contatti, e lasciarla lì.";
    CARD_IN_USE: "card-in-use",
        "Another program uses the card. Close it, or wait until it is done.",
        "Un altro programma sta usando la carta. Chiuderlo o attendere che finisca.";
    CONTACT_CARD_IN_USE: "card-in-use",
        "Another program is connected to the card. What the card is told here that program could use, so nothing was sent. Close it, or wait until it is done.",
        "Un altro programma è collegato alla carta. Potrebbe usare ciò che la carta viene a sapere, perciò nulla è stato inviato. Chiuderlo o attendere che finisca.";
    READER_STUCK: "reader-stuck",
        "The reader does not come back from an earlier command. Take the card away; if that does not help, unplug the reader and plug it in again.",
        "Il lettore è fermo su un comando precedente. Togliere la carta; se non basta, scollegare e ricollegare il lettore.";
    CARD_UNPOWERED: "card-unpowered",
        "The reader cannot power the card. Lay the card flat on the middle of the reader, without a cover, or put it in with the contacts ahead, and plug the reader into the computer itself, not into a hub.",
        "Il lettore non riesce ad alimentare la carta. Appoggiarla in piano al centro del lettore, senza custodia, o inserirla dal lato dei contatti, e collegare il lettore direttamente al computer, non a un hub.";
    TIMED_OUT: "timed-out",
        "Nothing happened in the time given. Start again when the card is at hand.",
        "Non è successo nulla nel tempo previsto. Ricominciare con la carta a portata di mano.";
    CANCELLED: "cancelled",
        "The operation was cancelled. Nothing more was sent to the card.",
        "L'operazione è stata annullata. Nient'altro è stato inviato alla carta.";
    READER_FAILED: "reader-failed",
        "The reader has failed. Unplug it and plug it in again.",
        "Il lettore ha avuto un errore. Scollegarlo e ricollegarlo.";
    NOT_A_CIE: "not-a-cie",
        "This is not an electronic identity card of the third generation.",
        "Questa non è una carta d'identità elettronica di terza generazione.";
    NOT_A_KNOWN_CARD: "not-a-cie",
        "This is neither an electronic identity card nor a citizen's services card (CNS, health card).",
        "Questa non è né una carta d'identità elettronica né una carta nazionale dei servizi (CNS, tessera sanitaria).";
    CARD_UNSUPPORTED: "card-unsupported",
        "This card keeps its data in a way that is not known here, or wants an administrator's keys for this. Report it, with the kind of card.",
        "Questa carta tiene i dati in un modo qui sconosciuto, o richiede chiavi di un amministratore. Segnalarlo, indicando il tipo di carta.";
    NOT_ACTIVATED: "not-activated",
        "The card holds no certificate for this: it was not activated, or is made without. Ask whoever issued it.",
        "La carta non contiene un certificato per questo: non è stata attivata o ne è priva. Rivolgersi a chi l'ha emessa.";
    CARD_REFUSED: "card-refused",
        "The card has refused. Take it off the reader and start again.",
        "La carta ha rifiutato l'operazione. Toglierla dal lettore e ricominciare.";
    CARD_MALFORMED: "card-malformed",
        "The card gives answers that no real card gives. Do not trust it.",
        "La carta dà risposte che una carta autentica non darebbe. Non fidarsi.";
    FOREIGN_AUTHORITY: "foreign-authority",
        "This card is not one that this terminal's own keys serve.",
        "Questa carta non è tra quelle servite dalle chiavi di questo terminale.";
    PIN_DOUBTFUL: "pin-doubtful",
        "Something said, without protection, that the PIN or PUK is wrong or blocked. It may not have been the card: do not enter it here again.",
        "Qualcuno ha detto, senza protezione, che il PIN o il PUK è errato o bloccato. Potrebbe non essere stata la carta: non inserirlo di nuovo qui.";
    CHANNEL_LOST: "channel-lost",
        "The card has dropped the protected connection, perhaps because another program used it. Start again.",
        "La carta ha chiuso il collegamento protetto, forse perché un altro programma l'ha usata. Ricominciare.";
    CHANNEL_BROKEN: "channel-broken",
        "The protected connection to the card was disturbed. Start again; if it happens again, do not trust the reader.",
        "Il collegamento protetto con la carta è stato disturbato. Ricominciare; se accade ancora, non fidarsi del lettore.";
    CHIP_NOT_AUTHENTIC: "chip-not-authentic",
        "The chip could not prove that it is genuine. Do not enter a PIN.",
        "Il chip non ha dimostrato di essere autentico. Non inserire il PIN.";
    FILE_ALTERED: "file-altered",
        "A file on the card is not the one that its issuer signed. Do not trust the card.",
        "Un dato sulla carta non è quello firmato da chi l'ha emessa. Non fidarsi della carta.";
    DATA_ALTERED: "file-altered",
        "The personal data on the card are not those that its certificate speaks of. Do not trust the card.",
        "I dati personali sulla carta non sono quelli di cui parla il suo certificato. Non fidarsi della carta.";
    DATA_UNBOUND: "personal-data-unbound",
        "Nothing ties the personal data on the card to its certificate: they are the card's word only.",
        "Nulla collega i dati personali sulla carta al suo certificato: li dice soltanto la carta.";
    FISCAL_CODE: "fiscal-code-malformed",
        "This is not a fiscal code: sixteen capital letters and digits, the last one a check letter.",
        "Questo non è un codice fiscale: sedici tra lettere maiuscole e cifre, l'ultima è una lettera di controllo.";
    WRONG_SIGNATURE: "wrong-signature",
        "The signature is wrong and was thrown away. Do not trust this card or this message.",
        "La firma è errata ed è stata scartata. Non fidarsi di questa carta o di questo messaggio.";
    PURPOSE_REFUSED: "purpose-refused",
        "These bytes could be a login at some website, so they are not signed as they are.",
        "Questi dati potrebbero essere un accesso a un sito, perciò non vengono firmati così.";
    ISSUER_UNKNOWN: "issuer-unknown",
        "Nobody we know has issued this certificate: nothing could be checked.",
        "Il certificato è stato emesso da un'autorità sconosciuta: nulla è stato verificato.";
    CERTIFICATE_EXPIRED: "certificate-expired",
        "The certificate is not valid at this time. Check the clock, or renew the card.",
        "Il certificato non è valido in questo momento. Controllare l'orologio o rinnovare la carta.";
    CERTIFICATE_BAD: "certificate-bad",
        "The certificate was checked and is not good. Do not trust it.",
        "Il certificato è stato verificato e non è valido. Non fidarsi.";
    TEST_CERTIFICATE: "test-certificate",
        "This is a test card, not a real one.",
        "Questa è una carta di prova, non una carta vera.";
    INTERNAL: "internal",
        "The computer could not do this. Try again, and report it if it stays.",
        "Il computer non ha potuto eseguire l'operazione. Riprovare e, se persiste, segnalarlo.";
    SOFT_CARD: "soft-card",
        "The software card cannot be used: see the message.",
        "La carta software non è utilizzabile: vedere il messaggio.";
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
            lost && matches!(error.step.about(), About::Pin | About::Puk)
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
            Self::Trust(error) => of_trust(error),
            Self::PersonalData(error) => match error {
                BindingError::Certificate(error) => of_trust(error),
                BindingError::Differs(_) => &DATA_ALTERED,
                BindingError::CommonName(error) if !error.is_other_form() => &CERTIFICATE_BAD,
                BindingError::CommonName(_) | BindingError::RangeNotAccepted(_) => &DATA_UNBOUND,
            },
            Self::FiscalCode(_) => &FISCAL_CODE,
            Self::SecurityObject(passive::Error::DigestDiffers(_)) => &FILE_ALTERED,
            Self::SecurityObject(_) => &CARD_MALFORMED,
            Self::Crypto(_) => &INTERNAL,
            #[cfg(feature = "emulator")]
            Self::SoftCard(crate::emulator::Error::InUse) => &CARD_IN_USE,
            #[cfg(feature = "emulator")]
            Self::SoftCard(_) => &SOFT_CARD,
        }
    }
}

fn of_malformed(error: secret::Malformed) -> &'static Advice {
    match error {
        secret::Malformed::Pin => &PIN_MALFORMED,
        secret::Malformed::Puk => &PUK_MALFORMED,
        secret::Malformed::ContactPin => &CONTACT_PIN_MALFORMED,
        secret::Malformed::ContactPuk => &CONTACT_PUK_MALFORMED,
    }
}

fn of_transport(error: &transport::Error) -> &'static Advice {
    match error {
        transport::Error::Removed => &CARD_REMOVED,
        transport::Error::Reset => &CARD_RESET,
        transport::Error::NoAnswer => &CARD_MUTE,
        transport::Error::Apdu(_) | transport::Error::EndlessAnswer | transport::Error::AnswerTooLong => {
            &CARD_MALFORMED
        }
        transport::Error::NoService => &NO_SERVICE,
        transport::Error::NoReader => &NO_READER,
        transport::Error::NoCard => &NO_CARD,
        transport::Error::InUse => &CARD_IN_USE,
        transport::Error::Unresponsive => &READER_STUCK,
        transport::Error::Unpowered => &CARD_UNPOWERED,
        transport::Error::TimedOut => &TIMED_OUT,
        transport::Error::Cancelled => &CANCELLED,
        transport::Error::Reader(_) => &READER_FAILED,
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
            pin::Error::Wrong(_) => &PUK_WRONG,
            pin::Error::LastTryLeft => &PUK_LAST_TRY,
            pin::Error::Blocked => &PUK_BLOCKED,
            _ => &CARD_REFUSED,
        },
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
        Cause::NoCertificate => &NOT_ACTIVATED,
        Cause::SecureMessagingRequired => &CARD_UNSUPPORTED,
    }
}

/// Other words for the same: who issued the card, how many digits its PIN has, what else was in the command.
fn of_contact(error: &cns::Error) -> &'static Advice {
    match (of_dialogue(error).code, error.step) {
        ("not-a-cie", _) => &NOT_A_KNOWN_CARD,
        ("pin-wrong", _) => &CONTACT_PIN_WRONG,
        ("puk-wrong", _) => &CONTACT_PUK_WRONG,
        ("puk-blocked", _) => &CONTACT_PUK_BLOCKED,
        ("card-in-use", cns::Step::KeepExclusive) => &CONTACT_CARD_IN_USE,
        // It was there when it was recognised.
        ("no-card", cns::Step::KeepExclusive) => &CARD_REMOVED,
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
        trust::Error::Crypto(_) => &INTERNAL,
        _ => &CERTIFICATE_BAD,
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
        assert_eq!(ALL.len(), Error::codes().count() + 11, "eleven in other words for contact cards");
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
        assert_eq!(error(pin::Error::LastTryLeft).tries_left(), Some(1));
        assert_eq!(error(pin::Error::Blocked).code(), "pin-blocked");
        let malformed = Error::from(secret::Malformed::Pin);
        assert_eq!(malformed.code(), "pin-malformed");
        assert!(malformed.advice(Language::Italian).contains("otto cifre"));
        assert_eq!(Error::from(pin::Weak::Sequence).code(), "pin-weak");
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
        let gone = || cns::Cause::Channel(transport::Error::NoCard.into());
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
            (cns::Step::KeepExclusive, gone(), "card-removed", "moved too early"),
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
