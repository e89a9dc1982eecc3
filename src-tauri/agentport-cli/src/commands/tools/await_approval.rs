//! Waits for the owner's decision. It never runs the call; repeating the call does.

use std::time::{Duration, Instant};

use agentport_api::paths;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use reqwest::Method;
use serde::Deserialize;

use crate::{
    args::AgentKey,
    client::{AgentClient, SuccessBody, rest},
    context::Context,
    exit::ExitStatus,
    output,
};

/// Wait of one long-polling request.
const POLL_TIMEOUT: Duration = Duration::from_secs(40);
/// Time for the answer beyond the wait.
const ANSWER_GRACE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(crate) struct AwaitApproval {
    /// The request's id
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "approval_url",
        conflicts_with = "approval_url"
    )]
    request_id: Option<String>,
    /// The link the call answered
    #[arg(long, value_name = "URL")]
    approval_url: Option<String>,
    /// Wait at most so many seconds; 0 for as long as it takes
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    timeout: u64,
    #[command(flatten)]
    pub(super) key: AgentKey,
}

/// The answer of the REST API's `await`.
#[derive(Deserialize)]
pub(in crate::commands) struct AwaitReply {
    pub(in crate::commands) status: String,
    message: String,
}

impl AwaitReply {
    /// Prints a decision other than approval on stderr, and returns the exit status.
    pub(in crate::commands) fn say(&self, approval_url: &str) -> ExitStatus {
        let (line, ending) = self.outcome(approval_url);
        if let Some(line) = line {
            output::note(&line);
        }
        ending
    }

    fn outcome(&self, approval_url: &str) -> (Option<String>, ExitStatus) {
        match self.status.as_str() {
            "approved" => (None, ExitStatus::Done),
            "pending" => (
                Some(format!("Approval still pending: {approval_url}")),
                ExitStatus::ApprovalPending,
            ),
            "denied" => (Some(format!("Denied: {}", self.message)), ExitStatus::Failed),
            _ => (Some(self.message.clone()), ExitStatus::Failed),
        }
    }
}

impl AwaitApproval {
    pub(super) async fn run(&self, agent: &AgentClient, context: &Context) -> Result<ExitStatus> {
        let given = self
            .request_id
            .as_ref()
            .or(self.approval_url.as_ref())
            .context("no request was given")?;
        let id = request_id(given)?;
        let (answer, decision) = decision(agent, id, deadline(self.timeout)).await?;
        // As text, decisions other than approval are printed once, on stderr.
        if context.output.is_json() || decision.status == "approved" {
            context.output.tool_text(&answer, |decision: AwaitReply| decision.message)?;
        }
        Ok(decision.say(&agent.approval_url(id)))
    }
}

/// The id in a link such as `http://127.0.0.1:4747/approve/<id>`, or the id itself.
fn request_id(given: &str) -> Result<&str> {
    let path = given.split(['?', '#']).next().unwrap_or(given).trim_end_matches('/');
    match path.rsplit('/').next() {
        Some(id) if id.parse::<agentport_core::ApprovalId>().is_ok() => Ok(id),
        _ => bail!("{given:?} is neither a request's id nor a link to one"),
    }
}

pub(in crate::commands) fn deadline(seconds: u64) -> Option<Instant> {
    (seconds > 0).then(|| Instant::now().checked_add(Duration::from_secs(seconds))).flatten()
}

/// Asks until the owner has decided, the request has expired, or time is up.
pub(in crate::commands) async fn decision(
    agent: &AgentClient,
    id: &str,
    deadline: Option<Instant>,
) -> Result<(SuccessBody, AwaitReply)> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let wait = left.map_or(POLL_TIMEOUT, |left| left.min(POLL_TIMEOUT));
        let seconds = wait.as_millis().div_ceil(1_000);
        let body = serde_json::json!({ "timeout_seconds": seconds.max(1) }).to_string();
        let path = paths::fill(rest::AWAIT, id);
        let answer = agent
            .send(Method::POST, &path, Some(body), Some(wait + ANSWER_GRACE))
            .await?
            .into_answer()?;
        let decision: AwaitReply = answer.read()?;
        let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if decision.status != "pending" || over {
            return Ok((answer, decision));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01920000-0000-7000-8000-000000000000";

    #[test]
    fn requests_are_known_by_id_and_by_link() {
        for given in [
            ID.to_owned(),
            format!("http://127.0.0.1:4747/approve/{ID}"),
            format!("http://[::1]:4747/approve/{ID}/?x#y"),
        ] {
            assert_eq!(request_id(&given).unwrap(), ID, "{given}");
        }
        for bad in ["", "http://127.0.0.1:4747/approve/", "x", "http://127.0.0.1/approve/x"] {
            assert!(request_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn decisions_end_as_the_contract_says() {
        for (status, line, ending) in [
            ("approved", None, ExitStatus::Done),
            ("pending", Some("Approval still pending: url"), ExitStatus::ApprovalPending),
            ("denied", Some("Denied: because"), ExitStatus::Failed),
            ("expired", Some("because"), ExitStatus::Failed),
            ("anything else", Some("because"), ExitStatus::Failed),
        ] {
            let decision = AwaitReply { status: status.into(), message: "because".into() };
            assert_eq!(decision.outcome("url"), (line.map(str::to_owned), ending), "{status}");
        }
    }

    #[test]
    fn zero_means_no_limit() {
        assert!(deadline(0).is_none());
        assert!(deadline(5).unwrap() > Instant::now());
    }
}
