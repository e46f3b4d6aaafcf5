//! A municipality's portal: citizens log in with their card, in a browser, through the Web eID extension; a software
//! card answers in its place with --demo.
//!
//! Run:   cargo run --release --features emulator --example portal -- --demo demo
//! Check: open the address that it prints in a browser that trusts demo/tls/ca.pem, and press the button of the
//!        demonstration: the page greets the citizen of demo/citizen.json. Without a browser:
//!        curl --cacert demo/tls/ca.pem https://localhost:8443/
//!        tests/portal_example.rs goes all the way, and through what is refused.
//!
//! A portal of one's own: see docs/portal.md for what lies in the folders.
//!        portal --origin https://portale.comune.example.it --trust DIR --lists DIR --certificate PEM --key PEM --listen 0.0.0.0:443

mod arguments;
mod demo;
mod guard;
mod headers;
mod lists;
mod pages;
mod routes;
mod sessions;
mod texts;
mod tls;

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::Handle;
use axum_server::tls_openssl::{OpenSSLAcceptor, OpenSSLConfig};
use cie::login::store::MemoryStore;
use cie::login::{AuditEvent, Origin, Outcome, RelyingParty};
use cie::trust::{CertifiedCard, HolderPolicy, TrustStore};
use clap::Parser;

use arguments::Arguments;
use demo::Demo;
use lists::{Folders, Http};
use pages::Pages;
use routes::Portal;
use sessions::Sessions;

/// How long a connection may take over TLS, over the headers of a request, and over its first request as a whole.
const HANDSHAKE: Duration = Duration::from_secs(10);
const REQUEST_HEADERS: Duration = Duration::from_secs(10);
const FIRST_REQUEST: Duration = Duration::from_secs(30);
/// The most bytes of a request's headers, and the most headers.
const HEADERS_BYTES: usize = 16 << 10;
const HEADERS_COUNT: usize = 64;
/// How long requests that run may go on when the server ends.
const ENDING: Duration = Duration::from_secs(5);
/// The most logins that are verified at the same time; the others wait.
const BLOCKING: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen)?;
    let local = listener.local_addr()?;
    let (party, demo, folders) = party(&arguments, local)?;
    let tls = match &arguments.demo {
        Some(folder) => tls::throw_away(&folder.join("tls"))?,
        None => {
            let (certificate, key) =
                arguments.certificate.clone().zip(arguments.key.clone()).ok_or("no key")?;
            tls::Files { certificate, key }
        }
    };
    let tls = tls::config(&tls)?;

    let mut said = format!("listening on https://localhost:{}\n", local.port());
    match &demo {
        Some(demo) => said += &tell_demo(demo, &arguments, party.origin()),
        None => said += &format!("the portal is {} at {local}\n", party.origin()),
    }
    // Whoever reads may have gone after the first line, which is no reason to end.
    let mut stdout = std::io::stdout();
    drop(stdout.write_all(said.as_bytes()).and_then(|()| stdout.flush()));

    let takes_first = demo.is_some() || arguments.accept_first_generations;
    let pages = Pages::new(party.origin().as_str(), demo.is_some(), takes_first)?;
    let portal = Portal { party, sessions: Sessions::new(), pages, demo };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING).build()?;
    runtime.block_on(serve(listener, tls, Arc::new(portal), folders))?;
    Ok(())
}

