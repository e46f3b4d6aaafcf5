//! A server for lists on a port of its own, which is asked directly or as a proxy for any address.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// It answers for as long as the process lives.
pub(crate) struct Web {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Web {
    /// With this function, which is given the path that is asked for and may answer what it likes.
    pub(crate) fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (counted, answer) = (counted.clone(), answer.clone());
                std::thread::spawn(move || converse(stream, &counted, &*answer));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How many requests came, those for a tunnel not counted.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn converse(mut stream: TcpStream, asked: &AtomicUsize, answer: &dyn Fn(&str, &mut TcpStream)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(mut head) = read_head(&mut reader) else { return };
    if head.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let Some(next) = read_head(&mut reader) else { return };
        head = next;
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    reader.take(length.unwrap_or(0)).read_to_end(&mut Vec::new()).unwrap();
    asked.fetch_add(1, Ordering::Relaxed);
    answer(head.split(' ').nth(1).unwrap(), &mut stream);
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// Answers with a status line, such as `200 OK`, further headers and a body.
pub(crate) fn say(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    // Whoever asked may have gone.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
}

/// Answers nothing for longer than any test takes.
pub(crate) fn hang(_: &str, _: &mut TcpStream) {
    std::thread::sleep(std::time::Duration::from_secs(120));
}
