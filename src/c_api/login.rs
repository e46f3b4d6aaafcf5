//! Logging in at a portal: the citizen's side and the server's.

use std::time::Duration;

use super::border::{
    Bytes, BytesOut, ContextIn, HandleOut, PartyOptionsIn, RequestOut, SizeInOut, Text, TextOut,
};
use super::failure::Fault;
use super::handles::{Object, Shared};
use super::record::Record;
use super::result::cie_result;
use super::{cie_handle, trust};
use crate::login::store::{MemoryStore, SessionId};
use crate::login::{self, AuthToken, Nonce, Origin, PendingLogin, RelyingParty, TokenError, danger};
use crate::trust::{Answer, CertifiedCard, ClientAuthentication, HolderPolicy, StatusRequest, StatusSource};

/// A card kind of `cie_party_options`: the CIE 3.
pub const CIE_ACCEPT_CIE3: u32 = 1;
/// Citizen's services cards and health cards.
pub const CIE_ACCEPT_CNS: u32 = 2;
/// Identity cards of the first generations.
pub const CIE_ACCEPT_FIRST_GENERATIONS: u32 = 4;

/// Where a certificate states an extended key usage, clientAuth stands in it: what RFC 5280 asks for.
pub const CIE_CLIENT_AUTHENTICATION_WHERE_STATED: u32 = 0;
/// A certificate states one, and clientAuth stands in it.
pub const CIE_CLIENT_AUTHENTICATION_REQUIRED: u32 = 1;
/// Nothing is asked of it.
pub const CIE_CLIENT_AUTHENTICATION_NOT_ASKED: u32 = 2;

/// How many bytes a buffer for a challenge takes, the zero byte included.
pub const CIE_NONCE_SIZE: usize = 45;
/// How many bytes a buffer for a login token takes, the zero byte included.
pub const CIE_TOKEN_SIZE: usize = 10_001;

/// Where a status comes from: a revocation list, fetched by GET.
pub const CIE_STATUS_LIST: i32 = 1;
/// An OCSP responder, asked by POST.
pub const CIE_STATUS_RESPONDER: i32 = 2;

/// Nobody comes in whose certificate's status is not known to be good.
pub const CIE_POLICY_HARD: i32 = 1;
/// A status that cannot be had is let pass: `CIE_FIELD_STATUS` is "unknown" then.
pub const CIE_POLICY_SOFT: i32 = 2;
/// Nobody is asked; only the lists that were given with `cie_party_add_list` are looked at, and need not be there.
pub const CIE_POLICY_OFFLINE: i32 = 3;

/// The longest text of an origin or a challenge, session, token and list, in bytes.
const TEXT_MAX: usize = 1024;
const SESSION_MAX: usize = 512;
const TOKEN_MAX: usize = 10_000;
const LIST_MAX: usize = 64 << 20;

/// What may be chosen for a portal. Set `size` to `sizeof(cie_party_options)` and everything else to 0 for the defaults;
/// or give null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cie_party_options {
    /// `sizeof(cie_party_options)`.
    pub size: usize,
    /// For how many seconds a challenge can be answered, 1 to 86,400; 0 is 300.
    pub lifetime_seconds: u32,
    /// Whose certificates are taken: a sum of `CIE_ACCEPT_CIE3` and its kin; 0 is the CIE 3.
    pub accept: u32,
    /// `CIE_ALLOW_LEGACY`, or 0.
    pub flags: u32,
    /// What is asked of extended key usage: `CIE_CLIENT_AUTHENTICATION_WHERE_STATED` and its kin.
    pub client_authentication: u32,
}

impl Default for cie_party_options {
    fn default() -> Self {
        Self { size: size_of::<Self>(), lifetime_seconds: 0, accept: 0, flags: 0, client_authentication: 0 }
    }
}

/// Something to be fetched over HTTP, from any of its addresses, to find out whether a certificate was revoked.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct cie_status_request {
    /// `CIE_STATUS_LIST` or `CIE_STATUS_RESPONDER`.
    pub source: i32,
    /// 1 if it need be fetched only if what stands before it for the same certificate gave nothing; else 0.
    pub is_fallback: i32,
    /// The certificate's place in the path: 0 for the citizen's.
    pub depth: u32,
    /// How many addresses there are: `cie_login_location`.
    pub locations: u32,
    /// How many bytes are sent by POST as application/ocsp-request: `cie_login_body`. 0 is a GET.
    pub body_length: usize,
    /// The most bytes that are worth fetching.
    pub max_length: usize,
}

/// A login of which only the status of certificates is left to find out, and what was fetched for it so far.
pub(super) struct Login {
    pending: PendingLogin,
    answers: Vec<Answer>,
}

