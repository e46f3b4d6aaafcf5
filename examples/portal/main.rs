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
mod connections;
mod demo;
mod folders;
mod guard;
mod headers;
mod http;
mod lists;
mod logins;
mod pages;
mod routes;
mod sessions;
mod texts;
mod tls;
mod warm;

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::Handle;
use axum_server::tls_openssl::{OpenSSLAcceptor, OpenSSLConfig};
use cie::login::store::MemoryStore;
use cie::login::{AuditEvent, Origin, Outcome, RelyingParty};
use cie::trust::{CertifiedCard, HolderPolicy, TrustStore};
use clap::Parser;

use arguments::Arguments;
use connections::Limit;
use demo::Demo;
use folders::Folders;
use http::Http;
use lists::Lists;
use logins::Logins;
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
/// The most connections at a time, each of which takes a file descriptor and some kilobytes.
const CONNECTIONS: usize = 512;
/// The most logins that are verified at a time, and the most threads for what blocks, of which these may take a part.
const LOGINS: usize = 32;
const BLOCKING: usize = 64;
/// How long a login may fetch: with the time for its body well below what a request may take as a whole (`guard`), so
/// that nobody is told that it failed who has in fact been verified.
const FETCHING: Duration = Duration::from_secs(12);
/// How often sessions that are over are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let Err(error) = run(&Arguments::parse()) else { return ExitCode::SUCCESS };
    // Nobody may be there to read it.
    drop(writeln!(std::io::stderr(), "portal: {error}"));
    ExitCode::from(2)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let of_listening = |error| format!("{} cannot be listened on: {error}", arguments.listen);
    if arguments.demo.is_some() && !arguments.listen.ip().is_loopback() {
        return Err("a demonstration lets anybody in: --listen has to be an address of this computer, such as 127.0.0.1:8443".into());
    }
    let listener = TcpListener::bind(arguments.listen).map_err(of_listening)?;
    let local = listener.local_addr()?;
    let Judgement { party, demo, lists, folders } = judgement(arguments, local)?;
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
        Some(demo) => said += &tell_demo(demo, arguments, party.origin()),
        None => said += &format!("the portal is {} at {local}\n", party.origin()),
    }
    // Whoever reads may have gone after the first line, which is no reason to end.
    let mut stdout = std::io::stdout();
    drop(stdout.write_all(said.as_bytes()).and_then(|()| stdout.flush()));

    let takes_first = demo.is_some() || arguments.accept_first_generations;
    let pages = Pages::new(party.origin().as_str(), demo.is_some(), takes_first)?;
    let logins = Logins::new(party.clone(), LOGINS, FETCHING);
    let portal = Arc::new(Portal { party: party.clone(), logins, sessions: Sessions::new(), pages, demo });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING).build()?;
    let outcome = runtime.block_on(async {
        let sweeping = portal.clone();
        tokio::spawn(warm::every(SWEEP, move || sweeping.sessions.sweep()));
        tokio::spawn(warm::keep_warm(party, lists, folders));
        serve(listener, tls, portal).await
    });
    // What blocks cannot be broken off, and a list may take its time.
    runtime.shutdown_timeout(ENDING);
    Ok(outcome?)
}

/// Who judges, and what that needs.
struct Judgement {
    party: RelyingParty,
    demo: Option<Demo>,
    /// What lists are fetched through, if they are.
    lists: Option<Lists>,
    folders: Folders,
}

/// The portal's judgement: whom it trusts, which cards it takes, and where it learns what was revoked.
fn judgement(arguments: &Arguments, local: SocketAddr) -> Result<Judgement, Box<dyn Error>> {
    let origin = match &arguments.origin {
        Some(origin) => Origin::parse(origin).map_err(|error| format!("--origin: {error}"))?,
        // Browsers leave the port of the scheme out.
        None if local.port() == 443 => Origin::parse("https://localhost")?,
        None => Origin::parse(&format!("https://localhost:{}", local.port()))?,
    };
    let beside = origin.as_str().strip_prefix("https://localhost");
    if arguments.demo.is_some() && !beside.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
        return Err(
            "a demonstration lets anybody in: --origin has to be https://localhost, with a port or without"
                .into(),
        );
    }
    let demo = arguments.demo.as_ref().map(|folder| Demo::open(folder, &arguments.demo_pin)).transpose()?;
    let trust = match &demo {
        Some(demo) => demo.trust()?,
        None => trust(arguments)?,
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
    let lists = demo.is_none().then(|| Lists::new(Http::new(arguments.lists_proxy.clone())));
    if let Some(lists) = &lists {
        builder = builder.fetch(lists.clone());
    }
    let party = builder.finish();

    let mut folders = arguments.lists.clone();
    folders.extend(demo.as_ref().map(Demo::lists));
    let mut folders = Folders::new(folders);
    folders.read(&party)?;
    Ok(Judgement { party, demo, lists, folders })
}

/// The authorities of a real portal: Italy's, some of one's own choice, or both.
fn trust(arguments: &Arguments) -> Result<TrustStore, Box<dyn Error>> {
    let mut trust = TrustStore::new();
    if let Some(folder) = &arguments.trust {
        let (italian, report) = TrustStore::load_italian(folder)?;
        report.certificates.iter().for_each(|found| log(format_args!("{found}")));
        report.passed_over.iter().for_each(|path| log(format_args!("{}: passed over", path.display())));
        trust = italian;
    }
    Ok(match &arguments.anchors {
        Some(folder) => trust.load(folder)?,
        None => trust,
    })
}

/// Until somebody ends it.
async fn serve(listener: TcpListener, tls: OpenSSLConfig, portal: Arc<Portal>) -> std::io::Result<()> {
    let handle = Handle::new();
    let ending = handle.clone();
    tokio::spawn(async move {
        stop_asked().await;
        ending.graceful_shutdown(Some(ENDING));
    });
    let acceptor = OpenSSLAcceptor::new(tls).handshake_timeout(HANDSHAKE).acceptor(Limit::new(CONNECTIONS));
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
    server.serve(routes::router(portal).into_make_service()).await
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
        // Anybody may draw challenges, as many as they like.
        Outcome::Challenged => {}
        Outcome::Refused(error) => log(format_args!("challenge {challenge}: refused: {error}")),
        outcome => log(format_args!("challenge {challenge}: {outcome:?}")),
    }
}
