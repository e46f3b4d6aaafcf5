//! What ends a command early: what is said of it, and with which exit status.

use std::process::ExitCode;

use cie::Language;
use serde_json::{Value, json};

use crate::language::{self, Text};

/// Exit status, the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Checked and bad: do not trust.
    Bad = 1,
    /// Wrong words, files or digits; nothing was sent to the card.
    Usage = 2,
    /// No service, reader or card.
    NoCard = 3,
    /// The card refused, or forgot what it was told.
    Refused = 4,
    /// Wrong PIN or PUK: a try was spent.
    WrongSecret = 5,
    /// PIN or PUK blocked.
    Blocked = 6,
    /// Nothing could be checked.
    Unchecked = 7,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// What ends a command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library's errors.
    Library(Box<cie::Error>),
    /// What the command itself finds.
    Own(&'static Problem, String),
    /// Words that are no command; said already in the person's language, with where to read on.
    Words { message: String, usage: String },
    /// No words at all: the help, which says what there is.
    NoCommand(String),
    /// Nobody reads our output any more.
    Unread,
}

/// A failure of the command itself.
#[derive(Debug)]
pub(crate) struct Problem {
    code: &'static str,
    status: Status,
    /// What happened; `{}` is the detail.
    message: Text,
    advice: Text,
}

macro_rules! problems {
    ($($name:ident: $code:literal, $status:ident,
        [$english:literal, $italian:literal], [$advice:literal, $consiglio:literal];)*) => {
        $(#[allow(dead_code, reason = "one is for builds with software cards, one for those without")]
        pub(crate) const $name: &Problem = &Problem {
            code: $code,
            status: Status::$status,
            message: Text { english: $english, italian: $italian },
            advice: Text { english: $advice, italian: $consiglio },
        };)*
        #[cfg(test)]
        const PROBLEMS: &[&Problem] = &[$($name),*];
    };
}

