//! Responses made by OpenSSL's responder and by hand: what is accepted, and what is refused by which name.
//!
//! The hand's are written here from RFC 6960, not by what is tested, and OpenSSL reads and verifies them too.

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::stack::Stack;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameBuilder};

use super::*;
use crate::environment::moment;
use crate::iso7816::tlv::encode;
use crate::trust::RevocationReason;

pub(super) const DAY: i64 = 86_400;
/// 2026-01-01T12:00:00Z.
pub(super) const NOW: i64 = 1_767_268_800;
pub(super) const NONCE_SENT: [u8; NONCE_LENGTH] = [0x5A; NONCE_LENGTH];

/// The moment so many seconds from the one for which is judged.
pub(super) fn at(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW + seconds).unwrap())
}

pub(super) fn elliptic() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

pub(super) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// A certificate and its key.
pub(super) struct Made {
    pub(super) key: PKey<Private>,
    pub(super) x509: X509,
    pub(super) read: Certificate,
}

/// What a certificate is to be.
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) serial: u32,
    pub(super) key: PKey<Private>,
    pub(super) digest: MessageDigest,
    pub(super) days: (i64, i64),
    pub(super) authority: bool,
    pub(super) status_signing: bool,
    pub(super) no_check: bool,
    pub(super) usage: Option<KeyUsage>,
    pub(super) identifier: bool,
    pub(super) unknown_critical: bool,
}

/// A responder that an authority makes.
pub(super) fn responder() -> Profile {
    let mut usage = KeyUsage::new();
    usage.critical().digital_signature();
    Profile {
        name: "Responder",
        serial: 0x77,
        key: elliptic(),
        digest: MessageDigest::sha256(),
        days: (-10, 30),
        authority: false,
        status_signing: true,
        no_check: true,
        usage: Some(usage),
        identifier: false,
        unknown_critical: false,
    }
}

pub(super) fn citizen() -> Profile {
    Profile { name: "Citizen", serial: 0x8001, status_signing: false, no_check: false, ..responder() }
}

pub(super) fn authority() -> Profile {
    let mut usage = KeyUsage::new();
    usage.critical().key_cert_sign().crl_sign();
    Profile {
        name: "Authority",
        serial: 1,
        authority: true,
        usage: Some(usage),
        days: (-900, 900),
        ..citizen()
    }
}

pub(super) fn name(name: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_text("C", "IT").unwrap();
    builder.append_entry_by_text("CN", name).unwrap();
    builder.build()
}

/// An extension by its dotted name.
pub(super) fn extension(oid: &str, critical: bool, value: &[u8]) -> X509Extension {
    let value = Asn1OctetString::new_from_bytes(value).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str(oid).unwrap(), critical, &value).unwrap()
}

impl Profile {
    /// Certified by an authority, or by itself.
    pub(super) fn by(self, issuer: Option<&Made>) -> Made {
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(self.serial).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
        builder.set_subject_name(&name(self.name)).unwrap();
        let own = name(self.name);
        builder.set_issuer_name(issuer.map_or(&own, |issuer| issuer.x509.subject_name())).unwrap();
        let day = |day: i64| Asn1Time::from_unix(NOW + day * DAY).unwrap();
        builder.set_not_before(&day(self.days.0)).unwrap();
        builder.set_not_after(&day(self.days.1)).unwrap();
        builder.set_pubkey(&self.key).unwrap();
        if self.authority {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        }
        if self.authority {
            let context = builder.x509v3_context(None, None);
            let identifier = SubjectKeyIdentifier::new().build(&context).unwrap();
            builder.append_extension(identifier).unwrap();
        }
        if let Some(usage) = self.usage {
            builder.append_extension(usage.build().unwrap()).unwrap();
        }
        if self.status_signing {
            let usage = ExtendedKeyUsage::new().other("OCSPSigning").build().unwrap();
            builder.append_extension(usage).unwrap();
        }
        if self.no_check {
            builder.append_extension(extension("1.3.6.1.5.5.7.48.1.5", false, &[5, 0])).unwrap();
        }
        if self.unknown_critical {
            builder.append_extension(extension("1.2.3.4", true, &[5, 0])).unwrap();
        }
        if let (Some(issuer), true) = (issuer, self.identifier) {
            let context = builder.x509v3_context(Some(&issuer.x509), None);
            let identifier = AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap();
            builder.append_extension(identifier).unwrap();
        }
        builder.sign(issuer.map_or(&self.key, |issuer| &issuer.key), self.digest).unwrap();
        let x509 = builder.build();
        let read = Certificate::from_der(&x509.to_der().unwrap()).unwrap();
        Made { key: self.key, x509, read }
    }
}

