//! Messages between a browser and a program beside it (native messaging): four bytes of length, then JSON.

use std::io::{self, Read, Write};
use std::ops::RangeInclusive;

/// Length of a message in bytes, shortest and longest: those of the Web eID application. Its extension sends no longer
/// ones.
pub const MESSAGE_LENGTH: RangeInclusive<usize> = 5..=8192;

/// Why there is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// Its length is out of bounds. What follows was not read.
    #[error("a message has 5 to 8192 bytes, not {0}")]
    Length(u32),
    /// It ended before its length was over.
    #[error("a message was cut off")]
    Truncated,
    /// Reading or writing failed.
    #[error("the browser cannot be reached: {0}")]
    Io(io::ErrorKind),
}

/// Reads the next message; `None` when there is none and the browser has closed its end.
///
/// # Errors
/// [`FramingError`].
pub fn read_message(input: &mut impl Read) -> Result<Option<Vec<u8>>, FramingError> {
    let mut length = Vec::with_capacity(4);
    read_up_to(input, 4, &mut length)?;
    let length = match <[u8; 4]>::try_from(length.as_slice()) {
        Ok(bytes) => u32::from_ne_bytes(bytes),
        Err(_) if length.is_empty() => return Ok(None),
        Err(_) => return Err(FramingError::Truncated),
    };
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !MESSAGE_LENGTH.contains(&size) {
        return Err(FramingError::Length(length));
    }
    let mut message = Vec::with_capacity(size);
    read_up_to(input, size, &mut message)?;
    if message.len() == size { Ok(Some(message)) } else { Err(FramingError::Truncated) }
}

fn read_up_to(input: &mut impl Read, most: usize, bytes: &mut Vec<u8>) -> Result<(), FramingError> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    input.by_ref().take(most).read_to_end(bytes).map(drop).map_err(|error| FramingError::Io(error.kind()))
}

/// Writes one message and sends it off. What this crate answers is shorter than any browser's limit (1 MiB).
///
/// # Errors
/// [`FramingError::Io`], also if the message is longer than a length can say.
pub fn write_message(output: &mut impl Write, message: &str) -> Result<(), FramingError> {
    let failed = |error: io::Error| FramingError::Io(error.kind());
    let length = u32::try_from(message.len()).map_err(|_| FramingError::Io(io::ErrorKind::InvalidInput))?;
    // In one piece: a browser that reads in between sees no half of it.
    output.write_all(&[&length.to_ne_bytes(), message.as_bytes()].concat()).map_err(failed)?;
    output.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(length: u32, body: &[u8]) -> Vec<u8> {
        [&length.to_ne_bytes(), body].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut wire = Vec::new();
        write_message(&mut wire, "{\"a\":1}").unwrap();
        write_message(&mut wire, "{\"è\":2}").unwrap();
        let mut input = wire.as_slice();
        assert_eq!(read_message(&mut input), Ok(Some(b"{\"a\":1}".to_vec())));
        assert_eq!(read_message(&mut input), Ok(Some("{\"è\":2}".as_bytes().to_vec())));
        assert_eq!(read_message(&mut input), Ok(None));
    }

    #[test]
    fn only_lengths_within_bounds_are_read() {
        for (length, good) in [
            (0, false),
            (4, false),
            (5, true),
            (8192, true),
            (8193, false),
            (1 << 20, false),
            (u32::MAX, false),
        ] {
            let body = vec![b' '; 8192];
            let wire = framed(length, &body);
            let mut input = wire.as_slice();
            let outcome = read_message(&mut input);
            match good {
                true => assert_eq!(outcome.unwrap().unwrap().len(), length as usize),
                false => {
                    assert_eq!(outcome, Err(FramingError::Length(length)));
                    assert_eq!(input.len(), body.len(), "what follows stays unread");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_no_message() {
        let whole = framed(8, b"{\"a\":10}");
        for cut in 1..whole.len() {
            assert_eq!(read_message(&mut &whole[..cut]), Err(FramingError::Truncated), "{cut}");
        }
        assert_eq!(read_message(&mut &[][..]), Ok(None));
    }

    /// What comes in pieces is put together; what fails says so.
    #[test]
    fn pieces_and_failures() {
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match self.0.split_first() {
                    Some((byte, rest)) => {
                        buffer[0] = *byte;
                        self.0 = rest;
                        Ok(1)
                    }
                    None => Err(io::ErrorKind::ConnectionReset.into()),
                }
            }
        }
        let whole = framed(5, b"{   }");
        let mut slow = Slow(&whole);
        assert_eq!(read_message(&mut slow), Ok(Some(b"{   }".to_vec())));
        assert_eq!(read_message(&mut slow), Err(FramingError::Io(io::ErrorKind::ConnectionReset)));
    }
}
