//! Records of the process groups that are running, so that what a killed gateway left behind can be ended at the next
//! start.
//!
//! A process id alone proves nothing: it may belong to another program by then. A group is ended only if this is the
//! same boot and its leader has the recorded start time, or, the leader being gone, for those members that belong to
//! the recorded session and started after the leader. A process group id is not reused while the group has members.
//!
//! Deliberately absent: systems without `/proc`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// A running process group. Written when it starts, removed when the last of it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GroupRecord {
    /// Process id of the leader, which is the id of the group.
    pid: i32,
    /// Clock ticks after boot at which the leader started.
    start_time: u64,
    session: i32,
    boot_id: String,
}

/// The record of a group that runs; removes its file when it is dropped.
#[derive(Debug)]
pub(super) struct RecordFile(PathBuf);

impl Drop for RecordFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Records the group of leader `pid` in `dir`. `None` where that is impossible: the group is then not found again.
pub(super) fn record(dir: &Path, pid: u32) -> Option<RecordFile> {
    let process = read_process(i32::try_from(pid).ok()?)?;
    let record = GroupRecord {
        pid: process.pid,
        start_time: process.start_time,
        session: process.session,
        boot_id: boot_id()?,
    };
    let path = dir.join(format!("{pid}.json"));
    let written = create_closed_dir(dir)
        .and_then(|()| serde_json::to_vec(&record).map_err(io::Error::other))
        .and_then(|json| write_closed(&path, &json));
    if let Err(error) = written {
        tracing::warn!(%error, "a local server could not be recorded");
        return None;
    }
    Some(RecordFile(path))
}

/// Like everything in the data directory: for its owner alone.
fn create_closed_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn write_closed(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, content)
}

/// Kills every recorded group that is left of an earlier gateway, and removes the records. Call it before the first
/// server is started, while no other gateway uses the data directory.
pub(in crate::upstream) fn end_leftovers(dir: &Path) {
    let Ok(files) = fs::read_dir(dir) else { return };
    for file in files.flatten() {
        let record = fs::read(file.path()).ok().and_then(|json| serde_json::from_slice(&json).ok());
        if let Some(record) = record {
            kill_group(&record);
        }
        let _ = fs::remove_file(file.path());
    }
}

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProcessStat {
    pid: i32,
    group: i32,
    session: i32,
    start_time: u64,
}

/// Whether `process` is part of the recorded group.
fn belongs(record: &GroupRecord, process: ProcessStat, leader: Option<ProcessStat>) -> bool {
    let in_group = process.group == record.pid && process.session == record.session;
    match leader {
        Some(leader) => in_group && leader.start_time == record.start_time,
        None => in_group && process.start_time >= record.start_time,
    }
}

#[cfg(target_os = "linux")]
fn kill_group(record: &GroupRecord) {
    use nix::{sys::signal, unistd::Pid};
    if boot_id().as_deref() != Some(record.boot_id.as_str()) || record.pid <= 1 {
        return;
    }
    let leader = read_process(record.pid);
    for process in all_processes() {
        if belongs(record, process, leader) {
            tracing::info!(pid = process.pid, "ending a process that an earlier gateway left");
            let _ = signal::kill(Pid::from_raw(process.pid), signal::Signal::SIGKILL);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn kill_group(_: &GroupRecord) {}

fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn read_process(pid: i32) -> Option<ProcessStat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(target_os = "linux")]
fn all_processes() -> impl Iterator<Item = ProcessStat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read_process(entry.file_name().to_str()?.parse().ok()?))
}

/// Parses `/proc/<pid>/stat` (proc_pid_stat(5)). The name in parentheses may hold anything.
fn parse_stat(stat: &str) -> Option<ProcessStat> {
    let (pid, _) = stat.split_once(' ')?;
    let (_, fields) = stat.rsplit_once(')')?;
    // Fields from the third on: state, ppid, pgrp, session, … starttime is the 22nd.
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    Some(ProcessStat {
        pid: pid.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 5 4 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let expected = ProcessStat { pid: 7, group: 5, session: 4, start_time: 12345 };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn only_the_recorded_group_is_ended() {
        let record = GroupRecord { pid: 5, start_time: 100, session: 4, boot_id: "b".to_owned() };
        let process =
            |pid, group, session, start_time| ProcessStat { pid, group, session, start_time };
        let leader = process(5, 5, 4, 100);
        assert!(belongs(&record, leader, Some(leader)));
        assert!(belongs(&record, process(9, 5, 4, 120), Some(leader)));
        assert!(belongs(&record, process(9, 5, 4, 120), None), "the leader ended before its child");
        let stranger = process(5, 5, 4, 101);
        assert!(!belongs(&record, stranger, Some(stranger)), "the id was given to another program");
        assert!(!belongs(&record, process(9, 6, 4, 120), Some(leader)), "another group");
        assert!(!belongs(&record, process(9, 5, 8, 120), None), "another session");
        assert!(!belongs(&record, process(9, 5, 4, 99), None), "older than the leader");
    }
}
