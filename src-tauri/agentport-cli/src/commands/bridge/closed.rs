//! Notices that the client has closed our stdout, also while there is nothing to write.

use tokio_util::sync::CancellationToken;

/// Cancels `gone` when nobody can read what is written any more. Watched by a thread of its own, which ends with the
/// process.
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
            // Errors and hang-ups are told without being asked for.
            let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
            match poll(&mut watched, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Ok(told) if told > 0 => return gone.cancel(),
                // It cannot be watched; the next message that is written finds out.
                _ => return,
            }
        }
    })?;
    Ok(())
}

/// The next message that is written finds out.
#[cfg(not(unix))]
pub(super) fn watch_stdout(_gone: CancellationToken) -> std::io::Result<()> {
    Ok(())
}
