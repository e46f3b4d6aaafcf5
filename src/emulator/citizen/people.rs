//! A dozen people who do not exist, for software cards: every name is a word for *sample* or *test*.
//!
//! Between them they have what programs stumble over: accents, hyphens, apostrophes, births abroad, names
//! without consonants or of two letters, a name too long for its field, a fiscal code that another one had
//! to make room for (omocodia), a birthday on 29 February, and a minor.

use super::{Citizen, Date, Person, Sex};

/// Surname, given names, sex, date and place of birth, fiscal code, document number, NIS.
type Row = (&'static str, &'static str, Sex, Date, &'static str, &'static str, &'static str, &'static str);

use Sex::{F, M};

#[rustfmt::skip]
const ROWS: [Row; 12] = [
    ("COLLAUDÒ D'ESEMPIO", "FITTIZIÀ PROVA", F, day(1985, 7, 24), "H501", "CLLFTZ85L64H501X", "CA00000AA", "000000123456"),
    ("PROVA", "FITTIZIO", M, day(1958, 2, 28), "F205", "PRVFTZ58B28F205J", "CA00001AA", "000000000017"),
    // Born in France.
    ("ÉCHANTILLON-SPÉCIMEN", "FICTIVE", F, day(1991, 11, 5), "Z110", "CHNFTV91S45Z110U", "CA00002AA", "000000000028"),
    // Two letters each; the fiscal code is filled up with X. Born in China.
    ("TU", "IO", M, day(1975, 5, 9), "Z210", "TUXIOX75E09Z210D", "CA00003AA", "000000000039"),
    // Nine years old all through 2026. The date is fixed, as the same seed is to give the same person
    // in any year; how long a card is valid follows from the age on the day of issue.
    ("COLLAUDINI", "PROVETTA", F, day(2016, 12, 31), "L219", "CLLPVT16T71L219Z", "CA00004AA", "000000000040"),
    // Longer than the field for given names in a certificate.
    ("DELLA COLLAUDATISSIMA ESEMPLARITÀ",
        "FITTIZIO MARIAPROVA CAMPIONE ESEMPLARE SEGNAPOSTO MODELLO TESTUALE PROVVISORIO",
        M, day(1969, 8, 31), "G273", "DLLFTZ69M31G273G", "CA00005AA", "000000000051"),
    // Another PROVOLLAUDO has PRVMCD80A01D612Q: the last digit became a letter.
    ("PROVOLLAUDO", "OMOCODIO", M, day(1980, 1, 1), "D612", "PRVMCD80A01D61NF", "CA00006AA", "000000000062"),
    // Born in Germany.
    ("MÜSTERPRÖBE", "BEISPIELHAFT", M, day(1999, 12, 12), "Z112", "MSTBPL99T12Z112Q", "CA00007AA", "000000000073"),
    // Born in Slovenia.
    ("ŠPEČIMEN-ŽKUŠEBNI", "NEEXISTUJE", F, day(2004, 2, 29), "Z150", "SPCNST04B69Z150J", "CA00008AA", "000000000084"),
    // Vowels only.
    ("AIÙÒ", "EÌ", F, day(1947, 6, 2), "A944", "AIUEIX47H42A944R", "CA00009AA", "000000000095"),
    ("D'ESEMPIO", "SEGNAPOSTA", F, day(2001, 3, 31), "C351", "DSMSNP01C71C351U", "CA00010AA", "000000000106"),
    ("L'INESISTENTE", "MAI NATO", M, day(1934, 9, 15), "A662", "LNSMNT34P15A662E", "CA00011AA", "000000000117"),
];

/// A birthday in the table; one that does not exist does not compile.
#[expect(clippy::panic, reason = "while the table is compiled")]
const fn day(year: u16, month: u8, day: u8) -> Date {
    match Date::new(year, month, day) {
        Some(date) => date,
        None => panic!("no such day"),
    }
}

/// The dozen, in a fixed order; the first is [`Citizen::demo`].
#[must_use]
pub fn people() -> Vec<Citizen> {
    ROWS.iter().map(citizen).collect()
}

impl Citizen {
    /// The citizen that examples and tests use. Nobody bears this name; the accents are there on purpose.
    #[must_use]
    pub fn demo() -> Self {
        let [demo, ..] = &ROWS;
        citizen(demo)
    }

    /// One of the dozen: 0 to 11 name them in order, and other numbers begin again.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        let index = usize::try_from(number % 12).unwrap_or(0);
        ROWS.get(index).map_or_else(Self::demo, citizen)
    }
}

fn citizen(row: &Row) -> Citizen {
    let (surname, given_names, sex, birth_date, place, fiscal_code, document_number, nis) = *row;
    Citizen {
        person: Person {
            surname: surname.into(),
            given_names: given_names.into(),
            sex,
            birth_date,
            birth_place: place.into(),
        },
        fiscal_code: fiscal_code.into(),
        document_number: document_number.into(),
        nis: nis.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::emulator::citizen::letters::check_character;

    /// The codes in the table are those of the program `python-codicefiscale`, which also accepts the one
    /// with omocodia; here ours is compared with them.
    #[test]
    fn fiscal_codes_are_the_computed_ones_but_for_the_one_that_had_to_make_room() {
        for (index, citizen) in people().into_iter().enumerate() {
            let computed = citizen.person.fiscal_code().unwrap();
            let expected = if index == 6 { "PRVMCD80A01D612Q" } else { &citizen.fiscal_code };
            assert_eq!(computed, expected, "{index}");
            let (code, check) = citizen.fiscal_code.split_at(15);
            assert_eq!(check, check_character(code).to_string(), "{index}");
        }
    }

    #[test]
    fn everybody_is_well_formed_and_different() {
        let people = people();
        assert_eq!(people.len(), 12);
        assert_eq!(people.first(), Some(&Citizen::demo()));
        for (number, citizen) in (0_u64..).zip(&people) {
            citizen.check().unwrap();
            assert_eq!((&Citizen::numbered(number), &Citizen::numbered(number + 120)), (citizen, citizen));
        }
        let numbers = people.iter().map(|c| [&c.fiscal_code, &c.document_number, &c.nis]);
        assert_eq!(numbers.flatten().collect::<BTreeSet<_>>().len(), 36);
    }

    #[test]
    fn what_programs_stumble_over_is_there() {
        let people = people();
        let some = |test: fn(&Citizen) -> bool| people.iter().filter(|citizen| test(citizen)).count();
        assert_eq!(some(|c| c.person.sex == F), 6);
        assert!(some(|c| c.person.birth_place.starts_with('Z')) >= 3);
        assert!(some(|c| c.person.surname.contains('-')) >= 2);
        assert!(some(|c| c.person.surname.contains('\'')) >= 3);
        assert!(some(|c| !c.person.surname.is_ascii()) >= 5);
        assert_eq!(some(|c| c.person.given_names.chars().count() > 64), 1);
        assert_eq!(some(|c| c.person.surname.chars().count() == 2), 1);
        assert_eq!(some(|c| c.person.birth_date.year() > 2010), 1);
        assert_eq!(some(|c| c.person.fiscal_code() != Ok(c.fiscal_code.clone())), 1);
    }
}
