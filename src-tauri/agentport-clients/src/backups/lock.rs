//! Lock file: one process at a time changes clients' files.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use super::{BackupsError, io_error};

const LOCK: &str = "lock";
/// How often, and how far apart, a busy lock is tried: five seconds, many times what carrying out a plan takes.
const MAX_ATTEMPTS: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// The held lock; released when dropped or when the process ends.
pub(crate) struct EditLock(#[expect(dead_code, reason = "unlocks when closed")] File);

/// Waits for it a bounded time.
pub(super) async fn hold(root: &Path) -> Result<EditLock, BackupsError> {
    for _ in 0..MAX_ATTEMPTS {
        if let Some(held) = try_hold(root).map_err(|source| io_error(root, source))? {
            return Ok(held);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(BackupsError::Busy)
}

/// `None` while another process, or another task of this one, holds it.
pub(super) fn try_hold(root: &Path) -> io::Result<Option<EditLock>> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(root.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(EditLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
