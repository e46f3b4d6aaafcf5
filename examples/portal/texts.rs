//! Every word that a citizen reads, in Italian and English.

use std::collections::BTreeMap;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Italian,
    English,
}

impl Language {
    /// What was chosen, else what the browser prefers, else Italian.
    pub(crate) fn choose(query: Option<&str>, accepted: Option<&str>) -> Self {
        let chosen = query.into_iter().flat_map(|query| query.split('&'));
        let chosen = chosen.filter_map(|pair| pair.strip_prefix("lang=")).find_map(Self::of_tag);
        chosen.or_else(|| accepted.and_then(Self::preferred)).unwrap_or(Self::Italian)
    }

    /// The one of ours that a list of languages prefers (RFC 9110 section 12.5.4): that with the greatest weight, and
    /// of two the first.
    fn preferred(accepted: &str) -> Option<Self> {
        let mut best = None;
        for range in accepted.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Self::of_tag) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let weight: f32 = weight.unwrap_or(0.0);
            if weight > best.map_or(0.0, |(_, weight)| weight) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    /// By a tag such as `it` or `en-GB`.
    fn of_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "it" => Some(Self::Italian),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Italian => "it",
            Self::English => "en",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Italian => Self::English,
            Self::English => Self::Italian,
        }
    }
}

