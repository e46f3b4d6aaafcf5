//! Everything that a login needs, set up in the folder of one isolated test.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::card::Card;
use crate::common::pcscd::folder;
use crate::common::pinentry::Pinentry;
use crate::driver::Browser;
use crate::home::Home;
use crate::portal::Portal;

/// What a test may want otherwise.
pub(crate) struct Setting<'a> {
    /// What the person does at the pinentry.
    pub(crate) steps: &'a [&'a str],
    pub(crate) extension: bool,
    pub(crate) host: bool,
    /// Whether the browser trusts the portal's authority.
    pub(crate) trusting: bool,
    /// An authority that it trusts besides.
    pub(crate) also_trusting: Option<&'a Path>,
    /// Further options of the portal.
    pub(crate) portal: &'a [&'a str],
    /// Tries of the PIN that are left.
    pub(crate) tries: u8,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            steps: &[],
            extension: true,
            host: true,
            trusting: true,
            also_trusting: None,
            portal: &[],
            tries: 3,
        }
    }
}

/// The citizen, their browser and card, and the portal. Fields end in this order.
pub(crate) struct Scene {
    pub(crate) browser: Browser,
    pub(crate) portal: Portal,
    pub(crate) pinentry: Pinentry,
    pub(crate) card: Card,
    pub(crate) home: Home,
}

impl Scene {
    /// The portal's page is open, and nothing has happened yet. The service of the readers and what lies on them
    /// are up to the test.
    pub(crate) fn new(steps: &[&str]) -> Self {
        Self::with(&Setting { steps, ..Setting::default() })
    }

    pub(crate) fn with(setting: &Setting<'_>) -> Self {
        let scene = Self::without_page(setting);
        scene.browser.open(&scene.portal.origin);
        scene
    }

    /// The same, but the browser has not been anywhere yet.
    pub(crate) fn without_page(setting: &Setting<'_>) -> Self {
        let demo = Self::demo();
        let mut card = Card::make(&demo);
        card.spend_tries(setting.tries);
        let portal = Portal::start(&demo, setting.portal);
        let home = Home::new(&folder().join("home"));
        let pinentry = Pinentry::new(&folder().join("person"), setting.steps);
        if setting.trusting {
            home.trust("portal", &Portal::authority(&demo));
        }
        if let Some(authority) = setting.also_trusting {
            home.trust("other", authority);
        }
        if setting.host {
            home.install(&pinentry);
        }
        let browser = Browser::start(&home, setting.extension);
        Self { browser, portal, pinentry, card, home }
    }

    /// The folder of the software card and its authorities.
    pub(crate) fn demo() -> PathBuf {
        folder().join("demo")
    }

    /// Opens something of the portal that has no script, which would speak with the extension, too.
    pub(crate) fn open_bare_page(&self) {
        self.browser.open(&format!("{}/portal.css", self.portal.origin));
    }

    pub(crate) fn log_in(&self) {
        self.browser.click("login");
    }

    /// The citizen is greeted by name.
    #[track_caller]
    pub(crate) fn is_greeted(&self, picture: &str) {
        let greeting = self.browser.wait_text("greeting");
        self.browser.screenshot(picture);
        for name in &self.card.names {
            assert!(greeting.to_lowercase().contains(&name.to_lowercase()), "{name} in {greeting}");
        }
    }

    /// The page says in a sentence what went wrong, nobody is logged in, and it can be tried again.
    #[track_caller]
    pub(crate) fn is_told(&self, code: &str, picture: &str) {
        let sentence = self.browser.wait_code(code);
        self.browser.screenshot(picture);
        assert!(sentence.contains(' ') && !sentence.contains("ERR_"), "a sentence for people: {sentence}");
        assert_eq!(self.browser.text("greeting"), "");
        assert_ne!(self.browser.text("login"), "");
    }

    /// Everything that the pinentry should have shown was shown and nothing else, and the card was shown so many
    /// PINs and has so many tries left.
    #[track_caller]
    pub(crate) fn ends(&self, dialogues: &[&str], verified: (u32, u8)) {
        self.pinentry.check_end(&[crate::PIN, crate::WRONG_PIN]);
        assert_eq!(self.pinentry.kinds(), dialogues, "{:#?}", self.pinentry.shown());
        assert_eq!(self.card.verified(), verified);
    }

    /// What the page hears after it has posted this message: acknowledgement and outcome.
    pub(crate) fn post(&self, message: &Value) -> [Value; 2] {
        let heard = self.browser.execute(
            "const [message, done] = arguments; const heard = [];
            addEventListener('message', function hear(event) {
                if (event.source !== window || !event.data.action?.startsWith(message.action + '-')) return;
                heard.push(event.data);
                if (!/-(success|failure)$/.test(event.data.action)) return;
                removeEventListener('message', hear);
                done(heard);
            });
            postMessage(message, location.origin);",
            std::slice::from_ref(message),
        );
        let Value::Array(heard) = heard else { panic!("{heard}") };
        heard.try_into().unwrap()
    }

    /// The code of the failure that the page hears.
    #[track_caller]
    pub(crate) fn fails(&self, message: &Value) -> String {
        let action = message["action"].as_str().unwrap();
        let [acknowledged, failure] = self.post(message);
        assert_eq!(acknowledged, json!({ "action": format!("{action}-ack") }));
        assert_eq!(failure["action"], format!("{action}-failure"));
        let error = &failure["error"];
        assert!(
            error["name"].as_str().unwrap().ends_with("Error") && error["message"].is_string(),
            "{failure}"
        );
        error["code"].as_str().unwrap().to_owned()
    }
}
