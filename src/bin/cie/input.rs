//! Whole files and standard input, up to a length.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The content of a file, or of standard input for `-`. What is longer than `most` bytes is read one byte further, so
/// that it is seen to be. It is cleared in the end: some of what is read has a PIN in it.
pub(crate) fn read(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let most = u64::try_from(most).map_or(u64::MAX, |most| most.saturating_add(1));
    let content = |input: &mut dyn Read, length: u64| {
        // With room for all of it: what grows leaves copies behind.
        let room = usize::try_from(length.min(most).saturating_add(1)).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        input.take(most).read_to_end(&mut bytes).map(|_| bytes)
    };
    let read = || -> io::Result<Zeroizing<Vec<u8>>> {
        if path == Path::new("-") {
            return content(&mut io::stdin().lock(), 1 << 16);
        }
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        content(&mut file, length)
    };
    read().map_err(|error| Failure::input(path, &error))
}
