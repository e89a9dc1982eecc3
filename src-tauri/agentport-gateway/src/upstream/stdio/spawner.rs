//! Starts child processes from one long-lived thread.
//!
//! Linux kills a child with `PR_SET_PDEATHSIG` when the thread that started it ends, not the process. The runtime's
//! threads come and go, so none of them may start a child.

use std::{
    io,
    sync::{OnceLock, mpsc},
    thread,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::runtime::Handle;

type SpawnJob = Box<dyn FnOnce() + Send>;

/// Starts `command` from the spawner thread. Blocks for as long as starting a process takes.
pub(super) fn spawn(mut command: CommandWrap) -> io::Result<Box<dyn ChildWrapper>> {
    let runtime = Handle::current();
    let (result, spawned) = mpsc::channel();
    let job: SpawnJob = Box::new(move || {
        let _entered = runtime.enter();
        // The receiver waits below.
        let _ = result.send(command.spawn());
    });
    spawner()?.send(job).map_err(|_| thread_ended())?;
    spawned.recv().map_err(|_| thread_ended())?
}

fn thread_ended() -> io::Error {
    io::Error::other("the thread that starts local servers has ended")
}

fn spawner() -> io::Result<mpsc::Sender<SpawnJob>> {
    static SPAWNER: OnceLock<mpsc::Sender<SpawnJob>> = OnceLock::new();
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner.clone());
    }
    let (jobs, queue) = mpsc::channel::<SpawnJob>();
    thread::Builder::new().name("child-spawner".to_owned()).spawn(move || {
        for job in queue {
            job();
        }
    })?;
    Ok(SPAWNER.get_or_init(|| jobs).clone())
}

/// Has the child killed when this process dies, however it dies. Its own children see the end of their input, and
/// [`super::leftovers`] ends those that ignore it.
#[cfg(target_os = "linux")]
pub(super) fn die_with_gateway(command: &mut tokio::process::Command) {
    use nix::{sys::prctl, sys::signal::Signal, unistd};
    let gateway = unistd::getpid();
    let before_exec = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The gateway may have died before the request.
        if unistd::getppid() == gateway { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe { command.pre_exec(before_exec) };
}

#[cfg(not(target_os = "linux"))]
pub(super) fn die_with_gateway(_: &mut tokio::process::Command) {}
