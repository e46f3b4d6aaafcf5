//! Attacks with certificates: by other issuers, for other uses, of other times, of nobody.

use cie::identity::{CommonNameError, FiscalCodeError};
use cie::login::Error;
use cie::trust::{AnchorPurpose, CertifiedCard, Error as Trust, HolderPolicy, RevocationRules, TrustStore};
use openssl::hash::MessageDigest;

use crate::attack::Attack;
use crate::common::demo;
use crate::lists::Net;
use crate::pki::{AUTHORITY, HOLDER, Made, Profile, ROOT, Whose, World, authority, holder};
use crate::portal::{Portal, answer, origin};

/// Somebody shows a certificate that the portal must not take, and the right signature by its key.
fn shown(world: &World, portal: &Portal, expected: Trust, certificate: &Made) {
    shown_for(world, portal, &expected.into(), certificate);
}

#[track_caller]
fn shown_for(world: &World, portal: &Portal, expected: &Error, certificate: &Made) {
    Attack::on(portal, world).refused(expected, |nonce| certificate.answers(&origin(), nonce));
}

#[test]
fn certificate_of_the_same_name_from_another_root() {
    let world = World::new();
    let portal = Portal::of(&world);
    let root = authority(ROOT, Whose::Stranger).by(None);
    let sub_ca = authority(AUTHORITY, Whose::Responder).by(Some(&root));
    // All names and numbers are the right ones, and so is the holder's own key.
    let named = holder().by(Some(&sub_ca));
    shown(&world, &portal, Trust::UnknownIssuer, &named);
    let nameless = Profile { names_key: false, ..holder() }.by(Some(&sub_ca));
    shown(&world, &portal, Trust::BadSignature, &nameless);
    // By an authority of which only the name is the root's.
    let directly = Profile { names_key: false, ..holder() }.by(Some(&root));
    shown(&world, &portal, Trust::BadSignature, &directly);
    let itself = holder().by(None);
    shown(&world, &portal, Trust::UnknownIssuer, &itself);
}

#[test]
fn csca_used_as_login_root() {
    let world = World::new();
    let documents = authority("A country signing authority", Whose::Stranger).by(None);
    let mut trust = world.trust();
    trust.add_anchor(AnchorPurpose::Csca, &documents.der).unwrap();
    trust.add_anchor(AnchorPurpose::Responder, &documents.der).unwrap();
    trust.add_anchor(AnchorPurpose::FirstGenerations, &documents.der).unwrap();
    let portal = Portal::on(trust, HolderPolicy::default(), RevocationRules::default(), &Net::of(&world));
    let signed = Profile { key: Whose::Responder, ..holder() }.by(Some(&documents));
    shown(&world, &portal, Trust::UnknownIssuer, &signed);
}

#[test]
fn leaf_used_as_ca() {
    let world = World::new();
    let below = Profile { key: Whose::Stranger, ..holder() }.by(Some(&world.holder));
    let mut trust = world.trust();
    assert_eq!(trust.add_intermediate(&world.holder.der), Err(Trust::WrongPurpose("not an authority")));
    for purpose in [AnchorPurpose::Holder, AnchorPurpose::Csca, AnchorPurpose::Responder] {
        assert_eq!(
            trust.add_anchor(purpose, &world.holder.der),
            Err(Trust::WrongPurpose("not an authority"))
        );
    }
    shown(&world, &Portal::of(&world), Trust::UnknownIssuer, &below);

    // Nor does an authority get in itself, and one that may not certify others does not.
    let itself = Profile { authority: Some(None), ..holder() }.by(Some(&world.authority));
    let refused = Trust::WrongPurpose("an authority's certificate");
    shown(&world, &Portal::of(&world), refused, &itself);
    let mut trust = world.trust();
    let limited = Profile { authority: Some(Some(0)), ..authority("Limited", Whose::Responder) };
    let limited = limited.by(Some(&world.root));
    let beyond = authority("Beyond", Whose::Stranger).by(Some(&limited));
    trust.add_intermediate(&limited.der).unwrap();
    trust.add_intermediate(&beyond.der).unwrap();
    let portal = Portal::on(trust, HolderPolicy::default(), RevocationRules::default(), &Net::of(&world));
    let too_deep = Trust::InvalidPath("path length constraint exceeded (at depth 2)".to_owned());
    shown(&world, &portal, too_deep, &holder().by(Some(&beyond)));
}

