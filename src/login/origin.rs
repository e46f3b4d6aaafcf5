//! The origin of a portal (RFC 6454): what a browser says of the page that asked, and what a login is bound to.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest origin, in characters: that of the Web eID application.
const LENGTH_MAX: usize = 255;
const SCHEME: &str = "https://";
/// The port of the scheme, which is left out.
const DEFAULT_PORT: &str = "443";

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Longer than 255 characters.
    #[error("an origin has at most 255 characters")]
    TooLong,
    /// It does not begin with `https://`, in small letters.
    #[error("an origin begins with https://")]
    Scheme,
    /// Behind the host comes something else than a port: a path, a slash at the end, a query.
    #[error("an origin ends behind its host and port, without a slash")]
    Path,
    /// The host is not written as browsers write it: in small letters, in punycode, without a dot at the end.
    #[error("the host of an origin is written in small letters, in punycode, without a dot at its end")]
    Host,
    /// The port is no number from 1 to 65535, or is 443, which is left out.
    #[error("the port of an origin is a number, and left out if it is 443")]
    Port,
}

/// `https://host` or `https://host:port`, exactly as browsers write it (the ASCII serialisation of RFC 6454 section
/// 6.2): two origins are the same if their texts are. What is written otherwise is refused, not put right: somebody
/// would compare it with what a browser sends.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Takes an origin as a browser writes it.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text.len() > LENGTH_MAX {
            return Err(OriginError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(OriginError::Scheme)?;
        if rest.contains(['/', '?', '#', '\\', '@']) {
            return Err(OriginError::Path);
        }
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        if !is_host(host) {
            return Err(OriginError::Host);
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(OriginError::Port);
        }
        Ok(Self(text.to_owned()))
    }

    /// The origin as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| canonical(parsed) == address);
    }
    let labels = host.split('.');
    // What ends in a number is an IPv4 address to a browser, however it is written.
    let is_number = |label: &str| {
        let hexadecimal =
            label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
        hexadecimal || !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit())
    };
    if labels.clone().next_back().is_some_and(is_number) {
        return host.parse::<Ipv4Addr>().is_ok_and(|parsed| parsed.to_string() == host);
    }
    host.len() <= 253 && labels.clone().all(is_label)
}

/// Without the dotted form of addresses that embed one of IPv4: browsers write those in hexadecimal.
fn canonical(address: Ipv6Addr) -> String {
    let text = address.to_string();
    if !text.contains('.') {
        return text;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0xFFFF, high, low] => format!("::ffff:{high:x}:{low:x}"),
        [0, 0, 0, 0, 0, 0, high, low] => format!("::{high:x}:{low:x}"),
        _ => text,
    }
}

/// A label of a host name (RFC 1123 section 2.1), in small letters; internationalised names in punycode. Browsers take
/// the underscore as well.
fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    matches!(label.len(), 1..=63)
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_port(port: &str) -> bool {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    digits && port != DEFAULT_PORT && port.parse::<u16>().is_ok()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0)
    }
}

impl std::str::FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_as_browsers_write_them() {
        for text in [
            "https://portale.comune.example.it",
            "https://localhost:8443",
            "https://127.0.0.1:9443",
            "https://[::1]:8443",
            "https://[2001:db8::7]",
            "https://xn--citt-5na.example",
            "https://a",
            "https://old_portal.example",
            "https://1a.example:65535",
            "https://47f0-46-131-86-189.ngrok-free.app",
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        use OriginError::{Host, Path, Port, Scheme, TooLong};
        let long = format!("https://{}", "a.".repeat(150));
        for (text, error) in [
            ("", Scheme),
            ("http://example.it", Scheme),
            ("HTTPS://example.it", Scheme),
            (" https://example.it", Scheme),
            ("wss://example.it", Scheme),
            ("https:/example.it", Scheme),
            ("https://example.it/", Path),
            ("https://example.it/login", Path),
            ("https://example.it?x", Path),
            ("https://example.it#x", Path),
            ("https://user@example.it", Path),
            ("https://example.it\\x", Path),
            ("https://", Host),
            ("https://Example.it", Host),
            ("https://example.it.", Host),
            ("https://.example.it", Host),
            ("https://example..it", Host),
            ("https://-example.it", Host),
            ("https://example-.it", Host),
            ("https://città.example", Host),
            ("https://exa mple.it", Host),
            ("https://example.it\n", Host),
            ("https://exam%70le.it", Host),
            ("https://127.1", Host),
            ("https://0x7f.0.0.1", Host),
            ("https://127.0.0.0x1", Host),
            ("https://2130706433", Host),
            ("https://010.0.0.1", Host),
            ("https://256.0.0.1", Host),
            ("https://[0:0:0:0:0:0:0:1]", Host),
            ("https://[::FFFF]", Host),
            ("https://[::1", Host),
            ("https://example.it:", Port),
            ("https://example.it:443", Port),
            ("https://example.it:0", Port),
            ("https://example.it:08443", Port),
            ("https://example.it:65536", Port),
            ("https://example.it:+443", Port),
            ("https://example.it:x", Port),
            (&long, TooLong),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text}");
        }
    }
}
