//! The help, in the person's language, and what is said of wrong words. English help stands with the
//! arguments; here is the Italian, for every command and every argument.

use std::ffi::OsString;

use cie::Language;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::language;

/// What each command does. The name is that after `cie`.
const COMMANDS: &[(&str, &str)] = &[
    (
        "",
        "Carte d'identità elettroniche (CIE), tessere sanitarie e CNS: esaminare la carta, usarne il PIN, accedere a un sito, firmare",
    ),
    ("readers", "Elencare i lettori e ciò che vi è appoggiato"),
    ("info", "Mostrare il tipo di carta, il chip, i tentativi rimasti per il PIN; non chiede il PIN"),
    ("soft", "Creare carte software, per provare tutto senza una carta"),
    (
        "soft new",
        "Creare in una nuova cartella la carta software di un cittadino inventato, con la sua PKI di prova",
    ),
    ("soft insert", "Appoggiare una carta software sul lettore PC/SC virtuale (vpcd), fino all'interruzione"),
    ("pin", "Verificare, cambiare o sbloccare il PIN"),
    ("pin status", "Dire quanti tentativi rimangono; non ne consuma"),
    ("pin verify", "Mostrare il PIN alla carta; se è errato consuma un tentativo"),
    ("pin change", "Cambiare il PIN"),
    (
        "pin unblock",
        "Sbloccare il PIN con il PUK e sceglierne uno nuovo; un PUK errato consuma uno dei suoi tentativi",
    ),
    ("personal-data", "Mostrare i dati del titolare: CNS, tessera sanitaria, CIE 1 e 2; non chiede il PIN"),
    ("certificate", "Scrivere il certificato del titolare (PEM); chiede il PIN se lo chiede la carta"),
    (
        "auth",
        "Rispondere con la carta al codice di sfida di un portale con un token di accesso (Web eID, JSON); chiede il PIN",
    ),
    ("auth-verify", "Verificare un token di accesso e dire di chi è; non può sapere se è già stato usato"),
    (
        "nis",
        "Verificare senza PIN che una CIE 3 è autentica e scrivere il suo numero identificativo per i servizi (NIS)",
    ),
    ("web-eid", "Accessi dal browser: farsi trovare dai browser e rispondere loro"),
    (
        "web-eid install",
        "Fare in modo che i browser di questo utente trovino questo programma (Firefox, Chrome, Chromium, Edge), o non più",
    ),
    (
        "web-eid host",
        "Rispondere a una richiesta dell'estensione di un browser; lo avvia il browser, non una persona",
    ),
    ("sign", "Firmare; chiede il PIN"),
    (
        "sign raw",
        "Firmare l'impronta di un file con PKCS #1 v1.5: la sola firma, per programmi che sanno che farne",
    ),
    (
        "trace",
        "Dialoghi registrati con le carte: mostrarne uno, ricavarne uno dal registro di un altro programma o da uno privato",
    ),
    (
        "trace show",
        "Spiegare una registrazione: che cosa fa ogni comando e che cosa risponde la carta, per fasi del protocollo",
    ),
    (
        "trace import",
        "Ricavare una registrazione diagnostica dal registro di un altro programma: non contiene PIN né dati",
    ),
    (
        "trace redact",
        "Fare di una registrazione in chiaro qualcosa da condividere: una carta software simile a quella registrata e lo stesso dialogo con essa",
    ),
    ("completions", "Scrivere i completamenti per una shell: bash, elvish, fish, powershell, zsh"),
    ("manual", "Scrivere la pagina di manuale"),
];

