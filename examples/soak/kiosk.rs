//! The program under test: a kiosk with several readers, which follows the monitor and does what it is ordered with
//! each card, in a thread for each. It holds no card and keeps no log, so that its handles, threads and memory are the
//! library's.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::genuine;
use cie::ias::{Application, CardCache, Session, Terminal};
use cie::kiosk::{SeenCards, verify_nis_with};
use cie::passive::SecurityObjectPolicy;
use cie::secret::Pin;
use cie::transport::pcsc::{Event, Service, Sharing};
use cie::transport::{self, Link};
use cie::trust::{AnchorPurpose, TrustStore};

use super::plan::Flow;
use super::words::{Order, Said};

/// How long one exchange may take. It is short, so that cards that never answer do not make the run long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// How often a reader is tried again that has not come back from an earlier card.
const RETRY: Duration = Duration::from_millis(100);
/// What the kiosk has its cards sign.
pub(crate) const MESSAGE: &[u8] = b"soak";

struct Kiosk {
    service: Service,
    trust: TrustStore,
    policy: SecurityObjectPolicy,
    terminal: Arc<Terminal>,
    pin: Pin,
    wire: Mutex<UnixStream>,
    lanes: Mutex<HashMap<String, Lane>>,
}

/// What is known of one reader.
#[derive(Clone)]
struct Lane {
    order: Order,
    memory: Arc<Mutex<Memory>>,
}

/// Cards that were here before.
#[derive(Default)]
struct Memory {
    seen: SeenCards,
    constants: CardCache,
}

/// Runs until the other side hangs up.
pub(crate) fn run(socket: &Path, csca: &Path, pin: &str) -> Result<(), Box<dyn std::error::Error>> {
    let wire = UnixStream::connect(socket)?;
    let orders = BufReader::new(wire.try_clone()?);
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, &std::fs::read(csca)?)?;
    let kiosk = Arc::new(Kiosk {
        service: Service::new().with_deadline(DEADLINE),
        trust,
        policy: SecurityObjectPolicy::new(),
        terminal: Arc::new(Terminal::published()?),
        pin: Pin::parse(pin)?,
        wire: Mutex::new(wire),
        lanes: Mutex::default(),
    });

    let mut monitor = kiosk.service.monitor();
    let (canceller, listener) = (monitor.canceller(), kiosk.clone());
    let listening = thread::spawn(move || {
        listener.listen(orders);
        canceller.cancel();
    });
    let mut at_work: Vec<JoinHandle<()>> = Vec::new();
    for serial in 0.. {
        at_work.retain(|worker| !worker.is_finished());
        kiosk.say(&match monitor.next_event(Duration::from_secs(3600)) {
            Ok(Event::CardInserted { reader, .. }) => {
                kiosk.say(&Said::Card(reader.clone(), serial));
                let worker = kiosk.clone();
                at_work.push(thread::spawn(move || worker.serve(reader, serial)));
                continue;
            }
            Ok(Event::CardMute { reader }) => Said::Mute(reader),
            Ok(Event::CardRemoved { reader }) => Said::Gone(reader),
            Ok(Event::ReaderAdded { reader }) => Said::Reader(reader),
            Ok(Event::ReaderRemoved { reader }) => Said::ReaderGone(reader),
            Ok(Event::ServiceLost) => Said::ServiceLost,
            Ok(Event::ServiceBack) => Said::ServiceBack,
            Err(transport::Error::Cancelled) => break,
            other => Said::Strange(format!("{other:?}")),
        });
    }
    for worker in at_work.into_iter().chain([listening]) {
        worker.join().map_err(|_| "a thread of the kiosk panicked")?;
    }
    Ok(())
}

impl Kiosk {
    fn say(&self, said: &Said) {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever listened has hung up: then the kiosk ends.
        let _ = wire.write_all(said.line().as_bytes());
    }

    fn listen(&self, orders: BufReader<UnixStream>) {
        for line in orders.lines().map_while(Result::ok) {
            let Some((reader, order)) = Order::parse(&line) else { return };
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let lane = lanes.entry(reader.clone()).or_insert_with(|| Lane { order, memory: Arc::default() });
            lane.order = order;
            drop(lanes);
            self.say(&Said::Ready(reader));
        }
    }

    fn serve(&self, reader: String, serial: u64) {
        let lane = self.lanes.lock().unwrap_or_else(PoisonError::into_inner).get(&reader).cloned();
        let outcome = match lane {
            Some(lane) => self.work(&reader, &lane),
            None => return self.say(&Said::Strange(format!("a card on {reader}, and no order"))),
        };
        self.say(&match outcome {
            Ok(what) => Said::Accepted(reader, serial, what),
            Err(error) => Said::Refused(reader, serial, error.code().to_owned(), error.to_string()),
        });
    }

    fn work(&self, reader: &str, lane: &Lane) -> Result<String, cie::Error> {
        let link = self.connect(reader)?;
        let mut remembered = lane.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forgotten = Memory::default();
        let memory = if lane.order.fresh { &mut forgotten } else { &mut *remembered };
        if lane.order.flow == Flow::Nis {
            let mut application = Application::select(link)?;
            let nis = verify_nis_with(&mut application, &self.trust, &self.policy, &memory.seen)?;
            return Ok(nis.digits().to_owned());
        }
        let mut session = Session::open_with(link, &self.terminal, &mut memory.constants)?;
        let chip = genuine::verify(&mut session, &self.trust, &self.policy)?;
        if lane.order.flow == Flow::Genuine {
            return Ok("genuine".to_owned());
        }
        let mut unlocked = session.verify_pin(&self.pin)?;
        chip.check_holder_certificate(unlocked.certificate()?)?;
        let digest = Digest::of(DigestAlgorithm::Sha256, MESSAGE);
        let signature = unlocked.signer()?.sign(Purpose::Login, &digest)?;
        Ok(hex::encode(signature))
    }

    /// A card that was laid on where an earlier one hangs is served as soon as that one's call comes back.
    fn connect(&self, reader: &str) -> Result<Link, transport::Error> {
        let began = Instant::now();
        loop {
            match self.service.connect(reader, Sharing::Shared) {
                Err(transport::Error::Unresponsive) if began.elapsed() < DEADLINE => thread::sleep(RETRY),
                outcome => return outcome,
            }
        }
    }
}
