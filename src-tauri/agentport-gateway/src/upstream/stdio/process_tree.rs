//! Process tree of a local server, owned and ended as a whole.
//!
//! On Unix the server leads a process group of its own, on Windows it lives in a job object, so that what it starts
//! in turn (`npx` starts `node`, which starts …) ends with it. A program that leaves the group on purpose (`setsid`)
//! is out of reach.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::{
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    leftovers::{self, RecordFile},
    spawner,
};

/// Time a server has to end after its input was closed, and again after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// Time the rest of the tree has to end after the server itself has ended in good order.
const GROUP_GRACE: Duration = Duration::from_millis(250);
/// Interval at which a process group without a leader is checked; nothing announces its end.
const GROUP_POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Time the kernel has to remove what was killed.
const REAP_TIMEOUT: Duration = Duration::from_secs(1);

/// The processes of one local server. Dropping it kills them all.
pub(in crate::upstream) struct ProcessTree {
    child: Box<dyn ChildWrapper>,
    pid: Option<u32>,
    gone: bool,
    /// Kept until the tree has ended.
    _record: Option<RecordFile>,
}

/// The ends of a server's pipes.
pub(in crate::upstream) struct ServerPipes {
    pub(in crate::upstream) stdin: ChildStdin,
    pub(in crate::upstream) stdout: ChildStdout,
    pub(in crate::upstream) stderr: ChildStderr,
}

impl ProcessTree {
    /// Starts `program` with exactly `environment`, in `cwd` or our own directory. `records` is where running groups
    /// are recorded.
    pub(in crate::upstream) fn start(
        program: &Path,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: BTreeMap<OsString, OsString>,
        cwd: Option<&Path>,
        records: Option<&Path>,
    ) -> io::Result<(Self, ServerPipes)> {
        let mut prepared = Command::new(program);
        prepared
            .args(args)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(cwd) = cwd {
            prepared.current_dir(cwd);
        }
        spawner::die_with_gateway(&mut prepared);
        let mut wrapped = CommandWrap::from(prepared);
        wrapped.wrap(KillOnDrop);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        {
            // Without it every server opens a console window beside a program that has none.
            wrapped.wrap(process_wrap::tokio::CreationFlags(
                windows::Win32::System::Threading::CREATE_NO_WINDOW,
            ));
            wrapped.wrap(process_wrap::tokio::JobObject);
        }
        let child = spawner::spawn(wrapped)?;
        let pid = child.id();
        let record = records.zip(pid).and_then(|(dir, pid)| leftovers::record(dir, pid));
        let mut tree = Self { pid, child, gone: false, _record: record };
        let pipes = tree
            .child
            .stdin()
            .take()
            .zip(tree.child.stdout().take())
            .zip(tree.child.stderr().take());
        let Some(((stdin, stdout), stderr)) = pipes else {
            return Err(io::Error::other("the system gave no pipes"));
        };
        Ok((tree, ServerPipes { stdin, stdout, stderr }))
    }

    /// Process id of the server itself.
    pub(in crate::upstream) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Waits for the server itself to end. May be dropped and called again.
    pub(in crate::upstream) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends the tree in good order; its standard input must be closed already. `force_stop` cuts the waiting short.
    /// Afterwards no process of it is left.
    pub(in crate::upstream) async fn stop(&mut self, force_stop: &CancellationToken) {
        tokio::select! {
            biased;
            () = force_stop.cancelled() => {}
            () = async {
                if timeout(STOP_GRACE, self.ended()).await.is_ok() && self.empty_within(GROUP_GRACE).await {
                    self.gone = true;
                    return;
                }
                self.ask_to_end();
                let asked = Instant::now();
                let ended = timeout(STOP_GRACE, self.ended()).await.is_ok();
                self.gone = ended && self.empty_within(STOP_GRACE.saturating_sub(asked.elapsed())).await;
            } => {}
        }
        if !self.gone {
            self.kill().await;
        }
    }

    /// Ends the tree at once.
    pub(in crate::upstream) async fn kill(&mut self) {
        // Fails only when nothing is left to kill.
        let _ = self.child.start_kill();
        let _ = timeout(REAP_TIMEOUT, self.ended()).await;
        self.empty_within(REAP_TIMEOUT).await;
        self.gone = true;
    }

    #[cfg(unix)]
    fn ask_to_end(&self) {
        let _ = self.child.signal(nix::sys::signal::Signal::SIGTERM as i32);
    }

    /// Windows has no such request; what is left is ended by force.
    #[cfg(not(unix))]
    fn ask_to_end(&self) {}

    /// Whether the group is empty within that time.
    #[cfg(unix)]
    async fn empty_within(&self, limit: Duration) -> bool {
        let Some(group) = self.pid.and_then(|pid| i32::try_from(pid).ok()) else { return true };
        let until = Instant::now() + limit;
        while nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), None).is_ok() {
            if Instant::now() >= until {
                return false;
            }
            sleep(GROUP_POLL_INTERVAL).await;
        }
        true
    }

    /// Not known: waiting for a job object returns on its first message, which may be the end of one process of
    /// several. What is left is ended by force.
    #[cfg(not(unix))]
    async fn empty_within(&self, _limit: Duration) -> bool {
        false
    }
}

impl Drop for ProcessTree {
    fn drop(&mut self) {
        if !self.gone {
            // The group is killed here; the runtime reaps its leader.
            let _ = self.child.start_kill();
        }
    }
}
