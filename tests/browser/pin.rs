//! The PIN: right, wrong, not told, blocked, and the last try.

use crate::common::pcscd::Pcscd;
use crate::scene::{Scene, Setting};
use crate::{PIN, WRONG_PIN};

const CANCELLED: &str = "ERR_WEBEID_USER_CANCELLED";
const FATAL: &str = "ERR_WEBEID_NATIVE_FATAL";

crate::isolated_tests! {
    fn the_right_pin_logs_in_and_out() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["wait seen", &format!("pin {PIN}")]);
        let _laid = scene.card.lay();
        scene.browser.wait_text("login");
        scene.browser.screenshot("start");
        scene.log_in();
        scene.pinentry.wait_for(1);
        scene.browser.screenshot("pin-asked");
        scene.pinentry.go_on("seen");
        scene.is_greeted("greeting");
        scene.ends(&["GETPIN"], (1, 3));
        let [asked] = &scene.pinentry.shown()[..] else { panic!() };
        let host = scene.portal.origin.strip_prefix("https://").unwrap();
        assert!(asked.text.contains(host), "who asks: {}", asked.text);
        assert_eq!(asked.error, "");

        // Logged in is logged in, until the citizen logs out.
        scene.browser.reload();
        scene.is_greeted("greeting-after-reload");
        scene.browser.click("logout");
        scene.browser.wait_text("login");
        scene.browser.screenshot("logged-out");
        assert_eq!(scene.browser.text("greeting"), "");
        scene.browser.reload();
        scene.browser.wait_text("login");
        assert_eq!(scene.browser.text("greeting"), "");
        assert_eq!(scene.card.verified(), (1, 3));
    }

    fn a_wrong_pin_is_told_with_the_tries_left() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&[&format!("pin {WRONG_PIN}"), &format!("pin {PIN}")]);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_greeted("greeting-after-wrong-pin");
        scene.ends(&["GETPIN", "GETPIN"], (2, 3));
        let [first, second] = &scene.pinentry.shown()[..] else { panic!() };
        assert_eq!(first.error, "");
        assert!(second.error.contains('2'), "the tries left: {}", second.error);
    }

    fn a_wrong_pin_and_then_none() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&[&format!("pin {WRONG_PIN}"), "cancel"]);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told(CANCELLED, "wrong-pin-then-cancelled");
        scene.ends(&["GETPIN", "GETPIN"], (1, 2));
    }

    fn a_cancelled_dialogue_costs_nothing() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["cancel"]);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told(CANCELLED, "cancelled");
        scene.ends(&["GETPIN"], (0, 3));
        // And the next login is a new one.
        scene.pinentry.will(&[&format!("pin {PIN}")]);
        scene.log_in();
        scene.is_greeted("greeting-after-cancelled");
        scene.ends(&["GETPIN", "GETPIN"], (1, 3));
    }

    fn a_blocked_pin_is_told_and_not_asked_for() {
        let _pcscd = Pcscd::start();
        let scene = Scene::with(&Setting { steps: &["read"], tries: 0, ..Setting::default() });
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told(FATAL, "blocked");
        scene.ends(&["MESSAGE"], (0, 0));
    }

    fn the_last_try_is_asked_for_twice() {
        let _pcscd = Pcscd::start();
        let scene = Scene::with(&Setting { steps: &["cancel"], tries: 1, ..Setting::default() });
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told(CANCELLED, "last-try-not-taken");
        scene.ends(&["CONFIRM"], (0, 1));
        scene.pinentry.will(&["yes", &format!("pin {PIN}")]);
        scene.log_in();
        scene.is_greeted("greeting-after-last-try");
        scene.ends(&["CONFIRM", "CONFIRM", "GETPIN"], (1, 3));
    }

    fn three_wrong_pins_block_it_and_the_citizen_was_warned() {
        let _pcscd = Pcscd::start();
        // The same one would not be sent twice.
        let wrong = &*format!("pin {WRONG_PIN}");
        let scene = Scene::new(&[wrong, "pin 99999998", "yes", "pin 99999997", "read"]);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.is_told(FATAL, "blocked-just-now");
        scene.ends(&["GETPIN", "GETPIN", "CONFIRM", "GETPIN", "MESSAGE"], (3, 0));
    }
}
