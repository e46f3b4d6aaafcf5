//! Revocation lists and responses for the little PKI, put together by hand from RFC 5280 section 5 and RFC 6960
//! section 4.2, and a network that serves them and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cie::environment::moment;
use cie::iso7816::tlv::{self, Reader, encode};
use cie::trust::{Fetch, FetchError, StatusRequest};
use openssl::hash::MessageDigest;

use crate::common::now;
use crate::pki::{LIST, Made, RESPONDER, ROOT_LIST, World, oid, responder, sequence};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// The moment so many seconds from the tests' own.
pub fn at(seconds: i64) -> std::time::SystemTime {
    let distance = std::time::Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { now() - distance } else { now() + distance }
}

fn time(seconds: i64) -> Vec<u8> {
    let text = moment::format(at(seconds));
    encode(0x18, text.replace(['-', ':', 'T'], "").as_bytes())
}

/// A revocation list to be made; of a day's age, with a week to go, and nobody on it.
#[derive(Clone)]
pub struct List<'a> {
    pub issuer: &'a Made,
    /// Who really signs it.
    pub signer: &'a Made,
    pub this_update: i64,
    pub next_update: i64,
    /// Serial number, and the code of the reason.
    pub revoked: Vec<(u32, u8)>,
    pub names_key: bool,
    pub sha1: bool,
}

impl<'a> List<'a> {
    pub fn by(issuer: &'a Made) -> Self {
        let (this_update, next_update) = (-DAY, 6 * DAY);
        Self {
            issuer,
            signer: issuer,
            this_update,
            next_update,
            revoked: vec![],
            names_key: true,
            sha1: false,
        }
    }

    pub fn revoking(mut self, serial: u32, reason: u8) -> Self {
        self.revoked.push((serial, reason));
        self
    }

    pub fn der(&self) -> Vec<u8> {
        let (digest, algorithm) = match self.sha1 {
            true => (MessageDigest::sha1(), "1.2.840.113549.1.1.5"),
            false => (MessageDigest::sha256(), "1.2.840.113549.1.1.11"),
        };
        let algorithm = sequence(&[oid(algorithm), encode(5, &[])]);
        let extension = |dotted: &str, value: &[u8]| sequence(&[oid(dotted), encode(4, value)]);
        let entry = |(serial, reason): &(u32, u8)| {
            let reason = extension("2.5.29.21", &encode(0x0A, &[*reason]));
            let serial = encode(2, &[&[0], &serial.to_be_bytes()[..]].concat());
            sequence(&[serial, time(self.this_update - HOUR), sequence(&[reason])])
        };
        let entries: Vec<_> = self.revoked.iter().map(entry).collect();
        let mut extensions = vec![extension("2.5.29.20", &encode(2, &[1]))];
        if self.names_key {
            let issuer = self.issuer.read();
            let identifier = encode(0x80, issuer.subject_key_identifier().unwrap());
            extensions.push(extension("2.5.29.35", &sequence(&[identifier])));
        }
        let signed = sequence(&[
            encode(2, &[1]),
            algorithm.clone(),
            self.issuer.x509.subject_name().to_der().unwrap(),
            time(self.this_update),
            time(self.next_update),
            if entries.is_empty() { Vec::new() } else { sequence(&entries) },
            encode(0xA0, &sequence(&extensions)),
        ]);
        let signature = encode(3, &[&[0], &self.signer.sign(digest, &signed)[..]].concat());
        sequence(&[signed, algorithm, signature])
    }
}

/// What a responder says of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Good,
    Revoked,
    Unknown,
}

/// The nonce that a response has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    Right,
    Wrong,
    None,
}

/// A response to be made, to whatever is asked.
#[derive(Clone)]
pub struct Response<'a> {
    pub signer: &'a Made,
    pub encloses: bool,
    pub says: Says,
    pub echo: Echo,
    pub this_update: i64,
    pub next_update: i64,
}

impl<'a> Response<'a> {
    pub fn by(signer: &'a Made) -> Self {
        let (this_update, next_update) = (-60, HOUR);
        Self { signer, encloses: true, says: Says::Good, echo: Echo::Right, this_update, next_update }
    }

