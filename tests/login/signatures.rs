//! Attacks with signatures: by other keys, by other rules, over other things.

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::Chip;
use cie::login::{AuthToken, Error, Nonce, TokenError};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::Error::WrongSignature;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use serde_json::json;

use crate::attack::{Attack, changed};
use crate::pki::{Made, Whose, World, key, message, token};
use crate::portal::{ORIGIN, Portal, origin};

fn wrong() -> Error {
    WrongSignature.into()
}

#[test]
fn signature_by_another_key() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    for whose in [Whose::Stranger, Whose::Root, Whose::Authority, Whose::Responder] {
        attack.refused(&wrong(), |nonce| {
            Made { key: key(whose), ..world.holder.clone() }.answers(&origin(), nonce)
        });
    }
    // No signature, one that is all zeros, one that is one, the modulus and more than the modulus.
    let modulus = world.holder.key.rsa().unwrap().n().to_vec();
    let one = [&[0; 255][..], &[1]].concat();
    for signature in [vec![], vec![0; 256], one, modulus, vec![0xFF; 256], vec![0; 4096]] {
        attack.refused(&wrong(), |_| token(&world.holder.der, "RS256", &signature));
    }
    // A byte more, a byte less, a bit turned.
    let changes: [fn(&mut Vec<u8>); 4] = [
        |signature| signature.insert(0, 0),
        |signature| signature.push(0),
        |signature| signature.truncate(255),
        |signature| signature[100] ^= 1,
    ];
    for change in changes {
        attack.refused(&wrong(), |nonce| {
            let mut signature = world.holder.sign(MessageDigest::sha256(), &message(ORIGIN, nonce.as_str()));
            change(&mut signature);
            token(&world.holder.der, "RS256", &signature)
        });
    }
}

#[test]
fn algorithm_field_changed() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let with = |algorithm: &str, expected: &Error| {
        attack.refused(expected, |nonce| {
            changed(&world.holder.answers(&origin(), nonce), |token| token["algorithm"] = json!(algorithm))
        });
    };
    for known in ["RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] {
        with(known, &wrong());
    }
    for unknown in [
        "",
        "none",
        "NONE",
        "HS256",
        "RS1",
        "RS256 ",
        "rs256",
        "RS256\n",
        "RSA",
        "EdDSA",
        "RS256\0",
        "ＲＳ256",
    ] {
        with(unknown, &TokenError::Algorithm.into());
    }
    // With a signature that would be right by the rules of the other name, but over the digests of RS256.
    for (name, digest) in [("RS384", MessageDigest::sha384()), ("RS512", MessageDigest::sha512())] {
        attack.refused(&wrong(), |nonce| {
            let signature = world.holder.sign(digest, &message(ORIGIN, nonce.as_str()));
            token(&world.holder.der, name, &signature)
        });
    }
}

/// A signature that the holder's key made for something else must not be a login.
#[test]
fn raw_signature_over_64_bytes_offered_as_token() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let holder = &world.holder;
    let signed_by = |nonce: &Nonce| message(ORIGIN, nonce.as_str());
    // The 64 bytes of the message bare; named as if they were a digest of SHA-512; and other 64 bytes signed well.
    attack.refused(&wrong(), |nonce| token(&holder.der, "RS256", &holder.sign_bare(&signed_by(nonce))));
    for name in ["RS256", "RS512"] {
        attack.refused(&wrong(), |nonce| {
            let digest = Digest::from_bytes(DigestAlgorithm::Sha512, &signed_by(nonce)).unwrap();
            token(&holder.der, name, &holder.sign_bare(&digest.digest_info()))
        });
    }
    attack.refused(&wrong(), |_| {
        let signature = holder.sign(MessageDigest::sha256(), &[0x5A; 64]);
        token(&holder.der, "RS256", &signature)
    });
    // The digest of the message without a name, as an old protocol of TLS signs it.
    attack.refused(&wrong(), |nonce| {
        token(&holder.der, "RS256", &holder.sign_bare(&openssl::sha::sha256(&signed_by(nonce))))
    });
    // A decryption of what somebody prepared is no signature either.
    attack.refused(&wrong(), |nonce| {
        let rsa = holder.key.rsa().unwrap();
        let block = [vec![0; 192], signed_by(nonce)].concat();
        let mut raw = vec![0; 256];
        rsa.private_encrypt(&block, &mut raw, Padding::NONE).unwrap();
        token(&holder.der, "RS256", &raw)
    });
}

/// The card does not give such a signature away to whoever asks for a raw one.
#[test]
fn raw_signature_over_64_bytes_is_not_to_be_had() {
    let portal = Portal::new();
    let attack = Attack::on_cards(&portal);
    let card = crate::common::card(Chip::Gemalto);
    let session = card::open(card.insert()).unwrap().open_session().unwrap();
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = session.verify_pin(&pin, LastTry::Refuse).unwrap();
    let mut signer = unlocked.signer().unwrap();
    attack.refused(&wrong(), |nonce| {
        let message = message(ORIGIN, nonce.as_str());
        let whole = Digest::of(DigestAlgorithm::Sha256, &message);
        signer.sign(Purpose::Raw, &whole).unwrap_err();
        // Of a digest that somebody brings along nobody knows what it is of.
        let unknown = Digest::from_bytes(DigestAlgorithm::Sha256, whole.as_bytes()).unwrap();
        signer.sign(Purpose::Raw, &unknown).unwrap_err();
        // What is to be had is of another length, and no login.
        let longer = Digest::of(DigestAlgorithm::Sha256, &[&message[..], b"."].concat());
        let signature = signer.sign(Purpose::Raw, &longer).unwrap();
        token(signer.certificate().as_der(), "RS256", &signature)
    });
}

/// The signature of one token with the certificate of another.
#[test]
fn certificate_exchanged() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let other = crate::pki::Profile { key: Whose::Stranger, serial: 0x0BAD, ..crate::pki::holder() };
    let other = other.by(Some(&world.authority));
    attack.refused(&wrong(), |nonce| {
        let signed = AuthToken::parse(&other.answers(&origin(), nonce)).unwrap();
        assert_eq!(signed.unverified_certificate(), &other.read());
        changed(&other.answers(&origin(), nonce), |token| {
            use base64ct::Encoding;
            token["unverifiedCertificate"] = json!(base64ct::Base64::encode_string(&world.holder.der));
        })
    });
}
