//! The counter of a municipality: it waits for an identity card (CIE 3), checks without a PIN that it is genuine, and
//! shows whether whoever has it is on a list; for a terminal or the console of a small computer, for months.
//!
//! Run:   cargo run --release --features emulator --example kiosk -- --demo
//! Check: press 1: AVANTI and a name, in green; 0: the card is gone, and so is the name. 2 is a genuine card that is
//!        not on the list, 3 a copy of the first card's files on another chip, 4 a health card. Tab: English. With
//!        card 1 left lying, the name goes after ten seconds all the same. Ctrl-C ends it, and leaves an empty screen.
//!        tests/kiosk_example.rs goes all the way with a real PC/SC service, and benches/kiosk_memory.rs counts what
//!        2,000 cards leave in memory.
//!
//! A counter of one's own, without any software card in the program:
//!        cargo build --release --no-default-features --features pcsc --example kiosk
//!        kiosk --italian-roots DIR --may-pass FILE --log FILE
//!
//! FILE has a line for each card that may pass: its NIS (`cie nis`), a tab, and the words to show; others must not be
//! able to read it (chmod 600). Of a person the screen shows these words and three digits, while the card lies there,
//! ten seconds at most. That a card was not reported stolen is not known here: strike it off the list.
//!
//! It is to be started again when it ends, as systemd does (Restart=always), with LimitCORE=0 and no swap, and the
//! terminal without a shell behind it: a keyboard at the counter can end the program with Ctrl-C.

mod arguments;
#[cfg(feature = "emulator")]
mod demo;
mod desk;
mod letters;
mod list;
mod log;
mod model;
mod screen;
mod terminal;
mod texts;

use std::error::Error;
use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use cie::kiosk::SeenCards;
use cie::transport::pcsc::{Event, Service, Sharing};
use cie::trust::{AnchorPurpose, TrustStore};
use clap::Parser;

use arguments::Arguments;
use desk::{Checker, EXCHANGE, Report};
use list::List;
use log::Log;
use model::{Input, Model, Order, Outcome, Settings};
use screen::Scene;
use terminal::Screen;

/// Ctrl-C, as it comes from a terminal that makes no signal of it.
const END: u8 = 0x03;
const ESCAPE: u8 = 0x1B;
/// How long the program may take to end by itself.
#[cfg(unix)]
const ENDING: Duration = Duration::from_secs(3);

/// What the counter waits for.
#[derive(Debug)]
enum Message {
    Desk(Report),
    Key(u8),
    /// The terminal is gone.
    NoTerminal,
    /// Its size changed, or somebody wrote over it.
    Redraw,
    /// The system's word to end.
    End(i32),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(io::stderr(), "kiosk: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err("a terminal is needed: standard input and output".into());
    }
    let mut log = Log::open(arguments.log.as_deref()).map_err(|error| format!("--log: {error}"))?;
    let (outbox, inbox) = mpsc::channel();
    let (mut demo, checker) = prepare(arguments)?;
    signals(&outbox)?;
    let mut screen = Screen::open()?;
    keys(&outbox)?;
    let orders = checker.start(reporter(&outbox))?;
    match &demo {
        Some(demo) => demo.begin().into_iter().for_each(|event| say(&outbox, event)),
        None => desk::listen(&Service::new().with_deadline(EXCHANGE), reporter(&outbox))?,
    }
    let mut counter = Counter {
        model: Model::new(Settings {
            reader: arguments.reader.clone(),
            show_for: Duration::from_secs(arguments.show_for),
            language: arguments.lang.into(),
            allow_test: arguments.allow_test_pki || arguments.demo,
        }),
        orders,
        fault: None,
    };
    log.line("started");
    let end = serve(&mut counter, &mut demo, &inbox, &outbox, &mut screen, &mut log);
    drop(screen);
    log.line(&format!("ended {}", end.as_ref().map_or("terminal", |(_, why)| why)));
    Ok(end?.0)
}

/// What the counter consists of.
struct Counter {
    model: Model,
    orders: Sender<Order>,
    /// What was last wrong with the service, which is not told again and again.
    fault: Option<&'static str>,
}

/// Waits and shows, until it is told to end: with what status, and why.
fn serve(
    counter: &mut Counter,
    demo: &mut Option<Demo>,
    inbox: &Receiver<Message>,
    outbox: &Sender<Message>,
    screen: &mut Screen,
    log: &mut Log,
) -> io::Result<(ExitCode, String)> {
    loop {
        screen.draw(&scene(&counter.model, demo.is_some()))?;
        let mut next = match counter.model.deadline() {
            None => inbox.recv().ok(),
            Some(at) => match inbox.recv_timeout(at.saturating_duration_since(Instant::now())) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => {
                    counter.step(Input::Tick);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => None,
            },
        };
        // All that has happened already, before anything is shown: a card that left takes its result along.
        while let Some(message) = next {
            match message {
                Message::Desk(report) => counter.take(report, log),
                Message::Key(END) => return Ok((ExitCode::SUCCESS, "key".to_owned())),
                Message::Key(b'\t' | b'l' | b'L') => counter.step(Input::SwitchLanguage),
                Message::Key(key) => {
                    let events = demo.as_mut().map(|demo| demo.press(key)).unwrap_or_default();
                    events.into_iter().for_each(|event| say(outbox, event));
                }
                Message::Redraw => screen.redraw(&scene(&counter.model, demo.is_some()))?,
                Message::NoTerminal => return Ok((ExitCode::FAILURE, "no-terminal".to_owned())),
                Message::End(signal) => return Ok((ExitCode::SUCCESS, format!("signal {signal}"))),
            }
            next = inbox.try_recv().ok();
        }
    }
}

