//! The search of what is to be shared for everything that was replaced, in every encoding, in one pass.
//!
//! Values are looked for as they are, in hexadecimal digits and in base64 at each of its three alignments; texts also
//! in capitals and small letters, without accents, in UTF-16 and Latin-1, escaped as in JSON and in addresses. What
//! in a file is hexadecimal or base64 is decoded, line breaks left out, and searched again.

use aho_corasick::AhoCorasick;
use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use super::Error;
use super::values::{BLOCK, Form, Value, Values};

/// The shortest value that is searched for, in bytes: a shorter one stands by chance where nobody wrote it.
pub(super) const SEARCHED_MIN: usize = 5;
/// The shortest value of which the base64 within other base64 is searched for.
const BASE64_MIN: usize = 8;
/// The shortest run of digits that is decoded.
const RUN_MIN: usize = 8;
/// How often what was decoded is decoded again.
const DEPTH: u8 = 2;
/// Fewer different bytes than this in a block say nothing.
const VARIETY_MIN: usize = 6;

/// Fewer hexadecimal digits than this, or so many zeros in front of others, stand in many a number.
const DIGITS_MIN: usize = 10;
const ZEROS: usize = 6;
/// So many hexadecimal digits around them are such a number.
const NUMBER_MIN: usize = 24;

/// What became of a value in the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is searched for.
    Searched,
    /// It is too short.
    TooShort,
    /// The certificates and words that every software card has contain it, and do not have it from the trace.
    EverywhereAnyway,
}

/// All patterns of all values.
pub(super) struct Search {
    automaton: AhoCorasick,
    /// What each pattern is of.
    names: Vec<String>,
}

impl Search {
    /// Makes the patterns. `independent` is what was there before the trace was looked at: what stands in it does
    /// not come from the trace.
    pub(super) fn new(values: &Values, independent: &[&[u8]]) -> Result<(Self, Vec<Fate>), Error> {
        let anyway = |pattern: &[u8]| independent.iter().any(|text| contains(text, pattern));
        let (mut patterns, mut names, mut fates) = (Vec::<Zeroizing<Vec<u8>>>::new(), Vec::new(), Vec::new());
        for value in values.iter() {
            if value.bytes.len() < SEARCHED_MIN {
                fates.push(Fate::TooShort);
                continue;
            }
            let written = written(value);
            let long: Vec<_> = written.into_iter().filter(|bytes| bytes.len() >= SEARCHED_MIN).collect();
            let fresh: Vec<_> = long.iter().filter(|bytes| !anyway(bytes)).collect();
            fates.push(match (long.is_empty(), fresh.is_empty()) {
                (true, _) => Fate::TooShort,
                (false, true) => Fate::EverywhereAnyway,
                (false, false) => Fate::Searched,
            });
            for bytes in fresh {
                for pattern in encoded(bytes) {
                    patterns.push(pattern);
                    names.push(value.what.clone());
                }
            }
        }
        let automaton = AhoCorasick::new(&patterns).map_err(|error| Error::Search(error.to_string()))?;
        Ok((Self { automaton, names }, fates))
    }

    /// Looks through a file.
    ///
    /// # Errors
    /// [`Error::Survived`] with the name of the first value that was found.
    pub(super) fn check(&self, file: &str, content: &[u8]) -> Result<(), Error> {
        let joined: Zeroizing<Vec<u8>> =
            Zeroizing::new(content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
        // In JSON a line break in a text is written.
        let unescaped = Zeroizing::new(without(&joined, b"\\n"));
        for text in [content, &joined, &unescaped] {
            self.look_into(file, text, DEPTH)?;
        }
        Ok(())
    }

    /// Looks through text and what is encoded in it.
    fn look_into(&self, file: &str, text: &[u8], depth: u8) -> Result<(), Error> {
        self.look(file, text)?;
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for run in runs(text, |byte| byte.is_ascii_hexdigit()) {
            for from in 0..2 {
                self.look_into(file, &unhex(run.get(from..).unwrap_or_default()), depth)?;
            }
        }
        for run in runs(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
            for from in 0..4 {
                self.look_into(file, &unbase64(run.get(from..).unwrap_or_default()), depth)?;
            }
        }
        Ok(())
    }

    fn look(&self, file: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut found = self.automaton.find_overlapping_iter(bytes);
        match found.find(|found| !is_chance(bytes, found.range())) {
            None => Ok(()),
            Some(found) => {
                let what = self.names.get(found.pattern().as_usize()).cloned().unwrap_or_default();
                Err(Error::Survived { what, file: file.to_owned() })
            }
        }
    }
}

/// Whether hexadecimal digits, few of them or with many zeros in front, stand in the midst of others: there they are a
/// part of some number, or padding and the byte after it. A text of that sort is found in any other place, and written
/// in hexadecimal digits itself it is found everywhere.
fn is_chance(text: &[u8], found: std::ops::Range<usize>) -> bool {
    let digits = text.get(found.clone()).unwrap_or_default();
    let common = digits.len() < DIGITS_MIN || digits.starts_with(&[b'0'; ZEROS]);
    if !common || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let before = text.get(..found.start).unwrap_or_default().iter().rev();
    let behind = text.get(found.end..).unwrap_or_default().iter();
    let before = before.take(NUMBER_MIN).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let behind = behind.take(NUMBER_MIN).take_while(|byte| byte.is_ascii_hexdigit()).count();
    before + behind >= NUMBER_MIN
}

/// The ways in which a value is written, before any encoding of bytes.
fn written(value: &Value) -> Vec<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(&value.bytes).ok().filter(|_| value.form == Form::Text);
    let Some(text) = text else { return blocks(&value.bytes) };
    let separators = |c: char| !c.is_alphanumeric();
    let words = text.split(separators).filter(|word| word.chars().count() >= SEARCHED_MIN);
    let plain = plain(text);
    let plain_words = plain.split(separators).filter(|word| word.len() >= SEARCHED_MIN);
    let mut written = Vec::new();
    for word in words.chain(plain_words).chain([text, plain.as_str()]) {
        // A prefix that says what kind of number follows names nobody.
        if matches!(word, "IDCIT" | "TINIT") {
            continue;
        }
        for cased in [word.to_owned(), word.to_uppercase(), word.to_lowercase(), capitalised(word)] {
            written.extend(spelled(&Zeroizing::new(cased)));
        }
    }
    written.sort_unstable_by(|one, other| one.as_slice().cmp(other));
    written.dedup();
    written
}

