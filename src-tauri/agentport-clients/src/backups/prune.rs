//! Deletes old kept originals.

use std::collections::HashSet;

use agentport_core::Timestamp;

use super::{Backups, BackupsError, io_error, originals};
use crate::backups::edits;
use crate::types::Pruned;

impl Backups {
    /// Deletes originals older than `before` that are neither pinned nor the newest of their file. Everything a restore
    /// needs counts as pinned. Contents without a row, for instance of killed processes, are deleted too.
    pub async fn prune(&self, before: Timestamp) -> Result<Pruned, BackupsError> {
        let held = self.hold().await?;
        let all = edits::all(&self.pool, &self.root).await?;
        let mut seen = HashSet::new();
        let (dropped, stay): (Vec<_>, Vec<_>) = all.into_iter().partition(|touch| {
            let is_newest = seen.insert(touch.path.clone());
            !is_newest && !touch.open && !touch.begun && touch.taken_at < before
        });
        let ids: Vec<i64> = dropped.iter().map(|touch| touch.id).collect();
        self.forget(&held, &ids).await?;

        let needed: HashSet<&str> = stay
            .iter()
            .flat_map(|touch| [touch.before.as_deref(), touch.after.as_deref()])
            .flatten()
            .collect();
        let failed = |source| io_error(&originals::dir(&self.root), source);
        let mut bytes = 0;
        for (digest, size) in originals::all(&self.root).map_err(failed)? {
            if !needed.contains(digest.as_str()) {
                originals::remove(&self.root, &digest).map_err(failed)?;
                bytes += size;
            }
        }
        Ok(Pruned { dropped: u32::try_from(dropped.len()).unwrap_or(u32::MAX), bytes })
    }
}
