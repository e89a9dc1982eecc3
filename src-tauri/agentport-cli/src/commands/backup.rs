//! `agentport backup`: everything the owner set, taken out as one document and put back. It holds no secret; what needs
//! one says so when it is put back.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use agentport_gateway::control::types::RestoreReport;
use anyhow::{Context as _, Result};
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use crate::{client::route, context::Context, exit::Ending, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
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

impl Backup {
    pub(crate) async fn run(self, context: &Context) -> Result<Ending> {
        match self {
            Self::Save { file } => {
                let owner = context.owner().await?;
                let answer = owner.get(route(["control", "backup"])).await?;
                if is_dash(&file) {
                    output::data(answer.text().trim_end())?;
                } else {
                    write(&file, answer.text())
                        .with_context(|| format!("cannot write {}", file.display()))?;
                    context.output.own(&json!({ "file": file }), || {
                        format!("Saved to {}. No key, token or password is in it.", file.display())
                    })?;
                }
            }
            Self::Load { file, dry_run } => {
                let document =
                    read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let owner = context.owner().await?;
                let route = route(["control", "restore"]).with("dry_run", dry_run);
                let sent = owner.send(Method::POST, route, Some(document), None).await?;
                context.output.answer(&sent.done()?, |report| told(report, dry_run))?;
            }
        }
        Ok(Ending::Done)
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

/// Whole or not at all, and for this account alone: it says what an agent may do, if not how to be one.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut part = options.open(&beside)?;
    part.write_all(text.as_bytes())?;
    part.sync_all()?;
    drop(part);
    fs::rename(&beside, file)
}

fn told(report: RestoreReport, dry_run: bool) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backup.json");
        for text in ["a longer one at first", "short"] {
            write(&file, text).unwrap();
            assert_eq!(read(&file).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
        }
    }
}
