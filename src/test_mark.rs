//! The mark that every certificate of the test PKI carries, so that no software card passes for a real
//! one.
//!
//! The software card's PKI writes it, the trust store looks for it; both take it from here.

/// Organisation (O) in the subject of every test certificate.
pub const ORGANISATION: &str = "TEST - NOT A REAL CARD";

/// Object identifier of the private, non-critical extension; its value is a `UTF8String` with
/// [`ORGANISATION`].
///
/// It is made from the UUID ccf8b619-dfb8-425d-a0c8-56b7e05185fc, in seven pieces under the arc that
/// Microsoft set aside for identifiers made that way. The arc 2.25 takes a UUID in one piece of 128
/// bits, but many decoders stop at 32 bits and would refuse the whole certificate.
pub const EXTENSION_OID: &str = "1.2.840.113556.1.8000.2554.52472.46617.57272.16989.41160.5683168.5342716";

/// Content bytes of the same object identifier in DER, without tag and length.
pub const EXTENSION_OID_DER: &[u8] =
    &hex_literal::hex!("2A864886F71401BE40937A83997882EC1983BF3881845D82C14882DAEF6082C68B7C");
