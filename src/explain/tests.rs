//! The explanation of traces that somebody made up.

use super::*;
use crate::transport::trace::Told;

fn explained(kind: &str, lines: &str) -> Explanation {
    let text = format!(
        "cie-trace 1\norigin test-card\nkind {kind}\nclock 2026-01-01T00:00:00Z\natr 3B00\n{lines}\nend\n"
    );
    explain(&Trace::parse(text.as_bytes()).unwrap())
}

fn exchanges(explanation: &Explanation) -> Vec<&Exchange> {
    let items = explanation.connections.iter().flat_map(|connection| &connection.items);
    items
        .filter_map(|item| if let Item::Exchange(exchange) = item { Some(&**exchange) } else { None })
        .collect()
}

/// Name, detail and step of each command.
fn said(kind: &str, lines: &str) -> Vec<String> {
    let explanation = explained(kind, lines);
    let line = |exchange: &&Exchange| {
        let detail = exchange.detail.as_ref().map_or("", |detail| &detail.english);
        format!("{}|{detail}|{}", exchange.name.unwrap_or("?"), exchange.step.name())
    };
    exchanges(&explanation).iter().map(line).collect()
}

/// Commands that are answered 9000.
fn taken(kind: &str, commands: &[&str]) -> Vec<String> {
    let lines: Vec<_> = commands.iter().map(|command| format!("> {command}\n< 9000")).collect();
    said(kind, &lines.join("\n"))
}

#[test]
fn steps_and_names_are_told_apart() {
    let mut names: Vec<_> = Step::ALL.iter().map(|step| step.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Step::ALL.len());
    let bilingual = |text: &Text| !text.english.is_empty() && !text.italian.is_empty();
    assert!(Step::ALL.iter().all(|step| !step.english().is_empty() && !step.italian().is_empty()));
    for what in
        [Happening::Reset, Happening::Begin, Happening::Exclusive, Happening::Share, Happening::Protection]
    {
        assert!(bilingual(&what.text()) && what.text().english != what.text().italian);
    }
    for name in ["removed", "reset", "no-answer", "answer-too-long", "no-service", "no-reader", "no-card"]
        .into_iter()
        .chain(["in-use", "unresponsive", "unpowered", "timed-out", "cancelled", "unprotected", "failed"])
    {
        let text = failure(Failure::named(name).unwrap());
        assert!(bilingual(&text) && text.english != text.italian, "{name}");
    }
}

/// Whatever the trace has, and wherever it has it.
#[test]
fn a_pin_is_never_told() {
    const PIN: &str = "3331343135393236";
    for (command, answer) in [
        (format!("0020008108{PIN}"), "9000".to_owned()),
        (format!("0020009008{PIN}00"), "9000".to_owned()),
        (format!("1020008108{PIN}"), "9000".to_owned()),
        (format!("0021008108{PIN}"), "9000".to_owned()),
        (format!("8020008108{PIN}"), "9000".to_owned()),
        (format!("0C2000810A8708{PIN}"), format!("8708{PIN}9000")),
        (format!("0C20008108{PIN}"), format!("9908{PIN}9000")),
        (format!("0C20008108{PIN}"), format!("{PIN}9000")),
        (format!("0024008110{PIN}{PIN}"), format!("{PIN}9000")),
        (format!("002C028108{PIN}"), "63C2".to_owned()),
        (format!("002C0010000008{PIN}"), "9000".to_owned()),
        // Its length is wrong, or it stands in the wrong line.
        (format!("0020008109{PIN}"), "9000".to_owned()),
        (PIN.to_owned(), "9000".to_owned()),
    ] {
        let explanation =
            explained("replayable", &format!("> {command}\n< {answer}\n> 00C0000000\n< {PIN}9000"));
        let exchanges = exchanges(&explanation);
        let first = exchanges.first().unwrap();
        let mut told: Vec<&Told> = vec![&first.command.beginning];
        told.extend(first.command.objects.iter().map(|object| &object.value));
        let answers = exchanges.iter().filter_map(|exchange| match &exchange.outcome {
            Some(Outcome::Answer(answer)) => Some(&answer.data),
            _ => None,
        });
        // What a command that is not known is answered can be anything but a PIN.
        for data in answers.filter(|_| first.header.is_some()) {
            told.push(&data.beginning);
            told.extend(data.objects.iter().map(|object| &object.value));
            assert!(data.objects.iter().all(|object| object.tag != 0x33), "{command}");
        }
        let told = told.iter().map(ToString::to_string).collect::<String>();
        assert!(!told.contains("3331") && !told.contains("3236"), "{command}: {told}");
        assert!(!format!("{explanation:?}").contains("33, 31"), "{command}");
    }
}