/// What each argument means, by its name, or by command and name where one name means two things.
const ARGUMENTS: &[(&str, &str)] = &[
    (
        "reader",
        "Il lettore, con il nome che ha in `cie readers`, o una carta software come soft:CARTA.json, o una registrazione riproducibile come trace:FILE; altrimenti l'unico lettore con una carta",
    ),
    (
        "sharing",
        "Lasciare la carta anche ad altri programmi (predefinito) o tenerla per sé: shared, exclusive; una carta che non è una CIE 3 è comunque tenuta dal PIN in poi",
    ),
    ("wait", "Attendere per tanti secondi che una carta sia appoggiata sul lettore"),
    ("json", "Scrivere un oggetto JSON; anche gli errori, sull'uscita degli errori"),
    ("lang", "Lingua: it o en; altrimenti quella del sistema"),
    (
        "trace",
        "Registrare il dialogo con la carta in un nuovo file; salvo richiesta diversa, senza PIN e senza dati del titolare",
    ),
    (
        "trace_kind",
        "Che cosa registrare: diagnostic (predefinito), replayable (tutto, compreso il PIN: solo carte software e di prova), plain (i dati del titolare in chiaro, solo per `cie trace redact`)",
    ),
    ("trace_test_card", "Dichiarare che la carta è di prova e il suo PIN non è un segreto"),
    ("help", "Mostrare questo aiuto"),
    ("version", "Mostrare la versione"),
    ("folder", "La cartella da creare"),
    (
        "kind",
        "Tipo di carta: cie3, cie2, cns; meno comuni: cns-1.0, cie1, cns-athena, cns-idemia, cns-infocamere, cns-ace",
    ),
    ("chip", "Famiglia di chip di cui una CIE 3 prende l'aspetto: gemalto, nxp, st, actalis"),
    ("pin", "Il suo PIN [12345678], otto cifre, di una CIE 2 o CNS da cinque a otto; non protegge nulla"),
    ("puk", "Il suo PUK [87654321], come il PIN; non protegge nulla"),
    ("seed", "Quale dei cittadini inventati; altrimenti uno qualsiasi"),
    ("now", "Il giorno del rilascio, come 2026-01-01T00:00:00Z; altrimenti adesso"),
    (
        "insecure_fixed_pki",
        "Ricavare dal numero anche le chiavi delle autorità di prova: chiunque può allora falsificarne le carte",
    ),
    ("card", "Il file della carta software"),
    ("host", "Dove ascolta il lettore virtuale [127.0.0.1]"),
    ("port", "La sua porta [35963]"),
    ("pin_file", "Leggere il PIN dalla prima riga di un file; - è l'ingresso standard"),
    ("puk_file", "Leggere il PUK dalla prima riga di un file; - è l'ingresso standard"),
    (
        "new_pin_file",
        "Leggere il nuovo PIN dalla prima riga di un file; - è l'ingresso standard, la riga dopo l'altro segreto",
    ),
    ("last_try", "Usare il PIN anche se la carta dice che rimane un solo tentativo: se è errato, si blocca"),
    (
        "pin unblock last_try",
        "Usare il PUK anche se la carta dice che rimane un solo tentativo: se è errato, il PIN resta bloccato per sempre",
    ),
    ("keep_pin", "Mantenere il PIN che la carta ha già"),
    ("out", "Scrivere in questo file invece che sull'uscita standard"),
    ("force", "Sostituire il file se esiste"),
    ("input", "Il file da firmare; - è l'ingresso standard"),
    ("output", "Dove va la firma; - è l'uscita standard"),
    ("hash", "Impronta: sha256 (predefinita), sha384, sha512, sha1"),
    (
        "acknowledge_raw",
        "Firmare anche se i dati hanno la lunghezza di un accesso a un sito: si sa che non lo sono",
    ),
    ("trace show file", "La registrazione; - è l'ingresso standard"),
    ("plain", "La registrazione in chiaro"),
    ("shell", "La shell"),
    ("log", "Il registro; - è l'ingresso standard"),
    ("made", "Dove va la registrazione; - è l'uscita standard"),
    (
        "format",
        "Di quale programma è il registro: opensc, pcscd, pcsc-spy, scriptor, hex-list; altrimenti viene riconosciuto",
    ),
    ("nonce", "Il codice di sfida dato dal portale, da 44 a 128 caratteri"),
    ("auth origin", "L'indirizzo del portale come lo scrive un browser: https://nome o https://nome:porta"),
    (
        "auth-verify origin",
        "L'indirizzo del portale come lo scrive un browser: https://nome o https://nome:porta",
    ),
    (
        "trust",
        "Cartella dei certificati attendibili, divisi per ciò per cui lo sono: holder, cns, first-generations, csca, responder",
    ),
    (
        "italian_roots",
        "Cartella di certificati italiani in qualsiasi ordine; sono attendibili solo le radici note a questo programma",
    ),
    (
        "allow_test_pki",
        "Accettare anche le carte software: con queste chiunque può presentarsi come chiunque",
    ),
    ("auth-verify card", "Tipo di carta accettato, ripetibile: cie3 (predefinito), cns, first-generations"),
    (
        "legacy_cryptography",
        "Accettare chiavi e impronte non più robuste, come quelle delle carte precedenti al 2012 circa",
    ),
    (
        "allow_sha1",
        "Accettare dati della carta firmati con SHA-1, come possono essere quelli di alcune delle prime carte; chi investe abbastanza può falsificare una tale firma",
    ),
    ("list", "Un elenco di revoca, o una cartella che contiene solo elenchi di revoca; ripetibile"),
    (
        "status",
        "Che cosa si vuole sapere delle revoche: hard (predefinito) vuole la certezza che nulla sia revocato, soft accetta anche se nessuno lo sa dire, offline non chiede a nessuno",
    ),
    ("no_fetch", "Non scaricare nulla: valgono solo gli elenchi indicati"),
    ("caller", "Ciò che i browser dicono dell'estensione che chiama"),
    (
        "host_name",
        "Il nome con cui le estensioni lo chiamano [it.cie_card.web_eid]; l'estensione Web eID pubblicata chiama eu.webeid",
    ),
    (
        "extension",
        "Un'altra estensione che può chiamarlo, ripetibile: le 32 lettere di Chrome, Chromium ed Edge, oppure nome@esempio o {uuid} di Firefox",
    ),
    ("pinentry", "Il programma che chiede il PIN: un nome presente in PATH o un percorso assoluto"),
    ("remove", "Togliere ciò che è stato registrato con quel nome"),
    ("token", "Il token; - o nulla è l'ingresso standard"),
    ("origin", "Di chi era la carta: citizen (predefinito), test-card, emulator"),
];

