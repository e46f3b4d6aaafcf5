//! A path whose certificates' status is being asked for, and what the answers say.

use std::time::SystemTime;

use super::held::Held;
use super::{
    Answer, CertificateStatus, Fetch, Found, NONCE, Revocation, SoftVerified, StatusFault, StatusRequest,
    StatusSource, UnknownStatus, VerifiedCertificate, pairs,
};
use crate::trust::ocsp::{self, ResponseFault};
use crate::trust::{Error, ValidPath};

/// What is known of one certificate, or was asked about it.
pub(super) enum Wanted {
    Known(CertificateStatus),
    Asked { nonce: Option<[u8; NONCE]>, fault: Option<StatusFault> },
}

/// A path whose certificates' status is being asked for.
#[must_use = "nothing is known of revocation until it is finished"]
pub struct PendingStatus {
    pub(super) revocation: Revocation,
    pub(super) path: ValidPath,
    pub(super) requests: Vec<StatusRequest>,
    pub(super) wanted: Vec<Wanted>,
}

impl PendingStatus {
    /// What has to be fetched. A request that is marked as a fallback need be made only if those before it for the
    /// same certificate gave nothing.
    #[must_use]
    pub fn requests(&self) -> &[StatusRequest] {
        &self.requests
    }

    /// The path that holds.
    #[must_use]
    pub fn path(&self) -> &ValidPath {
        &self.path
    }

