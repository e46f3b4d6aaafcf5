//! Responses by hand, written from RFC 6960 and not by what is tested, and the certificates that they are about.

use crate::environment::moment;
use crate::iso7816::tlv::encode;
use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ocsp::{OcspCertId, OcspRequest};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameBuilder};

use super::super::*;

pub(in crate::trust::ocsp) const DAY: i64 = 86_400;
/// 2026-01-01T12:00:00Z.
pub(in crate::trust::ocsp) const NOW: i64 = 1_767_268_800;
pub(in crate::trust::ocsp) const NONCE_SENT: [u8; NONCE_LENGTH] = [0x5A; NONCE_LENGTH];

/// The moment so many seconds from the one for which is judged.
pub(in crate::trust::ocsp) fn at(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW + seconds).unwrap())
}

pub(in crate::trust::ocsp) fn elliptic() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

pub(in crate::trust::ocsp) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// A certificate and its key.
pub(in crate::trust::ocsp) struct Made {
    pub(in crate::trust::ocsp) key: PKey<Private>,
    pub(in crate::trust::ocsp) x509: X509,
    pub(in crate::trust::ocsp) read: Certificate,
}

/// What a certificate is to be.
pub(in crate::trust::ocsp) struct Profile {
    pub(in crate::trust::ocsp) name: &'static str,
    pub(in crate::trust::ocsp) serial: u32,
    pub(in crate::trust::ocsp) key: PKey<Private>,
    pub(in crate::trust::ocsp) digest: MessageDigest,
    pub(in crate::trust::ocsp) days: (i64, i64),
    pub(in crate::trust::ocsp) authority: bool,
    pub(in crate::trust::ocsp) status_signing: bool,
    pub(in crate::trust::ocsp) no_check: bool,
    pub(in crate::trust::ocsp) usage: Option<KeyUsage>,
    pub(in crate::trust::ocsp) identifier: bool,
    pub(in crate::trust::ocsp) unknown_critical: bool,
}

