//! What the portal refuses: answers that come too late, and answers meant for another origin.

use crate::PIN;
use crate::common::pcscd::{Pcscd, folder};
use crate::relay::Relay;
use crate::scene::{Scene, Setting};

crate::isolated_tests! {
    fn a_slow_citizen_is_too_late() {
        let _pcscd = Pcscd::start();
        let pin = &*format!("pin {PIN}");
        let portal = &["--challenge-seconds", "4"];
        let setting = Setting { steps: &["sleep 5.5", pin], portal, ..Setting::default() };
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

    fn a_site_that_relays_the_portal_gets_no_login_for_it() {
        let _pcscd = Pcscd::start();
        let site = folder().join("site");
        Relay::certify(&site);
        let authority = Relay::authority(&site);
        let steps = &[&*format!("pin {PIN}")];
        let setting = Setting { steps, also_trusting: Some(&authority), ..Setting::default() };
        let scene = Scene::without_page(&setting);
        let relay = Relay::start(&site, &scene.portal, &Scene::demo());
        let _laid = scene.card.lay();
        // To the citizen it looks like the portal; the browser knows better, and so does what the card signs.
        scene.browser.open(&relay.origin);
        scene.log_in();
        scene.is_told("refused", "relayed");
        scene.ends(&["GETPIN"], (1, 3));
        let [asked] = &scene.pinentry.shown()[..] else { panic!() };
        assert!(asked.text.contains("127.0.0.1") && !asked.text.contains("localhost"), "{}", asked.text);
        // At the portal itself the same browser and card come in.
        scene.pinentry.will(steps);
        scene.browser.open(&scene.portal.origin);
        scene.log_in();
        scene.is_greeted("greeting-after-relayed");
        scene.ends(&["GETPIN", "GETPIN"], (2, 3));
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
