//! What a process holds: handles, threads, memory, processor time (Linux, proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

/// One look at a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) handles: usize,
    pub(crate) threads: usize,
    /// All resident memory, in KiB.
    pub(crate) resident: u64,
    /// What of it is the process's own, and not the pages of files, which come and go as the system likes.
    pub(crate) anonymous: u64,
    pub(crate) processor: Duration,
}

impl Sample {
    pub(crate) fn of(process: u32) -> io::Result<Self> {
        let folder = format!("/proc/{process}");
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let kilobytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
        };
        let stat = fs::read_to_string(format!("{folder}/stat"))?;
        // Behind the name: fields 3 and on; 14 and 15 are user and system time in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Ok(Self {
            handles: fs::read_dir(format!("{folder}/fd"))?.count(),
            threads: fs::read_dir(format!("{folder}/task"))?.count(),
            resident: kilobytes("VmRSS:"),
            anonymous: kilobytes("RssAnon:"),
            processor: Duration::from_millis((ticks(11) + ticks(12)) * 10),
        })
    }

    /// What must not differ between two quiet moments.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.handles, self.threads)
    }
}

/// What a process holds, in words: for whoever looks for what leaked.
pub(crate) fn described(process: u32) -> String {
    let mut found = BTreeMap::<String, usize>::new();
    let entries =
        |what: &str| fs::read_dir(format!("/proc/{process}/{what}")).into_iter().flatten().flatten();
    for entry in entries("task") {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        *found.entry(format!("thread \"{}\"", name.trim())).or_default() += 1;
    }
    for entry in entries("fd") {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        // Sockets by kind, not by number.
        let target = target.to_string_lossy().split('[').next().unwrap_or_default().to_owned();
        *found.entry(format!("handle {target}")).or_default() += 1;
    }
    found.into_iter().map(|(what, count)| format!("{count} × {what}")).collect::<Vec<_>>().join(", ")
}
