//! What happens to pages in the middle of a login, and browsers in which something is missing.

use crate::PIN;
use crate::common::pcscd::Pcscd;
use crate::process::{signal, until_ended};
use crate::scene::{Scene, Setting};

crate::isolated_tests! {
    fn a_page_that_is_loaded_again_ends_its_login() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["wait for-ever"]);
        let _laid = scene.card.lay();
        scene.log_in();
        scene.pinentry.wait_for(1);
        scene.browser.reload();
        scene.browser.wait_text("login");
        scene.ends(&["GETPIN"], (0, 3));
        scene.browser.screenshot("reloaded");
        scene.pinentry.will(&[&format!("pin {PIN}")]);
        scene.log_in();
        scene.is_greeted("greeting-after-reloaded");
        scene.ends(&["GETPIN", "GETPIN"], (1, 3));
    }

    fn a_tab_that_is_closed_ends_its_login_and_so_does_the_browser() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["hang"]);
        let _laid = scene.card.lay();
        let first = scene.browser.tab();
        scene.browser.new_tab();
        scene.browser.open(&scene.portal.origin);
        scene.log_in();
        scene.pinentry.wait_for(1);
        scene.browser.close_tab();
        scene.ends(&["GETPIN"], (0, 3));
        scene.browser.go_to_tab(&first);
        scene.pinentry.will(&["hang"]);
        scene.log_in();
        scene.pinentry.wait_for(2);
        // As if it had crashed.
        assert!(signal("KILL", scene.browser.process()));
        until_ended(scene.browser.process());
        scene.ends(&["GETPIN", "GETPIN"], (0, 3));
    }

    /// One window at a time: which page it is for could not be told otherwise.
    fn two_tabs_log_in_at_once() {
        let _pcscd = Pcscd::start();
        let pin = &*format!("pin {PIN}");
        let scene = Scene::new(&["wait second"]);
        let _laid = scene.card.lay();
        let first = scene.browser.tab();
        scene.log_in();
        scene.pinentry.wait_for(1);
        scene.pinentry.will(&["read"]);
        scene.browser.new_tab();
        scene.browser.open(&scene.portal.origin);
        scene.log_in();
        scene.is_told("ERR_WEBEID_NATIVE_FATAL", "second-tab");
        scene.pinentry.will(&[pin, pin]);
        scene.pinentry.go_on("second");
        // The portal waits for one answer of each browser, the last that it asked for: this is another.
        scene.browser.go_to_tab(&first);
        scene.is_told("refused", "first-tab");
        scene.log_in();
        scene.is_greeted("greeting-first-tab");
        scene.ends(&["GETPIN", "MESSAGE", "GETPIN"], (2, 3));
    }

    fn there_is_no_extension() {
        let scene = Scene::with(&Setting { extension: false, ..Setting::default() });
        scene.log_in();
        scene.is_told("ERR_WEBEID_EXTENSION_UNAVAILABLE", "no-extension");
        scene.ends(&[], (0, 3));
    }

    fn there_is_no_host() {
        let scene = Scene::with(&Setting { host: false, ..Setting::default() });
        scene.log_in();
        scene.is_told("ERR_WEBEID_NATIVE_UNAVAILABLE", "no-host");
        scene.ends(&[], (0, 3));
    }
}
