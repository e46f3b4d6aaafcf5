//! What the screen says, in Italian and English.

use cie::Language;

use super::list::ListError;
use super::model::{Refusal, View};

/// What stands large, and what stands below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    /// Capital letters without accents and blanks, which is all that [`letters`](super::letters) can draw.
    pub(crate) headline: &'static str,
    pub(crate) sentence: &'static str,
}

/// Italian, English.
type Pair = [(&'static str, &'static str); 2];

const NO_SERVICE: Pair = [
    (
        "FUORI SERVIZIO",
        "Il servizio dei lettori non risponde. Lo sportello riprova da solo: non serve fare nulla.",
    ),
    (
        "OUT OF ORDER",
        "The reader service does not answer. This counter keeps trying: you need not do anything.",
    ),
];
const NO_READER: Pair = [
    ("FUORI SERVIZIO", "Non c'è nessun lettore: lo colleghi chi si occupa di questo sportello."),
    ("OUT OF ORDER", "There is no reader: whoever looks after this counter should plug it in."),
];
const WELCOME: Pair = [
    (
        "APPOGGI LA CARTA",
        "Appoggi la carta d'identità elettronica sul lettore e la lasci lì. Il PIN non serve: qui non va mai digitato.",
    ),
    (
        "YOUR CARD PLEASE",
        "Lay your electronic identity card on the reader and leave it there. No PIN is needed: never type it here.",
    ),
];
const CHECKING: Pair = [
    ("ATTENDA", "Stiamo controllando la carta. La lasci lì, senza muoverla."),
    ("PLEASE WAIT", "The card is being checked. Leave it there, without moving it."),
];
const MAY_PASS: Pair = [
    ("AVANTI", "La carta è autentica ed è nell'elenco: può passare. Ritiri la carta."),
    ("COME IN", "The card is genuine and on the list: you may pass. Take your card."),
];
const MAY_NOT_PASS: Pair = [
    (
        "NON IN ELENCO",
        "La carta è autentica, ma non è nell'elenco di chi può passare. Ritiri la carta e chieda al personale.",
    ),
    (
        "NOT ON THE LIST",
        "The card is genuine, but not on the list of those who may pass. Take your card and ask the staff.",
    ),
];
const TOO_EARLY: Pair = [
    ("TROPPO PRESTO", "La carta è stata tolta durante il controllo. La appoggi di nuovo e attenda."),
    ("TOO EARLY", "The card was taken away during the check. Lay it on again, and wait."),
];
const TAKE_CARD: Pair = [
    ("RITIRI LA CARTA", "Sul lettore c'è ancora una carta."),
    ("TAKE YOUR CARD", "There is still a card on the reader."),
];
const AGAIN: Pair = [
    (
        "RIPROVI",
        "La carta non è stata letta fino in fondo. La ritiri, la appoggi di nuovo al centro del lettore e attenda.",
    ),
    (
        "TRY AGAIN",
        "The card could not be read to the end. Take it, lay it on the middle of the reader again, and wait.",
    ),
];
const OURS: Pair = [
    (
        "FUORI SERVIZIO",
        "Questo sportello ha un guasto: non dipende dalla Sua carta. La ritiri e si rivolga al personale.",
    ),
    ("OUT OF ORDER", "Something is wrong with this counter, not with your card. Take it, and ask the staff."),
];
const OTHER_CARD: Pair = [
    (
        "ALTRA CARTA",
        "Qui serve la carta d'identità elettronica. Questa è un'altra carta, o non è fatta per questo sportello. La ritiri.",
    ),
    (
        "OTHER CARD",
        "An electronic identity card is needed here. This is another card, or not made for this counter. Take it.",
    ),
];
const UNCHECKED: Pair = [
    (
        "NON VERIFICATA",
        "Questo sportello non può verificare chi ha emesso la carta. La ritiri e si rivolga al personale.",
    ),
    ("NOT CHECKED", "This counter cannot check who issued the card. Take it, and ask the staff."),
];
const REFUSED: Pair = [
    (
        "CARTA RIFIUTATA",
        "L'autenticità della carta non è stata confermata. La ritiri e si rivolga al personale.",
    ),
    ("CARD REFUSED", "The card was not found to be genuine. Take it, and ask the staff."),
];

/// Codes by what somebody at the counter is told. The library's own advice is for whoever sits at the computer.
const OF_CODES: [(Pair, &[&str]); 4] = [
    (
        AGAIN,
        &["card-removed", "no-card", "card-mute", "card-reset", "card-in-use", "card-unpowered", "timed-out"],
    ),
    (
        OURS,
        &[
            LIST_UNUSABLE,
            "no-service",
            "access-denied",
            "no-reader",
            "reader-failed",
            "reader-stuck",
            "cancelled",
            "internal",
            "trust-folder",
            // Of a signer that signs tomorrow the clock knows nothing yet.
            "certificate-expired",
        ],
    ),
    (OTHER_CARD, &["not-a-cie", "other-card", "card-unsupported", "not-activated"]),
    (UNCHECKED, &["issuer-unknown", "signature-weak"]),
];

/// The code of a list that cannot be used.
const LIST_UNUSABLE: &str = "list-unusable";

/// A card is genuine, and nobody knows whether it may pass.
impl From<ListError> for Refusal {
    fn from(_: ListError) -> Self {
        Self { code: LIST_UNUSABLE }
    }
}

/// What is said in a view.
pub(crate) fn of(view: &View<'_>, language: Language) -> Words {
    let pair = match view {
        View::NoService => NO_SERVICE,
        View::NoReader => NO_READER,
        View::Welcome => WELCOME,
        View::Checking => CHECKING,
        View::MayPass { .. } => MAY_PASS,
        View::MayNotPass(_) => MAY_NOT_PASS,
        View::Refused(refusal) => of_code(refusal.code),
        View::TooEarly => TOO_EARLY,
        View::TakeCard => TAKE_CARD,
    };
    let (headline, sentence) = choose(pair, language);
    Words { headline, sentence }
}

/// Whatever has no other words was looked at and is not good.
fn of_code(code: &str) -> Pair {
    let known = OF_CODES.iter().find(|(_, codes)| codes.contains(&code));
    known.map_or(REFUSED, |(pair, _)| *pair)
}

/// A second card lies there.
pub(crate) fn others_wait(language: Language) -> &'static str {
    choose(
        ["Un'altra carta è in attesa: una alla volta.", "Another card is waiting: one at a time."],
        language,
    )
}

/// How to get the other language, in that language.
pub(crate) fn other_language(language: Language) -> &'static str {
    choose(["Tab: English", "Tab: italiano"], language)
}

/// What the software cards of the demonstration are, and how they are laid on.
pub(crate) fn demo_keys(language: Language) -> &'static str {
    choose(
        [
            "1 in elenco · 2 no · 3 copia · 4 tessera sanitaria · 0 via · Ctrl-C fine",
            "1 listed · 2 not · 3 copy · 4 health card · 0 away · Ctrl-C end",
        ],
        language,
    )
}

/// The same words in every language, as they stand in the certificates of software cards.
pub(crate) const TEST: &str = "TEST - NOT A REAL CARD";

fn choose<T>([italian, english]: [T; 2], language: Language) -> T {
    match language {
        Language::Italian => italian,
        _ => english,
    }
}
