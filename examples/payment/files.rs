//! What comes from files and readers: anchors, lists, orders, cards, PINs.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use cie::emulator::SoftCard;
use cie::secret::Typed;
use cie::transport::Link;
use cie::trust::{Revocation, RevocationRules, TrustStore};
use zeroize::Zeroizing;

use crate::arguments::TrustArguments;

/// What a software card's name begins with.
const SOFT: &str = "soft:";
/// The longest PIN that is read, in bytes. A longer line is none.
const PIN_MAX: u64 = 64;
/// The longest revocation list, in bytes.
const LIST_MAX: u64 = 64 << 20;

/// A folder that is laid out by purpose, or one with Italy's authorities.
pub(crate) fn trust(arguments: &TrustArguments) -> Result<TrustStore, Box<dyn Error>> {
    let folder = &arguments.trust;
    let by_purpose = ["holder", "cns", "csca"].iter().any(|name| folder.join(name).is_dir());
    if !by_purpose {
        return Ok(TrustStore::load_italian(folder)?.0);
    }
    let trust = TrustStore::new();
    let trust = if arguments.allow_test_pki { trust.allow_test_pki() } else { trust };
    Ok(trust.load(folder)?)
}

/// The lists of a folder, of which each has to be one.
pub(crate) fn revocation(trust: &TrustStore, lists: &Path) -> Result<Revocation, Box<dyn Error>> {
    let revocation = Revocation::new(trust, RevocationRules::default());
    for entry in fs::read_dir(lists).map_err(|error| format!("{}: {error}", lists.display()))? {
        let path = entry?.path();
        let list = read(&path, LIST_MAX)?;
        revocation.add_list(&list).map_err(|fault| format!("{}: {fault}", path.display()))?;
    }
    Ok(revocation)
}

/// A file, but no more of it than one byte too many.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes)
}

/// A new file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The card on a reader, or in a file.
pub(crate) fn link(reader: &str) -> Result<Link, Box<dyn Error>> {
    match reader.strip_prefix(SOFT) {
        Some(path) => Ok(SoftCard::open(path)?.insert()),
        None => connect(reader),
    }
}

/// Nobody else may use a card that somebody pays with.
#[cfg(feature = "pcsc")]
fn connect(reader: &str) -> Result<Link, Box<dyn Error>> {
    use cie::transport::pcsc::{Service, Sharing};
    Ok(Service::open()?.connect(reader, Sharing::Exclusive)?)
}

#[cfg(not(feature = "pcsc"))]
fn connect(_: &str) -> Result<Link, Box<dyn Error>> {
    Err("this build has no readers: --features pcsc".into())
}

/// The PIN from a file, or from the person. Never from an argument, which others can see.
pub(crate) fn pin(file: Option<&Path>) -> io::Result<Typed> {
    let Some(path) = file else {
        return rpassword::prompt_password("PIN: ").map(Typed::new);
    };
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(PIN_MAX).unwrap_or_default()));
    File::open(path)?.take(PIN_MAX).read_to_string(&mut text)?;
    Ok(Typed::new(text.lines().next().unwrap_or_default().to_owned()))
}
