//! How many logins a server verifies in a second on one core, beside what OpenSSL needs for the bare signatures.
//!
//! Run: cargo bench --features emulator --bench login
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::expect_used)]

use std::time::{Duration, Instant, SystemTime};

use base64ct::{Base64, Encoding};
use cie::card;
use cie::crypto::SystemEntropy;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::demo_card;
use cie::emulator::pki::{Authority, HolderProfile, ListProfile, TestPki};
use cie::emulator::{Chip, SoftCard};
use cie::environment::FixedClock;
use cie::login::store::{ChallengeStore, MemoryStore, Pending, SessionId, StoreError};
use cie::login::{AuthToken, Nonce, Origin, RelyingParty};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{AnchorPurpose, TrustStore};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;

const DAY: Duration = Duration::from_secs(86_400);
/// Revoked certificates on the list, as a national list has them by the ten thousands.
const REVOKED: usize = 20_000;

/// A store in which the same challenge waits for everybody, so that one token can be verified again and again.
struct Waiting([u8; 32], SystemTime);

impl ChallengeStore for Waiting {
    fn put(&self, _: &SessionId, _: Pending, _: SystemTime) -> Result<(), StoreError> {
        Ok(())
    }

    fn take(&self, _: &SessionId, _: SystemTime) -> Result<Option<Pending>, StoreError> {
        Ok(Some(Pending::new(self.0, self.1)))
    }
}

/// How often something can be done in a second: the best of five rounds of a fifth of a second each.
fn rate(mut act: impl FnMut()) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..5 {
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < Duration::from_millis(200) {
            act();
            count += 1;
        }
        best = best.max(f64::from(count) / began.elapsed().as_secs_f64());
    }
    best
}

fn raw_rate(bits: u32) -> f64 {
    let key: PKey<Private> = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let signature = signer.sign_oneshot_to_vec(b"message").unwrap();
    let digest = openssl::sha::sha256(b"message");
    let public: PKey<Public> = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let mut context = PkeyCtx::new(&public).unwrap();
    context.verify_init().unwrap();
    context.set_rsa_padding(Padding::PKCS1).unwrap();
    context.set_signature_md(openssl::md::Md::sha256()).unwrap();
    rate(|| assert!(context.verify(&digest, &signature).unwrap()))
}

fn trust(pki: &TestPki) -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, pki.root_der()).unwrap();
    trust.add_intermediate(pki.sub_ca_der()).unwrap();
    trust
}

fn main() {
    let now = SystemTime::now();
    println!("making a citizen, a PKI and a list of {REVOKED} revoked certificates …");
    let (pki, citizen, personalisation) = demo_card(&mut SystemEntropy, now).unwrap();
    let card = SoftCard::new(personalisation, Chip::Gemalto, SystemEntropy).unwrap();
    let session = card::open(card.insert()).unwrap().open_session().unwrap();
    let mut unlocked = session.verify_pin(&Typed::new("12345678".to_owned()), LastTry::Refuse).unwrap();
    let mut signer = unlocked.signer().unwrap();
    let origin = Origin::parse("https://portale.comune.example.it").unwrap();
    let drawn = [7; 32];
    let token = AuthToken::create(&mut signer, &origin, &Nonce::of(&drawn)).unwrap();
    let json = token.to_json();

    // Other citizens: other certificates of one key, which a verifier cannot know.
    let profile = HolderProfile::at_issue(&citizen, now).unwrap();
    let mut entropy = Seeded::new(1);
    let key = cie::crypto::PresentedCertificate::from_der(token.unverified_certificate().as_der()).unwrap();
    let mut certify = || pki.certify_holder(&citizen, key.public_key(), &profile, &mut entropy).unwrap();
    let others: Vec<String> = (0..100)
        .map(|_| {
            let own = Base64::encode_string(token.unverified_certificate().as_der());
            json.replace(&own, &Base64::encode_string(&certify()))
        })
        .collect();

    let some = certify();
    let revoked: Vec<&[u8]> = vec![&some; REVOKED];
    let list = |authority, revoked| {
        let list = ListProfile { revoked, number: 1, this_update: now, next_update: now + 7 * DAY };
        pki.revocation_list(authority, &list, &mut Seeded::new(3)).unwrap()
    };
    let lists = [list(Authority::Root, &[]), list(Authority::SubCa, &revoked)];
    let party = |trust: TrustStore| {
        let store = Waiting(drawn, now + DAY);
        let clock = FixedClock(now + Duration::from_secs(5));
        let party = RelyingParty::builder(origin.clone(), trust, store).clock(clock).finish();
        lists.iter().for_each(|list| party.revocation().add_list(list).unwrap());
        party
    };
    let session = SessionId::new([7; 32]).unwrap();

    let (raw, raw_4096) = (raw_rate(2048), raw_rate(4096));
    println!("\none core, per second:");
    let say = |what: &str, rate: f64| println!("{what:58} {rate:9.0}   {:.2} of the first", rate / raw);
    say("OpenSSL, RSA-2048 verification and nothing else", raw);
    say("OpenSSL, RSA-4096 (the issuer's key)", raw_4096);
    let warm = party(trust(&pki));
    say("a login, citizen seen before", rate(|| drop(warm.verify(&session, json.as_bytes()).unwrap())));
    let mut next = others.iter().cycle();
    let mut fresh = party(trust(&pki));
    let mut seen = 0;
    say(
        "a login, citizen never seen before",
        rate(|| {
            // Before the first comes again; making a portal anew is part of the time, and little of it.
            if seen == others.len() {
                fresh = party(trust(&pki));
                seen = 0;
            }
            seen += 1;
            drop(fresh.verify(&session, next.next().unwrap().as_bytes()).unwrap());
        }),
    );
    let bare = 1.0 / (1.0 / raw + 1.0 / raw_4096);
    say("  the two signatures in it by OpenSSL alone", bare);
    let store = MemoryStore::new();
    let mut number = 0_u64;
    say(
        "a challenge kept and taken out, in memory",
        rate(|| {
            number += 1;
            let session = SessionId::new(number.to_be_bytes().repeat(4)).unwrap();
            store.put(&session, Pending::new(drawn, now + DAY), now).unwrap();
            store.take(&session, now).unwrap().unwrap();
        }),
    );
}
