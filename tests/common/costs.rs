//! What an operation costs with a contact card, counted on the card's side: ours, and OpenSC's for the same on the
//! same card.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use cie::cns::{Credential, Session};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::transport::pcsc::{Service, Sharing};

use super::contact::contact_card;
use super::contact_flows::pin;
use super::pcscd::{READER, folder};

/// Command APDUs that the card was sent, and bytes in both directions, status words included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub exchanges: usize,
    pub bytes: usize,
}

/// One operation on the card of one model.
pub struct Row {
    pub what: &'static str,
    pub model: Model,
    pub ours: Cost,
    /// OpenSC as it is installed: it asks for the cards of all its drivers first.
    pub opensc: Cost,
    /// OpenSC that is told which driver it is.
    pub named: Cost,
}

/// The models that OpenSC knows.
pub const MODELS: [Model; 3] = [Model::Cns10, Model::Cns11, Model::Cie2];

/// An operation: what it is, our way to do it from connecting to the card on, and OpenSC's command line.
type Operation = (&'static str, fn(Session), &'static str);

const OPERATIONS: [Operation; 3] = [
    (
        "personal data",
        |mut session| drop(session.read_personal_data().unwrap()),
        "pkcs15-tool --read-data-object EF_DatiPersonali",
    ),
    (
        "certificate",
        |mut session| drop(session.certificate(Credential::Authentication).unwrap().to_pem().unwrap()),
        "pkcs15-tool --read-certificate 01",
    ),
    (
        "PIN and signature",
        |session| {
            let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
            let mut unlocked = session.verify_pin(&pin()).unwrap();
            unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
        },
        "pkcs15-crypt -s --pkcs1 --sha-256 -R -k 01 -p 12345678 -i digest -o signature",
    ),
];

/// Every operation on every model. `lay` lays a card on the reader and gives what takes it away when dropped.
pub fn rows<T>(lay: impl Fn(&SoftCard) -> (Service, T)) -> Vec<Row> {
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    std::fs::write(folder().join("digest"), digest.as_bytes()).unwrap();
    let mut rows = Vec::new();
    for model in MODELS {
        let card = contact_card(model);
        let (service, _laid) = lay(&card);
        for (what, run, line) in OPERATIONS {
            let ours = count(&card, || {
                run(Session::open(service.connect(READER, Sharing::Shared).unwrap()).unwrap());
            });
            let opensc = count(&card, || opensc(line, None));
            let named = count(&card, || self::opensc(line, Some("itacns")));
            rows.push(Row { what, model, ours, opensc, named });
        }
    }
    rows
}

fn count(card: &SoftCard, run: impl FnOnce()) -> Cost {
    let cost = Arc::new(Mutex::new(Cost::default()));
    let sink = cost.clone();
    card.set_tamper(Some(Box::new(move |command, response| {
        let mut cost = sink.lock().unwrap();
        cost.exchanges += 1;
        cost.bytes += command.encode().unwrap().len() + response.encode().len();
        response
    })));
    run();
    card.set_tamper(None);
    *cost.lock().unwrap()
}

/// OpenSC with a home of its own, where it keeps no copies of files.
fn opensc(line: &str, driver: Option<&str>) {
    let home = tempfile::tempdir().unwrap();
    let (program, arguments) = line.split_once(' ').unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder()).env("HOME", home.path()).env("XDG_CACHE_HOME", home.path());
    if let Some(driver) = driver {
        command.env("OPENSC_DRIVER", driver);
    }
    command.args(arguments.split(' ')).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().expect("OpenSC (Debian: opensc) is needed");
    assert!(status.success(), "{line}");
}
