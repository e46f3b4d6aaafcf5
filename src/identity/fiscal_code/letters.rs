//! The letters of a name in the fiscal code (ministerial decree of 23 December 1976, articles 2 and 3).

/// Letters with marks, and what they are without. Capitals only.
const MARKED: [(&str, &str); 26] = [
    ("ÀÁÂÃÄÅĀĂĄ", "A"),
    ("Æ", "AE"),
    ("ÇĆĈĊČ", "C"),
    ("ÐĎĐ", "D"),
    ("ÈÉÊËĒĖĘĚ", "E"),
    ("ĜĞĠĢ", "G"),
    ("ĤĦ", "H"),
    ("ÌÍÎÏĨĪĮİ", "I"),
    ("Ĵ", "J"),
    ("Ķ", "K"),
    ("ĹĻĽŁ", "L"),
    ("ÑŃŅŇ", "N"),
    ("ÒÓÔÕÖØŌŎŐ", "O"),
    ("Œ", "OE"),
    ("ŔŖŘ", "R"),
    ("ŚŜŞŠȘ", "S"),
    ("ẞ", "SS"),
    ("ŢŤŦȚ", "T"),
    ("Þ", "TH"),
    ("ÙÚÛÜŨŪŬŮŰŲ", "U"),
    ("Ŵ", "W"),
    ("ÝŶŸ", "Y"),
    ("ŹŻŽ", "Z"),
    // What joins or separates names is no letter.
    (" '’‘`´-.", ""),
    // Accents of their own, as in decomposed Unicode.
    ("\u{300}\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}", ""),
    ("\u{30A}\u{30B}\u{30C}\u{327}\u{328}", ""),
];

/// Three letters for a surname; `None` if a character in it has no counterpart from A to Z.
pub(super) fn of_surname(surname: &str) -> Option<String> {
    let (consonants, vowels) = letters(surname)?;
    Some(three(&consonants, &vowels))
}

/// Three letters for the given names, likewise.
pub(super) fn of_given_names(names: &str) -> Option<String> {
    let (mut consonants, vowels) = letters(names)?;
    if consonants.chars().count() >= 4 {
        consonants.remove(1);
    }
    Some(three(&consonants, &vowels))
}

fn three(consonants: &str, vowels: &str) -> String {
    consonants.chars().chain(vowels.chars()).chain("XXX".chars()).take(3).collect()
}

/// Consonants and vowels of a name, each in their order, from A to Z.
fn letters(name: &str) -> Option<(String, String)> {
    let mut plain = String::new();
    for letter in name.chars().flat_map(char::to_uppercase) {
        if letter.is_ascii_uppercase() {
            plain.push(letter);
        } else {
            plain.push_str(MARKED.iter().find(|(marked, _)| marked.contains(letter))?.1);
        }
    }
    Some(plain.chars().partition(|letter| !matches!(letter, 'A' | 'E' | 'I' | 'O' | 'U')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surnames_and_names() {
        for (name, surname, given) in [
            ("ROSSI", "RSS", "RSS"),
            ("FO", "FOX", "FOX"),
            ("AIO", "AIO", "AIO"),
            ("", "XXX", "XXX"),
            ("GIAN PROVA", "GNP", "GPR"),
            ("AYOUB", "YBA", "YBA"),
            ("D'ESEMPIO", "DSM", "DMP"),
            ("De Provà", "DPR", "DRV"),
            ("NICOLO'", "NCL", "NCL"),
            ("Nicolo\u{300}", "NCL", "NCL"),
            ("Æbø", "BAE", "BAE"),
            ("weiß", "WSS", "WSS"),
            ("ŁUKASZ-Šimić", "LKS", "LSZ"),
        ] {
            assert_eq!(of_surname(name).as_deref(), Some(surname), "{name}");
            assert_eq!(of_given_names(name).as_deref(), Some(given), "{name}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_not_guessed() {
        for name in ["Иван", "王", "AN\u{FFFD}A", "A1", "A/B"] {
            assert_eq!((of_surname(name), of_given_names(name)), (None, None), "{name}");
        }
    }
}