pub(super) struct World {
    pub(super) authority: Made,
    pub(super) citizen: Made,
    pub(super) responder: Made,
}

pub(super) fn world() -> World {
    let authority = super::tests::authority().by(None);
    let citizen = citizen().by(Some(&authority));
    let responder = responder().by(Some(&authority));
    World { authority, citizen, responder }
}

pub(super) fn time(seconds: i64) -> Vec<u8> {
    let text: String = moment::format(at(seconds)).chars().filter(|c| !"-:T".contains(*c)).collect();
    encode(0x18, text.as_bytes())
}

pub(super) fn oid(dotted: &str) -> Vec<u8> {
    encode(6, Asn1Object::from_str(dotted).unwrap().as_slice())
}

pub(super) fn with_critical(dotted: &str, critical: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(dotted), critical, &octets(value)])
}

pub(super) fn echo(nonce: &[u8]) -> Vec<u8> {
    with_critical("1.3.6.1.5.5.7.48.1.2", &[], &octets(nonce))
}

pub(super) fn good() -> Vec<u8> {
    vec![0x80, 0]
}

pub(super) fn unknown() -> Vec<u8> {
    vec![0x82, 0]
}

pub(super) fn revoked(seconds: i64, reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map(|code| encode(0xA0, &[0x0A, 1, code])).unwrap_or_default();
    encode(0xA1, &[time(seconds), reason].concat())
}

/// The CertID as OpenSSL writes it.
pub(super) fn certificate_id(certificate: &Made, issuer: &Made, digest: MessageDigest) -> Vec<u8> {
    let mut request = OcspRequest::new().unwrap();
    let id = OcspCertId::from_cert(digest, &certificate.x509, &issuer.x509).unwrap();
    request.add_id(id).unwrap();
    let der = request.to_der().unwrap();
    // OCSPRequest, TBSRequest, requestList, Request, CertID: each is the first in the one before.
    let inside = (0..4).fold(&der[..], |der, _| tlv::Reader::new(der).next().unwrap().unwrap().value);
    tlv::Reader::new(inside).next().unwrap().unwrap().encoded.to_vec()
}

/// One answer of a response.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) id: Vec<u8>,
    pub(super) status: Vec<u8>,
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Said {
    pub(super) fn encode(&self) -> Vec<u8> {
        let next = self.next_update.map(|next| encode(0xA0, &time(next))).unwrap_or_default();
        let this = time(self.this_update);
        sequence(&[&self.id, &self.status, &this, &next, &extensions(&self.extensions)])
    }
}

pub(super) fn extensions(list: &[Vec<u8>]) -> Vec<u8> {
    if list.is_empty() { Vec::new() } else { encode(0xA1, &encode(0x30, &list.concat())) }
}

/// A response to be made.
#[derive(Clone)]
pub(super) struct Draft<'a> {
    pub(super) status: u8,
    pub(super) response_type: &'static str,
    pub(super) version: Vec<u8>,
    pub(super) signer: &'a Made,
    pub(super) by_key: bool,
    pub(super) key: &'a PKey<Private>,
    pub(super) digest: MessageDigest,
    pub(super) produced_at: i64,
    pub(super) said: Vec<Said>,
    pub(super) extensions: Vec<Vec<u8>>,
    pub(super) enclosed: Vec<Vec<u8>>,
}

