//! What went wrong, and what is said of it.

use std::path::Path;

use super::border::{ContextIn, FactsOut, SizeInOut, TextOut};
use super::result::{
    CIE_ABSENT, CIE_ARGUMENT, CIE_BUSY, CIE_FILE, CIE_HANDLE, CIE_INTERNAL, CIE_NO_ROOM, CIE_NO_TEST_CARD,
    CIE_NOT_BUILT_IN, CIE_NULL, CIE_OK, CIE_OTHER_CARD, CIE_TOO_MANY_HANDLES, CIE_UNLOCKED, cie_result,
    number_of,
};
use crate::dialogue::{self, Cause, Step};
use crate::trust::ListFault;
use crate::{Error, Language, secure_messaging};

/// How many bytes any text of `cie_error_message` and `cie_error_advice` takes at most, the zero byte included.
pub const CIE_MESSAGE_SIZE: usize = 512;

/// English, for `cie_error_message` and `cie_error_advice`.
pub const CIE_ENGLISH: i32 = 0;
/// Italian.
pub const CIE_ITALIAN: i32 = 1;

/// What a program may want to know of the last failure besides its number.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct cie_error {
    /// The number of the last failure, `CIE_OK` if there was none.
    pub result: cie_result,
    /// How many tries the PIN or PUK has left, whichever the failure is about; -1 if it is about neither or the card
    /// did not say.
    pub tries_left: i32,
    /// 1 if a PIN or PUK went out and nobody knows what the card made of it: a try may be spent. Else 0.
    pub is_doubtful: i32,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Null,
    Argument(&'static str),
    /// What is to be a revocation list, and is none that could be used.
    List(ListFault),
    Handle,
    /// A handle of something else than this kind of thing, or of nothing.
    NotA(&'static str),
    Busy,
    NoRoom,
    Absent,
    #[cfg_attr(
        all(feature = "pcsc", feature = "emulator"),
        allow(dead_code, reason = "everything is built in")
    )]
    NotBuiltIn,
    OtherCard,
    Unlocked,
    File(String),
    NoTestCard,
    TooMany,
    /// The library did something that it never should.
    Panic,
    Library(Box<Error>),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Library(Box::new(error.into()))
    }
}