/// A text in each of the character sets and escapes.
fn spelled(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut spelled = vec![text.as_bytes().to_vec(), wide(u16::to_be_bytes), wide(u16::to_le_bytes)];
    if let Ok(latin) = text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<Vec<u8>, _>>() {
        spelled.push(latin);
    }
    let escaped = |escape: &dyn Fn(char) -> String| {
        text.chars()
            .flat_map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { escape(c) }.into_bytes())
            .collect()
    };
    let percent = |c: char| c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let unicode = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    spelled.push(escaped(&percent));
    spelled.push(escaped(&unicode));
    spelled.push(escaped(&|c| unicode(c).to_uppercase().replace("\\U", "\\u")));
    spelled.into_iter().map(Zeroizing::new).collect()
}

/// A short value as a whole, a long one block by block: any piece of it with a block in it is found.
fn blocks(bytes: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let bytes = super::certificate::unsigned(bytes);
    if bytes.len() <= BLOCK {
        return vec![Zeroizing::new(bytes.to_vec())];
    }
    let varied = |block: &&[u8]| {
        let mut known = block.to_vec();
        known.sort_unstable();
        known.dedup();
        known.len() >= VARIETY_MIN
    };
    let blocks: Vec<_> =
        bytes.chunks_exact(BLOCK).filter(varied).map(|block| Zeroizing::new(block.to_vec())).collect();
    // A long value in which nothing varies, such as a text that repeats itself.
    if blocks.is_empty() { vec![Zeroizing::new(bytes.to_vec())] } else { blocks }
}

/// Bytes in each of the encodings that bytes have.
fn encoded(bytes: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut encoded = vec![
        Zeroizing::new(bytes.to_vec()),
        Zeroizing::new(hex::encode(bytes).into_bytes()),
        Zeroizing::new(hex::encode_upper(bytes).into_bytes()),
    ];
    if bytes.len() >= BASE64_MIN {
        for shift in 0..3 {
            let shifted = Zeroizing::new([vec![0; shift].as_slice(), bytes].concat());
            let text = Zeroizing::new(Base64Unpadded::encode_string(&shifted));
            // Digits that also depend on what stands before and behind are left out.
            let (first, last) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
            encoded.extend(text.as_bytes().get(first..last).map(|text| Zeroizing::new(text.to_vec())));
        }
    }
    encoded
}

/// Capital letters without accents.
fn plain(text: &str) -> Zeroizing<String> {
    Zeroizing::new(crate::emulator::citizen::without_accents(text).unwrap_or_else(|| text.to_owned()))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

fn contains(text: &[u8], pattern: &[u8]) -> bool {
    text.windows(pattern.len().max(1)).any(|window| window == pattern)
}

fn without(text: &[u8], pattern: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, behind)) = rest.split_first() {
        rest = match rest.strip_prefix(pattern) {
            Some(after) => after,
            None => {
                kept.push(*first);
                behind
            }
        };
    }
    kept
}

/// The stretches of bytes of one sort that are long enough to mean something.
fn runs(text: &[u8], sort: impl Fn(&u8) -> bool) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| !sort(byte)).filter(|run| run.len() >= RUN_MIN)
}

fn unhex(digits: &[u8]) -> Zeroizing<Vec<u8>> {
    let even = digits.get(..digits.len() & !1).unwrap_or_default();
    Zeroizing::new(hex::decode(even).unwrap_or_default())
}

/// As many bytes as the digits give, whatever they are cut from.
fn unbase64(digits: &[u8]) -> Zeroizing<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Zeroizing::new(Vec::with_capacity(digits.len())), 0_u32, 0);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
        }
    }
    bytes
}
