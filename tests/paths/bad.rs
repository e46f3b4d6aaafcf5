//! Chains that are bad, each in one thing, and what the error says.

use cie::iso7816::tlv;
use hex_literal::hex;

use crate::chain::{Case, Chain, Expected};
use crate::der::{replace, sequence};
use crate::draft::{
    AUTHORITY, BASIC, CRL_SIGN, DIGITAL_SIGNATURE, Draft, EXTENDED_USAGE, Extension, How, KEY_USAGE,
    NAME_CONSTRAINTS, POLICIES, POLICY_CONSTRAINTS, RSA_ENCRYPTION, RSASSA_PSS, algorithm, extended_usage,
    key, name, path_length, spki, subtree, utc, with_another_generator,
};

const UNKNOWN_ISSUER: Expected = Err("the issuer of the certificate is unknown");
const TOO_WEAK: Expected = Err("too weak");
const UNKNOWN_KEY: Expected = Err("a kind that is known here");

type Bad<'a> = &'a mut dyn FnMut(&str, Expected, Chain);

/// Where in a chain with two authorities between.
const PLACES: [&str; 4] = ["the anchor", "the first authority", "the second authority", "the holder"];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut bad = |name: &str, expected, chain: Chain| cases.push(Case::new(name, expected, &chain));
    at_each_place(&mut bad);
    issuers(&mut bad);
    constraints(&mut bad);
    keys(&mut bad);
    fields(&mut bad);
    encoding(&mut bad);
    cases
}

fn flip_signature(mut der: Vec<u8>) -> Vec<u8> {
    *der.last_mut().unwrap() ^= 1;
    der
}

fn at_each_place(bad: Bad<'_>) {
    for (place, called) in PLACES.iter().enumerate() {
        let mut bad = |what: &str, expected, change: fn(&mut Draft)| {
            bad(&format!("{called} {what}"), expected, Chain::of(2).change(place, change));
        };
        bad("has expired", Err("has expired"), |draft| draft.until = utc("251231235959Z"));
        bad("expires this second", Err("has expired"), |draft| draft.until = utc("260101000000Z"));
        bad("is not valid yet", Err("not valid yet"), |draft| draft.from = utc("260101000001Z"));
        bad("has an unknown critical extension", Err("unhandled critical extension"), |draft| {
            draft.extensions.push(Extension::unknown(true));
        });
        bad("has a moment without seconds", Err("format error"), |draft| draft.until = utc("4912312359Z"));
        if place > 0 {
            bad("has a wrong signature", Err("a signature above"), |draft| draft.finish = flip_signature);
            bad("is signed by another key", Err("a signature above"), |draft| {
                draft.signer = Some(key("p256 other"));
            });
            // What cannot be read stands in no store.
            let expected = if place == 3 { Err("two signature algorithms") } else { UNKNOWN_ISSUER };
            bad("says that it is signed otherwise inside", expected, |draft| {
                draft.inner_algorithm = Some(algorithm(draft.key, How::Sha384));
            });
            bad("names another key of its issuer", UNKNOWN_ISSUER, |draft| {
                draft.set(35, false, &sequence(&[&tlv::encode(0x80, &[1; 20])]));
            });
        }
    }
    for (place, called) in PLACES.iter().enumerate().skip(1) {
        for (digest, how) in [("SHA-1", How::Sha1), ("MD5", How::Md5)] {
            let chain = Chain::with("rsa2048", 2).change(place, |draft| draft.how = how);
            bad(&format!("{called} is signed with {digest}"), TOO_WEAK, chain);
        }
    }
    let ecdsa = Chain::of(1).change_holder(|holder| holder.how = How::Sha1);
    bad("the holder is signed with ECDSA and SHA-1", TOO_WEAK, ecdsa);
}

