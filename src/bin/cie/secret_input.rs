//! Secrets from a person or a file: typed without echo, bounded, cleared; never from an argument.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

use cie::Language;
use cie::card::{Kind, Session};
use cie::pin::Tries;
use cie::secret::Typed;
use zeroize::Zeroizing;

use crate::failure::{self, Failure};
use crate::language::{self, Text};

/// The longest first line that is read, in bytes. Longer ones are no PIN and are not read on.
const LINE_MAX: usize = 64;

/// Where secrets come from. Standard input gives one line to each secret that asks for it.
pub(crate) struct SecretInput {
    language: Language,
    standard_input: Option<File>,
    #[cfg(unix)]
    interruptible: Option<Arc<AtomicBool>>,
}

impl SecretInput {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            language,
            standard_input: None,
            #[cfg(unix)]
            interruptible: None,
        }
    }

    /// The holder's PIN for this card, with what the person should know before.
    pub(crate) fn pin(
        &mut self,
        session: &Session,
        file: Option<&Path>,
        ask: Text,
        tries: Tries,
    ) -> Result<Typed, Failure> {
        let what = whose_pin(session.kind());
        let typed = match file {
            Some(path) => self.line_of(path)?,
            None => self.ask(&self.preface(what, tries), ask)?,
        };
        session.check_pin(&typed)?;
        Ok(typed)
    }

    /// The PUK for this card, with what the person should know before.
    pub(crate) fn puk(
        &mut self,
        session: &Session,
        file: Option<&Path>,
        tries: Tries,
    ) -> Result<Typed, Failure> {
        let what = by_kind(session, language::PROMPT_PUK, language::PROMPT_CONTACT_PUK);
        let typed = match file {
            Some(path) => self.line_of(path)?,
            None => self.ask(&self.preface(what, tries), language::ASK_PUK)?,
        };
        session.check_puk(&typed)?;
        Ok(typed)
    }

    /// A new PIN for this card: from a file once, from a person twice.
    pub(crate) fn new_pin(&mut self, session: &Session, file: Option<&Path>) -> Result<Typed, Failure> {
        if let Some(path) = file {
            let typed = self.line_of(path)?;
            session.check_new_pin(&typed)?;
            return Ok(typed);
        }
        let ask = by_kind(session, language::ASK_NEW_PIN, language::ASK_NEW_CONTACT_PIN);
        let first = self.ask("", ask)?;
        // One that is no PIN is not asked for twice.
        session.check_new_pin(&first)?;
        let again = self.ask("", language::ASK_NEW_PIN_AGAIN)?;
        if again.expose() != first.expose() {
            return Err(Failure::Own(failure::PIN_MISMATCH, String::new()));
        }
        Ok(first)
    }

    /// What is said before the question.
    fn preface(&self, what: Text, tries: Tries) -> String {
        let tries = tries_left(tries, self.language);
        format!("{}\n{tries} {}\n", what.of(self.language), language::PROMPT_HIDDEN.of(self.language))
    }

    /// Asks at the terminal, whatever standard input and output are, and shows nothing of the answer.
    fn ask(&mut self, preface: &str, question: Text) -> Result<Typed, Failure> {
        let prompt = format!("{preface}{}", question.of(self.language));
        self.allow_interruption(false).map_err(|e| Failure::Own(failure::NO_TERMINAL, e.to_string()))?;
        forget_what_was_typed();
        let answer = rpassword::prompt_password(prompt).map(Typed::new);
        self.allow_interruption(true).map_err(|e| Failure::Own(failure::NO_TERMINAL, e.to_string()))?;
        answer.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => {
                Failure::Own(failure::NOT_ENTERED, String::new())
            }
            _ => Failure::Own(failure::NO_TERMINAL, error.to_string()),
        })
    }

    /// Whether Ctrl-C ends the program. At the question it ends the question instead: the program must live
    /// to make the terminal show again what is typed.
    #[cfg(unix)]
    fn allow_interruption(&mut self, allowed: bool) -> io::Result<()> {
        match &self.interruptible {
            Some(flag) => flag.store(allowed, Ordering::SeqCst),
            None => {
                let flag = Arc::new(AtomicBool::new(allowed));
                signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, flag.clone())?;
                self.interruptible = Some(flag);
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn allow_interruption(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// The first line of a file, or the next one of standard input.
    fn line_of(&mut self, path: &Path) -> Result<Typed, Failure> {
        let failed = |error| Failure::secret_input(path, &error);
        let typed = |mut line: Zeroizing<String>| Typed::new(std::mem::take(&mut *line));
        if path == Path::new("-") {
            let input = match self.standard_input.take() {
                Some(input) => input,
                None => unbuffered_standard_input().map_err(failed)?,
            };
            return first_line(self.standard_input.insert(input)).map(typed).map_err(failed);
        }
        first_line(&mut File::open(path).map_err(failed)?).map(typed).map_err(failed)
    }
}

/// How many tries are left, before one is spent.
pub(crate) fn tries_left(tries: Tries, language: Language) -> String {
    match tries {
        Tries::Left(0) => language::PROMPT_CLAIMED_BLOCKED.of(language).to_owned(),
        Tries::Left(1) => language::PROMPT_LAST_TRY.of(language).to_owned(),
        Tries::Left(left) => language::TRIES_LEFT.with(language, &[&left]),
        _ => language::PROMPT_UNTOLD.of(language).to_owned(),
    }
}

/// What the PIN of a kind of card looks like.
pub(crate) fn whose_pin(kind: Kind) -> Text {
    if kind == Kind::Cie3 { language::PROMPT_PIN } else { language::PROMPT_CONTACT_PIN }
}

/// The words for a CIE 3, or for a contact card.
fn by_kind(session: &Session, cie3: Text, contact: Text) -> Text {
    if session.kind() == Kind::Cie3 { cie3 } else { contact }
}

/// What was typed before the question stands on the screen, and is not the answer to it.
fn forget_what_was_typed() {
    #[cfg(unix)]
    if let Ok(terminal) = File::open("/dev/tty") {
        // A terminal that cannot do this is asked all the same.
        let _ = rustix::termios::tcflush(&terminal, rustix::termios::QueueSelector::IFlush);
    }
}

/// Standard input without the library's buffer, which would keep a copy of the secret.
fn unbuffered_standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(own.into())
}

/// One line, byte by byte, without its end. What is no text or too long is cut: it is no PIN anyway.
fn first_line(input: &mut impl Read) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LINE_MAX));
    let mut byte = Zeroizing::new([0_u8; 1]);
    while line.len() < LINE_MAX && input.read(&mut byte[..])? == 1 {
        match *byte {
            [b'\n'] => break,
            [ascii @ 0..=0x7F] => line.push(char::from(ascii)),
            _ => line.push('?'),
        }
    }
    if line.ends_with('\r') {
        line.pop();
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use cie::secret::{ContactPin, Pin};

    use super::*;

    #[test]
    fn a_line_ends_where_it_ends_and_the_next_stays_unread() {
        let mut input = &b"12345678\r\n87654321\n"[..];
        assert_eq!(*first_line(&mut input).unwrap(), "12345678");
        assert_eq!(*first_line(&mut input).unwrap(), "87654321");
        assert_eq!(*first_line(&mut input).unwrap(), "");
        assert_eq!(*first_line(&mut &b"1234"[..]).unwrap(), "1234", "no line end");
    }

    #[test]
    fn what_is_no_pin_stays_none() {
        for bytes in
            ["１２３４５６７８".as_bytes(), &[0xFF; 8], &[b'1'; 1000], b" 12345678\n", b"12345678 \n"]
        {
            let line = first_line(&mut &bytes[..]).unwrap();
            assert!(line.len() <= LINE_MAX && Pin::parse(&line).is_err(), "{bytes:?}");
            assert!(ContactPin::parse(&line).is_err(), "{bytes:?}");
        }
    }
}
