//! Device authentication with privacy, both ways (IAS ECC 1.0.1; EN 14890-1 section 8.5): the terminal
//! shows a certificate and signs the chip's challenge, the chip signs the terminal's.
//!
//! Blocks follow ISO/IEC 9796-2 scheme 1 with SHA-256: 6A ‖ recoverable part ‖ hash ‖ BC.

use super::constants::CertificationKey;
use super::key_exchange::PublicValues;
use super::terminal::{TERMINAL_PUBLIC_EXPONENT, Terminal};
use super::{CardConstants, Cause, Error, Step};
use crate::crypto::{constant_time_equal, sha256};
use crate::dialogue::Step as _;
use crate::iso7816::{command, tlv};
use crate::secure_messaging::Channel;

/// Certificate profile: device authentication with privacy, 2048 bits.
const PROFILE: u8 = 0x8A;
/// Role in the certificate holder authorisation: a terminal.
const ROLE_TERMINAL: u8 = 0x01;
/// Algorithm of the certified key: device authentication with privacy and SHA-256.
const ALGORITHM: [u8; 9] = hex_literal::hex!("2A8122F42A02040104");

/// Filler of a certificate holder reference before the serial number.
const REFERENCE_FILLER: [u8; 4] = [0; 4];
const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
/// Bytes of a block that are neither header, hash nor trailer.
const OVERHEAD: usize = 1 + 32 + 1;

/// MSE data: verify certificates (algorithm 41, ISO 9796-2 with SHA-256) under key 84.
const SET_CERTIFICATE_KEY: [u8; 6] = hex_literal::hex!("800141830184");
/// MSE data: internal authentication with key 82, algorithm 9B.
const SET_DEVICE_KEY: [u8; 6] = hex_literal::hex!("84018280019B");

/// The parts of both authentication tokens that follow the random padding; the two directions swap
/// whose value comes first.
struct TokenHash<'a> {
    own_public: &'a [u8],
    own_serial: &'a [u8],
    challenge: &'a [u8],
    other_public: &'a [u8],
}

impl TokenHash<'_> {
    fn compute(&self, random: &[u8], constants: &CardConstants) -> [u8; 32] {
        let [g, p, q] = constants.domain_parameters.as_given();
        sha256(&[random, self.own_public, self.own_serial, self.challenge, self.other_public, g, p, q])
    }
}

/// Certificate holder reference of the terminal's key, 12 bytes.
fn holder_reference(terminal: &Terminal) -> Vec<u8> {
    [&REFERENCE_FILLER[..], terminal.serial_number()].concat()
}

/// What the terminal's card-verifiable certificate says: 297 bytes.
fn certificate_content(terminal: &Terminal, authority: &CertificationKey) -> Vec<u8> {
    [
        &[PROFILE][..],
        &authority.name,
        &holder_reference(terminal),
        &authority.application,
        &[ROLE_TERMINAL],
        &ALGORITHM,
        terminal.modulus(),
        &TERMINAL_PUBLIC_EXPONENT,
    ]
    .concat()
}

/// 6A ‖ recoverable ‖ hash ‖ BC.
fn block(recoverable: &[u8], hash: &[u8; 32]) -> Vec<u8> {
    [&[HEADER][..], recoverable, hash, &[TRAILER]].concat()
}

/// The data of PSO VERIFY CERTIFICATE: signature, the part of the content that it does not carry, and
/// the name of the certification key.
fn certificate_data(terminal: &Terminal, authority: &CertificationKey) -> Result<Vec<u8>, Cause> {
    let content = certificate_content(terminal, authority);
    let (recoverable, remainder) = content
        .split_at_checked(authority.modulus.len().saturating_sub(OVERHEAD))
        .ok_or(Cause::Malformed("certification key"))?;
    let signature = terminal.certify(&authority.modulus, &block(recoverable, &sha256(&[&content])))?;
    let objects =
        [tlv::encode(0x5F37, &signature), tlv::encode(0x5F38, remainder), tlv::encode(0x42, &authority.name)];
    Ok(tlv::encode(0x7F21, &objects.concat()))
}

