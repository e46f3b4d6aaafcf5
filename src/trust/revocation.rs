//! Whether the certificates of a path were revoked (RFC 5280 section 6.3, RFC 6960).
//!
//! Nothing is fetched here. [`Revocation::begin`] takes a path that holds and says what it needs to know that is not
//! held already: requests, with addresses that certificates of the verified path name. Somebody fetches them, and
//! [`PendingStatus::finish`] judges the answers. What comes out depends on how much was asked for:
//!
//! | | every status good | a status unavailable | revoked |
//! |---|---|---|---|
//! | [`PendingStatus::finish`], hard-fail | [`VerifiedCertificate`] | an error | an error |
//! | [`PendingStatus::finish_soft`], soft-fail | [`SoftVerified::Verified`] | [`SoftVerified::Unknown`] | an error |
//! | [`PendingStatus::finish_offline`] | [`ValidPath`] | [`ValidPath`] | an error, if it is known here |

mod held;
mod pending;
mod request;
mod rules;
mod verified;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::crl::{ListFault, RevocationList};
use super::ocsp::{self, ResponseFault};
use super::{AnchorPurpose, Certificate, Error, RevocationReason, Revoked, TrustStore, ValidPath};
use crate::crypto::SystemEntropy;
use crate::environment::Entropy;

use held::Lists;
pub use pending::PendingStatus;
use pending::Wanted;
use request::Requests;
pub use request::{Answer, Fetch, FetchError, StatusRequest, StatusSource};
pub use rules::RevocationRules;
pub use verified::{CertificateStatus, Proof, SoftVerified, UnknownStatus, VerifiedCertificate};