problems! {
    INPUT: "input", Usage,
        ["Cannot read {}.", "Impossibile leggere {}."],
        ["Check the name and the rights of the file.", "Controllare il nome e i permessi del file."];
    INPUT_TOO_LONG: "input-too-long", Usage,
        ["{} is too long.", "{} è troppo lungo."],
        ["At most 256 MiB are signed at once.", "Si firmano al massimo 256 MiB per volta."];
    OUTPUT: "output", Usage,
        ["Cannot write {}.", "Impossibile scrivere {}."],
        ["Check the name, the rights and the room on the disk.", "Controllare il nome, i permessi e lo spazio sul disco."];
    EXISTS: "file-exists", Usage,
        ["The file {} exists already.", "Il file {} esiste già."],
        ["Choose another name, or replace it with --force.", "Scegliere un altro nome, o sostituirlo con --force."];
    LIST: "list-unusable", Usage,
        ["Cannot use the revocation list {}.", "Elenco di revoca inutilizzabile: {}."],
        ["Give whole lists as their issuer publishes them, DER or PEM, and folders with nothing else in them.", "Indicare elenchi completi come li pubblica chi emette i certificati, DER o PEM, e cartelle che non contengano altro."];
    ONE_STANDARD_INPUT: "one-standard-input", Usage,
        ["Standard input cannot be the file to sign and a secret at once.", "L'ingresso standard non può essere insieme il file da firmare e un segreto."],
        ["Give one of them as a file.", "Indicare un file per uno dei due."];
    NO_TERMINAL: "no-terminal", Usage,
        ["There is no terminal to ask at ({}).", "Non c'è un terminale a cui chiedere ({})."],
        ["Give the secret with --pin-file, --puk-file or --new-pin-file; - is standard input.", "Indicare il segreto con --pin-file, --puk-file o --new-pin-file; - è l'ingresso standard."];
    NOT_ENTERED: "not-entered", Usage,
        ["Nothing was entered.", "Nulla è stato inserito."],
        ["Nothing was sent to the card.", "Nulla è stato inviato alla carta."];
    PIN_MISMATCH: "pin-mismatch", Usage,
        ["The two new PINs differ.", "I due nuovi PIN sono diversi."],
        ["Nothing was sent to the card. Start again.", "Nulla è stato inviato alla carta. Ricominciare."];
    SEVERAL_CARDS: "several-cards", NoCard,
        ["There are cards on several readers: {}.", "Ci sono carte su più lettori: {}."],
        ["Choose one with --reader NAME.", "Sceglierne uno con --reader NOME."];
    OTHER_CARD: "other-card", Refused,
        ["This command is not for this kind of card.", "Questo comando non è per questo tipo di carta."],
        ["Personal data are on a CNS, a health card and the identity cards before the CIE 3, a number for services (NIS) on a CIE 3; cie readers says what lies there.", "I dati personali sono su CNS, tessere sanitarie e carte d'identità precedenti alla CIE 3, il numero per i servizi (NIS) è sulla CIE 3; cie readers dice che carta è."];
    NO_SUCH_CHIP: "no-such-chip", Usage,
        ["--chip is for --kind cie3 only.", "--chip vale solo con --kind cie3."],
        ["Leave it away: the kind of card says which chip it has.", "Ometterlo: il tipo di carta dice già quale chip ha."];
    VIRTUAL_READER: "virtual-reader", NoCard,
        ["The card is off the virtual reader: {}.", "La carta non è più sul lettore virtuale: {}."],
        ["Check that vpcd of the project vsmartcard listens there.", "Controllare che lì ascolti vpcd del progetto vsmartcard."];
    NO_TEST_CARD: "no-test-card", Usage,
        ["This card does not say that it is a software card, so not everything may be recorded.", "Questa carta non dice di essere una carta software, perciò non si può registrare tutto."],
        ["A diagnostic trace is safe with every card. If it is a test card whose PIN is nobody's secret, add --trace-test-card.", "Una registrazione diagnostic è sicura con ogni carta. Se è una carta di prova e il suo PIN non è un segreto, aggiungere --trace-test-card."];
    TRACE_EXISTS: "trace-exists", Usage,
        ["The file {} exists already.", "Il file {} esiste già."],
        ["Choose another name: a recording replaces no file.", "Scegliere un altro nome: una registrazione non sostituisce alcun file."];
    NO_DIALOGUE: "no-dialogue", Usage,
        ["This command says nothing to a card that could be recorded.", "Questo comando non dice nulla a una carta che si possa registrare."],
        ["Leave --trace away.", "Omettere --trace."];
    LOG_UNKNOWN: "log-unknown", Usage,
        ["{}: no command was recognised in this log.", "{}: nessun comando riconosciuto in questo registro."],
        ["Logs of OpenSC (debug = 9), pcscd -a, pcsc-spy, scriptor and hex lists with > and < are read; --format says which it is.", "Si leggono i registri di OpenSC (debug = 9), pcscd -a, pcsc-spy, scriptor ed elenchi esadecimali con > e <; --format dice di quale si tratta."];
    LOG_TOO_LONG: "log-too-long", Usage,
        ["{} is too long.", "{} è troppo lungo."],
        ["At most 64 MiB of a log and a hundred thousand commands are read: cut out what matters.", "Di un registro si leggono al massimo 64 MiB e centomila comandi: ritagliare ciò che serve."];
    NO_BROWSER: "no-browser", Usage,
        ["This is started by a browser, not by hand.", "Questo comando lo avvia il browser, non una persona."],
        ["`cie web-eid install` makes browsers find it.", "`cie web-eid install` fa in modo che i browser lo trovino."];
    REQUEST_REFUSED: "request-refused", Usage,
        ["What the browser asked is refused: {}.", "La richiesta del browser è rifiutata: {}."],
        ["The page or its extension has to ask otherwise.", "La pagina o la sua estensione deve chiedere in altro modo."];
    OTHER_REQUEST: "other-request", Usage,
        ["Another window of this program is open.", "È aperta un'altra finestra di questo programma."],
        ["Answer or cancel it first, then start again here.", "Rispondere prima a quella, o annullarla, poi ricominciare qui."];
    NO_PINENTRY: "no-pinentry", Usage,
        ["The program that asks for the PIN cannot be started ({}).", "Impossibile avviare il programma che chiede il PIN ({})."],
        ["Install a pinentry for the desktop, such as pinentry-gnome3 or pinentry-qt, or name another program with --pinentry.", "Installare un pinentry per il desktop, come pinentry-gnome3 o pinentry-qt, o indicare un altro programma con --pinentry."];
    PINENTRY_FAILED: "pinentry-failed", Usage,
        ["The program that asks for the PIN cannot do it ({}).", "Il programma che chiede il PIN non può farlo ({})."],
        ["Another one may do it, such as pinentry-gnome3 or pinentry-qt; pinentry-tty and pinentry-curses need a terminal.", "Un altro può riuscirci, come pinentry-gnome3 o pinentry-qt; pinentry-tty e pinentry-curses vogliono un terminale."];
    SIGNATURE_PIN_BLOCKED: "signature-pin-blocked", Blocked,
        ["The PIN for signatures is blocked.", "Il PIN di firma è bloccato."],
        ["It has a PUK of its own, in the papers of the certificate for signatures; this program does not use it. The PUK of the login PIN is another one: do not try it.", "Ha un proprio PUK, nei documenti del certificato di firma; questo programma non lo usa. Il PUK del PIN di accesso è un altro: non provarlo."];
    HOST_TAKEN: "host-taken", Usage,
        ["This place is somebody else's: {}.", "Questo posto è di qualcun altro: {}."],
        ["Nothing was changed. Remove that product first, or choose another name with --as.", "Nulla è stato cambiato. Rimuovere prima quel prodotto, o scegliere un altro nome con --as."];
    NOT_INSTALLED: "not-installed", Usage,
        ["The host is not registered, this cannot be written: {}.", "L'host non è registrato, impossibile scrivere: {}."],
        ["Nothing else was changed. Check the rights and the room there.", "Null'altro è cambiato. Controllare lì i permessi e lo spazio."];
    NOT_REMOVED: "not-removed", Usage,
        ["The host is still registered, this cannot be removed: {}.", "L'host è ancora registrato, impossibile rimuovere: {}."],
        ["Nothing else was changed. Check the rights there.", "Null'altro è cambiato. Controllare lì i permessi."];
    NO_EXTENSION: "no-extension", Usage,
        ["No extension is known that calls the host {}.", "Non si conoscono estensioni che chiamano l'host {}."],
        ["Name those that may call it with --extension.", "Indicare con --extension quelle che possono chiamarlo."];
    NO_HOME: "no-home", Usage,
        ["HOME is not the absolute path of a folder: {}.", "HOME non è il percorso assoluto di una cartella: {}."],
        ["Set HOME to your own folder.", "Impostare HOME sulla propria cartella."];
    NO_TEXT_PATH: "no-text-path", Usage,
        ["This path is no text (UTF-8), so browsers cannot be told it: {}.", "Questo percorso non è testo (UTF-8), quindi non si può indicare ai browser: {}."],
        ["Choose another folder for it.", "Scegliere un'altra cartella."];
    NO_REGISTRY: "no-registry", Usage,
        ["Browsers of this system look in its registry, which this command does not write.", "I browser di questo sistema cercano nel registro di sistema, che questo comando non scrive."],
        ["It registers hosts on Linux and macOS.", "Registra gli host su Linux e macOS."];
    NO_SOFT_CARDS: "no-soft-cards", Usage,
        ["This program was built without software cards.", "Questo programma è compilato senza carte software."],
        ["Build it with --features cli,emulator.", "Compilarlo con --features cli,emulator."];
}

