//! Properties over generated input: origins against what a browser's parser of addresses makes of them, and tokens that
//! are written and read.

use base64ct::{Base64, Encoding};
use cie::login::{AuthToken, Nonce, Origin, OriginError, TokenAlgorithm};
use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::{Value, json};
use url::Url;

use crate::pki::{World, token};

/// What the parser of the `url` crate (WHATWG URL) says that the origin of an address is.
fn origin_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    Some(url.origin().ascii_serialization())
}

/// Hosts of all kinds, right and wrong.
fn host() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        4 => string_regex("[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?").unwrap(),
        1 => string_regex("[a-zA-Z0-9_-]{1,5}").unwrap(),
        1 => string_regex("xn--[a-z0-9-]{1,8}").unwrap(),
        1 => string_regex("0?x?[0-9a-f]{0,5}").unwrap(),
        1 => string_regex("[0-9]{1,4}").unwrap(),
        1 => string_regex("[a-zà-üа-я一-三ſẞ①．。]{1,4}").unwrap(),
        1 => Just("x".repeat(63)),
        1 => Just("x".repeat(64)),
    ];
    let name = proptest::collection::vec(label, 1..5).prop_map(|labels| labels.join("."));
    let address = any::<[u16; 8]>().prop_map(|groups| std::net::Ipv6Addr::from(groups).to_string());
    let sparse =
        proptest::array::uniform8(prop_oneof![3 => Just(0_u16), 1 => any::<u16>(), 1 => Just(0xFFFF)])
            .prop_map(|groups| std::net::Ipv6Addr::from(groups).to_string());
    let written = string_regex("[0-9a-fA-F:.]{2,12}").unwrap();
    prop_oneof![
        6 => name,
        1 => any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        1 => prop_oneof![address, sparse, written].prop_map(|address| format!("[{address}]")),
    ]
}

fn port() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        2 => any::<u16>().prop_map(|port| format!(":{port}")),
        1 => prop_oneof![Just(":443"), Just(":80"), Just(":0"), Just(":"), Just(":08443")].prop_map(str::to_owned),
    ]
}

/// Addresses, some of which are origins.
fn address() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![12 => Just("https://"), 1 => prop_oneof![Just("http://"), Just("HTTPS://"), Just("https:/")]];
    let end = prop_oneof![
        6 => Just(String::new()),
        1 => string_regex("[./?#@\\\\ \t:a]{1,3}").unwrap(),
    ];
    (scheme, host(), port(), end).prop_map(|(scheme, host, port, end)| format!("{scheme}{host}{port}{end}"))
}

/// Why an origin that a browser could send is not taken here.
fn is_documented(error: OriginError, origin: &str) -> bool {
    let url = Url::parse(origin).unwrap();
    let host = url.host_str().unwrap();
    match error {
        OriginError::TooLong => origin.len() > 255,
        // No portal is reached at port 0.
        OriginError::Port => url.port() == Some(0),
        // Names of hosts (RFC 1123) have letters, digits and hyphens within, 63 to a label and 253 in all, and no dot
        // at the end; a browser takes whatever a resolver might.
        OriginError::Host => {
            let is_odd = |label: &str| {
                !matches!(label.len(), 1..=63)
                    || label.starts_with('-')
                    || label.ends_with('-')
                    || label.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-')
            };
            host.len() > 253 || host.split('.').any(is_odd)
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is taken is what a browser sends, byte for byte.
    #[test]
    fn an_origin_is_what_a_browser_says(text in address()) {
        if let Ok(origin) = Origin::parse(&text) {
            prop_assert_eq!(origin.as_str(), &text);
            match origin_of(&text) {
                Some(browser) => prop_assert_eq!(browser, text),
                // Whether a label in punycode stands for anything is not looked into: to say so takes the tables of
                // Unicode, and no browser ever sends such an origin.
                None => prop_assert!(text.contains("xn--"), "{}", text),
            }
        }
    }

    /// What a browser sends is taken, but for reasons that are known.
    #[test]
    fn what_a_browser_says_is_an_origin(text in address()) {
        let https = |origin: &String| origin.starts_with("https://");
        if let Some(browser) = origin_of(&text).filter(https) {
            match Origin::parse(&browser) {
                Ok(origin) => prop_assert_eq!(origin.as_str(), browser),
                Err(error) => prop_assert!(is_documented(error, &browser), "{} {:?}", browser, error),
            }
        }
    }

    #[test]
    fn any_text_is_no_origin_or_what_a_browser_says(text in "(https://)?\\PC{0,20}") {
        if let Ok(origin) = Origin::parse(&text) {
            let browser = origin_of(&text);
            prop_assert!(browser.as_deref() == Some(origin.as_str()) || text.contains("xn--"));
        }
    }
}

/// Generators that never hit would prove nothing.
#[test]
fn the_generated_addresses_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut taken, mut browsers, mut both) = (0, 0, 0);
    for _ in 0..4000 {
        let text = address().new_tree(&mut runner).unwrap().current();
        let (ours, theirs) = (Origin::parse(&text).is_ok(), origin_of(&text).is_some_and(|o| o == text));
        taken += u32::from(ours);
        browsers += u32::from(theirs);
        both += u32::from(ours && theirs);
    }
    assert!(taken > 400 && browsers > 400 && both > 400, "{taken} {browsers} {both}");
}