/// Answers a portal's challenge with the holder's key, after `cie_card_verify_pin`: a login token (Web eID, JSON). It is a
/// login at this portal and with this challenge only.
///
/// `origin`: "https://portal.example", as the browser or the program knows it and never as the other side claims.
/// `nonce`: the challenge, as the portal gave it. `buffer`, `size`: see "Sizes" at the head. Room for `CIE_TOKEN_SIZE`
/// bytes is asked for before anything is signed, and nothing is signed by asking for the size.
/// `CIE_ORIGIN_MALFORMED`, `CIE_NONCE_MALFORMED`, `CIE_PIN_NEEDED`.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_login(
    context: ContextIn,
    card: cie_handle,
    origin: Text,
    nonce: Text,
    buffer: TextOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = buffer.room(size)?;
        let origin = Origin::parse(&origin.required(TEXT_MAX)?)?;
        let nonce = Nonce::parse(&nonce.required(TEXT_MAX)?)?;
        let card = context.shared().handles.card(card)?;
        let Some(room) = room.offers(CIE_TOKEN_SIZE - 1)? else { return Ok(()) };
        let token = card.edit(|card| {
            card.with_unlocked(|unlocked| Ok(AuthToken::create(&mut unlocked.signer()?, &origin, &nonce)?))
        })?;
        room.fill(&token.to_json())
    })
}

/// Makes a portal, or one of several servers of it: it issues challenges, keeps them in memory, and judges the answers.
///
/// `origin`: the portal's own, such as "https://portal.example". `trust`: whom it trusts, as the store is now. `options`:
/// null for the defaults. `party`: receives a handle, which the program closes. One serves any number of threads at once,
/// each with its clone of the context.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_party_open(
    context: ContextIn,
    origin: Text,
    trust: cie_handle,
    options: PartyOptionsIn,
    party: HandleOut,
) -> cie_result {
    let out = party.place();
    context.call(|context| {
        let (out, options) = (out?, options.read()?);
        let handles = &context.shared().handles;
        let origin = Origin::parse(&origin.required(TEXT_MAX)?)?;
        let trust = trust::store(handles, trust)?;
        let builder = RelyingParty::builder(origin, trust, MemoryStore::new()).accept(policy(&options)?);
        let builder = match options.lifetime_seconds {
            0 => builder,
            86_401.. => return Err(Fault::Argument("a challenge that lives longer than a day")),
            seconds => builder.lifetime(Duration::from_secs(seconds.into())),
        };
        out.put(handles.open(Object::Party(builder.finish()))?);
        Ok(())
    })
}

fn policy(options: &cie_party_options) -> Result<HolderPolicy, Fault> {
    trust::check_flags(options.flags, trust::CIE_ALLOW_LEGACY)?;
    trust::check_flags(options.accept, CIE_ACCEPT_CIE3 | CIE_ACCEPT_CNS | CIE_ACCEPT_FIRST_GENERATIONS)?;
    let kinds = [
        (CIE_ACCEPT_CIE3, CertifiedCard::Cie3),
        (CIE_ACCEPT_CNS, CertifiedCard::Cns),
        (CIE_ACCEPT_FIRST_GENERATIONS, CertifiedCard::FirstGenerations),
    ];
    let taken = kinds.into_iter().filter(|(flag, _)| options.accept & flag != 0).map(|(_, card)| card);
    let policy = HolderPolicy::of_any(taken).client_authentication(match options.client_authentication {
        CIE_CLIENT_AUTHENTICATION_WHERE_STATED => ClientAuthentication::WhereStated,
        CIE_CLIENT_AUTHENTICATION_REQUIRED => ClientAuthentication::Required,
        CIE_CLIENT_AUTHENTICATION_NOT_ASKED => ClientAuthentication::NotAsked,
        _ => return Err(Fault::Argument("what is asked of extended key usage")),
    });
    Ok(if options.flags == 0 { policy } else { policy.allow_legacy_cryptography() })
}

/// Gives a portal a revocation list that was got by other means. It is believed once its signature was checked with its
/// issuer's key.
///
/// `list`, `length`: the list, DER or PEM, at most 64 MiB. `CIE_STATUS_UNAVAILABLE` for what is no list.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_party_add_list(
    context: ContextIn,
    party: cie_handle,
    list: Bytes,
    length: usize,
) -> cie_result {
    context.call(|context| {
        let party = context.shared().handles.party(party)?;
        Ok(party.revocation().add_list(&list.required(length, LIST_MAX)?)?)
    })
}

