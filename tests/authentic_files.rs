//! EF.SOD verified: the software card's, those that `openssl cms -sign` makes in every way in which cards are signed, and
//! everything that must not pass for one.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;
#[path = "authentic_files/kept.rs"]
mod kept;
#[cfg(feature = "system-tests")]
#[path = "authentic_files/openssl.rs"]
mod openssl;

use std::time::Duration;

use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{Generation, TestPki};
use cie::iso7816::tlv;
use cie::passive::{AuthenticFiles, ClaimedSecurityObject, Error, SecurityObjectPolicy, group};
use cie::trust::{self, AnchorPurpose, TrustStore};
use common::{demo, now};

const DAY: Duration = Duration::from_secs(86_400);

/// Who trusts the demo's country signing authority.
fn trust() -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, demo().pki.csca_der()).unwrap();
    trust
}

/// A file's content without padding.
fn object(card: &Personalisation, identifier: u16) -> &[u8] {
    let content = &card.files.iter().find(|file| file.identifier == identifier).unwrap().content;
    match identifier {
        0x1001 => &content[..12],
        _ => &content[..tlv::encoded_length(content).unwrap()],
    }
}

fn verify(sod: &[u8], trust: &TrustStore) -> Result<AuthenticFiles, Error> {
    ClaimedSecurityObject::parse(sod)?.verify(trust, &SecurityObjectPolicy::new(), now())
}

fn card(generation: Generation) -> Personalisation {
    let options = IssueOptions { generation, ..IssueOptions::default() };
    issue(&demo().pki, &demo().citizen, &options, &mut Seeded::new(2), now()).unwrap()
}

#[test]
fn both_generations_of_the_software_card_are_authentic() {
    for generation in [Generation::First, Generation::Second] {
        let card = card(generation);
        let files = verify(object(&card, 0x1006), &trust()).unwrap();
        assert!(files.is_test() && !files.is_legacy());
        assert_eq!(files.signer().path().len(), 2);
        files.check_file(group::NIS, object(&card, 0x1001)).unwrap();
        files.check_file(group::SERVICES_KEY, object(&card, 0x1005)).unwrap();
        let other = files.check_file(group::SERVICES_KEY, object(&card, 0x1004));
        assert_eq!(other, Err(Error::DigestDiffers(group::SERVICES_KEY)));
        assert_eq!(files.check_file(group::NIS, b"000000000000"), Err(Error::DigestDiffers(group::NIS)));
    }
}

/// The known mistake of others: the signature is good, and so is the certificate beside it; nobody vouches for either.
#[test]
fn a_good_signature_by_an_unknown_country_is_none() {
    let other = TestPki::generate(&mut Seeded::new(77), now()).unwrap();
    let forged =
        issue(&other, &demo().citizen, &IssueOptions::default(), &mut Seeded::new(3), now()).unwrap();
    let sod = object(&forged, 0x1006);
    assert_eq!(verify(sod, &trust()).unwrap_err(), Error::Signer(trust::Error::UnknownIssuer));
    // And an authority for citizens vouches for no card.
    let mut holders = TrustStore::new().allow_test_pki();
    holders.add_anchor(AnchorPurpose::Holder, demo().pki.csca_der()).unwrap();
    let genuine = object(&demo().personalisation, 0x1006);
    assert_eq!(verify(genuine, &holders).unwrap_err(), Error::Signer(trust::Error::UnknownIssuer));
    assert_eq!(
        verify(genuine, &TrustStore::new()).unwrap_err(),
        Error::Signer(trust::Error::TestCertificate)
    );
}

/// The signer's certificate is judged at the moment from which on its key was used, and that is in the past.
#[test]
fn a_card_outlives_its_signer_but_does_not_precede_it() {
    let sod = object(&demo().personalisation, 0x1006);
    for (days, good) in [(0, true), (365 * 12, true), (365 * 30, true)] {
        let claimed = ClaimedSecurityObject::parse(sod).unwrap();
        let outcome = claimed.verify(&trust(), &SecurityObjectPolicy::new(), now() + DAY * days);
        assert_eq!(outcome.is_ok(), good, "{days}");
    }
    let claimed = ClaimedSecurityObject::parse(sod).unwrap();
    let early = claimed.verify(&trust(), &SecurityObjectPolicy::new(), now() - DAY * 31);
    assert_eq!(early.unwrap_err(), Error::Signer(trust::Error::NotYetValid));
}

/// Whatever byte is changed: it is refused, or says nothing else than before.
#[test]
fn no_changed_byte_changes_what_is_authentic() {
    let card = card(Generation::Second);
    let sod = object(&card, 0x1006);
    let trust = trust();
    let files = verify(sod, &trust).unwrap();
    let digests = |files: &AuthenticFiles| {
        let object = files.security_object();
        object.groups().map(|group| (group, object.digest(group).map(<[u8]>::to_vec))).collect::<Vec<_>>()
    };
    let (mut refused, mut same) = (0, 0);
    // Every third byte, each in one of its bits: the bits of a byte are tried over the whole.
    for at in (0..sod.len()).step_by(3) {
        let mut changed = sod.to_vec();
        changed[at] ^= 1 << (at % 8);
        match verify(&changed, &trust) {
            Err(_) => refused += 1,
            Ok(other) => {
                assert_eq!(digests(&other), digests(&files), "byte {at}");
                same += 1;
            }
        }
    }
    assert!(refused > 500 && same < 40, "{refused} refused, {same} the same");
}