fn issuers(bad: Bad<'_>) {
    bad("no anchor but another", UNKNOWN_ISSUER, {
        Chain::of(1)
            .without(0)
            .also_trusting(Chain::with("p384", 0).change(0, |d| d.subject = name("Other")).certificate(0))
    });
    bad("the root stands between, another is trusted", UNKNOWN_ISSUER, {
        let other = Chain::with("p384", 0).change(0, |d| d.subject = name("Other")).certificate(0);
        let chain = Chain::of(1);
        let root = chain.certificate(0);
        chain.without(0).also_trusting(other).beside(root)
    });
    bad("an authority is missing", UNKNOWN_ISSUER, Chain::of(2).without(1));
    bad("five between", Err("chain too long"), Chain::of(5));
    bad("the anchor has another key", UNKNOWN_ISSUER, {
        Chain::of(1).without(0).also_trusting(Chain::with("p384", 1).certificate(0))
    });
    bad("the anchor has another key, which nobody names", Err("a signature above"), {
        let chain = Chain::of(1).change(1, |sub| sub.names_key = false);
        chain.without(0).also_trusting(Chain::with("p384", 1).certificate(0))
    });
    bad("an authority has another key", UNKNOWN_ISSUER, {
        Chain::of(1).without(1).beside(Chain::with("p384", 1).drafts[1].issued_by(&Chain::of(1).drafts[0]))
    });
    // Neither OpenSSL nor what is built here comes back from an issuer that it took: of two keys with one name, where
    // nobody says which, and of two certificates of one authority, the first.
    bad("new with old, no key named", Err("a signature above"), {
        let new = Draft::authority("Authority 0", key("p256 new"));
        let old = Draft::authority("Authority 0", key("p256 0"));
        let chain = Chain::of(1).change(1, |sub| {
            sub.signer = Some(key("p256 new"));
            sub.names_key = false;
        });
        chain.beside(new.issued_by(&old))
    });
    bad("the first certificate of an authority leads nowhere", UNKNOWN_ISSUER, {
        let other = Draft::authority("Another root", key("p384 0"));
        let chain = Chain::of(1);
        let cross = chain.drafts[1].issued_by(&other);
        chain.without(0).also_trusting(other.issued_by(&other)).beside(cross)
    });
    // A citizen who certifies another one.
    let holder = Draft::holder(key("p256 first holder"));
    bad("a holder is the issuer", UNKNOWN_ISSUER, {
        let mut chain = Chain::of(2);
        chain.drafts[2] = Draft { subject: name("First holder"), ..holder.clone() };
        chain
    });
    bad("an authority that says it is none", UNKNOWN_ISSUER, {
        Chain::of(1).change(1, |sub| sub.set(BASIC, true, &hex!("3000")))
    });
    bad("an authority that says it is none, with a path length", UNKNOWN_ISSUER, {
        Chain::of(1).change(1, |sub| sub.set(BASIC, true, &hex!("3003020100")))
    });
    bad(
        "an authority without basicConstraints",
        UNKNOWN_ISSUER,
        Chain::of(1).change(1, |sub| sub.remove(BASIC)),
    );
    bad("an authority without basicConstraints and keyUsage", UNKNOWN_ISSUER, {
        Chain::of(1).change(1, |sub| sub.extensions.clear())
    });
    bad(
        "an anchor without basicConstraints",
        UNKNOWN_ISSUER,
        Chain::of(1).change(0, |root| root.remove(BASIC)),
    );
    bad("an anchor of version 1", UNKNOWN_ISSUER, Chain::of(1).change(0, |root| root.version = 0));
    bad("an authority of version 1", UNKNOWN_ISSUER, Chain::of(1).change(1, |sub| sub.version = 0));
    for (place, called) in PLACES.iter().enumerate().take(3) {
        let chain = Chain::of(2).change(place, |draft| draft.set(KEY_USAGE, true, &CRL_SIGN));
        bad(&format!("{called} may not sign certificates"), Err("invalid CA certificate"), chain);
    }
}

