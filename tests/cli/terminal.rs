//! What a person sees who is asked at a terminal: the question, and nothing of the answer.

use std::process::{Command, Stdio};

use crate::common::terminal::Terminal;

fn cie(words: &str) -> String {
    cie_with("card.json", words)
}

fn cie_with(card: &str, words: &str) -> String {
    format!("{} --reader soft:{card} {words}", super::CIE)
}

const ENGLISH: &str = "en_US.UTF-8";
const ITALIAN: &str = "it_IT.UTF-8";

/// Digits that are typed show on this terminal, unless a program hides them: else the other tests would
/// prove nothing.
#[test]
fn the_terminal_echoes() {
    let folder = super::fresh_folder();
    let mut terminal = Terminal::new("echo ready; read digits; echo done", ENGLISH, folder.path());
    terminal.wait_for("ready").press("31415926\n").wait_for("done");
    let (shown, status) = terminal.end();
    assert!(shown.contains("31415926"), "{shown}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_pin_is_asked_for_and_not_shown() {
    for (locale, about, tries, right) in [
        (ENGLISH, "the first four from the receipt", "Tries left: 3.", "The PIN is right."),
        (ITALIAN, "le prime quattro dalla ricevuta", "Tentativi rimasti: 3.", "Il PIN è corretto."),
    ] {
        let folder = super::fresh_folder();
        let mut terminal = Terminal::new(&cie("pin verify"), locale, folder.path());
        terminal.wait_for("PIN: ").hidden("12345678\n").wait_for(right);
        let (shown, status) = terminal.end();
        assert!(shown.contains(about) && shown.contains(tries), "{shown}");
        assert!(!shown.contains("12345678") && !shown.contains('*'), "{shown}");
        assert_eq!(status, Some(0), "{shown}");
    }
}

#[test]
fn a_new_pin_is_asked_for_twice() {
    for (locale, old, new, again, changed, differ) in [
        (
            ENGLISH,
            "Present PIN: ",
            "New PIN, eight digits: ",
            "New PIN once more: ",
            "The PIN was changed.",
            "differ",
        ),
        (
            ITALIAN,
            "PIN attuale: ",
            "Nuovo PIN, otto cifre: ",
            "Nuovo PIN, di nuovo: ",
            "Il PIN è stato cambiato.",
            "sono diversi",
        ),
    ] {
        let folder = super::fresh_folder();
        let mut terminal = Terminal::new(&cie("pin change"), locale, folder.path());
        terminal.wait_for(old).hidden("12345678\n").wait_for(new).hidden("31415926\n");
        terminal.wait_for(again).hidden("31415927\n").wait_for("(pin-mismatch)");
        let (shown, status) = terminal.end();
        assert!(shown.contains(differ) && !shown.contains("3141592"), "{shown}");
        assert_eq!(status, Some(2), "{shown}");

        let mut terminal = Terminal::new(&cie("pin change"), locale, folder.path());
        terminal.wait_for(old).hidden("12345678\n").wait_for(new).hidden("31415926\n");
        terminal.wait_for(again).hidden("31415926\n").wait_for(changed);
        let (shown, status) = terminal.end();
        assert!(!shown.contains("31415926") && !shown.contains("12345678"), "{shown}");
        assert_eq!(status, Some(0), "{shown}");
    }
}

#[test]
fn the_last_try_and_the_puk_are_announced() {
    for (locale, about, last, blocked, ask_new, unblocked) in [
        (
            ENGLISH,
            "from the receipt",
            "THIS IS THE LAST TRY",
            "The PIN is blocked.",
            "New PIN, eight digits: ",
            "The PIN is unblocked",
        ),
        (
            ITALIAN,
            "dalla ricevuta",
            "QUESTO È L'ULTIMO TENTATIVO",
            "Il PIN è bloccato.",
            "Nuovo PIN, otto cifre: ",
            "Il PIN è sbloccato",
        ),
    ] {
        let folder = super::fresh_folder();
        for left in ["2", "1"] {
            let mut terminal = Terminal::new(&cie("pin verify"), locale, folder.path());
            terminal.wait_for("PIN: ").hidden("99999999\n").wait_for(&format!("left: {left})"));
            assert_eq!(terminal.end().1, Some(5));
        }
        let mut terminal = Terminal::new(&cie("pin verify --last-try"), locale, folder.path());
        terminal.wait_for(last).wait_for("PIN: ").hidden("99999999\n").wait_for(blocked);
        assert_eq!(terminal.end().1, Some(6));
        // A blocked PIN is not asked for.
        let (shown, status) = Terminal::new(&cie("pin verify"), locale, folder.path()).end();
        assert!(shown.contains("cie pin unblock") && !shown.contains(about), "{shown}");
        assert_eq!(status, Some(6));
        let mut terminal = Terminal::new(&cie("pin unblock"), locale, folder.path());
        terminal.wait_for("PUK: ").hidden("87654321\n").wait_for(ask_new).hidden("31415926\n");
        terminal.wait_for(": ").hidden("31415926\n").wait_for(unblocked);
        let (shown, status) = terminal.end();
        assert!(!shown.contains("87654321") && !shown.contains("31415926"), "{shown}");
        assert_eq!(status, Some(0), "{shown}");
    }
}

/// A contact card: how many digits, that it does not tell the tries, and nothing about the papers of a CIE 3.
#[test]
fn the_pin_of_a_contact_card_is_asked_for_in_its_own_words() {
    for (locale, about, untold, right, municipality) in [
        (ENGLISH, "five to eight digits", "this may be the last one", "The PIN is right.", "municipality"),
        (ITALIAN, "da cinque a otto cifre", "potrebbe essere l'ultimo", "Il PIN è corretto.", "Comune"),
    ] {
        let folder = super::fresh_folder();
        let mut terminal = Terminal::new(&cie_with("cns.json", "pin verify"), locale, folder.path());
        terminal.wait_for("PIN: ").hidden("31415\n").wait_for(right);
        let (shown, status) = terminal.end();
        assert!(shown.contains(about) && shown.contains(untold), "{shown}");
        assert!(!shown.contains("31415") && !shown.contains(municipality), "{shown}");
        assert_eq!(status, Some(0), "{shown}");

        // Without a PIN nobody is asked.
        let (shown, status) =
            Terminal::new(&cie_with("cns.json", "certificate"), locale, folder.path()).end();
        assert!(shown.contains("-----END CERTIFICATE-----") && !shown.contains("PIN: "), "{shown}");
        assert_eq!(status, Some(0), "{shown}");
    }
}

#[test]
fn a_new_pin_of_a_contact_card_may_be_short() {
    for (locale, old, new, again, about_the_puk, changed, unblocked) in [
        (
            ENGLISH,
            "Present PIN: ",
            "New PIN, five to eight digits: ",
            "New PIN once more: ",
            "The PUK of this card",
            "The PIN was changed.",
            "The PIN is unblocked",
        ),
        (
            ITALIAN,
            "PIN attuale: ",
            "Nuovo PIN, da cinque a otto cifre: ",
            "Nuovo PIN, di nuovo: ",
            "Il PUK di questa carta",
            "Il PIN è stato cambiato.",
            "Il PIN è sbloccato",
        ),
    ] {
        let folder = super::fresh_folder();
        let change = cie_with("cns.json", "pin change");
        let mut terminal = Terminal::new(&change, locale, folder.path());
        terminal
            .wait_for(old)
            .hidden("31415\n")
            .wait_for(new)
            .hidden("1618\n")
            .wait_for("(new-pin-malformed");
        let (shown, status) = terminal.end();
        assert!(!shown.contains(again), "what is no PIN is not asked for twice: {shown}");
        assert_eq!(status, Some(2), "{shown}");

        let mut terminal = Terminal::new(&change, locale, folder.path());
        terminal.wait_for(old).hidden("31415\n").wait_for(new).hidden("161803\n");
        terminal.wait_for(again).hidden("161803\n").wait_for(changed);
        let (shown, status) = terminal.end();
        assert!(!shown.contains("31415") && !shown.contains("161803"), "{shown}");
        assert_eq!(status, Some(0), "{shown}");

        let mut terminal = Terminal::new(&cie_with("cns.json", "pin unblock"), locale, folder.path());
        terminal.wait_for(about_the_puk).wait_for("PUK: ").hidden("27182818\n");
        terminal.wait_for(new).hidden("57721\n").wait_for(again).hidden("57721\n").wait_for(unblocked);
        let (shown, status) = terminal.end();
        assert!(!shown.contains("27182818") && !shown.contains("57721"), "{shown}");
        assert_eq!(status, Some(0), "{shown}");
        let mut terminal = Terminal::new(&cie_with("cns.json", "pin verify"), locale, folder.path());
        terminal.wait_for("PIN: ").hidden("57721\n");
        assert_eq!(terminal.end().1, Some(0));
    }
}

/// Ctrl-C and Ctrl-D at a question about a contact card: the card is as it was, and so is the terminal.
#[test]
fn leaving_the_question_leaves_a_contact_card_as_it_was() {
    let folder = super::fresh_folder();
    let card = || std::fs::read(folder.path().join("cns.json")).unwrap();
    let before = card();
    for (key, command) in [
        ("\u{3}", "pin verify"),
        ("\u{4}", "pin verify"),
        ("\u{3}", "pin change"),
        ("\u{3}", "pin unblock"),
        ("\u{3}", "sign raw cns.json signature"),
    ] {
        let command = format!("{}; stty -a; echo then; read word; echo done", cie_with("cns.json", command));
        let mut terminal = Terminal::new(&command, ITALIAN, folder.path());
        if command.contains("pin change") {
            // At the second question, after the old PIN.
            terminal.wait_for("PIN attuale: ").hidden("31415\n").wait_for("Nuovo PIN");
        }
        terminal.wait_for(": ").hidden(key).wait_for("(not-entered)").wait_for("then");
        terminal.press("visible\n").wait_for("done");
        let (shown, _) = terminal.end();
        for setting in ["echo", "icanon", "isig"] {
            assert!(shown.split_whitespace().any(|word| word == setting), "{setting}: {shown}");
        }
        assert!(shown.contains("visible") && shown.contains("Nulla è stato inviato"), "{shown}");
        assert!(card() == before, "nothing was sent: {command}");
    }
    assert!(!folder.path().join("signature").exists());
}

/// Ctrl-C and Ctrl-D at the question: nothing is sent, and the terminal shows again what is typed.
#[test]
fn leaving_the_question_leaves_the_terminal_as_it_was() {
    let folder = super::fresh_folder();
    for key in ["\u{3}", "\u{4}"] {
        let command = format!("{}; stty -a; echo then; read word; echo done", cie("pin verify"));
        let mut terminal = Terminal::new(&command, ENGLISH, folder.path());
        terminal.wait_for("PIN: ").hidden(key).wait_for("(not-entered)").wait_for("then");
        terminal.press("visible\n").wait_for("done");
        let (shown, _) = terminal.end();
        for setting in ["echo", "icanon", "isig"] {
            assert!(shown.split_whitespace().any(|word| word == setting), "{setting}: {shown}");
        }
        assert!(shown.contains("visible"), "{shown}");
    }
    let (shown, _) = Terminal::new(&cie("pin status"), ENGLISH, folder.path()).end();
    assert!(shown.contains("PIN tries left: 3"), "{shown}");
}

/// With `--json` a terminal gets no spinner, and standard output nothing but the object.
#[test]
fn progress_is_for_people() {
    let folder = super::fresh_folder();
    let command = format!("{} > out.json", cie("--json pin verify"));
    let mut terminal = Terminal::new(&command, ENGLISH, folder.path());
    terminal.wait_for("PIN: ").hidden("12345678\n");
    let (shown, status) = terminal.end();
    assert!(!shown.contains('…') && !shown.contains("Opening"), "{shown}");
    assert_eq!(status, Some(0));
    let object = std::fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert_eq!(object, "{\"pin\":{\"tries_left\":3,\"verified\":true}}\n");
}

/// Without a terminal nobody can be asked: said at once, with the options that help.
#[test]
fn without_a_terminal_the_files_are_named() {
    let folder = super::fresh_folder();
    let mut command = Command::new("setsid");
    command.args(["--wait", super::CIE, "--reader", "soft:card.json", "--lang", "it", "pin", "verify"]);
    let output =
        command.current_dir(folder.path()).stdin(Stdio::null()).output().expect("setsid of util-linux");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("Non c'è un terminale") && said.contains("--pin-file"), "{said}");
    assert!(said.ends_with("(no-terminal)\n"), "{said}");
}
