//! Sessions: of visitors, who may ask for a challenge, and of citizens, who came in. In memory, bounded, and found by
//! an identifier that only the browser's cookie has.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cie::crypto::SystemEntropy;
use cie::environment::{Entropy, EntropyError};
use cie::login::store::SessionId;
use cie::login::{Citizen, Nonce};
use cie::trust::CertifiedCard;

/// Name of the cookie. Browsers take the prefix only with `Secure`, with `Path=/` and from this very host.
const COOKIE: &str = "__Host-session";
/// Bytes of an identifier.
const IDENTIFIER: usize = 32;
/// A citizen's session ends when nothing came for so long, and at the latest after the second.
const IDLE: Duration = Duration::from_secs(15 * 60);
const WHOLE: Duration = Duration::from_secs(8 * 3600);
/// The most sessions. When there are more the oldest goes: refusing new ones would let one stranger lock all out.
const VISITORS_MAX: usize = 100_000;
const CITIZENS_MAX: usize = 20_000;

/// Somebody who has the login page.
#[derive(Default)]
pub(crate) struct Visitor {
    /// The last challenge, for the software card of the demonstration.
    pub(crate) nonce: Option<Nonce>,
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

/// Whether other sites' links bring the cookie along.
#[derive(Clone, Copy)]
enum SameSite {
    Lax,
    Strict,
}

/// Both kinds of sessions: a flood of visitors puts no citizen out.
pub(crate) struct Sessions {
    visitors: Mutex<Table<Visitor>>,
    citizens: Mutex<Table<Guest>>,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self {
            // Whoever reads the page for a while may still log in.
            visitors: Mutex::new(Table::new(VISITORS_MAX, WHOLE)),
            citizens: Mutex::new(Table::new(CITIZENS_MAX, IDLE)),
        }
    }

    /// A session for a new visitor: the value of `Set-Cookie`.
    pub(crate) fn visit(&self) -> Result<String, EntropyError> {
        let (id, cookie) = draw(SameSite::Lax)?;
        lock(&self.visitors).insert(id, Visitor::default(), Instant::now());
        Ok(cookie)
    }

    /// Does something with a visitor's session, if it is one.
    pub(crate) fn visitor<T>(&self, id: &SessionId, work: impl FnOnce(&mut Visitor) -> T) -> Option<T> {
        lock(&self.visitors).find(id, Instant::now()).map(work)
    }

    /// The citizen whose session it is.
    pub(crate) fn citizen(&self, id: &SessionId) -> Option<Guest> {
        lock(&self.citizens).find(id, Instant::now()).cloned()
    }

    /// Lets a citizen in, under a new identifier: whoever knew that of the visitor has nothing. The value of
    /// `Set-Cookie`.
    pub(crate) fn let_in(&self, visitor: &SessionId, guest: Guest) -> Result<String, EntropyError> {
        let (id, cookie) = draw(SameSite::Strict)?;
        lock(&self.visitors).remove(visitor);
        lock(&self.citizens).insert(id, guest, Instant::now());
        Ok(cookie)
    }

    /// Ends a session of either kind. The value of `Set-Cookie`.
    pub(crate) fn end(&self, id: &SessionId) -> String {
        lock(&self.visitors).remove(id);
        lock(&self.citizens).remove(id);
        format!("{COOKIE}=; Max-Age=0; {}", attributes(SameSite::Strict))
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

fn draw(same_site: SameSite) -> Result<(SessionId, String), EntropyError> {
    let mut drawn = [0; IDENTIFIER];
    SystemEntropy.draw("session", &mut drawn)?;
    let text = hex::encode(drawn);
    // Of this length it always is one.
    let id = SessionId::new(&text).map_err(|_| EntropyError("session"))?;
    Ok((id, format!("{COOKIE}={text}; {}", attributes(same_site))))
}

fn attributes(same_site: SameSite) -> &'static str {
    match same_site {
        SameSite::Lax => "Path=/; Secure; HttpOnly; SameSite=Lax",
        SameSite::Strict => "Path=/; Secure; HttpOnly; SameSite=Strict",
    }
}

/// The identifier in a `Cookie` header.
pub(crate) fn identifier(header: &str) -> Option<SessionId> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    SessionId::new(value).ok()
}

