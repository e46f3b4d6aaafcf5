//! Document signers whose curve is written out, as ICAO 9303-12 asks for it, with keys from the program `openssl`.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use cie::crypto::{Curve, KeyKind};
use cie::iso7816::tlv;
use cie::trust::{AnchorPurpose, Certificate, Error, TrustStore, ValidPath};
use hex_literal::hex;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{Asn1Flag, EcGroup, EcKey, EcPoint};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::chain::now;
use crate::der::{replace, sequence};
use crate::draft::{
    AUTHORITY_KEY, BASIC, CRL_SIGN, Draft, Extension, How, KEY_USAGE, NAME_CONSTRAINTS, POLICY_CONSTRAINTS,
    SUBJECT_KEY, generalized, key, name, path_length, spki, subtree, utc, with_another_generator,
};

/// Curves as the program calls them.
const CURVES: [(&str, Curve); 4] = [
    ("prime256v1", Curve::P256),
    ("secp384r1", Curve::P384),
    ("brainpoolP256r1", Curve::BrainpoolP256r1),
    ("brainpoolP384r1", Curve::BrainpoolP384r1),
];

/// id-ecPublicKey, and the tag of a SEQUENCE.
const WRITTEN_OUT: [u8; 10] = hex!("06072A8648CE3D020130");

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output();
    let output = output.expect("missing program: openssl");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What the program writes: an authority's certificate and one that it issued, keys and signatures included.
fn made_by_the_program(curve: &str, of_the_signer: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| openssl(folder.path(), &command.split_whitespace().collect::<Vec<_>>());
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    for (key, curve) in [("csca", curve), ("signer", of_the_signer)] {
        run(&format!("ecparam -name {curve} -param_enc explicit -genkey -noout -out {key}.key"));
    }
    let names = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
    write(
        "csca.ext",
        &format!("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n{names}"),
    );
    write("signer.ext", &format!("keyUsage=critical,digitalSignature\n{names}"));
    run("req -new -sha256 -key csca.key -subj /C=IT/CN=CSCA -out csca.csr");
    run("req -new -sha256 -key signer.key -subj /C=IT/CN=Signer -out signer.csr");
    run(
        "x509 -req -sha256 -days 3650 -in csca.csr -signkey csca.key -extfile csca.ext -outform DER -out csca.der",
    );
    run(
        "x509 -req -sha384 -days 365 -in signer.csr -CA csca.der -CAform DER -CAkey csca.key -CAcreateserial \
         -extfile signer.ext -outform DER -out signer.der",
    );
    let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    (read("csca.der"), read("signer.der"))
}

fn verify(anchor: &[u8], between: &[Vec<u8>], signer: &[u8], at: SystemTime) -> Result<ValidPath, Error> {
    let mut store = TrustStore::new();
    store.add_anchor(AnchorPurpose::Csca, anchor)?;
    between.iter().try_for_each(|der| store.add_intermediate(der))?;
    store.verify_path(AnchorPurpose::Csca, Certificate::from_der(signer)?, at)
}

#[test]
fn document_signers_of_the_program_are_accepted() {
    for (index, (curve, known)) in CURVES.into_iter().enumerate() {
        let (of_the_signer, of_its) = CURVES[(index + 1) % 4];
        let (csca, signer) = made_by_the_program(curve, of_the_signer);
        for der in [&csca, &signer] {
            // A name would be an OBJECT IDENTIFIER; here a SEQUENCE comes after id-ecPublicKey.
            let certificate = Certificate::from_der(der).unwrap();
            let key = certificate.public_key_der();
            assert!(key.windows(10).any(|window| window == WRITTEN_OUT), "{curve}");
        }
        let (from, until) = Certificate::from_der(&signer).unwrap().validity();
        let path = verify(&csca, &[], &signer, from).unwrap();
        assert_eq!(path.path().len(), 2);
        assert_eq!(path.public_key().kind(), KeyKind::Ec(of_its));
        assert_eq!(path.path()[1].public_key().unwrap().kind(), KeyKind::Ec(known));
        assert_eq!(verify(&csca, &[], &signer, until).err(), Some(Error::Expired));
        let before = from - Duration::from_secs(1);
        assert_eq!(verify(&csca, &[], &signer, before).err(), Some(Error::NotYetValid));
        for index in 0..signer.len() {
            let mut flipped = signer.clone();
            flipped[index] ^= 1 << (index % 8);
            assert!(verify(&csca, &[], &flipped, from).is_err(), "{curve}, byte {index}");
        }
        let mut flipped = signer.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(verify(&csca, &[], &flipped, from).err(), Some(Error::BadSignature));
        // Another one of the same name.
        let (other, _) = made_by_the_program(curve, curve);
        assert_eq!(verify(&other, &[], &signer, from).err(), Some(Error::UnknownIssuer));
        let nobody = TrustStore::new();
        let outcome = nobody.verify_path(AnchorPurpose::Csca, Certificate::from_der(&signer).unwrap(), from);
        assert_eq!(outcome.err(), Some(Error::UnknownIssuer));
    }
}

