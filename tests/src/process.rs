//! A child process whose lines can be awaited and that never outlives the test.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc;

use crate::{SOON, within};

/// How long a process may take to end on SIGTERM.
const GRACE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Exit {
    status: Mutex<Option<ExitStatus>>,
    ended: Condvar,
}

impl Exit {
    fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        let mut status = self.status.lock();
        self.ended.wait_while_for(&mut status, |status| status.is_none(), limit);
        *status
    }
}

#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    exit: Arc<Exit>,
    lines: mpsc::UnboundedReceiver<String>,
    stdin: Option<std::process::ChildStdin>,
}

impl Process {
    /// Starts `command`. What it writes to stderr goes to the file `stderr`, lines of stdout to [`Process::line`].
    pub fn start(mut command: Command, stderr: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let errors =
            File::options().create(true).append(true).open(stderr).expect("a file for stderr");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let stdin = child.stdin.take();
        let (send, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        Self { name, pid, exit: watch(child), lines, stdin }
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// The next line of stdout; `None` when stdout is closed.
    pub async fn line(&mut self) -> Option<String> {
        within(SOON * 2, &format!("a line from {}", self.name), self.lines.recv()).await
    }

    /// Everything on stdout until it closes. The caller sets the limit.
    pub async fn rest(&mut self) -> String {
        let mut text = String::new();
        while let Some(line) = self.lines.recv().await {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Writes to stdin and closes it.
    pub fn feed(&mut self, text: &str) {
        if let Some(mut stdin) = self.stdin.take() {
            stdin.write_all(text.as_bytes()).expect("stdin takes what it is given");
        }
    }

    /// Writes a line to stdin, which stays open.
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .expect("stdin takes what it is given");
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended already; then there is nobody to signal.
        let _ = kill(self.pid, signal);
    }

    /// Waits for the end, at most `limit`.
    pub async fn ended(&self, limit: Duration) -> Option<ExitStatus> {
        let exit = self.exit.clone();
        tokio::task::spawn_blocking(move || exit.wait(limit))
            .await
            .expect("the wait is not cancelled")
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(&self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        match self.ended(GRACE).await {
            Some(status) => status,
            None => panic!("{} did not end within {GRACE:?} of SIGTERM", self.name),
        }
    }

    /// Ends it without asking.
    pub async fn kill(&self) {
        self.signal(Signal::SIGKILL);
        assert!(self.ended(SOON).await.is_some(), "{} survived SIGKILL", self.name);
    }
}

fn watch(mut child: Child) -> Arc<Exit> {
    let exit = Arc::new(Exit::default());
    let seen = exit.clone();
    std::thread::spawn(move || {
        let status = child.wait().ok();
        *seen.status.lock() = status;
        seen.ended.notify_all();
    });
    exit
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        if self.exit.wait(Duration::ZERO).is_some() {
            return;
        }
        self.signal(Signal::SIGTERM);
        if self.exit.wait(GRACE / 2).is_none() {
            self.signal(Signal::SIGKILL);
            self.exit.wait(GRACE);
        }
    }
}

/// Is there a living process with this id? One that has ended and was not yet collected is not living.
pub fn alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the program's name, which is in parentheses and may hold anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Waits until a process that is no child of ours is gone. `false`: it is still there after `limit`.
pub async fn gone(pid: u32, limit: Duration) -> bool {
    let watched = tokio::task::spawn_blocking(move || wait_gone(pid, limit));
    watched.await.expect("the wait is not cancelled")
}

fn wait_gone(pid: u32, limit: Duration) -> bool {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::{PidfdFlags, pidfd_open},
    };
    let raw = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // A descriptor that becomes readable when the process ends. None can be had of a process that is gone.
    let Some(handle) = raw.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return true;
    };
    let limit = Timespec::try_from(limit).expect("a limit that fits");
    poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
}
