//! When a private key was used: `privateKeyUsagePeriod` (RFC 3280 section 4.2.1.4, ICAO 9303-12 section 7.1.1).

use std::time::SystemTime;

use der::Decode as _;
use der::asn1::GeneralizedTime;

use crate::iso7816::tlv;
use crate::trust::Error;

/// Content bytes of 2.5.29.16.
pub(super) const OID: &[u8] = &hex_literal::hex!("551D10");

/// The beginning of a `PrivateKeyUsagePeriod`, a GeneralizedTime under a tag of its own, if it is told.
pub(super) fn begins(extension: &[u8]) -> Result<Option<SystemTime>, Error> {
    let malformed = Error::Malformed("privateKeyUsagePeriod");
    let period = tlv::parse(extension).map_err(|_| malformed.clone())?;
    let times: Result<Vec<_>, _> = tlv::Reader::new(period.value).collect();
    let times = times.map_err(|_| malformed.clone())?;
    let Some(from) = times.iter().find(|object| object.tag.0 == 0x80) else { return Ok(None) };
    let time = GeneralizedTime::from_der(&tlv::encode(0x18, from.value)).map_err(|_| malformed)?;
    Ok(Some(SystemTime::UNIX_EPOCH + time.to_unix_duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_may_be_told() {
        let time = |tag, text: &[u8]| tlv::encode(tag, text);
        let both = [time(0x80, b"20260101000000Z"), time(0x81, b"20260401000000Z")].concat();
        let begins = begins(&tlv::encode(0x30, &both)).unwrap().unwrap();
        let seconds = begins.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(seconds, 1_767_225_600);
        assert_eq!(super::begins(&tlv::encode(0x30, &time(0x81, b"20260401000000Z"))), Ok(None));
        for bad in [&b""[..], b"\x30\x05", &tlv::encode(0x30, &time(0x80, b"tomorrow"))] {
            assert!(super::begins(bad).is_err(), "{bad:?}");
        }
    }
}
