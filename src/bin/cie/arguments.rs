//! The words of the command line. English help stands here, Italian in `help.rs`.

pub(crate) mod login;
pub(crate) mod trusted;
pub(crate) mod web_eid;

use std::path::PathBuf;
use std::time::Duration;

use cie::transport::trace::Origin;
use cie::transport::trace::import::LogFormat;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Italian identity cards (CIE), health cards and CNS: look at the card, use its PIN, log in, sign
#[derive(Parser)]
#[command(name = "cie", version, propagate_version = false)]
#[command(disable_help_flag = true, disable_help_subcommand = true, disable_version_flag = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// What every command understands.
#[derive(Args)]
pub(crate) struct Common {
    /// The reader, by its name in `cie readers`, or a software card as soft:CARD.json, or a replayable trace as
    /// trace:FILE; else the only reader with a card
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) reader: Option<String>,
    /// Let other programs use the card too (the default), or keep it: shared, exclusive; a card that is no CIE 3 is
    /// kept from the PIN on in any case
    #[arg(long, global = true, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub(crate) sharing: Option<Sharing>,
    /// Wait so many seconds for a card to be laid on the reader
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// Print one JSON object; errors too, on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Language: it or en; else that of the system
    #[arg(long, global = true, value_name = "LANGUAGE", value_enum, hide_possible_values = true)]
    pub(crate) lang: Option<Lang>,
    /// Record what is said to the card in a new file; unless asked otherwise without PIN and data of the holder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// What the trace tells: diagnostic (the default), replayable (everything, the PIN included: software and test
    /// cards only), plain (the holder's data in clear, for `cie trace redact` only)
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        value_enum,
        hide_possible_values = true,
        requires = "trace"
    )]
    pub(crate) trace_kind: Option<TraceKind>,
    /// Declare that the card is a test card and its PIN nobody's secret
    #[arg(long, global = true, requires = "trace")]
    pub(crate) trace_test_card: bool,
    /// Print this help
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    /// What is being recorded or played back meanwhile.
    #[arg(skip)]
    pub(crate) tape: crate::tape::Tape,
}

/// A language.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Lang {
    It,
    En,
}

/// Whether other programs may use the card meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Sharing {
    #[default]
    Shared,
    Exclusive,
}

/// What a trace tells.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum TraceKind {
    #[default]
    Diagnostic,
    Replayable,
    Plain,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the readers and what lies on each
    Readers,
    /// Show what kind of card it is, its chip, the PIN tries left; asks for no PIN
    Info,
    /// Make software cards, to try everything without a card
    #[cfg(feature = "emulator")]
    #[command(subcommand, arg_required_else_help = true)]
    Soft(Soft),
    /// Check, change or unblock the PIN
    #[command(subcommand, arg_required_else_help = true)]
    Pin(Pin),
    /// Show the holder's personal data: CNS, health card, CIE 1 and 2; asks for no PIN
    PersonalData,
    /// Print the holder's certificate (PEM); asks for the PIN where the card does
    Certificate(Certificate),
    /// Answer a portal's challenge with the card: a login token (Web eID, JSON); asks for the PIN
    Auth(login::Auth),
    /// Verify a login token and say whose it is; whether it was used before it cannot know
    AuthVerify(login::AuthVerify),
    /// Check without a PIN that a CIE 3 is genuine, and print its number for services (NIS)
    Nis(Nis),
    /// Logins in the browser: let browsers find this program, and answer them
    #[command(subcommand, arg_required_else_help = true)]
    WebEid(web_eid::WebEid),
    /// Sign; asks for the PIN
    #[command(subcommand, arg_required_else_help = true)]
    Sign(Sign),
    /// Recorded dialogues with cards: show one, make one of another program's log, or of a private one
    #[command(subcommand, arg_required_else_help = true)]
    Trace(Trace),
    /// Print the completions for a shell: bash, elvish, fish, powershell, zsh
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Manual,
}

