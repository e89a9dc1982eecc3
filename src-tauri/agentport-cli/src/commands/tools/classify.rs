//! `agentport tools classify`: the owner says what a tool does.

use agentport_api::{ClassifyTool, ToolView, paths};
use agentport_core::{IntegrationId, tool::ToolEffect};
use anyhow::Result;

use crate::{context::Context, exit::ExitStatus, format};

#[derive(Debug, clap::Args)]
pub(crate) struct Classify {
    #[arg(long, value_name = "ID")]
    integration: IntegrationId,
    #[arg(long)]
    tool: String,
    /// reads, changes (and destroys nothing), or destroys
    #[arg(value_parser = class, required_unless_present = "clear")]
    effect: Option<ToolEffect>,
    /// Go by what the tool says of itself again
    #[arg(long, conflicts_with = "effect")]
    clear: bool,
}

impl Classify {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let path = paths::fill(paths::INTEGRATION_TOOL_EFFECT, &self.integration);
        // A command line shows no definition that this could be bound to; the gateway binds it to the present one.
        let body = ClassifyTool { tool: self.tool, effect: self.effect, digest: None };
        let answer = context.owner().await?.put(&path, &body).await?;
        context.output.answer(&answer, |view: ToolView| {
            let current = view.classification.is_some_and(|said| !said.outdated);
            let effect = format::tool_effect(view.effect, current);
            format!("{}: {effect}. A call: {}.", view.display_name, format::mode(view.mode))
        })?;
        Ok(ExitStatus::Done)
    }
}

fn class(text: &str) -> Result<ToolEffect, String> {
    ToolEffect::parse_class(text).ok_or_else(|| "use reads, changes or destroys".into())
}
