//! Integrations as an agent sees them: lists them, and asks the owner to install or remove one.

use agentport_api::paths;
use agentport_core::IntegrationId;
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    client::{AgentClient, rest},
    commands::tools::{RefusalBody, deadline, decision, print_result},
    context::Context,
    exit::ExitStatus,
    output, secrets,
};

/// Authentication methods of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthMethodArg {
    None,
    Token,
    /// The gateway answers whether the integration has it
    Oauth,
}

impl AuthMethodArg {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Oauth => "oauth",
        }
    }
}

/// What `GET /api/integrations` says of one; other fields are not shown.
#[derive(Deserialize)]
struct Offered {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    auth_methods: Vec<String>,
}

/// What `GET /api/installed` says of one.
#[derive(Deserialize)]
struct InstalledIntegration {
    integration_id: String,
    #[serde(rename = "type")]
    kind: String,
    auth_method: String,
    connected: bool,
}

/// A row as the `ap` command has always printed it.
#[derive(Serialize)]
struct IntegrationLine {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    auth_methods: Vec<String>,
    installed: bool,
    connected: bool,
}

pub(crate) async fn list(
    agent: &AgentClient,
    context: &Context,
    installed: bool,
    available: bool,
) -> Result<ExitStatus> {
    let offered = agent.get(rest::INTEGRATIONS).await?.items::<Offered>()?;
    let there = agent.get(rest::INSTALLED).await?.items::<InstalledIntegration>()?;
    let mut rows = join(offered, there);
    rows.retain(|row| (!installed || row.installed) && (!available || !row.installed));
    context.output.own(&rows, || table(&rows))?;
    Ok(ExitStatus::Done)
}

/// Installed ones first, including those that the owner added and that are not in the directory.
fn join(offered: Vec<Offered>, installed: Vec<InstalledIntegration>) -> Vec<IntegrationLine> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let unlisted =
        installed.iter().filter(|there| offered.iter().all(|o| o.id != there.integration_id));
    first.extend(unlisted.map(|there| IntegrationLine {
        id: there.integration_id.clone(),
        name: there.integration_id.clone(),
        kind: there.kind.clone(),
        auth_methods: vec![there.auth_method.clone()],
        installed: true,
        connected: there.connected,
    }));
    for one in offered {
        let there = installed.iter().find(|there| there.integration_id == one.id);
        let rows = if there.is_some() { &mut first } else { &mut rest };
        rows.push(IntegrationLine {
            id: one.id,
            name: one.name,
            kind: one.kind,
            auth_methods: one.auth_methods,
            installed: there.is_some(),
            connected: there.is_some_and(|there| there.connected),
        });
    }
    first.extend(rest);
    first
}

fn table(rows: &[IntegrationLine]) -> String {
    let yes_no = |yes| if yes { "yes" } else { "no" }.to_owned();
    let cells = rows.iter().map(|row| {
        [
            row.id.clone(),
            output::cut(&row.name, 30),
            row.kind.clone(),
            row.auth_methods.join(", "),
            yes_no(row.installed),
            yes_no(row.connected),
        ]
    });
    let headings = ["ID", "NAME", "TYPE", "AUTH", "INSTALLED", "CONNECTED"];
    output::table(headings, cells.collect(), "There are none.")
}

