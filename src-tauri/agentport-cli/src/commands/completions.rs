//! `agentport completions`: generates shell completion scripts.

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde::Serialize;

use crate::{context::Context, exit::ExitStatus, output};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// The name the program is called by
    #[arg(long, value_name = "NAME", default_value = "agentport", value_parser = ["agentport", "ap"])]
    name: String,
}

/// The JSON output.
#[derive(Serialize)]
struct CompletionScript<'a> {
    shell: String,
    script: &'a str,
}

impl CompletionsArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitStatus> {
        let mut script = Vec::new();
        let mut command = crate::args::CliArgs::command();
        clap_complete::generate(self.shell, &mut command, self.name.as_str(), &mut script);
        let script = String::from_utf8(script).context("the script is not text")?;
        let shown = CompletionScript { shell: self.shell.to_string(), script: &script };
        // Unchanged: some shells need the last line break as it is.
        if context.output.is_json() {
            context.output.own(&shown, String::new)?;
        } else {
            output::raw(script.as_bytes())?;
        }
        Ok(ExitStatus::Done)
    }
}
