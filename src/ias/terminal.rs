//! The keys with which a terminal authenticates itself to the card.
//!
//! The ones that every terminal of this card uses are public: they stand in the source of the
//! ministry's own middleware for every platform. They do not say who the terminal is; the mechanism
//! makes an encrypted channel, and the card cannot tell one terminal from another.

use hex_literal::hex;

use super::Cause;
use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use crate::crypto::{self, NumberFault};

/// Serial number of the published terminal (SN.IFD).
pub const PUBLISHED_SERIAL_NUMBER: [u8; 8] = hex!("2000000000000001");

/// Modulus of the published terminal key.
pub const PUBLISHED_MODULUS: [u8; 256] = hex!(
    "BA2837AB4C6BB827577BFF4EB7B1E49CDDE0F16614D1EF24C1B75CF70FB12CD1"
    "8F4D14E2814BA4877EA800E175906076B562BA535973C5D8B378051D8AFC7407"
    "A1D919529E03C106CDA18D699AFB0D8AB4FDDD9DC719159A50DE9468F02AB103"
    "E282A50E716EC23CDA5BFC4A232B09A4B2C70745939549099B4483CBAE62D009"
    "9674DBF6F39B7223A99D88E33F1A0CDEDEEBBDC35517ABE9880AAB240E1EA166"
    "283A274A9AD93B4B1D19F3679F3E8B5FF6A1E0ED736E84D5ABE03C59E7346B42"
    "18755D75366CBF4136F0A26C3DC70A69ABAAF66E13A1B2FAAD052CA6EC9C51E2"
    "AED14D16E090254DC3F64EA2BD8A836BBA99DEFACBA3A613AEEDD93A9615273D"
);

/// Private exponent of the published terminal key. Public despite its name.
pub const PUBLISHED_PRIVATE_EXPONENT: [u8; 256] = hex!(
    "4716C2A38CCC7A07B415EB1A6175F2AAA0E49CEAF1BA75CBA09A684B04D81118"
    "79D3E2CCD8B94D3C5CF6C55753F0ED9587910B3C77258A01460FE84C2EDE5764"
    "EEBE9C37FB95CD69CEAF09F4B1357C276314AB43EC5B3CEFB0403F868F688E2E"
    "C09A4973E987756F8DA7A101A2CA75A54A8C4CCF9A1B6147E4DE56423AF70B20"
    "67179C5EEB646867863478D752C7F412DB277541575AA0619D30BCCC8D87E617"
    "0B33439A2C93F2D97E18C0A82343A6012A5BB1822808F01B5CFD85673AC0964C"
    "5F3CFD2DAF8142359764A9ADB9E3F76DB613461C1BC913DC9AC0AB50D365F77C"
    "B93194C98AA966D89CDD555125A5E59ECF4FA3F0C3FD610CD3D056439338FD81"
);

/// The factors of [`PUBLISHED_MODULUS`]. They are nowhere published as such, but whoever has both exponents of a
/// modulus has its factors. With them the terminal's proof takes a third of the time.
pub const PUBLISHED_PRIMES: [[u8; 128]; 2] = [
    hex!(
        "E9281D696BCF26576ADA4491BDBB48057CDD3E78D846D9616469E2B48151098D"
        "B688704F676EB93F7ED50C7A725BFDA26BFF10630A0AA9658684B881E007F0F1"
        "A53208DA67E2D62216B01990DBBC93CB2870B99F87742FFA87A17129C9FAD525"
        "F6CF2AE6F45A04C0FC0750F2CA4D5B4F54273FC5993BA965851D38EFA92C36DD"
    ),
    hex!(
        "CC654A024BDF9C450AF93E9CDB0E08869E457166F032D961FAB56A34230A9500"
        "9ED7762D25A04C34B55FB455CEDF7398DB580837E8DCC070D72B260427754C14"
        "6E7641950A7880FE0CB3B39EC7E4C96FA36DAAB3E996302E13F78503BB133425"
        "3DD2044965FF77FA04D8F75727291D8C2457F910A3AB7F6A19ED7DCFD0A43BE1"
    ),
];

/// Private exponent of the authority that certifies published terminals. The modulus that belongs to it
/// is read from the card. Public despite its name.
pub const PUBLISHED_AUTHORITY_EXPONENT: [u8; 256] = hex!(
    "186B31488C25DCF85D953D3630C0D073BA1C6AA24581AD254F3B6719C5D72CCA"
    "3E5CDC5A1E5316578D75954FF73B237B532C9F8DE4A2C4C911385A23E63E33E4"
    "7EE45E66EFD49B18E02CFF87598C39109E8F86A66BC330249CE3FCAD655DCDBF"
    "98C9C5E479321AF53B517D041061880A647BBE0FF813683470E6C50094CE81D0"
    "64E204E351BD3AE0A7947D8E91C3FD5C0A15233C349A5215A4E66E21C5D33498"
    "E71991EA24473B29F1475F6FD9BE3996E19BD474FAD1B41EA0DCD2FC16C9BFFA"
    "071BFEC1B22415184811C1985FBFE3E7B4F44A4B3C8DFAB4D90CECFC5E608D67"
    "3E6762C62CB798341271149BA688162EC7D0E3468F65A94AB4AD1AB67E37BFC1"
);

/// Public exponent of every terminal key, as it stands in the card-verifiable certificate.
pub const TERMINAL_PUBLIC_EXPONENT: [u8; 4] = hex!("00010001");

/// Who signs the terminal's certificate.
enum Authority {
    /// The published exponent, applied to whatever modulus the card shows: nothing secret is at risk.
    Published,
    /// A key of one's own: used only if the card's modulus is this one.
    Own(RsaPrivateKey),
}