impl<E: Into<cie::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Library(Box::new(error.into()))
    }
}

impl Failure {
    /// A file with a secret that could not be read. Whoever gave the secret itself in its place should not
    /// read it again in a log.
    pub(crate) fn secret_input(name: &std::path::Path, error: &std::io::Error) -> Self {
        let told = name.display().to_string();
        let told = if told.chars().any(|c| c.is_ascii_digit()) { "…".to_owned() } else { told };
        Self::Own(INPUT, format!("{told} ({error})"))
    }

    /// A file that could not be read.
    pub(crate) fn input(name: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Own(INPUT, format!("{} ({error})", name.display()))
    }

    /// The stable name of what went wrong.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Library(error) => error.code(),
            Self::Own(problem, _) => problem.code,
            Self::Words { .. } | Self::NoCommand(_) => "usage",
            Self::Unread => "unread",
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self::Library(error) => status_of(error.code()).into(),
            Self::Own(problem, _) => problem.status.into(),
            Self::Words { .. } | Self::NoCommand(_) => Status::Usage.into(),
            Self::Unread => ExitCode::SUCCESS,
        }
    }

    fn tries_left(&self) -> Option<u8> {
        match self {
            Self::Library(error) => error.tries_left(),
            _ => None,
        }
    }

    /// What happened: for whoever looks into it, in the words of the part that found it.
    fn message(&self, language: Language) -> String {
        match self {
            Self::Library(error) => error.to_string(),
            Self::Own(problem, detail) => problem.message.with(language, &[detail]),
            Self::Words { message, .. } => message.clone(),
            Self::NoCommand(_) => language::NO_COMMAND.of(language).to_owned(),
            Self::Unread => String::new(),
        }
    }

    /// What the person can do.
    fn advice(&self, language: Language) -> String {
        match self {
            Self::Library(error) => {
                let advice = error.advice(language);
                let contact = is_contact(error);
                let doubt = if contact { language::HINT_CONTACT_DOUBT } else { language::HINT_DOUBT };
                let doubt = error.is_doubtful().then_some(doubt);
                // Each command is a process of its own: the next one knows nothing of what this card said.
                let forgotten = contact && matches!(error.code(), "pin-wrong" | "puk-wrong");
                let count = forgotten.then_some(language::HINT_KEEP_COUNT);
                // Of the last one the advice says as much.
                let hint = hint_of(error.code(), contact).filter(|_| !is_wrong_with_one_left(error));
                let hints = [hint, own_hint(error), count, doubt];
                let hints = hints.into_iter().flatten();
                hints.fold(advice.to_owned(), |advice, hint| format!("{advice} {}", hint.of(language)))
            }
            Self::Own(problem, _) => problem.advice.of(language).to_owned(),
            Self::Words { usage, .. } => language::HELP_HINT.with(language, &[usage]),
            Self::NoCommand(_) => language::HELP_HINT.with(language, &[&"cie"]),
            Self::Unread => String::new(),
        }
    }

    /// What a person can do who sees a window and no command line; the tries that are left, if that is known.
    pub(crate) fn for_a_window(&self, language: Language) -> String {
        match self.code() {
            "several-cards" => return language::WINDOW_SEVERAL_CARDS.of(language).to_owned(),
            "no-reader" => return language::WINDOW_NO_READER.of(language).to_owned(),
            _ => {}
        }
        let Self::Library(error) = self else {
            return format!("{}\n\n{}", self.message(language), self.advice(language));
        };
        let blocked = (error.code() == "pin-blocked").then(|| hint_of(error.code(), is_contact(error)));
        let doubt = error.is_doubtful().then_some(Some(language::HINT_IN_DOUBT));
        let hints = [blocked, doubt].into_iter().flatten().flatten();
        let advice = error.advice(language).to_owned();
        let text = hints.fold(advice, |text, hint| format!("{text} {}", hint.of(language)));
        match self.tries_left().filter(|left| *left > 0) {
            Some(left) => format!("{text} {}", language::TRIES_LEFT.with(language, &[&left])),
            None => text,
        }
    }

    /// Several lines for a person: first what matters to them, last what matters to support.
    pub(crate) fn to_text(&self, language: Language) -> String {
        if let Self::NoCommand(help) = self {
            return help.clone();
        }
        let (message, advice, code) = (self.message(language), self.advice(language), self.code());
        let mut text = match self {
            Self::Library(_) => language::ERROR.with(language, &[&advice]),
            _ => format!("{}\n{advice}", language::ERROR.with(language, &[&message])),
        };
        // Zero tries are what "blocked" says.
        if let Some(left) = self.tries_left().filter(|left| *left > 0) {
            text += &format!("\n{}", language::TRIES_LEFT.with(language, &[&left]));
        }
        match self {
            Self::Library(_) => text + &format!("\n({code}: {message})\n"),
            _ => text + &format!("\n({code})\n"),
        }
    }

    /// The same for programs.
    pub(crate) fn to_json(&self, language: Language) -> Value {
        json!({ "error": {
            "code": self.code(),
            "message": self.message(language),
            "advice": self.advice(language),
            "tries_left": self.tries_left(),
        }})
    }
}

