//! Plans that undo our changes of a file. Nothing is written here.

use std::path::Path;

use super::{
    Backups, BackupsError,
    merge::{self, FileContent, MergeMethod, OwnChange},
    originals::{self, digest},
};
use crate::backups::{FileEdit, edits};
use crate::{
    atomic_write,
    client::Place,
    document::Document,
    entry::ENTRY_NAME,
    plan::{FileChange, ModeChange, Plan, SecretMask},
    types::{ConflictView, OnConflict, PlanAction},
};

impl Backups {
    /// A plan that brings the pinned original of this file back: exactly, if the file is as we left it; otherwise merged
    /// with what changed since. Conflicting lines are in `plan.conflicts` unless `on_conflict` settles them; as long as
    /// there are any, the plan's file shows what there would be if the file as it is now wins.
    pub async fn restore(
        &self,
        place: &Place,
        now_there: Option<&[u8]>,
        on_conflict: Option<OnConflict>,
    ) -> Result<Plan, BackupsError> {
        let touches = edits::open_of(&self.pool, &self.root, &place.path).await?;
        let Some(pinned) = touches.last() else {
            return Err(BackupsError::Nothing { path: place.path.clone() });
        };
        let mut plan = empty(place, now_there);
        let there = now_there.map(digest);
        if pinned.before == there && !may_lack_servers(&touches, there.as_deref()) {
            return Ok(plan);
        }
        let mut content: FileContent = now_there.map(<[u8]>::to_vec);
        let mut mask = SecretMask::default();
        for change in self.changes(&touches)? {
            for content in [&change.before, &change.after, &content].into_iter().flatten() {
                mask.add_file(place, content);
            }
            match merge::take_back(place, &change, content, on_conflict) {
                Ok(taken_back) => {
                    content = taken_back.content;
                    note(&mut plan, taken_back.how);
                }
                Err(conflict) => {
                    plan.conflicts.push(ConflictView::Lines {
                        path: place.path.display().to_string(),
                        text: mask.apply(&conflict.text).into_owned(),
                    });
                    content = conflict.current_wins;
                }
            }
        }
        plan.files[0].mode = content.as_ref().and_then(|_| reopened(&touches, &place.path));
        plan.files[0].after = content;
        Ok(plan)
    }

    /// What to write instead of an edited file when taking our entry out: the very bytes from before, if the file is as
    /// we left it and only our entry was put in. `None` if an edit is needed. (`Some(None)`: there was no file.)
    pub async fn before_connect(
        &self,
        place: &Place,
        now_there: Option<&[u8]>,
    ) -> Result<Option<Option<Vec<u8>>>, BackupsError> {
        let mut expected = now_there.map(digest);
        let mut oldest = None;
        // Go back over connects that follow each other without other edits in between.
        for touch in edits::open_of(&self.pool, &self.root, &place.path).await? {
            if touch.what != PlanAction::Connect || touch.after != expected {
                break;
            }
            expected = touch.before.clone();
            oldest = Some(touch);
        }
        let Some(oldest) = oldest else { return Ok(None) };
        let before = self.content(oldest.before.as_deref(), &oldest.path)?;
        // If the file was edited between two connects, our entry was in it already.
        let has_ours = |bytes: &[u8]| {
            Document::parse(place, Some(bytes))
                .ok()
                .and_then(|document| document.servers().ok())
                .is_none_or(|servers| servers.iter().any(|(name, _)| name == ENTRY_NAME))
        };
        Ok(if before.as_deref().is_some_and(has_ours) { None } else { Some(before) })
    }

    /// The mode that the file had before a change of ours closed it, where it still has the one we gave it.
    pub async fn former_mode(&self, path: &Path) -> Result<Option<ModeChange>, BackupsError> {
        Ok(reopened(&edits::open_of(&self.pool, &self.root, path).await?, path))
    }

    /// There is a pinned original that differs from what is there, or servers were taken over that it did not have yet.
    pub async fn can_restore(
        &self,
        path: &Path,
        now_there: Option<&[u8]>,
    ) -> Result<bool, BackupsError> {
        let touches = edits::open_of(&self.pool, &self.root, path).await?;
        let there = now_there.map(digest);
        Ok(touches.last().is_some_and(|pinned| pinned.before != there)
            || may_lack_servers(&touches, there.as_deref()))
    }

    /// Our changes, newest first; those without foreign edits in between are merged into one.
    fn changes(&self, touches: &[FileEdit]) -> Result<Vec<OwnChange>, BackupsError> {
        let mut changes = Vec::new();
        for run in touches.chunk_by(|later, earlier| later.before == earlier.after) {
            if let (Some(last), Some(first)) = (run.first(), run.last()) {
                changes.push(OwnChange {
                    before: self.content(first.before.as_deref(), &first.path)?,
                    after: self.content(last.after.as_deref(), &last.path)?,
                });
            }
        }
        Ok(changes)
    }

    fn content(&self, digest: Option<&str>, of: &Path) -> Result<FileContent, BackupsError> {
        digest.map(|digest| originals::read(&self.root, digest, of)).transpose()
    }
}

/// The mode change that undoes ours; `None` if the mode was changed since.
fn reopened(edits: &[FileEdit], path: &Path) -> Option<ModeChange> {
    let before = edits.iter().rev().find_map(|edit| edit.mode_before)?;
    let closed = ModeChange::closing(before)?;
    let there = atomic_write::mode(path)?;
    (there == closed.to).then_some(ModeChange { from: there, to: closed.from })
}

/// Servers that were put in after the first of our changes, and taken over by a later one, are not in the pinned
/// original: they stand in what that consolidation replaced, and nowhere else.
fn may_lack_servers(touches: &[FileEdit], there: Option<&str>) -> bool {
    let mut taken_over = touches.iter().filter(|touch| touch.what == PlanAction::Consolidate);
    taken_over.any(|touch| touch.before.as_deref() != there)
}

/// A plan that leaves the file as it is.
pub(super) fn empty(place: &Place, now_there: Option<&[u8]>) -> Plan {
    let now_there = now_there.map(<[u8]>::to_vec);
    Plan {
        what: PlanAction::Restore,
        place: place.clone(),
        files: vec![FileChange {
            path: place.path.clone(),
            target: place.target.clone(),
            before: now_there.clone(),
            after: now_there,
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

fn note(plan: &mut Plan, how: MergeMethod) {
    let note = match how {
        MergeMethod::Exact => return,
        MergeMethod::Merged => {
            "The file was changed after AgentPort wrote it. Those changes stay; only AgentPort's are taken back."
        }
        MergeMethod::ByServer => {
            "The file was changed after AgentPort wrote it, around the same lines. Servers are brought back one by one, \
             at the end of the list; comments that stood between them do not come back."
        }
        MergeMethod::Settled => "Where both had changed the same, one side wins as you chose.",
    };
    if !plan.notes.iter().any(|known| known == note) {
        plan.notes.push(note.to_owned());
    }
}