/// A key of the program's.
fn of_the_program() -> &'static PKey<Private> {
    static KEY: OnceLock<PKey<Private>> = OnceLock::new();
    KEY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let make = "ecparam -name brainpoolP256r1 -param_enc explicit -genkey -noout -out key.pem";
        openssl(folder.path(), &make.split(' ').collect::<Vec<_>>());
        PKey::private_key_from_pem(&std::fs::read(folder.path().join("key.pem")).unwrap()).unwrap()
    })
}

fn csca() -> Draft {
    Draft::authority("CSCA", of_the_program())
}

/// An authority between; the signer.
fn below() -> (Draft, Draft) {
    (Draft::authority("Between", key("written384 between")), Draft::holder(key("written256 signer")))
}

type Change = fn(&mut Draft);

/// The verdict with changes to the country's certificate, to an authority between and to the signer's.
fn verdict(root: Change, between: Change, signer: Change) -> Result<usize, Error> {
    let (mut csca, (mut sub, mut last)) = (csca(), below());
    root(&mut csca);
    between(&mut sub);
    signer(&mut last);
    let path = verify(&csca.issued_by(&csca), &[sub.issued_by(&csca)], &last.issued_by(&sub), now());
    path.map(|path| path.path().len())
}

fn flip(mut der: Vec<u8>) -> Vec<u8> {
    *der.last_mut().unwrap() ^= 1;
    der
}

const AS_IT_IS: Change = |_| ();

/// The same change at each of the three places.
#[track_caller]
fn everywhere(change: Change, expected: &Result<usize, Error>) {
    assert_eq!(&verdict(change, AS_IT_IS, AS_IT_IS), expected, "the anchor");
    assert_eq!(&verdict(AS_IT_IS, change, AS_IT_IS), expected, "between");
    assert_eq!(&verdict(AS_IT_IS, AS_IT_IS, change), expected, "the signer");
}

