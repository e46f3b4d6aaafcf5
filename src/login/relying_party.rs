//! The relying party: issues challenges and judges their answers.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::audit::{self, Audit, AuditEvent, Outcome};
use super::citizen::{Citizen, Identity, SoftCitizen};
use super::nonce::{NONCE_LENGTH, Nonce};
use super::store::{ChallengeStore, Pending, SessionId};
use super::{AuthToken, Error, Origin};
use crate::crypto::{self, SystemEntropy};
use crate::environment::{Clock, Entropy, SystemClock};
use crate::trust::{
    self, Answer, Fetch, HolderPolicy, PendingStatus, Proof, Revocation, RevocationRules, SoftVerified,
    StatusRequest, TrustStore, ValidPath,
};

/// How long a challenge can be answered, unless something else is asked for.
pub const LIFETIME: Duration = Duration::from_secs(300);

/// A portal, or one of several servers of it: issues challenges, and lets in who answers one. One for the whole
/// process; a copy is the same one.
#[derive(Clone)]
pub struct RelyingParty(Arc<Shared>);

struct Shared {
    origin: Origin,
    trust: TrustStore,
    store: Box<dyn ChallengeStore>,
    policy: HolderPolicy,
    revocation: Revocation,
    lifetime: Duration,
    fetch: Option<Box<dyn Fetch>>,
    audit: Option<Box<dyn Audit>>,
    clock: Mutex<Box<dyn Clock>>,
}

/// A relying party while it is made.
#[must_use = "a builder makes nothing until it is finished"]
pub struct RelyingPartyBuilder(Shared);

impl RelyingParty {
    /// Lets in citizens with a CIE 3, under hard-fail: the status of a certificate is known to be good or nobody
    /// comes in. Nothing is fetched until a [`RelyingPartyBuilder::fetch`] is given; lists can be given
    /// ([`Revocation::add_list`]), or fetched by the portal ([`RelyingParty::begin`]).
    pub fn new(origin: Origin, trust: TrustStore, store: impl ChallengeStore + 'static) -> Self {
        Self::builder(origin, trust, store).finish()
    }

    /// The same with choices.
    pub fn builder(
        origin: Origin,
        trust: TrustStore,
        store: impl ChallengeStore + 'static,
    ) -> RelyingPartyBuilder {
        let revocation = Revocation::new(&trust, RevocationRules::default());
        RelyingPartyBuilder(Shared {
            origin,
            trust,
            store: Box::new(store),
            policy: HolderPolicy::default(),
            revocation,
            lifetime: LIFETIME,
            fetch: None,
            audit: None,
            clock: Mutex::new(Box::new(SystemClock)),
        })
    }

    /// The origin of the portal.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Finds out about revocation: give it lists, and refresh them in time ([`Revocation::due`]).
    #[must_use]
    pub fn revocation(&self) -> &Revocation {
        &self.0.revocation
    }

    /// Draws a challenge for a session. An earlier one of the same session is forgotten.
    ///
    /// # Errors
    /// [`Error::Store`], or [`Error::Crypto`] without randomness.
    pub fn challenge(&self, session: &SessionId) -> Result<Nonce, Error> {
        let now = self.now();
        let mut drawn = [0; NONCE_LENGTH];
        SystemEntropy.draw("challenge nonce", &mut drawn).map_err(crypto::Error::from)?;
        let nonce = Nonce::of(&drawn);
        let expires_at = now.checked_add(self.0.lifetime).unwrap_or(now);
        self.0.store.put(session, Pending::new(drawn, expires_at), now)?;
        self.record(now, Some(audit::reference(&nonce)), Outcome::Challenged);
        Ok(nonce)
    }

