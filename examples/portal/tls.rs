//! TLS: the server's certificate from files, or one for `localhost` under an authority that is thrown away.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum_server::tls_openssl::OpenSSLConfig;
use cie::crypto::SystemEntropy;
use cie::environment::Entropy;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509Ref};

type Error = Box<dyn std::error::Error>;

/// How long the certificates of a demonstration are good, and how much of that has to be left at a start, in days.
const DAYS: i64 = 30;
const DAYS_LEFT: u32 = 1;
const HOUR: i64 = 3600;

/// Where a certificate with its chain and the key to it lie.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// TLS 1.2 and 1.3 as Mozilla's "intermediate" has them. HTTP/1.1 only: nothing is negotiated.
pub(crate) fn config(files: &Files) -> Result<OpenSSLConfig, Error> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    let read = |path: &Path| format!("{}: no certificate, or not of this key", path.display());
    acceptor.set_certificate_chain_file(&files.certificate).map_err(|_| read(&files.certificate))?;
    acceptor.set_private_key_file(&files.key, SslFiletype::PEM).map_err(|_| read(&files.key))?;
    acceptor.check_private_key()?;
    Ok(OpenSSLConfig::from_acceptor(Arc::new(acceptor.build())))
}

/// A throw-away authority and a certificate for `localhost` below a folder, which are made if there are none or they
/// are about to end. The authority's certificate is `ca.pem`.
pub(crate) fn throw_away(folder: &Path) -> Result<Files, Error> {
    let authority = folder.join("ca.pem");
    let files = Files { certificate: folder.join("server.pem"), key: folder.join("server.key") };
    if !is_good(&files, &authority) {
        fs::create_dir_all(folder)?;
        let (ca, ca_key) = make_authority()?;
        let (server, key) = make_server(&ca, &ca_key)?;
        write(&files.key, &key.private_key_to_pem_pkcs8()?, 0o600)?;
        write(&files.certificate, &server.to_pem()?, 0o644)?;
        // Last: with it the set is whole. The authority's key ends here: it signs nothing else.
        write(&authority, &ca.to_pem()?, 0o644)?;
    }
    Ok(files)
}

/// Whether the three files belong together and will do for another day.
fn is_good(files: &Files, authority: &Path) -> bool {
    let look = || -> Result<bool, Error> {
        let ca = X509::from_pem(&fs::read(authority)?)?;
        let server = X509::from_pem(&fs::read(&files.certificate)?)?;
        let key = PKey::private_key_from_pem(&fs::read(&files.key)?)?;
        let soon = Asn1Time::days_from_now(DAYS_LEFT)?;
        let lasts = |certificate: &X509Ref| certificate.not_after() > soon;
        let signed = server.verify(&*ca.public_key()?)?;
        Ok(lasts(&ca) && lasts(&server) && signed && server.public_key()?.public_eq(&key))
    };
    look().unwrap_or(false)
}

fn make_authority() -> Result<(X509, PKey<Private>), Error> {
    let key = new_key()?;
    // A name of its own each time: browsers keep authorities by name.
    let mut number = [0; 4];
    SystemEntropy.draw("name", &mut number)?;
    let name = name_of(&format!("TEST - portal demonstration {}", hex::encode(number)))?;
    let mut builder = builder(&name, &name, &key)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}

fn make_server(ca: &X509, ca_key: &PKey<Private>) -> Result<(X509, PKey<Private>), Error> {
    let key = new_key()?;
    let mut builder = builder(&*name_of("localhost")?, ca.subject_name(), &key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let context = builder.x509v3_context(Some(ca), None);
    let extensions = [
        SubjectAlternativeName::new().dns("localhost").ip("127.0.0.1").ip("::1").build(&context)?,
        SubjectKeyIdentifier::new().build(&context)?,
        AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
    ];
    for extension in extensions {
        builder.append_extension(extension)?;
    }
    builder.sign(ca_key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}

fn new_key() -> Result<PKey<Private>, Error> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

fn name_of(common_name: &str) -> Result<X509Name, Error> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn builder(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
) -> Result<X509Builder, Error> {
    let mut serial = [0; 16];
    SystemEntropy.draw("serial number", &mut serial)?;
    // Positive, and as long every time (RFC 5280 section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7F | 0x40;
    }
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&*BigNum::from_slice(&serial)?)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    // A browser's clock may be slow.
    builder.set_not_before(&*Asn1Time::from_unix(now - HOUR)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now + DAYS * 24 * HOUR)?)?;
    Ok(builder)
}

/// Writes a file anew, so that an old one's permissions do not count.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    Ok(options.open(path)?.write_all(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_once_and_anew_when_they_do_not_fit() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        let files = throw_away(&folder).unwrap();
        let authority = folder.join("ca.pem");
        config(&files).unwrap();
        let first = fs::read(&files.certificate).unwrap();
        throw_away(&folder).unwrap();
        assert_eq!(fs::read(&files.certificate).unwrap(), first);

        let (other, _) = make_authority().unwrap();
        fs::write(&authority, other.to_pem().unwrap()).unwrap();
        throw_away(&folder).unwrap();
        assert_ne!(fs::read(&files.certificate).unwrap(), first);
        assert!(is_good(&files, &authority));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // The authority's key is nowhere.
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    }
}
