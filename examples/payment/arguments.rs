//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::channel::Channel;
use crate::notice::{Cents, Creditor, Notice, NoticeNumber};
use crate::text::Text;

/// Orders to pay notices, signed with a citizen's card and settled once: an example of the crate cie-card.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Without one the demonstration runs
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole story, with an invented citizen and software cards
    Demo {
        /// Folder to keep everything in, which must not exist yet; without it nothing is kept
        folder: Option<PathBuf>,
    },
    /// Checks the number of a notice
    Notice { number: String },
    /// Makes an order
    Order(OrderArguments),
    /// Shows an order to its payer, who confirms it with card and PIN
    Confirm(ConfirmArguments),
    /// Checks a signed order without asking anybody
    Verify {
        signed: PathBuf,
        #[command(flatten)]
        trust: TrustArguments,
    },
    /// Settles a signed order, once
    Settle {
        signed: PathBuf,
        #[command(flatten)]
        till: TillArguments,
    },
    /// Presents to the ledger all confirmed orders that wait in an outbox
    Present {
        #[arg(long, value_name = "FILE")]
        outbox: PathBuf,
        #[command(flatten)]
        till: TillArguments,
    },
    /// What became of the confirmed orders of an outbox
    Outbox { outbox: PathBuf },
    /// The payments of a ledger
    Ledger { ledger: PathBuf },
}

#[derive(Debug, Args)]
pub(crate) struct OrderArguments {
    /// counter, kiosk, tobacconist, bank, supermarket or web
    #[arg(long, value_parser = channel)]
    pub(crate) channel: Channel,
    /// Fiscal code of the payer, as it is printed on the card
    #[arg(long, value_name = "CODE")]
    pub(crate) payer: String,
    /// A notice to pay; may be given several times
    #[arg(long, value_name = "NUMBER/CREDITOR/CENTS/NAME/REASON", required = true, value_parser = notice)]
    pub(crate) notice: Vec<Notice>,
    /// How long the order is good
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=168))]
    pub(crate) hours: u64,
    /// File to write, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ConfirmArguments {
    /// The order, as `order` wrote it
    pub(crate) order: PathBuf,
    /// Name of the reader on which the card lies, or soft:CARD.json for a software card
    #[arg(long, value_name = "NAME")]
    pub(crate) reader: String,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Where confirmed orders are kept until the ledger has them; made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) outbox: PathBuf,
    /// Reads the PIN from the first line of a file instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Spends the last try of the PIN, if it comes to that
    #[arg(long)]
    pub(crate) last_try: bool,
    /// Writes the signed order to a file as well, for other channels
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TrustArguments {
    /// Folder with anchors in holder/, csca/, …, as `cie soft new` makes it, or with Italy's own in any order
    #[arg(long, value_name = "DIR")]
    pub(crate) trust: PathBuf,
    /// Takes software cards
    #[arg(long)]
    pub(crate) allow_test_pki: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TillArguments {
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Folder with the revocation lists of the anchors
    #[arg(long, value_name = "DIR")]
    pub(crate) lists: PathBuf,
    /// The ledger; made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,
}

fn channel(word: &str) -> Result<Channel, String> {
    let words = Channel::ALL.map(Channel::word).join(", ");
    Channel::parse(word).ok_or_else(|| format!("one of {words}"))
}

/// The last part may have slashes in it.
fn notice(text: &str) -> Result<Notice, String> {
    let [number, creditor, cents, name, reason] = text
        .splitn(5, '/')
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "five parts with a slash between each")?;
    let told = |error: &dyn std::fmt::Display| error.to_string();
    Ok(Notice {
        number: NoticeNumber::parse(number).map_err(|error| told(&error))?,
        creditor: Creditor::parse(creditor).map_err(|error| told(&error))?,
        amount: Cents::parse(cents).map_err(|error| told(&error))?,
        name: Text::parse(name).map_err(|error| told(&error))?,
        reason: Text::parse(reason).map_err(|error| told(&error))?,
    })
}