impl World {
    pub(super) fn said(&self) -> Said {
        let id = certificate_id(&self.citizen, &self.authority, MessageDigest::sha1());
        Said { id, status: good(), this_update: -60, next_update: Some(3600), extensions: vec![] }
    }

    /// A good answer by the responder.
    pub(super) fn draft(&self) -> Draft<'_> {
        self.by(&self.responder)
    }

    /// A good answer by somebody, who encloses the certificate.
    pub(super) fn by<'a>(&self, signer: &'a Made) -> Draft<'a> {
        Draft {
            status: 0,
            response_type: "1.3.6.1.5.5.7.48.1.1",
            version: vec![],
            signer,
            by_key: false,
            key: &signer.key,
            digest: MessageDigest::sha256(),
            produced_at: -30,
            said: vec![self.said()],
            extensions: vec![echo(&NONCE_SENT)],
            enclosed: vec![signer.read.as_der().to_vec()],
        }
    }

    pub(super) fn saying(&self, change: impl Fn(&mut Said)) -> Draft<'_> {
        let mut draft = self.draft();
        change(&mut draft.said[0]);
        draft
    }

    pub(super) fn question(&self) -> Question<'_> {
        let (certificate, issuer) = (&self.citizen.read, &self.authority.read);
        Question { certificate, issuer, nonce: Some(&NONCE_SENT) }
    }

    pub(super) fn judge(&self, draft: &Draft<'_>) -> Result<Judged, ResponseFault> {
        judge(&draft.encode(), &self.question(), &rules())
    }

    pub(super) fn fault(&self, draft: &Draft<'_>) -> Option<ResponseFault> {
        self.judge(draft).err()
    }
}

pub(super) fn rules() -> Rules<'static> {
    Rules {
        at: at(0),
        skew: Duration::from_secs(900),
        max_age: Duration::from_secs(120),
        nonce_optional: false,
        configured: &[],
        allow_without_no_check: false,
    }
}

impl Draft<'_> {
    pub(super) fn data(&self) -> Vec<u8> {
        let responder = if self.by_key {
            // Not by our reading: OpenSSL hands out the key's bits.
            let id = certificate_id(self.signer, self.signer, MessageDigest::sha1());
            let parts: Vec<_> =
                tlv::Reader::new(tlv::parse(&id).unwrap().value).map(Result::unwrap).collect();
            encode(0xA2, parts[2].encoded)
        } else {
            encode(0xA1, &self.signer.x509.subject_name().to_der().unwrap())
        };
        let said = encode(0x30, &self.said.iter().flat_map(Said::encode).collect::<Vec<_>>());
        let produced_at = time(self.produced_at);
        sequence(&[&self.version, &responder, &produced_at, &said, &extensions(&self.extensions)])
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let data = self.data();
        let mut signer = Signer::new(self.digest, self.key).unwrap();
        signer.update(&data).unwrap();
        let sha1 = self.digest == MessageDigest::sha1();
        let algorithm = match (self.key.rsa().is_ok(), sha1) {
            (true, false) => sequence(&[&oid("1.2.840.113549.1.1.11"), &[5, 0]]),
            (true, true) => sequence(&[&oid("1.2.840.113549.1.1.5"), &[5, 0]]),
            (false, false) => sequence(&[&oid("1.2.840.10045.4.3.2")]),
            (false, true) => sequence(&[&oid("1.2.840.10045.4.1")]),
        };
        self.wrap(&data, &algorithm, &signer.sign_to_vec().unwrap())
    }

    pub(super) fn wrap(&self, data: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
        let signature = encode(3, &[&[0], signature].concat());
        let enclosed = match self.enclosed.is_empty() {
            true => Vec::new(),
            false => encode(0xA0, &encode(0x30, &self.enclosed.concat())),
        };
        let basic = octets(&sequence(&[data, algorithm, &signature, &enclosed]));
        let bytes = encode(0xA0, &sequence(&[&oid(self.response_type), &basic]));
        sequence(&[&[0x0A, 1, self.status], &bytes])
    }
}