/// Draws a challenge for a session of the portal. An earlier one of the same session is forgotten.
///
/// `session`, `length`: what tells this browser from others and cannot be guessed, such as the bytes of a session
/// cookie: 16 to 512. `nonce`, `size`: see "Sizes" at the head; a buffer of `CIE_NONCE_SIZE` bytes is needed before one
/// is drawn. With a million of them pending the oldest makes room.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_party_challenge(
    context: ContextIn,
    party: cie_handle,
    session: Bytes,
    length: usize,
    nonce: TextOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = nonce.room(size)?;
        let session = self::session(session, length)?;
        let party = context.shared().handles.party(party)?;
        let Some(room) = room.offers(CIE_NONCE_SIZE - 1)? else { return Ok(()) };
        room.fill(party.challenge(&session)?.as_str())
    })
}

fn session(session: Bytes, length: usize) -> Result<SessionId, Fault> {
    SessionId::new(session.required(length, SESSION_MAX)?)
        .map_err(|_| Fault::Argument("a session has 16 to 512 bytes"))
}

/// Judges the answer to a session's challenge, as far as nobody has to be asked: the challenge is used up, whatever comes
/// out; the certificate's path and the signature hold. What is left is the status: fetch what `cie_login_request` names,
/// hand it in with `cie_login_answer`, and call `cie_login_finish`. What is used up by that is `CIE_HANDLE` afterwards.
///
/// `session`, `length`: as for the challenge. `token`, `token_length`: the token that came, JSON, at most 10,000 bytes.
/// `login`: receives a handle, which the program closes; nobody is let in by it.
/// `CIE_CHALLENGE_MISSING`, `CIE_CHALLENGE_EXPIRED`, `CIE_TOKEN_MALFORMED`, `CIE_WRONG_SIGNATURE`, `CIE_ISSUER_UNKNOWN`,
/// `CIE_CERTIFICATE_BAD`, `CIE_CERTIFICATE_EXPIRED`, `CIE_CERTIFICATE_REVOKED`, `CIE_TEST_CERTIFICATE`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_party_begin(
    context: ContextIn,
    party: cie_handle,
    session: Bytes,
    length: usize,
    token: Bytes,
    token_length: usize,
    login: HandleOut,
) -> cie_result {
    let out = login.place();
    context.call(|context| {
        let out = out?;
        let session = self::session(session, length)?;
        let handles = &context.shared().handles;
        let party = handles.party(party)?;
        // What is too long is not looked at, but it uses the challenge up like any other.
        let (token, too_long) = match token_length {
            0..=TOKEN_MAX => (token.required(token_length, TOKEN_MAX)?, None),
            _ => (vec![0; TOKEN_MAX + 1], Some(TokenError::Length(token_length))),
        };
        let pending = party.begin(&session, &token).map_err(|error| match too_long {
            Some(too_long) if matches!(error, login::Error::Token(_)) => too_long.into(),
            _ => Fault::from(error),
        })?;
        let login = Login { pending, answers: Vec::new() };
        out.put(handles.open(Object::Login(Shared::new(login)))?);
        Ok(())
    })
}

/// The same for a challenge that the program drew and kept itself, as servers of several processes do. Nothing here keeps
/// a token from being accepted twice: take the challenge out of your own store, for this session, before you call this,
/// whatever comes out; draw 32 random bytes for each, in base64; let none live longer than some minutes.
///
/// `nonce`: the challenge. `token`, `token_length`, `login`: as `cie_party_begin`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_danger_begin(
    context: ContextIn,
    party: cie_handle,
    nonce: Text,
    token: Bytes,
    token_length: usize,
    login: HandleOut,
) -> cie_result {
    let out = login.place();
    context.call(|context| {
        let (out, handles) = (out?, &context.shared().handles);
        let party = handles.party(party)?;
        let nonce = Nonce::parse(&nonce.required(TEXT_MAX)?)?;
        let token = match token_length {
            0..=TOKEN_MAX => token.required(token_length, TOKEN_MAX)?,
            _ => return Err(TokenError::Length(token_length).into()),
        };
        let login = Login { pending: danger::begin(&party, &nonce, &token)?, answers: Vec::new() };
        out.put(handles.open(Object::Login(Shared::new(login)))?);
        Ok(())
    })
}

/// Looks at one request of a login.
fn with_request(
    context: ContextIn,
    login: cie_handle,
    index: u32,
    body: impl FnOnce(&StatusRequest) -> Result<(), Fault>,
) -> cie_result {
    context.call(|context| {
        let login = context.shared().handles.login(login)?;
        let request = login.briefly(|login| {
            let requests = login.as_ref().ok_or(Fault::Handle)?.pending.requests();
            usize::try_from(index).ok().and_then(|index| requests.get(index)).cloned().ok_or(Fault::Absent)
        })?;
        body(&request)
    })
}

