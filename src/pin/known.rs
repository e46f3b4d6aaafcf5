//! What is known of the tries of a PIN and its PUK: what the card told, and what has to be feared.
//!
//! Only an answer of the card raises a count. Where it is not known what the card made of a secret, the count falls.
//! And what was heard while an attempt was under way is newer than the outcome of that attempt, which lowers it at
//! most.

use std::time::Instant;

use super::memory::Remembered;
use super::{Error, LastTry, Tries, TriesMemory};

/// How many tries a secret is taken to have of which neither the card nor the standard tells how many it may have.
const FEWEST: u8 = 3;

/// Which of the two secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Pin,
    Puk,
}

/// What is known of one secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub(super) tries: Tries,
    /// When something was heard last; `None` if nothing was.
    heard: Option<Instant>,
    /// Whether the card told it, and not only what it did not say made it fewer.
    is_told: bool,
    /// How often something was heard.
    news: u64,
    /// How many attempts are under way, each of which may cost a try.
    pub(super) under_way: u8,
}

impl Default for Count {
    fn default() -> Self {
        Self { tries: Tries::Unknown, heard: None, is_told: false, news: 0, under_way: 0 }
    }
}

impl Count {
    fn hear(&mut self, tries: Tries, is_told: bool) {
        (self.tries, self.is_told) = (tries, is_told);
        (self.heard, self.news) = (Some(Instant::now()), self.news.wrapping_add(1));
    }

    /// The fewer of what is known and what may be.
    fn fear(&mut self, tries: Tries) {
        self.hear(fewer(self.tries, tries), false);
    }

    /// Takes over what a session heard before it had a memory, if that is newer.
    pub(super) fn merge(&mut self, own: &Self) {
        if own.heard > self.heard {
            if own.is_told {
                self.hear(own.tries, true)
            } else {
                self.fear(own.tries)
            }
            self.heard = own.heard;
        }
    }

    /// As [`Tries::check`]; what is under way counts as spent.
    fn check(&self, last_try: LastTry) -> Result<(), Error> {
        match self.tries {
            Tries::Left(left @ 1..) => {
                Tries::Left(left.saturating_sub(self.under_way).max(1)).check(last_try)
            }
            tries => tries.check(last_try),
        }
    }
}

fn fewer(one: Tries, other: Tries) -> Tries {
    match (one, other) {
        (Tries::Left(one), Tries::Left(other)) => Tries::Left(one.min(other)),
        (known, Tries::Unknown) | (Tries::Unknown, known) => known,
    }
}

/// What a session knows of the tries of a PIN and its PUK, alone or together with all that share a [`TriesMemory`].
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownTries {
    own: [Count; 2],
    memory: Option<Remembered>,
}

/// Leave to show a secret once.
#[derive(Debug)]
pub(crate) struct Attempt {
    which: Which,
    before: Tries,
    /// What had been heard of both secrets.
    news: [u64; 2],
    memory: Option<Remembered>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.with(|counts| {
                let count = of(counts, self.which);
                count.under_way = count.under_way.saturating_sub(1);
            });
        }
    }
}

pub(super) fn of(counts: &mut [Count; 2], which: Which) -> &mut Count {
    let [pin, puk] = counts;
    match which {
        Which::Pin => pin,
        Which::Puk => puk,
    }
}

impl KnownTries {
    fn with<T>(&mut self, body: impl FnOnce(&mut [Count; 2]) -> T) -> T {
        match &self.memory {
            Some(memory) => memory.with(body),
            None => body(&mut self.own),
        }
    }

    /// How many tries are left, as far as anybody knows.
    pub(crate) fn left(&self, which: Which) -> Tries {
        match &self.memory {
            Some(memory) => memory.left(which),
            None => {
                let mut own = self.own;
                of(&mut own, which).tries
            }
        }
    }

    /// What the card tells when it is asked; that it does not tell is no news.
    pub(crate) fn told(&mut self, which: Which, tries: Tries) {
        if let Tries::Left(_) = tries {
            self.with(|counts| of(counts, which).hear(tries, true));
        }
    }

    /// Shares from now on what a memory knows of a card. Whichever heard something last is believed. What happened to a
    /// card when it was recorded says nothing of it as it is now.
    pub(crate) fn remember(&mut self, memory: &TriesMemory, is_replayed: bool, card: &[&[u8]]) {
        let life: &[u8] = if is_replayed { b"recorded" } else { b"live" };
        let remembered = memory.of(&[&[life], card].concat());
        let own = self.own;
        remembered.with(|counts| counts.iter_mut().zip(&own).for_each(|(count, own)| count.merge(own)));
        self.memory = Some(remembered);
    }

