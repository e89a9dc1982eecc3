//! `agentport backup`: exports everything the owner set as one document, and imports it. The document has no secrets;
//! the import names the integrations that need theirs again.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use agentport_api::{RestoreReport, paths};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::{json, value::RawValue};

use crate::{
    atomic_file::{self, FileAccess},
    context::Context,
    exit::ExitStatus,
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Write settings, profiles, agents, integrations and rules to a file; `-` writes to stdout
    Save { file: PathBuf },
    /// Add what is missing here and set what differs, all of it or nothing; `-` reads from stdin
    Load {
        file: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
}

impl BackupCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        match self {
            Self::Save { file } => {
                let owner = context.owner().await?;
                let answer = owner.get(paths::BACKUP).await?;
                if is_dash(&file) {
                    output::data(answer.text().trim_end())?;
                } else {
                    // Without secrets, but what each agent may do is not for other accounts.
                    atomic_file::write(&file, answer.text().as_bytes(), FileAccess::OwnerOnly)
                        .with_context(|| format!("cannot write {}", file.display()))?;
                    context.output.own(&json!({ "file": file }), || {
                        format!("Saved to {}. No key, token or password is in it.", file.display())
                    })?;
                }
            }
            Self::Load { file, dry_run } => {
                let text =
                    read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                // Sent as it was written.
                let document: Box<RawValue> = serde_json::from_str(&text)
                    .with_context(|| format!("{} is not JSON", file.display()))?;
                let owner = context.owner().await?;
                let path = paths::with_query(paths::RESTORE.into(), "dry_run", dry_run);
                let answer = owner.with_timeout(None).post(&path, &document).await?;
                context.output.answer(&answer, |report| changes(report, dry_run))?;
            }
        }
        Ok(ExitStatus::Done)
    }
}

fn is_dash(file: &Path) -> bool {
    file == Path::new("-")
}

fn read(file: &Path) -> io::Result<String> {
    if !is_dash(file) {
        return fs::read_to_string(file);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

fn changes(report: RestoreReport, dry_run: bool) -> String {
    if report.changes.is_empty() {
        return "Everything is as in the document.".to_owned();
    }
    let mut lines: Vec<String> = Vec::new();
    if dry_run {
        lines.push("This would happen:".to_owned());
    }
    lines.extend(report.changes.iter().map(|change| output::one_line(change)));
    for id in &report.needs_secrets {
        lines.push(format!(
            "Its secrets are not in the document; give them again: agentport integrations credentials {id}"
        ));
    }
    if !report.new_keys.is_empty() {
        output::note("The keys are shown this once. Give each to its agent and to nobody else.");
        lines.push(String::new());
        for new in &report.new_keys {
            lines.push(format!("{}  {}", output::one_line(&new.name), new.key));
        }
    }
    lines.join("\n")
}
