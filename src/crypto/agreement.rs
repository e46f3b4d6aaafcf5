//! Diffie-Hellman key agreement in a prime-order subgroup (ANSI X9.42, as ISO/IEC 7816-8 cards use it).

use openssl::bn::{BigNum, BigNumRef};
use zeroize::Zeroizing;

use super::number::{NumberFault, SecretNumber, bounded, bounded_odd, copy, power, to_fixed};
use super::{Error, library};
use crate::environment::Entropy;
use crate::secret::SecretBytes;

/// Sizes of p that are accepted, in bits. What real cards use is not published; 1024 is the least that
/// the card's standard knows.
pub const P_BITS: (usize, usize) = (1024, 4096);
/// The least size of q that is accepted, in bits.
pub const Q_BITS_MIN: usize = 160;

/// The extra bytes of a draw that make the remainder modulo q − 1 uniform for all purposes.
const EXTRA: usize = 8;

/// Domain parameters that hold what can be checked cheaply: sizes, parity, range of g.
///
/// That p and q are prime is not checked: whoever chose them is the peer itself, and the exponent is
/// used once.
pub struct DomainParameters {
    g: BigNum,
    p: BigNum,
    q: BigNum,
    p_less_one: BigNum,
    size: usize,
    encoded: [Vec<u8>; 3],
    prime_order: bool,
}

impl DomainParameters {
    /// Takes g, p and q as big-endian bytes.
    ///
    /// # Errors
    /// [`Error::Number`] if p or q is even or outside its size, if q exceeds p, or unless 1 < g < p − 1.
    pub fn new(g: &[u8], p: &[u8], q: &[u8]) -> Result<Self, Error> {
        let encoded = [g.to_vec(), p.to_vec(), q.to_vec()];
        let p = bounded_odd("DH p", p, P_BITS)?;
        let q = bounded_odd("DH q", q, (Q_BITS_MIN, P_BITS.1))?;
        let g = bounded("DH g", g, (1, P_BITS.1))?;
        let size = usize::try_from(p.num_bytes()).map_err(|_| Error::Library("number"))?;
        let mut p_less_one = copy(&p)?;
        p_less_one.sub_word(1).map_err(library("number"))?;
        if q >= p_less_one {
            return Err(Error::Number { name: "DH q", fault: NumberFault::OutOfRange });
        }
        let mut parameters = Self { g, p, q, p_less_one, size, encoded, prime_order: false };
        parameters.in_range("DH g", &parameters.g)?;
        let order = power(&parameters.g, &parameters.q, &parameters.p)?;
        parameters.prime_order = order.num_bits() == 1;
        Ok(parameters)
    }

    /// Length of p in bytes; public values and the secret have exactly this length.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// g, p and q byte for byte as they were given.
    #[must_use]
    pub fn as_given(&self) -> [&[u8]; 3] {
        let [g, p, q] = &self.encoded;
        [g, p, q]
    }

    /// Whether g ^ q = 1 modulo p, so that membership of a public value can be checked.
    #[must_use]
    pub fn has_order_q(&self) -> bool {
        self.prime_order
    }

    /// 1 < value < p − 1.
    fn in_range(&self, name: &'static str, value: &BigNumRef) -> Result<(), Error> {
        if value.num_bits() > 1 && *value < *self.p_less_one {
            Ok(())
        } else {
            Err(Error::Number { name, fault: NumberFault::OutOfRange })
        }
    }

    /// A peer's public value, checked: at most as long as p, in range, and a member of the subgroup
    /// where the parameters let that be told.
    fn peer(&self, public: &[u8]) -> Result<BigNum, Error> {
        let name = "DH public value";
        if public.len() > self.size {
            return Err(Error::Length { name, found: public.len() });
        }
        let value = bounded(name, public, (0, P_BITS.1))?;
        self.in_range(name, &value)?;
        if self.prime_order && power(&value, &self.q, &self.p)?.num_bits() != 1 {
            return Err(Error::Number { name, fault: NumberFault::NotInGroup });
        }
        Ok(value)
    }
}