/// The same in both languages.
type Both = [&'static str; 2];

/// Before anything has failed.
const NOTHING: Both = ["Nothing went wrong.", "Tutto bene."];

const PROGRAM: Both = [
    "The program that uses the card made a mistake. Whoever made it finds the reason in the detail.",
    "Il programma che usa la carta ha commesso un errore. Chi l'ha realizzato trova il motivo nel dettaglio.",
];

impl Fault {
    pub(super) fn file(path: &str, error: &std::io::Error) -> Self {
        Self::File(format!("{}: {error}", Path::new(path).display()))
    }

    /// The exchange with the card that failed, if one did.
    fn of_the_channel(&self) -> Option<&secure_messaging::Error> {
        fn of<S: Step>(error: &dialogue::Error<S>) -> Option<&secure_messaging::Error> {
            match &error.cause {
                Cause::Channel(error) => Some(error),
                _ => None,
            }
        }
        match self {
            Self::Library(error) => match &**error {
                Error::Ias(error) => of(error),
                Error::Cns(error) => of(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an exchange with the card failed: what it knows now is not known.
    pub(super) fn is_of_the_channel(&self) -> bool {
        self.of_the_channel().is_some()
    }

    pub(super) fn number(&self) -> cie_result {
        match self {
            Self::Null => CIE_NULL,
            Self::Argument(_) | Self::List(_) => CIE_ARGUMENT,
            Self::Handle | Self::NotA(_) => CIE_HANDLE,
            Self::Busy => CIE_BUSY,
            Self::NoRoom => CIE_NO_ROOM,
            Self::Absent => CIE_ABSENT,
            Self::NotBuiltIn => CIE_NOT_BUILT_IN,
            Self::OtherCard => CIE_OTHER_CARD,
            Self::Unlocked => CIE_UNLOCKED,
            Self::File(_) => CIE_FILE,
            Self::NoTestCard => CIE_NO_TEST_CARD,
            Self::TooMany => CIE_TOO_MANY_HANDLES,
            Self::Panic => CIE_INTERNAL,
            Self::Library(error) => number_of(error.code()),
        }
    }

    fn message(&self, language: Language) -> &'static str {
        match self.words() {
            Ok((message, _)) => choose(message, language),
            Err(error) => error.message(language),
        }
    }

    fn advice(&self, language: Language) -> &'static str {
        match self.words() {
            Ok((_, advice)) => choose(advice, language),
            Err(error) => error.advice(language),
        }
    }

    /// What happened, and what to do about it; or the error of the library that has its own words.
    fn words(&self) -> Result<(Both, Both), &Error> {
        Ok(match self {
            Self::Null => (["A pointer is null.", "Un puntatore è nullo."], PROGRAM),
            Self::Argument(_) => (["An argument is not accepted.", "Un argomento non è accettato."], PROGRAM),
            Self::List(_) => (
                ["The revocation list cannot be used.", "L'elenco di revoca non è utilizzabile."],
                [
                    "Give a whole list as its issuer publishes it, DER or PEM.",
                    "Indicare un elenco completo come lo pubblica chi emette i certificati, DER o PEM.",
                ],
            ),
            Self::Handle | Self::NotA(_) => {
                (["The handle is not valid.", "Il riferimento non è valido."], PROGRAM)
            }
            Self::Busy => (
                ["Another operation is going on.", "Un'altra operazione è in corso."],
                ["Wait until it is done.", "Attendere che finisca."],
            ),
            Self::NoRoom => (["The buffer is too small.", "Il buffer è troppo piccolo."], PROGRAM),
            Self::Absent => (
                ["This is not known.", "Questo dato non è disponibile."],
                ["Go on without it.", "Proseguire senza questo dato."],
            ),
            Self::NotBuiltIn => (
                ["This library was built without that.", "Questa libreria è compilata senza questa parte."],
                ["Use a library that was built with it.", "Usare una libreria compilata con questa parte."],
            ),
            Self::OtherCard => (
                ["This is not for this kind of card.", "Non è possibile con questo tipo di carta."],
                [
                    "The number for services (NIS) and the proof that the chip is genuine are a CIE 3's, personal data are on the cards with contacts: use the other kind.",
                    "Il numero per i servizi (NIS) e la prova che il chip è autentico sono della CIE 3, i dati personali delle carte a contatto: usare una carta dell'altro tipo.",
                ],
            ),
            Self::Unlocked => (
                ["The card still knows the PIN.", "La carta conosce ancora il PIN."],
                [
                    "Take the card away, lay it on again and start over.",
                    "Togliere la carta, riappoggiarla e ricominciare.",
                ],
            ),
            Self::File(_) => (
                ["A file cannot be used.", "Un file non è utilizzabile."],
                [
                    "Check its name, the rights and the room on the disk.",
                    "Controllare il nome, i permessi e lo spazio sul disco.",
                ],
            ),
            Self::NoTestCard => (
                ["This card is no software card.", "Questa carta non è una carta software."],
                [
                    "Record it as a diagnostic trace, which is safe with every card.",
                    "Registrarla come traccia diagnostica, sicura con ogni carta.",
                ],
            ),
            Self::TooMany => (["Too many things are open.", "Troppi elementi sono aperti."], PROGRAM),
            Self::Panic => (["The library failed.", "La libreria ha avuto un errore."], PROGRAM),
            Self::Library(error) => return Err(error),
        })
    }

    /// For whoever looks into it: what exactly, and at which step.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Library(error) => error.to_string(),
            Self::Argument(reason) => (*reason).to_owned(),
            Self::List(fault) => fault.to_string(),
            Self::NotA(kind) => format!("the handle is not open in this context, or is not {kind}"),
            // Who reads this wrote the program that forgot it.
            Self::Unlocked => "the PIN is verified: cie_card_lock ends that first".to_owned(),
            Self::File(reason) => reason.clone(),
            other => other.message(Language::English).to_owned(),
        }
    }

    fn facts(&self) -> cie_error {
        let (tries_left, is_doubtful) = match self {
            Self::Library(error) => (error.tries_left().map_or(-1, i32::from), error.is_doubtful()),
            _ => (-1, false),
        };
        cie_error { result: self.number(), tries_left, is_doubtful: i32::from(is_doubtful) }
    }
}

fn choose(texts: Both, language: Language) -> &'static str {
    let [english, italian] = texts;
    match language {
        Language::English => english,
        Language::Italian => italian,
    }
}

