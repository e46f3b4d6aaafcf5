//! The Public Key Interoperability Test Suite of NIST: 223 end entities, whose names tell what should become of them.
//!
//! All authorities are given as intermediates and all lists as lists; each end entity's path is built to the one
//! anchor, and its revocation is looked up as a server without a network would. What the names promise and this crate
//! does not do stands in tables, with the reason and what is said instead; an entry that is not needed is a fault.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use base64ct::{Base64, Encoding};
use cie::trust::{AnchorPurpose, Certificate, Error, Revocation, RevocationRules, TrustStore};

const ANCHOR: &str = "TrustAnchorRootCertificate";

/// Reasons why something valid is refused: what the error says, and for whom. All of them are on the safe side.
const TOO_STRICT: [(&str, &str, &[&str]); 8] = [
    (
        "An authority's list must be signed with the key that signed the certificate; here its other key did, which \
         a self-issued certificate vouches for.",
        "the revocation list is another issuer's",
        &[
            "ValidBasicSelfIssuedCRLSigningKeyTest6",
            "ValidBasicSelfIssuedNewWithOldTest3",
            "ValidBasicSelfIssuedNewWithOldTest4",
            "ValidBasicSelfIssuedOldWithNewTest1",
            "ValidDNnameConstraintsTest19",
            "ValidSelfIssuedinhibitAnyPolicyTest7",
            "ValidSelfIssuedinhibitAnyPolicyTest9",
            "ValidSelfIssuedinhibitPolicyMappingTest7",
            "ValidSelfIssuedpathLenConstraintTest15",
            "ValidSelfIssuedpathLenConstraintTest17",
            "ValidSelfIssuedrequireExplicitPolicyTest6",
            "ValidSeparateCertificateandCRLKeysTest19",
        ],
    ),
    (
        "The names of a list's issuer and of an authority are compared as bytes; here the list has the name as it \
         stands in the certificate, and the authority's own certificate has another string type.",
        "no list of its issuer was given",
        &["ValidRolloverfromPrintableStringtoUTF8StringTest10"],
    ),
    (
        "No DSA.",
        "a key or digest of the path is too weak",
        &["ValidDSAParameterInheritanceTest5", "ValidDSASignaturesTest4"],
    ),
    (
        "No indirect lists: they are not taken, so nobody gave one.",
        "no list of its issuer was given",
        &[
            "ValidIDPwithindirectCRLTest22",
            "ValidIDPwithindirectCRLTest24",
            "ValidIDPwithindirectCRLTest25",
            "ValidcRLIssuerTest30",
            "ValidcRLIssuerTest33",
        ],
    ),
    (
        "No lists for a distribution point that is called by a name of the directory, nor by one of another issuer.",
        "the revocation list is not about this certificate",
        &[
            "ValidcRLIssuerTest28",
            "ValidcRLIssuerTest29",
            "ValiddistributionPointTest1",
            "ValiddistributionPointTest4",
            "ValiddistributionPointTest5",
            "ValiddistributionPointTest7",
        ],
    ),
    (
        "No deltas, and no lists that have one.",
        "no list of its issuer was given",
        &["ValiddeltaCRLTest2", "ValiddeltaCRLTest5", "ValiddeltaCRLTest7", "ValiddeltaCRLTest8"],
    ),
    (
        "No lists for some reasons only.",
        "no list of its issuer was given",
        &["ValidonlySomeReasonsTest18", "ValidonlySomeReasonsTest19"],
    ),
    (
        "Valid since 1950: no moment before 1970 is read.",
        "malformed certificate: validity",
        &["Validpre2000UTCnotBeforeDateTest3"],
    ),
];

/// Whatever is invalid because of its policies alone is accepted: they are not processed (sections 4.8 to 4.12 of the
/// suite; RFC 5280 sections 6.1.2 to 6.1.5). The policy of a holder's own certificate is asked for by `HolderPolicy`.
const POLICIES: &[&str] = &[
    "InvalidMappingFromanyPolicyTest7",
    "InvalidMappingToanyPolicyTest8",
    "InvalidPolicyMappingTest10",
    "InvalidPolicyMappingTest2",
    "InvalidPolicyMappingTest4",
    "InvalidinhibitAnyPolicyTest1",
    "InvalidinhibitAnyPolicyTest4",
    "InvalidinhibitAnyPolicyTest5",
    "InvalidinhibitAnyPolicyTest6",
    "InvalidinhibitPolicyMappingTest1",
    "InvalidinhibitPolicyMappingTest3",
    "InvalidinhibitPolicyMappingTest5",
    "InvalidinhibitPolicyMappingTest6",
    "InvalidrequireExplicitPolicyTest3",
    "InvalidrequireExplicitPolicyTest5",
];

