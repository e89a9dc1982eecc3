//! `cargo xtask …`: everything a contributor does, on a machine with nothing but git, Rust and Node.
//!
//! Each command fetches what it lacks, says so, and asks nothing where there is no terminal. Nothing of the product is
//! compiled in here, so that this starts within seconds on a fresh clone.

mod bench;
mod bindings;
mod check;
mod debian;
mod deny;
mod lengths;
mod links;
mod node;
mod python;
mod root;
mod run;
mod screens;
mod stamp;
mod step;
mod tally;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build everything and start the gateway, ready to be connected to
    Run {
        /// Where the gateway keeps its data [default: the platform's data directory]
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// The port to listen on; another free one is taken if it is in use
        #[arg(long, default_value_t = 4747)]
        port: u16,
    },
    /// Run every test there is
    Test {
        /// Only tests of the Rust workspace whose names contain this
        filter: Option<String>,
    },
    /// Format, lints, types, drift of generated files, licences, file lengths, links of the README
    Check {
        /// Mend what can be mended: format, generated files
        #[arg(long)]
        fix: bool,
    },
    /// Measure a release build against the budgets
    Bench {
        /// Write the figures as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Passed on to the benchmark
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Take a picture of every page, light and dark, into target/screens
    Screens {
        /// Put the picture of the inbox where the README shows it from, too
        #[arg(long)]
        readme: bool,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Run { home, port } => run::run(home.as_deref(), port),
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Check { fix } => check::run(fix),
        Task::Bench { json, rest } => bench::run(json.as_deref(), &rest),
        Task::Screens { readme } => screens::run(readme),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            step::warn(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn definition_is_sound() {
        super::Args::command().debug_assert();
    }
}
