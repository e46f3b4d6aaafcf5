//! The letters that a fiscal code makes of a name, and its check character (decree of 23 December 1976).

use super::Error;

/// A name in capital letters without accents.
pub(super) fn plain(name: &str) -> Result<String, Error> {
    let plain = name.chars().flat_map(char::to_uppercase).map(|letter| match letter {
        'A'..='Z' | ' ' | '-' | '\'' => Ok(letter),
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => Ok('A'),
        'È' | 'É' | 'Ê' | 'Ë' => Ok('E'),
        'Ì' | 'Í' | 'Î' | 'Ï' => Ok('I'),
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => Ok('O'),
        'Ù' | 'Ú' | 'Û' | 'Ü' => Ok('U'),
        'Ç' | 'Č' => Ok('C'),
        'Ñ' => Ok('N'),
        'Š' => Ok('S'),
        'Ž' => Ok('Z'),
        '’' => Ok('\''),
        _ => Err(Error::Name),
    });
    plain.collect()
}

/// Consonants and vowels of a name, in order, as plain capital letters.
pub(super) fn letters(name: &str) -> Result<(String, String), Error> {
    let mut letters = plain(name)?;
    letters.retain(|letter| letter.is_ascii_alphabetic());
    if letters.is_empty() {
        return Err(Error::Name);
    }
    let (vowels, consonants) = letters.chars().partition(|letter| "AEIOU".contains(*letter));
    Ok((consonants, vowels))
}

/// Three letters of a name.
pub(super) fn three(consonants: &str, vowels: &str) -> String {
    consonants.chars().chain(vowels.chars()).chain("XXX".chars()).take(3).collect()
}

/// Values of 0-9 (and A-J) and K-Z at odd positions, counted from one.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// The sixteenth character of a fiscal code.
pub(super) fn check_character(code: &str) -> char {
    let sum: u32 = code
        .bytes()
        .enumerate()
        .map(|(index, byte)| {
            // A digit counts as the letter of its index.
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') };
            let odd = ODD.get(usize::from(value)).copied().unwrap_or_default();
            if index % 2 == 0 { odd } else { u32::from(value) }
        })
        .sum();
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().nth((sum % 26) as usize).unwrap_or('A')
}