/// `soft …`
#[cfg(feature = "emulator")]
#[derive(Subcommand)]
pub(crate) enum Soft {
    /// Make a software card of an invented citizen, with its own test PKI, in a new folder
    New(SoftNew),
    /// Lay a software card on the virtual PC/SC reader (vpcd) until interrupted
    Insert(SoftInsert),
}

#[cfg(feature = "emulator")]
#[derive(Args)]
pub(crate) struct SoftNew {
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Kind of card: cie3, cie2, cns; less usual ones: cns-1.0, cie1, cns-athena, cns-idemia, cns-infocamere, cns-ace
    #[arg(long, value_parser = kind)]
    pub(crate) kind: Option<Kind>,
    /// Chip family that a CIE 3 poses as: gemalto, nxp, st, actalis
    #[arg(long)]
    pub(crate) chip: Option<cie::emulator::Chip>,
    /// Its PIN [12345678], eight digits, of a CIE 2 or CNS five to eight; it protects nothing
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub(crate) pin: Option<String>,
    /// Its PUK [87654321], likewise; it protects nothing
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub(crate) puk: Option<String>,
    /// Which of the invented citizens; else any of them
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The day of issue, as 2026-01-01T00:00:00Z; else now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) now: Option<std::time::SystemTime>,
    /// Let the keys of the test authorities follow from the seed: anybody can then forge its cards
    #[arg(long, requires = "seed")]
    pub(crate) insecure_fixed_pki: bool,
}

/// Kinds of software cards.
#[cfg(feature = "emulator")]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    #[default]
    Cie3,
    Contact(cie::emulator::contact::Model),
}