#[test]
fn expired_and_not_yet_valid() {
    let world = World::new();
    let portal = Portal::of(&world);
    for (days, expected) in [((-900, -1), Trust::Expired), ((-900, 0), Trust::Expired)] {
        shown(&world, &portal, expected, &Profile { days, ..holder() }.by(Some(&world.authority)));
    }
    let future = Profile { days: (1, 900), ..holder() }.by(Some(&world.authority));
    shown(&world, &portal, Trust::NotYetValid, &future);
    // An authority above that has expired.
    let mut trust = world.trust();
    let old = Profile { days: (-900, -1), ..authority("Expired", Whose::Stranger) }.by(Some(&world.root));
    trust.add_intermediate(&old.der).unwrap();
    let portal = Portal::on(trust, HolderPolicy::default(), RevocationRules::default(), &Net::of(&world));
    shown(&world, &portal, Trust::Expired, &holder().by(Some(&old)));
}

/// A path that was found to be valid is remembered, but not beyond its time.
#[test]
fn expired_since_the_last_login() {
    let short = Profile { days: (-10, 2), serial: 0x0BAD, ..holder() };
    let world = World::new();
    let portal = Portal::of(&world);
    let short = short.by(Some(&world.authority));
    let party = &portal.party;
    let session = crate::portal::session("a");
    let nonce = party.challenge(&session).unwrap();
    party.verify(&session, &short.answers(&origin(), &nonce)).unwrap();
    portal.clock.pass(2 * crate::portal::DAY);
    shown(&world, &portal, Trust::Expired, &short);
}

#[test]
fn wrong_purpose() {
    let world = World::new();
    let portal = Portal::of(&world);
    let shown = |expected, profile: Profile| {
        shown(&world, &portal, Trust::WrongPurpose(expected), &profile.by(Some(&world.authority)));
    };
    let no_login = "keyUsage without digitalSignature";
    shown(
        no_login,
        Profile {
            usage: |usage| {
                usage.non_repudiation();
            },
            ..holder()
        },
    );
    shown(
        no_login,
        Profile {
            usage: |usage| {
                usage.key_encipherment();
            },
            ..holder()
        },
    );
    let no_client = "extKeyUsage without client authentication";
    // Servers, e-mail, time stamps, responders; anyExtendedKeyUsage alone does not count.
    for purpose in ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"] {
        shown(no_client, Profile { extended: vec![purpose], ..holder() });
    }
    shown(no_client, Profile { extended: vec!["2.5.29.37.0"], ..holder() });
}

#[test]
fn missing_policy_oid() {
    let world = World::new();
    let portal = Portal::of(&world);
    let refused = "not the policy of a card that is taken here";
    // None; those of Italy's authorities; one below and one beside; any.
    for policy in [
        None,
        Some("1.3.76.47.1"),
        Some("1.3.76.47.2"),
        Some("1.3.76.47.4.1"),
        Some("1.3.76.47.40"),
        Some("2.5.29.32.0"),
    ] {
        let other = Profile { policy, ..holder() }.by(Some(&world.authority));
        shown(&world, &portal, Trust::WrongPurpose(refused), &other);
    }
    // A CNS, where only a CIE 3 is taken, whoever issued it: nobody comes in, and nothing is said of the card.
    let cns = Profile { policy: Some("1.3.76.16.2.1"), ..holder() };
    for authority in [Some(&world.authority), None] {
        let refused = Trust::CardNotTaken(CertifiedCard::Cns);
        shown(&world, &portal, refused, &cns.clone().by(authority));
    }
}

#[test]
fn test_pki_without_permission() {
    // The store does not even take the anchors of the software cards, and then not the cards.
    let world = World::new();
    let mut trust = world.trust();
    for der in [demo().pki.root_der(), demo().pki.sub_ca_der()] {
        assert_eq!(trust.add_anchor(AnchorPurpose::Holder, der), Err(Trust::TestCertificate));
        assert_eq!(trust.add_intermediate(der), Err(Trust::TestCertificate));
    }
    let portal = Portal::on(trust, HolderPolicy::default(), RevocationRules::default(), &Net::of(&world));
    let card = crate::common::card(cie::emulator::Chip::Gemalto);
    Attack::on(&portal, &world).refused(&Trust::TestCertificate.into(), |nonce| {
        answer(&card, &origin(), nonce).to_json().into_bytes()
    });
    // Nor one with the mark by an authority that is trusted.
    let mut marked = holder();
    marked.subject.push(("O", cie::test_mark::ORGANISATION.to_owned()));
    shown(&world, &portal, Trust::TestCertificate, &marked.by(Some(&world.authority)));
    // Where they are allowed, the citizen says so, and a card by an unknown issuer is as unknown as ever.
    let allowed = TrustStore::new().allow_test_pki();
    let nobody = Portal::with(allowed, HolderPolicy::default());
    let session = crate::portal::session("a");
    let nonce = nobody.party.challenge(&session).unwrap();
    let token = answer(&card, &origin(), &nonce).to_json();
    let refused = nobody.party.verify(&session, token.as_bytes()).unwrap_err();
    assert_eq!((&refused, refused.is_unchecked()), (&Trust::UnknownIssuer.into(), true));
}

