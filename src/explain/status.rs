//! What status words mean, in both languages (ISO/IEC 7816-4 section 5.6).

use super::Text;
use crate::iso7816::StatusWord;

/// The meaning, with the number that the word carries.
pub(super) fn meaning(word: StatusWord) -> Text {
    if let Some(waiting) = word.bytes_waiting() {
        let more = word.value() == 0x6100;
        let sentence = if more {
            ("{} bytes or more waiting", "{} byte o più in attesa")
        } else {
            ("{} more bytes waiting", "altri {} byte in attesa")
        };
        return Text::filled(sentence, waiting);
    }
    if let Some(length) = word.right_length() {
        return Text::filled(("wrong Le, {} is right", "Le errato, quello giusto è {}"), length);
    }
    match word.tries_left() {
        Some(left) => Text::filled(
            ("verification failed, tries left: {}", "verifica fallita, tentativi rimasti: {}"),
            left,
        ),
        None => (word.meaning(), italian(word)).into(),
    }
}

/// [`StatusWord::meaning`] in Italian.
fn italian(word: StatusWord) -> &'static str {
    match word.value() {
        0x9000 => "eseguito",
        0x6282 => "fine del file raggiunta",
        0x6300 => "verifica fallita",
        0x6581 => "errore di memoria",
        0x6700 => "lunghezza errata",
        0x6881 => "canale logico non supportato",
        0x6882 => "secure messaging non supportato",
        0x6883 => "atteso l'ultimo comando della catena",
        0x6884 => "catene di comandi non supportate",
        0x6981 => "comando incompatibile con la struttura del file",
        0x6982 => "condizioni di sicurezza non soddisfatte",
        0x6983 => "metodo di autenticazione bloccato",
        0x6984 => "dato di riferimento non utilizzabile",
        0x6985 => "condizioni d'uso non soddisfatte",
        0x6986 => "nessun file corrente",
        0x6987 => "manca un oggetto del secure messaging",
        0x6988 => "oggetto del secure messaging errato",
        0x6A80 => "dati errati",
        0x6A81 => "funzione non supportata",
        0x6A82 => "file o applicazione non trovati",
        0x6A86 => "P1-P2 errati",
        0x6A88 => "dato di riferimento non trovato",
        0x6B00 => "posizione oltre la fine del file",
        0x6D00 => "istruzione non supportata",
        0x6E00 => "classe non supportata",
        0x6F00 => "nessuna diagnosi precisa",
        _ => "stato non documentato",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_has_its_italian() {
        let undocumented = StatusWord::new(0x1234);
        for word in (0..=u16::MAX).map(StatusWord::new) {
            let (said, documented) = (meaning(word), word.meaning() != undocumented.meaning());
            assert_eq!(documented, said.italian != italian(undocumented), "{word}");
            assert_eq!(documented, said.english != undocumented.meaning(), "{word}");
            assert!(!documented || said.english != said.italian, "{word}");
        }
        let said = |word| meaning(StatusWord::new(word)).italian;
        assert_eq!(said(0x63C2), "verifica fallita, tentativi rimasti: 2");
        assert_eq!(said(0x6100), "256 byte o più in attesa");
        assert_eq!(said(0x6C0A), "Le errato, quello giusto è 10");
    }
}
