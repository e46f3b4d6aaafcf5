//! A Redis server of the test's own: on loopback, in a folder of its own, with a password that nobody else knows, so
//! that no other server is ever taken for it; ended by its process number.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
    password: String,
}

impl Server {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The name of a fresh folder is drawn, and so nobody else's.
        let drawn = folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_owned();
        let password = format!("secret-{drawn}");
        for _ in 0..20 {
            // Free now; if somebody else is quicker the server ends, and another port is tried.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut child = launch(&folder, port, &password);
            if ready(&mut child, port, &password) {
                return Self { child, folder, port, password };
            }
        }
        panic!("redis-server found no free port");
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// A plain connection, to look and to plant.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, on the same port, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        self.child = launch(&self.folder, self.port, &self.password);
        assert!(ready(&mut self.child, self.port, &self.password), "redis-server did not come back");
    }

    /// The server does nothing any more, until [`Server::resume`].
    pub fn pause(&self) {
        self.signal("STOP");
    }

    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(folder: &TempDir, port: u16, password: &str) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--requirepass", password])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!("redis-server (Debian: redis-server) is needed"),
            _ => panic!("redis-server: {error}"),
        })
}

/// Waits until this very process answers; `false` if it ended.
fn ready(child: &mut Child, port: u16, password: &str) -> bool {
    let client = redis::Client::open(format!("redis://:{password}@127.0.0.1:{port}")).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let own = format!("process_id:{}\r\n", child.id());
        let answer = client
            .get_connection_with_timeout(Duration::from_secs(1))
            .and_then(|mut connection| redis::cmd("INFO").arg("server").query::<String>(&mut connection));
        if answer.is_ok_and(|text| text.contains(&own)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("redis-server does not answer");
}