/// A responder that an authority makes.
pub(in crate::trust::ocsp) fn responder() -> Profile {
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

pub(in crate::trust::ocsp) fn citizen() -> Profile {
    Profile { name: "Citizen", serial: 0x8001, status_signing: false, no_check: false, ..responder() }
}

pub(in crate::trust::ocsp) fn authority() -> Profile {
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

pub(in crate::trust::ocsp) fn name(name: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_text("C", "IT").unwrap();
    builder.append_entry_by_text("CN", name).unwrap();
    builder.build()
}

/// An extension by its dotted name.
pub(in crate::trust::ocsp) fn extension(oid: &str, critical: bool, value: &[u8]) -> X509Extension {
    let value = Asn1OctetString::new_from_bytes(value).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str(oid).unwrap(), critical, &value).unwrap()
}

impl Profile {
    /// Certified by an authority, or by itself.
    pub(in crate::trust::ocsp) fn by(self, issuer: Option<&Made>) -> Made {
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

pub(in crate::trust::ocsp) struct World {
    pub(in crate::trust::ocsp) authority: Made,
    pub(in crate::trust::ocsp) citizen: Made,
    pub(in crate::trust::ocsp) responder: Made,
}

pub(in crate::trust::ocsp) fn world() -> World {
    let authority = self::authority().by(None);
    let citizen = citizen().by(Some(&authority));
    let responder = responder().by(Some(&authority));
    World { authority, citizen, responder }
}

pub(in crate::trust::ocsp) fn time(seconds: i64) -> Vec<u8> {
    let text: String = moment::format(at(seconds)).chars().filter(|c| !"-:T".contains(*c)).collect();
    encode(0x18, text.as_bytes())
}

pub(in crate::trust::ocsp) fn oid(dotted: &str) -> Vec<u8> {
    encode(6, Asn1Object::from_str(dotted).unwrap().as_slice())
}

pub(in crate::trust::ocsp) fn with_critical(dotted: &str, critical: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(dotted), critical, &octets(value)])
}

pub(in crate::trust::ocsp) fn echo(nonce: &[u8]) -> Vec<u8> {
    with_critical("1.3.6.1.5.5.7.48.1.2", &[], &octets(nonce))
}

pub(in crate::trust::ocsp) fn good() -> Vec<u8> {
    vec![0x80, 0]
}

pub(in crate::trust::ocsp) fn unknown() -> Vec<u8> {
    vec![0x82, 0]
}

pub(in crate::trust::ocsp) fn revoked(seconds: i64, reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map(|code| encode(0xA0, &[0x0A, 1, code])).unwrap_or_default();
    encode(0xA1, &[time(seconds), reason].concat())
}

/// The CertID as OpenSSL writes it.
pub(in crate::trust::ocsp) fn certificate_id(
    certificate: &Made,
    issuer: &Made,
    digest: MessageDigest,
) -> Vec<u8> {
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
pub(in crate::trust::ocsp) struct Said {
    pub(in crate::trust::ocsp) id: Vec<u8>,
    pub(in crate::trust::ocsp) status: Vec<u8>,
    pub(in crate::trust::ocsp) this_update: i64,
    pub(in crate::trust::ocsp) next_update: Option<i64>,
    pub(in crate::trust::ocsp) extensions: Vec<Vec<u8>>,
}

impl Said {
    pub(in crate::trust::ocsp) fn encode(&self) -> Vec<u8> {
        let next = self.next_update.map(|next| encode(0xA0, &time(next))).unwrap_or_default();
        let this = time(self.this_update);
        sequence(&[&self.id, &self.status, &this, &next, &extensions(&self.extensions)])
    }
}

pub(in crate::trust::ocsp) fn extensions(list: &[Vec<u8>]) -> Vec<u8> {
    if list.is_empty() { Vec::new() } else { encode(0xA1, &encode(0x30, &list.concat())) }
}

/// A response to be made.
#[derive(Clone)]
pub(in crate::trust::ocsp) struct Draft<'a> {
    pub(in crate::trust::ocsp) status: u8,
    pub(in crate::trust::ocsp) response_type: &'static str,
    pub(in crate::trust::ocsp) version: Vec<u8>,
    pub(in crate::trust::ocsp) signer: &'a Made,
    pub(in crate::trust::ocsp) by_key: bool,
    pub(in crate::trust::ocsp) key: &'a PKey<Private>,
    pub(in crate::trust::ocsp) digest: MessageDigest,
    pub(in crate::trust::ocsp) produced_at: i64,
    pub(in crate::trust::ocsp) said: Vec<Said>,
    pub(in crate::trust::ocsp) extensions: Vec<Vec<u8>>,
    pub(in crate::trust::ocsp) enclosed: Vec<Vec<u8>>,
}

impl World {
    pub(in crate::trust::ocsp) fn said(&self) -> Said {
        let id = certificate_id(&self.citizen, &self.authority, MessageDigest::sha1());
        Said { id, status: good(), this_update: -60, next_update: Some(3600), extensions: vec![] }
    }

    /// A good answer by the responder.
    pub(in crate::trust::ocsp) fn draft(&self) -> Draft<'_> {
        self.by(&self.responder)
    }

    /// A good answer by somebody, who encloses the certificate.
    pub(in crate::trust::ocsp) fn by<'a>(&self, signer: &'a Made) -> Draft<'a> {
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

    pub(in crate::trust::ocsp) fn saying(&self, change: impl Fn(&mut Said)) -> Draft<'_> {
        let mut draft = self.draft();
        change(&mut draft.said[0]);
        draft
    }

    pub(in crate::trust::ocsp) fn question(&self) -> Question<'_> {
        let (certificate, issuer) = (&self.citizen.read, &self.authority.read);
        Question { certificate, issuer, nonce: Some(&NONCE_SENT) }
    }

    pub(in crate::trust::ocsp) fn judge(&self, draft: &Draft<'_>) -> Result<Judged, ResponseFault> {
        judge(&draft.encode(), &self.question(), &rules())
    }

    pub(in crate::trust::ocsp) fn fault(&self, draft: &Draft<'_>) -> Option<ResponseFault> {
        self.judge(draft).err()
    }
}

pub(in crate::trust::ocsp) fn rules() -> Rules<'static> {
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
    pub(in crate::trust::ocsp) fn data(&self) -> Vec<u8> {
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

    pub(in crate::trust::ocsp) fn encode(&self) -> Vec<u8> {
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

    pub(in crate::trust::ocsp) fn wrap(&self, data: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
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