/// What has to be fetched for a login.
///
/// `index`: from 0 until it is `CIE_ABSENT`. `request`: receives it. If nothing is fetched, only what is known already
/// counts.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_login_request(
    context: ContextIn,
    login: cie_handle,
    index: u32,
    request: RequestOut,
) -> cie_result {
    with_request(context, login, index, |found| {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        request.place()?.put(cie_status_request {
            source: match found.source {
                StatusSource::List => CIE_STATUS_LIST,
                StatusSource::Responder => CIE_STATUS_RESPONDER,
            },
            is_fallback: i32::from(found.is_fallback),
            depth: count(found.depth),
            locations: count(found.locations.len()),
            body_length: found.body.as_ref().map_or(0, Vec::len),
            max_length: found.max_length,
        });
        Ok(())
    })
}

/// An address of a request, `http` or `https`, as a certificate of the verified path names it.
///
/// `location`: from 0 until it is `CIE_ABSENT`. `buffer`, `size`: see "Sizes" at the head.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_login_location(
    context: ContextIn,
    login: cie_handle,
    index: u32,
    location: u32,
    buffer: TextOut,
    size: SizeInOut,
) -> cie_result {
    with_request(context, login, index, |found| {
        let location = usize::try_from(location).ok().and_then(|at| found.locations.get(at));
        buffer.room(size)?.fill(location.ok_or(Fault::Absent)?)
    })
}

/// What is sent by POST; empty if it is a GET. `buffer`, `size`: see "Sizes" at the head.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_login_body(
    context: ContextIn,
    login: cie_handle,
    index: u32,
    buffer: BytesOut,
    size: SizeInOut,
) -> cie_result {
    with_request(context, login, index, |found| {
        buffer.room(size)?.fill(found.body.as_deref().unwrap_or_default())
    })
}

/// Hands in what a request brought: the body of an answer with status 200, as it came. A second one takes its place.
///
/// `bytes`, `length`: the body; `CIE_ARGUMENT` if it is longer than the request's `max_length`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_login_answer(
    context: ContextIn,
    login: cie_handle,
    index: u32,
    bytes: Bytes,
    length: usize,
) -> cie_result {
    context.call(|context| {
        let login = context.shared().handles.login(login)?;
        login.briefly(|login| {
            let login = login.as_mut().ok_or(Fault::Handle)?;
            let index = usize::try_from(index).map_err(|_| Fault::Absent)?;
            let request = login.pending.requests().get(index).ok_or(Fault::Absent)?;
            let answer = Answer::new(index, bytes.required(length, request.max_length)?);
            login.answers.retain(|known| known.request != index);
            login.answers.push(answer);
            Ok(())
        })
    })
}

/// Judges the status and says who the citizen is. The login is used up by it, whatever comes out; close its handle.
///
/// `policy`: `CIE_POLICY_HARD`, `CIE_POLICY_SOFT` or `CIE_POLICY_OFFLINE`. `citizen`: receives a record (`cie_text`) with
/// `CIE_FIELD_FISCAL_CODE` and its kin, which the program closes; ask `cie_is_test` before anybody is let in.
/// `CIE_STATUS_UNAVAILABLE`, `CIE_CERTIFICATE_REVOKED`, `CIE_CERTIFICATE_EXPIRED`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_login_finish(
    context: ContextIn,
    login: cie_handle,
    policy: i32,
    citizen: HandleOut,
) -> cie_result {
    let out = citizen.place();
    context.call(|context| {
        let out = out?;
        if !(CIE_POLICY_HARD..=CIE_POLICY_OFFLINE).contains(&policy) {
            return Err(Fault::Argument("how much has to be known of the status has to be said"));
        }
        let handles = &context.shared().handles;
        let login = handles.login(login)?;
        let answered = login.briefly(|login| login.as_ref().is_some_and(|login| !login.answers.is_empty()));
        if policy == CIE_POLICY_OFFLINE && answered {
            return Err(Fault::Argument("offline asks nobody, and an answer was handed in"));
        }
        let Login { pending, answers } = login.briefly(Option::take).ok_or(Fault::Handle)?;
        let record = match policy {
            CIE_POLICY_HARD => Record::verified(&pending.finish(&answers)?),
            CIE_POLICY_SOFT => Record::soft(&pending.finish_soft(&answers)?),
            _ => Record::offline(&pending.finish_offline()?),
        };
        out.put(handles.open(Object::Record(record.into()))?);
        Ok(())
    })
}