/// The data of EXTERNAL AUTHENTICATE: SN.IFD and the terminal's signature over the chip's challenge.
fn external_token(
    terminal: &Terminal,
    random: &[u8],
    rnd_icc: &[u8; 8],
    public: &PublicValues,
    constants: &CardConstants,
) -> Result<Vec<u8>, Cause> {
    let hash = TokenHash {
        own_public: &public.ifd,
        own_serial: terminal.serial_number(),
        challenge: rnd_icc,
        other_public: &public.icc,
    };
    let signature = terminal.key().sign_raw(&block(random, &hash.compute(random, constants)))?;
    Ok([&terminal.serial_number()[..], &signature].concat())
}

/// Checks the answer to INTERNAL AUTHENTICATE: SN.ICC and the chip's signature over our challenge,
/// under the key of EF 1004.
fn check_internal_token(
    token: &[u8],
    rnd_ifd: &[u8; 8],
    public: &PublicValues,
    constants: &CardConstants,
) -> Result<(), Cause> {
    let (serial, signature) = token.split_first_chunk::<8>().ok_or(Cause::Malformed("chip's token"))?;
    let recovered = constants.device_key.recover(signature).map_err(|_| Cause::ChipNotAuthentic)?;
    let [HEADER, body @ .., TRAILER] = recovered.as_slice() else {
        return Err(Cause::ChipNotAuthentic);
    };
    let (random, found) = body.split_last_chunk::<32>().ok_or(Cause::ChipNotAuthentic)?;
    let hash = TokenHash {
        own_public: &public.icc,
        own_serial: serial,
        challenge: rnd_ifd,
        other_public: &public.ifd,
    };
    let expected = hash.compute(random, constants);
    if constant_time_equal(found, &expected) { Ok(()) } else { Err(Cause::ChipNotAuthentic) }
}

/// The counter of the authenticated channel: the low halves of both challenges.
fn authenticated_ssc(rnd_icc: [u8; 8], rnd_ifd: [u8; 8]) -> u64 {
    let low_half = 0xFFFF_FFFF;
    (u64::from_be_bytes(rnd_icc) & low_half) << 32 | (u64::from_be_bytes(rnd_ifd) & low_half)
}