#[test]
fn the_question_is_the_one_that_openssl_would_ask() {
    let world = world();
    for asked in [&world.citizen, &world.responder] {
        let mut theirs = OcspRequest::new().unwrap();
        let id = OcspCertId::from_cert(MessageDigest::sha1(), &asked.x509, &world.authority.x509).unwrap();
        theirs.add_id(id).unwrap();
        let question = Question { certificate: &asked.read, nonce: None, ..world.question() };
        assert_eq!(request(&question).unwrap(), theirs.to_der().unwrap());
    }
    let with_nonce = request(&world.question()).unwrap();
    assert_eq!(OcspRequest::from_der(&with_nonce).unwrap().to_der().unwrap(), with_nonce);
    // Two OCTET STRINGs, one in the other (RFC 9654 section 2.1).
    let nonce = [&hex!("06092B06010505073001020422 0420")[..], &NONCE_SENT].concat();
    assert!(with_nonce.ends_with(&nonce));
    for length in [0, 16, 31, 33] {
        let question = Question { nonce: Some(&[7; 64][..length]), ..world.question() };
        let fault = ResponseFault::Malformed("nonce of the question");
        assert_eq!(request(&question), Err(fault));
        assert_eq!(judge(&world.draft().encode(), &question, &rules()), Err(fault));
    }
}

#[test]
fn a_good_answer_is_good_to_openssl_and_to_us() {
    let world = world();
    let judged = world.judge(&world.draft()).unwrap();
    let expected = Judged {
        verdict: Verdict::Good,
        this_update: at(-60),
        next_update: Some(at(3600)),
        produced_at: at(-30),
        nonce_matched: true,
    };
    assert_eq!(judged, expected);

    let by_key = Draft { by_key: true, ..world.draft() };
    let issuer_itself = Draft { enclosed: vec![], ..world.by(&world.authority) };
    let issuer_by_key = Draft { by_key: true, ..issuer_itself.clone() };
    for draft in [world.draft(), by_key, issuer_itself, issuer_by_key] {
        assert_eq!(world.judge(&draft), Ok(expected));
        let basic = OcspResponse::from_der(&draft.encode()).unwrap().basic().unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(world.authority.x509.clone()).unwrap();
        let mut parameters = X509VerifyParam::new().unwrap();
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN).unwrap();
        parameters.set_time(NOW);
        store.set_param(&parameters).unwrap();
        // It does not look for the signer among what it trusts.
        let mut known = Stack::new().unwrap();
        known.push(world.authority.x509.clone()).unwrap();
        basic.verify(&known, &store.build(), OcspFlag::empty()).unwrap();
        let id = OcspCertId::from_cert(MessageDigest::sha1(), &world.citizen.x509, &world.authority.x509);
        assert_eq!(basic.find_status(&id.unwrap()).unwrap().status, OcspCertStatus::GOOD);
    }
}

#[test]
fn only_what_was_asked_for_counts() {
    let world = world();
    let other = Profile { serial: 0x8002, ..citizen() }.by(Some(&world.authority));
    let namesake = authority().by(None);
    let renamed = X509::from_der(world.responder.read.as_der()).unwrap();
    let renamed =
        Made { key: world.authority.key.clone(), read: world.responder.read.clone(), x509: renamed };
    let sha1 = MessageDigest::sha1();
    for id in [
        certificate_id(&other, &world.authority, sha1),
        certificate_id(&world.citizen, &namesake, sha1),
        certificate_id(&world.citizen, &renamed, sha1),
        certificate_id(&world.citizen, &world.authority, MessageDigest::sha256()),
    ] {
        let other = world.saying(|said| said.id.clone_from(&id));
        assert_eq!(world.fault(&other), Some(ResponseFault::NoAnswer));
        // Beside the one that was asked for it does not disturb.
        let mut both = world.draft();
        both.said.insert(0, Said { id, status: revoked(-DAY, None), ..world.said() });
        assert_eq!(world.judge(&both).unwrap().verdict, Verdict::Good);
    }
    assert_eq!(world.fault(&Draft { said: vec![], ..world.draft() }), Some(ResponseFault::NoAnswer));
    // Parameters of the digest may be left out.
    let id = world.said().id;
    let parts: Vec<_> = tlv::Reader::new(tlv::parse(&id).unwrap().value).map(Result::unwrap).collect();
    let bare = sequence(&[&oid("1.3.14.3.2.26")]);
    let id = sequence(&[&bare, parts[1].encoded, parts[2].encoded, parts[3].encoded]);
    assert_eq!(world.fault(&world.saying(|said| said.id.clone_from(&id))), None);
    let strange = sequence(&[&oid("1.3.14.3.2.26"), &[5, 1, 0]]);
    let id = sequence(&[&strange, parts[1].encoded, parts[2].encoded, parts[3].encoded]);
    let draft = world.saying(|said| said.id.clone_from(&id));
    assert_eq!(world.fault(&draft), Some(ResponseFault::Malformed("certID")));
}

