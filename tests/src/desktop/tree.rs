//! Processes that belong together, read from `/proc`: what the app has started, what it holds, what it leaves behind.

use std::collections::BTreeSet;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn all() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc(5): the name in parentheses may hold anything; the state and the parent follow it.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// What a process is called, as `ps` shows it.
pub fn name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// Everything below a process, however deep.
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|one| Some((one, parent(one)?))).collect();
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(above) = open.pop() {
        for (one, _) in parents.iter().filter(|(_, parent)| *parent == above) {
            found.push(*one);
            open.push(*one);
        }
    }
    found
}

/// Processes with a word of the form `NAME=value` in the environment they were started with. Finds also those whose
/// parent is gone.
pub fn marked(word: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|found| found == word.as_bytes())
    };
    all().filter(has).filter(|pid| crate::process::alive(*pid)).collect()
}

/// Ends a process that should have gone by itself.
pub fn end(pid: u32) {
    if crate::process::alive(pid) {
        // It may end just now; then there is nobody to signal.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
}

/// Memory that belongs to a process alone plus its share of what it shares, in MiB. Zero for one that is gone.
fn pss(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or("0 kB");
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
    kib / 1024.0
}

/// The same over a process and everything below it.
pub fn pss_of_tree(pid: u32) -> f64 {
    let all: BTreeSet<u32> = descendants(pid).into_iter().chain([pid]).collect();
    all.into_iter().map(pss).sum()
}
