//! Paying notices with a citizen's card: an order is shown, confirmed with the PIN, verified by anybody offline, and
//! settled by one ledger, once, whatever is killed in between.
//!
//! Run:   cargo run --release --features emulator --example payment
//! Check: the order is shown and confirmed, another channel sees it as pending, the ledger settles it, and refuses it
//!        the second time. With `-- demo DIR` everything is kept, and programs that we did not write can look at it:
//!        openssl dgst -sha256 -verify DIR/key.der -signature DIR/signature.bin DIR/order.txt
//!        python3 -c "import sqlite3; print(*sqlite3.connect('DIR/ledger.db').execute('select * from notice'))"
//!        tests/payment_example.rs kills it at every step, and shows what is refused.
//!
//! With a card of one's own: `payment order`, `confirm`, `verify`, `settle`; docs/payment.md says who checks what.
//!
//! Exit status, as far as it goes that of the command `cie`: 0 done; 1 checked and bad, or settled before; 2 wrong words,
//! files or digits; 3 no reader or card; 4 the card refused; 5 wrong PIN; 6 PIN blocked; 7 nothing could be checked, the
//! order waits; 8 confirmed or settled, but that could not be shown.

mod arguments;
mod channel;
mod confirm;
mod database;
mod demo;
mod failure;
mod files;
mod ledger;
mod notice;
mod order;
mod outbox;
mod present;
mod secret_input;
mod show;
mod signed;
mod text;

use std::error::Error;
use std::io::stdout;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use cie::crypto::SystemEntropy;
use cie::environment::{SystemClock, moment};
use cie::identity::FiscalCode;
use cie::pin::LastTry;
use clap::Parser as _;

use arguments::{Arguments, Command, ConfirmArguments, OrderArguments, TillArguments};
use confirm::{Channel, mark};
use failure::{Status, Unshown, say, say_done};
use ledger::{Ledger, Receipt};
use notice::{Cents, NoticeNumber};
use order::{Draft, Order, OrderId};
use outbox::{Kept, Outbox, State};
use present::{Offline, PresentError, Presented, Till};
use signed::SignedOrder;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command.unwrap_or(Command::Demo { folder: None })) {
        Ok(status) => status.into(),
        Err(error) => failure::tell(&*error).into(),
    }
}

fn run(command: Command) -> Result<Status, Box<dyn Error>> {
    match command {
        Command::Demo { folder: Some(folder) } => demo::run(&folder, &mut stdout()),
        Command::Demo { folder: None } => {
            let folder = tempfile::tempdir()?;
            demo::run(&folder.path().join("payment"), &mut stdout())
        }
        Command::Notice { number } => notice(&number),
        Command::Order(arguments) => make(arguments),
        Command::Confirm(arguments) => confirm(&arguments),
        Command::Verify { signed, trust } => {
            let signed = SignedOrder::parse(&files::read(&signed, limit(signed::LENGTH_MAX))?)?;
            let pending = signed.verify(&files::trust(&trust)?, SystemTime::now())?;
            let (name, test) = (pending.name(), mark(pending.is_test()));
            let shown = show::order(pending.order());
            say(&format!("{shown}IN ATTESA / PENDING: firmato da / signed by {name}{test}\n"))
        }
        Command::Settle { signed, till } => {
            let signed = SignedOrder::parse(&files::read(&signed, limit(signed::LENGTH_MAX))?)?;
            return with_till(&till, |till| {
                let receipt = till.settle(&signed, SystemTime::now())?;
                Ok(say_done(&format!("{}\n", settled(&receipt))).map(|()| Status::Done)?)
            });
        }
        Command::Present { outbox, till } => {
            let mut outbox = Outbox::open_existing(&outbox)?;
            return with_till(&till, |till| present(till, &mut outbox));
        }
        Command::Outbox { outbox } => {
            let kept = Outbox::open_to_read(&outbox)?.all()?;
            say(&kept.iter().map(kept_line).collect::<String>())
        }
        Command::Ledger { ledger } => {
            let receipts = Ledger::open_to_read(&ledger)?.receipts()?;
            say(&receipts.iter().map(|receipt| settled(receipt) + "\n").collect::<String>())
        }
    }?;
    Ok(Status::Done)
}

fn notice(number: &str) -> Result<(), Box<dyn Error>> {
    let number = NoticeNumber::parse(number)?;
    let grouped = number.grouped();
    let checked = match number.has_check_digits() {
        true => "le cifre di controllo tornano / the check digits are right",
        false => "nessuna cifra di controllo / it has no check digits",
    };
    say(&format!("{grouped}: {checked}\n"))
}

