//! The language of the person at the terminal, and every sentence the command says, in each language.

use std::ffi::OsString;
use std::fmt::Display;

use cie::Language;

/// One sentence in each language; `{}` stands for what is filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(crate) english: &'static str,
    pub(crate) italian: &'static str,
}

impl Text {
    /// The sentence in this language.
    pub(crate) fn of(self, language: Language) -> &'static str {
        match language {
            Language::Italian => self.italian,
            _ => self.english,
        }
    }

    /// The sentence with its gaps filled, in order.
    pub(crate) fn with(self, language: Language, fillings: &[&dyn Display]) -> String {
        let mut pieces = self.of(language).split("{}");
        let mut said = pieces.next().unwrap_or_default().to_owned();
        for (index, piece) in pieces.enumerate() {
            if let Some(filling) = fillings.get(index) {
                said += &filling.to_string();
            }
            said += piece;
        }
        said
    }
}

/// The language asked for by `--lang`, else the system's, else English. Read off the raw words, because
/// the help and the complaints about wrong words must speak it already.
pub(crate) fn choose(words: &[OsString]) -> Language {
    let mut words = words.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    let mut asked = None;
    while let Some(word) = words.next() {
        match word.strip_prefix("--lang") {
            Some("") => asked = words.next().map(|value| value.into_owned()),
            Some(value) => asked = value.strip_prefix('=').map(str::to_owned).or(asked),
            None => {}
        }
    }
    of_locale(&asked.or_else(sys_locale::get_locale).unwrap_or_default())
}

/// Italian for `it`, `it-IT` and the like, English for everything else.
fn of_locale(locale: &str) -> Language {
    let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
    if language.eq_ignore_ascii_case("it") { Language::Italian } else { Language::English }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $italian:literal;)*) => {
        $(#[cfg_attr(not(feature = "emulator"), allow(dead_code, reason = "the soft card's"))]
        pub(crate) const $name: Text = Text { english: $english, italian: $italian };)*
        #[cfg(test)]
        const ALL: &[Text] = &[$($name),*];
    };
}