impl std::fmt::Debug for DomainParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DomainParameters(p of {} bits, q of {} bits)", self.p.num_bits(), self.q.num_bits())
    }
}

/// An ephemeral private exponent and its public value.
pub struct KeyPair {
    x: SecretNumber,
    public: Vec<u8>,
}

impl KeyPair {
    /// Draws |q| + 8 bytes r once and takes x = 1 + (r mod (q − 1)), so that 1 ≤ x < q.
    ///
    /// # Errors
    /// [`Error::Entropy`] or [`Error::Library`].
    pub fn generate(
        parameters: &DomainParameters,
        entropy: &mut dyn Entropy,
        label: &'static str,
    ) -> Result<Self, Error> {
        let q_size = usize::try_from(parameters.q.num_bytes()).map_err(|_| Error::Library("number"))?;
        let mut drawn = Zeroizing::new(vec![0; q_size + EXTRA]);
        entropy.draw(label, &mut drawn)?;
        let drawn = SecretNumber::from_bytes(&drawn)?;

        let error = library("private exponent");
        let mut q_less_one = copy(&parameters.q)?;
        q_less_one.sub_word(1).map_err(&error)?;
        let mut context = openssl::bn::BigNumContext::new_secure().map_err(&error)?;
        let mut x = SecretNumber::new(BigNum::new().map_err(&error)?);
        x.nnmod(&drawn, &q_less_one, &mut context).map_err(&error)?;
        x.add_word(1).map_err(&error)?;

        let public = to_fixed(&*power(&parameters.g, &x, &parameters.p)?, parameters.size)?;
        Ok(Self { x, public })
    }

