//! Whole flows between the terminal and the software card, on every chip profile.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::ias::{Cause, File, RootFile, Session};
use cie::pin::{self, LastTry, Tries};
use common::{CHIPS, card, demo, link, now, pin, trust, wrong_pin};

#[test]
fn a_citizen_logs_in_and_signs() {
    for chip in CHIPS {
        let card = card(chip);
        let session = Session::open(link(&card)).unwrap();
        assert_eq!(session.pin_tries(), Tries::Left(3));
        let mut unlocked = session.verify_pin(&pin()).unwrap();

        let algorithms = [
            DigestAlgorithm::Sha1,
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ];
        for algorithm in algorithms {
            let message = b"a fresh challenge of the portal";
            let mut signer = unlocked.signer().unwrap();
            let signature = signer.sign(Purpose::Login, &Digest::of(algorithm, message)).unwrap();
            let path = trust().verify_holder(signer.certificate(), now()).unwrap();
            assert_eq!(path.verify_signature(message, algorithm, &signature).unwrap().message(), message);
            assert!(path.verify_signature(b"another", algorithm, &signature).is_err());
            assert!(path.is_test());
            assert_eq!(path.path().len(), 3);
            let subject = path.subject();
            assert_eq!(subject.common_name.as_deref(), Some(demo().citizen.fiscal_code.as_str()));
        }
    }
}