/// What an invalid one's name says if the fault lies in its policies.
const ABOUT_POLICIES: [&str; 4] = ["Mapping", "inhibitAnyPolicy", "requireExplicitPolicy", "Policies"];
/// And if in its revocation or the lists about it; every other one must have no path at all.
const ABOUT_LISTS: [&str; 11] = [
    "CRL",
    "cRL",
    "Revoked",
    "SerialNumber",
    "distributionPoint",
    "onlyContains",
    "onlySomeReasons",
    "BasicSelfIssuedNewWithOld",
    "BasicSelfIssuedOldWithNew",
    "BasicSelfIssuedCRLSigningKey",
    "SeparateCertificateandCRLKeys",
];
/// Those that a list names that is taken here.
const REVOKED: [&str; 4] = [
    "InvalidLongSerialNumberTest18",
    "InvalidNegativeSerialNumberTest15",
    "InvalidRevokedCATest2",
    "InvalidRevokedEETest3",
];

/// Within the validity of everything that is meant to be valid, 2011 to 2030: 2026-01-01.
fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

struct Suite {
    certificates: BTreeMap<String, Vec<u8>>,
    store: TrustStore,
    revocation: Revocation,
}

/// The suite, and the intermediates and lists that are not taken, with the reason.
fn suite() -> (Suite, Vec<String>, Vec<String>) {
    let text = include_str!("../fixtures/vectors/pkits.json");
    let mut files: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(text).unwrap();
    let mut take = |kind: &str| -> BTreeMap<String, Vec<u8>> {
        let files = files.remove(kind).unwrap().into_iter();
        files.map(|(name, text)| (name, Base64::decode_vec(&text).unwrap())).collect()
    };
    let (certificates, lists) = (take("certificates"), take("lists"));
    assert_eq!((certificates.len(), lists.len()), (405, 173));
    let mut store = TrustStore::new();
    store.add_anchor(AnchorPurpose::Csca, &certificates[ANCHOR]).unwrap();
    let authorities = certificates.iter().filter(|(name, _)| !name.ends_with("EE") && *name != ANCHOR);
    let mut no_authorities = Vec::new();
    for (name, der) in authorities {
        no_authorities.extend(store.add_intermediate(der).err().map(|error| format!("{name}: {error}")));
    }
    let revocation = Revocation::new(&store, RevocationRules::default());
    let mut no_lists = Vec::new();
    for (name, der) in &lists {
        no_lists.extend(revocation.add_list(der).err().map(|fault| format!("{name}: {fault}")));
    }
    // One is by mistake, as somebody's, a second one of the anchor's: a list replaces one of its series.
    assert_eq!(revocation.lists() + no_lists.len() + 1, lists.len());
    (Suite { certificates, store, revocation }, no_authorities, no_lists)
}

impl Suite {
    /// The end entities whose names begin so, without the ending that all of them have.
    fn called(&self, beginning: &str) -> Vec<&str> {
        let names = self.certificates.keys().filter_map(|name| name.strip_suffix("EE"));
        names.filter(|name| name.starts_with(beginning)).collect()
    }

    /// Whether the path holds; what is known of its status.
    fn judge(&self, name: &str) -> (Result<(), Error>, Result<(), Error>) {
        let path = Certificate::from_der(&self.certificates[&format!("{name}EE")])
            .and_then(|certificate| self.store.verify_path(AnchorPurpose::Csca, certificate, at()));
        match path {
            Err(error) => (Err(error.clone()), Err(error)),
            Ok(path) => {
                let status = self.revocation.begin(path, at()).and_then(|pending| pending.finish(&[], at()));
                (Ok(()), status.map(|_| ()))
            }
        }
    }
}