    /// The memory that it shares.
    pub(crate) fn memory(&self) -> Option<&Remembered> {
        self.memory.as_ref()
    }

    /// Leave to show a secret, to be asked for just before that is done.
    ///
    /// # Errors
    /// As [`Tries::check`].
    pub(crate) fn permit(&mut self, which: Which, last_try: LastTry) -> Result<Attempt, Error> {
        let is_shared = self.memory.is_some();
        let (before, news) = self.with(|counts| {
            let news = counts.each_ref().map(|count| count.news);
            let count = of(counts, which);
            count.check(last_try)?;
            count.under_way = count.under_way.saturating_add(u8::from(is_shared));
            Ok::<_, Error>((count.tries, news))
        })?;
        Ok(Attempt { which, before, news, memory: self.memory.clone() })
    }

    /// What became of an attempt. `most`: how many tries a right secret gives it again.
    pub(crate) fn learn(&mut self, attempt: &Attempt, outcome: &Result<(), Error>, most: Tries) {
        match outcome {
            Ok(()) => self.raise(attempt, attempt.which, most),
            Err(Error::Wrong(left @ Tries::Left(_))) => self.answered(attempt, *left),
            Err(Error::Blocked) => self.answered(attempt, Tries::Left(0)),
            Err(Error::Channel(error)) if error.is_unsent() => {}
            Err(_) => {
                let feared =
                    attempt.before.after_doubt(if let Tries::Left(most) = most { most } else { FEWEST });
                self.with(|counts| of(counts, attempt.which).fear(feared));
            }
        }
    }

    /// The card has told it in its answer to the attempt.
    fn answered(&mut self, attempt: &Attempt, left: Tries) {
        let is_newest = self.is_newest(attempt, attempt.which);
        self.with(|counts| {
            let count = of(counts, attempt.which);
            if is_newest { count.hear(left, true) } else { count.fear(left) }
        });
    }

    /// An attempt that succeeded gave this secret its tries back.
    pub(crate) fn raise(&mut self, attempt: &Attempt, which: Which, tries: Tries) {
        if self.is_newest(attempt, which) {
            self.with(|counts| of(counts, which).hear(tries, true));
        }
    }

    /// The PIN may have been unblocked: one that was blocked may have its tries again, and nothing is lost by showing
    /// it.
    pub(crate) fn doubt_block(&mut self) {
        self.with(|counts| {
            let pin = of(counts, Which::Pin);
            if pin.tries == Tries::Left(0) {
                pin.hear(Tries::Unknown, false);
            }
        });
    }

