//! `cargo xtask bench`: what the gateway adds to a call, beside the same call made directly, against the budgets of
//! `src-tauri/docs/architecture.md` §9. Needs a release build; a table on stdout, and the figures as JSON with `--json FILE`.
//!
//! One client for both ways: prepared bytes over keep-alive HTTP/1.1, on one thread, so that it does not dominate.
//! Every figure is the median of three rounds in which the two ways take turns.

mod accounts;
mod activity;
mod agents;
mod bridge;
mod calls;
#[cfg(target_os = "linux")]
mod desktop;
mod discover;
mod http;
mod lists;
mod pipe;
mod process;
mod samples;
mod table;

use std::{io::Write as _, path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use self::table::Table;

/// Which lifecycle the load client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// Sessions, as nearly every client of today.
    Legacy,
    /// Stateless, revision 2026-07-28.
    Modern,
}

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures a release build of the gateway against its budgets")]
struct Options {
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Which revision's lifecycle the load client speaks
    #[arg(long, value_enum, default_value = "legacy")]
    era: Era,
    /// Milliseconds for each measurement
    #[arg(long, default_value_t = 2_000, value_name = "MS")]
    duration: u64,
    /// Rounds of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure only these groups
    #[arg(long, value_enum)]
    only: Vec<Group>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Calls,
    Lists,
    Process,
    Many,
    /// Calls of an account that is signed in to by OAuth
    Accounts,
    /// Calls of an agent that signed in by OAuth
    Agents,
    /// A page of a long activity
    Activity,
    /// A client on stdio: our bridge, and `mcp-remote` beside it
    Bridge,
    Discover,
    /// Needs a desktop session, and the tray app in `AGENTPORT_DESKTOP_BIN`.
    Desktop,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let plan = Plan {
        era: options.era,
        duration: Duration::from_millis(options.duration),
        rounds: options.rounds.max(1),
    };
    let wanted = |group| options.only.is_empty() || options.only.contains(&group);
    let mut table = Table::default();
    if wanted(Group::Calls) {
        calls::measure(plan, &mut table).await;
    }
    if wanted(Group::Lists) {
        lists::measure(plan, &mut table).await;
    }
    if wanted(Group::Process) {
        process::measure(&mut table).await;
    }
    if wanted(Group::Many) {
        lists::measure_many(plan, &mut table).await;
    }
    if wanted(Group::Activity) {
        activity::measure(&mut table).await;
    }
    if wanted(Group::Accounts) {
        accounts::measure(plan, &mut table).await;
    }
    if wanted(Group::Agents) {
        agents::measure(plan, &mut table).await;
    }
    if wanted(Group::Discover) {
        discover::measure(plan, &mut table);
    }
    if wanted(Group::Bridge) {
        bridge::measure(plan, &mut table).await;
    }
    #[cfg(target_os = "linux")]
    if wanted(Group::Desktop) && std::env::var_os("AGENTPORT_DESKTOP_BIN").is_some() {
        desktop::measure(&mut table).await;
    }
    write!(std::io::stdout(), "{table}")?;
    if let Some(path) = options.json {
        std::fs::write(path, table.json().to_string())?;
    }
    Ok(())
}

/// How everything is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) era: Era,
    pub(crate) duration: Duration,
    pub(crate) rounds: usize,
}