/// Performs both authentications over the protected channel.
pub(super) fn perform(
    channel: &mut Channel,
    terminal: &Terminal,
    constants: &CardConstants,
    public: &PublicValues,
) -> Result<(), Error> {
    let step = Step::VerifyTerminalCertificate;
    let authority = &constants.certification_key;
    let set = command::manage_security_environment(0x81, 0xB6, &SET_CERTIFICATE_KEY).with_ne(256);
    step.expect_success(channel, &set)?;
    let certificate = certificate_data(terminal, authority).map_err(|cause| step.failed(cause))?;
    step.expect_success(channel, &command::verify_certificate(&certificate))?;

    let step = Step::ExternalAuthenticate;
    // The standard's text says B6 here; some chips take only A4, and all others take it too.
    let reference = tlv::encode(0x83, &holder_reference(terminal));
    step.expect_success(channel, &command::manage_security_environment(0x81, 0xA4, &reference))?;
    let rnd_icc = step.expect_success(channel, &command::get_challenge(8))?;
    let rnd_icc: [u8; 8] =
        rnd_icc.as_slice().try_into().map_err(|_| step.failed(Cause::Malformed("chip's challenge")))?;
    let mut random = vec![0; terminal.key().size().saturating_sub(OVERHEAD)];
    channel.link().draw("PRND.IFD", &mut random).map_err(|e| step.failed(e))?;
    let token =
        external_token(terminal, &random, &rnd_icc, public, constants).map_err(|cause| step.failed(cause))?;
    step.expect_success(channel, &command::external_authenticate(&token))?;

    let step = Step::InternalAuthenticate;
    step.expect_success(channel, &command::manage_security_environment(0x41, 0xA4, &SET_DEVICE_KEY))?;
    let mut rnd_ifd = [0; 8];
    channel.link().draw("RND.IFD", &mut rnd_ifd).map_err(|e| step.failed(e))?;
    let token = step.expect_success(channel, &command::internal_authenticate(&rnd_ifd))?;
    check_internal_token(&token, &rnd_ifd, public, constants).map_err(|cause| step.failed(cause))?;
    channel.set_ssc(authenticated_ssc(rnd_icc, rnd_ifd));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::agreement::DomainParameters;
    use crate::crypto::signature::RsaPublicKey;
    use crate::vectors::bytes;

    fn constants() -> CardConstants {
        let [g, p, q] = ["/dh/g", "/dh/p", "/dh/q"].map(bytes);
        let key = bytes("/internal_auth/ef_1004");
        let answer = bytes("/test_ca/get_data_response");
        CardConstants {
            domain_parameters: DomainParameters::new(&g, &p, &q).unwrap(),
            certification_key: super::super::constants::parse_certification_key(&answer).unwrap(),
            device_key: RsaPublicKey::from_der(&key).unwrap(),
            device_key_file: key,
        }
    }

    fn public() -> PublicValues {
        PublicValues { ifd: bytes("/dh/ifd_public"), icc: bytes("/dh/icc_public") }
    }

    fn challenge(pointer: &str) -> [u8; 8] {
        bytes(pointer).try_into().unwrap()
    }

    #[test]
    fn the_certificate_is_byte_exact() {
        let (terminal, constants) = (Terminal::published().unwrap(), constants());
        let authority = &constants.certification_key;
        assert_eq!(authority.name[..], bytes("/cvc/car"));
        assert_eq!(certificate_content(&terminal, authority), bytes("/cvc/cert_content"));
        assert_eq!(holder_reference(&terminal), bytes("/cvc/chr"));
        assert_eq!(certificate_data(&terminal, authority).unwrap(), bytes("/cvc/pso_data"));
    }

    #[test]
    fn the_published_keys_are_those_of_the_vectors() {
        use super::super::terminal::*;
        assert_eq!(PUBLISHED_MODULUS[..], bytes("/constants/ifd_modulus"));
        assert_eq!(PUBLISHED_PRIVATE_EXPONENT[..], bytes("/constants/ifd_private_exponent"));
        assert_eq!(PUBLISHED_AUTHORITY_EXPONENT[..], bytes("/constants/ca_private_exponent"));
        assert_eq!(TERMINAL_PUBLIC_EXPONENT[..], bytes("/constants/ifd_public_exponent_in_cvc"));
        assert_eq!(PUBLISHED_SERIAL_NUMBER[..], bytes("/constants/sn_ifd"));
    }

    #[test]
    fn the_external_token_is_byte_exact() {
        let (random, rnd_icc) = (bytes("/external_auth/prnd"), challenge("/external_auth/rnd_icc"));
        let terminal = Terminal::published().unwrap();
        let token = external_token(&terminal, &random, &rnd_icc, &public(), &constants()).unwrap();
        assert_eq!(token, bytes("/external_auth/command_data"));
    }

    #[test]
    fn the_internal_token_is_accepted_and_no_other() {
        let (token, rnd_ifd) = (bytes("/internal_auth/response_data"), challenge("/internal_auth/rnd_ifd"));
        let check = |token: &[u8], rnd_ifd: &[u8; 8], public: &PublicValues| {
            check_internal_token(token, rnd_ifd, public, &constants())
        };
        check(&token, &rnd_ifd, &public()).unwrap();
        let refused = |result| assert_eq!(result, Err(Cause::ChipNotAuthentic));
        refused(check(&token, &[0; 8], &public()));
        let swapped = PublicValues { ifd: public().icc, icc: public().ifd };
        refused(check(&token, &rnd_ifd, &swapped));
        for index in 0..token.len() {
            let mut flipped = token.clone();
            flipped[index] ^= 0x80;
            refused(check(&flipped, &rnd_ifd, &public()));
        }
        for length in 0..token.len() {
            assert!(check(&token[..length], &rnd_ifd, &public()).is_err());
        }
    }

    #[test]
    fn the_counter_joins_the_low_halves() {
        let ssc = authenticated_ssc(challenge("/external_auth/rnd_icc"), challenge("/internal_auth/rnd_ifd"));
        assert_eq!(ssc.to_be_bytes()[..], bytes("/ssc_after_dapp/ssc"));
    }

    #[test]
    fn an_own_key_is_never_applied_to_the_cards_modulus() {
        let modulus = super::super::terminal::PUBLISHED_MODULUS;
        let exponent = super::super::terminal::PUBLISHED_PRIVATE_EXPONENT;
        let own = Terminal::with_keys([1; 8], (&modulus, &exponent), (&modulus, &exponent)).unwrap();
        assert!(certificate_data(&own, &constants().certification_key).is_err());
        let same = CertificationKey { modulus: modulus.to_vec(), name: [1; 8], application: [2; 6] };
        assert!(certificate_data(&own, &same).is_ok());
    }
}
