//! Calls a tool, and waits for the owner's decision if `--wait` is given.

use agentport_api::paths;
use anyhow::{Context as _, Result};
use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    RefusalBody,
    await_approval::{deadline, decision},
    result::CallResult,
};
use crate::{
    args::AgentKey,
    client::{AgentClient, HttpReply, SuccessBody, json_object, rest},
    context::Context,
    exit::ExitStatus,
    output,
};

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[arg(long, value_name = "ID")]
    integration: String,
    #[arg(long)]
    tool: String,
    /// The arguments, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json_object)]
    args: Box<RawValue>,
    /// Why you make this call; shown to the owner as your words
    #[arg(long, value_name = "TEXT")]
    info: Option<String>,
    /// Wait for the owner's decision, and then for the result
    #[arg(long)]
    wait: bool,
    /// Wait at most so many seconds; 0 for as long as it takes
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait_timeout: u64,
    #[command(flatten)]
    pub(super) key: AgentKey,
}

#[derive(Serialize)]
struct CallRequestBody<'a> {
    tool_name: &'a str,
    args: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_info: Option<&'a str>,
}

impl CallArgs {
    pub(super) async fn run(&self, agent: &AgentClient, context: &Context) -> Result<ExitStatus> {
        let deadline = deadline(self.wait_timeout);
        loop {
            let reply = self.send(agent).await?;
            let Some(refusal) = RefusalBody::of(&reply) else {
                return print_result(&reply.into_answer()?, context);
            };
            let ending = refusal.say();
            let RefusalBody::ApprovalRequired { approval_request_id, approval_url } = refusal
            else {
                return Ok(ending);
            };
            if !self.wait {
                return Ok(ending);
            }
            let (_, decision) = decision(agent, &approval_request_id, deadline).await?;
            // Repeating the same call runs the approved request.
            if decision.status != "approved" {
                return Ok(decision.say(&approval_url));
            }
        }
    }

    async fn send(&self, agent: &AgentClient) -> Result<HttpReply> {
        let body = CallRequestBody {
            tool_name: &self.tool,
            args: &self.args,
            additional_info: self.info.as_deref(),
        };
        let body = serde_json::to_string(&body).context("cannot write the call as JSON")?;
        // No timeout here: the gateway bounds the call.
        agent
            .send(Method::POST, &paths::fill(rest::CALL, &self.integration), Some(body), None)
            .await
    }
}

/// Prints a tool's result. A failure that the tool reports (`isError`) ends the command as a failure too.
pub(in crate::commands) fn print_result(
    answer: &SuccessBody,
    context: &Context,
) -> Result<ExitStatus> {
    let result: CallResult = answer.read()?;
    context.output.tool_text(answer, |result: CallResult| result.text())?;
    if !result.is_error {
        return Ok(ExitStatus::Done);
    }
    if result.text().is_empty() {
        output::note("The tool reports an error, and says nothing about it.");
    }
    Ok(ExitStatus::Failed)
}
