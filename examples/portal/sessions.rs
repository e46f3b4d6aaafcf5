//! Sessions. A visitor's is an identifier in a cookie and nothing else, so that no flood of visitors takes any room;
//! only citizens who came in are kept: in memory, bounded, and found by an identifier that only the browser's cookie
//! has.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cie::crypto::SystemEntropy;
use cie::environment::{Entropy, EntropyError};
use cie::login::Citizen;
use cie::login::store::SessionId;
use cie::trust::CertifiedCard;

/// Name of the cookie. Browsers take the prefix only with `Secure`, with `Path=/` and from this very host, so that
/// nobody else can choose a visitor's identifier.
const COOKIE: &str = "__Host-session";
/// Bytes of an identifier.
const IDENTIFIER: usize = 32;
/// A citizen's session ends when nothing came for so long, and at the latest after the second.
const IDLE: Duration = Duration::from_secs(15 * 60);
const WHOLE: Duration = Duration::from_secs(8 * 3600);
/// The most citizens. When more come in, who did nothing for the longest time goes.
const CITIZENS_MAX: usize = 20_000;

/// Whose cookie it is, going by the letter that it begins with. Whoever changes the letter gains nothing: a visitor
/// needs a card, and a citizen has to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Somebody who has the login page and may ask for a challenge.
    Visitor,
    /// Somebody who is, or was, logged in.
    Citizen,
}

impl Holder {
    fn letter(self) -> char {
        match self {
            Self::Visitor => 'v',
            Self::Citizen => 'c',
        }
    }

    /// Links on other sites bring a visitor's cookie along, a citizen's not.
    fn attributes(self) -> &'static str {
        match self {
            Self::Visitor => "Path=/; Secure; HttpOnly; SameSite=Lax",
            Self::Citizen => "Path=/; Secure; HttpOnly; SameSite=Strict",
        }
    }
}

/// A citizen who came in: what the page shows, and nothing else that was in the certificate.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) given_names: String,
    pub(crate) surname: String,
    pub(crate) fiscal_code: String,
    pub(crate) card: Option<CertifiedCard>,
    pub(crate) is_test: bool,
    pub(crate) is_legacy: bool,
}

impl Guest {
    pub(crate) fn of(citizen: &Citizen) -> Self {
        Self {
            given_names: citizen.given_names().unwrap_or_default().to_owned(),
            surname: citizen.surname().unwrap_or_default().to_owned(),
            fiscal_code: citizen.fiscal_code().as_str().to_owned(),
            card: citizen.card(),
            is_test: citizen.is_test(),
            is_legacy: citizen.is_legacy(),
        }
    }
}

/// The citizens who are logged in.
pub(crate) struct Sessions(Mutex<Table<Guest>>);

impl Sessions {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Table::new(CITIZENS_MAX)))
    }

    /// The citizen whose session it is.
    pub(crate) fn citizen(&self, id: &SessionId) -> Option<Guest> {
        self.table().find(id, Instant::now()).cloned()
    }

    /// Lets a citizen in, under a new identifier: whoever knew that of the visitor has nothing. The value of
    /// `Set-Cookie`.
    pub(crate) fn let_in(&self, guest: Guest) -> Result<String, EntropyError> {
        let (id, cookie) = draw(Holder::Citizen)?;
        self.table().insert(id, guest, Instant::now());
        Ok(cookie)
    }

    /// Ends a session. The value of `Set-Cookie`.
    pub(crate) fn end(&self, id: &SessionId) -> String {
        self.table().remove(id);
        format!("{COOKIE}=; Max-Age=0; {}", Holder::Citizen.attributes())
    }

    /// Forgets the sessions that are over: nobody's data stay longer than they have to.
    pub(crate) fn sweep(&self) {
        self.table().sweep(Instant::now());
    }

    fn table(&self) -> MutexGuard<'_, Table<Guest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An identifier for a new visitor: the value of `Set-Cookie`.
pub(crate) fn visit() -> Result<String, EntropyError> {
    draw(Holder::Visitor).map(|(_, cookie)| cookie)
}

fn draw(holder: Holder) -> Result<(SessionId, String), EntropyError> {
    let mut drawn = [0; IDENTIFIER];
    SystemEntropy.draw("session", &mut drawn)?;
    let text = format!("{}{}", holder.letter(), hex::encode(drawn));
    // Of this length it always is one.
    let id = SessionId::new(&text).map_err(|_| EntropyError("session"))?;
    Ok((id, format!("{COOKIE}={text}; {}", holder.attributes())))
}

/// The identifier in a `Cookie` header, if it is of the form of ours.
pub(crate) fn identifier(header: &str) -> Option<(Holder, SessionId)> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    let mut holders = [Holder::Visitor, Holder::Citizen].into_iter();
    let holder = holders.find(|holder| value.starts_with(holder.letter()))?;
    let drawn = value.strip_prefix(holder.letter())?;
    let is_ours = drawn.len() == 2 * IDENTIFIER && drawn.bytes().all(|byte| byte.is_ascii_hexdigit());
    SessionId::new(value).ok().filter(|_| is_ours).map(|id| (holder, id))
}