/// Asks the owner to install one. The same again, after the owner's yes, installs it.
pub(crate) async fn add(
    agent: &AgentClient,
    context: &Context,
    id: &IntegrationId,
    auth: Option<AuthMethodArg>,
    with_token: bool,
    timeout: Option<u64>,
) -> Result<ExitStatus> {
    let auth = match auth {
        Some(auth) => auth,
        None => {
            let offered = agent.get(&paths::fill(rest::INTEGRATION, id)).await?;
            first_way(&offered.read()?)?
        }
    };
    if with_token && auth != AuthMethodArg::Token {
        bail!("--token goes with --auth token only");
    }
    let mut body = json!({ "integration_id": id, "auth_method": auth.as_str() });
    if with_token {
        let token = secrets::read(&[format!("Token for {id}")])?;
        body["token"] = token.first().context("no token was given")?.expose().into();
    }
    let deadline = deadline(timeout.unwrap_or(0));
    loop {
        let body = Some(body.to_string());
        let reply = agent.send(Method::POST, rest::INSTALLED, body, None).await?;
        let Some(refusal) = RefusalBody::of(&reply) else {
            let answer = reply.into_answer()?;
            let ending = print_result(&answer, context)?;
            // The owner has approved it, and has still to enter its token or to consent in a browser.
            let waits = answer.read::<InstallOutcome>().is_ok_and(|done| !done.result.installed);
            return Ok(match waits && ending == ExitStatus::Done {
                true => ExitStatus::ApprovalPending,
                false => ending,
            });
        };
        let ending = refusal.say();
        let RefusalBody::ApprovalRequired { approval_request_id, approval_url } = refusal else {
            return Ok(ending);
        };
        if timeout.is_none() {
            return Ok(ending);
        }
        let (_, decision) = decision(agent, &approval_request_id, deadline).await?;
        // Repeating the same request installs the approved integration.
        if decision.status != "approved" {
            return Ok(decision.say(&approval_url));
        }
    }
}

/// The structured result of an install.
#[derive(Deserialize)]
struct InstallOutcome {
    #[serde(rename = "structuredContent")]
    result: Said,
}

#[derive(Deserialize)]
struct Said {
    installed: bool,
}

/// The first authentication method that this program supports.
fn first_way(offered: &Offered) -> Result<AuthMethodArg> {
    let mut known =
        offered.auth_methods.iter().filter_map(|way| AuthMethodArg::from_str(way, false).ok());
    known.next().with_context(|| {
        let ways = offered.auth_methods.join(", ");
        format!("{} authenticates by {ways:?}, which this program cannot ask for", offered.id)
    })
}

/// Needs the owner's approval, like any call that changes something.
pub(crate) async fn remove(
    agent: &AgentClient,
    context: &Context,
    id: &IntegrationId,
) -> Result<ExitStatus> {
    let path = paths::fill(rest::INSTALLED_ONE, id);
    let reply = agent.send(Method::DELETE, &path, None, None).await?;
    if let Some(refusal) = RefusalBody::of(&reply) {
        return Ok(refusal.say());
    }
    reply.into_answer()?;
    context
        .output
        .own(&json!({ "integration_id": id, "removed": true }), || format!("Removed {id}."))?;
    Ok(ExitStatus::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_way_that_can_be_gone_is_taken() {
        for (ways, want) in [
            (&["none"][..], Some(AuthMethodArg::None)),
            (&["oauth", "token"], Some(AuthMethodArg::Oauth)),
            (&["passkey", "token"], Some(AuthMethodArg::Token)),
            (&["passkey"], None),
        ] {
            let offered = Offered {
                id: "x".into(),
                name: "X".into(),
                kind: "remote_mcp".into(),
                auth_methods: ways.iter().map(|&way| way.to_owned()).collect(),
            };
            assert_eq!(first_way(&offered).ok(), want, "{ways:?}");
        }
    }

    #[test]
    fn installed_ones_come_first_listed_or_not() {
        let offered = |id: &str| Offered {
            id: id.into(),
            name: id.to_uppercase(),
            kind: "remote_mcp".into(),
            auth_methods: vec!["token".into()],
        };
        let installed = |id: &str| InstalledIntegration {
            integration_id: id.into(),
            kind: "local_mcp".into(),
            auth_method: "none".into(),
            connected: true,
        };
        let rows = join(vec![offered("a"), offered("b")], vec![installed("b"), installed("own")]);
        let brief: Vec<_> =
            rows.iter().map(|row| (row.id.as_str(), row.installed, row.connected)).collect();
        assert_eq!(brief, [("own", true, true), ("b", true, true), ("a", false, false)]);
    }
}
