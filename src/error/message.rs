//! What happened, for the person who holds the card: a short sentence for each code, in both languages.

use super::Language;

/// Code, English, Italian.
const MESSAGES: &[(&str, &str, &str)] = &[
    ("access-denied", "The reader service denies access.", "Il servizio dei lettori nega l'accesso."),
    ("cancelled", "The operation was cancelled.", "L'operazione è stata annullata."),
    ("card-in-use", "Another program is using the card.", "Un altro programma sta usando la carta."),
    ("card-malformed", "The card's answer makes no sense.", "La risposta della carta non è valida."),
    ("card-mute", "The card does not answer.", "La carta non risponde."),
    (
        "card-not-accepted",
        "This kind of card is not accepted here.",
        "Questo tipo di carta non è accettato qui.",
    ),
    ("card-refused", "The card refused.", "La carta ha rifiutato."),
    ("card-removed", "The card was taken away too early.", "La carta è stata tolta troppo presto."),
    ("card-reset", "Another program interrupted the card.", "Un altro programma ha interrotto la carta."),
    ("card-unpowered", "The reader cannot power the card.", "Il lettore non riesce ad alimentare la carta."),
    ("card-unsupported", "This card is not supported.", "Questa carta non è supportata."),
    ("certificate-bad", "The certificate is not valid.", "Il certificato non è valido."),
    (
        "certificate-expired",
        "The certificate has expired or is not valid yet.",
        "Il certificato è scaduto o non ancora valido.",
    ),
    ("certificate-revoked", "The certificate was revoked.", "Il certificato è stato revocato."),
    (
        "certificate-weak",
        "The certificate is too weak for this service.",
        "Il certificato è troppo debole per questo servizio.",
    ),
    ("challenge-expired", "The login took too long.", "L'accesso ha richiesto troppo tempo."),
    (
        "challenge-missing",
        "This login was used already or was not begun here.",
        "L'accesso è già stato usato o non è stato avviato qui.",
    ),
    (
        "challenge-store",
        "Logins are not possible at the moment.",
        "In questo momento non è possibile accedere.",
    ),
    (
        "channel-broken",
        "The connection to the card was disturbed.",
        "Il collegamento con la carta è stato alterato.",
    ),
    ("channel-lost", "The connection to the card was lost.", "Il collegamento con la carta si è perso."),
    ("chip-not-authentic", "The card is not genuine.", "La carta non è autentica."),
    ("file-altered", "The card's data were altered.", "I dati della carta sono stati alterati."),
    ("fiscal-code-malformed", "This is no fiscal code.", "Questo non è un codice fiscale."),
    ("foreign-authority", "The card does not accept this program.", "La carta non accetta questo programma."),
    ("internal", "Something failed inside.", "Si è verificato un errore interno."),
    ("issuer-unknown", "It is not known who issued the card.", "Non si sa chi ha emesso la carta."),
    ("new-pin-malformed", "This cannot be the new PIN.", "Questo non può essere il nuovo PIN."),
    ("no-card", "There is no card.", "Non c'è nessuna carta."),
    ("no-reader", "There is no reader.", "Non c'è nessun lettore."),
    ("no-service", "The reader service is not running.", "Il servizio dei lettori non è attivo."),
    ("nonce-malformed", "The challenge is not valid.", "Il codice di sfida non è valido."),
    ("not-a-cie", "This card is not known.", "Questa carta non è riconosciuta."),
    ("not-activated", "The card has not been activated.", "La carta non è stata attivata."),
    (
        "not-as-recorded",
        "It went another way than recorded.",
        "Si è svolto diversamente da quanto registrato.",
    ),
    ("origin-malformed", "The portal's address is not valid.", "L'indirizzo del portale non è valido."),
    (
        "personal-data-unbound",
        "The personal data could not be checked.",
        "Non è stato possibile verificare i dati personali.",
    ),
    ("pin-blocked", "The PIN is blocked.", "Il PIN è bloccato."),
    (
        "pin-doubtful",
        "It is not certain that the PIN was accepted.",
        "Non è certo che il PIN sia stato accettato.",
    ),
    ("pin-last-try", "Only one try is left.", "Rimane un solo tentativo."),
    ("pin-malformed", "This is no PIN of this card.", "Questo non è un PIN per questa carta."),
    ("pin-needed", "The PIN is needed.", "Serve il PIN."),
    ("pin-state-lost", "The PIN must be entered again.", "Il PIN va inserito di nuovo."),
    (
        "pin-uncertain",
        "It is not certain which PIN the card has now.",
        "Non è certo quale PIN abbia ora la carta.",
    ),
    ("pin-weak", "This PIN is too easy.", "Questo PIN è troppo facile."),
    ("pin-wrong", "Wrong PIN.", "PIN errato."),
    ("puk-blocked", "The PUK is blocked.", "Il PUK è bloccato."),
    ("puk-last-try", "Only one try of the PUK is left.", "Rimane un solo tentativo per il PUK."),
    ("puk-malformed", "This is no PUK of this card.", "Questo non è un PUK per questa carta."),
    ("puk-wrong", "Wrong PUK.", "PUK errato."),
    ("purpose-refused", "This is not signed.", "Questo non viene firmato."),
    ("reader-failed", "The reader has failed.", "Il lettore ha avuto un errore."),
    ("reader-stuck", "The reader is stuck.", "Il lettore è bloccato."),
    (
        "redaction-leaks",
        "The recording still tells something of the holder.",
        "La registrazione contiene ancora dati del titolare.",
    ),
    (
        "signature-weak",
        "The card's data are signed too weakly.",
        "I dati della carta hanno una firma troppo debole.",
    ),
    ("soft-card", "The software card cannot be used.", "La carta software non è utilizzabile."),
    (
        "status-unavailable",
        "It could not be found out whether the card was revoked.",
        "Non è stato possibile sapere se la carta è stata revocata.",
    ),
    ("test-certificate", "This is a test card.", "Questa è una carta di prova."),
    ("timed-out", "Nothing happened in time.", "Il tempo è scaduto."),
    ("token-malformed", "The answer to the login is not valid.", "La risposta di accesso non è valida."),
    (
        "trace-not-redactable",
        "This recording cannot be redacted.",
        "Questa registrazione non si può anonimizzare.",
    ),
    ("trace-unusable", "This recording cannot be used.", "Questa registrazione non è utilizzabile."),
    (
        "trust-folder",
        "The trusted certificates cannot be used.",
        "I certificati attendibili non sono utilizzabili.",
    ),
    ("unblock-refused", "The card did not unblock the PIN.", "La carta non ha sbloccato il PIN."),
    ("wrong-signature", "The signature is wrong.", "La firma è errata."),
];

/// The sentence for a code.
pub(super) fn of(code: &str, language: Language) -> &'static str {
    let found = MESSAGES.iter().find(|(known, ..)| *known == code);
    found.map_or("", |(_, english, italian)| match language {
        Language::English => english,
        Language::Italian => italian,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_sentence_in_each_language() {
        let known: Vec<_> = MESSAGES.iter().map(|(code, ..)| *code).collect();
        assert_eq!(known, crate::Error::codes().collect::<Vec<_>>());
        for (code, english, italian) in MESSAGES {
            for text in [english, italian] {
                assert!(text.ends_with('.') && text.len() < 80, "{code}: {text}");
            }
        }
        // Programs in C are promised as much (CIE_MESSAGE_SIZE).
        assert!(
            super::super::ALL.iter().all(|advice| advice.english.len() < 512 && advice.italian.len() < 512)
        );
    }
}