#[test]
fn what_is_wrong_with_such_a_path_has_its_name() {
    let invalid = |text: &str| Err(Error::InvalidPath(text.to_owned()));
    everywhere(AS_IT_IS, &Ok(3));
    everywhere(|draft| draft.until = utc("251231235959Z"), &Err(Error::Expired));
    everywhere(|draft| draft.until = utc("260101000000Z"), &Err(Error::Expired));
    everywhere(|draft| draft.until = utc("260101000001Z"), &Ok(3));
    everywhere(|draft| draft.from = utc("260101000001Z"), &Err(Error::NotYetValid));
    everywhere(|draft| draft.until = generalized("20600101000000Z"), &Ok(3));

    assert_eq!(verdict(|root| root.finish = flip, AS_IT_IS, AS_IT_IS), Ok(3), "nobody judges it");
    assert_eq!(verdict(AS_IT_IS, |sub| sub.finish = flip, AS_IT_IS), Err(Error::BadSignature));
    assert_eq!(verdict(AS_IT_IS, AS_IT_IS, |signer| signer.finish = flip), Err(Error::BadSignature));
    assert_eq!(verdict(AS_IT_IS, AS_IT_IS, |d| d.signer = Some(key("p256 other"))), Err(Error::BadSignature));
    assert_eq!(verdict(AS_IT_IS, |sub| sub.how = How::Sha1, AS_IT_IS), Err(Error::TooWeak));
    assert_eq!(verdict(AS_IT_IS, AS_IT_IS, |signer| signer.how = How::Sha1), Err(Error::TooWeak));
    let weak: Change = |root| root.key = key("rsa1024 weak");
    assert_eq!(verdict(weak, AS_IT_IS, AS_IT_IS), Err(Error::TooWeak));

    let too_long = invalid("path length constraint exceeded");
    assert_eq!(verdict(|root| root.set(BASIC, true, &path_length(0)), AS_IT_IS, AS_IT_IS), too_long);
    assert_eq!(verdict(|root| root.set(BASIC, true, &path_length(1)), AS_IT_IS, AS_IT_IS), Ok(3));
    assert_eq!(verdict(AS_IT_IS, |sub| sub.set(BASIC, true, &path_length(0)), AS_IT_IS), Ok(3));
    // What is no authority's is not even taken into the store.
    let none: Change = |draft| draft.set(BASIC, true, &[0x30, 0]);
    for verdict in [verdict(none, AS_IT_IS, AS_IT_IS), verdict(AS_IT_IS, none, AS_IT_IS)] {
        assert_eq!(verdict, Err(Error::WrongPurpose("not an authority")));
    }
    let may_not: Change = |draft| draft.set(KEY_USAGE, true, &CRL_SIGN);
    for verdict in [verdict(may_not, AS_IT_IS, AS_IT_IS), verdict(AS_IT_IS, may_not, AS_IT_IS)] {
        assert_eq!(verdict, invalid("keyUsage without keyCertSign"));
    }

    let unknown: Change = |draft| draft.extensions.push(Extension::unknown(true));
    // What stands above is asked first.
    let of_the_issuer = invalid("a critical extension that is not known");
    assert_eq!(verdict(unknown, AS_IT_IS, AS_IT_IS), of_the_issuer);
    assert_eq!(verdict(AS_IT_IS, unknown, AS_IT_IS), of_the_issuer);
    assert_eq!(verdict(AS_IT_IS, AS_IT_IS, unknown), invalid("unhandled critical extension (at depth 0)"));
    // One that OpenSSL knows, and this crate leaves to it.
    let policies: Change = |draft| draft.set(POLICY_CONSTRAINTS, true, &[0x30, 3, 0x80, 1, 5]);
    let of_the_signer = invalid("an extension that is not taken beside a written out curve");
    assert_eq!(verdict(AS_IT_IS, AS_IT_IS, policies), of_the_signer);
    assert_eq!(verdict(AS_IT_IS, policies, AS_IT_IS), of_the_issuer);
    everywhere(|draft| draft.extensions.push(Extension::unknown(false)), &Ok(3));
    let constraints: Change = |draft| draft.set(NAME_CONSTRAINTS, true, &subtree(0xA0, &name("A holder")));
    for verdict in [verdict(constraints, AS_IT_IS, AS_IT_IS), verdict(AS_IT_IS, constraints, AS_IT_IS)] {
        assert_eq!(verdict, invalid("name constraints beside a written out curve"));
    }
}

/// The last bytes of a public key on P-256: its point.
fn point(key: &PKey<Private>) -> Vec<u8> {
    let spki = spki(key);
    spki[spki.len() - 65..].to_vec()
}

/// The private key of somebody's public key on P-256, for whoever may choose the generator: with the public key itself
/// as the generator it is 1.
fn forged(victim: &PKey<Private>) -> &'static PKey<Private> {
    let named = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let mut context = BigNumContext::new().unwrap();
    let [mut p, mut a, mut b, mut order] = [(); 4].map(|()| BigNum::new().unwrap());
    named.components_gfp(&mut p, &mut a, &mut b, &mut context).unwrap();
    named.order(&mut order, &mut context).unwrap();
    let one = || BigNum::from_u32(1).unwrap();
    let mut group = EcGroup::from_components(p, a, b, &mut context).unwrap();
    let public = point(victim);
    let mut public = || EcPoint::from_bytes(&group, &public, &mut context).unwrap();
    let (generator, public) = (public(), public());
    group.set_generator(generator, order, one()).unwrap();
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let key = EcKey::from_private_components(&group, &one(), &public).unwrap();
    Box::leak(Box::new(PKey::from_ec_key(key).unwrap()))
}

