//! The manifest of a host: what a browser reads, and whose one is that stands there already.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use cie::Language;
use serde_json::{Value, json};

use super::places::Family;
use super::wrapper;
use crate::language::{self, Text};

/// More than any manifest has.
const MOST: u64 = 64 * 1024;

/// The manifest of a host: what starts it, and who may call it.
pub(super) fn text(name: &str, host: &str, family: Family, extensions: &[String]) -> String {
    let (key, callers) = match family {
        Family::Chromium => {
            let origin = |id: &String| format!("chrome-extension://{id}/");
            ("allowed_origins", extensions.iter().map(origin).collect())
        }
        Family::Firefox => ("allowed_extensions", extensions.to_vec()),
    };
    let manifest = json!({
        "name": name,
        "description": "Web eID for Italian identity cards, by the command cie",
        "path": host,
        "type": "stdio",
        key: callers,
    });
    format!("{manifest:#}\n")
}

/// What stands where a file of ours may go.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Ours,
    /// Something that this command leaves alone.
    Foreign(Foreign),
}

#[derive(Debug)]
pub(super) enum Foreign {
    /// A manifest that starts another program.
    Program(String),
    /// What it is not, in words.
    Other(Text),
    Unread(io::Error),
}

impl Foreign {
    /// The file, and why it is none of ours.
    pub(super) fn told(&self, file: &Path, language: Language) -> String {
        let file = file.display();
        match self {
            Self::Program(program) => language::WEB_EID_PROGRAM.with(language, &[&file, program]),
            Self::Other(what) => format!("{file} ({})", what.of(language)),
            Self::Unread(error) => format!("{file} ({error})"),
        }
    }
}

/// Looks at a manifest; ours is one that starts our script.
pub(super) fn look(file: &Path, host: &str) -> Found {
    found(file, |bytes| {
        let manifest: Option<Value> = serde_json::from_slice(bytes).ok();
        match manifest.as_ref().and_then(|manifest| manifest.get("path")).and_then(Value::as_str) {
            Some(path) if path == host => None,
            Some(path) => Some(Foreign::Program(path.to_owned())),
            None => Some(Foreign::Other(language::WEB_EID_NO_MANIFEST)),
        }
    })
}

/// Looks at a script; ours say so themselves.
pub(super) fn look_at_script(file: &Path) -> Found {
    let other = Foreign::Other(language::WEB_EID_NO_SCRIPT);
    found(file, |bytes| (!wrapper::is_ours(bytes)).then_some(other))
}

/// A symbolic link is never ours: what it leads to may be anybody's.
fn found(file: &Path, foreign: impl FnOnce(&[u8]) -> Option<Foreign>) -> Found {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(file)?.take(MOST.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let what = match fs::symlink_metadata(file) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Found::Nothing;
        }
        Err(error) => Foreign::Unread(error),
        Ok(data) if data.is_symlink() => Foreign::Other(language::WEB_EID_LINK),
        Ok(data) if !data.is_file() => Foreign::Other(language::WEB_EID_NO_FILE),
        Ok(data) if data.len() > MOST => Foreign::Other(language::WEB_EID_TOO_LONG),
        Ok(_) => match read() {
            Err(error) => Foreign::Unread(error),
            Ok(bytes) => match foreign(&bytes) {
                None => return Found::Ours,
                Some(foreign) => foreign,
            },
        },
    };
    Found::Foreign(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_what_its_browser_reads() {
        let ids = ["a".repeat(32), "b".repeat(32)];
        let read = |family| serde_json::from_str::<Value>(&text("n", "/h \"x\"", family, &ids)).unwrap();
        let chromium = read(Family::Chromium);
        assert_eq!(chromium["allowed_origins"][1], format!("chrome-extension://{}/", ids[1]));
        assert_eq!((&chromium["path"], &chromium["type"]), (&"/h \"x\"".into(), &"stdio".into()));
        assert!(chromium.get("allowed_extensions").is_none());
        let firefox = read(Family::Firefox);
        assert_eq!(firefox["allowed_extensions"][0], ids[0]);
        assert!(firefox.get("allowed_origins").is_none());
    }

    #[test]
    fn ours_is_what_starts_our_script() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.json");
        assert!(matches!(look(&file, "/h"), Found::Nothing));
        assert!(matches!(look(&folder.path().join("none/m.json"), "/h"), Found::Nothing));
        fs::write(&file, text("n", "/h", Family::Firefox, &[])).unwrap();
        assert!(matches!(look(&file, "/h"), Found::Ours));
        let Found::Foreign(foreign) = look(&file, "/other") else { panic!("another program's") };
        assert!(foreign.told(&file, Language::English).ends_with("m.json, which starts /h"));
        for other in ["", "{", "[]", "{\"path\":1}", "{\"path\":\"/h\"} x", "\"/h\""] {
            fs::write(&file, other).unwrap();
            assert!(matches!(look(&file, "/h"), Found::Foreign(Foreign::Other(_))), "{other}");
        }
        // Spaces may stand behind a manifest, but not any number.
        fs::write(&file, format!("{{\"path\":\"/h\"}}{}", " ".repeat(70_000))).unwrap();
        assert!(matches!(look(&file, "/h"), Found::Foreign(Foreign::Other(_))));
        assert!(matches!(look(folder.path(), "/h"), Found::Foreign(Foreign::Other(_))));
    }

    #[test]
    fn a_script_says_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("script");
        assert!(matches!(look_at_script(&file), Found::Nothing));
        fs::write(&file, wrapper::text("/cie", &[], &[])).unwrap();
        assert!(matches!(look_at_script(&file), Found::Ours));
        fs::write(&file, "#!/bin/sh\nexec other\n").unwrap();
        assert!(matches!(look_at_script(&file), Found::Foreign(_)));
    }
}