#[test]
fn what_is_said_and_why() {
    let world = world();
    let reasons = [
        (None, None),
        (Some(0), Some(RevocationReason::Unspecified)),
        (Some(1), Some(RevocationReason::KeyCompromise)),
        (Some(6), Some(RevocationReason::Hold)),
        (Some(8), None),
        (Some(10), Some(RevocationReason::AttributeAuthorityCompromise)),
        (Some(99), None),
    ];
    for (code, reason) in reasons {
        let draft = world.saying(|said| said.status = revoked(-DAY, code));
        let since = at(-DAY);
        assert_eq!(world.judge(&draft).unwrap().verdict, Verdict::Revoked(Revoked { since, reason }));
    }
    assert_eq!(world.fault(&world.saying(|said| said.status = unknown())), Some(ResponseFault::Unknown));

    // Two answers that disagree: the worst counts, the earlier revocation first, whichever comes first.
    let said = |status: Vec<u8>| Said { status, ..world.said() };
    let pair = |first: &[u8], second: &[u8]| {
        let both = |a: &[u8], b: &[u8]| {
            world.judge(&Draft { said: vec![said(a.to_vec()), said(b.to_vec())], ..world.draft() })
        };
        assert_eq!(both(first, second), both(second, first));
        both(first, second).map(|judged| judged.verdict)
    };
    let early = Verdict::Revoked(Revoked { since: at(-DAY), reason: None });
    assert_eq!(pair(&good(), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&unknown(), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&revoked(0, None), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&good(), &unknown()), Err(ResponseFault::Unknown));
    assert_eq!(pair(&good(), &good()), Ok(Verdict::Good));
    // Revoked by an answer that has expired, good by one that has not: not good.
    let stale = Said { next_update: Some(-2000), this_update: -3000, ..said(revoked(-DAY, None)) };
    let draft = Draft { said: vec![said(good()), stale.clone()], ..world.draft() };
    assert_eq!(world.fault(&draft), Some(ResponseFault::Stale));
    // Of two that agree, the newer.
    let draft = Draft { said: vec![Said { status: good(), ..stale }, said(good())], ..world.draft() };
    assert_eq!(world.judge(&draft).unwrap().this_update, at(-60));
}

