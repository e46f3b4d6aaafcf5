//! A headless Chromium, steered over WebDriver.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::home::Home;
use crate::process::{Process, signal};

/// For every single step; a login takes less than a second.
const STEP: Duration = Duration::from_secs(25);

/// A browser with one window; it ends when dropped.
pub(crate) struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    /// The browser's own process.
    process: u32,
    _driver: Process,
}

impl Browser {
    /// Starts the browser of this person, with the extension or without.
    pub(crate) fn start(home: &Home, extension: bool) -> Self {
        let ready = |line: &str| {
            let port = line.split_once("started successfully on port ")?.1;
            port.trim_end_matches('.').parse::<u16>().ok()
        };
        // The browser inherits its environment.
        let (driver, port) = Process::start(home.command("chromedriver").arg("--port=0"), ready);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(hyper_connector());
            builder.capabilities(capabilities(home, extension));
            tokio::time::timeout(STEP, builder.connect(&format!("http://127.0.0.1:{port}"))).await
        });
        let client = client.expect("the browser starts in time").unwrap();
        let process = client.capabilities().and_then(|said| said.get("goog:processID")?.as_u64());
        let process = u32::try_from(process.expect("chromedriver tells the browser's process")).unwrap();
        Self { runtime, client: Some(client), process, _driver: driver }
    }

    /// Does one thing, in time.
    #[track_caller]
    fn step<'a, T, F: Future<Output = Result<T, CmdError>> + 'a>(
        &'a self,
        act: impl FnOnce(&'a Client) -> F,
    ) -> T {
        self.attempt(act).unwrap()
    }

    #[track_caller]
    fn attempt<'a, T, F: Future<Output = Result<T, CmdError>> + 'a>(
        &'a self,
        act: impl FnOnce(&'a Client) -> F,
    ) -> Result<T, CmdError> {
        let act = act(self.client.as_ref().unwrap());
        let outcome = self.runtime.block_on(async { tokio::time::timeout(STEP, act).await });
        outcome.expect("the browser answers in time")
    }

    pub(crate) fn open(&self, address: &str) {
        self.step(|client| client.goto(address));
    }

    /// Everything that is written on what is shown, whoever wrote it.
    pub(crate) fn everything(&self) -> String {
        let said =
            self.step(|client| client.execute("return document.documentElement.textContent", Vec::new()));
        said.as_str().unwrap().to_owned()
    }

    pub(crate) fn reload(&self) {
        self.step(Client::refresh);
    }

    /// Waits for the element and clicks on it.
    pub(crate) fn click(&self, id: &str) {
        let element = self.step(|client| client.wait().for_element(Locator::Id(id)));
        self.show(id);
        self.step(|_| element.click());
    }

    /// Brings the element into sight, if it is there. A page may scroll in its own time, and a click on something
    /// that moves goes astray.
    fn show(&self, id: &str) {
        let script = "const [id] = arguments;
            document.getElementById(id)?.scrollIntoView({ block: 'center', behavior: 'instant' })";
        self.step(|client| client.execute(script, vec![json!(id)]));
    }

    /// What is to be read in the element, nothing if it is not shown.
    #[track_caller]
    pub(crate) fn text(&self, id: &str) -> String {
        let said = self.attempt(|client| async move { client.find(Locator::Id(id)).await?.text().await });
        match said {
            Ok(text) => text.trim().to_owned(),
            // It is not there, or went with its page between being found and being read.
            Err(error) if error.is_no_such_element() || error.is_stale_element_reference() => String::new(),
            Err(error) => panic!("#{id}: {error}"),
        }
    }

    /// Waits until there is something to read in the element.
    #[track_caller]
    pub(crate) fn wait_text(&self, id: &str) -> String {
        self.wait(&format!("a text in #{id}"), || Some(self.text(id)).filter(|text| !text.is_empty()))
    }

    /// Waits until the page's state has this code, and returns the sentence that the citizen reads.
    #[track_caller]
    pub(crate) fn wait_code(&self, code: &str) -> String {
        self.wait(&format!("the state {code}"), || (self.code() == code).then(|| self.text("status")))
    }

    /// The code of the page's state.
    pub(crate) fn code(&self) -> String {
        let script = "return document.getElementById('status')?.dataset.code ?? ''";
        let said = self.attempt(|client| client.execute(script, Vec::new()));
        said.ok().and_then(|said| said.as_str().map(str::to_owned)).unwrap_or_default()
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            let state = || format!("{} ({})", self.code(), self.text("status"));
            assert!(began.elapsed() < STEP, "waited in vain: {what}, but the state is {}", state());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Runs a script in the page; it calls its last argument with what it returns.
    pub(crate) fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        self.step(|client| client.execute_async(script, arguments.to_vec()))
    }

    /// Writes a picture of what is to be seen, with the state of the page in its middle if it says one.
    pub(crate) fn screenshot(&self, name: &str) {
        if !self.text("status").is_empty() {
            self.show("status");
        }
        let picture = self.step(Client::screenshot);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name).with_extension("png"), picture).unwrap();
    }

    /// The tab that is in front.
    pub(crate) fn tab(&self) -> WindowHandle {
        self.step(Client::window)
    }

    /// Opens another, and goes there.
    pub(crate) fn new_tab(&self) -> WindowHandle {
        let handle = self.step(|client| client.new_window(true)).handle;
        self.go_to_tab(&handle);
        handle
    }

    pub(crate) fn go_to_tab(&self, tab: &WindowHandle) {
        self.step(|client| client.switch_to_window(tab.clone()));
    }

    /// Goes to the one that is not in front, of two.
    pub(crate) fn go_to_other_tab(&self) {
        let front = self.tab();
        let tabs = self.step(Client::windows);
        let [other] = &tabs.into_iter().filter(|tab| *tab != front).collect::<Vec<_>>()[..] else {
            panic!("two tabs")
        };
        self.go_to_tab(other);
    }

    /// Closes the tab that is in front.
    pub(crate) fn close_tab(&self) {
        self.step(Client::close_window);
    }

    /// The browser's process.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let _ = self
                .runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(5), client.close()).await });
        }
        // Also if it did not do what it was told.
        let _ = signal("KILL", self.process);
    }
}

/// Plain HTTP, to the driver on this machine.
fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

fn capabilities(home: &Home, extension: bool) -> Capabilities {
    let mut flags: Vec<String> = [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--lang=en",
        "--window-size=420,860",
    ]
    .map(str::to_owned)
    .into();
    // The user of the test's own namespace is root, as which the browser refuses to run otherwise.
    flags.push("--no-sandbox".to_owned());
    flags.push(format!("--user-data-dir={}", home.profile().display()));
    if extension {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/extension");
        flags.push(format!("--load-extension={}", folder.display()));
        flags.push(format!("--disable-extensions-except={}", folder.display()));
    }
    let options = json!({ "binary": "/usr/bin/chromium", "args": flags });
    let Value::Object(capabilities) = json!({ "browserName": "chrome", "goog:chromeOptions": options })
    else {
        unreachable!("an object")
    };
    capabilities
}
