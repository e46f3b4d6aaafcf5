//! What is said to people, in both languages at once: who shows it chooses.

use std::borrow::Cow;
use std::fmt::Display;

/// The same words in English and Italian.
pub(super) type Pair = (&'static str, &'static str);

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Text {
    /// In English.
    pub english: Cow<'static, str>,
    /// In Italian.
    pub italian: Cow<'static, str>,
}

impl From<Pair> for Text {
    fn from((english, italian): Pair) -> Self {
        Self { english: english.into(), italian: italian.into() }
    }
}

impl Text {
    /// What needs no translation: identifiers, and the words of a standard.
    pub(super) fn same(words: impl Display) -> Self {
        let words = words.to_string();
        Self { english: words.clone().into(), italian: words.into() }
    }

    /// A sentence with one gap, `{}`.
    pub(super) fn filled((english, italian): Pair, filling: impl Display) -> Self {
        let filling = filling.to_string();
        let fill = |sentence: &str| Cow::from(sentence.replacen("{}", &filling, 1));
        Self { english: fill(english), italian: fill(italian) }
    }

    /// This, a comma and the other.
    pub(super) fn and(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        let join = |one: &str, other: &str| Cow::from(format!("{one}, {other}"));
        Self { english: join(&self.english, &other.english), italian: join(&self.italian, &other.italian) }
    }
}