    /// Whether nothing was heard of a secret since an attempt began.
    fn is_newest(&mut self, attempt: &Attempt, which: Which) -> bool {
        let [pin, puk] = attempt.news;
        let before = match which {
            Which::Pin => pin,
            Which::Puk => puk,
        };
        self.with(|counts| of(counts, which).news == before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::StatusWord;
    use crate::secure_messaging;
    use crate::transport;

    const MOST: Tries = Tries::Left(3);

    fn after(before: Tries, outcome: Error, most: Tries) -> Tries {
        let mut known = KnownTries::default();
        known.told(Which::Pin, before);
        let attempt = known.permit(Which::Pin, LastTry::Spend).unwrap();
        known.learn(&attempt, &Err(outcome), most);
        known.left(Which::Pin)
    }

    fn lost(error: impl Into<secure_messaging::Error>) -> Error {
        error.into().into()
    }

    #[test]
    fn what_is_known_afterwards_is_what_the_card_said() {
        use Tries::{Left, Unknown};
        let (three, refused) = (Left(3), || Error::Status(StatusWord::WRONG_DATA));
        assert_eq!(after(three, Error::Wrong(Left(2)), MOST), Left(2));
        assert_eq!(after(three, Error::Blocked, MOST), Left(0));
        assert_eq!(after(three, refused(), MOST), Left(2));
        assert_eq!(after(Left(2), Error::Wrong(Unknown), MOST), Left(1));
        assert_eq!(after(Unknown, Error::Wrong(Unknown), MOST), Left(2));
        assert_eq!(after(Unknown, refused(), MOST), Left(2));
        assert_eq!(after(Left(1), lost(secure_messaging::Error::WrongMac), MOST), Left(1));
        assert_eq!(after(three, lost(transport::Error::NoAnswer), MOST), Left(2));
        assert_eq!(after(Unknown, lost(transport::Error::NoAnswer), MOST), Left(2), "it may have been spent");
        for known in [Unknown, three, Left(0)] {
            for unsent in [secure_messaging::Error::Closed, transport::Error::InUse.into()] {
                assert_eq!(after(known, lost(unsent), MOST), known);
            }
        }
        // Of a PIN of one try nobody would know that it is not blocked.
        assert_eq!(after(Unknown, Error::Wrong(Unknown), Left(1)), Left(1));
        // How many a secret may have that nobody knows of is not known after it was right, either.
        assert_eq!(after(Unknown, Error::Wrong(Unknown), Unknown), Left(2));
        for (most, known) in [(MOST, three), (Unknown, Unknown)] {
            let mut tries = KnownTries::default();
            tries.told(Which::Puk, Left(2));
            let attempt = tries.permit(Which::Puk, LastTry::Refuse).unwrap();
            tries.learn(&attempt, &Ok(()), most);
            assert_eq!(tries.left(Which::Puk), known);
        }
    }

    fn two() -> (KnownTries, KnownTries) {
        let memory = TriesMemory::new();
        let (mut one, mut other) = (KnownTries::default(), KnownTries::default());
        one.remember(&memory, false, &[b"card"]);
        other.remember(&memory, false, &[b"card"]);
        (one, other)
    }

    #[test]
    fn what_was_heard_meanwhile_is_not_taken_back() {
        for outcome in [Ok(()), Err(Error::Wrong(Tries::Left(9))), Err(lost(transport::Error::NoAnswer))] {
            let (mut one, mut other) = two();
            let attempt = one.permit(Which::Puk, LastTry::Refuse).unwrap();
            other.told(Which::Puk, Tries::Left(1));
            one.learn(&attempt, &outcome, Tries::Left(10));
            assert_eq!(other.left(Which::Puk), Tries::Left(1), "{outcome:?}");
            // What comes next is news again.
            drop(attempt);
            let attempt = one.permit(Which::Puk, LastTry::Spend).unwrap();
            one.learn(&attempt, &Ok(()), Tries::Left(10));
            assert_eq!(other.left(Which::Puk), Tries::Left(10));
        }
        // A PIN that somebody used up while it was unblocked.
        let (mut one, mut other) = two();
        let attempt = one.permit(Which::Puk, LastTry::Refuse).unwrap();
        other.told(Which::Pin, Tries::Left(1));
        one.raise(&attempt, Which::Pin, MOST);
        assert_eq!(other.left(Which::Pin), Tries::Left(1));
    }

    #[test]
    fn an_attempt_under_way_may_cost_a_try() {
        let (mut one, mut other) = two();
        one.told(Which::Pin, Tries::Left(2));
        let attempt = one.permit(Which::Pin, LastTry::Refuse).unwrap();
        assert_eq!(other.permit(Which::Pin, LastTry::Refuse).unwrap_err(), Error::LastTryLeft);
        assert!(other.permit(Which::Puk, LastTry::Refuse).is_ok());
        drop(attempt);
        assert!(other.permit(Which::Pin, LastTry::Refuse).is_ok());
    }

    #[test]
    fn a_session_that_joins_a_memory_brings_what_it_heard() {
        let memory = TriesMemory::new();
        let join = |known: &mut KnownTries| known.remember(&memory, false, &[b"card"]);
        let (mut older, mut newer) = (KnownTries::default(), KnownTries::default());
        older.told(Which::Pin, Tries::Left(3));
        newer.told(Which::Pin, Tries::Left(1));
        join(&mut newer);
        join(&mut older);
        assert_eq!(older.left(Which::Pin), Tries::Left(1), "it was said last");
        // A card that tells is believed; a doubt takes tries only.
        let mut told = KnownTries::default();
        told.told(Which::Pin, Tries::Left(3));
        join(&mut told);
        assert_eq!(older.left(Which::Pin), Tries::Left(3));
        older.told(Which::Pin, Tries::Left(1));
        let mut feared = KnownTries::default();
        feared.told(Which::Pin, Tries::Left(3));
        let attempt = feared.permit(Which::Pin, LastTry::Refuse).unwrap();
        feared.learn(&attempt, &Err(lost(transport::Error::NoAnswer)), MOST);
        join(&mut feared);
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
        assert_eq!(older.left(Which::Puk), Tries::Unknown);
        // A recording of the card is none of it.
        let mut recorded = KnownTries::default();
        recorded.remember(&memory, true, &[b"card"]);
        recorded.told(Which::Pin, Tries::Left(3));
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
    }

    #[test]
    fn only_a_block_is_doubted_when_an_unblocking_is_lost() {
        for (before, after) in [
            (Tries::Left(0), Tries::Unknown),
            (Tries::Left(1), Tries::Left(1)),
            (Tries::Unknown, Tries::Unknown),
        ] {
            let mut known = KnownTries::default();
            known.told(Which::Pin, before);
            known.doubt_block();
            assert_eq!(known.left(Which::Pin), after);
        }
    }
}