#[test]
fn an_answer_is_about_now() {
    let world = world();
    let times = |this_update, next_update, produced_at| {
        let mut draft =
            world.saying(|said| (said.this_update, said.next_update) = (this_update, next_update));
        draft.produced_at = produced_at;
        draft
    };
    let with_nonce = [
        ((900, Some(900), 900), None),
        ((901, Some(1000), 0), Some(ResponseFault::NotYetValid)),
        ((0, None, 901), Some(ResponseFault::NotYetValid)),
        ((-2000, Some(-900), -2000), None),
        ((-2000, Some(-901), -2000), Some(ResponseFault::Stale)),
        ((-10, Some(-11), -10), Some(ResponseFault::Malformed("nextUpdate"))),
        ((-10, Some(-10), -10), None),
        // With its nonce it was made just now, however old the list is that the responder reads.
        ((-DAY, None, -10), None),
        ((-DAY, Some(1), -10), None),
    ];
    for ((this, next, produced), fault) in with_nonce {
        assert_eq!(world.fault(&times(this, next, produced)), fault, "{this} {next:?} {produced}");
    }
    let without_nonce = [
        ((-120, None, -10), None),
        ((-121, None, -10), Some(ResponseFault::TooOld)),
        ((-120, Some(DAY), -10), None),
        ((-121, Some(DAY), -10), Some(ResponseFault::TooOld)),
        ((900, None, -10), None),
        ((901, None, -10), Some(ResponseFault::NotYetValid)),
        ((-5000, Some(-1000), -5000), Some(ResponseFault::Stale)),
    ];
    for ((this, next, produced), fault) in without_nonce {
        let draft = Draft { extensions: vec![], ..times(this, next, produced) };
        let question = Question { nonce: None, ..world.question() };
        let judged = judge(&draft.encode(), &question, &rules());
        assert_eq!(judged.err(), fault, "{this} {next:?} {produced}");
        // The same if the nonce was sent and may be left out.
        let optional = Rules { nonce_optional: true, ..rules() };
        assert_eq!(judge(&draft.encode(), &world.question(), &optional), judged);
        // And if somebody else's came back to nobody's.
        let theirs = Draft { extensions: vec![echo(&[1; 32])], ..draft };
        assert_eq!(judge(&theirs.encode(), &question, &rules()), judged);
    }
    // Durations and moments beyond what a clock can tell overflow nowhere.
    let boundless = Rules { skew: Duration::MAX, max_age: Duration::MAX, ..rules() };
    assert!(judge(&times(DAY, Some(DAY), DAY).encode(), &world.question(), &boundless).is_ok());
}

#[test]
fn the_nonce_is_the_one_that_was_sent() {
    let world = world();
    let with = |extensions: Vec<Vec<u8>>| Draft { extensions, ..world.draft() };
    assert_eq!(world.fault(&with(vec![])), Some(ResponseFault::NonceMissing));
    let bare = with_critical("1.3.6.1.5.5.7.48.1.2", &[], &NONCE_SENT);
    let optional = Rules { nonce_optional: true, ..rules() };
    for other in [echo(&[0x5B; 32]), echo(&NONCE_SENT[..31]), echo(&[0x5A; 33]), echo(&[]), bare] {
        let draft = with(vec![other]);
        assert_eq!(world.fault(&draft), Some(ResponseFault::NonceDiffers));
        let outcome = judge(&draft.encode(), &world.question(), &optional);
        assert_eq!(outcome, Err(ResponseFault::NonceDiffers));
    }
    let unnamed = judge(&with(vec![]).encode(), &world.question(), &optional).unwrap();
    assert!(!unnamed.nonce_matched);
    let critical = with_critical("1.3.6.1.5.5.7.48.1.2", &[1, 1, 0xFF], &octets(&NONCE_SENT));
    assert!(world.judge(&with(vec![critical])).unwrap().nonce_matched);
    let twice = with(vec![echo(&NONCE_SENT), echo(&NONCE_SENT)]);
    assert_eq!(world.fault(&twice), Some(ResponseFault::Malformed("an extension stands there twice")));
}