    /// g ^ x mod p on exactly |p| bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// peer ^ x mod p on exactly |p| bytes, leading zeros kept. The exponent is used up.
    ///
    /// # Errors
    /// [`Error::Number`] or [`Error::Length`] if the peer's value fails its checks.
    pub fn agree(self, parameters: &DomainParameters, peer: &[u8]) -> Result<SecretBytes, Error> {
        let peer = parameters.peer(peer)?;
        let secret = SecretNumber::new(power(&peer, &self.x, &parameters.p)?);
        to_fixed(&secret, parameters.size).map(SecretBytes::new)
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::EntropyError;
    use crate::vectors::bytes;

    /// Gives one draw that leads to the private exponent `x`.
    struct Exponent(Vec<u8>);

    impl Entropy for Exponent {
        fn draw(&mut self, _: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
            let mut less_one = BigNum::from_slice(&self.0).unwrap();
            less_one.sub_word(1).unwrap();
            out.copy_from_slice(&to_fixed(&less_one, out.len()).unwrap());
            Ok(())
        }
    }

    fn group() -> DomainParameters {
        DomainParameters::new(&bytes("/dh/g"), &bytes("/dh/p"), &bytes("/dh/q")).unwrap()
    }

    fn fault(result: Result<impl std::fmt::Debug, Error>) -> NumberFault {
        match result.unwrap_err() {
            Error::Number { fault, .. } => fault,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn both_sides_agree_and_leading_zeros_stay() {
        for vector in ["/dh", "/dh_leading_zero_secret"] {
            for (own, other) in [("ifd", "icc"), ("icc", "ifd")] {
                let mut entropy = Exponent(bytes(&format!("{vector}/{own}_private")));
                let pair = KeyPair::generate(&group(), &mut entropy, "DH.x").unwrap();
                assert_eq!(pair.public(), bytes(&format!("{vector}/{own}_public")));
                let secret = pair.agree(&group(), &bytes(&format!("{vector}/{other}_public"))).unwrap();
                assert_eq!(secret.expose(), bytes(&format!("{vector}/shared_secret")));
            }
        }
    }

    #[test]
    fn the_exponent_stays_below_q() {
        for drawn in [0x00, 0xFF] {
            struct All(u8);
            impl Entropy for All {
                fn draw(&mut self, _: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
                    out.fill(self.0);
                    Ok(())
                }
            }
            let pair = KeyPair::generate(&group(), &mut All(drawn), "DH.x").unwrap();
            assert!(pair.x.num_bits() > 0 && *pair.x < *group().q);
        }
    }

    #[test]
    fn public_values_out_of_range_or_group_are_refused() {
        let p = BigNum::from_slice(&bytes("/dh/p")).unwrap();
        let near = |offset: u32| {
            let mut number = p.to_owned().unwrap();
            number.sub_word(offset).unwrap();
            number.to_vec()
        };
        let agree = |public: &[u8]| {
            let pair = KeyPair::generate(&group(), &mut crate::crypto::SystemEntropy, "DH.x").unwrap();
            pair.agree(&group(), public).map(|_| ())
        };
        for public in [vec![], vec![0], vec![1], vec![0; 256], near(1), near(0)] {
            assert_eq!(fault(agree(&public)), NumberFault::OutOfRange);
        }
        assert_eq!(fault(agree(&[2])), NumberFault::NotInGroup);
        assert_eq!(fault(agree(&near(2))), NumberFault::NotInGroup);
        assert!(matches!(agree(&vec![1; 257]), Err(Error::Length { .. })));
    }

    #[test]
    fn parameters_of_any_size_are_bounded() {
        let [g, p, q] = ["/dh/g", "/dh/p", "/dh/q"].map(bytes);
        let even = |mut number: Vec<u8>| {
            *number.last_mut().unwrap() &= 0xFE;
            number
        };
        let new = DomainParameters::new;
        assert_eq!(fault(new(&g, &even(p.clone()), &q)), NumberFault::Even);
        assert_eq!(fault(new(&g, &p, &even(q.clone()))), NumberFault::Even);
        assert_eq!(fault(new(&g, &p, &[3])), NumberFault::TooSmall(2));
        assert_eq!(fault(new(&g, &p, &[])), NumberFault::TooSmall(0));
        assert_eq!(fault(new(&g, &p, &p)), NumberFault::OutOfRange);
        assert_eq!(fault(new(&g, &[], &q)), NumberFault::TooSmall(0));
        assert_eq!(fault(new(&g, &p[..64], &q)), NumberFault::TooSmall(512));
        assert_eq!(fault(new(&g, &p.repeat(3), &q)), NumberFault::TooLarge(6144));
        assert_eq!(fault(new(&[1], &p, &q)), NumberFault::OutOfRange);
        assert_eq!(fault(new(&p, &p, &q)), NumberFault::OutOfRange);
        assert_eq!(fault(new(&[0], &p, &q)), NumberFault::TooSmall(0));
        for huge in [&vec![0xFF; 60_000]; 3] {
            assert!(new(huge, huge, huge).is_err());
        }
    }

    #[test]
    fn a_generator_of_another_order_is_noticed() {
        assert!(group().has_order_q());
        assert_eq!(group().size(), 256);
        let other = DomainParameters::new(&[2], &bytes("/dh/p"), &bytes("/dh/q")).unwrap();
        assert!(!other.has_order_q());
        let pair = KeyPair::generate(&other, &mut crate::crypto::SystemEntropy, "DH.x").unwrap();
        // Membership cannot be told here; the range still is checked.
        assert!(pair.agree(&other, &[3]).is_ok());
    }

    #[test]
    fn debug_output_shows_sizes_only() {
        assert_eq!(format!("{:?}", group()), "DomainParameters(p of 2048 bits, q of 256 bits)");
        let pair = KeyPair::generate(&group(), &mut crate::crypto::SystemEntropy, "DH.x").unwrap();
        assert_eq!(format!("{pair:?}"), "KeyPair(..)");
    }
}
