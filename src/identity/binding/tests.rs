//! The binding against the worked examples, and every way in which a card can disagree.

use proptest::prelude::*;

use super::*;
use crate::vectors::{contact, hex_of};

fn file(name: &str) -> Vec<u8> {
    let files = contact("/dati_personali");
    hex_of(&files.as_array().unwrap().iter().find(|file| file["name"] == name).unwrap()["ef_hex"])
}

fn card_id(text: &str) -> ClaimedCardId {
    ClaimedCardId::parse(text.as_bytes()).unwrap()
}

fn certificate(name: &str) -> PresentedCertificate {
    PresentedCertificate::from_der(&hex_of(&contact(&format!("/certificates/{name}")))).unwrap()
}

/// The name of the first card, with the digest of other bytes.
fn name_with(bytes: &[u8]) -> CommonName {
    use base64ct::{Base64, Encoding};
    let mut base64 = [0; 28];
    let base64 = Base64::encode(&DigestAlgorithm::Sha1.hash(bytes), &mut base64).unwrap();
    CommonName::parse(&format!("CVAPVN79C57G999T/7099001000000120.{base64}")).unwrap()
}

fn differs(fiscal_code: bool, card_id: bool, digest: bool) -> BindingError {
    BindingError::Differs(Differences { fiscal_code, card_id, digest })
}

#[test]
fn names_and_files_of_the_vectors() {
    for vector in contact("/binding").as_array().unwrap() {
        let data = PersonalData::parse(&file(vector["ef"].as_str().unwrap())).unwrap();
        let card_id = card_id(vector["card_id"].as_str().unwrap());
        let judge = |policy| {
            let name = CommonName::parse(vector["common_name"].as_str().unwrap())?;
            check(&name, Some(&card_id), &data, policy)
        };
        let (strict, tolerant) = match vector["expect"].as_str().unwrap() {
            "match_full_ef" => (Ok(HashedRange::WholeFile), Ok(HashedRange::WholeFile)),
            "match_used_prefix (tolerant mode only)" => {
                (Err(BindingError::RangeNotAccepted(HashedRange::UsedPrefix)), Ok(HashedRange::UsedPrefix))
            }
            "mismatch_card_id" => (Err(differs(false, true, false)), Err(differs(false, true, false))),
            "mismatch_fiscal_code_and_hash" => {
                (Err(differs(true, false, true)), Err(differs(true, false, true)))
            }
            "malformed_no_hash" => {
                (Err(CommonNameError::NoDigest.into()), Err(CommonNameError::NoDigest.into()))
            }
            "not_a_cns_common_name" => {
                (Err(CommonNameError::OtherForm.into()), Err(CommonNameError::OtherForm.into()))
            }
            other => panic!("{other}"),
        };
        assert_eq!(judge(HashPolicy::Strict), strict, "{vector}");
        assert_eq!(judge(HashPolicy::Tolerant), tolerant, "{vector}");
        for error in [strict, tolerant].into_iter().filter_map(Result::err) {
            assert_eq!(error.is_unchecked(), matches!(error, BindingError::CommonName(_)), "{error}");
        }
    }
}

#[test]
fn certificates_of_the_vectors() {
    for (certificate_name, file_name, number) in
        [("cns_holder", "cns_400", "7099001000000120"), ("cie2_holder", "cie2_1200", "6999000000007773")]
    {
        let (presented, number) = (certificate(certificate_name), card_id(number));
        let data = PersonalData::parse(&file(file_name)).unwrap();
        let bound = verify_personal_data(&presented, Some(&number), &data, HashPolicy::Strict).unwrap();
        assert_eq!(bound.range(), HashedRange::WholeFile);
        assert_eq!(Some(bound.fiscal_code().as_str()), bound.data().fiscal_code());
        assert_eq!(bound.certificate().as_der(), presented.as_der());
        assert_eq!(bound.card_id(), Some(&number));
        assert_eq!(format!("{bound:?}"), "BoundPersonalData(WholeFile)");
    }
}

#[test]
fn a_certificate_of_another_form_has_nothing_to_check_against() {
    let authority = certificate("ca");
    let (number, data) = (card_id("7099001000000120"), PersonalData::parse(&file("cns_400")).unwrap());
    let error = verify_personal_data(&authority, Some(&number), &data, HashPolicy::Tolerant).unwrap_err();
    assert_eq!(error, CommonNameError::OtherForm.into());
    assert!(error.is_unchecked());
    assert!(BindingError::from(CommonNameError::Missing).is_unchecked());
    assert!(!BindingError::from(CommonNameError::Digest).is_unchecked());
}

#[test]
fn each_range_is_found_and_said() {
    let number = card_id("7099001000000120");
    let mut ef = file("cns_400");
    ef[395..].copy_from_slice(&[1, 0, 0, 0xFF, 0xFF]); // something behind the fields, then padding
    let data = PersonalData::parse(&ef).unwrap();
    for (range, bytes) in [
        (HashedRange::WholeFile, &ef[..]),
        (HashedRange::UsedPrefix, &ef[..103]),
        (HashedRange::FieldsOnly, &ef[6..103]),
        (HashedRange::WithoutPadding, &ef[..396]),
    ] {
        let name = name_with(bytes);
        assert_eq!(check(&name, Some(&number), &data, HashPolicy::Tolerant), Ok(range));
        let strict = check(&name, Some(&number), &data, HashPolicy::Strict);
        let accepted = range == HashedRange::WholeFile;
        assert_eq!(strict, if accepted { Ok(range) } else { Err(BindingError::RangeNotAccepted(range)) });
    }
    for bytes in [&ef[..102], &ef[..104], &ef[..397], &ef[7..103], &[]] {
        let error = check(&name_with(bytes), Some(&number), &data, HashPolicy::Tolerant).unwrap_err();
        assert_eq!(error, differs(false, false, true));
    }
}

