//! The store in Redis before a server of our own that says what the test wants: what is sent, and how often, when
//! answers stay out.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use cie::login::store::{ChallengeStore, RedisStore, StoreError};

use super::{MINUTE, challenge, now, session};

/// Reads one command: its words, of which the challenge is no text.
fn hear(connection: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut line = String::new();
    connection.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let words: usize = line.trim_end().strip_prefix('*').unwrap().parse().unwrap();
    let mut word = || {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        let length: usize = line.trim_end().strip_prefix('$').unwrap().parse().unwrap();
        let mut bytes = vec![0; length + 2];
        std::io::Read::read_exact(connection, &mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    Some((0..words).map(|_| word()).collect())
}

/// A server of which each connection gives one of the answers to the first command and ends (`None`: no answer, but
/// silence until the other side ends). Tells the commands.
fn server(answers: &'static [Option<&'static [u8]>]) -> (String, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (heard, commands): (Sender<_>, _) = channel();
    thread::spawn(move || {
        for answer in answers {
            let mut connection = BufReader::new(listener.accept().unwrap().0);
            while let Some(command) = hear(&mut connection) {
                // On a slow machine the connection has rested, and is tried first.
                if command == ["PING"] {
                    connection.get_mut().write_all(b"+PONG\r\n").unwrap();
                    continue;
                }
                let _ = heard.send(command);
                let Some(answer) = answer else { continue };
                connection.get_mut().write_all(answer).unwrap();
                break;
            }
        }
    });
    (url, commands)
}

fn names(commands: Receiver<Vec<String>>) -> Vec<String> {
    commands.iter().map(|command| command[0].clone()).collect()
}

#[test]
fn a_take_without_an_answer_is_not_repeated() {
    // Three connections would be served.
    let (url, commands) = server(&[Some(b""), Some(b"$-1\r\n"), Some(b"$-1\r\n")]);
    let store = RedisStore::open(&url).unwrap();
    let error = store.take(&session(1), now()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    // The next person's is asked on a new connection.
    assert!(store.take(&session(2), now()).unwrap().is_none());
    drop(store);
    let (first, second) = (commands.recv().unwrap(), commands.recv().unwrap());
    let key = |number| format!("cie:challenge:{}", hex::encode(session(number).digest()));
    assert_eq!(first, ["GETDEL", &key(1)]);
    assert_eq!(second, ["GETDEL", &key(2)]);
    assert!(commands.try_recv().is_err());
}

#[test]
fn half_an_answer_is_none() {
    for half in [
        &b"$41\r\n\x01\0\0"[..],
        b"$",
        b"$-1",
        b"$41\r\n0123456789012345678901234567890123456789\r\n",
        b"hello\r\n",
        b"$999999999999\r\n",
        b"$99999999999999999999999999\r\n",
    ] {
        let answers: &'static [_] = Box::leak(Box::new([Some(half), Some(b"$-1\r\n")]));
        let (url, _commands) = server(answers);
        let store = RedisStore::open(&url).unwrap();
        let error = store.take(&session(1), now()).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{half:?}: {error}");
        assert!(store.take(&session(2), now()).unwrap().is_none());
    }
}

#[test]
fn an_answer_of_another_kind_is_malformed() {
    for answer in [
        &b":7\r\n"[..],
        b"+OK\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"$0\r\n\r\n",
        b"$5\r\nhello\r\n",
        b"-WRONGTYPE it is a list\r\n",
    ] {
        let (url, _commands) = server(Box::leak(Box::new([Some(answer)])));
        let store = RedisStore::open(&url).unwrap();
        assert_eq!(store.take(&session(1), now()).unwrap_err(), StoreError::Malformed, "{answer:?}");
    }
}

#[test]
fn a_put_without_an_answer_is_repeated_once() {
    let (url, commands) = server(&[Some(b""), Some(b"+OK\r\n")]);
    let store = RedisStore::open(&url).unwrap();
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    drop(store);
    assert_eq!(names(commands), ["SET", "SET"]);

    let (url, commands) = server(&[Some(b""), Some(b""), Some(b"+OK\r\n")]);
    let store = RedisStore::open(&url).unwrap();
    let error = store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!([commands.recv().unwrap(), commands.recv().unwrap()].map(|c| c[0].clone()), ["SET", "SET"]);
    assert!(commands.try_recv().is_err());
}

#[test]
fn what_a_server_says_is_not_repeated_to_others() {
    for (answer, text) in [
        (&b"-ERR unknown command, with args beginning with: hunter2\r\n"[..], "it answered ERR"),
        (b"-NOPERM hunter2\r\n", "it answered NOPERM"),
        (b"-NOAUTH hunter2\r\n", "it answered NOAUTH"),
        (b"-LOADING hunter2\r\n", "it answered LOADING"),
        (b"-READONLY hunter2\r\n", "it answered READONLY"),
        (b"-MOVED 3999 hunter2:6381\r\n", "it answered MOVED"),
        (b"-hunter2\r\n", "it answered"),
        (b"$7\r\nhunter2\r\n", "an answer that is none"),
        (b"$-1\r\n", "an answer that is none"),
    ] {
        let (url, commands) = server(Box::leak(Box::new([Some(answer)])));
        let store = RedisStore::open(&url).unwrap();
        let error = store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        drop(store);
        assert_eq!(names(commands), ["SET"], "an answer is an answer");
    }
}

#[test]
fn nobody_waits_for_ever() {
    let (url, commands) = server(&[None]);
    let store = RedisStore::open(&url).unwrap();
    let began = Instant::now();
    let error = store.take(&session(1), now()).unwrap_err();
    assert_eq!(error, StoreError::Unavailable("no answer within two seconds".to_owned()));
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(store);
    assert_eq!(names(commands), ["GETDEL"]);
}

#[test]
fn nobody_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = RedisStore::open(&format!("redis://user:hunter2@127.0.0.1:{port}")).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}
