//! Lists that the program `openssl` makes (`openssl ca -gencrl`), and what it says of them itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::super::{Certificate, RevocationReason};
use super::super::{ListFault, RevocationList};
use super::{DAY, MINUTE};

/// An authority with its register, and what its lists say of themselves.
const CONFIGURATION: &str = "
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
unique_subject = no
x509_extensions = holder
crl_extensions = plain
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = Test authority
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[certificates_only]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[holder]
basicConstraints = CA:FALSE
crlDistributionPoints = URI:http://lists.example/all.crl
[plain]
authorityKeyIdentifier = keyid:always
[full]
authorityKeyIdentifier = keyid:always, issuer:always
issuingDistributionPoint = critical, @full_point
[full_point]
fullname = URI:http://lists.example/all.crl
onlyuser = TRUE
[elsewhere]
issuingDistributionPoint = critical, @elsewhere_point
[elsewhere_point]
fullname = URI:http://lists.example/other.crl
[relative]
issuingDistributionPoint = critical, @relative_point
[relative_point]
relativename = name
[authorities]
issuingDistributionPoint = critical, @authorities_point
[authorities_point]
onlyCA = TRUE
[attributes]
issuingDistributionPoint = critical, @attributes_point
[attributes_point]
onlyAA = TRUE
[indirect]
issuingDistributionPoint = critical, @indirect_point
[indirect_point]
indirectCRL = TRUE
[reasons]
issuingDistributionPoint = critical, @reasons_point
[reasons_point]
onlysomereasons = keyCompromise, CACompromise
[delta]
2.5.29.27 = critical, ASN1:INTEGER:1
[names_delta]
freshestCRL = URI:http://lists.example/delta.crl
[unknown]
1.2.3.4 = critical, ASN1:NULL
[known]
issuerAltName = URI:http://lists.example
authorityInfoAccess = caIssuers;URI:http://lists.example/ca.crt
1.2.3.4 = ASN1:NULL
";

struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// With a key that `openssl req -newkey` is told to make.
    fn new(new_key: &[&str]) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(authority.path().join("ca.cnf"), CONFIGURATION).unwrap();
        fs::write(authority.path().join("index.txt"), "").unwrap();
        fs::write(authority.path().join("serial"), "80FF0000000000000001\n").unwrap();
        fs::write(authority.path().join("crlnumber"), "FF\n").unwrap();
        authority.certify_itself("root", "ca", new_key);
        authority
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("openssl");
        let output = command.current_dir(self.path()).args(arguments).output();
        let output = output.expect("missing program: openssl");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
        said
    }

    fn certify_itself(&self, section: &str, file: &str, new_key: &[&str]) {
        let (key, out) = (format!("{file}.key"), format!("{file}.pem"));
        let request = ["req", "-x509", "-config", "ca.cnf", "-nodes", "-days", "90", "-extensions", section];
        self.run(&[&request[..], &["-keyout", &key, "-out", &out], new_key].concat());
    }

    fn certificate(&self, file: &str) -> Certificate {
        self.run(&["x509", "-in", &format!("{file}.pem"), "-outform", "DER", "-out", "certificate.der"]);
        Certificate::from_der(&fs::read(self.path().join("certificate.der")).unwrap()).unwrap()
    }

    fn issue(&self, file: &str) -> Certificate {
        let (request, out) = (format!("{file}.csr"), format!("{file}.pem"));
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "holder.key"];
        let subject = format!("/CN={file}");
        let asked = ["req", "-config", "ca.cnf", "-nodes", "-subj", &subject, "-out", &request];
        self.run(&[&asked[..], &new_key].concat());
        self.run(&["ca", "-batch", "-config", "ca.cnf", "-in", &request, "-out", &out, "-notext"]);
        self.certificate(file)
    }

    fn revoke(&self, file: &str, how: &[&str]) {
        let file = format!("{file}.pem");
        self.run(&[&["ca", "-config", "ca.cnf", "-revoke", &file][..], how].concat());
    }

    /// The list of the register as it is now, in PEM and in DER.
    fn list(&self, options: &[&str]) -> Result<RevocationList, ListFault> {
        self.run(&[&["ca", "-config", "ca.cnf", "-gencrl", "-out", "list.pem"][..], options].concat());
        self.run(&["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der"]);
        let pem = RevocationList::from_bytes(&fs::read(self.path().join("list.pem")).unwrap());
        let der = RevocationList::from_bytes(&fs::read(self.path().join("list.der")).unwrap());
        assert_eq!(pem.as_ref().map(RevocationList::len), der.as_ref().map(RevocationList::len));
        assert!(self.run(&["crl", "-in", "list.pem", "-CAfile", "ca.pem", "-noout"]).contains("verify OK"));
        der
    }
}

const EC: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];

