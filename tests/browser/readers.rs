//! Readers and cards that are not there, or not any more.

use crate::PIN;
use crate::common::pcscd::Pcscd;
use crate::scene::Scene;

const CANCELLED: &str = "ERR_WEBEID_USER_CANCELLED";

crate::isolated_tests! {
    fn there_is_no_service() {
        let scene = Scene::new(&["cancel"]);
        scene.log_in();
        scene.is_told(CANCELLED, "no-service");
        scene.ends(&["CONFIRM"], (0, 3));
    }

    fn there_is_no_reader() {
        let _pcscd = Pcscd::start_as_configured();
        let scene = Scene::new(&["cancel"]);
        scene.log_in();
        scene.is_told(CANCELLED, "no-reader");
        scene.ends(&["CONFIRM"], (0, 3));
    }

    fn there_is_no_card() {
        let _pcscd = Pcscd::start();
        // Tried again in vain, then not any more.
        let scene = Scene::new(&["yes", "cancel"]);
        scene.log_in();
        scene.is_told(CANCELLED, "no-card");
        scene.ends(&["CONFIRM", "CONFIRM"], (0, 3));
    }

    fn the_card_is_laid_on_when_it_is_asked_for() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["wait laid", "yes", &format!("pin {PIN}")]);
        scene.log_in();
        scene.pinentry.wait_for(1);
        scene.browser.screenshot("card-asked");
        let _laid = scene.card.lay();
        scene.pinentry.go_on("laid");
        scene.is_greeted("greeting-after-no-card");
        scene.ends(&["CONFIRM", "GETPIN"], (1, 3));
    }

    fn the_card_is_taken_away_while_the_pin_is_asked_for() {
        let _pcscd = Pcscd::start();
        let pin = &*format!("pin {PIN}");
        let scene = Scene::new(&["wait gone", pin, "wait back", "yes", pin]);
        let laid = scene.card.lay();
        scene.log_in();
        scene.pinentry.wait_for(1);
        laid.take_away();
        scene.pinentry.go_on("gone");
        scene.pinentry.wait_for(2);
        scene.browser.screenshot("card-removed");
        assert_eq!(scene.card.verified(), (0, 3));
        let _laid = scene.card.lay();
        scene.pinentry.go_on("back");
        scene.is_greeted("greeting-after-card-removed");
        scene.ends(&["GETPIN", "CONFIRM", "GETPIN"], (1, 3));
    }

    fn the_card_is_taken_away_when_it_is_told_the_pin() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&[&format!("pin {PIN}"), "cancel"]);
        let laid = scene.card.lay();
        scene.card.remove_at_verify(&laid);
        scene.log_in();
        scene.is_told(CANCELLED, "card-removed-at-the-pin");
        // It was told once, and nobody told it again.
        scene.ends(&["GETPIN", "CONFIRM"], (1, 3));
    }
}
