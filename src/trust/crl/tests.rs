//! Every rule by name over lists that are put together here, and lists of other people's making.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509Crl;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::super::{Certificate, RevocationReason, Revoked};
use super::{LENGTH_MAX, ListFault, RevocationList, shortest};
use crate::iso7816::tlv;

#[cfg(feature = "system-tests")]
mod openssl_ca;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);
const ECDSA_SHA1: &str = "2a8648ce3d0401";
const ECDSA_SHA256: &str = "2a8648ce3d040302";
const ECDSA_SHA3: &str = "608648016503040309";
const HERE: &str = "http://lists.example/here.crl";
const THERE: &str = "http://lists.example/there.crl";

static KEY: LazyLock<PKey<Private>> = LazyLock::new(key);

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn of(tag: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv::encode(tag, &parts.concat())
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    of(0x30, parts)
}

fn primitive(tag: u32, content: &[u8]) -> Vec<u8> {
    tlv::encode(tag, content)
}

fn algorithm(oid: &str) -> Vec<u8> {
    sequence(&[primitive(6, &hex::decode(oid).unwrap())])
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[primitive(6, &[0x55, 4, 3]), primitive(0x0C, common_name.as_bytes())]);
    sequence(&[of(0x31, &[attribute])])
}

fn time(text: &str) -> Vec<u8> {
    primitive(if text.len() == 13 { 0x17 } else { 0x18 }, text.as_bytes())
}

fn at(text: &str) -> SystemTime {
    crate::environment::moment::parse(text).unwrap()
}

/// An extension below id-ce.
fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    extension_of(&[0x55, 0x1D, number], critical, value)
}

fn extension_of(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { primitive(1, &[0xFF]) } else { Vec::new() };
    sequence(&[primitive(6, oid), critical, primitive(4, value)])
}

fn reason(code: u8) -> Vec<u8> {
    extension(21, false, &primitive(0x0A, &[code]))
}

fn entry(serial: &[u8], since: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { Vec::new() } else { sequence(extensions) };
    sequence(&[primitive(2, serial), time(since), extensions])
}

fn authority_key_identifier(identifier: &[u8]) -> Vec<u8> {
    extension(35, false, &sequence(&[primitive(0x80, identifier)]))
}

fn list_number() -> Vec<u8> {
    extension(20, false, &primitive(2, &[7]))
}

/// A critical IssuingDistributionPoint.
fn distribution_point(parts: &[Vec<u8>]) -> Vec<u8> {
    extension(28, true, &sequence(parts))
}

fn addresses(addresses: &[&str]) -> Vec<u8> {
    let names: Vec<_> = addresses.iter().map(|address| primitive(0x86, address.as_bytes())).collect();
    of(0xA0, &[of(0xA0, &names)])
}

/// What a list is put together from; a field is its DER.
#[derive(Clone)]
struct Recipe {
    version: Vec<u8>,
    algorithms: [&'static str; 2],
    issuer: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    entries: Vec<u8>,
    extensions: Vec<Vec<u8>>,
    after: Vec<u8>,
}

impl Default for Recipe {
    fn default() -> Self {
        let entries = [
            entry(&[1, 2, 3], "250301120000Z", &[reason(1)]),
            entry(&[0, 0x80], "250302120000Z", &[]),
            entry(&[0x80], "250303120000Z", &[reason(6)]),
        ];
        Self {
            version: primitive(2, &[1]),
            algorithms: [ECDSA_SHA256; 2],
            issuer: name("Issuer"),
            this_update: time("250601000000Z"),
            next_update: time("250608000000Z"),
            entries: sequence(&entries),
            extensions: vec![authority_key_identifier(b"key"), list_number()],
            after: Vec::new(),
        }
    }
}

impl Recipe {
    fn der(&self) -> Vec<u8> {
        let extensions =
            if self.extensions.is_empty() { Vec::new() } else { of(0xA0, &[sequence(&self.extensions)]) };
        let signed = sequence(&[
            self.version.clone(),
            algorithm(self.algorithms[0]),
            self.issuer.clone(),
            self.this_update.clone(),
            self.next_update.clone(),
            self.entries.clone(),
            extensions,
            self.after.clone(),
        ]);
        let digest =
            if self.algorithms[1] == ECDSA_SHA1 { MessageDigest::sha1() } else { MessageDigest::sha256() };
        let mut signer = Signer::new(digest, &KEY).unwrap();
        let signature = [vec![0], signer.sign_oneshot_to_vec(&signed).unwrap()].concat();
        sequence(&[signed, algorithm(self.algorithms[1]), primitive(3, &signature)])
    }

