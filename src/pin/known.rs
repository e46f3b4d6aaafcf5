//! What is known of the tries of a PIN and its PUK: what the card told, and what has to be feared.
//!
//! Only an answer of the card raises a count. Where it is not known what the card made of a secret, the count falls.
//! And what was heard while an attempt was under way is newer than the outcome of that attempt, which lowers it at
//! most.

use std::cmp::Ordering;
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

    /// What the card said, if nothing was heard since `news`; else the fewer.
    fn hear_after(&mut self, news: u64, tries: Tries) {
        if self.news == news { self.hear(tries, true) } else { self.fear(tries) }
    }

    /// Another try may be gone. `most`: how many a right secret gives.
    fn doubt(&mut self, most: Tries) {
        self.fear(self.tries.after_doubt(or_fewest(most)));
    }

    /// Takes over what a session heard before it had a memory, if that is newer.
    pub(super) fn merge(&mut self, own: &Self) {
        match own.heard.cmp(&self.heard) {
            Ordering::Greater if own.is_told => self.hear(own.tries, true),
            Ordering::Greater => self.fear(own.tries),
            Ordering::Equal if own.heard.is_some() => self.fear(own.tries),
            _ => return,
        }
        self.heard = own.heard;
    }

    /// As [`Tries::check`]; what is under way counts as spent.
    fn check(&self, last_try: LastTry, most: Tries) -> Result<(), Error> {
        let left = match self.tries {
            Tries::Unknown if self.under_way > 0 => or_fewest(most),
            Tries::Left(left @ 1..) => left,
            tries => return tries.check(last_try),
        };
        Tries::Left(left.saturating_sub(self.under_way).max(1)).check(last_try)
    }
}

/// How many tries a right secret gives, or is taken to give.
fn or_fewest(most: Tries) -> u8 {
    match most {
        Tries::Left(most) => most,
        Tries::Unknown => FEWEST,
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

/// When the card was asked for its tries, and what had been heard of them: what somebody hears until it answers is
/// newer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    at: Instant,
    news: [u64; 2],
}

/// Leave to show a secret once. One of which nobody says what became of it may have cost a try.
#[derive(Debug)]
pub(crate) struct Attempt {
    which: Which,
    /// How many tries the secret has when it was right.
    most: Tries,
    /// What had been heard of both secrets.
    news: [u64; 2],
    is_settled: bool,
    memory: Option<Remembered>,
}

impl Attempt {
    /// Nothing was compared.
    pub(crate) fn forgo(mut self) {
        self.is_settled = true;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.with(|counts| {
                let count = of(counts, self.which);
                count.under_way = count.under_way.saturating_sub(1);
                if !self.is_settled {
                    count.doubt(self.most);
                }
            });
        }
    }
}