    /// Fetches, one request after the other, until the status of every certificate is known or nothing is left to
    /// ask. For programs that may wait.
    pub fn fetch(&self, fetch: &dyn Fetch, at: SystemTime) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (depth, wanted) in self.wanted.iter().enumerate() {
            let Wanted::Asked { nonce, .. } = wanted else { continue };
            'requests: for (index, request) in self.requests.iter().enumerate() {
                if request.depth != depth {
                    continue;
                }
                for location in &request.locations {
                    let Ok(body) = fetch.fetch(request, location) else { continue };
                    let answer = Answer { request: index, body };
                    let outcome = self.judge(depth, *nonce, request, &answer, at);
                    let decided = matches!(outcome, Some(Ok(_) | Err(Error::Revoked(_))));
                    answers.push(answer);
                    if decided {
                        break 'requests;
                    }
                }
            }
        }
        answers
    }

    /// Judges one answer; a list that is good is kept, and one that suspends the certificate, however old.
    fn judge(
        &self,
        depth: usize,
        nonce: Option<[u8; NONCE]>,
        request: &StatusRequest,
        answer: &Answer,
        at: SystemTime,
    ) -> Option<Result<CertificateStatus, Error>> {
        let (certificate, issuer) = pairs(&self.path).nth(depth)?;
        let allow_sha1 = self.path.is_legacy();
        let status = match request.source {
            StatusSource::Responder => {
                let question = ocsp::Question {
                    certificate,
                    issuer,
                    nonce: nonce.as_ref().map(<[u8; NONCE]>::as_slice),
                };
                self.revocation.judge_response(&answer.body, &question, at)
            }
            StatusSource::List => match Held::signed(&answer.body, issuer, allow_sha1) {
                Err(unsigned) => Err(unsigned.into()),
                Ok(held) => {
                    let judged = self.revocation.judge_list(&held, certificate, issuer, allow_sha1, at);
                    if matches!(judged, Ok(_) | Err(Found::Revoked(_) | Found::Fault(StatusFault::Suspended)))
                    {
                        let gone = self.revocation.write().keep(held, issuer, &request.locations, allow_sha1);
                        drop(gone);
                    }
                    judged
                }
            },
        };
        // Somebody may have sent an old answer, or a newer list may have come in the meantime.
        let status = status.and_then(|good| {
            let newer = self.revocation.check_newer(certificate, issuer, allow_sha1, &good, at);
            newer.map(|()| good)
        });
        Some(status.map_err(|found| found.into_error(depth)))
    }

    /// The status of every certificate: what is known, or the first reason why one is not.
    fn statuses(&self, answers: &[Answer], at: SystemTime) -> Result<Vec<CertificateStatus>, Error> {
        // The path was judged when this began, however long ago that is.
        if at >= self.path.valid_until() {
            return Err(Error::Expired);
        }
        let mut statuses = Vec::new();
        let mut unknown = None;
        for (depth, wanted) in self.wanted.iter().enumerate() {
            let (nonce, fault, known) = match wanted {
                Wanted::Known(status) => (&None, None, Some(*status)),
                Wanted::Asked { nonce, fault } => (nonce, *fault, None),
            };
            let mut good = None;
            let is_asked = self.requests.iter().any(|request| request.depth == depth);
            let nothing = if is_asked { StatusFault::NoAnswer } else { StatusFault::NoLocation };
            let mut unavailable = Error::StatusUnavailable { depth, fault: fault.unwrap_or(nothing) };
            for answer in answers {
                let Some(request) = self.requests.get(answer.request) else { continue };
                if request.depth != depth {
                    continue;
                }
                match self.judge(depth, *nonce, request, answer, at) {
                    Some(Ok(status)) => good = Some(status),
                    Some(Err(error @ Error::StatusUnavailable { .. })) => {
                        unavailable = if is_doubted(&unavailable) { unavailable } else { error };
                    }
                    // Revoked: whatever else says that it is good.
                    Some(Err(error)) => return Err(error),
                    None => {}
                }
            }
            // Somebody else who logs in may have fetched a list meanwhile, and the one that was held may be out of
            // date.
            if good.is_none() {
                good = match self.held(depth, at) {
                    Some(Err(Found::Revoked(revoked))) => return Err(Error::Revoked(revoked)),
                    Some(Err(found @ Found::Fault(StatusFault::Suspended))) => {
                        unavailable = found.into_error(depth);
                        None
                    }
                    Some(Ok(Some(status))) => Some(status).filter(|_| !is_doubted(&unavailable)),
                    // It made way for others, or is out of date.
                    Some(said) => {
                        if let (Some(_), Err(found)) = (known, said) {
                            unavailable = found.into_error(depth);
                        }
                        known.filter(|known| self.is_relied_on(known, at))
                    }
                    None => None,
                };
            }
            match good {
                Some(status) => statuses.push(status),
                // A doubt counts more than silence, wherever in the path it is.
                None => match &unknown {
                    Some(first) if is_doubted(first) || !is_doubted(&unavailable) => {}
                    _ => unknown = Some(unavailable),
                },
            }
        }
        unknown.map_or(Ok(statuses), Err)
    }

    /// What the lists that are held by now say of the certificate at this place.
    fn held(&self, depth: usize, at: SystemTime) -> Option<Result<Option<CertificateStatus>, Found>> {
        let (certificate, issuer) = pairs(&self.path).nth(depth)?;
        Some(self.revocation.by_list(certificate, issuer, self.path.is_legacy(), at))
    }

    /// Whether a status that was good may still be relied on, as far as clocks may differ.
    fn is_relied_on(&self, status: &CertificateStatus, at: SystemTime) -> bool {
        let skew = self.revocation.0.rules.skew;
        at.duration_since(status.good_until).map_or(true, |over| over <= skew)
    }

    /// Judges the answers, and takes nothing but a good status of every certificate (hard-fail).
    ///
    /// # Errors
    /// [`Error::Revoked`], or [`Error::StatusUnavailable`].
    pub fn finish(self, answers: &[Answer], at: SystemTime) -> Result<VerifiedCertificate, Error> {
        let statuses = self.statuses(answers, at)?;
        Ok(VerifiedCertificate::new(self.path, statuses, at))
    }

    /// The same, but a status that cannot be had is let pass, as another type (soft-fail). Whoever can keep a
    /// revoked certificate's status from being fetched gets it accepted: for services that can live with that.
    ///
    /// # Errors
    /// [`Error::Revoked`]; [`Error::StatusUnavailable`] if a responder of the issuer does not know the certificate, or
    /// if it was suspended when its status was last known.
    pub fn finish_soft(self, answers: &[Answer], at: SystemTime) -> Result<SoftVerified, Error> {
        match self.statuses(answers, at) {
            Ok(statuses) => Ok(SoftVerified::Verified(VerifiedCertificate::new(self.path, statuses, at))),
            Err(error) if is_doubted(&error) => Err(error),
            Err(Error::StatusUnavailable { depth, fault }) => {
                Ok(SoftVerified::Unknown(UnknownStatus::new(self.path, depth, fault)))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks nobody: the path as it is, whose certificates are not on any list that is held by now.
    ///
    /// # Errors
    /// [`Error::Revoked`]; [`Error::StatusUnavailable`] if one was suspended when its status was last known.
    pub fn finish_offline(self) -> Result<ValidPath, Error> {
        for (depth, wanted) in self.wanted.iter().enumerate() {
            // A list that came meanwhile may be newer than the moment for which the path was checked; who is on it
            // is revoked all the same.
            match (self.held(depth, self.path.checked_at()), wanted) {
                (Some(Err(Found::Revoked(revoked))), _) => return Err(Error::Revoked(revoked)),
                (Some(Err(Found::Fault(StatusFault::Suspended))), _)
                | (_, Wanted::Asked { fault: Some(StatusFault::Suspended), .. }) => {
                    return Err(Error::StatusUnavailable { depth, fault: StatusFault::Suspended });
                }
                _ => {}
            }
        }
        Ok(self.path)
    }
}

impl std::fmt::Debug for PendingStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingStatus({:?}, {} requests)", self.path, self.requests.len())
    }
}

/// Whether nothing good is known of a certificate and something bad is: a responder of its issuer does not know it, or
/// it was suspended.
fn is_doubted(error: &Error) -> bool {
    use StatusFault::{Response, Suspended};
    matches!(error, Error::StatusUnavailable { fault: Suspended | Response(ResponseFault::Unknown), .. })
}