fn constraints(bad: Bad<'_>) {
    let limited = |between, place, most| {
        Chain::of(between).change(place, |draft| draft.set(BASIC, true, &path_length(most)))
    };
    const TOO_LONG: Expected = Err("path length constraint exceeded");
    bad("path length 0 of the anchor, one below", TOO_LONG, limited(1, 0, 0));
    bad("path length 0 of an authority, one below", TOO_LONG, limited(2, 1, 0));
    bad("path length 1 of the anchor, two below", TOO_LONG, limited(2, 0, 1));
    bad("path length 2 of the anchor, three below", TOO_LONG, limited(3, 0, 2));

    let names = |kind, place, text: &str| {
        let value = subtree(kind, &name(text));
        Chain::of(2).change(place, |draft| draft.set(NAME_CONSTRAINTS, true, &value))
    };
    bad("another name is permitted", Err("permitted subtree violation"), names(0xA0, 2, "Another holder"));
    bad(
        "another name is permitted by the anchor",
        Err("permitted subtree violation"),
        names(0xA0, 0, "Another holder"),
    );
    bad("the holder's name is excluded", Err("excluded subtree violation"), names(0xA1, 1, "A holder"));
    bad("an authority's name is excluded", Err("excluded subtree violation"), names(0xA1, 0, "Authority 1"));

    for (name, usages) in [("serverAuth", &[1][..]), ("e-mail and code", &[3, 4]), ("OCSP", &[9])] {
        let usage = extended_usage(usages);
        let holder = Chain::of(1).change_holder(|holder| holder.set(EXTENDED_USAGE, false, &usage));
        bad(&format!("{name} alone"), Err("without client authentication"), holder);
        let authority = Chain::of(1).change(1, |sub| sub.set(EXTENDED_USAGE, false, &usage));
        bad(&format!("{name} alone on an authority"), Err("unsuitable certificate purpose"), authority);
        let anchor = Chain::of(1).change(0, |root| root.set(EXTENDED_USAGE, false, &usage));
        bad(&format!("{name} alone on the anchor"), Err("unsuitable certificate purpose"), anchor);
    }
    let any = sequence(&[&hex!("0604551D2500")]);
    let any = Chain::of(1).change_holder(|holder| holder.set(EXTENDED_USAGE, false, &any));
    bad("anyExtendedKeyUsage alone", Err("without client authentication"), any);
    let holder = |change: fn(&mut Draft)| Chain::of(1).change_holder(change);
    const NO_SIGNATURE: Expected = Err("keyUsage without digitalSignature");
    bad("keyUsage keyEncipherment", NO_SIGNATURE, holder(|h| h.set(KEY_USAGE, true, &hex!("03020520"))));
    bad("keyUsage keyAgreement", NO_SIGNATURE, holder(|h| h.set(KEY_USAGE, true, &hex!("03020308"))));
    bad("no keyUsage", NO_SIGNATURE, holder(|h| h.remove(KEY_USAGE)));
    bad(
        "the holder is an authority",
        Err("an authority's certificate"),
        holder(|h| h.set(BASIC, true, &AUTHORITY)),
    );
    bad(
        "another policy",
        Err("not the policy"),
        holder(|h| h.set(POLICIES, false, &hex!("300830060604 2B4C2F05"))),
    );
    bad("no policy", Err("not the policy"), holder(|h| h.remove(POLICIES)));
}

fn keys(bad: Bad<'_>) {
    for (place, called) in PLACES.iter().enumerate() {
        let chain = Chain::of(2).change(place, |draft| draft.key = key("rsa1024 weak"));
        bad(&format!("1024 bits: {called}"), TOO_WEAK, chain);
        let chain = Chain::of(2).change(place, |draft| draft.key = key("p192 weak"));
        bad(&format!("P-192: {called}"), TOO_WEAK, chain);
    }
    for kind in ["p224", "k256", "ed25519", "dsa"] {
        let chain = Chain::of(1).change_holder(|holder| holder.key = key(&format!("{kind} holder")));
        bad(&format!("the holder's key is {kind}"), UNKNOWN_KEY, chain);
    }
    let only_pss = |holder: &mut Draft| {
        let spki = spki(key("rsa2048 holder"));
        let parameters = sequence(&[&RSASSA_PSS]);
        assert_eq!(spki[6..17], RSA_ENCRYPTION);
        holder.spki = Some(replace(&spki, &[0], &|_| parameters.clone()));
    };
    bad("the holder's key is for RSASSA-PSS only", UNKNOWN_KEY, Chain::of(1).change_holder(only_pss));
    let curveball = |draft: &mut Draft| {
        let point = spki(draft.key);
        let point = &point[point.len() - 65..];
        draft.spki = Some(with_another_generator(point, point));
    };
    for (place, called) in PLACES.iter().enumerate() {
        let chain = Chain::of(2).change(place, curveball);
        bad(&format!("a generator of somebody's choice: {called}"), Err("curve"), chain);
    }
    for usage in [&[1][..], &[9]] {
        let usage = extended_usage(usage);
        let chain = Chain::of(1).change(1, |sub| sub.set(EXTENDED_USAGE, false, &usage));
        let chain = chain.change_holder(|holder| holder.key = key("written256 holder"));
        let called = format!("usage {usage:02X?} of an authority, the holder's curve written out");
        bad(&called, Err("without client authentication"), chain);
    }
    let not_on_curve = |holder: &mut Draft| {
        let mut spki = spki(holder.key);
        *spki.last_mut().unwrap() ^= 1;
        holder.spki = Some(spki);
    };
    bad("a point that is not on the curve", TOO_WEAK, Chain::of(1).change_holder(not_on_curve));
}

