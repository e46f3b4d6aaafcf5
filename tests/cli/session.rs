//! Sessions: text files with commands and what they must say.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a session did and said, in the form of its file.
struct Session {
    folder: tempfile::TempDir,
    locale: &'static str,
    /// Another program that has a card's file in use.
    holder: Option<Holder>,
}

/// One command of a session, as it is written down.
struct Step<'a> {
    line: usize,
    command: &'a str,
    input: Vec<&'a str>,
    expected: Vec<&'a str>,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    // Browsers of other systems look in no files.
    files.retain(|path| cfg!(unix) || !path.to_string_lossy().contains("web-eid-install"));
    files.sort();
    files
}

fn parse(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let done = steps.last().is_none_or(|step| {
            step.command.starts_with('%') || step.expected.last().is_some_and(|last| last.starts_with("? "))
        });
        match line.strip_prefix("< ") {
            // The content of a file that the test itself writes.
            Some(input) if done && steps.last().is_some_and(|step| step.command.starts_with("% write ")) => {
                steps.last_mut().unwrap().input.push(input);
            }
            _ if done && line.is_empty() => {}
            _ if done => {
                assert!(line.starts_with("$ ") || line.starts_with("% "), "line {}: {line}", index + 1);
                steps.push(Step { line: index + 1, command: line, input: vec![], expected: vec![] });
            }
            Some(input) => steps.last_mut().unwrap().input.push(input),
            None => steps.last_mut().unwrap().expected.push(line),
        }
    }
    let last = steps.last().expect("a session has commands");
    assert!(
        last.command.starts_with('%') || last.expected.last().unwrap().starts_with("? "),
        "{}",
        last.command
    );
    steps
}

/// Words as a shell splits them, with single quotes only.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Whether lines are as expected: `[..]` stands for anything in a line, `[...]` for any lines.
fn matches(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"[...]", rest)) => (0..=found.len()).any(|skip| matches(rest, &found[skip..])),
        Some((line, rest)) => found
            .split_first()
            .is_some_and(|(first, found)| line_matches(line, first) && matches(rest, found)),
    }
}