const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A token that was read is written as one that reads the same, whatever signature, program and order of members.
    #[test]
    fn a_token_is_written_as_it_was_read(
        algorithm in prop::sample::select(&ALGORITHMS[..]),
        signature in proptest::collection::vec(any::<u8>(), 0..600),
        app in proptest::option::of("\\PC{0,40}|[\"\\\\\u{0}-\u{1F}]{0,9}"),
        extra in "[a-z]{0,9}",
        minor in prop::sample::select(&["", ".0"][..]),
    ) {
        let holder = &holder_of_a_world().holder;
        let mut members: Value = serde_json::from_slice(&token(&holder.der, algorithm, &signature)).unwrap();
        members["format"] = json!(format!("web-eid:1{minor}"));
        if let Some(app) = &app {
            members["appVersion"] = json!(app);
        }
        let text = members.to_string();
        let with_extra = text.replacen('{', &format!(r#"{{"x{extra}":[{{"a":1}}],"#), 1);
        for text in [&text, &with_extra] {
            let read = AuthToken::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(read.algorithm().name(), algorithm);
            prop_assert_eq!(read.app_version(), app.as_deref());
            prop_assert_eq!(read.unverified_certificate().as_der(), &holder.der);
            let written = read.to_json();
            prop_assert_eq!(&AuthToken::parse(written.as_bytes()).unwrap(), &read);
            let written: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(&written["signature"], &json!(Base64::encode_string(&signature)));
            prop_assert_eq!(&written["format"], &json!("web-eid:1.0"));
        }
    }

    /// The text of a nonce is what travels.
    #[test]
    fn a_nonce_is_its_text(bytes in any::<[u8; 32]>(), text in "[ -~]{40,130}") {
        let nonce = Nonce::of(&bytes);
        prop_assert_eq!(Base64::decode_vec(nonce.as_str()).unwrap(), bytes);
        prop_assert_eq!(Nonce::parse(nonce.as_str()), Ok(nonce));
        if let Ok(nonce) = Nonce::parse(&text) {
            prop_assert_eq!(nonce.as_str(), text);
        }
    }
}

fn holder_of_a_world() -> &'static World {
    static WORLD: std::sync::OnceLock<World> = std::sync::OnceLock::new();
    WORLD.get_or_init(World::new)
}

/// Every algorithm has its name, and no other.
#[test]
fn algorithms_have_their_names() {
    let holder = &holder_of_a_world().holder;
    let names: std::collections::HashSet<TokenAlgorithm> = ALGORITHMS
        .iter()
        .map(|name| AuthToken::parse(&token(&holder.der, name, &[])).unwrap().algorithm())
        .collect();
    assert_eq!(names.len(), ALGORITHMS.len());
}
