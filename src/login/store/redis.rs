//! Pending challenges in a Redis server (6.2 or newer, for GETDEL; Valkey too), for a portal that runs on several
//! machines. The only file of the library, beside the emulator's, that opens a connection.
//!
//! One key for each session, SET with the time left as its expiry (PX), taken by GETDEL: Redis runs one command after
//! the other, so a challenge is given to one caller, wherever the others are.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use redis::{Client, Cmd, Connection, ConnectionLike, ErrorKind, IntoConnectionInfo, RedisError, Value};
use zeroize::Zeroizing;

use super::{ChallengeStore, LAST_MOMENT, Pending, SessionId, StoreError, milliseconds};

/// How long connecting, one write or one read may take. Resolving a host's name is the system's and not counted.
const PATIENCE: Duration = Duration::from_secs(2);
/// A connection that rested longer is asked whether it still works before a challenge depends on it.
const RESTED: Duration = Duration::from_secs(1);
/// How many connections are kept when nobody uses them.
const IDLE: usize = 16;
/// What values begin with: the version of their form.
const VERSION: u8 = 1;
/// Version, milliseconds since 1970 until which it holds (big endian), nonce.
const VALUE_LENGTH: usize = 1 + 8 + 32;

/// Keeps challenges in a Redis server that several machines share.
///
/// The server belongs to the portal: whoever writes to it can plant challenges. It should keep them in memory only
/// (`save ""`, `appendonly no`): a server that restarts from its disk, or a replica that takes over, may know a
/// challenge again that was taken just before, until that expires. Its expiry is counted by the server's clock.
///
/// A call takes two seconds for each of connecting, sending and receiving at most, and a put may do so twice. An
/// operation with no connection of its own to be had opens one; some stay open for the next. A *put* whose connection
/// breaks is done again, once, on a new one. A *take* never is: if the answer was lost the challenge may be gone, and
/// asking again would call a used challenge an unknown one at best. It ends as [`StoreError::Unavailable`].
pub struct RedisStore {
    client: Client,
    prefix: String,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that nobody uses, and since when.
struct Idle {
    connection: Connection,
    since: Instant,
}

/// How an exchange with the server failed.
enum Failure {
    /// It answered that it does not do this.
    Refused(RedisError),
    /// No answer came, or none that can be understood: whether it was done is unknown.
    Lost(RedisError),
}

impl RedisStore {
    /// Connects to the server at `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` or
    /// `unix:///PATH[?db=…&user=…&pass=…]`, so that a wrong address or password shows when the portal starts. Names
    /// and passwords are percent-encoded. There is no TLS: a server on another machine is reached through a tunnel.
    ///
    /// # Errors
    /// [`StoreError::Address`] for another kind of address, [`StoreError::Unavailable`] if there is no server or it
    /// does not let us in. Neither repeats anything of `url`, which may hold the password.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        // What the client library says of an address that it cannot read may quote it.
        let info = url.into_connection_info().map_err(|_| StoreError::Address(address_advice(url)))?;
        // The library would name itself to the server, which a strict access list refuses.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        let client = Client::open(info).map_err(|_| StoreError::Address(address_advice(url)))?;
        let store = Self { client, prefix: "cie:challenge:".to_owned(), idle: Mutex::default() };
        store.rest(store.connect()?);
        Ok(store)
    }

