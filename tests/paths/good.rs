//! Chains that are good.

use cie::iso7816::tlv;
use hex_literal::hex;

use crate::chain::{Case, Chain};
use crate::der::sequence;
use crate::draft::{
    ALTERNATIVE_NAME, AUTHORITY, BASIC, CERT_AND_CRL_SIGN, DIGITAL_SIGNATURE, Draft, EXTENDED_USAGE,
    Extension, How, KEY_USAGE, NAME_CONSTRAINTS, POLICY_CONSTRAINTS, extended_usage, generalized, key, name,
    path_length, relative, subtree, utc,
};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut good = |name: &str, chain: Chain| cases.push(Case::new(name, Ok(()), &chain));

    for between in 0..=4 {
        good(&format!("{between} between"), Chain::of(between));
    }
    for kind in ["rsa2048", "p384", "p521", "bp256", "bp384", "bp512"] {
        good(&format!("all keys {kind}"), Chain::with(kind, 1));
    }
    for (name, how) in [("SHA-384", How::Sha384), ("SHA-512", How::Sha512), ("RSASSA-PSS", How::Pss)] {
        let chain = Chain::with("rsa2048", 1).change(0, |root| root.how = how);
        good(
            &format!("RSA with {name}"),
            chain.change(1, |sub| sub.how = how).change_holder(|h| h.how = how),
        );
    }
    for (name, how) in [("SHA-384", How::Sha384), ("SHA-512", How::Sha512)] {
        good(
            &format!("ECDSA with {name}"),
            Chain::of(1).change(1, |sub| sub.how = how).change_holder(|h| h.how = how),
        );
    }
    for kind in ["rsa3072", "rsa4096"] {
        let chain = (0..2)
            .fold(Chain::of(1), |chain, place| chain.change(place, |d| d.key = key(&format!("{kind} 0"))));
        good(&format!("authorities {kind}"), chain);
    }
    let rsa_under_ec = Chain::of(1).change_holder(|holder| holder.key = key("rsa2048 holder"));
    good("an RSA key under EC keys", rsa_under_ec);
    good(
        "an EC key under RSA keys",
        Chain::with("rsa2048", 1).change_holder(|holder| holder.key = key("p256 holder")),
    );

    for (place, called) in ["the anchor", "the authority", "the holder"].into_iter().enumerate() {
        for kind in ["written256", "written384"] {
            let chain = Chain::of(1).change(place, |draft| draft.key = key(&format!("{kind} {place}")));
            good(&format!("{kind}: {called}"), chain);
        }
    }
    good("all keys written256", Chain::with("written256", 2));
    let expired = |place| {
        let chain = Chain::with("written256", 1).change(place, |draft| draft.until = utc("210101000000Z"));
        chain.certificate(place)
    };
    good(
        "all keys written256, the anchor was renewed",
        Chain::with("written256", 1).also_trusting(expired(0)),
    );
    let mut renewed = Chain::with("written256", 1).without(1).beside(expired(1));
    renewed.more.push(renewed.certificate(1));
    good("all keys written256, the authority was renewed", renewed);

    anchors(&mut good);
    rollover(&mut good);
    constraints(&mut good);
    fields(&mut good);
    cases
}

/// Which anchor, and what else lies around.
fn anchors(good: &mut dyn FnMut(&str, Chain)) {
    good("an authority is the anchor, its root unknown", Chain::of(2).trusting(1).without(0));
    good("an authority is the anchor, its root between", Chain::of(2).trusting(1));
    good(
        "the anchor's own signature is wrong",
        Chain::of(1).change(0, |root| root.signer = Some(key("p256 other"))),
    );
    for (name, how) in [("SHA-1", How::Sha1), ("MD5", How::Md5)] {
        let chain = Chain::with("rsa2048", 1).change(0, |root| root.how = how);
        good(&format!("the anchor's own signature with {name}"), chain);
    }
    good("the anchor stands between, too", {
        let chain = Chain::of(1);
        let root = chain.certificate(0);
        chain.beside(root)
    });
    good("the holder stands between, too", {
        let chain = Chain::of(1);
        let holder = chain.certificate(2);
        chain.beside(holder)
    });
    let other = Chain::with("p384", 1);
    good("others beside", Chain::of(1).beside(other.certificate(0)).beside(other.certificate(2)));
    good("another root and authority of the same names", {
        Chain::of(1).also_trusting(other.certificate(0)).beside(other.certificate(1))
    });
    let expired = Chain::with("p384", 1).change(0, |root| root.until = utc("210101000000Z"));
    let expired = expired.change(0, |root| root.subject = name("Another root"));
    good("an unrelated anchor that has expired", Chain::of(1).also_trusting(expired.certificate(0)));
    // Two certificates of one key: one that is over, and its successor.
    let over =
        |place| Chain::of(1).change(place, |draft| draft.until = utc("210101000000Z")).certificate(place);
    good("the anchor was renewed", Chain::of(1).also_trusting(over(0)));
    good("the authority was renewed", Chain::of(1).beside(over(1)));
}

/// One authority, two keys; and one key under two authorities.
fn rollover(good: &mut dyn FnMut(&str, Chain)) {
    let root = |kind| Draft::authority("Authority 0", key(kind));
    let (old, new) = (root("p256 0"), root("p256 new"));
    good("old with new", {
        Chain::of(1).without(0).also_trusting(new.issued_by(&new)).beside(old.issued_by(&new))
    });
    let sub = &Chain::of(1).drafts[1];
    let by_new = sub.issued_by(&new);
    good("new with old", Chain::of(1).without(1).beside(by_new.clone()).beside(new.issued_by(&old)));
    let other = Draft::authority("Another root", key("p384 0"));
    good("a cross certificate of the root", {
        Chain::of(1).without(0).also_trusting(other.issued_by(&other)).beside(old.issued_by(&other))
    });
    good("a cross certificate of the authority", {
        Chain::of(1)
            .without(0)
            .without(1)
            .also_trusting(other.issued_by(&other))
            .beside(sub.issued_by(&other))
    });
    good("a cross certificate that leads elsewhere", Chain::of(1).beside(sub.issued_by(&other)));
}

