//! `agentport skill`: installs a skill that teaches an agent to work through AgentPort, in its client's skills folder.
//!
//! The files are the same for all clients, which share the format (agentskills.io: a folder with a `SKILL.md` whose head
//! has `name` and `description`). A file that was changed is neither overwritten nor removed without `--force`; a symbolic
//! link is never followed; either all files are written or none. The skills folder itself may be a link, as in dotfile
//! repositories.

mod folder;
mod versions;

use std::path::{Path, PathBuf};

use agentport_clients::atomic_write;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use self::versions::{Found, TEXTS, Text};
use crate::{context::Context, exit::ExitStatus, output};

/// The folder's name, which the head of `SKILL.md` has to repeat.
const NAME: &str = "agentport";

#[derive(Debug, Subcommand)]
pub(crate) enum Skill {
    /// Print the skill
    Show,
    /// Put the skill where a client looks for skills
    Install(Which),
    /// Take the skill away again
    Remove(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The client
    #[arg(value_enum)]
    client: Client,
    /// A folder for skills other than the client's own, such as a project's
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Also overwrite or remove files that were changed
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    ClaudeCode,
    Cursor,
    Codex,
}

/// What happens with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Write,
    Overwrite,
    Remove,
    /// Up to date.
    Keep,
    /// The file was changed.
    Refuse,
    /// The file or its folder is a symbolic link.
    RefuseLink,
}

#[derive(Debug, Serialize)]
struct Planned {
    path: PathBuf,
    step: Step,
    #[serde(skip)]
    text: &'static Text,
}

#[derive(Serialize)]
struct Shown {
    /// Within the skill's folder.
    path: String,
    text: &'static str,
}

#[derive(Serialize)]
struct Done<'a> {
    folder: &'a Path,
    done: bool,
    files: &'a [Planned],
}

impl Skill {
    pub(crate) fn run(self, context: &Context) -> Result<ExitStatus> {
        match self {
            Self::Show => {
                let files =
                    TEXTS.map(|text| Shown { path: text.path.join("/"), text: text.content });
                context
                    .output
                    .own(&files, || TEXTS.map(|text| text.content.trim_end()).join("\n\n"))?;
                Ok(ExitStatus::Done)
            }
            Self::Install(which) => which.run(context, Wish::There),
            Self::Remove(which) => which.run(context, Wish::Gone),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    There,
    Gone,
}

impl Which {
    fn run(&self, context: &Context, wish: Wish) -> Result<ExitStatus> {
        let skills = match &self.dir {
            Some(dir) => std::path::absolute(dir).context("the folder's path makes no sense")?,
            None => folder::of(self.client)?,
        };
        let folder = skills.join(NAME);
        let planned = TEXTS
            .iter()
            .map(|text| plan(&folder, text, wish, self.force))
            .collect::<Result<Vec<_>>>()?;
        let is_changed = planned.iter().any(|file| file.step == Step::Refuse);
        let is_linked = planned.iter().any(|file| file.step == Step::RefuseLink);
        let done = !is_changed && !is_linked && !self.dry_run;
        if done {
            for file in &planned {
                file.carry_out()?;
            }
            if wish == Wish::Gone {
                folder::remove_empty(&folder);
            }
        }
        let report = Done { folder: &folder, done, files: &planned };
        context.output.own(&report, || words(&planned, done))?;
        if is_linked {
            output::note(
                "Nothing was done: a link is not followed, with --force neither. Remove the link, or name another \
                 folder with --dir.",
            );
            return Ok(ExitStatus::Failed);
        }
        if is_changed {
            output::note(
                "Nothing was done: a file was changed since AgentPort wrote it, or is not from AgentPort. \
                 --force does it all the same.",
            );
            return Ok(ExitStatus::Failed);
        }
        if done && wish == Wish::There && planned.iter().any(|file| file.step != Step::Keep) {
            output::note("It counts from the client's next session on.");
        }
        Ok(ExitStatus::Done)
    }
}

fn plan(folder: &Path, text: &'static Text, wish: Wish, force: bool) -> Result<Planned> {
    let path = text.path.iter().fold(folder.to_owned(), |path, part| path.join(part));
    if path.ancestors().take(text.path.len() + 1).any(Path::is_symlink) {
        return Ok(Planned { path, step: Step::RefuseLink, text });
    }
    let there =
        atomic_write::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let step = match (wish, text.found(there.as_deref())) {
        (Wish::There, Found::Nothing) => Step::Write,
        (Wish::There, Found::Current) | (Wish::Gone, Found::Nothing) => Step::Keep,
        (Wish::There, Found::Older) => Step::Overwrite,
        (Wish::There, Found::Foreign) if force => Step::Overwrite,
        (Wish::Gone, Found::Current | Found::Older) => Step::Remove,
        (Wish::Gone, Found::Foreign) if force => Step::Remove,
        (_, Found::Foreign) => Step::Refuse,
    };
    Ok(Planned { path, step, text })
}

impl Planned {
    fn carry_out(&self) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        match self.step {
            Step::Keep | Step::Refuse | Step::RefuseLink => Ok(()),
            Step::Remove => atomic_write::replace(&self.path, None).with_context(failed),
            Step::Write | Step::Overwrite => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder).with_context(failed)?;
                }
                atomic_write::replace(&self.path, Some(self.text.sealed().as_bytes()))
                    .with_context(failed)
            }
        }
    }
}

fn words(planned: &[Planned], done: bool) -> String {
    let lines = planned.iter().map(|file| {
        let what = match (file.step, done) {
            (Step::Keep, _) => "Unchanged:",
            (Step::Refuse, _) => "Changed since, or not from AgentPort:",
            (Step::RefuseLink, _) => "Behind a link:",
            (Step::Write, true) => "Wrote",
            (Step::Write, false) => "Would write",
            (Step::Overwrite, true) => "Overwrote",
            (Step::Overwrite, false) => "Would overwrite",
            (Step::Remove, true) => "Removed",
            (Step::Remove, false) => "Would remove",
        };
        format!("{what} {}", file.path.display())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