#[test]
fn critical_extensions_must_be_known() {
    let world = world();
    for (critical, fault) in
        [(&[1, 1, 0xFF][..], Some(ResponseFault::UnknownCritical)), (&[], None), (&[1, 1, 0], None)]
    {
        let strange = with_critical("1.2.3.4", critical, &[5, 0]);
        let in_response = Draft { extensions: vec![echo(&NONCE_SENT), strange.clone()], ..world.draft() };
        assert_eq!(world.fault(&in_response), fault);
        assert_eq!(world.fault(&world.saying(|said| said.extensions = vec![strange.clone()])), fault);
        // In an answer that nobody asked for it does not matter.
        let id = certificate_id(&world.responder, &world.authority, MessageDigest::sha1());
        let mut beside = world.draft();
        beside.said.push(Said { id, extensions: vec![strange], ..world.said() });
        assert_eq!(world.fault(&beside), None);
    }
    // The nonce belongs to the response, not to an answer.
    let nonce = with_critical("1.3.6.1.5.5.7.48.1.2", &[1, 1, 0xFF], &octets(&NONCE_SENT));
    let misplaced = world.saying(|said| said.extensions = vec![nonce.clone()]);
    assert_eq!(world.fault(&misplaced), Some(ResponseFault::UnknownCritical));
    let neither = world.saying(|said| said.extensions = vec![with_critical("1.2.3.4", &[1, 1, 1], &[5, 0])]);
    assert_eq!(world.fault(&neither), Some(ResponseFault::Malformed("singleExtensions")));
    let many = (0..17).map(|arc| with_critical(&format!("1.2.3.{arc}"), &[], &[])).collect::<Vec<_>>();
    let many = world.saying(|said| said.extensions.clone_from(&many));
    assert_eq!(world.fault(&many), Some(ResponseFault::Malformed("singleExtensions")));
}

/// The responder of OpenSSL's command line, which reads our question itself.
#[cfg(feature = "system-tests")]
mod foreign {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Everything in a folder: certificates, keys, the index of what was issued, our request.
    fn prepare(world: &World, folder: &Path, request: &[u8], state: &str) {
        let write = |name: &str, made: &Made| {
            fs::write(folder.join(format!("{name}.pem")), made.x509.to_pem().unwrap()).unwrap();
            let key = made.key.private_key_to_pem_pkcs8().unwrap();
            fs::write(folder.join(format!("{name}.key")), key).unwrap();
        };
        write("ca", &world.authority);
        write("responder", &world.responder);
        fs::write(folder.join("index.txt"), state).unwrap();
        fs::write(folder.join("request.der"), request).unwrap();
    }