fn is_wrong_with_one_left(error: &cie::Error) -> bool {
    matches!(error.code(), "pin-wrong" | "puk-wrong") && error.tries_left() == Some(1)
}

fn is_contact(error: &cie::Error) -> bool {
    matches!(error, cie::Error::Cns(_))
}

/// What this command offers against one error of several that have its code.
fn own_hint(error: &cie::Error) -> Option<Text> {
    use cie::trust::{Error, FolderError};
    Some(match error {
        // Of a token. What a card signs wrongly is another error.
        cie::Error::Trust(Error::WrongSignature) => language::HINT_OTHER_CHALLENGE,
        cie::Error::Trust(Error::WrongPurpose(_) | Error::CardNotTaken(_)) => language::HINT_CARD_KIND,
        cie::Error::Trust(Error::TooWeak) => language::HINT_LEGACY,
        cie::Error::TrustFolder(FolderError::Certificate { error: Error::TestCertificate, .. }) => {
            language::HINT_TEST_PKI
        }
        _ => return None,
    })
}

/// The exit status of each of the library's codes.
fn status_of(code: &str) -> Status {
    match code {
        "pin-wrong" | "puk-wrong" => Status::WrongSecret,
        "pin-blocked" | "puk-blocked" => Status::Blocked,
        // Nothing was sent: other words, digits or files are needed.
        "pin-malformed"
        | "puk-malformed"
        | "new-pin-malformed"
        | "pin-weak"
        | "pin-last-try"
        | "puk-last-try"
        | "purpose-refused"
        | "soft-card"
        | "trace-unusable"
        | "trace-not-redactable"
        | "not-as-recorded"
        | "fiscal-code-malformed"
        | "origin-malformed"
        | "nonce-malformed"
        | "trust-folder"
        | "internal" => Status::Usage,
        "no-service" | "access-denied" | "no-reader" | "no-card" | "card-in-use" | "card-removed"
        | "card-mute" | "card-unpowered" | "reader-failed" | "reader-stuck" | "timed-out" | "cancelled"
        | "pin-uncertain" => Status::NoCard,
        "card-refused" | "card-unsupported" | "not-activated" | "unblock-refused" | "not-a-cie"
        | "card-reset" | "channel-lost" | "pin-needed" | "pin-state-lost" | "foreign-authority" => {
            Status::Refused
        }
        "issuer-unknown" | "personal-data-unbound" | "status-unavailable" | "challenge-store" => {
            Status::Unchecked
        }
        // The rest was looked at and is not good; and what is not known here is not good either.
        _ => Status::Bad,
    }
}