#[test]
fn weak_key_or_digest() {
    let world = World::new();
    let portal = Portal::of(&world);
    for weak in
        [Profile { key: Whose::Old, ..holder() }, Profile { digest: MessageDigest::sha1(), ..holder() }]
    {
        shown(&world, &portal, Trust::TooWeak, &weak.by(Some(&world.authority)));
    }
}

#[test]
fn fiscal_code_with_a_wrong_check_character() {
    let world = World::new();
    // As on a CIE 3, the fiscal code alone: what is none is not looked for any further.
    let none = |error: CommonNameError| Error::Identity(error);
    let portal = Portal::of(&world);
    for name in ["CVAPVN79C57G999U", "CVAPVN79C57G999t", "CVAPVN79C57G999", "", "IT-CVAPVN79C57G999U"] {
        let name = if name.is_empty() { "nobody" } else { name };
        let wrong = holder().common_name(name).by(Some(&world.authority));
        shown_for(&world, &portal, &none(CommonNameError::NoFiscalCode), &wrong);
    }
    // Two of them.
    let two = holder().common_name("CVAPVN79C57G999T RSSMRA80A01H501U").by(Some(&world.authority));
    shown_for(&world, &portal, &none(CommonNameError::SeveralFiscalCodes), &two);
    // As on a CNS, in a name of three parts.
    let policy = HolderPolicy::of(CertifiedCard::Cie3).and(CertifiedCard::Cns);
    let portal = Portal::on(world.trust(), policy, RevocationRules::default(), &Net::of(&world));
    let card = |name: &str| {
        let cns = Profile { policy: Some("1.3.76.16.2.1"), ..holder() };
        cns.common_name(name).by(Some(&world.authority))
    };
    let wrong = card("CVAPVN79C57G999U/7099001000000120.PSEMjnF2yjh61nwZuBBKDYxc/Pc=");
    let expected = none(FiscalCodeError::CheckCharacter.into());
    shown_for(&world, &portal, &expected, &wrong);
    let only_code = card("CVAPVN79C57G999T");
    shown_for(&world, &portal, &none(CommonNameError::OtherForm), &only_code);
}

/// Whoever shows a certificate could have written any address into it.
#[test]
fn url_in_a_certificate_of_an_unverified_path() {
    let world = World::new();
    let net = Net::of(&world);
    let portal = Portal::at(&world, &net);
    let forged = Profile {
        lists: vec!["http://169.254.169.254/latest", "http://localhost:6379/"],
        responders: vec!["http://intranet.example/delete?all", "https://evil.example/"],
        ..holder()
    };
    let stranger = authority(AUTHORITY, Whose::Stranger).by(None);
    let attacks = [
        (Trust::UnknownIssuer, forged.by(Some(&stranger))),
        (Trust::UnknownIssuer, forged.by(None)),
        (Trust::Expired, Profile { days: (-9, -1), ..forged.clone() }.by(Some(&world.authority))),
        (Trust::TooWeak, Profile { key: Whose::Old, ..forged.clone() }.by(Some(&world.authority))),
        (
            Trust::WrongPurpose("not the policy of a card that is taken here"),
            Profile { policy: None, ..forged.clone() }.by(Some(&world.authority)),
        ),
    ];
    for (expected, certificate) in attacks {
        let session = crate::portal::session("a");
        let nonce = portal.party.challenge(&session).unwrap();
        let token = certificate.answers(&origin(), &nonce);
        assert_eq!(portal.party.verify(&session, &token).unwrap_err(), expected.clone().into());
        assert_eq!(net.asked(), Vec::<String>::new(), "{expected}");
        shown(&world, &portal, expected, &certificate);
        net.asked();
    }
    // The path holds, but who shows it does not have the key, or the name is nobody's.
    let stolen = Made { key: crate::pki::key(Whose::Stranger), ..forged.by(Some(&world.authority)) };
    let nobody = forged.clone().common_name("nobody").by(Some(&world.authority));
    for (expected, certificate) in [
        (Error::from(Trust::WrongSignature), stolen),
        (Error::Identity(CommonNameError::NoFiscalCode), nobody),
    ] {
        let session = crate::portal::session("a");
        let nonce = portal.party.challenge(&session).unwrap();
        let token = certificate.answers(&origin(), &nonce);
        assert_eq!(portal.party.verify(&session, &token).unwrap_err(), expected);
        assert_eq!(net.asked(), Vec::<String>::new());
    }
}