fn is_about(name: &str, topics: &[&str]) -> bool {
    topics.iter().any(|topic| name.contains(topic))
}

#[test]
fn nothing_invalid_is_accepted_but_for_its_policies() {
    let (suite, ..) = suite();
    let (mut accepted, mut by_path, mut revoked, mut unknown) = (BTreeSet::new(), 0, BTreeSet::new(), 0);
    let invalid = suite.called("Invalid");
    for name in &invalid {
        let (path, status) = suite.judge(name);
        let may_have_a_path = is_about(name, &ABOUT_POLICIES) || is_about(name, &ABOUT_LISTS);
        match (path, status) {
            (Err(_), _) => by_path += 1,
            (Ok(()), status) => {
                assert!(may_have_a_path, "{name} has a path");
                match status {
                    Ok(()) => drop(accepted.insert(*name)),
                    Err(Error::Revoked(_)) => drop(revoked.insert(*name)),
                    Err(Error::StatusUnavailable { .. }) => unknown += 1,
                    Err(error) => panic!("{name}: {error}"),
                }
            }
        }
    }
    assert!(POLICIES.iter().all(|name| is_about(name, &ABOUT_POLICIES)));
    assert_eq!(accepted, POLICIES.iter().copied().collect());
    assert_eq!(revoked, REVOKED.into_iter().collect());
    say(&format!(
        "PKITS: of {} invalid ones {by_path} have no path, {} are revoked, the status of {unknown} is not known, {} are \
         accepted because policies are not processed",
        invalid.len(),
        revoked.len(),
        accepted.len(),
    ));
}

#[test]
fn whatever_is_valid_is_accepted_or_there_is_a_reason() {
    let (suite, no_authorities, no_lists) = suite();
    let mut excused: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, said, names) in TOO_STRICT {
        for name in names {
            assert!(excused.insert(name, said).is_none(), "{name} has two reasons");
        }
    }
    let (valid, reasons) = (suite.called("Valid"), excused.len());
    for name in &valid {
        match (suite.judge(name).1, excused.remove(name)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => panic!("{name} is accepted: its reason is not needed"),
            (Err(error), None) => panic!("{name}: {error}"),
            (Err(error), Some(said)) => assert!(error.to_string().ends_with(said), "{name}: {error}"),
        }
    }
    assert!(excused.is_empty(), "{excused:?}");
    // What should become of the others depends on policies that somebody asks for.
    let mut others = suite.called("");
    others.retain(|name| !name.starts_with("Valid") && !name.starts_with("Invalid"));
    for name in &others {
        assert!(is_about(name, &["Polic", "Qualifier"]), "{name}");
        assert_eq!(suite.judge(name).1, Ok(()), "{name}");
    }
    say(&format!(
        "PKITS: of {} valid ones {} are accepted and {reasons} refused for {} reasons; {} that are about policies \
         are accepted; {} authorities and {} lists are not taken",
        valid.len(),
        valid.len() - reasons,
        TOO_STRICT.len(),
        others.len(),
        no_authorities.len(),
        no_lists.len(),
    ));
}

/// What is not taken is not of the kind, or of one that could not be the whole truth.
#[test]
fn what_is_not_taken_says_why() {
    let (_, no_authorities, no_lists) = suite();
    // The suite's wrong signatures have a length that no signature has.
    let malformed: Vec<_> =
        no_authorities.iter().filter(|said| !said.ends_with("not an authority")).collect();
    assert_eq!(malformed, ["BadSignedCACert: malformed certificate: signatureValue"]);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for said in &no_lists {
        *reasons.entry(said.split_once(": ").unwrap().1).or_default() += 1;
    }
    let expected = [
        ("malformed revocation list: signatureValue", 1),
        ("the revocation list has a critical extension that is not known", 2),
        ("the revocation list is a partial one: for attribute certificates only", 1),
        ("the revocation list is a partial one: for some reasons only", 8),
        ("the revocation list is an indirect one", 4),
        ("the revocation list is incomplete without another one (delta)", 7),
    ];
    assert_eq!(reasons, BTreeMap::from(expected));
}

/// Says something that is shown although the test passes: `println!` would be swallowed.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