struct Entry<T> {
    value: T,
    begun: Instant,
    seen: Instant,
}

/// Sessions in the order in which they began.
struct Table<T> {
    entries: HashMap<SessionId, Entry<T>>,
    order: VecDeque<SessionId>,
    limit: usize,
    idle: Duration,
}

impl<T> Table<T> {
    fn new(limit: usize, idle: Duration) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), limit, idle }
    }

    fn is_over(&self, entry: &Entry<T>, now: Instant) -> bool {
        let since = |moment| now.saturating_duration_since(moment);
        since(entry.seen) >= self.idle || since(entry.begun) >= WHOLE
    }

    fn insert(&mut self, id: SessionId, value: T, now: Instant) {
        // Those that ended early leave their identifiers in the order, which is bounded as well.
        while let Some(oldest) = self.order.front() {
            let over = self.entries.get(oldest).is_none_or(|entry| self.is_over(entry, now));
            if !over && self.order.len() < self.limit {
                break;
            }
            self.entries.remove(oldest);
            self.order.pop_front();
        }
        self.order.push_back(id.clone());
        self.entries.insert(id, Entry { value, begun: now, seen: now });
    }

    fn find(&mut self, id: &SessionId, now: Instant) -> Option<&mut T> {
        if self.entries.get(id).is_some_and(|entry| self.is_over(entry, now)) {
            self.entries.remove(id);
        }
        let entry = self.entries.get_mut(id)?;
        entry.seen = now;
        Some(&mut entry.value)
    }

    fn remove(&mut self, id: &SessionId) {
        self.entries.remove(id);
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
        let mut table = Table::new(10, IDLE);
        table.insert(id(1), 'a', start);
        assert!(table.find(&id(1), start + IDLE - Duration::from_secs(1)).is_some());
        assert!(table.find(&id(1), start + IDLE * 2 - Duration::from_secs(2)).is_some(), "it was seen since");
        assert!(table.find(&id(1), start + IDLE * 3).is_none());

        table.insert(id(2), 'b', start);
        for minutes in (0..480).step_by(10) {
            assert!(table.find(&id(2), start + Duration::from_secs(minutes * 60)).is_some());
        }
        assert!(table.find(&id(2), start + WHOLE).is_none());
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let now = Instant::now();
        let mut table = Table::new(3, IDLE);
        (1..=4).for_each(|number| table.insert(id(number), number, now));
        assert!(table.find(&id(1), now).is_none());
        assert_eq!(table.find(&id(4), now), Some(&mut 4));
        for number in 5..1_000 {
            table.insert(id(number), number, now);
            table.remove(&id(number));
        }
        assert!(table.order.len() <= 3 && table.entries.len() <= 3);
    }

    #[test]
    fn a_login_changes_the_identifier() {
        let sessions = Sessions::new();
        let of = |cookie: &str| identifier(cookie.split(';').next().unwrap()).unwrap();
        let visitor = of(&sessions.visit().unwrap());
        assert!(sessions.visitor(&visitor, |_| ()).is_some() && sessions.citizen(&visitor).is_none());
        let guest = Guest {
            given_names: String::new(),
            surname: String::new(),
            fiscal_code: String::new(),
            card: None,
            is_test: true,
            is_legacy: false,
        };
        let citizen = of(&sessions.let_in(&visitor, guest).unwrap());
        assert!(sessions.visitor(&visitor, |_| ()).is_none() && sessions.citizen(&visitor).is_none());
        assert!(sessions.citizen(&citizen).is_some() && sessions.visitor(&citizen, |_| ()).is_none());
        sessions.end(&citizen);
        assert!(sessions.citizen(&citizen).is_none());
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let header = "a=1; __Host-session=0123456789abcdef; b=2";
        assert_eq!(identifier(header), SessionId::new("0123456789abcdef").ok());
        for other in
            ["", "session=0123456789abcdef", "__Host-session=short", "x__Host-session=0123456789abcdef"]
        {
            assert!(identifier(other).is_none(), "{other}");
        }
    }
}
