//! What is written into a software card when it is made: files, keys, PIN and PUK.

use serde::{Deserialize, Serialize};

use crate::crypto::generate::GeneratedKey;

/// Identifier of EF.ATR, in the root.
pub(super) const EF_ATR_IDENTIFIER: u16 = 0x2F01;

/// The directory that holds an elementary file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directory {
    /// The root of the IAS application, which is the master file.
    Root,
    /// The CIE application under it.
    Cie,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadAccess {
    /// Anyone, in clear or protected.
    Always,
    /// Whoever completed device authentication and showed the PIN, over secure messaging.
    Holder,
}

/// An elementary file with its content, zero padding included.
#[derive(Clone, Serialize, Deserialize)]
pub struct ElementaryFile {
    /// Where it lies.
    pub directory: Directory,
    /// File identifier, two bytes.
    pub identifier: u16,
    /// Short identifier, five bits.
    pub short_identifier: u8,
    /// Who may read it.
    pub access: ReadAccess,
    /// All bytes of the file.
    #[serde(with = "hex")]
    pub content: Vec<u8>,
}

impl std::fmt::Debug for ElementaryFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ElementaryFile({:04X}, {} bytes)", self.identifier, self.content.len())
    }
}

/// An RSA key of the card. The primes may be unknown (empty), which makes it slower.
#[derive(Clone, Serialize, Deserialize)]
pub struct CardKey {
    /// Modulus.
    #[serde(with = "hex")]
    pub modulus: Vec<u8>,
    /// Public exponent.
    #[serde(with = "hex")]
    pub public_exponent: Vec<u8>,
    /// Private exponent.
    #[serde(with = "hex")]
    pub private_exponent: Vec<u8>,
    /// First prime, or empty.
    #[serde(with = "hex")]
    pub prime_p: Vec<u8>,
    /// Second prime, or empty.
    #[serde(with = "hex")]
    pub prime_q: Vec<u8>,
}

impl From<GeneratedKey> for CardKey {
    fn from(key: GeneratedKey) -> Self {
        Self {
            modulus: key.modulus,
            public_exponent: key.public_exponent,
            private_exponent: key.private_exponent,
            prime_p: key.prime_p,
            prime_q: key.prime_q,
        }
    }
}

impl std::fmt::Debug for CardKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardKey({} bytes)", self.modulus.len())
    }
}

/// The key under which terminals certify themselves (key 84, SDO BFA004): public part and names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificationKey {
    /// Modulus, without leading zeros.
    #[serde(with = "hex")]
    pub modulus: Vec<u8>,
    /// Public exponent; as long as the modulus, see the IAS protocol page.
    #[serde(with = "hex")]
    pub public_exponent: Vec<u8>,
    /// Certificate holder reference: four filler bytes and the name of the key.
    #[serde(with = "hex")]
    pub holder_reference: Vec<u8>,
    /// Certificate holder authorisation: six bytes of application identifier and a role.
    #[serde(with = "hex")]
    pub holder_authorisation: Vec<u8>,
}

/// Diffie-Hellman domain parameters (SDO BFA101), as GET DATA gives them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DhGroup {
    /// Generator.
    #[serde(with = "hex")]
    pub g: Vec<u8>,
    /// Prime modulus.
    #[serde(with = "hex")]
    pub p: Vec<u8>,
    /// Order of the generator.
    #[serde(with = "hex")]
    pub q: Vec<u8>,
}

/// Everything that makes one card different from another.
#[derive(Clone, Serialize, Deserialize)]
pub struct Personalisation {
    /// All elementary files. The content of EF.ATR (2F01 in the root) is only a placeholder: a card made
    /// of this has the one of its chip.
    pub files: Vec<ElementaryFile>,
    /// Key 81: the holder's authentication and signature key (certificate in EF 1003).
    pub holder_key: CardKey,
    /// Key 82: device authentication (public part in EF 1004).
    pub device_key: CardKey,
    /// Key 83: services key, usable without a PIN (public part in EF 1005).
    pub services_key: CardKey,
    /// Key 84: terminals certify themselves under it.
    pub certification_key: CertificationKey,
    /// Key agreement.
    pub dh_group: DhGroup,
    /// SN.ICC, eight bytes.
    pub serial_number: [u8; 8],
    /// PIN, eight ASCII digits.
    pub pin: [u8; 8],
    /// PUK, eight ASCII digits.
    pub puk: [u8; 8],
}

impl std::fmt::Debug for Personalisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Personalisation({} files)", self.files.len())
    }
}
