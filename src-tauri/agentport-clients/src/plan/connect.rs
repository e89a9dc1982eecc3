//! Plans that insert AgentPort's entry.

use super::{Plan, PlanError};
use crate::plan::client_file::{ClientFile, EntryChange, shared_key, wants_key};
use crate::{
    client::Place,
    entry::EntryTarget,
    types::{ConnectionMethod, PlanAction},
};

/// One entry `agentport` that points to this gateway, by `via` or the best method for the client. The plan is empty if
/// there is one already.
pub fn connect(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &EntryTarget,
) -> Result<Plan, PlanError> {
    planned(place, before, via, target, false)
}

/// The same with a new key, even if the entry points here already: its key is no longer valid.
pub fn reconnect(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &EntryTarget,
) -> Result<Plan, PlanError> {
    planned(place, before, via, target, true)
}

fn planned(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &EntryTarget,
    anew: bool,
) -> Result<Plan, PlanError> {
    let mut opened = ClientFile::new(place, before)?;
    match opened.put_ours(via, target, anew)? {
        EntryChange::Already => {
            let note = format!("{} is connected already.", place.client.name);
            Ok(opened.plan(PlanAction::Connect, vec![note]))
        }
        EntryChange::Made { via, note } => {
            let notes = note.into_iter().chain(shared_key(place, via)).collect();
            let key = wants_key(place, via, target);
            Ok(Plan { key: Some(key), ..opened.plan(PlanAction::Connect, notes) })
        }
    }
}