/// CVE-2020-0601: the certificates of an attacker name an authority that is trusted and have its public key, point for
/// point, and their signatures are good by the key that they show.
#[test]
fn curveball_finds_no_anchor() {
    let csca = Draft::authority("CSCA", key("p256 csca"));
    let real = csca.issued_by(&csca);
    let (_, signer) = below();
    assert!(verify(&real, &[], &signer.issued_by(&csca), now()).is_ok(), "it is good without the attack");

    let mut spoofed = Draft::authority("CSCA", forged(csca.key));
    let parsed = Certificate::from_der(&real).unwrap();
    let identifier = parsed.subject_key_identifier().unwrap();
    spoofed.set(SUBJECT_KEY, false, &tlv::encode(4, identifier));
    let mut victim = signer.clone();
    victim.set(AUTHORITY_KEY, false, &sequence(&[&tlv::encode(0x80, identifier)]));
    let (signed, spoofed) = (victim.issued_by(&spoofed), spoofed.issued_by(&spoofed));
    assert_eq!(point(forged(csca.key)), point(csca.key));
    let is_good_by = |key| X509::from_der(&signed).unwrap().verify(key).unwrap();
    assert!(is_good_by(forged(csca.key)) && !is_good_by(csca.key), "the attack itself");

    assert_eq!(verify(&real, &[], &signed, now()).err(), Some(Error::BadSignature));
    let outcome = verify(&real, std::slice::from_ref(&spoofed), &signed, now());
    assert_eq!(outcome.err(), Some(Error::WrittenOutCurve));
    // Nor is it a key if somebody trusts it by mistake.
    assert_eq!(verify(&spoofed, &[], &signed, now()).err(), Some(Error::WrittenOutCurve));
    let mut other = Draft::authority("Another CSCA", key("p256 other csca"));
    let outcome = verify(&other.issued_by(&other), std::slice::from_ref(&spoofed), &signed, now());
    assert_eq!(outcome.err(), Some(Error::UnknownIssuer));
    // As the signer's own key, by which it signs what a document's files are.
    let mut spoofed = signer.clone();
    let own = point(signer.key);
    spoofed.key = forged(signer.key);
    assert_eq!(verify(&real, &[], &spoofed.issued_by(&csca), now()).err(), Some(Error::WrittenOutCurve));
    // A generator that belongs to nobody's key.
    let elsewhere = with_another_generator(&own, &point(key("p256 elsewhere")));
    spoofed.spki = Some(elsewhere);
    assert_eq!(verify(&real, &[], &spoofed.issued_by(&csca), now()).err(), Some(Error::WrittenOutCurve));
    // And with the generator that belongs to the curve, all of them are good: nothing else was refused above.
    let generator = hex!(
        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE3357"
        "6B315ECECBB6406837BF51F5"
    );
    spoofed.spki = Some(with_another_generator(&own, &generator));
    assert!(verify(&real, &[], &spoofed.issued_by(&csca), now()).is_ok());
    other.spki = Some(with_another_generator(&point(other.key), &generator));
    assert!(verify(&other.issued_by(&other), &[], &signer.issued_by(&other), now()).is_ok());
    // The same with one number changed: the prime, both coefficients, the generator and its order. (The cofactor is
    // not compared: the named curve's own is used then, and ECDSA has no use for it.)
    let spki = with_another_generator(&own, &generator);
    let numbers: [&[usize]; 5] = [&[1, 1], &[2, 0], &[2, 1], &[3], &[4]];
    for number in numbers {
        let changed = replace(&spki, &[&[0, 1], number].concat(), &|part| {
            let mut part = part.to_vec();
            *part.last_mut().unwrap() ^= 2;
            part
        });
        spoofed.spki = Some(changed);
        let outcome = verify(&real, &[], &spoofed.issued_by(&csca), now());
        assert!(outcome.is_err(), "{number:?}");
    }
}