    /// The response to a request.
    pub fn to(&self, request: &[u8]) -> Vec<u8> {
        let (id, nonce) = asked(request);
        let status = match self.says {
            Says::Good => encode(0x80, &[]),
            Says::Revoked => encode(0xA1, &[time(-HOUR), encode(0xA0, &encode(0x0A, &[1]))].concat()),
            Says::Unknown => encode(0x82, &[]),
        };
        let said = sequence(&[id, status, time(self.this_update), encode(0xA0, &time(self.next_update))]);
        let nonce = match self.echo {
            Echo::Right => Some(nonce),
            Echo::Wrong => Some(encode(4, &[0x11; 32])),
            Echo::None => None,
        };
        let extension = |nonce: Vec<u8>| sequence(&[oid("1.3.6.1.5.5.7.48.1.2"), encode(4, &nonce)]);
        let extensions = nonce.map(|nonce| encode(0xA1, &sequence(&[extension(nonce)])));
        let data = sequence(&[
            encode(0xA1, &self.signer.x509.subject_name().to_der().unwrap()),
            time(self.this_update),
            sequence(&[said]),
            extensions.unwrap_or_default(),
        ]);
        let algorithm = sequence(&[oid("1.2.840.113549.1.1.11"), encode(5, &[])]);
        let signature = self.signer.sign(MessageDigest::sha256(), &data);
        let signature = encode(3, &[&[0], &signature[..]].concat());
        let enclosed = if self.encloses { encode(0xA0, &encode(0x30, &self.signer.der)) } else { Vec::new() };
        let basic = encode(4, &sequence(&[data, algorithm, signature, enclosed]));
        let bytes = encode(0xA0, &sequence(&[oid("1.3.6.1.5.5.7.48.1.1"), basic]));
        sequence(&[encode(0x0A, &[0]), bytes])
    }
}

/// The CertID of a request's one question, and its nonce (an OCTET STRING).
fn asked(request: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let children = |der: &[u8]| -> Vec<Vec<u8>> {
        Reader::new(tlv::parse(der).unwrap().value).map(|child| child.unwrap().encoded.to_vec()).collect()
    };
    let inside = children(&children(request)[0]);
    let id = children(&children(&inside[0])[0])[0].clone();
    let extension = &children(&children(&inside[1])[0])[0];
    (id, tlv::parse(&children(extension)[1]).unwrap().value.to_vec())
}

type Page = Arc<dyn Fn(&StatusRequest) -> Vec<u8> + Send + Sync>;

/// Serves what it is given at addresses, and remembers which were asked. A copy is the same one.
#[derive(Clone, Default)]
pub struct Net {
    pages: Arc<Mutex<HashMap<String, Page>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Net {
    /// One that serves nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fresh lists of both authorities, and the authority's responder.
    pub fn of(world: &World) -> Self {
        let net = Self::new();
        net.serve(ROOT_LIST, List::by(&world.root).der());
        net.serve(LIST, List::by(&world.authority).der());
        net.respond(RESPONDER, responder().by(Some(&world.authority)), |_| {});
        net
    }

    /// Serves the same bytes whatever is asked.
    pub fn serve(&self, location: &str, bytes: Vec<u8>) {
        self.page(location, Arc::new(move |_| bytes.clone()));
    }

    /// Lets somebody respond, with changes.
    pub fn respond(
        &self,
        location: &str,
        signer: Made,
        change: impl Fn(&mut Response<'_>) + Send + Sync + 'static,
    ) {
        let page = move |request: &StatusRequest| {
            let mut response = Response::by(&signer);
            change(&mut response);
            response.to(request.body.as_deref().unwrap())
        };
        self.page(location, Arc::new(page));
    }

    fn page(&self, location: &str, page: Page) {
        self.pages.lock().unwrap().insert(location.to_owned(), page);
    }

    pub fn silence(&self, location: &str) {
        self.pages.lock().unwrap().remove(location);
    }

    /// Which addresses were asked since the last time, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Fetch for Net {
    fn fetch(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
        self.asked.lock().unwrap().push(location.to_owned());
        let page = self.pages.lock().unwrap().get(location).cloned();
        page.map(|page| page(request)).ok_or_else(|| FetchError("not found".to_owned()))
    }
}