#[test]
fn keys_say_what_a_proof_is_for() {
    let select = ["00A4040C0DA0000000308000000009816001", "00A4040C06A00000000039"];
    let services = [&select[..], &["002241A406800102840183", "0088000008000000000000000000"]].concat();
    let told = taken("replayable", &services);
    assert_eq!(told[2], "MANAGE SECURITY ENVIRONMENT|SET AT, services key 83|services-key");
    assert_eq!(told[3], "INTERNAL AUTHENTICATE|services key 83|services-key");
    // In clear, and with nothing told of the key.
    let told = taken("diagnostic", &["002241A4 [7]", "0088000008 [8] 00"]);
    assert_eq!(told[1], "INTERNAL AUTHENTICATE||services-key");
    // Protected, before and after the PIN.
    let proof = ["0C2241A40D8709 [9] 970100", "0C880000088706 [6] 00"];
    let pin = ["0C2000811D8711 [17] 8E08 [8] 00"];
    let told =
        taken("diagnostic", &[&proof[..], &pin, &proof, &["0CA40204 [24]", "0CB0000003970100 00"]].concat());
    let steps: Vec<_> = told.iter().map(|line| line.rsplit('|').next().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "device-authentication",
            "device-authentication",
            "pin",
            "signature",
            "signature",
            "certificate",
            "certificate"
        ]
    );
}

#[test]
fn a_wrong_pin_opens_nothing_and_a_reset_closes_all() {
    let lines = "> 0C2000811D8711 [17] 8E08 [8] 00\n< 990263C28E08 [8] 9000\n> 0CB00000 [14]\n< [9] 9000\n\
                 > 0C2000811D8711 [17] 8E08 [8] 00\n< 610E\n> 00C000000E\n< 990290008E08 [8] 9000\n\
                 > 0CB00000 [14]\n< [9] 9000\nevent terminal-reset\n> 0CB00000 [14]\n< [9] 9000";
    let explanation = explained("diagnostic", lines);
    let steps: Vec<_> = exchanges(&explanation).iter().map(|exchange| exchange.step).collect();
    use Step::{Certificate, Pin, PublicFiles};
    assert_eq!(steps, [Pin, PublicFiles, Pin, Pin, Certificate, PublicFiles]);
    let first = exchanges(&explanation)[0];
    let Some(Outcome::Answer(answer)) = &first.outcome else { panic!("an answer") };
    assert_eq!(answer.meaning().unwrap().english, "verification failed, tries left: 2");
    assert_eq!((first.nc, first.ne, first.is_protected), (Some(29), Some(256), true));
}

#[test]
fn contact_cards_are_followed_identifier_by_identifier() {
    let told = taken(
        "replayable",
        &[
            "00A40000023F0000",
            "00A4000002100000",
            "00A4000002100300",
            "00B0000010",
            "00A40000023F0000",
            "002000100831323334353637FF",
            "00A40000023F0000",
            "0022F303",
            "0022F1B603830101",
            "002A9E9A0101",
            "00A4080C0414009010",
            "00B0010000",
            "002400101031323334353637FF31323334353637FF",
            "002C00101031323334353637FF31323334353637FF",
            "00200010",
        ],
    );
    assert_eq!(
        told,
        [
            "SELECT|master file|recognition",
            "SELECT|DF 1000, DF0, card data|recognition",
            "SELECT|EF 1000/1003, EF_IDCarta|recognition",
            "READ BINARY|EF 1000/1003, EF_IDCarta|recognition",
            "SELECT|master file|pin",
            "VERIFY|PIN 10|pin",
            "SELECT|master file|signature",
            "MANAGE SECURITY ENVIRONMENT|RESTORE 03|signature",
            "MANAGE SECURITY ENVIRONMENT|SET DST, holder's key 01|signature",
            "PERFORM SECURITY OPERATION|COMPUTE DIGITAL SIGNATURE|signature",
            "SELECT|EF 1400/9010, signature certificate|certificate",
            "READ BINARY|EF 1400/9010, signature certificate, from 256|certificate",
            "CHANGE REFERENCE DATA|PIN 10|pin-change",
            "RESET RETRY COUNTER|PIN 10, with the PUK, new PIN|unblocking",
            "VERIFY|PIN 10|pin-tries",
        ]
    );
}

