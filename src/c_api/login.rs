//! Logging in at a portal: the citizen's token, the portal's challenge, and its answer.

use std::time::Duration;

use super::border::{Bytes, ContextIn, HandleOut, PartyOptionsIn, SizeInOut, Text, TextOut};
use super::failure::Fault;
use super::handles::{Object, Shared};
use super::result::cie_result;
use super::{cie_handle, trust};
use crate::login::store::{MemoryStore, SessionId};
use crate::login::{self, AuthToken, Nonce, Origin, PendingLogin, RelyingParty, TokenError, danger};
use crate::trust::{Answer, CertifiedCard, ClientAuthentication, HolderPolicy};

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

/// The longest text of an origin or a challenge, session, token and list, in bytes.
const TEXT_MAX: usize = 1024;
const SESSION_MAX: usize = 512;
const TOKEN_MAX: usize = 10_000;
const TOKEN_SIZE: usize = TOKEN_MAX + 1;
const LIST_MAX: usize = 64 << 20;

/// What may be chosen for a portal. Set `size` to `sizeof(cie_party_options)` and everything else to 0 for the
/// defaults; or give null.
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

/// A login of which only the status of certificates is left to find out, and what was fetched for it so far.
pub(super) struct Login {
    pub(super) pending: PendingLogin,
    pub(super) answers: Vec<Answer>,
}

/// Answers a portal's challenge with the holder's key, after `cie_card_verify_pin`: a login token (Web eID, JSON). It
/// is a login at this portal and with this challenge only.
///
/// `origin`: such as `https://portal.example`, as the browser or the program knows it and never as the other side
/// claims.
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
/// `origin`: the portal's own, such as `https://portal.example`. `trust`: whom it trusts, as the store is now.
/// `options`: null for the defaults. `party`: receives a handle, which the program closes. One serves any number of
/// threads at once, each with its clone of the context.
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
            86_401.. => return Err(Fault::Argument("lifetime_seconds: more than 86,400, which is a day")),
            seconds => builder.lifetime(Duration::from_secs(seconds.into())),
        };
        out.put(handles.open(Object::Party(builder.finish()))?);
        Ok(())
    })
}

fn policy(options: &cie_party_options) -> Result<HolderPolicy, Fault> {
    trust::check_flags(options.flags, trust::CIE_ALLOW_LEGACY)?;
    let kinds = [
        (CIE_ACCEPT_CIE3, CertifiedCard::Cie3),
        (CIE_ACCEPT_CNS, CertifiedCard::Cns),
        (CIE_ACCEPT_FIRST_GENERATIONS, CertifiedCard::FirstGenerations),
    ];
    if options.accept & !kinds.iter().fold(0, |all, (flag, _)| all | flag) != 0 {
        return Err(Fault::Argument("accept: not a sum of CIE_ACCEPT_CIE3 and its kin"));
    }
    let taken = kinds.into_iter().filter(|(flag, _)| options.accept & flag != 0).map(|(_, card)| card);
    let policy = HolderPolicy::of_any(taken).client_authentication(match options.client_authentication {
        CIE_CLIENT_AUTHENTICATION_WHERE_STATED => ClientAuthentication::WhereStated,
        CIE_CLIENT_AUTHENTICATION_REQUIRED => ClientAuthentication::Required,
        CIE_CLIENT_AUTHENTICATION_NOT_ASKED => ClientAuthentication::NotAsked,
        _ => {
            return Err(Fault::Argument(
                "client_authentication: none of CIE_CLIENT_AUTHENTICATION_WHERE_STATED and its kin",
            ));
        }
    });
    Ok(if options.flags == 0 { policy } else { policy.allow_legacy_cryptography() })
}

/// Gives a portal a revocation list that was got by other means. It is believed once its signature was checked with its
/// issuer's key.
///
/// `list`, `length`: the list, DER or PEM, at most 64 MiB. `CIE_ARGUMENT` for what is no list, or one
/// that is not complete in itself (a delta, an indirect or a partial one): `cie_error_detail` says which.
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
        // A list that is given is an argument like any other: to try again later would not make it a better one.
        party.revocation().add_list(&list.required(length, LIST_MAX)?).map_err(Fault::List)
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

/// A token as it came; what text in C ends with is no part of it.
fn token(token: Bytes, length: usize) -> Result<Vec<u8>, Fault> {
    let mut token = token.required(length, TOKEN_SIZE)?;
    if token.last() == Some(&0) {
        token.pop();
    }
    Ok(token)
}

fn session(session: Bytes, length: usize) -> Result<SessionId, Fault> {
    SessionId::new(session.required(length, SESSION_MAX)?)
        .map_err(|_| Fault::Argument("session: not 16 to 512 bytes"))
}

/// Judges the answer to a session's challenge, as far as nobody has to be asked: the challenge is used up, whatever
/// comes out; the certificate's path and the signature hold. What is left is the status: fetch what `cie_login_request`
/// names, hand it in with `cie_login_answer`, and call `cie_login_finish`. By that the login is used up: it is
/// `CIE_HANDLE` afterwards for everything but `cie_close`.
///
/// `session`, `length`: as for the challenge. `token`, `token_length`: the token that came, JSON, at most 10,000 bytes;
/// a zero byte at its end, which text in C has, is no part of it.
/// A token for another origin or another challenge is `CIE_WRONG_SIGNATURE`, since both are only in what was signed:
/// before anything else compare the `origin` of `cie_card_login` with that of `cie_party_open`, and look whether the
/// challenge is this session's.
/// `login`: receives a handle, which the program closes; nobody is let in by it.
/// `CIE_CHALLENGE_MISSING`, `CIE_CHALLENGE_EXPIRED`, `CIE_TOKEN_MALFORMED`, `CIE_WRONG_SIGNATURE`,
/// `CIE_ISSUER_UNKNOWN`, `CIE_CERTIFICATE_BAD`, `CIE_CERTIFICATE_EXPIRED`, `CIE_CERTIFICATE_REVOKED`,
/// `CIE_TEST_CERTIFICATE`; `CIE_CARD_NOT_ACCEPTED` and `CIE_CERTIFICATE_WEAK` for what `accept` and `flags` of the
/// options do not let pass.
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
            0..=TOKEN_SIZE => (self::token(token, token_length)?, None),
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

/// The same for a challenge that the program drew and kept itself, as servers of several processes do. Nothing here
/// keeps a token from being accepted twice: take the challenge out of your own store, for this session, before you call
/// this, whatever comes out; draw 32 random bytes for each, in base64; let none live longer than some minutes.
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
            0..=TOKEN_SIZE => self::token(token, token_length)?,
            _ => return Err(TokenError::Length(token_length).into()),
        };
        let login = Login { pending: danger::begin(&party, &nonce, &token)?, answers: Vec::new() };
        out.put(handles.open(Object::Login(Shared::new(login)))?);
        Ok(())
    })
}

#[cfg(test)]
#[cfg(feature = "emulator")]
mod tests;