type Text = (&'static str, &'static str, &'static str);

/// Texts by their names, in a language.
pub(crate) fn in_language(texts: &[Text], language: Language) -> BTreeMap<&'static str, &'static str> {
    let one = |&(name, italian, english): &Text| match language {
        Language::Italian => (name, italian),
        Language::English => (name, english),
    };
    texts.iter().map(one).collect()
}

/// What may happen during a login, by its code: what it is, and what to do.
pub(crate) const SENTENCES: &[Text] = &[
    ("starting", "Un momento: prepariamo l’accesso.", "One moment: we are preparing the login."),
    (
        "waiting",
        "Continua nella finestra che si è aperta sul tuo computer.",
        "Continue in the window that opened on your computer.",
    ),
    ("checking", "Verifichiamo la carta.", "We are verifying your card."),
    (
        "welcome",
        "Carta verificata: ti portiamo alla tua area.",
        "Card verified: we are taking you to your area.",
    ),
    (
        "ERR_WEBEID_USER_CANCELLED",
        "L’accesso è stato annullato. Se vuoi entrare, premi di nuovo il pulsante.",
        "The login was cancelled. If you want to log in, press the button again.",
    ),
    (
        "ERR_WEBEID_USER_TIMEOUT",
        "Il tempo per rispondere è scaduto. Tieni pronti carta e PIN e premi di nuovo il pulsante.",
        "The time to answer is over. Have your card and PIN ready and press the button again.",
    ),
    (
        "ERR_WEBEID_NATIVE_FATAL",
        "Il programma sul tuo computer non ha potuto completare l’accesso e ha spiegato il motivo nella sua finestra. Segui le sue indicazioni, poi premi di nuovo il pulsante.",
        "The program on your computer could not complete the login, and said why in its own window. Do what it said, then press the button again.",
    ),
    (
        "ERR_WEBEID_NATIVE_UNAVAILABLE",
        "Il browser non trova il programma per la carta. Installalo sul computer, riavvia il browser e riprova.",
        "The browser does not find the program for the card. Install it on your computer, restart the browser and try again.",
    ),
    (
        "ERR_WEBEID_NATIVE_INVALID_ARGUMENT",
        "Il programma sul tuo computer non ha capito la richiesta di questo sito. Aggiorna il programma e riprova; se non basta, avvisa il Comune.",
        "The program on your computer did not understand this site’s request. Update the program and try again; if that does not help, tell the municipality.",
    ),
    (
        "ERR_WEBEID_EXTENSION_UNAVAILABLE",
        "Nel browser manca l’estensione Web eID, o è disattivata. Installala o attivala, ricarica la pagina e riprova.",
        "The browser extension Web eID is missing or switched off. Install it or switch it on, reload the page and try again.",
    ),
    (
        "ERR_WEBEID_VERSION_MISMATCH",
        "L’estensione del browser e il programma sul tuo computer hanno versioni non compatibili tra loro. Aggiornali tutti e due, riavvia il browser e riprova.",
        "The browser extension and the program on your computer have versions that do not work together. Update both, restart the browser and try again.",
    ),
    (
        "ERR_WEBEID_VERSION_INVALID",
        "Il programma sul tuo computer non comunica correttamente la propria versione. Installalo di nuovo, riavvia il browser e riprova.",
        "The program on your computer does not report its version correctly. Install it again, restart the browser and try again.",
    ),
    (
        "ERR_WEBEID_ACTION_PENDING",
        "Un altro accesso con la carta è già in corso. Completalo o chiudi la sua finestra, poi premi di nuovo il pulsante.",
        "Another login with the card is under way. Complete it or close its window, then press the button again.",
    ),
    (
        "ERR_WEBEID_ACTION_TIMEOUT",
        "Il programma sul tuo computer non ha risposto in tempo. Chiudi le sue finestre e premi di nuovo il pulsante.",
        "The program on your computer did not answer in time. Close its windows and press the button again.",
    ),
    (
        "ERR_WEBEID_CONTEXT_INSECURE",
        "La connessione con questo sito non è sicura, perciò non puoi entrare. Apri il sito all’indirizzo che comincia con https:// e, se il browser dà un avviso, non proseguire.",
        "The connection to this site is not secure, so you cannot log in. Open the site at its address that begins with https:// and, if the browser warns you, do not go on.",
    ),
    (
        "ERR_WEBEID_MISSING_PARAMETER",
        "Questa pagina ha inviato una richiesta incompleta. Ricaricala e riprova; se non basta, avvisa il Comune.",
        "This page sent an incomplete request. Reload it and try again; if that does not help, tell the municipality.",
    ),
    (
        "ERR_WEBEID_UNKNOWN_ERROR",
        "Qualcosa non ha funzionato sul tuo computer. Ricarica la pagina e riprova; se non basta, riavvia il browser.",
        "Something did not work on your computer. Reload the page and try again; if that does not help, restart the browser.",
    ),
    (
        "refused",
        "Con questa carta non è stato possibile entrare. Controlla che non sia scaduta o revocata e riprova; se non basta, rivolgiti al Comune.",
        "It was not possible to log in with this card. Check that it has not expired or been revoked and try again; if that does not help, ask the municipality.",
    ),
    (
        "issuer-unknown",
        "Questo sito non accetta, o non accetta ancora, carte di questo tipo o di questa Regione. Se ne hai un’altra, prova con quella; altrimenti rivolgiti al Comune.",
        "This site does not accept cards of this kind or region, or not yet. If you have another card, try that one; otherwise ask the municipality.",
    ),
    (
        "session",
        "Il browser non ha inviato il cookie di questa pagina. Ricarica la pagina e riprova; se non basta, attiva i cookie per questo sito.",
        "The browser did not send this page’s cookie. Reload the page and try again; if that does not help, switch cookies on for this site.",
    ),
    (
        "expired",
        "È passato troppo tempo dall’inizio dell’accesso. Ricarica la pagina e ricomincia.",
        "Too much time has passed since the login began. Reload the page and start again.",
    ),
    (
        "unavailable",
        "In questo momento non possiamo verificare le carte: il problema non dipende dalla tua carta. Riprova fra qualche minuto.",
        "We cannot verify cards at the moment; your card is not the cause. Try again in a few minutes.",
    ),
    (
        "network",
        "Il sito non risponde. Controlla la connessione a Internet e riprova.",
        "The site does not answer. Check your Internet connection and try again.",
    ),
    (
        "demo-card-in-use",
        "Un altro programma sta usando la carta software. Chiudilo, o estrai la carta dal suo lettore, e riprova.",
        "Another program is using the software card. Close it, or take the card off its reader, and try again.",
    ),
    (
        "demo-card-failed",
        "La carta software non ha risposto come doveva. Trovi il motivo nel registro del server.",
        "The software card did not answer as it should. See the server’s log for the reason.",
    ),
];

/// The words of the page.
pub(crate) const WORDS: &[Text] = &[
    ("municipality", "Comune di Esempio", "Municipality of Esempio"),
    ("service", "Sportello online", "Online services"),
    ("skip", "Vai al contenuto", "Skip to the content"),
    ("language_nav", "Lingua", "Language"),
    ("other_language", "English", "Italiano"),
    ("title", "Entra con la carta", "Log in with your card"),
    ("heading", "Entra nella tua area personale", "Log in to your personal area"),
    (
        "lead",
        "Ti riconosciamo dalla tua carta d’identità elettronica o dalla tua tessera con funzione CNS.",
        "We recognise you by your electronic identity card or by your National Services Card (CNS).",
    ),
    ("card_heading", "Accesso con la carta", "Login with the card"),
    (
        "step_1",
        "Appoggia la carta sul lettore, o inseriscila.",
        "Place the card on the reader, or insert it.",
    ),
    ("step_2", "Premi «Entra con la carta».", "Press “Log in with your card”."),
    (
        "step_3",
        "Si apre una finestra sul tuo computer. Controlla che vi sia scritto l’indirizzo di questo sito, poi digita il PIN lì.",
        "A window opens on your computer. Check that it shows the address of this site, then type your PIN there.",
    ),
    ("address", "L’indirizzo di questo sito è", "The address of this site is"),
    ("button", "Entra con la carta", "Log in with your card"),
    ("no_pin", "Questo sito non ti chiede mai il PIN.", "This site never asks for your PIN."),
    (
        "no_pin_more",
        "Digitalo solo nella finestra del programma che hai installato, mai in una pagina web.",
        "Type it only in the window of the program that you installed, never into a web page.",
    ),
    ("need_heading", "Che cosa serve", "What you need"),
    (
        "need_card",
        "La carta d’identità elettronica (CIE) con il suo PIN, oppure una tessera sanitaria o carta regionale con funzione CNS attivata.",
        "The electronic identity card (CIE) with its PIN, or a health or regional card with its National Services Card function (CNS) activated.",
    ),
    (
        "need_card_old",
        "Vanno bene anche le carte d’identità elettroniche delle prime generazioni.",
        "Electronic identity cards of the first generations will do as well.",
    ),
    (
        "need_reader",
        "Un lettore collegato al computer: senza contatti per la CIE, a contatti per le altre carte.",
        "A reader connected to the computer: contactless for the CIE, with contacts for other cards.",
    ),
    (
        "need_program",
        "Il programma per la carta e l’estensione Web eID del tuo browser.",
        "The program for the card and the Web eID extension of your browser.",
    ),
    (
        "no_script",
        "Per entrare con la carta serve JavaScript: attivalo per questo sito e ricarica la pagina.",
        "To log in with the card JavaScript is needed: switch it on for this site and reload the page.",
    ),
    (
        "demo_heading",
        "Dimostrazione: fai rispondere la carta software",
        "Demonstration: let the software card answer",
    ),
    (
        "demo_text",
        "Senza lettore, senza programma e senza estensione: il server stesso ha una carta software di un cittadino inventato e risponde al posto del tuo computer. In un sito vero questa sezione non esiste.",
        "Without reader, program or extension: the server itself has the software card of an invented citizen and answers in place of your computer. A real site has no such section.",
    ),
    ("demo_button", "Fai rispondere la carta software", "Let the software card answer"),
    ("welcome_title", "La tua area personale", "Your personal area"),
    ("welcome", "Ti diamo il benvenuto,", "Welcome,"),
    (
        "welcome_lead",
        "Abbiamo verificato la tua carta e il suo certificato.",
        "We have verified your card and its certificate.",
    ),
    ("test_banner", "TEST - NOT A REAL CARD", "TEST - NOT A REAL CARD"),
    (
        "test_text",
        "Carta software di una persona inventata: non è una carta vera e non identifica nessuno.",
        "Software card of an invented person: it is not a real card and identifies nobody.",
    ),
    ("data_heading", "I dati della carta", "What your card says"),
    ("given_names", "Nome", "Given names"),
    ("surname", "Cognome", "Surname"),
    ("fiscal_code", "Codice fiscale", "Tax code (codice fiscale)"),
    ("card", "Carta", "Card"),
    ("not_told", "non indicato", "not told"),
    ("card_cie3", "Carta d’identità elettronica (CIE)", "Electronic identity card (CIE)"),
    ("card_cns", "Carta nazionale dei servizi (CNS)", "National Services Card (CNS)"),
    (
        "card_first",
        "Carta d’identità elettronica delle prime generazioni",
        "Electronic identity card of the first generations",
    ),
    ("card_other", "Altra carta", "Another card"),
    (
        "legacy",
        "La carta usa una crittografia di vecchio tipo.",
        "The card uses cryptography of an older kind.",
    ),
    (
        "session_ended",
        "La tua sessione è terminata. Per continuare, entra di nuovo.",
        "Your session has ended. To go on, log in again.",
    ),
    (
        "ends",
        "La sessione termina dopo 15 minuti senza attività, e comunque dopo 8 ore.",
        "The session ends after 15 minutes without activity, and after 8 hours in any case.",
    ),
    ("logout", "Esci", "Log out"),
    (
        "footer",
        "Comune inventato: questo sito mostra come un portale riconosce i cittadini con la carta.",
        "An invented municipality: this site shows how a portal recognises citizens by their card.",
    ),
    ("again", "Un momento", "One moment"),
    ("again_link", "Continua", "Continue"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_chosen_preferred_or_italian() {
        use Language::{English, Italian};
        for (query, accepted, language) in [
            (None, None, Italian),
            (Some("lang=en"), Some("it"), English),
            (Some("x=1&lang=it"), Some("en"), Italian),
            (Some("lang=fr"), Some("en-GB,en;q=0.9"), English),
            (None, Some("de, en;q=0.4, it;q=0.8"), Italian),
            (None, Some("en;q=0"), Italian),
            (None, Some("en;q=x, fr"), Italian),
            (None, Some("fr"), Italian),
        ] {
            assert_eq!(Language::choose(query, accepted), language, "{query:?} {accepted:?}");
        }
    }

    #[test]
    fn nothing_is_said_in_one_language_only() {
        for (name, italian, english) in WORDS.iter().chain(SENTENCES) {
            assert!(!italian.is_empty() && !english.is_empty(), "{name}");
        }
        for texts in [WORDS, SENTENCES] {
            assert_eq!(in_language(texts, Language::Italian).len(), texts.len(), "a name stands twice");
        }
    }

    #[test]
    fn whatever_the_scripts_say_has_a_sentence() {
        let scripts = [include_str!("portal.js"), include_str!("demo.js")].concat();
        let mut codes: Vec<&str> = scripts.split('"').filter(|text| text.starts_with("ERR_")).collect();
        for call in ["tell(\"", "Failure(\"", "code: \""] {
            codes.extend(scripts.split(call).skip(1).filter_map(|rest| rest.split('"').next()));
        }
        assert!(codes.len() > 8, "{codes:?}");
        codes.extend(["refused", "issuer-unknown", "session", "expired", "unavailable"]);
        codes.extend(["demo-card-in-use", "demo-card-failed"]);
        // What the library of Web eID names.
        for name in [
            "ACTION_PENDING",
            "ACTION_TIMEOUT",
            "CONTEXT_INSECURE",
            "EXTENSION_UNAVAILABLE",
            "MISSING_PARAMETER",
            "NATIVE_FATAL",
            "NATIVE_INVALID_ARGUMENT",
            "NATIVE_UNAVAILABLE",
            "UNKNOWN_ERROR",
            "USER_CANCELLED",
            "USER_TIMEOUT",
            "VERSION_INVALID",
            "VERSION_MISMATCH",
        ] {
            let code = format!("ERR_WEBEID_{name}");
            assert!(SENTENCES.iter().any(|(known, ..)| *known == code), "{code}");
        }
        for code in codes {
            assert!(SENTENCES.iter().any(|(known, ..)| *known == code), "{code}");
        }
    }
}