/// The names of values, as they stand in the help.
const VALUES: &[(&str, &str)] = &[
    ("NAME", "NOME"),
    ("HOW", "COME"),
    ("WHAT", "COSA"),
    ("SECONDS", "SECONDI"),
    ("LANGUAGE", "LINGUA"),
    ("DIR", "CARTELLA"),
    ("DIGITS", "CIFRE"),
    ("CARD.json", "CARTA.json"),
    ("KIND", "TIPO"),
    ("PORT", "PORTA"),
    ("TIME", "MOMENTO"),
    ("IN", "INGRESSO"),
    ("OUT", "USCITA"),
    ("LOG", "REGISTRO"),
    ("FORMAT", "FORMATO"),
    ("ORIGIN", "ORIGINE"),
    ("PLAIN", "IN_CHIARO"),
    ("TEXT", "TESTO"),
    ("PATH", "PERCORSO"),
    ("PROGRAM", "PROGRAMMA"),
];

/// The headings that clap writes itself, at the beginning of a line.
const HEADINGS: &[(&str, &str)] =
    &[("Usage:", "Uso:"), ("Commands:", "Comandi:"), ("Arguments:", "Argomenti:"), ("Options:", "Opzioni:")];

/// What the words of the command line come to.
pub(crate) enum Parsed {
    /// A command to carry out.
    Arguments(Box<Arguments>),
    /// Help or version, to be printed.
    Text(String),
}

/// The command line, with its help in this language.
pub(crate) fn command(language: Language) -> clap::Command {
    let mut command = own_apart(Arguments::command(), language);
    if language == Language::Italian {
        command = translate(command, "");
    }
    command.build();
    command
}

/// Reads the words of the command line.
pub(crate) fn parse(words: &[OsString], language: Language) -> Result<Parsed, Failure> {
    let outcome = command(language)
        .try_get_matches_from(words)
        .and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    match outcome {
        Ok(arguments) => Ok(Parsed::Arguments(Box::new(arguments))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Text(headings(&error.render().to_string(), language)))
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Err(Failure::NoCommand(headings(&error.render().to_string(), language)))
            }
            _ => {
                let message = without_digits(&complaint(&error, language));
                Err(Failure::Words { message, usage: path(words) })
            }
        },
    }
}