fn scene(model: &Model, is_demo: bool) -> Scene<'_> {
    Scene { view: model.view(), language: model.language(), others_wait: model.others_wait(), is_demo }
}

impl Counter {
    fn step(&mut self, input: Input) {
        if let Some(order) = self.model.step(input, Instant::now()) {
            // The checker ends only with the program.
            let _ = self.orders.send(order);
        }
    }

    fn take(&mut self, report: Report, log: &mut Log) {
        match report {
            Report::Happened(event) => {
                log.line(&log::of_event(&event));
                if event != Event::ServiceLost {
                    self.fault = None;
                }
                self.step(Input::Desk(event));
            }
            Report::Fault(code) => {
                if self.fault.replace(code) != Some(code) {
                    log.line(&format!("fault {code}"));
                }
            }
            Report::Checked { turn, outcome, took } => {
                let said = match &outcome {
                    _ if self.model.turn() != Some(turn) => "too-late",
                    Outcome::Genuine(person) if person.words.is_some() => "may-pass",
                    Outcome::Genuine(_) => "may-not-pass",
                    Outcome::Refused(refusal) => refusal.code,
                };
                log.line(&format!("checked turn={} {said} ms={}", turn.0, took.as_millis()));
                self.step(Input::Checked { turn, outcome });
            }
        }
    }
}

/// Sends what the desk says.
fn reporter(outbox: &Sender<Message>) -> impl FnMut(Report) -> Result<(), ()> + Send + 'static {
    let outbox = outbox.clone();
    move |report| outbox.send(Message::Desk(report)).map_err(drop)
}

fn say(outbox: &Sender<Message>, event: Event) {
    let _ = outbox.send(Message::Desk(Report::Happened(event)));
}

/// Reads keys. The reader of the terminal's library never rests once the terminal is gone, and knows more than enough.
fn keys(outbox: &Sender<Message>) -> io::Result<()> {
    let outbox = outbox.clone();
    desk::start("kiosk keys", move || {
        let mut bytes = [0; 64];
        loop {
            let read = match io::stdin().read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(read) if read > 0 => bytes.get(..read).unwrap_or_default(),
                _ => break,
            };
            // Arrows and their kin come as several bytes, of which none is a key.
            for key in read.iter().take_while(|key| **key != ESCAPE) {
                if outbox.send(Message::Key(*key)).is_err() {
                    return;
                }
            }
        }
        let _ = outbox.send(Message::NoTerminal);
    })
}

/// Hears the signals of the system. Those that would stop the program with somebody on its screen are not obeyed.
#[cfg(unix)]
fn signals(outbox: &Sender<Message>) -> io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
    let heard = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH];
    let mut signals = signal_hook::iterator::Signals::new(heard)?;
    let outbox = outbox.clone();
    desk::start("kiosk signals", move || {
        for signal in signals.forever() {
            let message = match signal {
                SIGTSTP => continue,
                SIGCONT | SIGWINCH => Message::Redraw,
                signal => Message::End(signal),
            };
            let is_end = matches!(message, Message::End(_));
            if outbox.send(message).is_err() {
                return;
            }
            if is_end {
                // The program ends meanwhile, or its main thread hangs with somebody on the screen.
                std::thread::sleep(ENDING);
                terminal::give_up();
            }
        }
    })
}

#[cfg(not(unix))]
fn signals(_: &Sender<Message>) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "emulator")]
use demo::Demo;

/// There is none in this build.
#[cfg(not(feature = "emulator"))]
enum Demo {}

#[cfg(not(feature = "emulator"))]
impl Demo {
    fn begin(&self) -> Vec<Event> {
        match *self {}
    }

    fn press(&mut self, _: u8) -> Vec<Event> {
        match *self {}
    }
}

/// Whom the counter trusts, and who may pass: everything that can be wrong before there is a screen.
fn prepare(arguments: &Arguments) -> Result<(Option<Demo>, Checker), Box<dyn Error>> {
    if arguments.demo {
        #[cfg(not(feature = "emulator"))]
        return Err("this build has no software cards: build it with --features emulator".into());
        #[cfg(feature = "emulator")]
        {
            let _ = writeln!(io::stderr(), "kiosk: making software cards, which takes some seconds");
            let (demo, checker) = Demo::new()?;
            return Ok((Some(demo), checker));
        }
    }
    let trust = trust(arguments)?;
    let list = List::File(arguments.may_pass.clone().ok_or("--may-pass is needed")?);
    list.check().map_err(|error| format!("--may-pass: {error}"))?;
    let service = Service::new().with_deadline(EXCHANGE);
    let connect = move |reader: &str| Ok(service.connect(reader, Sharing::Shared)?);
    Ok((None, Checker { connect: Box::new(connect), trust, list, seen: SeenCards::new() }))
}

fn trust(arguments: &Arguments) -> Result<TrustStore, Box<dyn Error>> {
    let trust = match (&arguments.italian_roots, &arguments.trust) {
        (Some(folder), _) => TrustStore::load_italian(folder)?.0,
        (None, Some(folder)) if arguments.allow_test_pki => {
            TrustStore::new().allow_test_pki().load(folder)?
        }
        (None, Some(folder)) => TrustStore::new().load(folder)?,
        (None, None) => return Err("--trust is needed".into()),
    };
    if trust.anchors(AnchorPurpose::Csca).next().is_none() {
        return Err("no country signing certificate: no card could be genuine".into());
    }
    Ok(trust)
}
