//! `agentport audit`: configuration changes and security events, in a hash chain.

use agentport_api::{AuditRow, AuditVerdict, paths};
use anyhow::{Context as _, Result};
use clap::Subcommand;

use crate::{context::Context, exit::ExitStatus, format, output};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List what happened, newest first
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Check that no row was changed, taken out, put in or moved; exit code 1 if one was
    Verify,
    /// Write every row, oldest first, as JSON lines
    Export,
}

impl AuditCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::List { limit } => {
                let path = paths::with_query(paths::AUDIT.into(), "limit", limit);
                let answer = owner.get(&path).await?;
                context.output.list(&answer, list)?;
            }
            Self::Verify => {
                let answer = owner.get(paths::AUDIT_VERIFY).await?;
                let verdict: AuditVerdict = answer.read()?;
                let broken = matches!(verdict, AuditVerdict::Broken { .. });
                context.output.answer(&answer, verdict_text)?;
                if broken {
                    return Ok(ExitStatus::Failed);
                }
            }
            Self::Export => {
                let mut response = owner.stream(paths::AUDIT_EXPORT).await?;
                while let Some(chunk) =
                    response.chunk().await.context("the gateway's answer broke off")?
                {
                    output::raw(&chunk)?;
                }
            }
        }
        Ok(ExitStatus::Done)
    }
}

fn verdict_text(verdict: AuditVerdict) -> String {
    match verdict {
        AuditVerdict::Intact { rows } => format!("Intact: {rows} rows."),
        AuditVerdict::Broken { seq, what } => {
            format!("Broken at row {seq}: {}", output::printable(&what))
        }
    }
}

fn list(rows: Vec<AuditRow>) -> String {
    let rows = rows.into_iter().map(|row| {
        let detail = if row.detail.is_null() { String::new() } else { row.detail.to_string() };
        [
            row.seq.to_string(),
            format::stamp(row.at),
            row.actor,
            row.action,
            output::cut(&row.subject, 40),
            output::cut(&detail, 60),
        ]
    });
    output::table(
        ["ROW", "WHEN", "WHO", "WHAT", "SUBJECT", "DETAIL"],
        rows.collect(),
        "Nothing yet.",
    )
}