struct Entry<T> {
    value: T,
    begun: Instant,
    seen: Instant,
}

impl<T> Entry<T> {
    fn is_over(&self, now: Instant) -> bool {
        let since = |moment| now.saturating_duration_since(moment);
        since(self.seen) >= IDLE || since(self.begun) >= WHOLE
    }
}

/// Sessions by their identifiers.
struct Table<T> {
    entries: HashMap<SessionId, Entry<T>>,
    limit: usize,
}

impl<T> Table<T> {
    fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), limit }
    }

    fn insert(&mut self, id: SessionId, value: T, now: Instant) {
        self.sweep(now);
        if self.entries.len() >= self.limit {
            let idlest = self.entries.iter().min_by_key(|(_, entry)| entry.seen);
            if let Some(id) = idlest.map(|(id, _)| id.clone()) {
                self.entries.remove(&id);
            }
        }
        self.entries.insert(id, Entry { value, begun: now, seen: now });
    }

    fn find(&mut self, id: &SessionId, now: Instant) -> Option<&mut T> {
        let entry = self.entries.get_mut(id).filter(|entry| !entry.is_over(now))?;
        entry.seen = now;
        Some(&mut entry.value)
    }

    fn remove(&mut self, id: &SessionId) {
        self.entries.remove(id);
    }

    fn sweep(&mut self, now: Instant) {
        self.entries.retain(|_, entry| !entry.is_over(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SessionId {
        SessionId::new(format!("{number:016}")).unwrap()
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let start = Instant::now();
        let mut table = Table::new(10);
        table.insert(id(1), 'a', start);
        assert!(table.find(&id(1), start + IDLE - Duration::from_secs(1)).is_some());
        assert!(table.find(&id(1), start + IDLE * 2 - Duration::from_secs(2)).is_some(), "it was seen since");
        assert!(table.find(&id(1), start + IDLE * 3).is_none());

        table.insert(id(2), 'b', start);
        for minutes in (0..480).step_by(10) {
            assert!(table.find(&id(2), start + Duration::from_secs(minutes * 60)).is_some());
        }
        assert!(table.find(&id(2), start + WHOLE).is_none());
        table.sweep(start + WHOLE);
        assert!(table.entries.is_empty(), "nothing is left of those who are gone");
    }

    #[test]
    fn who_did_nothing_for_longest_goes_and_only_when_it_is_full() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut table = Table::new(3);
        (1..=3).for_each(|number| table.insert(id(number), number, later(number)));
        // The first that came is the busiest.
        assert!(table.find(&id(1), later(10)).is_some());
        table.insert(id(4), 4, later(11));
        assert!(table.find(&id(2), later(12)).is_none(), "the idlest");
        assert!([1, 3, 4].iter().all(|number| table.find(&id(*number), later(13)).is_some()));
        // Others who come and go put nobody out.
        table.remove(&id(4));
        for number in 5..1_000 {
            table.insert(id(number), number, later(14));
            table.remove(&id(number));
        }
        assert!([1, 3].iter().all(|number| table.find(&id(*number), later(15)).is_some()));
        assert_eq!(table.entries.len(), 2);
        // Nor do those whose time is over.
        table.insert(id(5), 5, later(16));
        let after = later(15) + IDLE;
        table.insert(id(6), 6, after);
        assert!(table.find(&id(5), after).is_some());
        assert_eq!(table.entries.len(), 2);
    }

    #[test]
    fn a_login_changes_the_identifier() {
        let sessions = Sessions::new();
        let of = |cookie: &str| identifier(cookie.split(';').next().unwrap()).unwrap();
        let (holder, visitor) = of(&visit().unwrap());
        assert!(holder == Holder::Visitor && sessions.citizen(&visitor).is_none());
        let guest = Guest {
            given_names: String::new(),
            surname: String::new(),
            fiscal_code: String::new(),
            card: None,
            is_test: true,
            is_legacy: false,
        };
        let (holder, citizen) = of(&sessions.let_in(guest).unwrap());
        assert!(holder == Holder::Citizen && citizen != visitor);
        assert!(sessions.citizen(&visitor).is_none() && sessions.citizen(&citizen).is_some());
        sessions.end(&citizen);
        assert!(sessions.citizen(&citizen).is_none());
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let drawn = "0123456789abcdef".repeat(4);
        for (letter, holder) in [("v", Holder::Visitor), ("c", Holder::Citizen)] {
            let header = format!("a=1; __Host-session={letter}{drawn}; b=2");
            let id = SessionId::new(format!("{letter}{drawn}")).unwrap();
            assert_eq!(identifier(&header), Some((holder, id)));
        }
        for other in [
            String::new(),
            format!("session=v{drawn}"),
            format!("x__Host-session=v{drawn}"),
            format!("__Host-session={drawn}"),
            format!("__Host-session=x{drawn}"),
            format!("__Host-session=v{drawn}0"),
            format!("__Host-session=v{}", "?".repeat(64)),
            "__Host-session=v0123456789abcdef".to_owned(),
        ] {
            assert!(identifier(&other).is_none(), "{other}");
        }
    }
}
