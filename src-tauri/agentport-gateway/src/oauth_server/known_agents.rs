//! Agents that signed in by OAuth: which one a client is known as, and how each came.

use std::collections::{HashMap, HashSet};

use agentport_api::{AgentSignIn, KnownAgent, RedirectTarget};
use agentport_core::AgentId;

use super::{client_metadata::ClientMetadata, consents::AuthorizationRequest, redirect_uri};
use crate::{
    clock,
    store::{self, Audience, GrantRow, Store},
};

/// Longest name an agent can have.
const MAX_NAME: usize = 64;
/// Numbers tried to make a name unique.
const MAX_NAMES_TRIED: u32 = 1_000;

/// The agent that this client signed in as before, by the same redirect and over the same way, if it was not revoked.
pub(super) async fn known_as(
    store: &Store,
    request: &AuthorizationRequest,
) -> store::Result<Option<KnownAgent>> {
    for grant in store.oauth_grants().await? {
        let same = grant.client_id == request.client.client_id
            && grant.audience == request.audience
            && redirect_uri::is_same(&grant.redirect_uri, &request.redirect_uri);
        if !same {
            continue;
        }
        if let Some(agent) = store.agent(grant.agent).await?
            && agent.revoked_at.is_none()
        {
            let (id, name, profile) = (agent.id, agent.name, agent.profile);
            return Ok(Some(KnownAgent { id, name, profile }));
        }
    }
    Ok(None)
}

/// This name, or the first of `name 2`, `name 3`, … that no agent has.
pub(super) async fn free_name(store: &Store, name: &str) -> store::Result<String> {
    let taken: HashSet<String> = store
        .agents()
        .await?
        .into_iter()
        .filter(|agent| agent.revoked_at.is_none())
        .map(|agent| agent.name)
        .collect();
    let numbered = |number: u32| {
        let number = format!(" {number}");
        let kept = MAX_NAME - number.len();
        format!("{}{number}", name.chars().take(kept).collect::<String>().trim_end())
    };
    let names = std::iter::once(name.to_owned()).chain((2..MAX_NAMES_TRIED).map(numbered));
    Ok(names.into_iter().find(|one| !taken.contains(one)).unwrap_or_else(|| name.to_owned()))
}

/// How each agent signed in that did so by OAuth.
pub(crate) async fn sign_ins_of(store: &Store) -> store::Result<HashMap<AgentId, AgentSignIn>> {
    let now = clock::now();
    let mut sign_ins: HashMap<AgentId, AgentSignIn> = HashMap::new();
    // The newest first: it says how the agent came.
    for grant in store.oauth_grants().await? {
        let is_valid = grant.ended_at.is_none() && grant.expires_at.is_some_and(|end| now < end);
        let sign_in = match sign_ins.get_mut(&grant.agent) {
            Some(sign_in) => sign_in,
            None => {
                let new = newest(store, &grant).await?;
                sign_ins.entry(grant.agent).or_insert(new)
            }
        };
        sign_in.refreshed_at = sign_in.refreshed_at.max(grant.refreshed_at);
        if is_valid {
            sign_in.valid += 1;
            sign_in.expires_at = sign_in.expires_at.max(grant.expires_at);
        }
    }
    Ok(sign_ins)
}

async fn newest(store: &Store, grant: &GrantRow) -> store::Result<AgentSignIn> {
    let client = store.oauth_client(&grant.client_id).await?;
    let nowhere = || RedirectTarget::Site { host: String::new() };
    Ok(AgentSignIn {
        client_name: client.map(|client| ClientMetadata::of(&client).name()).unwrap_or_default(),
        redirect: redirect_uri::target(&grant.redirect_uri).unwrap_or_else(|_| nowhere()),
        valid: 0,
        granted_at: grant.granted_at,
        refreshed_at: None,
        expires_at: None,
        remote: grant.audience == Audience::External,
    })
}
