//! An explained trace for programs. Its words are English in either language.

use cie::environment::moment;
use cie::explain::{
    Answer, Connection, Data, Exchange, Explanation, Item, Object, Outcome, Step, Text, Totals,
};
use cie::iso7816::StatusWord;
use serde_json::{Value, json};

pub(super) fn object(explanation: &Explanation, complete: bool) -> Value {
    let steps = explanation.steps.iter().map(|(step, totals)| of_totals(Some(*step), totals));
    json!({ "trace": {
        "kind": explanation.kind.to_string(),
        "origin": explanation.origin.to_string(),
        "clock": moment::format(explanation.clock),
        "complete": complete,
        "left_out": explanation.left_out,
        "connections": explanation.connections.iter().map(of_connection).collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "totals": of_totals(None, &explanation.totals),
    }})
}

fn of_connection(connection: &Connection) -> Value {
    json!({
        "line": connection.line,
        "atr": hex::encode_upper(&connection.atr),
        "shared": connection.shared,
        "items": connection.items.iter().map(of_item).collect::<Vec<_>>(),
    })
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::Exchange(exchange) => json!({ "exchange": of_exchange(exchange) }),
        Item::Draw { line, label, length } => {
            json!({ "draw": { "line": line, "label": label, "length": length } })
        }
        Item::Happened { line, what, failure } => json!({ "event": {
            "line": line,
            "what": what.name(),
            "failure": failure.map(|failure| failure.to_string()),
        }}),
        _ => Value::Null,
    }
}

fn of_exchange(exchange: &Exchange) -> Value {
    let (answer, failure) = match &exchange.outcome {
        Some(Outcome::Answer(answer)) => (of_answer(answer), None),
        Some(Outcome::Failed(failure)) => (Value::Null, Some(failure.to_string())),
        _ => (Value::Null, None),
    };
    json!({
        "line": exchange.line,
        "step": exchange.step.name(),
        "header": exchange.header.map(hex::encode_upper),
        "name": exchange.name,
        "detail": exchange.detail.as_ref().map(english),
        "protected": exchange.is_protected,
        "chained": exchange.is_chained,
        "sent": exchange.sent,
        "sent_counted": exchange.sent_is_counted,
        "nc": exchange.nc,
        "ne": exchange.ne,
        "data": of_data(&exchange.command),
        "wire": exchange.wire.iter().copied().map(word).collect::<Vec<_>>(),
        "answer": answer,
        "failure": failure,
    })
}

fn of_answer(answer: &Answer) -> Value {
    json!({
        "line": answer.line,
        "status": answer.status.map(word),
        "protected_status": answer.protected_status.map(word),
        "meaning": answer.meaning().as_ref().map(english),
        "received": answer.received,
        "microseconds": answer.time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        "data": of_data(&answer.data),
    })
}

fn of_data(data: &Data) -> Value {
    json!({
        "length": data.length,
        "beginning": data.beginning.to_string(),
        "objects": data.objects.iter().map(of_object).collect::<Vec<_>>(),
        "rest": data.rest,
    })
}

fn of_object(object: &Object) -> Value {
    json!({
        "depth": object.depth,
        "tag": format!("{:02X}", object.tag),
        "name": object.name.as_ref().map(english),
        "length": object.length,
        "value": object.value.to_string(),
        "meaning": object.meaning.as_ref().map(english),
        "whole": object.whole,
    })
}

fn of_totals(step: Option<Step>, totals: &Totals) -> Value {
    json!({
        "step": step.map(Step::name),
        "commands": totals.statistics.commands,
        "get_responses": totals.statistics.get_responses,
        "sent": totals.statistics.bytes_sent,
        "received": totals.statistics.bytes_received,
        "uncounted": totals.uncounted,
        "microseconds": u64::try_from(totals.time.as_micros()).unwrap_or(u64::MAX),
        "timed": totals.timed,
    })
}

fn english(text: &Text) -> &str {
    &text.english
}

fn word(status: StatusWord) -> String {
    format!("{status:?}")
}