pub(super) fn of<T>(pair: &mut [T; 2], which: Which) -> &mut T {
    let [pin, puk] = pair;
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

    fn counts(&self) -> [Count; 2] {
        self.memory.as_ref().map_or(self.own, |memory| memory.with(|counts| *counts))
    }

    /// How many tries are left, as far as anybody knows.
    pub(crate) fn left(&self, which: Which) -> Tries {
        match &self.memory {
            Some(memory) => memory.left(which),
            None => of(&mut self.counts(), which).tries,
        }
    }

    /// To be called before the card is asked.
    pub(crate) fn ask(&self) -> Asked {
        Asked { at: Instant::now(), news: self.counts().map(|count| count.news) }
    }

    /// What the card told; that it does not tell is no news.
    pub(crate) fn told(&mut self, mut asked: Asked, which: Which, tries: Tries) {
        if let Tries::Left(_) = tries {
            self.with(|counts| {
                let count = of(counts, which);
                count.hear_after(*of(&mut asked.news, which), tries);
                count.heard = Some(asked.at);
            });
        }
    }

    /// Shares from now on what a memory knows of a card. Whichever heard something last is believed. What happened to a
    /// card when it was recorded says nothing of it as it is now.
    pub(crate) fn remember(&mut self, memory: &TriesMemory, is_replayed: bool, card: &[&[u8]]) {
        let life: &[u8] = if is_replayed { b"recorded" } else { b"live" };
        let remembered = memory.of(&[&[life], card].concat());
        if self.memory.as_ref() == Some(&remembered) {
            return;
        }
        let known = self.counts();
        remembered.with(|counts| counts.iter_mut().zip(&known).for_each(|(count, known)| count.merge(known)));
        self.memory = Some(remembered);
    }

    /// Goes on with what an earlier session with the same card knew.
    pub(crate) fn inherit(&mut self, earlier: &Self) {
        let known = earlier.counts();
        self.with(|counts| counts.iter_mut().zip(&known).for_each(|(count, known)| count.merge(known)));
    }

    /// The memory that it shares.
    pub(crate) fn memory(&self) -> Option<&Remembered> {
        self.memory.as_ref()
    }

    /// Leave to show a secret, to be asked for just before that is done. `most`: how many tries it has when it was
    /// right; unknown where that is the issuer's choice.
    ///
    /// # Errors
    /// As [`Tries::check`].
    pub(crate) fn permit(&mut self, which: Which, last_try: LastTry, most: Tries) -> Result<Attempt, Error> {
        let is_shared = self.memory.is_some();
        let news = self.with(|counts| {
            let news = counts.map(|count| count.news);
            let count = of(counts, which);
            count.check(last_try, most)?;
            count.under_way = count.under_way.saturating_add(u8::from(is_shared));
            Ok::<_, Error>(news)
        })?;
        Ok(Attempt { which, most, news, is_settled: false, memory: self.memory.clone() })
    }

    /// What became of an attempt.
    pub(crate) fn learn(&mut self, attempt: &mut Attempt, outcome: &Result<(), Error>) {
        attempt.is_settled = true;
        let (which, most, news) = (attempt.which, attempt.most, *of(&mut attempt.news, attempt.which));
        match outcome {
            Ok(()) => self.raise(attempt, which, most),
            Err(Error::Wrong(left @ Tries::Left(_))) => {
                self.with(|counts| of(counts, which).hear_after(news, *left));
            }
            Err(Error::Blocked) => self.with(|counts| of(counts, which).hear_after(news, Tries::Left(0))),
            Err(Error::Channel(error)) if error.is_unsent() => {}
            Err(_) => self.with(|counts| of(counts, which).doubt(most)),
        }
    }

    /// An attempt that succeeded gave this secret its tries back, unless something was heard of it since.
    pub(crate) fn raise(&mut self, attempt: &mut Attempt, which: Which, tries: Tries) {
        let news = *of(&mut attempt.news, which);
        self.with(|counts| {
            let count = of(counts, which);
            if count.news == news {
                count.hear(tries, true);
            }
        });
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::StatusWord;
    use crate::secure_messaging;
    use crate::transport;

    const MOST: Tries = Tries::Left(3);
    const PUK_MOST: Tries = Tries::Left(10);

    fn after(before: Tries, outcome: Error, most: Tries) -> Tries {
        let mut known = KnownTries::default();
        known.told(known.ask(), Which::Pin, before);
        let mut attempt = known.permit(Which::Pin, LastTry::Spend, most).unwrap();
        known.learn(&mut attempt, &Err(outcome));
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
            tries.told(tries.ask(), Which::Puk, Left(2));
            let mut attempt = tries.permit(Which::Puk, LastTry::Refuse, most).unwrap();
            tries.learn(&mut attempt, &Ok(()));
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
            let mut attempt = one.permit(Which::Puk, LastTry::Refuse, PUK_MOST).unwrap();
            other.told(other.ask(), Which::Puk, Tries::Left(1));
            one.learn(&mut attempt, &outcome);
            assert_eq!(other.left(Which::Puk), Tries::Left(1), "{outcome:?}");
            // What comes next is news again.
            drop(attempt);
            let mut attempt = one.permit(Which::Puk, LastTry::Spend, PUK_MOST).unwrap();
            one.learn(&mut attempt, &Ok(()));
            assert_eq!(other.left(Which::Puk), Tries::Left(10));
        }
        // A PIN that somebody used up while it was unblocked.
        let (mut one, mut other) = two();
        let mut attempt = one.permit(Which::Puk, LastTry::Refuse, PUK_MOST).unwrap();
        other.told(other.ask(), Which::Pin, Tries::Left(1));
        one.raise(&mut attempt, Which::Pin, MOST);
        attempt.forgo();
        assert_eq!(other.left(Which::Pin), Tries::Left(1));
    }

    #[test]
    fn an_attempt_under_way_may_cost_a_try() {
        let (mut one, mut other) = two();
        one.told(one.ask(), Which::Pin, Tries::Left(2));
        let permit = |known: &mut KnownTries| known.permit(Which::Pin, LastTry::Refuse, MOST);
        let attempt = permit(&mut one).unwrap();
        assert_eq!(permit(&mut other).unwrap_err(), Error::LastTryLeft);
        let puk = other.permit(Which::Puk, LastTry::Refuse, PUK_MOST).unwrap();
        attempt.forgo();
        puk.forgo();
        // One of which nobody tells what became of it.
        drop(permit(&mut other).unwrap());
        assert_eq!((one.left(Which::Pin), one.left(Which::Puk)), (Tries::Left(1), Tries::Unknown));
        // Of a card that told nothing, two at once may be all but one.
        let (mut one, mut other) = two();
        let mut attempts = [permit(&mut one).unwrap(), permit(&mut other).unwrap()];
        assert_eq!(permit(&mut one).unwrap_err(), Error::LastTryLeft);
        for attempt in &mut attempts {
            one.learn(attempt, &Err(Error::Wrong(Tries::Unknown)));
        }
        assert_eq!(one.left(Which::Pin), Tries::Left(1));
        // What one of them is told may be from before the other.
        let (mut one, mut other) = two();
        one.told(one.ask(), Which::Pin, Tries::Left(3));
        let mut attempts = [permit(&mut one).unwrap(), permit(&mut other).unwrap()];
        one.learn(&mut attempts[0], &Err(Error::Wrong(Tries::Left(2))));
        one.learn(&mut attempts[1], &Err(lost(transport::Error::NoAnswer)));
        assert_eq!(one.left(Which::Pin), Tries::Left(1));
    }

    #[test]
    fn a_session_that_joins_a_memory_brings_what_it_heard() {
        let memory = TriesMemory::new();
        let join = |known: &mut KnownTries| known.remember(&memory, false, &[b"card"]);
        let (mut older, mut newer) = (KnownTries::default(), KnownTries::default());
        older.told(older.ask(), Which::Pin, Tries::Left(3));
        newer.told(newer.ask(), Which::Pin, Tries::Left(1));
        join(&mut newer);
        join(&mut older);
        assert_eq!(older.left(Which::Pin), Tries::Left(1), "it was said last");
        // A card that tells is believed; a doubt takes tries only.
        let mut told = KnownTries::default();
        told.told(told.ask(), Which::Pin, Tries::Left(3));
        join(&mut told);
        assert_eq!(older.left(Which::Pin), Tries::Left(3));
        older.told(older.ask(), Which::Pin, Tries::Left(1));
        let mut feared = KnownTries::default();
        feared.told(feared.ask(), Which::Pin, Tries::Left(3));
        let mut attempt = feared.permit(Which::Pin, LastTry::Refuse, MOST).unwrap();
        feared.learn(&mut attempt, &Err(lost(transport::Error::NoAnswer)));
        join(&mut feared);
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
        // What was heard after a question was asked is newer than its answer, with the memory and before.
        let asked = older.ask();
        newer.told(newer.ask(), Which::Pin, Tries::Left(1));
        older.told(asked, Which::Pin, Tries::Left(3));
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
        let mut slow = KnownTries::default();
        let asked = slow.ask();
        newer.told(newer.ask(), Which::Pin, Tries::Left(1));
        slow.told(asked, Which::Pin, Tries::Left(3));
        join(&mut slow);
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
        // To join again is no news.
        let attempt = newer.permit(Which::Pin, LastTry::Spend, MOST).unwrap();
        join(&mut older);
        assert_eq!(older.ask().news, attempt.news);
        drop(attempt);
        // Another memory learns what the first one knew, and so does the next session with the card.
        let other = TriesMemory::new();
        older.remember(&other, false, &[b"card"]);
        assert_eq!(older.left(Which::Pin), Tries::Left(1));
        let mut next = KnownTries::default();
        next.inherit(&older);
        assert_eq!(next.left(Which::Pin), Tries::Left(1));
        assert_eq!(older.left(Which::Puk), Tries::Unknown);
        // A recording of the card is none of it.
        let mut recorded = KnownTries::default();
        recorded.remember(&memory, true, &[b"card"]);
        recorded.told(recorded.ask(), Which::Pin, Tries::Left(3));
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
            known.told(known.ask(), Which::Pin, before);
            known.doubt_block();
            assert_eq!(known.left(Which::Pin), after);
        }
    }
}
