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
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

mod arguments;
mod channel;
mod confirm;
mod database;
mod demo;
mod files;
mod ledger;
mod notice;
mod order;
mod outbox;
mod present;
mod show;
mod signed;
mod text;

use std::error::Error;
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use cie::crypto::SystemEntropy;
use cie::environment::moment;
use cie::identity::FiscalCode;
use cie::pin::LastTry;
use clap::Parser as _;

use arguments::{Arguments, Command, ConfirmArguments, OrderArguments, TillArguments};
use confirm::{Channel, ConfirmError, mark};
use ledger::{Ledger, Receipt};
use notice::{Cents, NoticeNumber};
use order::{Draft, Order, OrderId};
use outbox::{Outbox, State};
use present::{Offline, PresentError, Till};
use signed::{SignedOrder, VerifyError};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Err(error) = run(arguments.command.unwrap_or(Command::Demo { folder: None })) else {
        return ExitCode::SUCCESS;
    };
    // Nobody may be there to read it.
    drop(writeln!(stderr(), "payment: {error}"));
    let checked = error.is::<ConfirmError>() || error.is::<VerifyError>() || error.is::<PresentError>();
    ExitCode::from(if checked { 1 } else { 2 })
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
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
            print!("{}", show::order(pending.order()));
            println!("IN ATTESA / PENDING: firmato da / signed by {name}{test}");
            Ok(())
        }
        Command::Settle { signed, till } => {
            let signed = SignedOrder::parse(&files::read(&signed, limit(signed::LENGTH_MAX))?)?;
            with_till(&till, |till| {
                println!("{}", settled(&till.settle(&signed, SystemTime::now())?));
                Ok(())
            })
        }
        Command::Present { outbox, till } => {
            let mut outbox = Outbox::open(&outbox)?;
            with_till(&till, |till| {
                for presented in till.present(&mut outbox, SystemTime::now())? {
                    match presented.outcome {
                        Ok(receipt) => println!("{}", settled(&receipt)),
                        Err(error) if error.may_pass() => {
                            println!("ATTENDE / WAITS {}: {error}", presented.id)
                        }
                        Err(error) => println!("RIFIUTATO / REFUSED {}: {error}", presented.id),
                    }
                }
                Ok(())
            })
        }
        Command::Outbox { outbox } => {
            for (id, state) in Outbox::open(&outbox)?.all()? {
                match state {
                    State::Waiting => println!("{id} in attesa / waiting"),
                    State::Settled(receipt) => println!("{id} ricevuta / receipt {receipt}"),
                    State::Refused(reason) => println!("{id} rifiutato / refused: {reason}"),
                }
            }
            Ok(())
        }
        Command::Ledger { ledger } => {
            Ledger::open(&ledger)?.receipts()?.iter().for_each(|receipt| println!("{}", settled(receipt)));
            Ok(())
        }
    }
}

fn notice(number: &str) -> Result<(), Box<dyn Error>> {
    let number = NoticeNumber::parse(number)?;
    let grouped = number.grouped();
    match number.has_check_digits() {
        true => println!("{grouped}: le cifre di controllo tornano / the check digits are right"),
        false => println!("{grouped}: nessuna cifra di controllo / it has no check digits"),
    }
    Ok(())
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
    print!("{}", show::order(&order));
    Ok(())
}

fn confirm(arguments: &ConfirmArguments) -> Result<(), Box<dyn Error>> {
    let trust = files::trust(&arguments.trust)?;
    let bytes = files::read(&arguments.order, limit(order::LENGTH_MAX))?;
    let mut outbox = Outbox::open(&arguments.outbox)?;
    let mut channel = Channel {
        trust: &trust,
        outbox: &mut outbox,
        last_try: if arguments.last_try { LastTry::Spend } else { LastTry::Refuse },
        pin: &mut || files::pin(arguments.pin_file.as_deref()),
        screen: &mut stdout(),
    };
    channel.confirm(&bytes, files::link(&arguments.reader)?, SystemTime::now())?;
    if let Some(out) = &arguments.out {
        let signed = outbox.signed(&bytes)?.ok_or("the outbox has lost the order")?;
        files::write_new(out, signed.to_json()?.as_bytes())?;
    }
    Ok(())
}

/// Opens what the ledger's side needs.
fn with_till(
    arguments: &TillArguments,
    work: impl FnOnce(&mut Till<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
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