/// Puts what every command understands under a heading of its own, after the command's own options.
fn own_apart(command: clap::Command, language: Language) -> clap::Command {
    command.subcommand_value_name("COMMAND").mut_args(|argument| match argument.is_global_set() {
        true => argument.help_heading(language::COMMON_OPTIONS.of(language)),
        false => argument,
    })
}

fn translate(command: clap::Command, path: &str) -> clap::Command {
    let command = match find(COMMANDS, path) {
        Some(about) => command.about(about).long_about(None::<&str>),
        None => command,
    };
    let command = command.subcommand_value_name("COMANDO").mut_args(|argument| {
        let name = argument.get_id().to_string();
        let own = find(ARGUMENTS, &format!("{path} {name}"));
        let argument = match own.or_else(|| find(ARGUMENTS, &name)) {
            Some(help) => argument.help(help).long_help(None::<&str>),
            None => argument,
        };
        let value = argument.get_value_names().and_then(|names| find(VALUES, names.first()?));
        match value {
            Some(value) => argument.value_name(value),
            None => argument,
        }
    });
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        translate(below, path.trim())
    })
}

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(found, _)| *found == name).map(|(_, text)| *text)
}

/// Translates clap's own headings in a rendered help.
fn headings(text: &str, language: Language) -> String {
    if language != Language::Italian {
        return text.to_owned();
    }
    let mut translated = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match HEADINGS.iter().find_map(|(from, to)| Some((*to, line.strip_prefix(from)?))) {
            Some((to, rest)) => translated += &format!("{to}{}", rest.replace("[OPTIONS]", "[OPZIONI]")),
            None => translated += line,
        }
    }
    translated
}

/// The command whose help the person should read: the words up to the first that is none.
fn path(words: &[OsString]) -> String {
    let command = Arguments::command();
    let mut here = &command;
    let mut path = "cie".to_owned();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(below) = here.find_subcommand(word) {
            path += &format!(" {word}");
            here = below;
        }
    }
    path
}

/// Whoever gave a PIN as an argument should not read it again in a log.
fn without_digits(complaint: &str) -> String {
    let mut told = String::with_capacity(complaint.len());
    let mut digits = String::new();
    for c in complaint.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        told += if digits.len() >= 4 { "…" } else { &digits };
        digits.clear();
        told.push(c);
    }
    told.pop();
    told
}

