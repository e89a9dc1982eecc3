//! Ctrl-C and SIGTERM go to the program that was started. It ends in its own time, and we wait for it.

use std::{
    io,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result};

/// The program that is to be told, once there is one.
pub(super) struct Signals(Arc<AtomicU32>);

impl Signals {
    pub(super) fn listen() -> Result<Self> {
        let process = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&process);
        ctrlc::set_handler(move || match told.load(Ordering::SeqCst) {
            0 => std::process::exit(130),
            id => end(id),
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self(process))
    }

    /// Starts the program that is told from now on.
    pub(super) fn pass_on_to(&self, command: &mut Command) -> io::Result<Child> {
        // A process group of its own: Ctrl-C reaches us alone, and we pass on one signal. Two would end it at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn()?;
        self.0.store(child.id(), Ordering::SeqCst);
        Ok(child)
    }
}

#[cfg(unix)]
fn end(process: u32) {
    use nix::{sys::signal, unistd::Pid};
    if let Ok(process) = i32::try_from(process) {
        // It may have ended in this moment.
        let _ = signal::kill(Pid::from_raw(process), signal::Signal::SIGTERM);
    }
}

/// The console has told it already.
#[cfg(not(unix))]
fn end(_process: u32) {}
