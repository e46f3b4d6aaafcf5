//! The token that a page gets, judged by the program that shares nothing with this crate (`tests/login`).

use std::process::Command;
use std::time::SystemTime;

use cie::environment::moment;
use cie::login::Nonce;
use serde_json::{Value, json};

use crate::PIN;
use crate::common::pcscd::Pcscd;
use crate::scene::Scene;

crate::isolated_tests! {
    fn python_accepts_the_token_of_a_page_for_its_origin_and_nonce() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&[&format!("pin {PIN}")]);
        let _laid = scene.card.lay();
        let nonce = Nonce::of(&[0x5A; 32]);
        let action = "web-eid:authenticate";
        let [_, mut token] = scene.post(&json!({ "action": action, "challengeNonce": nonce.as_str() }));
        assert_eq!(token["action"], format!("{action}-success"), "{token}");
        token.as_object_mut().unwrap().remove("action");
        scene.ends(&["GETPIN"], (1, 3));

        let demo = Scene::demo();
        let file = demo.join("token.json");
        std::fs::write(&file, token.to_string()).unwrap();
        let verdict = |origin: &str, nonce: &str| {
            let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/login/verify_token.py");
            let mut python = Command::new("python3");
            python.arg(program).arg(&file).args([origin, nonce, &moment::format(SystemTime::now())]);
            python.args(["root.pem", "intermediate/sub-ca.pem"].map(|name| demo.join("trust/holder").join(name)));
            let output = python.output().unwrap();
            let said = if output.status.success() { output.stdout } else { output.stderr };
            (output.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
        };
        let citizen: Value = serde_json::from_slice(&std::fs::read(demo.join("citizen.json")).unwrap()).unwrap();
        let fiscal_code = citizen["fiscal_code"].as_str().unwrap().to_owned();
        assert_eq!(verdict(&scene.portal.origin, nonce.as_str()), (true, fiscal_code));
        for (origin, nonce) in [
            ("https://localhost".to_owned(), nonce.as_str()),
            (scene.portal.origin.clone(), Nonce::of(&[0x5B; 32]).as_str()),
        ] {
            let (accepted, said) = verdict(&origin, nonce);
            assert!(!accepted && said.contains("InvalidSignature"), "{said}");
        }
    }
}
