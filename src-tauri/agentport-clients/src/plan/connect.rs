//! Putting our entry in.

use super::{Plan, PlanError};
use crate::plan::client_file::{ClientFile, Put, shared_key, wants_key};
use crate::{
    client::Place,
    entry::Target,
    types::{ConnectionMethod, PlanAction},
};

/// One entry `agentport` that leads to this gateway, the way it is asked for or the way that suits the client best. An
/// empty plan if there is one that does so already.
pub fn connect(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &Target,
) -> Result<Plan, PlanError> {
    planned(place, before, via, target, false)
}

/// The same, with a new key even if the entry leads here already: for a key that is no longer in force.
pub fn reconnect(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &Target,
) -> Result<Plan, PlanError> {
    planned(place, before, via, target, true)
}

fn planned(
    place: &Place,
    before: Option<&[u8]>,
    via: Option<ConnectionMethod>,
    target: &Target,
    anew: bool,
) -> Result<Plan, PlanError> {
    let mut opened = ClientFile::new(place, before)?;
    match opened.put_ours(via, target, anew)? {
        Put::Already => {
            let note = format!("{} is connected already.", place.client.name);
            Ok(opened.plan(PlanAction::Connect, vec![note]))
        }
        Put::Made { via, note } => {
            let notes = note.into_iter().chain(shared_key(place, via)).collect();
            let key = wants_key(place, via, target);
            Ok(Plan { key: Some(key), ..opened.plan(PlanAction::Connect, notes) })
        }
    }
}
