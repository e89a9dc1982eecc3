//! Changes a client's file the way AgentPort does, in a process that can be stopped, killed or starved at any step.
//!
//! It prints each step of [`apply`] as a line, and at the end `done` or the error. With `--stop-at STEP` it prints the
//! step and then does nothing more, until somebody kills it; `--die-writing` has the kernel kill it in the middle of the
//! file beside the file; `--rounds` goes on connecting and restoring; `--ready` waits for its stdin to close first.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use agentport_clients::{
    apply::{ApplyStep, apply},
    atomic_write,
    backups::Backups,
    client::{Client, FileFormat, Place},
    plan::{FileChange, Plan},
    types::{FileScope, PlanAction},
};
use agentport_core::Timestamp;
use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

#[derive(Debug, Parser)]
struct Options {
    /// `<home>/clients`.
    #[arg(long)]
    root: PathBuf,
    /// The client's file.
    #[arg(long)]
    file: PathBuf,
    /// What it is to become. Absent: it is restored.
    #[arg(long)]
    to: Option<PathBuf>,
    #[arg(long, value_enum)]
    stop_at: Option<Named>,
    #[arg(long)]
    die_writing: bool,
    /// From the moment of writing on, no file may grow beyond this.
    #[arg(long)]
    no_room_beyond: Option<u64>,
    /// Mounts a disk of one MiB on this directory, in a namespace of this process alone, and copies the file there.
    #[arg(long)]
    small_disk: Option<PathBuf>,
    /// Fills it to the last byte but so many.
    #[arg(long, default_value_t = 0)]
    leaving: usize,
    /// Goes on as the account `nobody`, if it is the administrator: to that one, modes mean nothing.
    #[arg(long)]
    as_nobody: bool,
    #[arg(long)]
    ready: bool,
    #[arg(long)]
    rounds: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Named {
    Checked,
    Kept,
    Journalled,
    Written,
    Finished,
}

impl From<ApplyStep> for Named {
    fn from(step: ApplyStep) -> Self {
        match step {
            ApplyStep::Checked => Self::Checked,
            ApplyStep::Kept => Self::Kept,
            ApplyStep::Journalled => Self::Journalled,
            ApplyStep::Written => Self::Written,
            ApplyStep::Finished => Self::Finished,
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    // Before there is a second thread: a namespace is entered by the thread that asks.
    let content = atomic_write::read(&options.file)?;
    if let Some(directory) = &options.small_disk {
        if let Err(error) = mount_small(directory) {
            say(&format!("no disk: {error}"));
            return Ok(());
        }
        if let Some(content) = &content {
            std::fs::write(&options.file, content)?;
        }
        fill(directory, options.leaving)?;
    }
    if options.as_nobody && nix::unistd::geteuid().is_root() {
        let nobody = nix::unistd::Uid::from_raw(65_534);
        nix::unistd::setgid(nix::unistd::Gid::from_raw(65_534)).context("setgid")?;
        nix::unistd::setuid(nobody).context("setuid")?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(run(&options));
    match &ended {
        Ok(()) => say("done"),
        Err(error) => say(&format!("{error:#}")),
    }
    if options.small_disk.is_some() {
        // Nobody else sees that disk.
        let is_same = atomic_write::read(&options.file)? == content;
        say(if is_same { "as before" } else { "changed" });
        for left in atomic_write::left_over(&options.file)? {
            say(&format!("left over: {}", left.display()));
        }
    }
    Ok(())
}

async fn run(options: &Options) -> Result<()> {
    let backups = Backups::open(&options.root).await?;
    let place = Place {
        client: Client::by_id("cursor").context("no such client")?,
        scope: FileScope::User,
        path: options.file.clone(),
        target: atomic_write::target(&options.file)?,
        format: FileFormat::Json,
        container: vec!["mcpServers".to_owned()],
    };
    let to = options.to.as_deref().map(std::fs::read).transpose()?;
    loop {
        let now = atomic_write::read(&options.file)?;
        let plan = match &to {
            Some(to) => connecting(&place, now, to.clone()),
            None => backups.restore(&place, now.as_deref(), None).await?,
        };
        if options.ready {
            say("ready");
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
        apply(&plan, None, &backups, Timestamp(1), &mut |step| at(step, options)).await?;
        if !options.rounds {
            return Ok(());
        }
        let now = atomic_write::read(&options.file)?;
        let plan = backups.restore(&place, now.as_deref(), None).await?;
        apply(&plan, None, &backups, Timestamp(1), &mut |step| at(step, options)).await?;
    }
}

fn connecting(place: &Place, before: Option<Vec<u8>>, after: Vec<u8>) -> Plan {
    Plan {
        what: PlanAction::Connect,
        place: place.clone(),
        files: vec![FileChange {
            path: place.path.clone(),
            target: place.target.clone(),
            before,
            after: Some(after),
            mode: None,
        }],
        imports: Vec::new(),
        left: Vec::new(),
        conflicts: Vec::new(),
        key: None,
        takes_key: false,
        notes: Vec::new(),
        bypass: None,
    }
}

fn at(step: ApplyStep, options: &Options) {
    let step = Named::from(step);
    say(&format!("{step:?}"));
    if step == Named::Journalled {
        if options.die_writing {
            // The kernel ends whoever writes beyond it (SIGXFSZ), and this is the last a file can grow.
            limit_files(1_000);
        } else if let Some(limit) = options.no_room_beyond {
            ignore_the_limit_signal();
            limit_files(limit);
        }
    }
    while options.stop_at == Some(step) {
        std::thread::park();
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads may have gone; then nobody needs it.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn limit_files(bytes: u64) {
    use nix::sys::resource::{Resource, setrlimit};
    setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes).expect("a limit may be lowered");
}

fn ignore_the_limit_signal() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: ignoring runs no code of ours in a signal handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.expect("SIGXFSZ can be ignored");
}

#[cfg(target_os = "linux")]
fn mount_small(directory: &Path) -> nix::Result<()> {
    use nix::{
        mount::{MsFlags, mount},
        sched::{CloneFlags, unshare},
    };
    if nix::unistd::geteuid().is_root() {
        unshare(CloneFlags::CLONE_NEWNS)?;
    } else {
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        let write = |file: &str, text: String| {
            std::fs::write(format!("/proc/self/{file}"), text).map_err(|_| nix::Error::EPERM)
        };
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {uid} 1"))?;
        write("gid_map", format!("0 {gid} 1"))?;
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::empty(), Some("size=1m"))
}

#[cfg(not(target_os = "linux"))]
fn mount_small(_directory: &Path) -> nix::Result<()> {
    Err(nix::Error::ENOSYS)
}

/// Leaves so many bytes on the small disk.
fn fill(directory: &Path, leaving: usize) -> Result<()> {
    let ballast = directory.join("ballast");
    let mut file = std::fs::File::create(&ballast)?;
    let mut written = 0;
    while file.write_all(&[0; 4096]).is_ok() {
        written += 4096;
    }
    file.set_len(u64::try_from(written)?.saturating_sub(u64::try_from(leaving)?))?;
    Ok(())
}