#[test]
fn the_digests_of_the_vectors() {
    for file in contact("/dati_personali").as_array().unwrap() {
        let data = PersonalData::parse(&hex_of(&file["ef_hex"])).unwrap();
        for (range, name) in [
            (HashedRange::WholeFile, "sha1_b64_full_ef"),
            (HashedRange::UsedPrefix, "sha1_b64_used_prefix"),
            (HashedRange::FieldsOnly, "sha1_b64_without_header"),
            (HashedRange::WithoutPadding, "sha1_b64_used_prefix"),
        ] {
            let text = format!("CVAPVN79C57G999T/1.{}", file[name].as_str().unwrap());
            let digest = DigestAlgorithm::Sha1.hash(range.of(&data).unwrap());
            assert_eq!(digest, CommonName::parse(&text).unwrap().digest(), "{range:?}");
        }
    }
}

#[test]
fn padding_that_belongs_to_a_field_is_not_left_out() {
    let fields = [&b"00".repeat(15)[..], b"02\xFF\xFF"].concat();
    let ef = [format!("{:06X}", 6 + fields.len()).as_bytes(), &fields].concat();
    let data = PersonalData::parse(&[&ef[..], &[0; 20]].concat()).unwrap();
    assert_eq!(HashedRange::WithoutPadding.of(&data), None);
    assert_eq!(HashedRange::UsedPrefix.of(&data), Some(&ef[..]));
}

#[test]
fn differences_are_named() {
    assert_eq!(
        differs(true, true, true).to_string(),
        "not what the certificate says: fiscal code, card number, digest"
    );
    assert_eq!(differs(false, true, false).to_string(), "not what the certificate says: card number");
}

#[test]
fn a_digest_is_compared_to_its_last_byte() {
    let ef = file("cns_400");
    let (data, number) = (PersonalData::parse(&ef).unwrap(), card_id("7099001000000120"));
    let right = contact("/dati_personali/0/sha1_b64_full_ef");
    let right = right.as_str().unwrap();
    let judge = |base64: &str| {
        let name = CommonName::parse(&format!("CVAPVN79C57G999T/7099001000000120.{base64}")).unwrap();
        check(&name, Some(&number), &data, HashPolicy::Tolerant)
    };
    assert_eq!(judge(right), Ok(HashedRange::WholeFile));
    // One bit of the first byte, one of the last.
    for (at, other) in [(0, "A"), (26, "A")] {
        assert_ne!(&right[at..=at], other);
        let mut wrong = right.to_owned();
        wrong.replace_range(at..=at, other);
        assert_eq!(judge(&wrong), Err(differs(false, false, true)));
    }
}

/// The digest alone would bind them; a certificate that names its holder must find the same holder there.
#[test]
fn data_without_a_fiscal_code_are_nobodys() {
    let fields = b"00".repeat(16);
    let ef = [format!("{:06X}", 6 + fields.len()).as_bytes(), &fields].concat();
    let data = PersonalData::parse(&ef).unwrap();
    let outcome = check(&name_with(&ef), None, &data, HashPolicy::Strict);
    assert_eq!(outcome, Err(differs(true, false, false)));
}

#[test]
fn a_certificate_that_cannot_be_read_was_checked_and_is_bad() {
    assert!(!BindingError::from(trust::Error::Malformed("")).is_unchecked());
    assert!(BindingError::from(trust::Error::UnknownIssuer).is_unchecked());
}

#[test]
fn a_number_is_compared_without_its_padding() {
    let ef = file("cns_400");
    let data = PersonalData::parse(&ef).unwrap();
    let base64 = &contact("/dati_personali/0/sha1_b64_full_ef");
    for (in_name, on_card, same) in [
        ("0123456AA ", "0123456AA", true),
        ("0123456AA", "0123456AA\0\0", true),
        ("0123456AA", "0123456AB", false),
        ("0123456AA ", "0123456", false),
        (" 0123456AA", "0123456AA", false),
    ] {
        let text = format!("CVAPVN79C57G999T/{in_name}.{}", base64.as_str().unwrap());
        let name = CommonName::parse(&text).unwrap();
        assert_eq!(check(&name, Some(&card_id(on_card)), &data, HashPolicy::Strict).is_ok(), same);
    }
}

proptest! {
    #[test]
    fn no_byte_can_be_changed(at in 0_usize..400, to: u8) {
        let mut ef = file("cns_400");
        prop_assume!(ef[at] != to);
        let name = name_with(&ef);
        ef[at] = to;
        if let Ok(data) = PersonalData::parse(&ef) {
            let number = card_id("7099001000000120");
            prop_assert!(check(&name, Some(&number), &data, HashPolicy::Tolerant).is_err());
        }
    }
}