fn fields(bad: Bad<'_>) {
    let holder = |change: fn(&mut Draft)| Chain::of(1).change_holder(change);
    const TWICE: Expected = Err("stands there twice");
    bad(
        "keyUsage stands there twice",
        TWICE,
        holder(|h| {
            h.extensions.push(Extension::new(KEY_USAGE, true, &DIGITAL_SIGNATURE));
        }),
    );
    bad(
        "basicConstraints stands there twice",
        UNKNOWN_ISSUER,
        Chain::of(1).change(1, |sub| {
            sub.extensions.push(Extension::new(BASIC, true, &AUTHORITY));
        }),
    );
    bad(
        "an unknown extension stands there twice",
        TWICE,
        holder(|h| {
            h.extensions.extend([Extension::unknown(false), Extension::unknown(false)]);
        }),
    );
    bad("the policy constraints are malformed", Err("extension"), {
        Chain::of(1).change_holder(|h| h.set(POLICY_CONSTRAINTS, true, &hex!("0500")))
    });
    bad("the keyUsage is malformed", Err("extension"), holder(|h| h.set(KEY_USAGE, true, &hex!("0500"))));
    bad(
        "the basicConstraints are malformed",
        Err("extension"),
        holder(|h| h.set(BASIC, true, &hex!("0500"))),
    );
    bad(
        "a path length of -1",
        UNKNOWN_ISSUER,
        Chain::of(1).change(1, |sub| {
            sub.set(BASIC, true, &hex!("30060101FF0201FF"));
        }),
    );
    bad("the holder of version 1", Err("keyUsage"), holder(|h| h.version = 0));
    bad("valid since 1960", Err("validity"), holder(|h| h.from = utc("600101000000Z")));
    bad("local time", Err(""), holder(|h| h.until = utc("491231235959+0100")));
    bad(
        "an extension of 32 KiB",
        Err("too long"),
        holder(|h| {
            let mut long = Extension::unknown(false);
            long.value = vec![0; 0x8000];
            h.extensions.push(long);
        }),
    );
}

fn encoding(bad: Bad<'_>) {
    let holder = |finish: fn(Vec<u8>) -> Vec<u8>| Chain::of(1).change_holder(|holder| holder.finish = finish);
    bad("bytes after it", Err("bytes after it"), holder(|der| [&der[..], &[5, 0]].concat()));
    bad(
        "bytes after its signature",
        Err("bytes after its signature"),
        holder(|der| {
            let inner = tlv::parse(&der).unwrap().value;
            tlv::encode(0x30, &[inner, &[5, 0]].concat())
        }),
    );
    bad("bytes after its extensions", Err(""), Chain::of(1).change_holder(|holder| holder.rest = vec![5, 0]));
    // The BIT STRING says that its last bit is none. If that was set, it cannot be read at all.
    let unused: fn(Vec<u8>) -> Vec<u8> = |der| {
        replace(&der, &[2], &|signature| {
            let mut signature = signature.to_vec();
            signature[2] = 1;
            signature
        })
    };
    bad("a signature with a bit less", Err("malformed certificate"), holder(unused));
    bad("a signature with a bit less under a written out curve", Err("malformed certificate"), {
        let chain = Chain::with("written256", 1);
        chain.change_holder(|holder| holder.finish = unused)
    });
    bad("cut short", Err("not X.509"), holder(|der| der[..der.len() - 1].to_vec()));
    bad("nothing at all", Err("not X.509"), holder(|_| Vec::new()));
    bad(
        "the algorithm outside is another one",
        Err("two signature algorithms"),
        holder(|der| replace(&der, &[1], &|_| algorithm(key("p256 1"), How::Sha384))),
    );
    bad(
        "an authority with bytes after it",
        UNKNOWN_ISSUER,
        Chain::of(1).change(1, |sub| {
            sub.finish = |der| [&der[..], &[5, 0]].concat();
        }),
    );
}
