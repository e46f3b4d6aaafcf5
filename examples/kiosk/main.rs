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
#[cfg(feature = "emulator")]
use std::io::Write;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
const ENDING: Duration = Duration::from_secs(3);
/// How many keys may wait to be obeyed: whoever types more does not fill the memory.
const KEYS: usize = 16;
/// How much is taken in before it is shown.
const AT_ONCE: usize = 64;

/// What the counter waits for.
#[derive(Debug)]
enum Message {
    Desk(Report),
    Key(u8),
    /// Its size changed, or somebody wrote over it.
    Redraw,
    /// It is to end: with what status, and why.
    End((ExitCode, String)),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            terminal::tell(error.to_string());
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err("a terminal is needed: standard input and output".into());
    }
    let mut log = Log::open(arguments.log.as_deref(), arguments.may_pass.as_deref())
        .map_err(|error| format!("--log: {error}"))?;
    let (outbox, inbox) = Outbox::new();
    let (mut demo, checker) = prepare(arguments)?;
    signals(&outbox)?;
    let mut screen = Screen::open()?;
    keys(&outbox)?;
    let orders = checker.start(reporter(&outbox))?;
    match &demo {
        Some(demo) => demo.begin().into_iter().for_each(|event| outbox.say(event)),
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
    log.finish();
    Ok(end?.0)
}

/// Where the threads send what happens. Of what has no end in itself, keys and sizes, little waits there.
#[derive(Debug, Clone)]
struct Outbox {
    sender: Sender<Message>,
    keys: Arc<AtomicUsize>,
    redraws: Arc<AtomicBool>,
}

impl Outbox {
    fn new() -> (Self, Receiver<Message>) {
        let (sender, inbox) = mpsc::channel();
        (Self { sender, keys: Arc::default(), redraws: Arc::default() }, inbox)
    }

    /// Whoever ends the program hears it too late or never.
    fn send(&self, message: Message) {
        let _ = self.sender.send(message);
    }

    fn say(&self, event: Event) {
        self.send(Message::Desk(Report::Happened(event)));
    }

    fn key(&self, key: u8) {
        if self.keys.fetch_add(1, Ordering::SeqCst) < KEYS {
            self.send(Message::Key(key));
        } else {
            self.keys.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn redraw(&self) {
        if !self.redraws.swap(true, Ordering::SeqCst) {
            self.send(Message::Redraw);
        }
    }

    /// Ends the program. Its main thread may hang, with somebody on the screen.
    fn end(&self, message: Message) {
        self.send(message);
        std::thread::sleep(ENDING);
        terminal::give_up();
    }
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
    outbox: &Outbox,
    screen: &mut Screen,
    log: &mut Log,
) -> io::Result<(ExitCode, String)> {
    let mut is_spoilt = false;
    loop {
        // What is over is not drawn again: the program may have been stopped for a while.
        counter.step(Input::Tick);
        let scene = scene(&counter.model, demo.is_some());
        if std::mem::take(&mut is_spoilt) {
            screen.redraw(&scene)?
        } else {
            screen.draw(&scene)?
        }
        let deadline = counter.model.deadline();
        let mut next = match deadline {
            None => inbox.recv().ok(),
            Some(at) => match inbox.recv_timeout(at.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Timeout) => continue,
                other => other.ok(),
            },
        };
        // What has happened already, before anything is shown: a card that left takes its result along. But not for
        // ever, nor beyond the moment when something is over.
        for taken in 1.. {
            let Some(message) = next else { break };
            match message {
                Message::Desk(report) => counter.take(report, log),
                Message::End(why) => return Ok(why),
                Message::Redraw => {
                    outbox.redraws.store(false, Ordering::SeqCst);
                    is_spoilt = true;
                }
                Message::Key(key) => {
                    outbox.keys.fetch_sub(1, Ordering::SeqCst);
                    match demo {
                        _ if matches!(key, b'\t' | b'l' | b'L') => counter.step(Input::SwitchLanguage),
                        Some(demo) => demo.press(key).into_iter().for_each(|event| outbox.say(event)),
                        None => {}
                    }
                }
            }
            if taken >= AT_ONCE || deadline.is_some_and(|at| at <= Instant::now()) {
                break;
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
                let line = log::of_event(&event);
                if event != Event::ServiceLost {
                    self.fault = None;
                }
                self.step(Input::Desk(event));
                log.line(&line);
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
                self.step(Input::Checked { turn, outcome });
                log.line(&format!("checked turn={} {said} ms={}", turn.0, took.as_millis()));
            }
        }
    }
}

/// Sends what the desk says.
fn reporter(outbox: &Outbox) -> impl FnMut(Report) -> Result<(), ()> + Send + 'static {
    let sender = outbox.sender.clone();
    move |report| sender.send(Message::Desk(report)).map_err(drop)
}

/// Reads keys. The reader of the terminal's library never rests once the terminal is gone, and knows more than enough.
fn keys(outbox: &Outbox) -> io::Result<()> {
    let outbox = outbox.clone();
    desk::start("kiosk keys", move || {
        let mut bytes = [0; 64];
        loop {
            let read = match io::stdin().read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Whoever shares the terminal with this program may have asked for that.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                Ok(read) if read > 0 => bytes.get(..read).unwrap_or_default(),
                _ => break,
            };
            if read.contains(&END) {
                return outbox.end(Message::End((ExitCode::SUCCESS, "key".to_owned())));
            }
            // Arrows and their kin come as several bytes, of which none is a key.
            let typed = read.iter().take_while(|key| **key != ESCAPE);
            typed
                .filter(|key| matches!(**key, b'\t' | b'l' | b'L' | b'0'..=b'9'))
                .for_each(|key| outbox.key(*key));
        }
        outbox.end(Message::End((ExitCode::FAILURE, "no-terminal".to_owned())));
    })
}

/// Hears the signals of the system. Those that would stop the program with somebody on its screen are not obeyed, and
/// of those that would kill it no one else is to be found who clears the screen.
#[cfg(unix)]
fn signals(outbox: &Outbox) -> io::Result<()> {
    use signal_hook::consts::*;
    let heard = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGXCPU, SIGTSTP, SIGCONT, SIGWINCH];
    // The last one comes when the log's file is as large as it may be: the write fails then, and no more.
    let unheard = [SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXFSZ];
    let mut signals = signal_hook::iterator::Signals::new(heard.iter().chain(&unheard))?;
    let outbox = outbox.clone();
    desk::start("kiosk signals", move || {
        for signal in signals.forever() {
            match signal {
                SIGCONT | SIGWINCH => outbox.redraw(),
                SIGTERM | SIGINT | SIGHUP | SIGQUIT | SIGABRT | SIGXCPU => {
                    outbox.end(Message::End((ExitCode::SUCCESS, format!("signal {signal}"))));
                }
                _ => {}
            }
        }
    })
}

#[cfg(not(unix))]
fn signals(_: &Outbox) -> io::Result<()> {
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
