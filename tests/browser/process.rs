//! A program that a test starts, whose first lines it reads, and which ends with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::common::pinentry::runs;
use crate::common::until_within;

/// A running program; asked to end when dropped, and killed if it does not.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it and waits for a line of its standard output of which `find` makes something.
    pub(crate) fn start<T: Send + 'static>(
        command: &mut Command,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> (Self, T) {
        let program = name(command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("missing program {program}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        // Reads on after the line, so that the program can always write.
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| find(&line))
                .for_each(|found| drop(sender.send(found)));
        });
        let process = Self(child);
        let found = receiver.recv_timeout(Duration::from_secs(30));
        let found = found.unwrap_or_else(|_| panic!("{program} did not say that it is ready"));
        (process, found)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = signal("TERM", self.0.id());
        let began = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && began.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Whether the signal could be sent, which it cannot to a process that is no more.
pub(crate) fn signal(signal: &str, process: u32) -> bool {
    let process = process.to_string();
    Command::new("kill")
        .args(["-s", signal, &process])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|sent| sent.success())
}

/// Runs a program to its end, which must be a good one.
#[track_caller]
pub(crate) fn succeeds(command: &mut Command) {
    let program = name(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("missing program {program}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
}

/// Waits until it does not.
pub(crate) fn until_ended(process: u32) {
    until_within(Duration::from_secs(5), &format!("process {process} ends"), || !runs(process));
}