/// A terminal's identity: serial number, key, and the key of the authority that certifies it.
pub struct Terminal {
    serial_number: [u8; 8],
    modulus: Vec<u8>,
    key: RsaPrivateKey,
    authority: Authority,
}

impl Terminal {
    /// The terminal that every CIE accepts.
    ///
    /// # Errors
    /// [`crypto::Error::Library`] if OpenSSL cannot hold the key.
    pub fn published() -> Result<Self, crypto::Error> {
        let (e, d, [p, q]) = (&TERMINAL_PUBLIC_EXPONENT, &PUBLISHED_PRIVATE_EXPONENT, &PUBLISHED_PRIMES);
        Ok(Self {
            serial_number: PUBLISHED_SERIAL_NUMBER,
            modulus: PUBLISHED_MODULUS.to_vec(),
            key: RsaPrivateKey::with_primes(&PUBLISHED_MODULUS, e, d, p, q)?,
            authority: Authority::Published,
        })
    }

    /// A terminal with keys of its own, each a pair (modulus, private exponent) of 2048 bits; the public
    /// exponent is 65537. The authority's exponent is never applied to another modulus than its own.
    ///
    /// # Errors
    /// [`crypto::Error::Number`] if a modulus is even or not of 2048 bits, [`crypto::Error::BadSignature`] if
    /// an exponent does not belong to its modulus.
    pub fn with_keys(
        serial_number: [u8; 8],
        key: (&[u8], &[u8]),
        authority: (&[u8], &[u8]),
    ) -> Result<Self, crypto::Error> {
        let own = |(modulus, exponent): (&[u8], &[u8])| {
            let key = RsaPrivateKey::new(modulus, exponent)?;
            // A block begins with 6A and must be below the modulus; and the pair must be one.
            if key.size() != 256 || key.modulus().first().is_none_or(|top| *top < 0x6B) {
                return Err(wrong_modulus(NumberFault::OutOfRange));
            }
            let block = [&[0x6A][..], &[0xA5; 254], &[0xBC]].concat();
            let public = RsaPublicKey::new(modulus, &TERMINAL_PUBLIC_EXPONENT)?;
            if public.recover(&key.sign_raw(&block)?)? != block {
                return Err(crypto::Error::BadSignature);
            }
            Ok(key)
        };
        let key = own(key)?;
        let modulus = key.modulus();
        Ok(Self { serial_number, modulus, key, authority: Authority::Own(own(authority)?) })
    }

    /// SN.IFD, eight bytes.
    #[must_use]
    pub fn serial_number(&self) -> &[u8; 8] {
        &self.serial_number
    }

    /// Modulus of the terminal's key, 256 bytes.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The terminal's key.
    #[must_use]
    pub fn key(&self) -> &RsaPrivateKey {
        &self.key
    }

    /// Signs a block for the card's certification key, whose modulus the card showed.
    ///
    /// # Errors
    /// [`Cause::ForeignAuthority`] if the modulus is not one's own authority's, [`Cause::Crypto`] if it is
    /// even, too small or of another size.
    pub fn certify(&self, card_modulus: &[u8], block: &[u8]) -> Result<Vec<u8>, Cause> {
        Ok(match &self.authority {
            Authority::Published => {
                RsaPrivateKey::new(card_modulus, &PUBLISHED_AUTHORITY_EXPONENT)?.sign_raw(block)?
            }
            Authority::Own(key) if key.modulus() == card_modulus => key.sign_raw(block)?,
            Authority::Own(_) => return Err(Cause::ForeignAuthority),
        })
    }
}

fn wrong_modulus(fault: NumberFault) -> crypto::Error {
    crypto::Error::Number { name: "certification key modulus", fault }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Terminal({})", hex::encode_upper(self.serial_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factors give what the exponent alone gives.
    #[test]
    fn the_published_key_is_one_with_and_without_its_factors() {
        let block = [&[0x6A][..], &[0xA5; 254], &[0xBC]].concat();
        let bare = RsaPrivateKey::new(&PUBLISHED_MODULUS, &PUBLISHED_PRIVATE_EXPONENT).unwrap();
        let signed = Terminal::published().unwrap().key().sign_raw(&block).unwrap();
        assert_eq!(signed, bare.sign_raw(&block).unwrap());
    }

    #[test]
    fn an_own_modulus_has_2048_bits_and_leaves_room_for_a_block() {
        let exponent = &PUBLISHED_PRIVATE_EXPONENT;
        let with_modulus = |modulus: &[u8]| {
            let pair = (&PUBLISHED_MODULUS[..], &exponent[..]);
            Terminal::with_keys([1; 8], (modulus, exponent), pair).map(|_| ())
        };
        let topped = |top: u8| [&[top], &PUBLISHED_MODULUS[1..]].concat();
        assert_eq!(with_modulus(&PUBLISHED_MODULUS), Ok(()));
        let out_of_range = Err(wrong_modulus(NumberFault::OutOfRange));
        for modulus in [
            topped(0x01),
            topped(0x69),
            topped(0x6A),
            PUBLISHED_MODULUS[1..].to_vec(),
            [&[0xBA], &PUBLISHED_MODULUS[..]].concat(),
        ] {
            assert_eq!(with_modulus(&modulus), out_of_range, "{:02X}, {} bytes", modulus[0], modulus.len());
        }
        for top in [0x6B, 0x6C, 0xFF] {
            assert_eq!(with_modulus(&topped(top)), Err(crypto::Error::BadSignature), "{top:02X}: no pair");
        }
        assert_eq!(format!("{:?}", Terminal::published().unwrap()), "Terminal(2000000000000001)");
    }
}