texts! {
    // Failures.
    ERROR: "error: {}", "errore: {}";
    TRIES_LEFT: "Tries left: {}.", "Tentativi rimasti: {}.";
    HINT_PIN_WRONG:
        "When no try is left the PIN is blocked, and only the PUK helps.",
        "Esauriti i tentativi il PIN si blocca e serve il PUK.";
    HINT_KEEP_COUNT:
        "Keep count: before the next try this card does not say how many are left, and the last one is sent like any other.",
        "Tenere il conto: prima di riprovare questa carta non dice quanti ne restano, e l'ultimo viene inviato come gli altri.";
    HINT_LAST_TRY:
        "To spend it all the same, add --last-try.",
        "Per usarlo comunque, aggiungere --last-try.";
    HINT_PIN_BLOCKED:
        "Run `cie pin unblock` with the PUK: eight digits, in the same two papers as the PIN, four in each. If they are lost, a municipality (Comune) can print them again.",
        "Eseguire `cie pin unblock` con il PUK: otto cifre, sugli stessi due fogli del PIN, quattro su ciascuno. Se sono smarriti, rivolgersi al Comune per la ristampa.";
    HINT_CONTACT_PIN_BLOCKED:
        "Run `cie pin unblock` with the PUK from the papers that came with the card.",
        "Eseguire `cie pin unblock` con il PUK, indicato nei documenti consegnati con la carta.";
    HINT_PURPOSE:
        "If you know what the bytes are and that they are no login, add --acknowledge-raw.",
        "Se si sa che cosa sono questi dati e che non sono un accesso, aggiungere --acknowledge-raw.";
    HINT_SHA1: "On this command line: --allow-sha1.", "Su questa riga di comando: --allow-sha1.";
    HINT_TEST_PKI:
        "To try with software cards, take their own folder with --trust and add --allow-test-pki.",
        "Per le prove con carte software, indicare la loro cartella con --trust e aggiungere --allow-test-pki.";
    HINT_STATUS:
        "Revocation lists that you have are given with --list; --status says what to do without an answer.",
        "Gli elenchi di revoca già disponibili si indicano con --list; --status dice che cosa fare senza risposta.";
    HINT_OTHER_CHALLENGE:
        "A login token fits only the --origin and the --nonce that it was made for.",
        "Un token di accesso vale solo per l'origine (--origin) e il codice di sfida (--nonce) per cui è stato creato.";
    HINT_CARD_KIND:
        "Which kinds of cards are taken, --card says.",
        "I tipi di carta accettati si indicano con --card.";
    HINT_LEGACY:
        "On this command line: --legacy-cryptography.",
        "Su questa riga di comando: --legacy-cryptography.";
    HINT_DOUBT:
        "It is not known whether a try was spent: see how many are left with cie info.",
        "Non si sa se un tentativo è stato consumato: vedere quanti ne restano con cie info.";
    HINT_IN_DOUBT:
        "It is not known whether a try was spent.",
        "Non si sa se un tentativo è stato consumato.";
    HINT_CONTACT_DOUBT:
        "It is not known whether a try was spent, and this card does not tell how many are left.",
        "Non si sa se un tentativo è stato consumato, e questa carta non dice quanti ne restano.";
    HINT_WAIT:
        "With --wait 30 the command waits half a minute for a card.",
        "Con --wait 30 il comando attende una carta per mezzo minuto.";
    NO_COMMAND: "a command is missing", "manca il comando";
    COMMON_OPTIONS: "Options of every command", "Opzioni di tutti i comandi";
    HELP_HINT: "For more information, try `{} --help`.", "Per maggiori informazioni: `{} --help`.";

    // Entering secrets.
    PROMPT_PIN:
        "The PIN of the CIE has eight digits: the first four from the receipt of the\nmunicipality, the last four from the letter that came with the card.",
        "Il PIN della CIE ha otto cifre: le prime quattro dalla ricevuta del Comune,\nle ultime quattro dalla lettera arrivata con la carta.";
    PROMPT_PUK:
        "The PUK of the CIE has eight digits: the first four from the receipt of the\nmunicipality, the last four from the letter that came with the card.",
        "Il PUK della CIE ha otto cifre: le prime quattro dalla ricevuta del Comune,\nle ultime quattro dalla lettera arrivata con la carta.";
    PROMPT_CONTACT_PIN:
        "The PIN of this card has five to eight digits.",
        "Il PIN di questa carta ha da cinque a otto cifre.";
    PROMPT_CONTACT_PUK:
        "The PUK of this card, from the papers that came with it, mostly has eight digits.",
        "Il PUK di questa carta, nei documenti consegnati con essa, ha di solito otto cifre.";
    PROMPT_UNTOLD:
        "The card does not say how many tries are left: this may be the last one.",
        "La carta non dice quanti tentativi rimangono: questo potrebbe essere l'ultimo.";
    PROMPT_LAST_TRY:
        "THIS IS THE LAST TRY: a wrong one blocks it.",
        "QUESTO È L'ULTIMO TENTATIVO: se è errato, si blocca.";
    PROMPT_CLAIMED_BLOCKED:
        "The card says that it is blocked.",
        "La carta dice che è bloccato.";
    PROMPT_HIDDEN: "Nothing is shown while you type.", "Le cifre non appaiono mentre si digitano.";
    ASK_PIN: "PIN: ", "PIN: ";
    ASK_OLD_PIN: "Present PIN: ", "PIN attuale: ";
    ASK_NEW_PIN: "New PIN, eight digits: ", "Nuovo PIN, otto cifre: ";
    ASK_NEW_CONTACT_PIN: "New PIN, five to eight digits: ", "Nuovo PIN, da cinque a otto cifre: ";
    ASK_NEW_PIN_AGAIN: "New PIN once more: ", "Nuovo PIN, di nuovo: ";
    ASK_PUK: "PUK: ", "PUK: ";

    // Steps that take a while.
    OPENING:
        "Opening the protected connection to the card. Leave it on the reader",
        "Apertura del collegamento protetto con la carta. Lasciarla sul lettore";
    CHECKING_PIN: "Showing the PIN to the card", "Invio del PIN alla carta";
    CHECKING_PUK: "Showing the PUK to the card", "Invio del PUK alla carta";
    CHANGING_PIN: "Changing the PIN. Do not move the card", "Cambio del PIN. Non muovere la carta";
    READING_CERTIFICATE: "Reading the certificate", "Lettura del certificato";
    SIGNING: "Signing", "Firma";
    CHECKING_CARD: "Checking that the card is genuine", "Verifica dell'autenticità della carta";
    READING_DATA: "Reading the personal data", "Lettura dei dati personali";
    ASKING_STATUS: "Finding out about revocation", "Verifica delle revoche";
    LOOKING: "Looking at the card", "Esame della carta";
    REDACTING: "Making keys, and the dialogue once more", "Creazione delle chiavi e ripetizione del dialogo";
    MAKING_CARD: "Making keys and certificates", "Creazione di chiavi e certificati";
    LAY_CARD: "Lay the card on the reader, or put it in.", "Appoggiare la carta sul lettore, o inserirla.";

    // Answers.
    PIN_TRIES: "PIN tries left: {}", "Tentativi rimasti per il PIN: {}";
    PIN_TRIES_UNKNOWN:
        "PIN tries left: the card does not say",
        "Tentativi rimasti per il PIN: la carta non lo dice";
    PIN_IS_BLOCKED: "The PIN is blocked.", "Il PIN è bloccato.";
    PIN_RIGHT: "The PIN is right.", "Il PIN è corretto.";
    PIN_CHANGED: "The PIN was changed.", "Il PIN è stato cambiato.";
    PIN_UNBLOCKED: "The PIN is unblocked.", "Il PIN è sbloccato.";
    PIN_UNBLOCKED_NEW: "The PIN is unblocked and has its new value.", "Il PIN è sbloccato e ha il nuovo valore.";
    WRITTEN: "Written: {}", "Scritto: {}";
    READER_EMPTY: "no card", "nessuna carta";
    READER_MUTE: "a card that does not answer", "una carta che non risponde";
    READER_EXCLUSIVE:
        "a card that another program keeps for itself",
        "una carta che un altro programma tiene per sé";
    READER_IN_USE:
        "a card that another program is using; not looked at",
        "una carta usata da un altro programma; non esaminata";
    READER_UNPROBED: "a card that cannot be looked at ({})", "una carta che non si può esaminare ({})";
    READER_UNKNOWN: "unknown", "sconosciuto";
    CARD_CIE3: "electronic identity card (CIE 3)", "carta d'identità elettronica (CIE 3)";
    CARD_CIE1: "electronic identity card, first generation (CIE 1)", "carta d'identità elettronica, prima generazione (CIE 1)";
    CARD_CIE2: "electronic identity card, second generation (CIE 2)", "carta d'identità elettronica, seconda generazione (CIE 2)";
    CARD_CNS: "citizen's services card or health card (CNS, TS-CNS)", "carta nazionale dei servizi o tessera sanitaria (CNS, TS-CNS)";
    CARD_OTHER: "another card", "un'altra carta";
    PUK_TRIES: "PUK tries left: {}", "Tentativi rimasti per il PUK: {}";
    INFO_CARD: "Card: {}", "Carta: {}";
    INFO_CHIP: "Chip, by its own word: {}", "Chip, secondo la carta: {}";
    INFO_APPLICATIONS: "Applications: {}", "Applicazioni: {}";
    INFO_READABLE: "Readable without PIN: {}", "Leggibile senza PIN: {}";
    INFO_UNTOLD: "the card does not say", "la carta non lo dice";
    APPLICATION_IAS: "IAS ECC (root)", "IAS ECC (radice)";
    APPLICATION_CIE: "CIE (login and signature)", "CIE (accesso e firma)";
    APPLICATION_CNS: "CNS (login)", "CNS (accesso)";
    INFO_SYSTEM: "{}; operating system: {}", "{}; sistema operativo: {}";
    INFO_KEY: "Login key: {}", "Chiave di accesso: {}";
    INFO_SIGNATURE_KEY: "Signature key: {}", "Chiave di firma: {}";
    INFO_KEY_BITS: "RSA, {} bits", "RSA a {} bit";
    INFO_WEAK_KEY:
        "RSA, {} bits (short: many services refuse it)",
        "RSA a {} bit (corta: molti servizi la rifiutano)";
    INFO_NO_KEY: "no certificate that can be read", "nessun certificato leggibile";
    APPLICATION_TRAVEL: "travel document (ICAO)", "documento di viaggio (ICAO)";
    SOFT_MADE:
        "Software card of {}, who does not exist: {}\nCertificates to check it with: {}\nPIN {}, PUK {}\nIt is a toy: its PIN protects nothing, and its certificates are marked as tests. Try:",
        "Carta software di {}, che non esiste: {}\nCertificati per verificarla: {}\nPIN {}, PUK {}\nÈ un giocattolo: il suo PIN non protegge nulla e i suoi certificati sono marcati come prove. Per provarla:";
    REDACTED:
        "Made {}: a software card like the recorded one, of somebody who does not exist, and the same dialogue with it.\nEvery file was searched for the {} personal values that were replaced; none is left. Read {} before you share the folder: {} differences.",
        "Creata {}: una carta software simile a quella registrata, di una persona che non esiste, e lo stesso dialogo con essa.\nIn ogni file sono stati cercati i {} dati personali sostituiti: non ne resta nessuno. Leggere {} prima di condividere la cartella: {} differenze.";
    SOFT_WAITING:
        "Waiting for a virtual reader at {}:{} ({}).",
        "In attesa di un lettore virtuale a {}:{} ({}).";
    SOFT_INSERTED:
        "The card {} lies on the virtual reader at {}:{}. Ctrl-C takes it off.",
        "La carta {} è sul lettore virtuale a {}:{}. Ctrl-C la toglie.";
    SOFT_GONE:
        "The virtual reader's service has stopped. The card is laid on again when it is back.",
        "Il servizio del lettore virtuale si è fermato. La carta sarà appoggiata di nuovo quando torna.";

    // Recorded dialogues.
    TRACE_WRITTEN_PLAIN:
        "{} tells who the holder is: keep it to yourself. `cie trace redact` makes of it what can be shared.",
        "{} dice chi è il titolare: tenerlo per sé. `cie trace redact` ne ricava ciò che si può condividere.";
    TRACE_WRITTEN_REPLAYABLE:
        "{} has everything in it, the PIN included.",
        "{} contiene tutto, compreso il PIN.";

    // Personal data.
    DATA_ISSUER_CODE: "Issuer: {}", "Ente emittente: {}";
    DATA_ISSUE_DATE: "Issued: {}", "Rilasciata il: {}";
    DATA_EXPIRY_DATE: "Valid until: {}", "Valida fino al: {}";
    DATA_SURNAME: "Surname: {}", "Cognome: {}";
    DATA_GIVEN_NAMES: "Given names: {}", "Nome: {}";
    DATA_BIRTH_DATE: "Date of birth: {}", "Data di nascita: {}";
    DATA_SEX: "Sex: {}", "Sesso: {}";
    DATA_STATURE: "Stature in centimetres: {}", "Statura in centimetri: {}";
    DATA_FISCAL_CODE: "Fiscal code: {}", "Codice fiscale: {}";
    DATA_CITIZENSHIP: "Citizenship: {}", "Cittadinanza: {}";
    DATA_BIRTH_MUNICIPALITY: "Municipality of birth: {}", "Comune di nascita: {}";
    DATA_BIRTH_STATE: "State of birth: {}", "Stato di nascita: {}";
    DATA_BIRTH_ACT: "Birth act: {}", "Atto di nascita: {}";
    DATA_RESIDENCE_MUNICIPALITY: "Municipality of residence: {}", "Comune di residenza: {}";
    DATA_RESIDENCE_ADDRESS: "Address: {}", "Indirizzo: {}";
    DATA_TRAVEL_NOTE: "Travel abroad: {}", "Espatrio: {}";
    DATA_CARD_NUMBER: "Card number: {}", "Numero della carta: {}";
    DATA_BOUND:
        "The card's certificate says the same; whether the certificate is genuine was not checked.",
        "Il certificato della carta dice lo stesso; se il certificato è autentico non è stato verificato.";
    DATA_BOUND_BY_PART:
        "The card's certificate says the same, by an unusual part of the file ({}); whether the certificate is genuine was not checked.",
        "Il certificato della carta dice lo stesso, per una parte insolita del file ({}); se il certificato è autentico non è stato verificato.";
    DATA_UNBOUND:
        "Nothing ties these data to the card's certificate: they are the card's word only.",
        "Nulla collega questi dati al certificato della carta: si basano solo su ciò che dichiara la carta.";
    DATA_DIFFERING: "The fiscal code does not fit these: {}", "Il codice fiscale non corrisponde a questi: {}";

    // Logins.
    CITIZEN_TEST: "TEST - NOT A REAL CARD{}", "TEST - NOT A REAL CARD: CARTA DI PROVA, NON DI UNA PERSONA{}";
    CITIZEN_VALID_UNTIL: "Certificate valid until: {}", "Certificato valido fino al: {}";
    CITIZEN_LEGACY:
        "Keys or digests that are no longer strong were let pass: whoever spends enough can forge them.{}",
        "Sono state accettate chiavi o impronte non più robuste: chi investe abbastanza può falsificarle.{}";
    NIS_NUMBER: "Number for services (NIS): {}", "Numero identificativo per i servizi (NIS): {}";
    NIS_GENUINE:
        "The chip is genuine; who holds the card, and whether it was reported stolen, was not asked.{}",
        "Il chip è autentico; chi ha in mano la carta, e se ne è stato denunciato il furto, non è stato chiesto.{}";
    CARD_FIRST:
        "electronic identity card of the first generations (CIE 1, CIE 2)",
        "carta d'identità elettronica delle prime generazioni (CIE 1, CIE 2)";
    STATUS_GOOD: "{}: not revoked, by {} of {}, good until {}", "{}: non revocato, secondo {} del {}, valido fino al {}";
    STATUS_UNTIL: "All this may be relied on until: {}", "Tutto questo vale fino al: {}";
    STATUS_UNKNOWN:
        "{}: NOT KNOWN whether it was revoked ({})",
        "{}: NON SI SA se è stato revocato ({})";
    STATUS_NOT_ASKED:
        "NOT ASKED whether anything was revoked.",
        "NON È STATO CHIESTO se qualcosa è stato revocato.";
    STATUS_HOLDER: "The holder's certificate", "Il certificato del titolare";
    STATUS_ISSUER: "The issuer's certificate", "Il certificato di chi l'ha emesso";
    STATUS_LIST: "a revocation list", "un elenco di revoca";
    STATUS_RESPONDER: "an OCSP responder", "un servizio OCSP";
    STATUS_NO_ANSWER: "no list, and no answer", "nessun elenco e nessuna risposta";
    STATUS_NO_LOCATION:
        "no list, and it does not say whom to ask",
        "nessun elenco, e il certificato non dice a chi chiedere";
    NOT_FETCHED: "Not fetched: {} ({})", "Non scaricato: {} ({})";
    ROOTS_FOUND:
        "Italian roots found: {} of citizens' certificates, {} of travel documents.",
        "Radici italiane trovate: {} dei certificati dei cittadini, {} dei documenti di viaggio.";
    ROOT_UNKNOWN: "Not trusted, nothing here vouches for it: {}", "Non attendibile, nulla qui lo garantisce: {}";
    ROOT_UNUSABLE: "Not trusted: {} ({})", "Non attendibile: {} ({})";
    ROOT_PASSED_OVER: "Passed over, no certificate by its name: {}", "Ignorato, dal nome non è un certificato: {}";

    // Browsers.
    WEB_EID_INSTALLED:
        "The host {} is registered. Browsers start {}; they find it by:",
        "L'host {} è registrato. I browser avviano {}; lo trovano tramite:";
    WEB_EID_EXTENSIONS: "Extensions that may call it: {}", "Estensioni che possono chiamarlo: {}";
    WEB_EID_NEXT:
        "Next: add such an extension to the browser. `cie web-eid install{} --remove` takes all this away.",
        "Poi: aggiungere al browser una di queste estensioni. `cie web-eid install{} --remove` toglie tutto questo.";
    WEB_EID_STORE:
        "Next: add the extension Web eID from the browser's store. `cie web-eid install{} --remove` takes all this away.",
        "Poi: aggiungere al browser l'estensione Web eID dal suo negozio. `cie web-eid install{} --remove` toglie tutto questo.";
    WEB_EID_PROFILES:
        "Firefox is left out: its profiles are in {}, and it would begin anew without them as soon as {} exists.",
        "Firefox è escluso: i suoi profili sono in {}, e ricomincerebbe senza di essi appena esiste {}.";
    WEB_EID_ANYBODYS:
        "Anybody with an account on this computer can replace {}: whoever does so gets the PIN.",
        "Chiunque abbia un account su questo computer può sostituire {}: chi lo fa ottiene il PIN.";
    WEB_EID_REMOVED: "The host {} is no longer registered. Removed:", "L'host {} non è più registrato. Rimossi:";
    WEB_EID_ABSENT: "Nothing of the host {} was there to remove.", "Dell'host {} non c'era nulla da rimuovere.";
    WEB_EID_LEFT: "Left as it is, somebody else's: {}", "Lasciato com'è, di qualcun altro: {}";
    WEB_EID_PROGRAM: "{}, which starts {}", "{}, che avvia {}";
    WEB_EID_LINK: "a symbolic link", "un collegamento simbolico";
    WEB_EID_NO_FILE: "no regular file", "non è un file normale";
    WEB_EID_TOO_LONG: "too long for a manifest", "troppo lungo per un manifesto";
    WEB_EID_NO_MANIFEST: "no manifest that can be read", "non è un manifesto leggibile";
    WEB_EID_NO_SCRIPT: "not written by this command", "non scritto da questo comando";

    // Windows of a request from the browser.
    WINDOW_OK: "OK", "OK";
    WINDOW_CANCEL: "Cancel", "Annulla";
    WINDOW_RETRY: "Try again", "Riprova";
    WINDOW_GO_ON: "Go on", "Continua";
    WINDOW_LOG_IN:
        "Log in to\n{}\n\nGo on only if this is the address that you see in the browser.",
        "Accesso a\n{}\n\nProseguire solo se è l'indirizzo che si vede nel browser.";
    WINDOW_SIGN:
        "SIGNATURE, asked for by\n{}\n\nIt binds you like one by hand. Go on only if this is the address that you see in the browser.",
        "FIRMA, richiesta da\n{}\n\nVale come una firma autografa. Proseguire solo se è l'indirizzo che si vede nel browser.";
    WINDOW_SIGNATURE_PIN:
        "The PIN for signatures is another one than that for logins; it has five to eight digits.",
        "Il PIN di firma è diverso da quello di accesso; ha da cinque a otto cifre.";
    WINDOW_CERTIFICATE:
        "{}\n\nwants to know who you are: your certificate for signatures, with name and fiscal code.",
        "{}\n\nchiede l'identità del titolare della carta: il certificato di firma, con nome e codice fiscale.";
    WINDOW_LAST_TRY:
        "ONLY ONE TRY IS LEFT.\n\nAnother wrong PIN blocks it, and then only the PUK helps. Go on only if you are sure of the PIN.",
        "RIMANE UN SOLO TENTATIVO.\n\nUn altro PIN errato lo blocca, e poi serve il PUK. Proseguire solo se si è sicuri del PIN.";
    WINDOW_ORIGIN_ENDS: "It ends in: {}", "Termina con: {}";
    WINDOW_ONE_KEY:
        "This card has one key for logins and signatures: what this page wants signed could be a login somewhere else, in your name. Nothing was signed.",
        "Questa carta ha una sola chiave per accessi e firme: ciò che la pagina vuole far firmare potrebbe essere un accesso altrove, a nome del titolare. Nulla è stato firmato.";
    WINDOW_KEY_LOGS_IN:
        "The second key of this card could log in, by what its certificate says: it signs nothing for pages.",
        "La seconda chiave di questa carta, secondo il suo certificato, potrebbe servire per accedere: non firma nulla per le pagine web.";
    WINDOW_OTHER_CERTIFICATE:
        "This is not the card whose certificate this page was given.",
        "Non è la carta di cui questa pagina ha ricevuto il certificato.";
    WINDOW_SEVERAL_CARDS:
        "There are cards on several readers. Leave only one of them.",
        "Ci sono carte su più lettori. Lasciarne una sola.";
    WINDOW_NO_READER:
        "No card reader was found. Connect it.",
        "Non è stato trovato alcun lettore. Collegarlo.";
    WINDOW_SAME_PIN:
        "This is the PIN that was just refused. It was not sent again.",
        "È il PIN appena rifiutato. Non è stato inviato di nuovo.";

    // Traces.
    TRACE_HEAD: "Trace, {}, {}, recorded {}", "Registrazione {}, {}, del {}";
    TRACE_DIAGNOSTIC: "diagnostic", "diagnostica";
    TRACE_REPLAYABLE: "replayable", "riproducibile";
    TRACE_PLAIN: "plain (above secure messaging)", "in chiaro (sopra il secure messaging)";
    TRACE_EMULATOR: "of a software card", "di una carta software";
    TRACE_TEST_CARD: "of a test card", "di una carta di prova";
    TRACE_CITIZEN: "of a citizen's card", "della carta di un cittadino";
    TRACE_CONNECTION: "Connection, line {}: answer to reset {}", "Collegamento, riga {}: risposta al reset {}";
    TRACE_SHARED: "shared with other programs", "condivisa con altri programmi";
    TRACE_COLUMNS: "line|header|command|out|in|SW|time", "riga|header|comando|invio|risp.|SW|tempo";
    TRACE_UNKNOWN: "not known as a command", "non noto come comando";
    TRACE_DRAW: "draw {}: {} bytes", "estrazione {}: {} byte";
    TRACE_BYTES: "{} bytes", "{} byte";
    TRACE_REST: "{} bytes more", "altri {} byte";
    TRACE_WIRE: "on the wire before: {}", "prima, sul canale: {}";
    TRACE_UNANSWERED: "no answer is recorded", "nessuna risposta registrata";
    TRACE_TOTALS: "In all|commands|GET RESPONSE|out|in|time", "In tutto|comandi|GET RESPONSE|invio|risposta|tempo";
    TRACE_SUM: "total", "totale";
    TRACE_LEGEND:
        "p: protected; c: more of the command follows; out, in: bytes, status word included|[n]: length; a value that is hidden is not shown",
        "p: protetto; c: il comando continua; invio, risp.: byte, stato compreso|[n]: lunghezza; un valore nascosto non è mostrato";
    TRACE_UNCOUNTED: "+: at least, a length is hidden", "+: almeno, una lunghezza è nascosta";
    TRACE_LEFT_OUT: "{} further events are only counted.", "Altri {} eventi sono soltanto contati.";
    TRACE_BROKEN_OFF:
        "The recording broke off at line {}: the end is missing.",
        "La registrazione si è interrotta alla riga {}: manca la fine.";
    // Traces from other programs' logs.
    LOG_IMPORTED: "Log of {}: {} connections, {} commands", "Registro di {}: {} connessioni, {} comandi";
    LOG_UNPARSED: "Line {} of the log: {}", "Riga {} del registro: {}";
    LOG_UNPARSED_MORE: "and {} more lines", "e altre {} righe";
    LOG_LINE_TOO_LONG: "longer than any command or answer", "più lunga di ogni comando o risposta";
    LOG_NOT_HEX: "no hexadecimal bytes where some are expected", "non ci sono byte esadecimali dove sono attesi";
    LOG_TOO_LONG: "more bytes than there can be", "più byte di quanti ce ne possano essere";
    LOG_CUT: "bytes are missing behind it", "dopo questa mancano dei byte";
    LOG_UNANSWERED: "a command that the log has no answer to", "un comando di cui manca la risposta";
    LOG_NO_COMMAND: "an answer without a command", "una risposta senza comando";
    LOG_ATR: "no answer to reset where one is expected", "non c'è un ATR dove è atteso";
    LOG_UNKNOWN: "no line of such a log", "non è una riga di un registro di questo tipo";

    // The manual page.
    MANUAL_STATUS:
        "0: done\n1: checked and bad, do not trust\n2: wrong words, files or digits; no try was spent\n3: no service, reader or card\n4: the card refused\n5: wrong PIN or PUK\n6: PIN or PUK blocked\n7: nothing could be checked",
        "0: fatto\n1: verificato e non valido, non fidarsi\n2: parole, file o cifre errate; nessun tentativo consumato\n3: nessun servizio, lettore o carta\n4: la carta ha rifiutato\n5: PIN o PUK errato\n6: PIN o PUK bloccato\n7: nulla è stato verificato";
    MANUAL_SECRETS:
        "PIN and PUK are asked for at the terminal and not shown, or read from a file; they are never arguments.\nA PIN is sent once. If it is wrong a try is spent and the command ends.\nWhere the card says how many tries are left, the last one is spent only with --last-try. A CNS, a health card or an older identity card says it only after a wrong PIN: there the last try is sent like any other.",
        "PIN e PUK si chiedono al terminale senza mostrarli, o si leggono da un file; non sono mai argomenti.\nUn PIN è inviato una volta sola. Se è errato consuma un tentativo e il comando finisce.\nSe la carta dice quanti tentativi restano, l'ultimo si usa solo con --last-try. Una CNS, una tessera sanitaria o una carta d'identità precedente alla CIE 3 lo dice solo dopo un PIN errato: lì l'ultimo tentativo è inviato come gli altri.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_the_same_gaps_in_both_languages() {
        for text in ALL {
            let gaps = |text: &str| text.matches("{}").count();
            assert_eq!(gaps(text.english), gaps(text.italian), "{text:?}");
            assert!(!text.english.is_empty() && !text.italian.is_empty(), "{text:?}");
            // Short labels may be the same word; sentences are not.
            assert!(text.english != text.italian || text.english.len() < 8, "{text:?}");
        }
    }

    #[test]
    fn gaps_are_filled_in_order() {
        let said = SOFT_INSERTED.with(Language::Italian, &[&"c.json", &"::1", &3]);
        assert!(said.starts_with("La carta c.json è sul lettore virtuale a ::1:3."), "{said}");
        assert_eq!(ERROR.with(Language::English, &[&"{}"]), "error: {}", "a filling is not filled");
    }

    #[test]
    fn the_last_lang_wins_and_the_locale_is_read_by_its_language() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(choose(&words(&["cie", "--lang", "it", "info"])), Language::Italian);
        assert_eq!(choose(&words(&["cie", "--lang=it", "--lang=en"])), Language::English);
        for (locale, language) in [
            ("it", Language::Italian),
            ("it-IT", Language::Italian),
            ("IT_ch.UTF-8", Language::Italian),
            ("ita", Language::English),
            ("C", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(of_locale(locale), language, "{locale}");
        }
    }
}
