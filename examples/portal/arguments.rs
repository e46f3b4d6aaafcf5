//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// A municipality's portal that knows its citizens by their cards: an example of the crate cie-card.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Demonstration: a software card's folder, as `cie soft new` makes it; it is made if it has no card
    #[arg(long, value_name = "DIR", conflicts_with_all = ["trust", "certificate", "anchors", "lists_proxy"])]
    pub(crate) demo: Option<PathBuf>,
    /// PIN of the demonstration's card
    #[arg(long, value_name = "PIN", default_value = "12345678", requires = "demo")]
    pub(crate) demo_pin: String,
    /// Address and port to listen on; port 0 takes a free one; of a demonstration, one of this computer only
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Origin of the portal, exactly as browsers write it; of a demonstration https://localhost:PORT only
    #[arg(long, value_name = "ORIGIN", required_unless_present = "demo")]
    pub(crate) origin: Option<String>,
    /// Folder with the certificates of Italy's authorities
    #[arg(long, value_name = "DIR", required_unless_present_any = ["demo", "anchors"])]
    pub(crate) trust: Option<PathBuf>,
    /// Folder with anchors of your own choice in cns/, first-generations/, …, as docs/portal.md says
    #[arg(long, value_name = "DIR")]
    pub(crate) anchors: Option<PathBuf>,
    /// Folder with revocation lists, read again when a file changes; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) lists: Vec<PathBuf>,
    /// HTTP proxy through which lists are fetched, which has to allow CONNECT to port 80; without it none is used
    #[arg(long, value_name = "URL", value_parser = http_proxy)]
    pub(crate) lists_proxy: Option<ureq::Proxy>,
    /// The server's certificate and its chain
    #[arg(long, value_name = "PEM", required_unless_present = "demo", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The server's private key
    #[arg(long, value_name = "PEM", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Takes identity cards of the first generations, too, with their keys of 1024 bits
    #[arg(long)]
    pub(crate) accept_first_generations: bool,
    /// How long a challenge can be answered, in seconds
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) challenge_seconds: u64,
}

/// A proxy that is spoken to as everything else here is: without TLS.
fn http_proxy(url: &str) -> Result<ureq::Proxy, String> {
    let proxy = ureq::Proxy::new(url).map_err(|error| error.to_string())?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http => Ok(proxy),
        _ => Err("only a proxy at http:// is spoken to".to_owned()),
    }
}
