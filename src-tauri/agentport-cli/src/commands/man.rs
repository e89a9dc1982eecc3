//! `agentport man`: man pages generated from the commands' own descriptions.
//!
//! Nothing outside the given folder is written: if one of the pages is a symbolic link, no page is written.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man as Page;
use serde::Serialize;

use crate::{
    atomic_file::{self, FileAccess},
    context::Context,
    exit::ExitStatus,
    output,
};

/// The page of `ap`: a reference to the one of `agentport` (man(7), `.so`).
const AP_PAGE: &str = ".so man1/agentport.1\n";

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this folder, instead of printing the first
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The JSON output.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ManOutput<'a> {
    Page(&'a str),
    Folder(&'a Path),
}

impl ManArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitStatus> {
        let command = crate::args::CliArgs::command();
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            Page::new(command).render(&mut page).context("cannot make the page")?;
            if context.output.is_json() {
                let page = String::from_utf8(page).context("the page is not text")?;
                context.output.own(&ManOutput::Page(&page), String::new)?;
            } else {
                output::raw(&page)?;
            }
            return Ok(ExitStatus::Done);
        };
        let mut pages = vec![("ap.1".to_owned(), AP_PAGE.as_bytes().to_owned())];
        let mut command = command.disable_help_subcommand(true);
        command.build();
        collect(command, &mut pages).context("cannot make the pages")?;
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let places: Vec<PathBuf> = pages.iter().map(|(name, _)| dir.join(name)).collect();
        if let Some(link) = places.iter().find(|place| place.is_symlink()) {
            bail!("{} is a link, which is not followed; nothing was written", link.display());
        }
        for ((_, page), place) in pages.iter().zip(&places) {
            atomic_file::write(place, page, FileAccess::Umask)
                .with_context(|| format!("cannot write {}", place.display()))?;
        }
        if context.output.is_json() {
            context.output.own(&ManOutput::Folder(dir), String::new)?;
        }
        Ok(ExitStatus::Done)
    }
}

/// The pages of a command and of all below it, by their names.
fn collect(command: Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below.clone(), pages)?;
    }
    let page = Page::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    Ok(())
}
