//! What the portal refuses: answers that come too late, and answers meant for another origin.

use crate::PIN;
use crate::common::pcscd::Pcscd;
use crate::scene::{Scene, Setting};

crate::isolated_tests! {
    fn a_slow_citizen_is_too_late() {
        let _pcscd = Pcscd::start();
        let pin = &*format!("pin {PIN}");
        let portal = &["--challenge-seconds", "1"];
        let setting = Setting { steps: &["sleep 2.5", pin], portal, ..Setting::default() };
        let scene = Scene::with(&setting);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told("expired", "expired");
        scene.ends(&["GETPIN"], (1, 3));
        // Nothing is left of it: a quick one is in time.
        scene.pinentry.will(&[pin]);
        scene.log_in();
        scene.is_greeted("greeting-after-expired");
        scene.ends(&["GETPIN", "GETPIN"], (2, 3));
    }

    fn a_card_signs_for_the_origin_that_the_browser_sees() {
        let _pcscd = Pcscd::start();
        let scene = Scene::without_page(&Setting { steps: &[&format!("pin {PIN}")], ..Setting::default() });
        let _laid = scene.card.lay();
        let address = scene.portal.by_number();
        scene.browser.open(&address);
        scene.log_in();
        scene.is_told("refused", "foreign-origin");
        scene.ends(&["GETPIN"], (1, 3));
        let host = address.strip_prefix("https://").unwrap();
        let [asked] = &scene.pinentry.shown()[..] else { panic!() };
        assert!(asked.text.contains(host), "the citizen was told: {}", asked.text);
    }

    fn a_server_of_an_unknown_authority_is_not_even_shown() {
        let scene = Scene::without_page(&Setting { trusting: false, ..Setting::default() });
        scene.browser.open(&scene.portal.origin);
        scene.browser.screenshot("unknown-authority");
        let warning = scene.browser.everything();
        assert!(warning.contains("ERR_CERT_AUTHORITY_INVALID"), "{warning}");
        assert_eq!(scene.browser.text("login"), "");
        scene.ends(&[], (0, 3));
    }
}
