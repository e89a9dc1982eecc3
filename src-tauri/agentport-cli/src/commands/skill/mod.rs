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

use self::versions::{InstalledFile, SkillFile, TEXTS};
use crate::{context::Context, exit::ExitStatus, output};

/// The folder's name, which the head of `SKILL.md` has to repeat.
const NAME: &str = "agentport";

#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// Print the skill
    Show,
    /// Put the skill where a client looks for skills
    Install(SkillTarget),
    /// Take the skill away again
    Remove(SkillTarget),
}

#[derive(Debug, Args)]
pub(crate) struct SkillTarget {
    /// The client
    #[arg(value_enum)]
    client: SkillClient,
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
pub(crate) enum SkillClient {
    ClaudeCode,
    Cursor,
    Codex,
}

/// What happens with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum FileAction {
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
    step: FileAction,
    #[serde(skip)]
    text: &'static SkillFile,
}

#[derive(Serialize)]
struct SkillDocument {
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

impl SkillCommand {
    pub(crate) fn run(self, context: &Context) -> Result<ExitStatus> {
        match self {
            Self::Show => {
                let files = TEXTS
                    .map(|text| SkillDocument { path: text.path.join("/"), text: text.content });
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

impl SkillTarget {
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
        let is_changed = planned.iter().any(|file| file.step == FileAction::Refuse);
        let is_linked = planned.iter().any(|file| file.step == FileAction::RefuseLink);
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
        if done && wish == Wish::There && planned.iter().any(|file| file.step != FileAction::Keep) {
            output::note("It counts from the client's next session on.");
        }
        Ok(ExitStatus::Done)
    }
}

fn plan(folder: &Path, text: &'static SkillFile, wish: Wish, force: bool) -> Result<Planned> {
    let path = text.path.iter().fold(folder.to_owned(), |path, part| path.join(part));
    if path.ancestors().take(text.path.len() + 1).any(Path::is_symlink) {
        return Ok(Planned { path, step: FileAction::RefuseLink, text });
    }
    let there =
        atomic_write::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let step = match (wish, text.found(there.as_deref())) {
        (Wish::There, InstalledFile::Nothing) => FileAction::Write,
        (Wish::There, InstalledFile::Current) | (Wish::Gone, InstalledFile::Nothing) => {
            FileAction::Keep
        }
        (Wish::There, InstalledFile::Older) => FileAction::Overwrite,
        (Wish::There, InstalledFile::Foreign) if force => FileAction::Overwrite,
        (Wish::Gone, InstalledFile::Current | InstalledFile::Older) => FileAction::Remove,
        (Wish::Gone, InstalledFile::Foreign) if force => FileAction::Remove,
        (_, InstalledFile::Foreign) => FileAction::Refuse,
    };
    Ok(Planned { path, step, text })
}

impl Planned {
    fn carry_out(&self) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        match self.step {
            FileAction::Keep | FileAction::Refuse | FileAction::RefuseLink => Ok(()),
            FileAction::Remove => atomic_write::replace(&self.path, None).with_context(failed),
            FileAction::Write | FileAction::Overwrite => {
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
            (FileAction::Keep, _) => "Unchanged:",
            (FileAction::Refuse, _) => "Changed since, or not from AgentPort:",
            (FileAction::RefuseLink, _) => "Behind a link:",
            (FileAction::Write, true) => "Wrote",
            (FileAction::Write, false) => "Would write",
            (FileAction::Overwrite, true) => "Overwrote",
            (FileAction::Overwrite, false) => "Would overwrite",
            (FileAction::Remove, true) => "Removed",
            (FileAction::Remove, false) => "Would remove",
        };
        format!("{what} {}", file.path.display())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