/// An authority that changed its key and kept its name, and cards that do not say which key signed them.
#[test]
fn two_authorities_of_one_name_without_key_identifiers() {
    let mut world = World::new();
    let second = Profile { serial: 0x12, days: (-800, 3640), ..authority(AUTHORITY, Whose::Stranger) };
    let second = second.by(Some(&world.root));
    let nobody = authority(AUTHORITY, Whose::Responder).by(None);
    let card = Profile { names_key: false, ..holder() };
    let [first_card, second_card, forged] =
        [&world.authority, &second, &nobody].map(|issuer| card.by(Some(issuer)).read());
    let add = |trust: &mut TrustStore, between: bool, made: &Made| match between {
        true => trust.add_intermediate(&made.der).unwrap(),
        false => trust.add_anchor(AnchorPurpose::Holder, &made.der).unwrap(),
    };
    for between in [true, false] {
        for order in [[&world.authority, &second], [&second, &world.authority]] {
            let mut trust = TrustStore::new();
            trust.add_anchor(AnchorPurpose::Holder, &world.root.der).unwrap();
            order.into_iter().for_each(|made| add(&mut trust, between, made));
            let verify = |card: &cie::trust::Certificate| {
                let path = trust.verify_holder_certificate(
                    card.clone(),
                    crate::common::now(),
                    &HolderPolicy::default(),
                );
                path.map(|path| path.path()[1].fingerprint())
            };
            assert_eq!(verify(&first_card), Ok(world.authority.read().fingerprint()));
            assert_eq!(verify(&second_card), Ok(second.read().fingerprint()));
            assert_eq!(verify(&forged), Err(Trust::BadSignature));
        }
    }
    // Nor does it matter which of two roots of one name comes first.
    let other_root = Profile { serial: 0x13, ..authority(ROOT, Whose::Stranger) }.by(None);
    world.authority =
        Profile { names_key: false, ..authority(AUTHORITY, Whose::Authority) }.by(Some(&world.root));
    for order in [[&world.root, &other_root], [&other_root, &world.root]] {
        let mut trust = TrustStore::new();
        order.into_iter().for_each(|made| add(&mut trust, false, made));
        add(&mut trust, true, &world.authority);
        let card = card.by(Some(&world.authority)).read();
        let path =
            trust.verify_holder_certificate(card, crate::common::now(), &HolderPolicy::default()).unwrap();
        assert_eq!(path.path()[2].fingerprint(), world.root.read().fingerprint());
    }
}

#[test]
fn control_characters_in_a_name() {
    let world = World::new();
    let portal = Portal::of(&world);
    for name in ["CVAPVN79C57G999T\u{1B}[2J", "nobody\nCVAPVN79C57G999T", "CVAPVN79C57G999T\u{7F}"] {
        let card = holder().common_name(name).by(Some(&world.authority));
        shown_for(&world, &portal, &Error::Identity(CommonNameError::NoFiscalCode), &card);
    }
    // What does not say who it is is left out.
    let mut odd = holder();
    odd.subject[1].1 = "Provina\r\nwelcome".to_owned();
    let odd = odd.by(Some(&world.authority)).read();
    assert_eq!(
        (odd.subject().surname.as_deref(), odd.subject().given_name.as_deref()),
        (None, Some(HOLDER[3]))
    );
}

/// What the signature does not cover can be written in one way only: nobody makes many certificates of his own.
#[test]
fn certificate_written_in_another_way() {
    use cie::iso7816::tlv::{Reader, parse};
    let world = World::new();
    let portal = Portal::of(&world);
    let der = &world.holder.der;
    let parts: Vec<_> = Reader::new(parse(der).unwrap().value).map(|part| part.unwrap().encoded).collect();
    let longer = |part: &[u8]| [&[part[0], 0x83, 0], &part[2..]].concat();
    let null = |part: &[u8]| [&[part[0], part[1] + 1], &part[2..part.len() - 1], &[0x81, 0]].concat();
    let whole = |parts: [&[u8]; 3]| cie::iso7816::tlv::encode(0x30, &parts.concat());
    assert_eq!(&whole([parts[0], parts[1], parts[2]]), der);
    for other in [
        longer(der),
        whole([parts[0], parts[1], &longer(parts[2])]),
        whole([parts[0], &[&[0x30, 0x81], &parts[1][1..]].concat(), parts[2]]),
        whole([parts[0], &null(parts[1]), parts[2]]),
    ] {
        let forged = |nonce: &cie::login::Nonce| {
            let message = crate::pki::message(origin().as_str(), nonce.as_str());
            crate::pki::token(&other, "RS256", &world.holder.sign(MessageDigest::sha256(), &message))
        };
        let nonce = portal.party.challenge(&crate::portal::session("a")).unwrap();
        let refused = portal.party.verify(&crate::portal::session("a"), &forged(&nonce)).unwrap_err();
        assert!(matches!(refused, Error::Token(_)), "{refused}");
    }
}
