//! The person at the computer: every question and every word of a browser's request, each in a window that names the
//! page that asks.

use std::cell::Cell;

use cie::Language;
use cie::login::Origin;
use cie::pin::Tries;
use cie::secret::Typed;
use cie::web_eid::SigningRefused;

use crate::browser::{Browser, Interruption};
use crate::failure::{self, Failure};
use crate::language::{self, Text};
use crate::pinentry::{PinentryError, Program, Window};
use crate::secret_input::tries_left;

/// The most windows for one request. A person stops sooner; a program that answers by itself does not.
const WINDOWS_MAX: u8 = 16;
const TITLE: &str = "CIE";
/// The most characters of an origin in one line of a window.
const ORIGIN_LINE: usize = 56;

/// Why a request is not granted.
#[derive(Debug)]
pub(super) enum Stop {
    /// The browser went, or did not wait.
    Interrupted(Interruption),
    /// The person does not want to, or did nothing.
    Cancelled,
    /// The page wants what its card must not do.
    Refused(SigningRefused),
    /// It cannot be done.
    Failed(Failure),
}

impl<E: Into<cie::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into().into())
    }
}

/// What a PIN is asked for.
pub(super) struct Ask<'a> {
    /// What it does, with a gap for the origin.
    pub(super) what: Text,
    /// Whose PIN it is, by its digits.
    pub(super) whose: Text,
    pub(super) tries: Tries,
    /// What was wrong with the one before.
    pub(super) wrong: Option<&'a str>,
}

/// The person, asked on behalf of one page.
pub(super) struct Desk<'a> {
    browser: &'a Browser,
    program: &'a Program,
    origin: &'a Origin,
    language: Language,
    windows: Cell<u8>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        browser: &'a Browser,
        program: &'a Program,
        origin: &'a Origin,
        language: Language,
    ) -> Self {
        Self { browser, program, origin, language, windows: Cell::new(0) }
    }

    /// Whether the browser still waits: asked before every step that costs something.
    pub(super) fn check(&self) -> Result<(), Stop> {
        self.browser.check().map_err(Stop::Interrupted)
    }

    /// A sentence in the person's language.
    pub(super) fn say(&self, text: Text) -> &'static str {
        text.of(self.language)
    }

    /// What to do about a failure, for a person who sees a window and no command line.
    pub(super) fn advice(&self, failure: &Failure) -> String {
        failure.for_a_window(self.language)
    }

    /// Asks for a PIN.
    pub(super) fn pin(&self, ask: &Ask<'_>) -> Result<Typed, Stop> {
        let tries = tries_left(ask.tries, self.language);
        let head = ask.what.with(self.language, &[&shown(self.origin, self.language)]);
        self.open(|| {
            let window = Window {
                title: TITLE,
                description: format!("{head}\n\n{} {tries}", self.say(ask.whose).replace('\n', " ")),
                prompt: self.say(language::ASK_PIN).trim_end(),
                error: ask.wrong.map(str::to_owned),
                ok: self.say(language::WINDOW_OK),
                cancel: self.say(language::WINDOW_CANCEL),
            };
            self.program.ask(&window, self.browser.leash())
        })
    }

    /// Asks whether to spend the last try.
    pub(super) fn last_try(&self) -> Result<(), Stop> {
        self.confirm(
            format!("{}\n\n{}", shown(self.origin, self.language), self.say(language::WINDOW_LAST_TRY)),
            language::WINDOW_GO_ON,
        )
    }

    /// Asks whether a page may know who the holder is.
    pub(super) fn consent(&self) -> Result<(), Stop> {
        self.confirm(
            language::WINDOW_CERTIFICATE.with(self.language, &[&shown(self.origin, self.language)]),
            language::WINDOW_GO_ON,
        )
    }

    /// Says what is in the way, and asks whether to try once more.
    pub(super) fn retry(&self, failure: &Failure) -> Result<(), Stop> {
        self.confirm(self.about(failure), language::WINDOW_RETRY)
    }

    /// Says why this card must not do what the page wants, and asks whether to try with another: if not, the page is
    /// told the same.
    pub(super) fn retry_after(&self, refused: &SigningRefused) -> Result<bool, Stop> {
        let description = format!("{}\n\n{}", shown(self.origin, self.language), self.say(refusal(refused)));
        match self.confirm(description, language::WINDOW_RETRY) {
            Ok(()) => Ok(true),
            Err(Stop::Cancelled) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    /// Says why nothing comes of it. Whether it was read changes nothing.
    pub(super) fn tell(&self, failure: &Failure) {
        let _ = self.open(|| {
            let window = Window {
                title: TITLE,
                description: self.about(failure),
                ok: self.say(language::WINDOW_OK),
                ..Window::default()
            };
            self.program.tell(&window, self.browser.leash())
        });
    }

    fn about(&self, failure: &Failure) -> String {
        format!("{}\n\n{}", shown(self.origin, self.language), self.advice(failure))
    }

    fn confirm(&self, description: String, ok: Text) -> Result<(), Stop> {
        let window = Window {
            title: TITLE,
            description,
            ok: self.say(ok),
            cancel: self.say(language::WINDOW_CANCEL),
            ..Window::default()
        };
        self.open(|| self.program.confirm(&window, self.browser.leash()))
    }

    /// One window; whoever answered it, the browser must still be there.
    fn open<T>(&self, ask: impl FnOnce() -> Result<T, PinentryError>) -> Result<T, Stop> {
        self.check()?;
        self.windows.set(self.windows.get() + 1);
        if self.windows.get() > WINDOWS_MAX {
            return Err(Stop::Cancelled);
        }
        let answer = ask();
        self.check()?;
        answer.map_err(|error| match error {
            PinentryError::Cancelled | PinentryError::TimedOut | PinentryError::Ended => Stop::Cancelled,
            PinentryError::Missing(error) => {
                Stop::Failed(Failure::Own(failure::NO_PINENTRY, error.to_string()))
            }
            PinentryError::Failed(said) => Stop::Failed(Failure::Own(failure::PINENTRY_FAILED, said)),
        })
    }
}

/// An origin as a window shows it. A long one is broken into lines, or its end would be off the screen; and since it is
/// the end that says whose it is, that stands once more by itself.
fn shown(origin: &Origin, language: Language) -> String {
    let text = origin.as_str();
    if text.len() <= ORIGIN_LINE {
        return text.to_owned();
    }
    // An origin is ASCII: every place is one between characters.
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some((line, behind)) = rest.split_at_checked(ORIGIN_LINE) {
        lines.push(line);
        rest = behind;
    }
    lines.push(rest);
    let labels: Vec<&str> = text.rsplitn(4, '.').take(3).collect();
    let end: Vec<&str> = labels.into_iter().rev().collect();
    let end = end.join(".");
    let start = end.len().saturating_sub(ORIGIN_LINE);
    let end = end.get(start..).unwrap_or_default();
    format!("{}\n{}", lines.join("\n"), language::WINDOW_ORIGIN_ENDS.with(language, &[&end]))
}

/// Why a card must not do what a page wants, for a person.
pub(super) fn refusal(refused: &SigningRefused) -> Text {
    match refused {
        SigningRefused::OneKey => language::WINDOW_ONE_KEY,
        SigningRefused::OtherCertificate => language::WINDOW_OTHER_CERTIFICATE,
        _ => language::WINDOW_KEY_LOGS_IN,
    }
}