fn constraints(good: &mut dyn FnMut(&str, Chain)) {
    let limited = |chain: Chain, place, most| chain.change(place, |d| d.set(BASIC, true, &path_length(most)));
    good("path length 0, none below", limited(Chain::of(1), 1, 0));
    good("path length 1, one below", limited(Chain::of(1), 0, 1));
    let all = (0..).zip([3, 2, 1, 0]).fold(Chain::of(3), |chain, (place, most)| limited(chain, place, most));
    good("path lengths 3 to 0", all);
    let self_issued = Chain::of(2).change(2, |sub| sub.subject = name("Authority 1"));
    good("path length 0, a self-issued one below", limited(self_issued, 1, 0));

    let names = |kind, place, text: &str| {
        let value = subtree(kind, &name(text));
        Chain::of(1).change(place, |draft| draft.set(NAME_CONSTRAINTS, true, &value))
    };
    good("the holder's name is permitted", names(0xA0, 1, "A holder"));
    good("another name is excluded", names(0xA1, 0, "Another holder"));
    good("e-mail addresses are permitted, there is none", {
        let value = sequence(&[&tlv::encode(0xA0, &sequence(&[&tlv::encode(0x81, b"example.it")]))]);
        Chain::of(1).change(1, |sub| sub.set(NAME_CONSTRAINTS, true, &value))
    });
    for (name, usages) in [("clientAuth", &[2][..]), ("clientAuth and others", &[1, 2, 4])] {
        let usage = extended_usage(usages);
        good(name, Chain::of(1).change_holder(|holder| holder.set(EXTENDED_USAGE, false, &usage)));
        good(
            &format!("{name}, critical"),
            Chain::of(1).change_holder(|h| h.set(EXTENDED_USAGE, true, &usage)),
        );
        good(
            &format!("{name} on an authority"),
            Chain::of(1).change(1, |sub| sub.set(EXTENDED_USAGE, false, &usage)),
        );
    }
    let none_needed = sequence(&[&hex!("800105")]);
    good(
        "a policy is asked for five below",
        Chain::of(1).change(0, |d| d.set(POLICY_CONSTRAINTS, true, &none_needed)),
    );
}

/// Single fields that may look so.
fn fields(good: &mut dyn FnMut(&str, Chain)) {
    let holder = |change: fn(&mut Draft)| Chain::of(1).change_holder(change);
    good("until 2060", holder(|h| h.until = generalized("20600101000000Z")));
    good("until 9999", holder(|h| h.until = generalized("99991231235959Z")));
    good("GeneralizedTime before 2050", holder(|h| h.until = generalized("20300101000000Z")));
    good("valid from this second", holder(|h| h.from = utc("260101000000Z")));
    good("valid for one second more", holder(|h| h.until = utc("260101000001Z")));
    good("serial number 0", holder(|h| h.serial = vec![0]));
    good("serial number -1", holder(|h| h.serial = vec![0xFF]));
    good("serial number of 40 bytes", holder(|h| h.serial = vec![0x11; 40]));
    good("serial number of an authority -1", Chain::of(1).change(1, |sub| sub.serial = vec![0xFF]));
    good("keyUsage is not critical", holder(|h| h.set(KEY_USAGE, false, &DIGITAL_SIGNATURE)));
    good("basicConstraints says nothing", holder(|h| h.set(BASIC, false, &hex!("3000"))));
    good("basicConstraints is not critical", Chain::of(1).change(1, |sub| sub.set(BASIC, false, &AUTHORITY)));
    good("a path length beside no authority", holder(|h| h.set(BASIC, false, &hex!("3003020100"))));
    let usage = |sub: &mut Draft| sub.set(KEY_USAGE, false, &CERT_AND_CRL_SIGN);
    good("an authority's keyUsage is not critical", Chain::of(1).change(1, usage));
    good("an authority without keyUsage", Chain::of(1).change(1, |sub| sub.remove(KEY_USAGE)));
    good("the anchor without keyUsage", Chain::of(1).change(0, |root| root.remove(KEY_USAGE)));
    good(
        "nobody names a key",
        (0..3).fold(Chain::of(1), |chain, place| chain.change(place, |d| d.names_key = false)),
    );
    for place in 0..3 {
        let unknown = |draft: &mut Draft| draft.extensions.push(Extension::unknown(false));
        good(&format!("an unknown extension at {place}"), Chain::of(1).change(place, unknown));
    }
    let address = sequence(&[&tlv::encode(0x81, b"holder@example.it")]);
    good(
        "an alternative name, critical",
        Chain::of(1).change_holder(|h| h.set(ALTERNATIVE_NAME, true, &address)),
    );
    good("an empty subject", holder(|h| h.subject = vec![0x30, 0]));
    let subject = |kind, value: &[u8]| relative(&[(&hex!("550403"), kind, value)]);
    for (name, written) in [
        ("BMPString", subject(0x1E, &hex!("004F0041"))),
        ("TeletexString", subject(0x14, b"Nicol\xF2")),
        ("PrintableString", subject(0x13, b"An Authority")),
    ] {
        good(&format!("a name in {name}"), Chain::of(1).change(1, |sub| sub.subject.clone_from(&written)));
    }
    good("a name with other capitals and blanks", {
        Chain::of(1).change(2, |h| h.issuer = Some(subject(0x13, b" AUTHORITY  1")))
    });
}