    fn read(&self) -> Result<RevocationList, ListFault> {
        let der = self.der();
        let list = RevocationList::from_bytes(&der);
        agree(&der, list.as_ref().ok());
        list
    }

    /// The recipe with one more extension.
    fn with(&self, extension: Vec<u8>) -> Self {
        let mut recipe = self.clone();
        recipe.extensions.push(extension);
        recipe
    }
}

/// Two parsers that we did not write take every list that is taken here, and read the same.
fn agree(der: &[u8], list: Option<&RevocationList>) {
    let Some(list) = list else { return };
    let (rest, other) = CertificateRevocationList::from_der(der).unwrap();
    assert!(rest.is_empty());
    assert_eq!(other.issuer().as_raw(), list.issuer_der());
    assert_eq!(super::super::certificate::system_time(other.last_update()), Ok(list.this_update()));
    let serials: Vec<_> =
        other.iter_revoked_certificates().map(|entry| shortest(entry.raw_serial())).collect();
    assert!(serials.iter().all(|serial| list.revoked.contains_key(*serial)));
    assert!(serials.len() >= list.len());
    let third = X509Crl::from_der(der).unwrap();
    assert_eq!(third.get_revoked().map_or(0, |entries| entries.len()), serials.len());
}

#[track_caller]
fn fault(recipe: &Recipe) -> ListFault {
    recipe.read().unwrap_err()
}

/// The certificate of an authority, or of somebody else; nobody here looks at its signature.
fn certificate(subject: &str, serial: &[u8], extensions: &[Vec<u8>]) -> Certificate {
    let key = KEY.public_key_to_der().unwrap();
    certificate_with(subject, serial, &key, extensions)
}

fn certificate_with(subject: &str, serial: &[u8], key: &[u8], extensions: &[Vec<u8>]) -> Certificate {
    let signed = sequence(&[
        of(0xA0, &[primitive(2, &[2])]),
        primitive(2, serial),
        algorithm(ECDSA_SHA256),
        name("Issuer"),
        sequence(&[time("240101000000Z"), time("340101000000Z")]),
        name(subject),
        key.to_vec(),
        of(0xA3, &[sequence(extensions)]),
    ]);
    let der = sequence(&[signed, algorithm(ECDSA_SHA256), primitive(3, &[0, 1])]);
    Certificate::from_der(&der).unwrap()
}

fn authority_extension() -> Vec<u8> {
    extension(19, true, &sequence(&[primitive(1, &[0xFF])]))
}

fn issuer() -> Certificate {
    let usage = extension(15, true, &primitive(3, &[1, 0x06]));
    let identifier = extension(14, false, &primitive(4, b"key"));
    certificate("Issuer", &[9], &[authority_extension(), usage, identifier])
}

/// A list, and its issuer.
pub(in crate::trust) fn example() -> (RevocationList, Certificate) {
    (Recipe::default().read().unwrap(), issuer())
}

fn holder(serial: &[u8]) -> Certificate {
    let point = sequence(&[addresses(&[HERE])]);
    certificate("Holder", serial, &[extension(31, false, &sequence(&[point]))])
}

#[test]
fn a_list_is_read_checked_and_asked() {
    let list = Recipe::default().read().unwrap();
    assert_eq!((list.len(), list.is_empty()), (3, false));
    assert_eq!(list.issuer_der(), name("Issuer"));
    assert_eq!(list.this_update(), at("2025-06-01T00:00:00Z"));
    assert_eq!(list.next_update(), at("2025-06-08T00:00:00Z"));
    assert_eq!(list.check_issuer(&issuer(), false), Ok(()));
    let revoked =
        Revoked { since: at("2025-03-01T12:00:00Z"), reason: Some(RevocationReason::KeyCompromise) };
    assert_eq!(list.status(&holder(&[1, 2, 3])), Ok(Some(revoked)));
    assert_eq!(list.status(&holder(&[1, 2, 4])), Ok(None));
    assert_eq!(format!("{list:?}"), "RevocationList(3 revoked)");

    for entries in [Vec::new(), sequence(&[])] {
        let empty = Recipe { entries, ..Recipe::default() }.read().unwrap();
        assert!(empty.is_empty());
        assert_eq!(empty.check_issuer(&issuer(), false), Ok(()));
        assert_eq!(empty.status(&holder(&[1, 2, 3])), Ok(None));
    }
}

#[test]
fn serial_numbers_are_compared_as_integers() {
    let list = Recipe::default().read().unwrap();
    let reason = |serial: &[u8]| list.status(&holder(serial)).unwrap().map(|revoked| revoked.reason);
    assert_eq!(reason(&[0, 0x80]), Some(None));
    assert_eq!(reason(&[0x80]), Some(Some(RevocationReason::Hold)));
    for careless in [&[0, 0, 0x80][..], &[0xFF, 0x80], &[0, 1, 2, 3], &[0, 0, 1, 2, 3]] {
        assert!(reason(careless).is_some());
    }
    for other in [&[0xFF, 1, 2, 3][..], &[1, 2, 3, 0], &[0x7F], &[0], &[2, 3]] {
        assert!(reason(other).is_none());
    }
    let careless = [entry(&[0, 0, 5], "250301120000Z", &[]), entry(&[0xFF, 0xFF], "250301120000Z", &[])];
    // OpenSSL refuses such a list.
    let der = Recipe { entries: sequence(&careless), ..Recipe::default() }.der();
    let list = RevocationList::from_bytes(&der).unwrap();
    assert!(list.status(&holder(&[5])).unwrap().is_some());
    assert!(list.status(&holder(&[0xFF])).unwrap().is_some());
    assert_eq!(shortest(&[]), b"");
    assert_eq!(shortest(&[0, 0, 0]), [0]);
}

#[test]
fn of_two_entries_the_earlier_counts() {
    let entries = [
        entry(&[5], "250302120000Z", &[reason(4)]),
        entry(&[5], "250301120000Z", &[reason(1)]),
        entry(&[5], "250303120000Z", &[reason(5)]),
    ];
    let list = Recipe { entries: sequence(&entries), ..Recipe::default() }.read().unwrap();
    let revoked = list.status(&holder(&[5])).unwrap().unwrap();
    assert_eq!((revoked.since, list.len()), (at("2025-03-01T12:00:00Z"), 1));
    assert_eq!(revoked.reason, Some(RevocationReason::KeyCompromise));
}

/// What was suspended first and revoked later stays revoked when the list grows old.
#[test]
fn of_two_entries_the_final_one_counts() {
    let held = || entry(&[5], "250301120000Z", &[reason(6)]);
    let gone = || entry(&[5], "250302120000Z", &[reason(1)]);
    for entries in [[held(), gone()], [gone(), held()]] {
        let list = Recipe { entries: sequence(&entries), ..Recipe::default() }.read().unwrap();
        let revoked = list.status(&holder(&[5])).unwrap().unwrap();
        assert_eq!(revoked.reason, Some(RevocationReason::KeyCompromise));
    }
}

#[test]
fn the_issuer_and_its_key_must_be_the_right_ones() {
    let list = Recipe::default().read().unwrap();
    let usage = |bits| extension(15, true, &primitive(3, bits));
    let identifier = |identifier: &[u8]| extension(14, false, &primitive(4, identifier));
    let check = |issuer: &Certificate| list.check_issuer(issuer, false);

    assert_eq!(check(&certificate("Issuer", &[9], &[authority_extension()])), Ok(()));
    assert_eq!(check(&certificate("Issuer", &[9], &[usage(&[1, 2])])), Ok(()));
    assert_eq!(check(&certificate("Issuer", &[9], &[usage(&[2, 4])])), Err(ListFault::IssuerMayNotSign));
    assert_eq!(check(&certificate("ISSUER", &[9], &[usage(&[1, 2])])), Err(ListFault::OtherIssuer));
    assert_eq!(check(&certificate("Issuer", &[9], &[identifier(b"other")])), Err(ListFault::OtherIssuer));

    let other_key = key().public_key_to_der().unwrap();
    let impostor = certificate_with("Issuer", &[9], &other_key, &[identifier(b"key")]);
    assert_eq!(check(&impostor), Err(ListFault::BadSignature));
    let rsa = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    let impostor = certificate_with("Issuer", &[9], &rsa.public_key_to_der().unwrap(), &[identifier(b"key")]);
    assert_eq!(check(&impostor), Err(ListFault::BadSignature));
    let weak = PKey::from_rsa(openssl::rsa::Rsa::generate(512).unwrap()).unwrap();
    let weak = certificate_with("Issuer", &[9], &weak.public_key_to_der().unwrap(), &[identifier(b"key")]);
    assert_eq!(check(&weak), Err(ListFault::TooWeak));

    let of_other = Recipe { issuer: name("Other"), ..Recipe::default() }.read().unwrap();
    assert_eq!(of_other.check_issuer(&issuer(), false), Err(ListFault::OtherIssuer));
    let no_identifier = Recipe { extensions: vec![list_number()], ..Recipe::default() }.read().unwrap();
    assert_eq!(no_identifier.check_issuer(&issuer(), false), Ok(()));
    // The other way to name a key says nothing that is compared here.
    let by_serial = sequence(&[of(0xA1, &[primitive(0x86, HERE.as_bytes())]), primitive(0x82, &[9])]);
    let by_serial = Recipe { extensions: vec![extension(35, false, &by_serial)], ..Recipe::default() };
    assert_eq!(by_serial.read().unwrap().check_issuer(&issuer(), false), Ok(()));
}

#[test]
fn sha1_is_let_pass_by_name_only_and_what_is_unknown_never() {
    let list = Recipe { algorithms: [ECDSA_SHA1; 2], ..Recipe::default() }.read().unwrap();
    assert_eq!(list.check_issuer(&issuer(), false), Err(ListFault::TooWeak));
    assert_eq!(list.check_issuer(&issuer(), true), Ok(()));
    let list = Recipe { algorithms: [ECDSA_SHA3; 2], ..Recipe::default() }.read().unwrap();
    assert_eq!(list.check_issuer(&issuer(), true), Err(ListFault::TooWeak));
    for algorithms in [[ECDSA_SHA1, ECDSA_SHA256], [ECDSA_SHA256, ECDSA_SHA1]] {
        let recipe = Recipe { algorithms, ..Recipe::default() };
        assert_eq!(fault(&recipe), ListFault::Malformed("two signature algorithms"));
    }
}

#[test]
fn a_list_is_fresh_between_its_updates() {
    let list = Recipe::default().read().unwrap();
    let (from, to) = (list.this_update(), list.next_update());
    let second = Duration::from_secs(1);
    let check = |at, skew| list.check_fresh(at, skew, None);
    for skew in [Duration::ZERO, MINUTE] {
        assert_eq!(check(from - skew, skew), Ok(()));
        assert_eq!(check(from - skew - second, skew), Err(ListFault::NotYetValid));
        assert_eq!(check(to + skew, skew), Ok(()));
        assert_eq!(check(to + skew + second, skew), Err(ListFault::Stale));
        let aged = |age| list.check_fresh(from + age, skew, Some(2 * DAY));
        assert_eq!(aged(2 * DAY + skew), Ok(()));
        assert_eq!(aged(2 * DAY + skew + second), Err(ListFault::Stale));
        assert_eq!(list.check_fresh(to + skew + second, skew, Some(90 * DAY)), Err(ListFault::Stale));
    }
    assert_eq!(check(SystemTime::UNIX_EPOCH - 900 * DAY, MINUTE), Err(ListFault::NotYetValid));
    assert_eq!(check(to + DAY, Duration::MAX), Ok(()));
    assert_eq!(list.check_fresh(from, Duration::MAX, Some(Duration::MAX)), Ok(()));
}

#[test]
fn times_are_to_the_second_and_in_utc() {
    let next = |text: &str| Recipe { next_update: time(text), ..Recipe::default() }.read();
    assert_eq!(next("20500608000000Z").unwrap().next_update(), at("2050-06-08T00:00:00Z"));
    assert_eq!(next("490608000000Z").unwrap().next_update(), at("2049-06-08T00:00:00Z"));
    let malformed = [
        "20500608000000",
        "20500608000000+0100",
        "20500608000000.5Z",
        "205006080000Z",
        "20501308000000Z",
        "20500631000000Z",
        "2050060800000xZ",
        "19600608000000Z",
        "600608000000Z",
        "250608000060Z",
        "2506080000Z",
        "",
    ];
    for text in malformed {
        assert_eq!(next(text).unwrap_err(), ListFault::Malformed("nextUpdate"), "{text}");
        let this = Recipe { this_update: time(text), ..Recipe::default() };
        assert_eq!(fault(&this), ListFault::Malformed("thisUpdate"), "{text}");
        let since = Recipe { entries: sequence(&[entry(&[5], text, &[])]), ..Recipe::default() };
        assert_eq!(fault(&since), ListFault::Malformed("revocationDate"), "{text}");
    }
    assert_eq!(next("250531235959Z").unwrap_err(), ListFault::Malformed("nextUpdate before thisUpdate"));
    assert!(next("250601000000Z").is_ok());
    let none = Recipe { next_update: Vec::new(), ..Recipe::default() };
    assert_eq!(fault(&none), ListFault::NoNextUpdate);
}

#[test]
fn what_needs_another_list_is_refused() {
    let recipe = Recipe::default();
    let point = sequence(&[sequence(&[addresses(&[HERE])])]);
    for critical in [false, true] {
        let delta = recipe.with(extension(27, critical, &primitive(2, &[1])));
        assert_eq!(fault(&delta), ListFault::Delta);
        let names_delta = recipe.with(extension(46, critical, &point));
        assert_eq!(fault(&names_delta), ListFault::Delta);
    }
    // A delta that takes something back is refused for what it is.
    let entries = sequence(&[entry(&[5], "250302120000Z", &[reason(8)])]);
    let delta = Recipe { entries, ..recipe.with(extension(27, true, &primitive(2, &[1]))) };
    assert_eq!(fault(&delta), ListFault::Delta);

    let flag = |tag| distribution_point(&[primitive(tag, &[0xFF])]);
    assert_eq!(fault(&recipe.with(flag(0x84))), ListFault::Indirect);
    assert!(matches!(fault(&recipe.with(flag(0x85))), ListFault::PartialScope(_)));
    let reasons = distribution_point(&[primitive(0x83, &[1, 0x7E])]);
    assert!(matches!(fault(&recipe.with(reasons)), ListFault::PartialScope(_)));
    let of_other = extension(29, true, &sequence(&[of(0xA4, &[name("Other")])]));
    let entries = sequence(&[entry(&[5], "250302120000Z", &[of_other])]);
    assert_eq!(fault(&Recipe { entries, ..recipe }), ListFault::Indirect);
}

#[test]
fn a_scope_must_cover_the_certificate() {
    let status = |extension: Vec<u8>, certificate: &Certificate| {
        Recipe::default().with(extension).read().unwrap().status(certificate).map(|found| found.is_some())
    };
    let point = |parts: &[Vec<u8>]| distribution_point(parts);
    let (holder, authority) = (holder(&[1, 2, 3]), certificate("Sub", &[1, 2, 3], &[authority_extension()]));
    let (users, authorities) = (primitive(0x81, &[0xFF]), primitive(0x82, &[0xFF]));
    let other_scope = Err(ListFault::OtherScope);

    for everything in [vec![], vec![primitive(0x81, &[0]), primitive(0x82, &[0])]] {
        assert_eq!(status(point(&everything), &holder), Ok(true));
        assert_eq!(status(point(&everything), &authority), Ok(true));
    }
    assert_eq!(status(point(std::slice::from_ref(&users)), &holder), Ok(true));
    assert_eq!(status(point(std::slice::from_ref(&users)), &authority), other_scope);
    assert_eq!(status(point(std::slice::from_ref(&authorities)), &holder), other_scope);
    assert_eq!(status(point(std::slice::from_ref(&authorities)), &authority), Ok(true));
    for certificate in [&holder, &authority] {
        assert_eq!(status(point(&[users.clone(), authorities.clone()]), certificate), other_scope);
    }

    assert_eq!(status(point(&[addresses(&[THERE, HERE])]), &holder), Ok(true));
    assert_eq!(status(point(&[addresses(&[THERE])]), &holder), other_scope);
    assert_eq!(status(point(&[addresses(&[HERE])]), &authority), other_scope);
    assert_eq!(status(point(&[addresses(&[HERE]), users]), &holder), Ok(true));
    assert_eq!(status(point(&[addresses(&[HERE]), authorities]), &holder), other_scope);
    let not_critical = extension(28, false, &sequence(&[addresses(&[THERE])]));
    assert_eq!(status(not_critical, &holder), other_scope);
    let by_name = of(0xA0, &[of(0xA0, &[of(0xA4, &[name("Point")])])]);
    assert_eq!(status(point(&[by_name]), &holder), other_scope);
    let attribute = sequence(&[primitive(6, &[0x55, 4, 3]), primitive(0x0C, b"Point")]);
    assert_eq!(status(point(&[of(0xA0, &[of(0xA1, &[attribute])])]), &holder), other_scope);
}

#[test]
fn a_distribution_point_is_read_whole_or_not_at_all() {
    let flag = |tag| primitive(tag, &[0xFF]);
    let malformed: [&[Vec<u8>]; 12] = [
        // At the wrong place, twice, with another form or length, unknown: each could hide that it is indirect.
        &[flag(0x84), flag(0x81)],
        &[flag(0x81), flag(0x81)],
        &[flag(0x81), addresses(&[HERE])],
        &[flag(0xA4)],
        &[flag(0x01)],
        &[primitive(0x84, &[])],
        &[primitive(0x84, &[0, 1])],
        &[flag(0x86)],
        &[vec![0x84, 5, 0xFF]],
        &[of(0xA0, &[])],
        &[of(0xA0, &[of(0xA0, &[]), of(0xA1, &[])])],
        &[of(0xA0, &[of(0xA0, &[primitive(0x86, "http://città".as_bytes())])])],
    ];
    for parts in malformed {
        let fault = fault(&Recipe::default().with(distribution_point(parts)));
        assert!(matches!(fault, ListFault::Malformed(_)), "{parts:?}: {fault:?}");
    }
    // BER has other ways to say TRUE.
    let true_in_ber = distribution_point(&[primitive(0x84, &[1])]);
    assert_eq!(fault(&Recipe::default().with(true_in_ber)), ListFault::Indirect);
    let nothing_else = distribution_point(&[]);
    let twice = Recipe::default().with(nothing_else.clone()).with(nothing_else);
    assert_eq!(fault(&twice), ListFault::Malformed("an extension stands there twice"));
}

#[test]
fn extensions_that_are_not_known_must_not_be_critical() {
    let recipe = Recipe::default();
    let names = sequence(&[primitive(0x86, HERE.as_bytes())]);
    for known in [18, 60, 99] {
        assert!(recipe.with(extension(known, false, &names)).read().is_ok());
    }
    assert!(recipe.with(extension(18, true, &names)).read().is_ok());
    // Authority information access, and the reason of an entry among those of the list.
    let access = extension_of(&hex::decode("2b06010505070101").unwrap(), true, &names);
    for unknown in [access, extension(99, true, &names), extension(21, true, &names)] {
        assert_eq!(fault(&recipe.with(unknown)), ListFault::UnknownCritical);
    }

    let with_entry = |extension: Vec<u8>| Recipe {
        entries: sequence(&[entry(&[5], "250302120000Z", &[extension])]),
        ..Recipe::default()
    };
    let date = time("20250301000000Z");
    for known in [extension(24, false, &date), extension(24, true, &date), extension(99, false, &date)] {
        assert!(with_entry(known).read().is_ok());
    }
    assert!(with_entry(extension(24, false, b"?")).read().is_ok());
    assert_eq!(fault(&with_entry(extension(24, true, b"?"))), ListFault::Malformed("invalidityDate"));
    for unknown in [extension(99, true, &date), extension(23, true, &date), extension(28, true, &date)] {
        assert_eq!(fault(&with_entry(unknown)), ListFault::UnknownCritical);
    }
}

#[test]
fn reasons_are_read_or_the_list_is_not() {
    let read = |extension: Vec<u8>| {
        Recipe { entries: sequence(&[entry(&[5], "250302120000Z", &[extension])]), ..Recipe::default() }
            .read()
            .map(|list| list.status(&holder(&[5])).unwrap().unwrap().reason)
    };
    for code in 0..=255 {
        let told = read(reason(code));
        match RevocationReason::from_code(code) {
            Some(reason) => assert_eq!(told, Ok(Some(reason))),
            None => assert!(matches!(told, Err(ListFault::Malformed(_))), "{code}"),
        }
    }
    assert_eq!(read(reason(8)), Err(ListFault::Malformed("removeFromCRL in a full list")));
    for value in [&[][..], &[0x0A, 0], &[0x0A, 2, 0, 1], &[2, 1, 1], &[0x0A, 1, 1, 0], &[0x0A, 1]] {
        assert_eq!(read(extension(21, false, value)), Err(ListFault::Malformed("reasonCode")));
    }
}

#[test]
fn fields_must_be_what_the_standard_says() {
    let recipe = Recipe::default();
    let malformed = |recipe: &Recipe, what: &str| {
        assert!(matches!(fault(recipe), ListFault::Malformed(text) if text == what), "{:?}", fault(recipe));
    };
    for version in [&[0][..], &[2], &[0, 1], &[]] {
        malformed(&Recipe { version: primitive(2, version), ..recipe.clone() }, "version");
    }
    let old = Recipe { version: Vec::new(), ..recipe.clone() };
    malformed(&old, "extensions in version 1");
    let old = Recipe { extensions: Vec::new(), ..old };
    malformed(&old, "extensions in version 1");
    let old = Recipe { entries: sequence(&[entry(&[1, 2, 3], "250302120000Z", &[])]), ..old }.read().unwrap();
    assert!(old.status(&holder(&[1, 2, 3])).unwrap().is_some());
    assert_eq!(old.check_issuer(&issuer(), false), Ok(()));

    assert!(Recipe { extensions: Vec::new(), ..recipe.clone() }.read().is_ok());
    for number in [&[2, 1, 0xFF][..], &[2, 0], &[4, 1, 1], &[2, 1, 1, 0], &[]] {
        let extensions = vec![extension(20, false, number)];
        malformed(&Recipe { extensions, ..recipe.clone() }, "cRLNumber");
    }
    let long_number = vec![extension(20, false, &primitive(2, &[0x7F; 20]))];
    assert!(Recipe { extensions: long_number, ..recipe.clone() }.read().is_ok());
    let garbled = vec![extension(35, false, &sequence(&[primitive(0x83, b"key")]))];
    malformed(&Recipe { extensions: garbled, ..recipe.clone() }, "authorityKeyIdentifier");
    malformed(&recipe.with(list_number()), "an extension stands there twice");
    let twice = sequence(&[entry(&[5], "250302120000Z", &[reason(1), reason(1)])]);
    malformed(&Recipe { entries: twice, ..recipe.clone() }, "an extension stands there twice");
    for broken in [sequence(&[]), primitive(4, b""), sequence(&[primitive(6, &[0x55])]), vec![0x30, 9]] {
        malformed(&recipe.with(broken), "extension");
    }
    // x509-parser shows the first two as deltaCRLIndicator.
    for oid in [&[0x55, 0x1D, 0x9B][..], &[0x55, 0x1D, 0x80, 27], &[]] {
        malformed(&recipe.with(extension_of(oid, false, &primitive(2, &[1]))), "extension");
    }
    malformed(&Recipe { after: primitive(5, &[]), ..recipe.clone() }, "tbsCertList");
    malformed(&Recipe { issuer: primitive(4, &[]), ..recipe.clone() }, "issuer");
    // x509-parser reads a name as far as it can.
    for after in [primitive(4, &[]), vec![0x31, 9]] {
        let cut = sequence(&[of(0x31, &[]), after.clone()]);
        malformed(&Recipe { issuer: sequence(&[after]), ..recipe.clone() }, "issuer");
        malformed(&Recipe { issuer: cut, ..recipe.clone() }, "issuer");
    }
    malformed(&Recipe { this_update: Vec::new(), next_update: Vec::new(), ..recipe.clone() }, "thisUpdate");

    let serial = primitive(2, &[5]);
    let since = time("250302120000Z");
    let entries = [
        (vec![primitive(2, &[]), since.clone()], "userCertificate"),
        (vec![since.clone(), serial.clone()], "userCertificate"),
        (vec![serial.clone()], "revocationDate"),
        (vec![serial.clone(), since.clone(), primitive(4, &[])], "revokedCertificates"),
        // x509-parser takes this one and passes over what it cannot read.
        (vec![serial, since, sequence(&[primitive(4, &[])])], "extension"),
    ];
    for (parts, what) in entries {
        malformed(&Recipe { entries: sequence(&[sequence(&parts)]), ..recipe.clone() }, what);
    }
    malformed(&Recipe { entries: sequence(&[primitive(4, &[])]), ..recipe }, "revokedCertificates");
}

#[test]
fn der_or_one_block_of_pem_and_nothing_else() {
    let der = Recipe::default().der();
    let pem = String::from_utf8(X509Crl::from_der(&der).unwrap().to_pem().unwrap()).unwrap();
    for text in [pem.clone(), format!("\n{pem}\r\n "), pem.replace('\n', "\r\n")] {
        assert_eq!(RevocationList::from_bytes(text.as_bytes()).unwrap().len(), 3);
    }
    let refused = [
        format!("{pem}{pem}"),
        format!("text\n{pem}"),
        format!("{pem}text"),
        pem.replace("X509 CRL", "CERTIFICATE"),
        pem.replace("END X509", "END X"),
        pem.replacen('M', "?", 1),
        "-----BEGIN X509 CRL-----\n-----END X509 CRL-----".to_owned(),
        "-----BEGIN X509 CRL-----END X509 CRL-----".to_owned(),
        String::new(),
    ];
    for text in refused {
        let error = RevocationList::from_bytes(text.as_bytes()).unwrap_err();
        assert!(matches!(error, ListFault::Malformed(_)), "{text}");
    }
    for after in [&[0][..], b"\n", &der] {
        let error = RevocationList::from_bytes(&[&der, after].concat()).unwrap_err();
        assert_eq!(error, ListFault::Malformed("not a revocation list"));
    }
    let too_long = RevocationList::from_bytes(&vec![0x30; LENGTH_MAX + 1]);
    assert_eq!(too_long.unwrap_err(), ListFault::TooLong);
}

#[test]
fn every_cut_and_every_flip_is_an_error_or_a_wrong_signature() {
    let recipe = Recipe::default().with(distribution_point(&[addresses(&[HERE])]));
    let der = recipe.der();
    for length in 0..der.len() {
        assert!(RevocationList::from_bytes(&der[..length]).is_err(), "{length}");
    }
    let (mut refused, mut unsigned) = (0, 0);
    for index in 0..der.len() {
        for bit in 0..8 {
            let mut flipped = der.clone();
            flipped[index] ^= 1 << bit;
            match RevocationList::from_bytes(&flipped) {
                Err(_) => refused += 1,
                Ok(list) => {
                    agree_unless_openssl_refuses(&flipped, &list);
                    assert!(list.check_issuer(&issuer(), true).is_err(), "bit {bit} of byte {index}");
                    unsigned += 1;
                }
            }
        }
    }
    println!("{refused} refused when read, {unsigned} by signature or issuer");
    assert!(refused > 500 && unsigned > 500);
}

fn agree_unless_openssl_refuses(der: &[u8], list: &RevocationList) {
    if X509Crl::from_der(der).is_ok() {
        agree(der, Some(list));
    }
}

#[test]
fn a_long_list_is_read_in_one_pass() {
    let entries: Vec<u8> = (0..200_000_u32)
        .flat_map(|number| {
            let serial = [&[0x5A; 12][..], &number.to_be_bytes()].concat();
            entry(&serial, "250302120000Z", &[reason(4)])
        })
        .collect();
    let der = Recipe { entries: primitive(0x30, &entries), ..Recipe::default() }.der();
    let started = std::time::Instant::now();
    let list = RevocationList::from_bytes(&der).unwrap();
    println!("{} bytes in {:?}", der.len(), started.elapsed());
    assert_eq!(list.len(), 200_000);
    assert_eq!(list.check_issuer(&issuer(), false), Ok(()));
    let last = [&[0x5A; 12][..], &199_999_u32.to_be_bytes()].concat();
    assert!(list.status(&holder(&last)).unwrap().is_some());
}
