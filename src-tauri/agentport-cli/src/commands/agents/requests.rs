//! Agents that want to be let in by OAuth: each waits for the owner's consent, for some minutes.

use agentport_api::{ApproveConsent, ConsentState, ConsentView, paths};
use agentport_core::AgentId;
use anyhow::Result;
use clap::Args as ClapArgs;
use serde_json::json;

use crate::{
    client::OwnerClient,
    context::Context,
    format,
    lookup::{self, LookupKind},
    output,
};

/// Characters of a name that a program gave itself.
const MAX_CLIENT: usize = 40;

#[derive(Debug, ClapArgs)]
pub(crate) struct ApproveArgs {
    /// The code that the page in your browser shows; from this computer also the id, or its beginning
    id: String,
    /// What to call it, as a new agent [default: a free name after what it calls itself]
    #[arg(long, conflicts_with = "agent")]
    name: Option<String>,
    /// What it sees, as a new agent [default: everything]
    #[arg(long, conflicts_with = "agent")]
    profile: Option<String>,
    /// Sign this agent in again: id, beginning of an id, or name
    #[arg(long = "as", value_name = "AGENT")]
    agent: Option<String>,
}

impl ApproveArgs {
    pub(super) async fn run(self, owner: &OwnerClient, context: &Context) -> Result<()> {
        let consent = find(owner, &self.id).await?;
        let again = match &self.agent {
            Some(agent) => {
                let agent = super::find(owner, agent).await?;
                Some((agent.id, agent.name))
            }
            None if self.name.is_none() && self.profile.is_none() => known(&consent),
            None => None,
        };
        let body = ApproveConsent {
            // What was typed, where that is the code.
            code: (self.id == consent.code).then(|| self.id.clone()),
            agent: again.as_ref().map(|(id, _)| *id),
            name: self.name.clone(),
            profile: self.profile.clone(),
        };
        owner.post(&paths::fill(paths::CONSENT_APPROVE, consent.id), &body).await?;
        let name = match &again {
            Some((_, name)) => name.clone(),
            None => self.name.unwrap_or_else(|| consent.suggested_name.clone()),
        };
        let done = json!({ "id": consent.id, "name": name, "again": again.is_some(), "profile": self.profile });
        context.output.own(&done, || match again {
            Some(_) => format!("{name} is let in again, with its rules and profile."),
            None => format!(
                "{name} is let in, and sees {}.",
                self.profile.as_deref().unwrap_or("everything")
            ),
        })
    }
}

/// The agent that the client signed in as before.
fn known(consent: &ConsentView) -> Option<(AgentId, String)> {
    consent.known_as.as_ref().map(|known| (known.id, known.name.clone()))
}

pub(super) async fn list(owner: &OwnerClient, context: &Context) -> Result<()> {
    let waiting = waiting(owner).await?;
    context.output.own(&waiting, || table(&waiting))
}

pub(super) async fn refuse(owner: &OwnerClient, context: &Context, id: &str) -> Result<()> {
    let consent = find(owner, id).await?;
    owner.post(&paths::fill(paths::CONSENT_DENY, consent.id), &json!({})).await?;
    let name = output::name(&consent.client_name, MAX_CLIENT);
    context
        .output
        .own(&json!({ "id": consent.id, "refused": true }), || format!("{name} is refused."))
}

async fn waiting(owner: &OwnerClient) -> Result<Vec<ConsentView>> {
    let mut consents: Vec<ConsentView> = owner.list(paths::CONSENTS).await?;
    consents.retain(|consent| consent.state == ConsentState::Waiting);
    Ok(consents)
}

async fn find(owner: &OwnerClient, wanted: &str) -> Result<ConsentView> {
    let kind = LookupKind {
        noun: "waiting request",
        list: "agentport agents requests",
        id: |consent: &ConsentView| consent.id.to_string(),
        names: |consent: &ConsentView| vec![&consent.code],
    };
    let all = waiting(owner).await?;
    lookup::find(&kind, &all, wanted).cloned()
}

fn table(waiting: &[ConsentView]) -> String {
    let rows = waiting.iter().map(|consent| {
        let from = if consent.remote { "another computer" } else { "this computer" };
        [
            consent.id.to_string(),
            // It has to be read on the page.
            if consent.remote { "(on the page)".to_owned() } else { consent.code.clone() },
            output::name(&consent.client_name, MAX_CLIENT),
            consent.redirect.to_string(),
            from.to_owned(),
            consent
                .known_as
                .as_ref()
                .map_or_else(|| "a new agent".into(), |known| known.name.clone()),
            format::when(consent.expires_at),
        ]
    });
    let headings = ["ID", "CODE", "CALLS ITSELF", "GOES ON TO", "COMES FROM", "LET IN AS", "ENDS"];
    output::table(headings, rows.collect(), "No agent wants in.")
}