    /// Judges the answer to a session's challenge, which is used up by it, whatever comes out. Hard-fail: whoever's
    /// status cannot be had is not let in.
    ///
    /// Waits for the network if it was given a [`Fetch`]: on an async server, call it where blocking is allowed, or
    /// take [`RelyingParty::begin`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn verify(&self, session: &SessionId, token: &[u8]) -> Result<Citizen, Error> {
        let pending = self.begin(session, token)?;
        let answers = pending.fetch();
        pending.finish(&answers)
    }

    /// The same under soft-fail: what cannot be asked is let pass, as another type. See
    /// [`PendingStatus::finish_soft`] for what that means.
    ///
    /// # Errors
    /// [`Error`].
    pub fn verify_soft(&self, session: &SessionId, token: &[u8]) -> Result<SoftCitizen, Error> {
        let pending = self.begin(session, token)?;
        let answers = pending.fetch();
        pending.finish_soft(&answers)
    }

    /// The same without asking anybody: only the lists that are held are looked at, and need not be there.
    ///
    /// # Errors
    /// [`Error`].
    pub fn verify_offline(&self, session: &SessionId, token: &[u8]) -> Result<Citizen<ValidPath>, Error> {
        self.begin(session, token)?.finish_offline()
    }

    /// Everything that needs no network: takes the challenge, reads the token, verifies path and signature, reads
    /// whom the certificate names. What is left is to fetch the [requests](PendingLogin::requests), by whatever
    /// means, and to [finish](PendingLogin::finish).
    ///
    /// # Errors
    /// [`Error`].
    pub fn begin(&self, session: &SessionId, token: &[u8]) -> Result<PendingLogin, Error> {
        let now = self.now();
        // First of all: a challenge that was shown a bad token is not there for a second one.
        let taken = self.0.store.take(session, now).map_err(Error::from);
        let outcome = taken.and_then(|pending| pending.ok_or(Error::NoChallenge));
        let pending = outcome.inspect_err(|error| self.record(now, None, Outcome::refused(error)))?;
        let nonce = Nonce::of(pending.nonce());
        if now >= pending.expires_at() {
            self.record(now, Some(audit::reference(&nonce)), Outcome::Refused(Error::ChallengeExpired));
            return Err(Error::ChallengeExpired);
        }
        self.begin_with(&nonce, token)
    }

    /// What comes after the challenge.
    pub(super) fn begin_with(&self, nonce: &Nonce, token: &[u8]) -> Result<PendingLogin, Error> {
        let (now, challenge) = (self.now(), Some(audit::reference(nonce)));
        match self.judge(nonce, token, now) {
            Ok((identity, status)) => Ok(PendingLogin { party: self.clone(), identity, status, challenge }),
            Err(error) => {
                self.record(now, challenge, Outcome::refused(&error));
                Err(error)
            }
        }
    }

    /// Path, signature and name, in this order, and then what is known of the status.
    fn judge(
        &self,
        nonce: &Nonce,
        token: &[u8],
        now: SystemTime,
    ) -> Result<(Identity, PendingStatus), Error> {
        let Shared { origin, trust, policy, revocation, .. } = &*self.0;
        let token = AuthToken::parse(token)?;
        let holder = token.unverified_certificate().clone();
        let path = trust.verify_holder_certificate(holder, now, policy)?;
        token.verify_signature(path.public_key(), origin, nonce)?;
        let signing = token.unverified_signing_certificates().to_vec();
        let identity = Identity::of(path.subject(), path.card(), signing)?;
        let status = revocation.begin(path, now)?;
        Ok((identity, status))
    }

    fn now(&self) -> SystemTime {
        self.0.clock.lock().unwrap_or_else(PoisonError::into_inner).now()
    }

    fn record(&self, at: SystemTime, challenge: Option<[u8; 8]>, outcome: Outcome) {
        if let Some(audit) = &self.0.audit {
            audit.record(&AuditEvent { at, origin: self.0.origin.clone(), challenge, outcome });
        }
    }
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelyingParty({}, {:?}, {:?})", self.0.origin, self.0.trust, self.0.revocation)
    }
}

impl RelyingPartyBuilder {
    /// Lets in the cards that a policy names.
    pub fn accept(mut self, policy: HolderPolicy) -> Self {
        self.0.policy = policy;
        self
    }

    /// Asks this of lists and responders. Forgets a [`RelyingPartyBuilder::revocation`] that was given before.
    pub fn revocation_rules(mut self, rules: RevocationRules) -> Self {
        self.0.revocation = Revocation::new(&self.0.trust, rules);
        self
    }

