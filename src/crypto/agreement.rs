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