    fn openssl(folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new("openssl")
            .arg("ocsp")
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("the program openssl is needed");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}{err}");
        format!("{out}{err}")
    }

    /// The world now: the responder has no clock but the system's.
    fn rules_now() -> Rules<'static> {
        Rules { at: SystemTime::now(), ..rules() }
    }

    fn world_now(key: PKey<Private>) -> World {
        let days = (-10_000, 10_000);
        let authority = Profile { days, ..super::authority() }.by(None);
        let citizen = Profile { days, ..citizen() }.by(Some(&authority));
        let responder = Profile { days, key, ..responder() }.by(Some(&authority));
        World { authority, citizen, responder }
    }

    fn answer(world: &World, question: &Question<'_>, state: &str, arguments: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        prepare(world, folder.path(), &request(question).unwrap(), state);
        let fixed = "-index index.txt -CA ca.pem -reqin request.der -respout response.der";
        let signer = ["-rsigner", "responder.pem", "-rkey", "responder.key"];
        let signer = if arguments.contains(&"-rsigner") { &[][..] } else { &signer[..] };
        let fixed: Vec<&str> = fixed.split(' ').collect();
        openssl(folder.path(), &[&fixed[..], signer, arguments].concat());
        fs::read(folder.path().join("response.der")).unwrap()
    }

    const VALID: &str = "V\t401231235959Z\t\t8001\tunknown\t/C=IT/CN=Citizen\n";
    const REVOKED: &str = "R\t401231235959Z\t250203040506Z,keyCompromise\t8001\tunknown\t/C=IT/CN=Citizen\n";
    const OTHER: &str = "V\t401231235959Z\t\t8002\tunknown\t/C=IT/CN=Other\n";

    #[test]
    fn openssl_reads_what_is_asked() {
        let world = world_now(elliptic());
        let folder = tempfile::tempdir().unwrap();
        prepare(&world, folder.path(), &request(&world.question()).unwrap(), VALID);
        let text = openssl(folder.path(), &["-req_text", "-reqin", "request.der"]);
        let digest = |bytes: &[u8]| hex::encode_upper(DigestAlgorithm::Sha1.hash(bytes));
        assert!(text.contains("Hash Algorithm: sha1"), "{text}");
        let name = world.authority.x509.subject_name().to_der().unwrap();
        assert!(text.contains(&format!("Issuer Name Hash: {}", digest(&name))), "{text}");
        assert!(text.contains("Serial Number: 8001"), "{text}");
        assert!(text.contains("OCSP Nonce"), "{text}");
        let nonce = format!("0420{}", hex::encode_upper(NONCE_SENT));
        let shown: String = text.split("OCSP Nonce").last().unwrap().chars().collect();
        assert!(shown.split_whitespace().collect::<String>().contains(&nonce), "{text}");
    }

    #[test]
    fn openssl_answers_and_is_understood() {
        for key in [elliptic(), rsa(2048)] {
            let world = world_now(key);
            let question = world.question();
            let judged = |state: &str, arguments: &[&str]| {
                judge(&answer(&world, &question, state, arguments), &question, &rules_now())
            };
            let by_issuer = ["-rsigner", "ca.pem", "-rkey", "ca.key"];
            let by_issuer_alone = [&by_issuer[..], &["-resp_no_certs"]].concat();
            let by_issuers_key = [&by_issuer_alone[..], &["-resp_key_id"]].concat();
            for arguments in [
                &[][..],
                &["-resp_key_id"],
                &["-rmd", "sha512"],
                &by_issuer,
                &by_issuer_alone,
                &by_issuers_key,
            ] {
                let good = judged(VALID, arguments).unwrap();
                assert_eq!((good.verdict, good.next_update), (Verdict::Good, None), "{arguments:?}");
                assert!(good.nonce_matched, "{arguments:?}");
                let age = SystemTime::now().duration_since(good.this_update).unwrap();
                assert!(age < Duration::from_secs(60), "{age:?}");
            }
            let soon = judged(VALID, &["-nmin", "5"]).unwrap();
            assert_eq!(soon.next_update, Some(soon.this_update + Duration::from_secs(300)));
            let since = moment::parse("2025-02-03T04:05:06Z").unwrap();
            let why = Revoked { since, reason: Some(RevocationReason::KeyCompromise) };
            assert_eq!(judged(REVOKED, &[]).unwrap().verdict, Verdict::Revoked(why));
            assert_eq!(judged(OTHER, &[]), Err(ResponseFault::Unknown));
            assert_eq!(judged(VALID, &["-rmd", "sha1"]), Err(ResponseFault::TooWeak));
            assert_eq!(judged(VALID, &["-resp_no_certs"]), Err(ResponseFault::UnauthorizedResponder));

            let silent = Question { nonce: None, ..question };
            let response = answer(&world, &silent, VALID, &[]);
            assert!(!judge(&response, &silent, &rules_now()).unwrap().nonce_matched);
            assert_eq!(judge(&response, &question, &rules_now()), Err(ResponseFault::NonceMissing));
            let other = Question { nonce: Some(&[9; NONCE_LENGTH]), ..question };
            let response = answer(&world, &other, VALID, &[]);
            assert_eq!(judge(&response, &question, &rules_now()), Err(ResponseFault::NonceDiffers));
            let later = Rules { at: SystemTime::now() + Duration::from_secs(1300), ..rules_now() };
            let response = answer(&world, &question, VALID, &["-nmin", "5"]);
            assert_eq!(judge(&response, &question, &later), Err(ResponseFault::Stale));
        }
    }

    #[test]
    fn openssl_signs_with_pss() {
        let world = world_now(rsa(2048));
        let pss = ["-rsigopt", "rsa_padding_mode:pss", "-rsigopt", "rsa_pss_saltlen:32", "-rmd", "sha256"];
        let response = answer(&world, &world.question(), VALID, &pss);
        let judged = judge(&response, &world.question(), &rules_now()).unwrap();
        assert_eq!(judged.verdict, Verdict::Good);
    }
}
