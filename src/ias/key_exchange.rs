//! Diffie-Hellman key exchange with privacy (IAS ECC 1.0.1; EN 14890-1 section 8.4): SHA-256, two-key
//! triple DES, domain parameters from the card.

use zeroize::Zeroizing;

use super::{CardConstants, Error, Step};
use crate::crypto::agreement::{DomainParameters, KeyPair};
use crate::crypto::sha256;
use crate::dialogue::Step as _;
use crate::iso7816::{command, tlv};
use crate::secret::{SecretBytes, TripleDesKey};
use crate::secure_messaging::{Channel, SecureMessaging};

/// Template of security data objects.
const TEMPLATE: u32 = 0x70;
/// The Diffie-Hellman domain parameters with local number 1, and the template of their values.
const DOMAIN_PARAMETERS: [u32; 2] = [0xBF_A101, 0xA3];
/// Tags of g, p and q among the values.
const G: u8 = 0x97;
const P: u8 = 0x98;
const Q: u8 = 0x99;
/// Template and tag of the chip's ephemeral public value.
const CHIP_PUBLIC_VALUE: [u32; 2] = [0xA6, 0x91];
/// The counter starts here and is incremented before its first use.
const FIRST_SSC: u64 = 1;

/// The public values of one exchange, as transmitted: device authentication covers them.
pub(super) struct PublicValues {
    pub(super) ifd: Vec<u8>,
    pub(super) icc: Vec<u8>,
}

/// Asks for g, p and q one by one, the form that every chip family answers.
pub(super) fn read_domain_parameters(channel: &mut Channel) -> Result<DomainParameters, Error> {
    let mut read = |tag| -> Result<Vec<u8>, Error> {
        let request = domain_parameter_request(tag);
        let response = Step::ReadDomainParameters.expect_success(channel, &command::get_data(&request))?;
        domain_parameter(&response, tag).map_err(|error| Step::ReadDomainParameters.failed(error))
    };
    let (g, p, q) = (read(G)?, read(P)?, read(Q)?);
    DomainParameters::new(&g, &p, &q).map_err(|error| Step::ReadDomainParameters.failed(error))
}

/// The GET DATA template for one domain parameter.
fn domain_parameter_request(tag: u8) -> Vec<u8> {
    let [sdo, values] = DOMAIN_PARAMETERS;
    // Header lists name an empty value by length 00, and the templates around it by their lengths.
    let inner = tlv::encode(values, &[tag, 0x00]);
    tlv::encode(0x4D, &tlv::encode(TEMPLATE, &tlv::encode(sdo, &inner)))
}

fn domain_parameter(response: &[u8], tag: u8) -> Result<Vec<u8>, tlv::Error> {
    let [sdo, values] = DOMAIN_PARAMETERS;
    tlv::find_path(response, &[TEMPLATE, sdo, values, u32::from(tag)]).map(<[u8]>::to_vec)
}

/// The control reference template that sets the key agreement: algorithm 9B, parameters 81, our value.
fn agreement_template(public: &[u8]) -> Vec<u8> {
    [&[0x80, 0x01, 0x9B, 0x83, 0x01, 0x81][..], &tlv::encode(0x91, public)].concat()
}

/// KS.ENC and KS.MAC: the first 16 bytes of SHA-256 over the secret, leading zeros kept, and a counter.
fn session_keys(secret: &SecretBytes) -> (TripleDesKey, TripleDesKey) {
    let derive = |counter: u32| {
        let hash = Zeroizing::new(sha256(&[secret.expose(), &counter.to_be_bytes()]));
        let mut key = Zeroizing::new([0; 16]);
        key.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
        TripleDesKey::new(&key)
    };
    (derive(1), derive(2))
}

/// Performs the exchange; afterwards the channel is protected, by whom is not known yet.
pub(super) fn perform(channel: &mut Channel, constants: &CardConstants) -> Result<PublicValues, Error> {
    let step = Step::KeyExchange;
    let parameters = &constants.domain_parameters;
    let pair = KeyPair::generate(parameters, channel.link().entropy(), "DH.x").map_err(|e| step.failed(e))?;
    let ifd = pair.public().to_vec();

    let set = command::manage_security_environment(0x41, 0xA6, &agreement_template(&ifd));
    step.expect_success(channel, &set)?;
    let request = tlv::encode(0x4D, &tlv::encode(CHIP_PUBLIC_VALUE[0], &[0x91, 0x00]));
    let response = step.expect_success(channel, &command::get_data(&request))?;
    let icc = tlv::find_path(&response, &CHIP_PUBLIC_VALUE).map_err(|e| step.failed(e))?.to_vec();
    let secret = pair.agree(parameters, &icc).map_err(|e| step.failed(e))?;
    let (ks_enc, ks_mac) = session_keys(&secret);
    channel.protect(SecureMessaging::new(ks_enc, ks_mac, FIRST_SSC));
    Ok(PublicValues { ifd, icc })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::bytes;

    #[test]
    fn requests_and_answers_are_byte_exact() {
        for (name, tag) in [("g", G), ("p", P), ("q", Q)] {
            let command = command::get_data(&domain_parameter_request(tag)).encode().unwrap();
            assert_eq!(command.as_slice(), bytes(&format!("/dh_apdus/get_data_{name}_cmd")));
            let response = bytes(&format!("/dh_apdus/get_data_{name}_rsp"));
            assert_eq!(domain_parameter(&response, tag).unwrap(), bytes(&format!("/dh/{name}")));
            let all = bytes("/dh_apdus/get_data_all_rsp");
            assert_eq!(domain_parameter(&all, tag).unwrap(), bytes(&format!("/dh/{name}")));
            for length in 0..response.len() {
                assert!(domain_parameter(&response[..length], tag).is_err());
            }
        }
    }

    #[test]
    fn the_agreement_template_is_chained_as_in_the_vectors() {
        let template = agreement_template(&bytes("/dh/ifd_public"));
        assert_eq!(template, bytes("/dh_apdus/mse_set_kat_data"));
        let chain = command::manage_security_environment(0x41, 0xA6, &template).chain(255);
        for (index, fragment) in chain.iter().enumerate() {
            let expected = bytes(&format!("/dh_apdus/mse_set_kat_chain/{index}"));
            assert_eq!(fragment.encode().unwrap().as_slice(), expected);
        }
        let answer = bytes("/dh_apdus/get_data_icc_key_rsp");
        assert_eq!(tlv::find_path(&answer, &CHIP_PUBLIC_VALUE).unwrap(), bytes("/dh/icc_public"));
    }

    #[test]
    fn keys_are_derived_over_leading_zeros() {
        for vector in ["/dh", "/dh_leading_zero_secret"] {
            let secret = SecretBytes::new(bytes(&format!("{vector}/shared_secret")));
            let (ks_enc, ks_mac) = session_keys(&secret);
            assert_eq!(ks_enc.expose()[..], bytes(&format!("{vector}/kenc")));
            assert_eq!(ks_mac.expose()[..], bytes(&format!("{vector}/kmac")));
        }
    }
}
