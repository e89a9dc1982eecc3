//! One process at a time changes clients' files.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use super::{BackupsError, io_error};

const LOCK: &str = "lock";
/// How often, and how far apart, a busy lock is tried: five seconds, many times what carrying out a plan takes.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// The right to change files, until it is dropped or the process ends, however it ends.
pub(crate) struct Held(#[expect(dead_code, reason = "unlocks when closed")] File);

/// Waits for it a bounded time.
pub(super) async fn hold(root: &Path) -> Result<Held, BackupsError> {
    for _ in 0..TRIES {
        if let Some(held) = try_hold(root).map_err(|source| io_error(root, source))? {
            return Ok(held);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(BackupsError::Busy)
}

/// `None` while another process, or another task of this one, holds it.
pub(super) fn try_hold(root: &Path) -> io::Result<Option<Held>> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(root.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
