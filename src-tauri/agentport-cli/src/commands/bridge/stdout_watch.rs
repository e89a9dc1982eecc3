//! Detects that the client has closed our stdout, also while there is nothing to write (poll(2), `POLLERR`).

use tokio_util::sync::CancellationToken;

/// Cancels `gone` when the reading end of stdout is closed. Runs in its own thread, which ends with the process.
#[cfg(unix)]
pub(super) fn watch_stdout(gone: CancellationToken) -> std::io::Result<()> {
    use std::os::fd::AsFd as _;

    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, PollTimeout, poll},
    };
    std::thread::Builder::new().name("reader".into()).spawn(move || {
        let stdout = std::io::stdout();
        loop {
            // Errors and hang-ups are reported without being asked for.
            let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
            match poll(&mut watched, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Ok(events) if events > 0 => return gone.cancel(),
                // Stdout cannot be polled: the next write fails instead.
                _ => return,
            }
        }
    })?;
    Ok(())
}

/// Without poll(2) the next write fails instead.
#[cfg(not(unix))]
pub(super) fn watch_stdout(_gone: CancellationToken) -> std::io::Result<()> {
    Ok(())
}