fn make(arguments: OrderArguments) -> Result<(), Box<dyn Error>> {
    let issued = SystemTime::now();
    let order = Order::new(Draft {
        id: OrderId::draw(&mut SystemEntropy)?,
        channel: arguments.channel,
        payer: FiscalCode::parse(&arguments.payer)?,
        issued,
        until: issued + Duration::from_secs(arguments.hours * 3600),
        notices: arguments.notice,
    })?;
    files::write_new(&arguments.out, &order.encode())?;
    say(&show::order(&order))
}

fn confirm(arguments: &ConfirmArguments) -> Result<(), Box<dyn Error>> {
    // What cannot be written afterwards costs no PIN.
    arguments.out.as_deref().map_or(Ok(()), files::check_new)?;
    let trust = files::trust(&arguments.trust)?;
    let bytes = files::read(&arguments.order, limit(order::LENGTH_MAX))?;
    let mut outbox = Outbox::open(&arguments.outbox)?;
    let mut channel = Channel {
        trust: &trust,
        outbox: &mut outbox,
        last_try: if arguments.last_try { LastTry::Spend } else { LastTry::Refuse },
        clock: &SystemClock,
        pin: &mut || secret_input::pin(arguments.pin_file.as_deref()),
        screen: &mut stdout(),
    };
    let confirmed = channel.confirm(&bytes, files::link(&arguments.reader)?);
    // That nobody saw the confirmation is no reason to keep it from the other channels.
    if matches!(confirmed, Ok(()) | Err(confirm::ConfirmError::Unshown(_))) {
        if let Some(out) = &arguments.out {
            let signed = outbox.signed(&bytes)?.ok_or("the outbox has lost the order")?;
            files::write_new(out, signed.to_json()?.as_bytes())?;
        }
    }
    Ok(confirmed?)
}

/// Each outcome is said as it comes. Money goes on moving when nobody listens any more, and that is said at the end.
fn present(till: &mut Till<'_>, outbox: &mut Outbox) -> Result<Status, Box<dyn Error>> {
    let (mut status, mut unshown) = (Status::Done, None::<Unshown>);
    till.present(outbox, SystemTime::now(), &mut |presented| {
        let (line, its_status) = outcome_line(&presented);
        // That something is bad is worse than that something waits.
        status = if its_status == Status::Done || status == Status::Bad { status } else { its_status };
        if let Err(error) = say_done(&line) {
            unshown = Some(error);
        }
    })?;
    unshown.map_or(Ok(status), |error| Err(error.into()))
}

fn outcome_line(presented: &Presented) -> (String, Status) {
    let Presented { id, is_test, outcome } = presented;
    let (word, error, status) = match outcome {
        Ok(receipt) => return (format!("{}\n", settled(receipt)), Status::Done),
        Err(error @ PresentError::Outbox(_)) => ("NON ANNOTATO / NOT NOTED", error, Status::Bad),
        Err(error) if error.may_pass() => ("ATTENDE / WAITS", error, Status::Unchecked),
        Err(error) => ("RIFIUTATO / REFUSED", error, Status::Bad),
    };
    (format!("{word} {id}: {}{}\n", text::shown(&error.reason()), mark(*is_test)), status)
}

fn kept_line(kept: &Kept) -> String {
    let state = match (&kept.signed, &kept.state) {
        (Err(error), _) => format!("rovinato / damaged: {}", text::shown(&error.to_string())),
        (Ok(_), State::Waiting) => "in attesa / waiting".to_owned(),
        (Ok(_), State::Settled(receipt)) => format!("ricevuta / receipt {receipt}"),
        (Ok(_), State::Refused(reason)) => format!("rifiutato / refused: {reason}"),
    };
    format!("{} {state}{}\n", kept.id, mark(kept.is_test))
}

/// Opens what the ledger's side needs.
fn with_till(
    arguments: &TillArguments,
    work: impl FnOnce(&mut Till<'_>) -> Result<Status, Box<dyn Error>>,
) -> Result<Status, Box<dyn Error>> {
    let trust = files::trust(&arguments.trust)?;
    let revocation = files::revocation(&trust, &arguments.lists)?;
    let mut ledger = Ledger::open(&arguments.ledger)?;
    work(&mut Till { trust: &trust, revocation: &revocation, fetch: &Offline, ledger: &mut ledger })
}

/// A payment, in one line.
pub(crate) fn settled(receipt: &Receipt) -> String {
    let amount = u64::try_from(receipt.cents).ok().and_then(Cents::new).map(|cents| cents.to_string());
    format!(
        "PAGATO / PAID: ricevuta / receipt {}, {}, {}, ordine / order {}, {}{}",
        receipt.number,
        amount.unwrap_or_default(),
        receipt.channel,
        receipt.order,
        moment::format(receipt.settled_at),
        mark(receipt.is_test)
    )
}

fn limit(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