#[test]
fn what_is_refused_changes_nothing() {
    let told = said(
        "replayable",
        "> 00A408000411001101\n< 9000\n> 00A408000411001102\n< 6A82\n> 00B0000000\n< 6982",
    );
    assert_eq!(told[2], "READ BINARY|EF 1100/1101, EF_C_Carta (certificate)|certificate");
}

#[test]
fn the_travel_document_is_another_application() {
    let told = taken("replayable", &["00A40800021234", "00A40000021234", "00A4080004110011FF"]);
    let steps: Vec<_> = told.iter().map(|line| line.rsplit('|').next().unwrap()).collect();
    assert_eq!(steps, ["public-files"; 3], "{told:?}");
    let told = taken(
        "replayable",
        &["00A4040C07A0000002471001", "0084000008", "00A4020C02011E", "00A40000", "00B09C0000"],
    );
    let steps: Vec<_> = told.iter().map(|line| line.rsplit('|').next().unwrap()).collect();
    assert_eq!(steps[..2], ["travel-document", "travel-document"]);
    assert_eq!(
        told[3..],
        ["SELECT|master file|recognition", "READ BINARY|EF D003, card number, EF.SN.ICC|public-files"]
    );
}

#[test]
fn what_stands_beside_commands_is_told_without_its_secret() {
    let explanation = explained(
        "replayable",
        "random DH.x 0011223344\n> 00A40000\nevent removed\nevent begin in-use\nevent terminal-reset no-card",
    );
    let items = &explanation.connections[0].items;
    assert_eq!(items[0], Item::Draw { line: 6, label: "DH.x".to_owned(), length: 5 });
    let Item::Exchange(exchange) = &items[1] else { panic!("a command") };
    assert_eq!(exchange.outcome, Some(Outcome::Failed(Failure::Removed)));
    let happened = |line, what, failure| Item::Happened { line, what, failure: Some(failure) };
    assert_eq!(items[2], happened(9, Happening::Begin, Failure::InUse));
    assert_eq!(items[3], happened(10, Happening::Reset, Failure::NoCard));
    assert_eq!(explanation.totals.statistics.commands, 1);
}

#[test]
fn words_on_the_wire_are_counted() {
    let count = |lines: &str| {
        let totals = explained("plain", lines).totals.statistics;
        (totals.commands, totals.get_responses)
    };
    assert_eq!(count("> 00B0000000\n< 9000"), (1, 0));
    assert_eq!(count("> 00B0000000\nevent wire 6C03\n< 9000"), (2, 0));
    assert_eq!(count("> 00B0000000\nevent wire 9000 6100 6C03 6104\n< 9000"), (2, 3));
    assert_eq!(count("> 00B0000000\nevent wire 6100\nevent removed"), (1, 1));
    assert_eq!(count("> 00B0000000\nevent wire 9000\nevent unprotected"), (1, 0));
    let read = "> 00B0000000\n< 9000";
    let explanation = explained("plain", &format!("event protected\n{read}\nevent clear\n{read}"));
    let protected: Vec<_> = exchanges(&explanation).iter().map(|exchange| exchange.is_protected).collect();
    assert_eq!(protected, [true, false]);
}

/// Far more than any dialogue has is counted, but not kept.
#[test]
fn what_is_kept_is_bounded() {
    let many = ITEMS_MAX + 10;
    let explanation = explained("replayable", "> 00A40000023F00\n< 9000\n".repeat(many).trim_end());
    assert_eq!(exchanges(&explanation).len(), ITEMS_MAX);
    assert_eq!(explanation.left_out, 10);
    assert_eq!(explanation.totals.statistics.commands as usize, many);
    let explanation = explained("replayable", "atr\n".repeat(many).trim_end());
    assert!(explanation.connections.len() <= ITEMS_MAX);
    let objects = "8000".repeat(64);
    let explanation =
        explained("replayable", format!("> 0CB0000080{objects}\n< 9000\n").repeat(5_000).trim_end());
    let unfolded: usize = exchanges(&explanation).iter().map(|exchange| exchange.command.objects.len()).sum();
    assert_eq!(unfolded, 200_000);
}
