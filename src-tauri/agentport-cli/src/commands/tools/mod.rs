//! `agentport tools`: an agent's calls from a shell, and the owner's classification of tools (`src-tauri/docs/contract.md` §6 and §7). The lines on stderr and the
//! exit codes are fixed: scripts and skills depend on them.

mod await_approval;
mod call;
mod classify;
mod list;
mod refusal;
mod result;

use anyhow::Result;
use clap::Subcommand;

pub(super) use self::{
    await_approval::{deadline, decision},
    call::print_result,
    refusal::RefusalBody,
};
use crate::{args::AgentKey, context::Context, exit::ExitStatus};

#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// List the tools this agent can call
    List {
        /// Only those of this integration
        #[arg(long, value_name = "ID")]
        integration: Option<String>,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Show what a tool takes
    Describe {
        #[arg(long, value_name = "ID")]
        integration: String,
        #[arg(long)]
        tool: String,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Call a tool. Exit code 2: it needs the owner's approval
    Call(call::CallArgs),
    /// Wait for the owner's decision on a request. Exit code 2: still pending
    AwaitApproval(await_approval::AwaitApproval),
    /// Say what a tool does, where it does not say so itself; a tool that changes asks anew (owner)
    Classify(classify::Classify),
}

impl ToolsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        match self {
            Self::List { integration, key } => {
                list::list(&context.agent(&key)?, context, integration.as_deref()).await
            }
            Self::Describe { integration, tool, key } => {
                list::describe(&context.agent(&key)?, context, &integration, &tool).await
            }
            Self::Call(call) => {
                let agent = context.agent(&call.key)?;
                call.run(&agent, context).await
            }
            Self::AwaitApproval(wait) => {
                let agent = context.agent(&wait.key)?;
                wait.run(&agent, context).await
            }
            Self::Classify(classify) => classify.run(context).await,
        }
    }
}