/// What is wrong with the words.
fn complaint(error: &clap::Error, language: Language) -> String {
    if error.kind() == ErrorKind::MissingSubcommand {
        return language::NO_COMMAND.of(language).to_owned();
    }
    if language != Language::Italian {
        let text = error.render().to_string();
        let first = text.split("\n\nUsage:").next().unwrap_or_default();
        let first = first.split("\n\nFor more information").next().unwrap_or_default();
        return first.trim_start_matches("error: ").trim_end().to_owned();
    }
    let of = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let argument = of(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => format!("argomento inatteso: {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!("comando sconosciuto: {}", of(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let valid = of(ContextKind::ValidValue);
            let reason = std::error::Error::source(error).map(ToString::to_string);
            let allowed = if valid.is_empty() { reason.unwrap_or_default() } else { valid };
            let allowed = if allowed.is_empty() { allowed } else { format!(" (valori: {allowed})") };
            match of(ContextKind::InvalidValue) {
                value if value.is_empty() => format!("manca il valore di {argument}{allowed}"),
                value => format!("valore non valido per {argument}: {value}{allowed}"),
            }
        }
        ErrorKind::MissingRequiredArgument => format!("argomenti mancanti: {argument}"),
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg) {
            prior if prior == argument || prior.is_empty() => format!("{argument} è ripetuto"),
            prior => format!("{argument} non si può usare con {prior}"),
        },
        _ => format!("argomenti non validi: {}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn walk<'a>(command: &'a clap::Command, path: &str, visit: &mut dyn FnMut(&'a clap::Command, &str)) {
        visit(command, path);
        for below in command.get_subcommands() {
            walk(below, format!("{path} {}", below.get_name()).trim(), visit);
        }
    }

    #[test]
    fn clap_agrees_with_the_arguments() {
        Arguments::command().debug_assert();
        command(Language::Italian).debug_assert();
    }

    #[test]
    fn every_command_and_argument_has_its_italian() {
        let (english, mut used) = (Arguments::command(), BTreeSet::new());
        walk(&english, "", &mut |command, path| {
            assert!(find(COMMANDS, path).is_some(), "no Italian for the command {path:?}");
            used.insert(path.to_owned());
            for argument in command.get_arguments() {
                let name = argument.get_id().to_string();
                let own = format!("{path} {name}");
                let key = if find(ARGUMENTS, &own).is_some() { own } else { name };
                assert!(find(ARGUMENTS, &key).is_some(), "no Italian for {path} {key}");
                used.insert(format!("= {key}"));
            }
        });
        // With every command in the build, no line of the tables is left over.
        if cfg!(feature = "emulator") {
            for (name, _) in COMMANDS {
                assert!(used.contains(*name), "{name} is no command");
            }
            for (name, _) in ARGUMENTS {
                assert!(used.contains(&format!("= {name}")), "{name} is no argument");
            }
        }
    }

    #[test]
    fn the_italian_help_has_no_english_left() {
        let mut english = BTreeSet::new();
        walk(&Arguments::command(), "", &mut |command, _| {
            english.extend(command.get_about().map(ToString::to_string));
            english.extend(command.get_arguments().filter_map(|a| a.get_help()).map(ToString::to_string));
        });
        assert!(english.len() > 30, "{}", english.len());
        let italian = command(Language::Italian);
        walk(&italian, "", &mut |command, path| {
            let help = headings(&command.clone().render_long_help().to_string(), Language::Italian);
            for text in &english {
                assert!(!help.contains(text.as_str()), "{path}: {text}\n{help}");
            }
            for word in ["Usage", "Options", "OPTIONS", "Arguments", "Commands", "COMMAND", "default:"] {
                assert!(!help.contains(word), "{path}: {word}\n{help}");
            }
        });
    }

    #[test]
    fn a_complaint_never_repeats_a_pin() {
        assert_eq!(without_digits("unexpected '12345678', 123 1234"), "unexpected '…', 123 …");
        assert_eq!(without_digits(""), "");
    }

    #[test]
    fn wrong_words_are_complained_of_in_both_languages() {
        let complain = |words: &str, language| {
            let words: Vec<_> = words.split(' ').map(OsString::from).collect();
            match parse(&words, language) {
                Err(Failure::Words { message, usage }) => (message, usage),
                _ => panic!("{words:?} were taken"),
            }
        };
        for (words, italian, usage) in [
            ("cie pin verify --pin 12345678", "argomento inatteso: --pin", "cie pin verify"),
            ("cie pni", "comando sconosciuto: pni", "cie"),
            ("cie sign raw", "argomenti mancanti: <INGRESSO>, <USCITA>", "cie sign raw"),
            (
                "cie info --sharing all",
                "valore non valido per --sharing <COME>: all (valori: shared, exclusive)",
                "cie info",
            ),
            ("cie info --wait -1", "argomento inatteso: -1", "cie info"),
            ("cie info --wait", "manca il valore di --wait <SECONDI>", "cie info"),
            ("cie info --json --json", "--json è ripetuto", "cie info"),
            (
                "cie pin unblock --keep-pin --new-pin-file x",
                "--keep-pin non si può usare con --new-pin-file <FILE>",
                "cie pin unblock",
            ),
        ] {
            let (message, path) = complain(words, Language::Italian);
            assert_eq!((message.as_str(), path.as_str()), (italian, usage), "{words}");
            let (message, _) = complain(words, Language::English);
            assert!(!message.is_empty() && !message.contains("Usage") && message != italian, "{message}");
        }
    }
}