    /// Shares lists with other relying parties of the same process, and with them the rules and the configured
    /// responders that it was made with: those of this one's [`RelyingPartyBuilder::revocation_rules`] and of its
    /// store do not count any more.
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.0.revocation = revocation;
        self
    }

    /// How long a challenge can be answered; at least a second, at most a day.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.0.lifetime = lifetime.clamp(Duration::from_secs(1), Duration::from_secs(86_400));
        self
    }

    /// Fetches with this what has to be fetched, while the citizen waits.
    pub fn fetch(mut self, fetch: impl Fetch + 'static) -> Self {
        self.0.fetch = Some(Box::new(fetch));
        self
    }

    /// Tells this what happens.
    pub fn audit(mut self, audit: impl Audit + 'static) -> Self {
        self.0.audit = Some(Box::new(audit));
        self
    }

    /// Takes the time from this: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.0.clock = Mutex::new(Box::new(clock));
        self
    }

    /// The relying party.
    #[must_use]
    pub fn finish(self) -> RelyingParty {
        RelyingParty(Arc::new(self.0))
    }
}

impl fmt::Debug for RelyingPartyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelyingPartyBuilder({})", self.0.origin)
    }
}

/// A login of which only the status of the certificates is left to find out. Dropping it lets nobody in.
#[must_use = "nobody is let in until the status is known"]
pub struct PendingLogin {
    party: RelyingParty,
    identity: Identity,
    status: PendingStatus,
    challenge: Option<[u8; 8]>,
}

impl PendingLogin {
    /// What has to be fetched; see [`PendingStatus::requests`].
    #[must_use]
    pub fn requests(&self) -> &[StatusRequest] {
        self.status.requests()
    }

    /// Fetches with the relying party's own [`Fetch`], if it has one.
    #[must_use]
    pub fn fetch(&self) -> Vec<Answer> {
        let fetch = self.party.0.fetch.as_deref();
        fetch.map(|fetch| self.status.fetch(fetch, self.party.now())).unwrap_or_default()
    }

    /// Hard-fail: a good status of every certificate.
    ///
    /// # Errors
    /// [`Error::Trust`].
    pub fn finish(self, answers: &[Answer]) -> Result<Citizen, Error> {
        let (party, now, challenge) = (self.party.clone(), self.party.now(), self.challenge);
        let outcome = self.status.finish(answers, now).map_err(Error::from);
        let outcome = outcome.map(|proof| self.identity.vouched(proof));
        party.close(now, challenge, outcome.as_ref().map(|citizen| let_in(citizen.proof(), true)));
        outcome
    }

    /// Soft-fail: a status that cannot be had is let pass, as another type.
    ///
    /// # Errors
    /// [`Error::Trust`].
    pub fn finish_soft(self, answers: &[Answer]) -> Result<SoftCitizen, Error> {
        let (party, now, challenge) = (self.party.clone(), self.party.now(), self.challenge);
        let outcome = self.status.finish_soft(answers, now).map_err(Error::from);
        let outcome = outcome.map(|proof| match proof {
            SoftVerified::Verified(proof) => SoftCitizen::Verified(Box::new(self.identity.vouched(proof))),
            SoftVerified::Unknown(proof) => {
                SoftCitizen::StatusUnknown(Box::new(self.identity.vouched(proof)))
            }
        });
        let event = outcome.as_ref().map(|citizen| match citizen {
            SoftCitizen::Verified(citizen) => let_in(citizen.proof(), true),
            SoftCitizen::StatusUnknown(citizen) => let_in(citizen.proof(), false),
        });
        party.close(now, challenge, event);
        outcome
    }

    /// Asks nobody.
    ///
    /// # Errors
    /// [`Error::Trust`] if the certificate is on a list that is held, or has expired since this began.
    pub fn finish_offline(self) -> Result<Citizen<ValidPath>, Error> {
        let (party, now, challenge) = (self.party.clone(), self.party.now(), self.challenge);
        // The path was judged when this began, however long ago that is.
        let outcome = match now < self.status.path().valid_until() {
            true => self.status.finish_offline().map_err(Error::from),
            false => Err(trust::Error::Expired.into()),
        };
        let outcome = outcome.map(|proof| self.identity.vouched(proof));
        party.close(now, challenge, outcome.as_ref().map(|citizen| let_in(citizen.proof(), false)));
        outcome
    }
}

impl RelyingParty {
    fn close(&self, now: SystemTime, challenge: Option<[u8; 8]>, outcome: Result<Outcome, &Error>) {
        self.record(now, challenge, outcome.unwrap_or_else(Outcome::refused));
    }
}

fn let_in(proof: &impl Proof, status_known: bool) -> Outcome {
    let path = proof.path();
    let (card, is_test, is_legacy) = (path.card(), path.is_test(), path.is_legacy());
    Outcome::Verified { card, is_test, is_legacy, status_known }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingLogin({:?})", self.status)
    }
}