/// Why the status of a certificate is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusFault {
    /// The certificate names no list and no responder that could be asked, and no list was given.
    #[error("it names neither a list nor a responder, and no list of its issuer was given")]
    NoLocation,
    /// Nobody answered.
    #[error("nobody answered")]
    NoAnswer,
    /// A list that is out of date says that it was suspended, and nobody says that it is not any more.
    #[error("it was suspended when its status was last known")]
    Suspended,
    /// The list is not good for it.
    #[error("the revocation list: {0}")]
    List(#[from] ListFault),
    /// The response is not good for it.
    #[error("the OCSP response: {0}")]
    Response(#[from] ResponseFault),
}

/// Finds out about revocation, and remembers lists while they are good: made once, shared by all that verify.
/// A copy is the same one.
#[derive(Clone)]
pub struct Revocation(Arc<Shared>);

struct Shared {
    rules: RevocationRules,
    /// Responders that are trusted by configuration.
    responders: Vec<Certificate>,
    lists: RwLock<Lists>,
}

impl Revocation {
    /// With the responders that a store trusts by configuration ([`AnchorPurpose::Responder`]).
    #[must_use]
    pub fn new(store: &TrustStore, rules: RevocationRules) -> Self {
        let responders = store.anchors(AnchorPurpose::Responder).cloned().collect();
        Self(Arc::new(Shared { rules, responders, lists: RwLock::default() }))
    }

    /// Gives it a list (DER or PEM) that was got by other means. It is used for certificates of its issuer once its
    /// signature was checked with the issuer's key, which a path brings. Until then it lies beside the others of its
    /// issuer and takes the place of none.
    ///
    /// # Errors
    /// [`ListFault`] if it cannot be read or is of a kind that is not taken.
    pub fn add_list(&self, list: &[u8]) -> Result<(), ListFault> {
        let list = RevocationList::from_bytes(list)?;
        let gone = self.write().add(list);
        drop(gone);
        Ok(())
    }

    /// How many lists are held.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.read().len()
    }

    /// Begins to find out whether a certificate of a path that holds was revoked; the anchor's own status is not
    /// asked for.
    ///
    /// # Errors
    /// [`Error::Revoked`] if a list that is held says so; [`Error::Crypto`] without randomness for a nonce.
    pub fn begin(&self, path: ValidPath, at: SystemTime) -> Result<PendingStatus, Error> {
        let mut requests = Requests::default();
        let mut wanted = Vec::new();
        for (depth, (certificate, issuer)) in pairs(&path).enumerate() {
            match self.by_list(certificate, issuer, path.is_legacy(), at) {
                Ok(Some(status)) => wanted.push(Wanted::Known(status)),
                Err(Found::Revoked(revoked)) => return Err(Error::Revoked(revoked)),
                outcome => {
                    let fault = match outcome {
                        Err(Found::Fault(fault)) => Some(fault),
                        _ => None,
                    };
                    let nonce = self.ask(certificate, issuer, depth, &mut requests)?;
                    wanted.push(Wanted::Asked { nonce, fault });
                }
            }
        }
        Ok(PendingStatus { revocation: self.clone(), path, requests: requests.into_all(), wanted })
    }

    /// Writes the requests for one certificate; gives the nonce of the OCSP request.
    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        depth: usize,
        requests: &mut Requests,
    ) -> Result<Option<[u8; NONCE]>, Error> {
        let mut nonce = None;
        let sources = match self.0.rules.prefer {
            StatusSource::List => [StatusSource::List, StatusSource::Responder],
            StatusSource::Responder => [StatusSource::Responder, StatusSource::List],
        };
        for source in sources {
            match source {
                StatusSource::List => requests.list(depth, certificate.list_locations()),
                StatusSource::Responder if request::any_usable(certificate.responder_locations()) => {
                    let mut drawn = [0; NONCE];
                    SystemEntropy.draw("OCSP nonce", &mut drawn).map_err(crate::crypto::Error::from)?;
                    let question = ocsp::Question { certificate, issuer, nonce: Some(&drawn) };
                    if let Ok(body) = ocsp::request(&question) {
                        requests.response(depth, certificate.responder_locations(), body);
                        nonce = Some(drawn);
                    }
                }
                StatusSource::Responder => {}
            }
        }
        Ok(nonce)
    }

    /// What the lists that are held say.
    fn by_list(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        allow_sha1: bool,
        at: SystemTime,
    ) -> Result<Option<CertificateStatus>, Found> {
        let held = self.read().of_issuer(issuer.subject_der());
        let mut outcome = Ok(None);
        // Every list is a full one, so the newest that is good for the certificate says all there is to say. One that
        // suspended it is the last word even when it is out of date: an older one would bring it back.
        for list in held {
            match self.judge_list(&list, certificate, issuer, allow_sha1, at) {
                Err(Found::Fault(fault)) if fault != StatusFault::Suspended => {
                    outcome = outcome.and(Err(Found::Fault(fault)));
                }
                decided => return decided.map(Some),
            }
        }
        outcome
    }

    /// What lists that are held say against a certificate, of those that are newer than what said that it is good.
    fn check_newer(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        allow_sha1: bool,
        good: &CertificateStatus,
        at: SystemTime,
    ) -> Result<(), Found> {
        let held = self.read().of_issuer(issuer.subject_der());
        let newer = held.iter().take_while(|held| held.list().this_update() > good.this_update);
        for list in newer {
            let judged = self.judge_list(list, certificate, issuer, allow_sha1, at);
            if let Err(found @ (Found::Revoked(_) | Found::Fault(StatusFault::Suspended))) = judged {
                return Err(found);
            }
        }
        Ok(())
    }

    fn judge_list(
        &self,
        held: &held::Held,
        certificate: &Certificate,
        issuer: &Certificate,
        allow_sha1: bool,
        at: SystemTime,
    ) -> Result<CertificateStatus, Found> {
        let rules = &self.0.rules;
        held.check_issuer(issuer, allow_sha1)?;
        let list = held.list();
        let status = list.status(certificate)?;
        let fresh = list.check_fresh(at, rules.skew, rules.list_max_age);
        match (status, fresh) {
            (None, fresh) => fresh?,
            // What was revoked stays so when the list grows old; only what was suspended may come back.
            (Some(revoked), Err(_)) if revoked.reason == Some(RevocationReason::Hold) => {
                return Err(StatusFault::Suspended.into());
            }
            (Some(revoked), _) => return Err(Found::Revoked(revoked)),
        }
        let aged = rules.list_max_age.and_then(|age| list.this_update().checked_add(age));
        let good_until = aged.map_or(list.next_update(), |aged| aged.min(list.next_update()));
        let source = StatusSource::List;
        Ok(CertificateStatus { source, this_update: list.this_update(), good_until })
    }

    fn judge_response(
        &self,
        response: &[u8],
        question: &ocsp::Question<'_>,
        at: SystemTime,
    ) -> Result<CertificateStatus, Found> {
        let rules = &self.0.rules;
        let configured: Vec<&Certificate> = self.0.responders.iter().collect();
        let asked = ocsp::Rules {
            at,
            skew: rules.skew,
            max_age: rules.response_max_age,
            nonce_optional: rules.nonce_optional,
            configured: &configured,
            allow_without_no_check: rules.responder_without_no_check,
        };
        let judged = ocsp::judge(response, question, &asked)?;
        match judged.verdict {
            ocsp::Verdict::Revoked(revoked) => Err(Found::Revoked(revoked)),
            ocsp::Verdict::Good => {
                // Without a next update newer information may be had at any time.
                let good_until = judged.next_update.unwrap_or(at).max(at);
                Ok(CertificateStatus {
                    source: StatusSource::Responder,
                    this_update: judged.this_update,
                    good_until,
                })
            }
        }
    }

    /// The lists that were fetched before and should be fetched again by now, because three quarters of the time for
    /// which they are good are over (to their next update, or of [`RevocationRules::list_max_age`] if that is less):
    /// for servers, every few minutes, so that nobody who logs in waits for a list.
    #[must_use]
    pub fn due(&self, at: SystemTime) -> Vec<StatusRequest> {
        self.read().due(at, self.0.rules.list_max_age)
    }

    /// Takes the answers to [`Revocation::due`]. One that is no good leaves what is held as it is.
    ///
    /// # Errors
    /// The first [`ListFault`] among them; the others are taken all the same.
    pub fn refresh(
        &self,
        due: &[StatusRequest],
        answers: &[Answer],
        at: SystemTime,
    ) -> Result<(), ListFault> {
        let mut outcome = Ok(());
        for answer in answers {
            let Some(request) = due.get(answer.request) else { continue };
            let issuers = self.read().issuers_of(request);
            let signer = |list: &RevocationList| {
                list.check_fresh(at, self.0.rules.skew, self.0.rules.list_max_age)?;
                let mut signed = Err(ListFault::OtherIssuer);
                for (issuer, allow_sha1) in &issuers {
                    signed = list.check_issuer(issuer, *allow_sha1).map(|()| (issuer, *allow_sha1));
                    if signed.is_ok() {
                        break;
                    }
                }
                signed
            };
            let taken = RevocationList::read(&answer.body, signer);
            match taken {
                Ok((list, (issuer, allow_sha1))) => {
                    let held = held::Held::new(list);
                    let gone = self.write().keep(held, issuer, &request.locations, allow_sha1);
                    drop(gone);
                }
                Err(fault) => outcome = outcome.and(Err(fault)),
            }
        }
        outcome
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Lists> {
        self.0.lists.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Lists> {
        self.0.lists.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Revocation({} lists, {} responders)", self.lists(), self.0.responders.len())
    }
}

/// Length of an OCSP nonce in bytes (RFC 9654 section 2.1).
const NONCE: usize = 32;

/// What a list or a response said that is not "good".
enum Found {
    Revoked(Revoked),
    /// Nothing is known: [`StatusFault::Suspended`] if a list that is out of date suspended it.
    Fault(StatusFault),
}

impl Found {
    fn into_error(self, depth: usize) -> Error {
        match self {
            Self::Revoked(revoked) => Error::Revoked(revoked),
            Self::Fault(fault) => Error::StatusUnavailable { depth, fault },
        }
    }
}

impl<F: Into<StatusFault>> From<F> for Found {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// Each certificate with its issuer, the anchor's own left out.
fn pairs(path: &ValidPath) -> impl Iterator<Item = (&Arc<Certificate>, &Arc<Certificate>)> {
    path.path().iter().zip(path.path().iter().skip(1))
}