fn language(number: i32) -> Result<Language, Fault> {
    match number {
        CIE_ENGLISH => Ok(Language::English),
        CIE_ITALIAN => Ok(Language::Italian),
        _ => Err(Fault::Argument("language: neither CIE_ENGLISH nor CIE_ITALIAN")),
    }
}

/// What happened, in a sentence for the person who holds the card.
///
/// The text is about the last call with this context that failed; "Nothing went wrong." if none did.
/// `language`: `CIE_ENGLISH` or `CIE_ITALIAN`. `buffer`, `size`: see "Sizes" at the head; the text is UTF-8 with a zero
/// byte at its end. It does not change what it tells about.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_error_message(
    context: ContextIn,
    language: i32,
    buffer: TextOut,
    size: SizeInOut,
) -> cie_result {
    context.ask(|context| {
        let language = self::language(language)?;
        let text = context.last().map_or_else(|| choose(NOTHING, language), |fault| fault.message(language));
        buffer.room(size)?.fill(text)
    })
}

/// What somebody can do about it, in one or two sentences: empty if nothing went wrong. As `cie_error_message`.
///
/// Texts are for a person at a computer, who can plug in a reader; a kiosk may have better words by the number.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_error_advice(
    context: ContextIn,
    language: i32,
    buffer: TextOut,
    size: SizeInOut,
) -> cie_result {
    context.ask(|context| {
        let language = self::language(language)?;
        let text = context.last().map_or("", |fault| fault.advice(language));
        buffer.room(size)?.fill(text)
    })
}

/// What exactly went wrong, and at which step of the dialogue: in English, for a log. It has no PIN in it and names
/// nobody. As `cie_error_message`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_error_detail(context: ContextIn, buffer: TextOut, size: SizeInOut) -> cie_result {
    context.ask(|context| {
        let text = context.last().map_or_else(String::new, |fault| fault.detail());
        buffer.room(size)?.fill(&text)
    })
}

/// The number of the last failure, and what it says of tries. `facts`: receives them. As `cie_error_message`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_error_facts(context: ContextIn, facts: FactsOut) -> cie_result {
    context.ask(|context| {
        let none = cie_error { result: CIE_OK, tries_left: -1, is_doubtful: 0 };
        facts.place()?.put(context.last().map_or(none, |fault| fault.facts()));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::result::name;
    use super::*;

    /// A detail says which argument it is about, or which kind of thing the handle is not.
    #[test]
    fn a_detail_names_the_thing() {
        assert_eq!(
            Fault::NotA("a trust store").detail(),
            "the handle is not open in this context, or is not a trust store"
        );
        let outcome = language(2).unwrap_err();
        assert_eq!((outcome.number(), outcome.detail().split(':').next()), (CIE_ARGUMENT, Some("language")));
        assert!(Fault::Unlocked.detail().contains("cie_card_lock"));
    }

    #[test]
    fn every_fault_of_the_border_has_words() {
        let faults = [
            Fault::Null,
            Fault::Argument("why"),
            Fault::List(ListFault::Delta),
            Fault::Handle,
            Fault::NotA("a trust store"),
            Fault::Busy,
            Fault::NoRoom,
            Fault::Absent,
            Fault::NotBuiltIn,
            Fault::OtherCard,
            Fault::Unlocked,
            Fault::File("which".to_owned()),
            Fault::NoTestCard,
            Fault::TooMany,
            Fault::Panic,
        ];
        for fault in faults {
            let (english, italian) = (fault.message(Language::English), fault.message(Language::Italian));
            assert!(!english.is_empty() && !italian.is_empty() && english != italian, "{fault:?}");
            assert!(fault.advice(Language::English) != fault.advice(Language::Italian), "{fault:?}");
            assert!(!fault.detail().is_empty() && name(fault.number()) != c"unknown", "{fault:?}");
            let longest =
                [english, italian, fault.advice(Language::English), fault.advice(Language::Italian)];
            assert!(longest.iter().all(|text| text.len() < CIE_MESSAGE_SIZE), "{fault:?}");
        }
    }
}
