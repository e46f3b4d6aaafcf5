//! What is said to people, in both languages: every code, some in other words for contact cards.

/// What a person can do about it: a code and the same sentence in each language.
pub(super) struct Advice {
    pub(super) code: &'static str,
    pub(super) english: &'static str,
    pub(super) italian: &'static str,
}

macro_rules! advice {
    ($($name:ident: $code:literal, $english:literal, $italian:literal;)*) => {
        $(#[cfg_attr(not(feature = "emulator"), allow(dead_code, reason = "the soft card's"))]
        pub(super) const $name: Advice = Advice { code: $code, english: $english, italian: $italian };)*
        pub(super) const ALL: &[Advice] = &[$($name),*];
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
    NEW_PIN_MALFORMED: "new-pin-malformed",
        "The new PIN has to have eight digits. Nothing was sent to the card.",
        "Il nuovo PIN deve avere otto cifre. Nulla è stato inviato alla carta.";
    NEW_CONTACT_PIN_MALFORMED: "new-pin-malformed",
        "The new PIN has to have five to eight digits. Nothing was sent to the card.",
        "Il nuovo PIN deve avere da cinque a otto cifre. Nulla è stato inviato alla carta.";
    PIN_WEAK: "pin-weak",
        "This PIN is easily guessed, or it is the old one. Choose another; nothing was sent to the card.",
        "Questo PIN è facile da indovinare o è quello vecchio. Sceglierne un altro; nulla è stato inviato alla carta.";
    PIN_WRONG: "pin-wrong",
        "The PIN is wrong. Check all eight digits before the next try.",
        "Il PIN è errato. Controllare tutte le otto cifre prima di riprovare.";
    CONTACT_PIN_WRONG: "pin-wrong",
        "The PIN is wrong. Check every digit, five to eight, before the next try.",
        "Il PIN è errato. Controllare ogni cifra, da cinque a otto, prima di riprovare.";
    PIN_WRONG_ONE_LEFT: "pin-wrong",
        "The PIN is wrong, and only one try is left: if that one is wrong, too, the PIN is blocked, and only the PUK helps. Check all eight digits before it.",
        "Il PIN è errato e resta un solo tentativo: se anche quello è errato, il PIN si blocca e serve il PUK. Controllare prima tutte le otto cifre.";
    CONTACT_PIN_WRONG_ONE_LEFT: "pin-wrong",
        "The PIN is wrong, and only one try is left: if that one is wrong, too, the PIN is blocked, and only the PUK helps. Check every digit, five to eight, before it.",
        "Il PIN è errato e resta un solo tentativo: se anche quello è errato, il PIN si blocca e serve il PUK. Controllare prima ogni cifra, da cinque a otto.";
    PIN_LAST_TRY: "pin-last-try",
        "Only one try is left, so nothing was sent. A wrong PIN now blocks it; the PUK unblocks it.",
        "Rimane un solo tentativo, perciò nulla è stato inviato. Un altro PIN errato lo blocca; per sbloccarlo serve il PUK.";
    PIN_BLOCKED: "pin-blocked",
        "The PIN is blocked. It can be unblocked with the PUK.",
        "Il PIN è bloccato. Si può sbloccare con il PUK.";
    PUK_WRONG: "puk-wrong",
        "The PUK is wrong. Check all eight digits before the next try: when all tries are spent, the PIN can never be unblocked again.",
        "Il PUK è errato. Controllare tutte le otto cifre prima di riprovare: esauriti i tentativi, il PIN non si potrà più sbloccare.";
    PUK_WRONG_ONE_LEFT: "puk-wrong",
        "The PUK is wrong, and only one try is left: if that one is wrong, too, the PUK is blocked for good, and only a new card helps. Check all eight digits before it.",
        "Il PUK è errato e resta un solo tentativo: se anche quello è errato, il PUK si blocca per sempre e servirà una nuova carta. Controllare prima tutte le otto cifre.";
    CONTACT_PUK_WRONG_ONE_LEFT: "puk-wrong",
        "The PUK is wrong, and only one try is left: if that one is wrong, too, the PUK is blocked for good, and only a new card helps. Check every digit before it.",
        "Il PUK è errato e resta un solo tentativo: se anche quello è errato, il PUK si blocca per sempre e servirà una nuova carta. Controllare prima ogni cifra.";
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
        "Put the card back and do not move it.",
        "Rimettere la carta e non muoverla.";
    CARD_RESET: "card-reset",
        "Another program has used the card. Start again.",
        "Un altro programma ha usato la carta. Ricominciare.";
    CARD_MUTE: "card-mute",
        "The card does not answer. Lay it flat on the reader, without a cover, or put it in with the contacts ahead, and start again.",
        "La carta non risponde. Appoggiarla in piano sul lettore, senza custodia, o inserirla dal lato dei contatti, e ricominciare.";
    NO_SERVICE: "no-service",
        "The computer's smart card service is not running, or this account cannot reach it. Start it (on Linux: pcscd) and try again.",
        "Il servizio per le smart card del computer non è attivo o questo utente non può raggiungerlo. Avviarlo (su Linux: pcscd) e riprovare.";
    ACCESS_DENIED: "access-denied",
        "The computer's smart card service does not let this account use cards. Whoever looks after the computer can allow it (on Linux: a polkit rule for pcscd).",
        "Il servizio per le smart card del computer non consente a questo utente di usare le carte. Può consentirlo chi gestisce il computer (su Linux: una regola di polkit per pcscd).";
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
        "The operation was cancelled. Nothing more was sent to the card. Start again if need be.",
        "L'operazione è stata annullata. Nient'altro è stato inviato alla carta. Ricominciare se serve.";
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
        "The card holds nothing for this: it was not activated, or is made without. Ask whoever issued it.",
        "La carta non contiene nulla per questo: non è stata attivata o ne è priva. Rivolgersi a chi l'ha emessa.";
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
        "An answer came, without protection, that the PIN or PUK is wrong or blocked. It may not be the card's: do not enter it here again.",
        "È arrivata una risposta non protetta secondo cui il PIN o il PUK è errato o bloccato. Potrebbe non venire dalla carta: non inserirlo di nuovo qui.";
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
    SIGNATURE_WEAK: "signature-weak",
        "The card's files are signed with SHA-1, which whoever spends enough can forge. Whoever answers for this place may let it pass.",
        "I dati della carta sono firmati con SHA-1, che chi investe abbastanza può falsificare. Può accettarli solo chi risponde di questo sportello.";
    DATA_ALTERED: "file-altered",
        "The personal data on the card are not those that its certificate speaks of. Do not trust the card.",
        "I dati personali sulla carta non sono quelli di cui parla il suo certificato. Non fidarsi della carta.";
    DATA_UNBOUND: "personal-data-unbound",
        "Nothing ties the personal data on the card to its certificate: they rest on what the card declares, and on nothing else.",
        "Nulla collega i dati personali sulla carta al suo certificato: si basano solo su ciò che dichiara la carta.";
    FISCAL_CODE: "fiscal-code-malformed",
        "This is not a fiscal code: sixteen capital letters and digits, the last one a check letter.",
        "Questo non è un codice fiscale: sedici tra lettere maiuscole e cifre, l'ultima è una lettera di controllo.";
    WRONG_SIGNATURE: "wrong-signature",
        "The signature is wrong and was thrown away. Do not trust this card or this message.",
        "La firma è errata ed è stata scartata. Non fidarsi di questa carta o di questo messaggio.";
    TOKEN_SIGNATURE: "wrong-signature",
        "The signature does not fit: it is forged, or was made for another address or another challenge. Nobody is let in by it; start again.",
        "La firma non corrisponde: è falsa, o fatta per un altro indirizzo o un altro codice di sfida. L'accesso non è consentito; ricominciare.";
    PURPOSE_REFUSED: "purpose-refused",
        "These data could serve to log in at some website in the holder's name, so they are not signed.",
        "Questi dati potrebbero servire per accedere a un sito a nome del titolare, perciò non vengono firmati.";
    ISSUER_UNKNOWN: "issuer-unknown",
        "Nobody we know has issued this certificate: nothing could be checked. Ask whoever runs the service.",
        "Il certificato è stato emesso da un'autorità sconosciuta: nulla è stato verificato. Rivolgersi a chi gestisce il servizio.";
    CERTIFICATE_EXPIRED: "certificate-expired",
        "The certificate is not valid at this time. Check the clock, or renew the card.",
        "Il certificato non è valido in questo momento. Controllare l'orologio o rinnovare la carta.";
    CERTIFICATE_BAD: "certificate-bad",
        "The certificate was checked and is not good. Do not trust it; ask whoever runs the service.",
        "Il certificato è stato verificato e non è valido. Non fidarsi; rivolgersi a chi gestisce il servizio.";
    CERTIFICATE_WEAK: "certificate-weak",
        "The certificate rests on cryptography that is too old for this service, as that of cards from before 2012 or so, and proves nothing here. Ask whoever runs the service, or renew the card.",
        "Il certificato si basa su una crittografia troppo vecchia per questo servizio, come nelle carte di prima del 2012 circa, e qui non prova nulla. Rivolgersi a chi gestisce il servizio o rinnovare la carta.";
    CARD_NOT_ACCEPTED: "card-not-accepted",
        "Cards of this kind are not accepted here; the card itself was not judged. Use one of another kind, or ask whoever runs the service.",
        "Le carte di questo tipo non sono accettate qui; la carta in sé non è stata giudicata. Usarne una di un altro tipo o rivolgersi a chi gestisce il servizio.";
    CERTIFICATE_REVOKED: "certificate-revoked",
        "The certificate was revoked: the card was reported lost, replaced, or withdrawn. Nobody is let in with it; ask whoever issued the card.",
        "Il certificato è stato revocato: la carta risulta smarrita, sostituita o ritirata. L'accesso non è consentito; rivolgersi a chi l'ha emessa.";
    STATUS_UNAVAILABLE: "status-unavailable",
        "Whether the certificate was revoked could not be found out, so nobody was let in. Try again later.",
        "Non è stato possibile sapere se il certificato è stato revocato, perciò l'accesso non è consentito. Riprovare più tardi.";
    TRUST_FOLDER: "trust-folder",
        "The folder with the trusted certificates cannot be used as it is: the detail names the file. Nothing was trusted.",
        "La cartella dei certificati attendibili non è utilizzabile così com'è: il dettaglio indica il file. Nulla è stato considerato attendibile.";
    TOKEN_MALFORMED: "token-malformed",
        "This is not a login that this program understands. Start again from the portal's page.",
        "Questo non è un accesso che il programma riconosce. Ricominciare dalla pagina del portale.";
    CHALLENGE_MISSING: "challenge-missing",
        "This login was answered already, or was never begun here. Start again from the portal's page.",
        "A questo accesso è già stata data risposta, o non è mai iniziato qui. Ricominciare dalla pagina del portale.";
    CHALLENGE_EXPIRED: "challenge-expired",
        "The login took too long. Start again from the portal's page.",
        "L'accesso ha richiesto troppo tempo. Ricominciare dalla pagina del portale.";
    CHALLENGE_STORE: "challenge-store",
        "The portal cannot keep logins at the moment. Try again later.",
        "Il portale non può gestire gli accessi in questo momento. Riprovare più tardi.";
    ORIGIN_MALFORMED: "origin-malformed",
        "The address of the portal is not written as a browser writes it: https://, the host in small letters, a port only if it is not 443, and nothing after it.",
        "L'indirizzo del portale non è scritto come lo scrive un browser: https://, il nome in minuscolo, la porta solo se diversa da 443, e nient'altro.";
    NONCE_MALFORMED: "nonce-malformed",
        "The challenge has 44 to 128 characters, without blanks, as the portal gave it.",
        "Il codice di sfida ha da 44 a 128 caratteri, senza spazi, così come l'ha dato il portale.";
    TEST_CERTIFICATE: "test-certificate",
        "This is a test card, not a real one.",
        "Questa è una carta di prova, non una carta vera.";
    TRACE_NOT_REDACTABLE: "trace-not-redactable",
        "Nothing was written. Only a plain trace of a card that this library knows can be redacted: record the dialogue again, from its beginning.",
        "Nulla è stato scritto. Si può anonimizzare solo una registrazione in chiaro di una carta nota: registrare di nuovo il dialogo, dall'inizio.";
    REDACTION_LEAKS: "redaction-leaks",
        "Something of the holder was still in the result, so nothing was written. Do not share the recording; tell us what the detail names, and run it once more: short values can stand there by chance.",
        "Nel risultato restava un dato del titolare, perciò nulla è stato scritto. Non condividere la registrazione; segnalare ciò che il dettaglio nomina e riprovare: i valori brevi possono comparire per caso.";
    TRACE_UNUSABLE: "trace-unusable",
        "This recorded dialogue cannot be used: the detail says in which line and why.",
        "Questa registrazione non è utilizzabile: il dettaglio dice in quale riga e perché.";
    NOT_AS_RECORDED: "not-as-recorded",
        "What happened is not what was recorded: the detail says at which line. No card was touched.",
        "Ciò che è accaduto non è quanto registrato: il dettaglio dice a quale riga. Nessuna carta è stata toccata.";
    INTERNAL: "internal",
        "The computer could not do this. Try again, and report it if it stays.",
        "Il computer non ha potuto eseguire l'operazione. Riprovare e, se persiste, segnalarlo.";
    SOFT_CARD: "soft-card",
        "The software card cannot be used: see the detail.",
        "La carta software non è utilizzabile: vedere il dettaglio.";
}