#[cfg(feature = "emulator")]
#[derive(Args)]
pub(crate) struct SoftInsert {
    /// The software card's file
    #[arg(value_name = "CARD.json")]
    pub(crate) card: PathBuf,
    /// Where the virtual reader listens [127.0.0.1]
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Its port [35963]
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

/// `pin …`
#[derive(Subcommand)]
pub(crate) enum Pin {
    /// Say how many tries are left; spends none
    Status,
    /// Show the PIN to the card; a wrong one spends a try
    Verify {
        #[command(flatten)]
        pin: PinEntry,
    },
    /// Change the PIN
    Change {
        #[command(flatten)]
        pin: PinEntry,
        #[command(flatten)]
        new: NewPinEntry,
    },
    /// Unblock the PIN with the PUK and set a new one; a wrong PUK spends one of its tries
    Unblock {
        #[command(flatten)]
        puk: PukEntry,
        #[command(flatten)]
        new: NewPinEntry,
        /// Keep the PIN that the card has
        #[arg(long, conflicts_with = "new_pin_file")]
        keep_pin: bool,
    },
}

/// Where the PIN comes from.
#[derive(Args)]
pub(crate) struct PinEntry {
    /// Read the PIN from the first line of a file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Use the PIN even if the card says that only one try is left: a wrong one blocks it
    #[arg(long)]
    pub(crate) last_try: bool,
}

/// Where the PUK comes from.
#[derive(Args)]
pub(crate) struct PukEntry {
    /// Read the PUK from the first line of a file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) puk_file: Option<PathBuf>,
    /// Use the PUK even if the card says that only one try is left: a wrong one blocks the PIN for ever
    #[arg(long)]
    pub(crate) last_try: bool,
}

/// Where the new PIN comes from.
#[derive(Args)]
pub(crate) struct NewPinEntry {
    /// Read the new PIN from the first line of a file; - is standard input, the line after the other secret
    #[arg(long, value_name = "FILE")]
    pub(crate) new_pin_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Certificate {
    #[command(flatten)]
    pub(crate) to: Destination,
    #[command(flatten)]
    pub(crate) pin: PinEntry,
}

/// `nis`
#[derive(Args)]
pub(crate) struct Nis {
    #[command(flatten)]
    pub(crate) trusted: trusted::Trusted,
    /// Take files of the card that are signed with SHA-1, as those of some of the first cards may be; whoever spends
    /// enough can forge such a signature
    #[arg(long)]
    pub(crate) allow_sha1: bool,
}

/// Where a result goes that may also go to standard output.
#[derive(Args)]
pub(crate) struct Destination {
    /// Write to this file, not to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// `sign …`
#[derive(Subcommand)]
pub(crate) enum Sign {
    /// Sign the hash of a file with PKCS #1 v1.5: the bare signature, for programs that know what to do with it
    Raw(SignRaw),
}

#[derive(Args)]
pub(crate) struct SignRaw {
    /// The file to sign; - is standard input
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// Where the signature goes; - is standard output
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Hash: sha256 (the default), sha384, sha512, sha1
    #[arg(long, value_enum, hide_possible_values = true)]
    pub(crate) hash: Option<Hash>,
    /// Sign even if the bytes have the length of a login token: you know that they are none
    #[arg(long)]
    pub(crate) acknowledge_raw: bool,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) pin: PinEntry,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Hash {
    #[default]
    Sha256,
    Sha384,
    Sha512,
    Sha1,
}

/// `trace …`
#[derive(Subcommand)]
pub(crate) enum Trace {
    /// Explain a trace: what each command does and the card answers, by the steps of the protocol
    Show(TraceShow),
    /// Make a diagnostic trace of another program's log: no PIN and no data are in it
    Import(TraceImport),
    /// Make a plain trace into something to share: a software card like the recorded one and the same dialogue with it
    #[cfg(feature = "emulator")]
    Redact(TraceRedact),
}

#[cfg(feature = "emulator")]
#[derive(Args)]
pub(crate) struct TraceRedact {
    /// The plain trace
    #[arg(value_name = "PLAIN")]
    pub(crate) plain: PathBuf,
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Args)]
pub(crate) struct TraceShow {
    /// The trace; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct TraceImport {
    /// The log; - is standard input
    #[arg(value_name = "LOG")]
    pub(crate) log: PathBuf,
    /// Where the trace goes; - is standard output
    #[arg(value_name = "OUT")]
    pub(crate) made: PathBuf,
    /// Whose log it is: opensc, pcscd, pcsc-spy, scriptor, hex-list; else it is recognised
    #[arg(long, value_parser = log_format)]
    pub(crate) format: Option<LogFormat>,
    /// Whose card it was: citizen (the default), test-card, emulator
    #[arg(long, value_parser = origin)]
    pub(crate) origin: Option<Origin>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    let format = LogFormat::named(text);
    format.ok_or_else(|| "opensc, pcscd, pcsc-spy, scriptor, hex-list".to_owned())
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::named(text).ok_or_else(|| "citizen, test-card, emulator".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    // More patience than anybody has, and short enough for a script to end.
    match text.parse::<u32>() {
        Ok(seconds) if seconds <= 600 => Ok(Duration::from_secs(seconds.into())),
        _ => Err("0…600".to_owned()),
    }
}

/// `cns` is the CNS that is issued: version 1.1.
#[cfg(feature = "emulator")]
fn kind(text: &str) -> Result<Kind, String> {
    use cie::emulator::contact::Model;
    match text {
        "cie3" => Ok(Kind::Cie3),
        "cns" => Ok(Kind::Contact(Model::Cns11)),
        model => model.parse().map(Kind::Contact).map_err(|_| "cie3, cie2, cns, …".to_owned()),
    }
}

/// How many there have to be depends on the kind of card.
#[cfg(feature = "emulator")]
fn digits(text: &str) -> Result<String, String> {
    match cie::emulator::contact::reference_value(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("8 × 0-9; cie2, cns: 5-8 × 0-9".to_owned()),
    }
}

#[cfg(feature = "emulator")]
fn moment(text: &str) -> Result<std::time::SystemTime, String> {
    cie::environment::moment::parse(text).ok_or_else(|| "yyyy-mm-ddThh:mm:ssZ".to_owned())
}
