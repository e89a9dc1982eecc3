//! Where each client looks for the skills of its user.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::SkillClient;

pub(super) fn of(client: SkillClient) -> Result<PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute());
    let home = home.context("there is no home directory; --dir names a folder for skills")?;
    Ok(within(client, &home, |name| env::var_os(name)))
}

/// - Claude Code: `skills` in its own folder, `~/.claude` or `CLAUDE_CONFIG_DIR` (code.claude.com/docs/en/skills).
/// - Cursor: `~/.cursor/skills` (cursor.com/docs/context/skills).
/// - Codex: `~/.agents/skills` (developers.openai.com/codex/skills). Users who moved Codex with `CODEX_HOME` have several
///   of it, and `skills` in that folder, which it reads as well, is for that one alone.
pub(super) fn within(
    client: SkillClient,
    home: &Path,
    variable: impl Fn(&str) -> Option<OsString>,
) -> PathBuf {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = match client {
        SkillClient::ClaudeCode => set("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.join(".claude")),
        SkillClient::Cursor => home.join(".cursor"),
        SkillClient::Codex => set("CODEX_HOME").unwrap_or_else(|| home.join(".agents")),
    };
    folder.join("skills")
}

/// Removes the skill's folder, unless it has other files.
pub(super) fn remove_empty(folder: &Path) {
    for folder in [&folder.join("references"), folder] {
        // What is not empty, or not there, stays as it is.
        let _ = fs::remove_dir(folder);
    }
}