/// What this command offers against it, beyond the library's advice; for contact cards partly other things.
fn hint_of(code: &str, contact: bool) -> Option<Text> {
    Some(match (code, contact) {
        ("pin-wrong", _) => language::HINT_PIN_WRONG,
        ("pin-last-try" | "puk-last-try", _) => language::HINT_LAST_TRY,
        ("pin-blocked", false) => language::HINT_PIN_BLOCKED,
        ("pin-blocked", true) => language::HINT_CONTACT_PIN_BLOCKED,
        ("purpose-refused", _) => language::HINT_PURPOSE,
        ("no-card", _) => language::HINT_WAIT,
        ("test-certificate", _) => language::HINT_TEST_PKI,
        ("signature-weak", _) => language::HINT_SHA1,
        ("status-unavailable", _) => language::HINT_STATUS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract with scripts, written out.
    const CONTRACT: [(u8, &[&str]); 7] = [
        (
            1,
            &[
                "card-malformed",
                "pin-doubtful",
                "channel-broken",
                "chip-not-authentic",
                "file-altered",
                "wrong-signature",
                "signature-weak",
                "certificate-expired",
                "certificate-bad",
                "certificate-weak",
                "card-not-accepted",
                "test-certificate",
                "redaction-leaks",
                "certificate-revoked",
                "token-malformed",
                "challenge-missing",
                "challenge-expired",
            ],
        ),
        (
            2,
            &[
                "pin-malformed",
                "puk-malformed",
                "new-pin-malformed",
                "pin-weak",
                "pin-last-try",
                "puk-last-try",
                "purpose-refused",
                "soft-card",
                "trace-unusable",
                "trace-not-redactable",
                "not-as-recorded",
                "fiscal-code-malformed",
                "origin-malformed",
                "nonce-malformed",
                "trust-folder",
                "internal",
            ],
        ),
        (
            3,
            &[
                "no-service",
                "access-denied",
                "no-reader",
                "no-card",
                "card-in-use",
                "card-removed",
                "card-mute",
                "card-unpowered",
                "reader-failed",
                "reader-stuck",
                "timed-out",
                "cancelled",
                "pin-uncertain",
            ],
        ),
        (
            4,
            &[
                "card-refused",
                "unblock-refused",
                "not-a-cie",
                "card-unsupported",
                "not-activated",
                "card-reset",
                "channel-lost",
                "pin-needed",
                "pin-state-lost",
                "foreign-authority",
            ],
        ),
        (5, &["pin-wrong", "puk-wrong"]),
        (6, &["pin-blocked", "puk-blocked"]),
        (7, &["issuer-unknown", "personal-data-unbound", "status-unavailable", "challenge-store"]),
    ];

    #[test]
    fn every_code_of_the_library_has_its_exit_status() {
        let mut library: Vec<_> = cie::Error::codes().collect();
        library.sort_unstable();
        let mut contract = Vec::new();
        for (status, codes) in CONTRACT {
            for code in codes {
                assert_eq!(status_of(code) as u8, status, "{code}");
                contract.push(*code);
            }
        }
        contract.sort_unstable();
        assert_eq!(library, contract);
    }

    #[test]
    fn the_commands_own_codes_are_nobody_elses() {
        let mut codes: Vec<_> = cie::Error::codes().chain(PROBLEMS.iter().map(|own| own.code)).collect();
        codes.push("usage");
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for own in PROBLEMS {
            assert_ne!(own.message.english, own.message.italian, "{}", own.code);
            assert_ne!(own.advice.english, own.advice.italian, "{}", own.code);
            let gaps = |text: &str| text.matches("{}").count();
            assert_eq!(gaps(own.message.english), gaps(own.message.italian), "{}", own.code);
            assert!(
                matches!(own.status, Status::Usage | Status::NoCard | Status::Refused | Status::Blocked),
                "{}",
                own.code
            );
        }
    }

    /// The page tells every code, in the row of its status, and no other.
    #[test]
    fn the_documentation_tells_every_code() {
        let page = include_str!("../../../docs/cli.md");
        let table = page.split("## Exit status").nth(1).unwrap().split("\n## ").next().unwrap();
        let mut told = Vec::new();
        for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            for code in cells[3].split(", ").filter(|code| !code.is_empty()) {
                told.push((code.trim_matches('`').to_owned(), cells[1].parse::<u8>().unwrap()));
            }
        }
        let own = PROBLEMS.iter().map(|own| (own.code.to_owned(), own.status as u8));
        let mut ours: Vec<_> =
            cie::Error::codes().map(|code| (code.to_owned(), status_of(code) as u8)).collect();
        ours.extend(own.chain([("usage".to_owned(), 2)]));
        told.sort();
        ours.sort();
        assert_eq!(told, ours);
    }

    #[test]
    fn every_hint_is_for_a_code_that_exists() {
        let hinted = |contact| cie::Error::codes().filter(|code| hint_of(code, contact).is_some()).count();
        assert_eq!((hinted(false), hinted(true)), (9, 9));
    }
}