/// The portal's judgement: whom it trusts, which cards it takes, and where it learns what was revoked.
fn party(
    arguments: &Arguments,
    local: SocketAddr,
) -> Result<(RelyingParty, Option<Demo>, Folders), Box<dyn Error>> {
    let demo = arguments.demo.as_ref().map(|folder| Demo::open(folder, &arguments.demo_pin)).transpose()?;
    let trust = match (&demo, &arguments.trust) {
        (Some(demo), _) => demo.trust()?,
        (None, Some(folder)) => {
            let (trust, report) = TrustStore::load_italian(folder)?;
            report.certificates.iter().for_each(|found| log(format_args!("{found}")));
            report.passed_over.iter().for_each(|path| log(format_args!("{}: passed over", path.display())));
            match &arguments.anchors {
                Some(folder) => trust.load(folder)?,
                None => trust,
            }
        }
        (None, None) => return Err("no folder with certificates".into()),
    };
    let origin = match &arguments.origin {
        Some(origin) => Origin::parse(origin)?,
        // Browsers leave the port of the scheme out.
        None if local.port() == 443 => Origin::parse("https://localhost")?,
        None => Origin::parse(&format!("https://localhost:{}", local.port()))?,
    };

    let mut policy = HolderPolicy::of(CertifiedCard::Cie3).and(CertifiedCard::Cns);
    if demo.is_some() || arguments.accept_first_generations {
        policy = policy.and(CertifiedCard::FirstGenerations).allow_legacy_cryptography();
    }
    let mut builder = RelyingParty::builder(origin, trust, MemoryStore::new())
        .accept(policy)
        .lifetime(Duration::from_secs(arguments.challenge_seconds))
        .audit(audit);
    // The lists of a software card lie beside it: there is nothing to fetch.
    if demo.is_none() {
        builder = builder.fetch(Http::new());
    }
    let party = builder.finish();

    let mut folders = arguments.lists.clone();
    folders.extend(demo.as_ref().map(Demo::lists));
    let mut folders = Folders::new(folders);
    folders.read(&party)?;
    Ok((party, demo, folders))
}

/// Until somebody ends it.
async fn serve(
    listener: TcpListener,
    tls: OpenSSLConfig,
    portal: Arc<Portal>,
    folders: Folders,
) -> std::io::Result<()> {
    let handle = Handle::new();
    let warm = tokio::spawn(lists::keep_warm(portal.party.clone(), folders));
    let ending = handle.clone();
    tokio::spawn(async move {
        stop_asked().await;
        ending.graceful_shutdown(Some(ENDING));
    });
    let acceptor = OpenSSLAcceptor::new(tls).handshake_timeout(HANDSHAKE);
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(acceptor)
        .handle(handle)
        .http1_only()
        .first_request_timeout(FIRST_REQUEST);
    server
        .http_builder()
        .http1()
        .header_read_timeout(REQUEST_HEADERS)
        .max_buf_size(HEADERS_BYTES)
        .max_headers(HEADERS_COUNT);
    let outcome = server.serve(routes::router(portal).into_make_service()).await;
    warm.abort();
    outcome
}

/// Ctrl-C, or what a service manager sends.
async fn stop_asked() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupted => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}

/// How to try it.
fn tell_demo(demo: &Demo, arguments: &Arguments, origin: &Origin) -> String {
    let (card, authority) = (demo.card(), demo.folder().join("tls/ca.pem"));
    let (card, authority, pin) = (card.display(), authority.display(), &arguments.demo_pin);
    format!(
        "demonstration: open {origin} and press the button of the demonstration\n\
         the browser has to trust {authority}, whose key was thrown away\n\
         the real way: `cie web-eid install`, `cie soft insert {card}`, and the upper button\n\
         on the command line: `cie --reader soft:{card} auth --origin {origin} --nonce NONCE`\n\
         PIN of the card: {pin}\n"
    )
}

/// One line to the log, with the moment (UTC).
pub(crate) fn log(line: fmt::Arguments<'_>) {
    let now = time::OffsetDateTime::from(SystemTime::now());
    let now = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    // Nobody may be there to read it, which is no reason to end.
    drop(writeln!(std::io::stderr(), "{now} {line}"));
}

/// What the log says of a login: nothing of the citizen.
fn audit(event: &AuditEvent) {
    let challenge = event.challenge.map(hex::encode).unwrap_or_else(|| "-".to_owned());
    match &event.outcome {
        Outcome::Refused(error) => log(format_args!("challenge {challenge}: refused: {error}")),
        outcome => log(format_args!("challenge {challenge}: {outcome:?}")),
    }
}
