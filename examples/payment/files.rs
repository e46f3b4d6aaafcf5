//! What comes from files and readers: anchors, lists, orders, cards.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use cie::emulator::SoftCard;
use cie::transport::Link;
use cie::trust::{Revocation, RevocationRules, TrustStore};

use crate::arguments::TrustArguments;

/// What a software card's name begins with.
const SOFT: &str = "soft:";
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
    let read = open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes)
}

/// Nothing but a file: whoever opens a pipe that nobody writes to waits for ever.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        let at_once = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, at_once);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a file")) }
}

/// That a new file can have this name, as far as that can be known before.
pub(crate) fn check_new(path: &Path) -> Result<(), Box<dyn Error>> {
    if path.symlink_metadata().is_ok() {
        return Err(format!("{}: exists already", path.display()).into());
    }
    let folder = std::path::absolute(path)?;
    match folder.parent() {
        Some(folder) if folder.is_dir() => Ok(()),
        _ => Err(format!("{}: no such folder", path.display()).into()),
    }
}

/// A new file, which only its owner may read: an order says who pays what.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The card on a reader, or in a file.
pub(crate) fn link(reader: &str) -> Result<Link, Box<dyn Error>> {
    match reader.strip_prefix(SOFT) {
        Some(path) => Ok(SoftCard::open(path).map_err(cie::Error::from)?.insert()),
        None => connect(reader),
    }
}

/// Nobody else may use a card that somebody pays with.
#[cfg(feature = "pcsc")]
fn connect(reader: &str) -> Result<Link, Box<dyn Error>> {
    use cie::transport::pcsc::{Service, Sharing};
    let service = Service::open().map_err(cie::Error::from)?;
    Ok(service.connect(reader, Sharing::Exclusive).map_err(cie::Error::from)?)
}

#[cfg(not(feature = "pcsc"))]
fn connect(_: &str) -> Result<Link, Box<dyn Error>> {
    Err("this build has no readers: --features pcsc".into())
}
