//! The last step of a login: whether the certificates were revoked, and who the citizen is.

use super::border::{Bytes, BytesOut, ContextIn, HandleOut, RequestOut, SizeInOut, TextOut};
use super::cie_handle;
use super::failure::Fault;
use super::handles::Object;
use super::login::Login;
use super::record::Record;
use super::result::cie_result;
use crate::trust::{Answer, StatusRequest, StatusSource};

/// Where a status comes from: a revocation list, fetched by GET.
pub const CIE_STATUS_LIST: i32 = 1;
/// An OCSP responder, asked by POST.
pub const CIE_STATUS_RESPONDER: i32 = 2;

/// Nobody comes in whose certificate's status is not known to be good.
pub const CIE_POLICY_HARD: i32 = 1;
/// A status that cannot be had is let pass: `CIE_FIELD_STATUS` is "unknown" then. A responder that says that it does
/// not know the certificate has it refused all the same: `CIE_STATUS_UNAVAILABLE`.
pub const CIE_POLICY_SOFT: i32 = 2;
/// Nobody is asked; only the lists that were given with `cie_party_add_list` are looked at, and need not be there.
/// Whoever has all lists takes `CIE_POLICY_HARD`, which asks for nothing that a list tells.
pub const CIE_POLICY_OFFLINE: i32 = 3;

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
            let requests =
                login.as_ref().ok_or(Fault::NotA("a login that is not finished yet"))?.pending.requests();
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
            let login = login.as_mut().ok_or(Fault::NotA("a login that is not finished yet"))?;
            let index = usize::try_from(index).map_err(|_| Fault::Absent)?;
            let request = login.pending.requests().get(index).ok_or(Fault::Absent)?;
            let answer = Answer::new(index, bytes.required(length, request.max_length)?);
            login.answers.retain(|known| known.request != index);
            login.answers.push(answer);
            Ok(())
        })
    })
}

/// Judges the status and says who the citizen is. The login is used up by it, whatever comes out but `CIE_ARGUMENT`;
/// close its handle.
///
/// `policy`: `CIE_POLICY_HARD`, `CIE_POLICY_SOFT` or `CIE_POLICY_OFFLINE`. `citizen`: receives a record (`cie_text`)
/// with `CIE_FIELD_FISCAL_CODE` and its kin, which the program closes; ask `cie_is_test` before anybody is let in.
/// `CIE_STATUS_UNAVAILABLE`, `CIE_CERTIFICATE_REVOKED`, `CIE_CERTIFICATE_EXPIRED`; `CIE_ARGUMENT` under
/// `CIE_POLICY_OFFLINE` if an answer was handed in.
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
            return Err(Fault::Argument("policy: none of CIE_POLICY_HARD and its kin"));
        }
        let handles = &context.shared().handles;
        let login = handles.login(login)?;
        let answered = login.briefly(|login| login.as_ref().is_some_and(|login| !login.answers.is_empty()));
        if policy == CIE_POLICY_OFFLINE && answered {
            return Err(Fault::Argument(
                "policy: CIE_POLICY_OFFLINE asks nobody, and an answer was handed in",
            ));
        }
        let Login { pending, answers } =
            login.briefly(Option::take).ok_or(Fault::NotA("a login that is not finished yet"))?;
        let record = match policy {
            CIE_POLICY_HARD => Record::verified(&pending.finish(&answers)?),
            CIE_POLICY_SOFT => Record::soft(&pending.finish_soft(&answers)?),
            _ => Record::offline(&pending.finish_offline()?),
        };
        out.put(handles.open(Object::Record(record.into()))?);
        Ok(())
    })
}