fn line_matches(expected: &str, found: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == found,
        Some((before, after)) => found.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

impl Session {
    /// Carries out one step; `Err` is what was said instead.
    fn step(&mut self, step: &Step<'_>) -> Result<(), Vec<String>> {
        let words = words(&step.command[2..]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some(command) = step.command.strip_prefix("% ") {
            self.own(command, &words, &step.input);
            return Ok(());
        }
        let said = self.command(&words, &step.input);
        let found: Vec<&str> = said.iter().map(String::as_str).collect();
        if matches(&step.expected, &found) { Ok(()) } else { Err(said) }
    }

    /// A step of the test itself.
    fn own(&mut self, command: &str, words: &[&str], input: &[&str]) {
        let path = |name: &str| self.folder.path().join(name);
        match words {
            ["write", name, text] => fs::write(path(name), format!("{text}\n")).unwrap(),
            ["write", name] => {
                fs::write(path(name), input.iter().map(|line| format!("{line}\n")).collect::<String>())
                    .unwrap();
            }
            ["folder", name] => fs::create_dir_all(path(name)).unwrap(),
            ["bytes", name, count] => fs::write(path(name), vec![b'x'; count.parse().unwrap()]).unwrap(),
            // A log of another program (fixtures/logs).
            ["log", name] => {
                let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
                fs::copy(logs.join(name), path(name)).unwrap();
            }
            // Something else stands in the file now, in one place.
            ["replace", name, old, new] => {
                let text = fs::read_to_string(path(name)).unwrap();
                assert_eq!(text.matches(old).count(), 1, "{old}");
                fs::write(path(name), text.replace(old, new)).unwrap();
            }
            // What a relying party needs for a card: anchors in NAME/trust, lists in NAME/lists.
            ["trust", name] => {
                for part in ["trust", "lists"] {
                    copy_all(&super::folder_of(name).join(part), &path(name).join(part));
                }
            }
            // Another program has the card.
            ["hold", name] => self.holder = Some(Holder::new(self.folder.path(), name)),
            ["release"] => drop(self.holder.take().unwrap()),
            // Somebody recorded what was said to a card, in clear.
            ["plain", name, card] => plain(&path(name), &path(card)),
            ["exists", names @ ..] => names.iter().for_each(|name| assert!(path(name).exists(), "{name}")),
            ["absent", names @ ..] => names.iter().for_each(|name| assert!(!path(name).exists(), "{name}")),
            ["private", name] => private(&path(name)),
            ["same", one, other] => assert_eq!(fs::read(path(one)).unwrap(), fs::read(path(other)).unwrap()),
            ["signed", hash, content, signature, certificate] => {
                let read = |name| fs::read(path(name)).unwrap();
                super::openssl::check(hash, &read(content), &read(signature), &read(certificate));
            }
            _ => panic!("unknown step: {command}"),
        }
    }

    /// Runs a command and writes down what it says.
    fn command(&self, words: &[&str], input: &[&str]) -> Vec<String> {
        let at = words.iter().position(|word| *word == "cie").expect("commands are of cie");
        let mut command = Command::new(super::CIE);
        command.args(&words[at + 1..]).current_dir(self.folder.path());
        command.env_remove("LANGUAGE").env_remove("LC_ALL").env_remove("LC_MESSAGES");
        // The session's folder is somebody's home.
        command.env("HOME", self.folder.path()).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        // No service for readers unless a session names one.
        command.env("LANG", self.locale).env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm");
        command.envs(words[..at].iter().map(|word| word.split_once('=').unwrap()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input: String = input.iter().map(|line| format!("{line}\n")).collect();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let home = self.folder.path().to_string_lossy();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text").replace(&*home, "~");
        let mut said: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        said.extend(text(&output.stderr).lines().map(|line| format!("! {line}").trim_end().to_owned()));
        said.push(format!("? {}", output.status.code().expect("an exit status")));
        said
    }
}

/// Copies a folder and the folders in it.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_all(&path, &copy);
        } else {
            fs::copy(path, copy).unwrap();
        }
    }
}

/// A plain trace of a card that is recognised and asked what it tells anyone.
fn plain(trace: &Path, card: &Path) {
    use cie::transport::trace::{Origin, Recorder, What};
    let recorder = Recorder::create(trace, What::Plain(Origin::Citizen)).unwrap();
    let link = cie::emulator::SoftCard::open(card).unwrap().insert().recorded(&recorder);
    cie::card::open(link).unwrap().information().unwrap();
    recorder.finish().unwrap();
}

/// Another process that has opened a card and waits for a virtual reader that never comes.
struct Holder(Child);

impl Holder {
    fn new(folder: &Path, card: &str) -> Self {
        let mut command = Command::new(super::CIE);
        command.args(["--lang", "en", "soft", "insert", card, "--port", "1"]).current_dir(folder);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = [0; 7];
        child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"Waiting");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
}

#[cfg(not(unix))]
fn private(_: &Path) {}

/// The steps that went wrong, each with what was said instead.
fn run(path: &Path) -> Vec<String> {
    let italian = path.to_str().unwrap().ends_with(".it.txt");
    let locale = if italian { "it_IT.UTF-8" } else { "en_US.UTF-8" };
    let mut session = Session { folder: super::fresh_folder(), locale, holder: None };
    let text = fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for step in parse(&text) {
        if let Err(said) = session.step(&step) {
            let (name, line) = (path.file_name().unwrap().to_str().unwrap(), step.line);
            wrong.push(format!("{name}:{line}: {}\n{}\n", step.command, said.join("\n")));
        }
    }
    wrong
}

#[test]
fn the_command_says_what_the_sessions_say() {
    let files = files();
    assert!(files.len() >= 10, "{files:?}");
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = files.iter().map(|path| scope.spawn(|| run(path))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} steps went otherwise:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// The two languages differ in words only: same steps, same input, same exit status, for scripts.
#[test]
fn every_session_stands_in_both_languages() {
    for path in files() {
        let name = path.to_str().unwrap();
        let other = match name.strip_suffix(".en.txt") {
            Some(stem) => format!("{stem}.it.txt"),
            None => format!("{}.en.txt", name.strip_suffix(".it.txt").expect("a language")),
        };
        let essence = |text: &str| {
            let step = |step: Step<'_>| {
                let status = step.expected.last().map(|status| (*status).to_owned());
                let object = step.command.contains("--json") && step.expected[0].starts_with('{');
                // Results in JSON have no language.
                let object = object.then(|| step.expected[0].to_owned());
                let command =
                    step.command.replace("--lang it", "--lang ..").replace("--lang en", "--lang ..");
                (command, step.input.join("\n"), object, status)
            };
            parse(text).into_iter().map(step).collect::<Vec<_>>()
        };
        let read = |name: &str| fs::read_to_string(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(essence(&read(name)), essence(&read(&other)), "{name}");
    }
}

#[test]
fn the_runner_tells_right_from_wrong() {
    assert!(line_matches("a [..] c", "a b c") && line_matches("[..]", "") && line_matches("è[..]", "èé"));
    assert!(!line_matches("a [..] c", "a b d") && !line_matches("a", "a ") && !line_matches("a[..]", "b"));
    assert!(matches(&["a", "[...]", "z"], &["a", "b", "c", "z"]) && matches(&["[...]"], &[]));
    assert!(!matches(&["a", "[...]", "z"], &["a", "b"]) && !matches(&[], &["a"]) && !matches(&["a"], &[]));
    assert_eq!(words("cie 'a b' c  ''"), ["cie", "a b", "c", ""]);
    let steps = parse("# x\n% write a b\n$ cie info\n< 1\nout\n\n! err\n? 2\n\n$ cie\n? 0\n");
    assert_eq!(steps.len(), 3);
    assert_eq!(
        (steps[1].input.as_slice(), steps[1].expected.as_slice()),
        (&["1"][..], &["out", "", "! err", "? 2"][..])
    );
}