#[test]
fn a_register_and_its_lists() {
    let authority = Authority::new(&EC);
    let issuer = authority.certificate("ca");
    let empty = authority.list(&[]).unwrap();
    assert!(empty.is_empty());

    let reasons = [
        (vec![], None),
        (vec!["-crl_reason", "unspecified"], Some(RevocationReason::Unspecified)),
        (vec!["-crl_reason", "keyCompromise"], Some(RevocationReason::KeyCompromise)),
        (vec!["-crl_reason", "CACompromise"], Some(RevocationReason::AuthorityCompromise)),
        (vec!["-crl_reason", "affiliationChanged"], Some(RevocationReason::AffiliationChanged)),
        (vec!["-crl_reason", "superseded"], Some(RevocationReason::Superseded)),
        (vec!["-crl_reason", "cessationOfOperation"], Some(RevocationReason::CessationOfOperation)),
        (vec!["-crl_reason", "certificateHold"], Some(RevocationReason::Hold)),
        // These also write invalidityDate and holdInstructionCode.
        (vec!["-crl_compromise", "20250101000000Z"], Some(RevocationReason::KeyCompromise)),
        (vec!["-crl_CA_compromise", "20250101000000Z"], Some(RevocationReason::AuthorityCompromise)),
        (vec!["-crl_hold", "holdInstructionReject"], Some(RevocationReason::Hold)),
    ];
    let good = authority.issue("good");
    let mut revoked = Vec::new();
    for (number, (how, reason)) in reasons.into_iter().enumerate() {
        let file = format!("holder{number}");
        let certificate = authority.issue(&file);
        assert_eq!(empty.status(&certificate), Ok(None));
        authority.revoke(&file, &how);
        revoked.push((file, certificate, reason));
    }

    let list = authority.list(&[]).unwrap();
    let now = list.this_update();
    assert_eq!(list.next_update(), now + 7 * DAY);
    assert_eq!(list.check_issuer(&issuer, false), Ok(()));
    assert_eq!(list.check_issuer(&good, false), Err(ListFault::OtherIssuer));
    assert_eq!(list.check_fresh(now, MINUTE, Some(MINUTE)), Ok(()));
    assert_eq!(list.len(), revoked.len());
    assert_eq!(list.status(&good), Ok(None));
    let verify = |file: &str| {
        let mut command = Command::new("openssl");
        let arguments = ["verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "list.pem"];
        let file = format!("{file}.pem");
        command.current_dir(authority.path()).args(arguments).arg(file).output().unwrap().status.success()
    };
    assert!(verify("good"));
    for (file, certificate, reason) in &revoked {
        let found = list.status(certificate).unwrap().unwrap();
        assert_eq!(found.reason, *reason, "{file}");
        assert!(found.since <= now && found.since + 10 * MINUTE > now);
        assert!(!verify(file), "{file}");
    }

    // The same name and identifier, but not allowed to; the same name, but another key.
    authority.certify_itself("certificates_only", "forbidden", &["-key", "ca.key"]);
    let forbidden = authority.certificate("forbidden");
    assert_eq!(list.check_issuer(&forbidden, false), Err(ListFault::IssuerMayNotSign));
    authority.certify_itself("root", "other", &EC);
    let other = authority.certificate("other");
    assert_eq!(list.check_issuer(&other, false), Err(ListFault::OtherIssuer));

    let status = |section: &str| authority.list(&["-crlexts", section])?.status(&revoked[0].1);
    for section in ["full", "known"] {
        assert!(status(section).unwrap().is_some(), "{section}");
    }
    let faults = [
        ("elsewhere", ListFault::OtherScope),
        ("relative", ListFault::OtherScope),
        ("authorities", ListFault::OtherScope),
        ("attributes", ListFault::PartialScope("for attribute certificates only")),
        ("reasons", ListFault::PartialScope("for some reasons only")),
        ("indirect", ListFault::Indirect),
        ("delta", ListFault::Delta),
        ("names_delta", ListFault::Delta),
        ("unknown", ListFault::UnknownCritical),
    ];
    for (section, fault) in faults {
        assert_eq!(status(section), Err(fault), "{section}");
    }
    let of_authority = authority.list(&["-crlexts", "full"]).unwrap();
    assert_eq!(of_authority.status(&issuer), Err(ListFault::OtherScope));
}

#[test]
fn signatures_of_every_kind() {
    let authority = Authority::new(&["-newkey", "rsa:2048"]);
    let issuer = authority.certificate("ca");
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt"];
    let kinds: [(&[&str], bool); 7] = [
        (&[], false),
        (&["-md", "sha384"], false),
        (&["-md", "sha512"], false),
        (&[&pss[..], &["rsa_pss_saltlen:32"]].concat(), false),
        (&[&pss[..], &["rsa_pss_saltlen:0", "-md", "sha512"]].concat(), false),
        (&["-md", "sha1"], true),
        (&[&pss[..], &["rsa_pss_saltlen:20", "-md", "sha1"]].concat(), true),
    ];
    for (options, is_legacy) in kinds {
        let list = authority.list(options).unwrap();
        let strict = if is_legacy { Err(ListFault::TooWeak) } else { Ok(()) };
        assert_eq!(list.check_issuer(&issuer, false), strict, "{options:?}");
        assert_eq!(list.check_issuer(&issuer, true), Ok(()), "{options:?}");
    }
    for digest in ["md5", "sha224", "sha3-256"] {
        let list = authority.list(&["-md", digest]).unwrap();
        assert_eq!(list.check_issuer(&issuer, true), Err(ListFault::TooWeak), "{digest}");
    }
}
