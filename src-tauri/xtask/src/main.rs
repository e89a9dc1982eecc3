//! `cargo xtask …`: everything a contributor does, on a machine with nothing but git, Rust and Node.
//!
//! Each command fetches what it lacks, says so, and asks nothing where there is no terminal. Nothing of the product is
//! compiled in here, so that this starts within seconds on a fresh clone.

mod bench;
mod bindings;
mod bundle;
mod check;
mod compile;
mod debian;
mod deny;
mod file_lengths;
mod icons;
mod links;
mod module_form;
mod node;
mod paths;
mod process;
mod python;
mod run;
mod screens;
mod source_measures;
mod stages;
mod stamp;
mod test;
mod test_report;
mod tool;
mod workflows;

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
    /// Build everything and start it, ready to be connected to: the tray app, or without a display the gateway alone
    Run {
        /// Where the gateway keeps its data [default: the platform's data directory]
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// The port to listen on [default: the one in the settings, 4747 at first]
        #[arg(long)]
        port: Option<u16>,
        /// The gateway alone, also where there is a display
        #[arg(long)]
        headless: bool,
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
    /// Make the packages of this platform, offline, into target/bundle
    Bundle {
        /// Of the debug build, which is quicker
        #[arg(long)]
        debug: bool,
        /// On Linux also the AppImage, for which tools are downloaded
        #[arg(long)]
        appimage: bool,
        /// On macOS for both processors
        #[arg(long)]
        universal: bool,
        /// On Debian: look at them, and try the .deb on a clean system made for it
        #[arg(long = "try")]
        tried: bool,
    },
    /// Measure a release build against the budgets
    Bench {
        /// The gateway alone, without the tray app
        #[arg(long)]
        no_desktop: bool,
        /// Write the figures as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Passed on to the benchmark
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Make the pictures of the app and the tray from their drawings
    Icons,
    /// Take a picture of every page, light and dark, into target/screens
    Screens {
        /// Put the picture of the inbox where the README shows it from, too
        #[arg(long)]
        readme: bool,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Run { home, port, headless } => run::run(home.as_deref(), port, headless),
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Check { fix } => check::run(fix),
        Task::Bundle { debug, appimage, universal, tried } => {
            bundle::run(bundle::BundleRequest { debug, appimage, universal }, tried)
        }
        Task::Bench { no_desktop, json, rest } => bench::run(!no_desktop, json.as_deref(), &rest),
        Task::Icons => icons::run(),
        Task::Screens { readme } => screens::run(readme),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            process::warn(&format!("error: {error:#}"));
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
