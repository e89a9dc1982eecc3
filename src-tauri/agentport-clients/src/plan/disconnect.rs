//! Plans that remove AgentPort's entry.

use super::{FileChange, Plan, PlanError};
use crate::plan::client_file::{ClientFile, edit};
use crate::{client::Place, document::EditError, types::PlanAction};

/// Removes our entry, whatever its name. The plan is empty if there is none.
pub fn disconnect(place: &Place, before: Option<&[u8]>) -> Result<Plan, PlanError> {
    let mut opened = ClientFile::new(place, before)?;
    let mut notes = Vec::new();
    if opened.ours().is_none() {
        notes.push(format!("{} is not connected.", place.client.name));
    }
    // After the first, another entry that starts our program would count as ours.
    while let Some((server, _)) = opened.ours() {
        let name = server.name.clone();
        if !opened.remove(&name)? {
            return Err(edit(place, EditError::WouldTouchMore));
        }
    }
    Ok(opened.plan(PlanAction::Disconnect, notes))
}

impl Plan {
    /// A disconnect that restores the exact bytes from before the connect (`None`: there was no file), for a file that has
    /// not been edited since.
    pub fn put_back(place: &Place, now_there: Option<&[u8]>, original: Option<Vec<u8>>) -> Self {
        let file = FileChange {
            path: place.path.clone(),
            target: place.target.clone(),
            before: now_there.map(<[u8]>::to_vec),
            after: original,
            mode: None,
        };
        Self {
            what: PlanAction::Disconnect,
            place: place.clone(),
            files: vec![file],
            imports: Vec::new(),
            left: Vec::new(),
            conflicts: Vec::new(),
            key: None,
            takes_key: false,
            notes: Vec::new(),
            bypass: None,
        }
    }
}