    /// Another beginning of the keys than `cie:challenge:`. Two portals that share a server and must not answer each
    /// other's challenges have different ones.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// A command about the key of this session.
    fn command(&self, name: &str, session: &SessionId) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(format!("{}{}", self.prefix, hex::encode(session.digest())));
        command
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let connect = || {
            let connection = self.client.get_connection_with_timeout(PATIENCE)?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.set_write_timeout(Some(PATIENCE))?;
            Ok(connection)
        };
        connect().map_err(|error| unavailable(&error))
    }

    /// A connection that works as far as can be told.
    fn lend(&self) -> Result<Connection, StoreError> {
        let idle = self.idle().pop();
        if let Some(Idle { mut connection, since }) = idle {
            if since.elapsed() < RESTED || connection.check_connection() {
                return Ok(connection);
            }
            self.forget();
        }
        self.connect()
    }

    /// Keeps a connection for the next.
    fn rest(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes what rests: when one connection broke, most likely all did.
    fn forget(&self) {
        let broken = std::mem::take(&mut *self.idle());
        drop(broken);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command, once. A connection on which an answer is outstanding is never used again: the next command
    /// would be given that answer.
    fn exchange(&self, mut connection: Connection, command: &Cmd) -> Result<Value, Failure> {
        match command.query(&mut connection) {
            Ok(value) => {
                self.rest(connection);
                Ok(value)
            }
            Err(error) if error.code().is_some() => {
                self.rest(connection);
                Err(Failure::Refused(error))
            }
            Err(error) => {
                self.forget();
                Err(Failure::Lost(error))
            }
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl ChallengeStore for RedisStore {
    fn put(&self, session: &SessionId, challenge: Pending, now: SystemTime) -> Result<(), StoreError> {
        let left = challenge.expires.saturating_sub(milliseconds(now));
        let command = if left == 0 {
            self.command("DEL", session)
        } else {
            let mut set = self.command("SET", session);
            set.arg(&encode(&challenge)[..]).arg("PX").arg(left);
            set
        };
        let answer = match self.exchange(self.lend()?, &command) {
            Err(Failure::Lost(_)) => self.exchange(self.connect()?, &command),
            other => other,
        };
        match answer {
            Ok(Value::Okay | Value::Int(_)) => Ok(()),
            Ok(_) => Err(StoreError::Unavailable("an answer that is none to what was asked".to_owned())),
            Err(Failure::Refused(error) | Failure::Lost(error)) => Err(unavailable(&error)),
        }
    }

    fn take(&self, session: &SessionId, _now: SystemTime) -> Result<Option<Pending>, StoreError> {
        match self.exchange(self.lend()?, &self.command("GETDEL", session)) {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(value)) => {
                decode(&Zeroizing::new(value)).map(Some).ok_or(StoreError::Malformed)
            }
            Ok(_) => Err(StoreError::Malformed),
            Err(Failure::Refused(error)) => Err(match error.code() {
                Some("WRONGTYPE") => StoreError::Malformed,
                Some("ERR") => {
                    StoreError::Unavailable("it answered ERR; GETDEL is known since Redis 6.2".to_owned())
                }
                _ => unavailable(&error),
            }),
            Err(Failure::Lost(error)) => Err(unavailable(&error)),
        }
    }
}

/// The text of a failure. What a server writes behind the code of its error may quote the command, and with it the
/// challenge; what the library writes of its settings may quote them.
fn unavailable(error: &RedisError) -> StoreError {
    let code: Option<String> =
        error.code().map(|code| code.chars().filter(char::is_ascii_uppercase).take(32).collect());
    StoreError::Unavailable(match code {
        Some(code) => format!("it answered {code}"),
        None if error.is_timeout() => "no answer within two seconds".to_owned(),
        None if error.kind() == ErrorKind::Io => error.to_string(),
        None => error.category().to_owned(),
    })
}

/// What is wrong with an address.
fn address_advice(url: &str) -> &'static str {
    let scheme = url.split(':').next().unwrap_or_default();
    if ["rediss", "valkeys"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
        "TLS to Redis is not part of this library; a tunnel is"
    } else {
        "the address is to be of the form redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]"
    }
}

fn encode(challenge: &Pending) -> Zeroizing<Vec<u8>> {
    // As long as it becomes, so that no shorter copy of the nonce is left behind.
    let mut value = Zeroizing::new(Vec::with_capacity(VALUE_LENGTH));
    value.push(VERSION);
    value.extend_from_slice(&challenge.expires.to_be_bytes());
    value.extend_from_slice(challenge.nonce());
    value
}

fn decode(value: &[u8]) -> Option<Pending> {
    let (&version, value) = value.split_first()?;
    let (expires, nonce) = value.split_first_chunk()?;
    let expires = u64::from_be_bytes(*expires);
    let known = version == VERSION && expires <= LAST_MOMENT;
    known.then_some(Pending { nonce: Zeroizing::new(nonce.try_into().ok()?), expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_of_this_version_are_read() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(0x0102_0304_0506);
        let value = encode(&Pending::new([0xAB; 32], moment));
        assert_eq!(hex::encode(&*value), format!("010000010203040506{}", "ab".repeat(32)));
        let read = decode(&value).unwrap();
        assert_eq!((read.nonce(), read.expires_at()), (&[0xAB; 32], moment));
        for length in 0..value.len() {
            assert!(decode(&value[..length]).is_none(), "{length}");
        }
        assert!(decode(&[&value[..], &[0]].concat()).is_none());
        for version in (0..=255).filter(|version| *version != VERSION) {
            assert!(decode(&[&[version], &value[1..]].concat()).is_none());
        }
        // Ten thousand years are far from what anybody meant.
        assert!(decode(&[&[1][..], &(LAST_MOMENT + 1).to_be_bytes(), &[0; 32]].concat()).is_none());
        assert!(decode(&[&[1][..], &LAST_MOMENT.to_be_bytes(), &[0; 32]].concat()).is_some());
    }

    #[test]
    fn an_address_that_is_none_is_not_repeated() {
        for url in [
            "",
            "hunter2",
            "http://:hunter2@localhost",
            "redis://user:hunter2/x@localhost",
            "redis://:hunter2#x@localhost",
            "redis://user:1234/hunter2@localhost",
            "redis://:hunter2@localhost:hunter2",
            "redis://:hunter2@localhost/hunter2",
            "redis://:hunter2@localhost?protocol=hunter2",
            "redis://:hunter2@0.0.0.0",
            "rediss://:hunter2@localhost",
            "unix://",
        ] {
            let error = RedisStore::open(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2") && !text.contains("1234"), "{text}");
            // A path that is empty is one that cannot be connected to.
            let address = matches!(error, StoreError::Address(_));
            assert!(address || url == "unix://", "{url}: {text}");
            assert_eq!(text.contains("TLS"), url.starts_with("rediss"));
        }
    }
}
