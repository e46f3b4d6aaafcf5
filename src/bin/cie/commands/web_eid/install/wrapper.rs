//! What the browser starts: browsers give a host arguments of their own and none of ours, so ours stand in a small
//! script.

use crate::arguments::web_eid::OWN_HOST;

/// What our scripts are known by.
const MARK: &str = "# Written by `cie web-eid install`, and taken away by `cie web-eid install --remove`.";

/// What the names of our scripts begin with.
pub(super) const PREFIX: &str = "web-eid-host";

/// The name of the script: hosts with other names have their own.
pub(super) fn file_name(name: &str) -> String {
    if name == OWN_HOST { PREFIX.to_owned() } else { format!("{PREFIX}-{name}") }
}

/// The script: the program, its options of every command, and those of the host.
pub(super) fn text(program: &str, common: &[String], host: &[String]) -> String {
    let words = |words: &[String]| words.iter().map(|word| format!("{} ", quoted(word))).collect::<String>();
    let (common, host) = (words(common), words(host));
    format!("#!/bin/sh\n{MARK}\nexec {} {common}web-eid host {host}\"$@\"\n", quoted(program))
}

/// Whether a script is one of ours.
pub(super) fn is_ours(script: &[u8]) -> bool {
    script.split(|byte| *byte == b'\n').nth(1) == Some(MARK.as_bytes())
}

/// A word as a shell takes it back, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_calls_the_host() {
        let script = text("/usr/bin/cie", &["--lang=it".to_owned()], &["--pinentry=x y".to_owned()]);
        let last = script.lines().last().unwrap();
        assert_eq!(last, "exec '/usr/bin/cie' '--lang=it' web-eid host '--pinentry=x y' \"$@\"");
        assert!(is_ours(script.as_bytes()));
        assert!(text("/cie", &[], &[]).ends_with("\nexec '/cie' web-eid host \"$@\"\n"));
        for other in ["", "#!/bin/sh\n", "#!/bin/sh\nexec cie\n", MARK] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn each_name_has_its_own_script() {
        assert_eq!(file_name(OWN_HOST), "web-eid-host");
        assert_eq!(file_name("eu.webeid"), "web-eid-host-eu.webeid");
    }

    /// What a shell makes of the words is what they were.
    #[cfg(unix)]
    #[test]
    fn a_shell_takes_every_word_back() {
        let words = [
            "a b",
            "l'altra",
            "''",
            "'",
            "",
            "$HOME `id` \\ \"",
            "ü è €",
            "two\nlines",
            "*",
            "~",
            "-x",
            "!!",
        ];
        for word in words {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
