//! A plan as it is shown.
//!
//! What holds: no secret of the files, and nothing that looks like one, stands in any text of it. Names of servers are
//! shown as they are where something can be chosen for them, since the choice is told by name; such names are plain.
//! And what a server that comes along will run is shown whole: only placeholders stand in it, which are its own, because
//! whatever else hid a part of it (another server's values, a limit) could be made to hide the part that matters. Servers
//! of which that would show a secret are not taken over ([`super::import`]).

use std::collections::BTreeMap;

use agentport_core::sanitize;

use super::{
    FileChange, ImportLaunch, ModeChange, Plan, PlannedImport, diff, import, mask::SecretMask,
};
use crate::{
    mcp_server::AutoApprove,
    types::{ConflictView, FileChangeView, ImportView, LeftView, ModeView, PlanView, VariableView},
};

const MAX_SUMMARY: usize = 200;
const MAX_SENTENCE: usize = 1_000;

impl Plan {
    /// As it is shown; `id` is how it will be asked for.
    pub fn view(&self, id: String) -> PlanView {
        let mask = self.mask();
        let one_line = |line: &str, max: usize| sanitize::sanitize_line(&mask.apply(line), max);
        let files: Vec<FileChangeView> = self
            .files
            .iter()
            .filter(|file| file.before != file.after)
            .map(|file| file.view(&mask))
            .collect();
        let mut notes: Vec<String> =
            self.notes.iter().map(|note| one_line(note, MAX_SENTENCE)).collect();
        // Only what is masked differs.
        if files.iter().any(|file| file.diff.is_empty()) {
            notes.push(
                "What changes in the file is a secret, so nothing of it is shown.".to_owned(),
            );
        }
        PlanView {
            id,
            what: self.what,
            client: self.place.client.id.clone(),
            client_name: self.place.client.name.clone(),
            files,
            imports: self.imports.iter().map(|import| import.view(&mask)).collect(),
            left: self
                .left
                .iter()
                .map(|left| LeftView {
                    server: name(&left.server, &mask),
                    why: one_line(&left.why, MAX_SENTENCE),
                })
                .collect(),
            conflicts: self.conflicts.iter().map(|conflict| shown(conflict, &mask)).collect(),
            makes_key_for: (self.key.as_ref().filter(|key| key.via.has_key()))
                .map(|key| key.agent.clone()),
            revokes_key_of: None,
            signs_out: None,
            removes: Vec::new(),
            notes,
            restart: self.place.client.restart().map(str::to_owned),
            bypassing: self.bypass.and_then(|bypass| bypass.view(&self.place.client.name)),
            is_empty: self.is_empty(),
        }
    }

    fn mask(&self) -> SecretMask {
        let mut mask = SecretMask::default();
        for file in &self.files {
            for content in [&file.before, &file.after].into_iter().flatten() {
                mask.add_file(&self.place, content);
            }
        }
        for import in &self.imports {
            import.secrets.values().for_each(|secret| mask.add(secret.expose()));
        }
        mask
    }
}

impl FileChange {
    fn view(&self, mask: &SecretMask) -> FileChangeView {
        let diff = diff::unified(&self.path, self.before.as_deref(), self.after.as_deref(), mask);
        FileChangeView {
            path: self.path.to_string_lossy().into_owned(),
            target: (self.target != self.path).then(|| self.target.to_string_lossy().into_owned()),
            is_new: self.before.is_none(),
            is_removed: self.after.is_none(),
            mode: self.mode.map(ModeChange::view),
            diff: match (diff, self.mode.map(ModeChange::view)) {
                (diff, Some(ModeView { from, to })) if !diff.is_empty() => {
                    format!("old mode {from}\nnew mode {to}\n{diff}")
                }
                (diff, _) => diff,
            },
        }
    }
}

impl ModeChange {
    fn view(self) -> ModeView {
        ModeView { from: format!("{:04o}", self.from), to: format!("{:04o}", self.to) }
    }
}

impl PlannedImport {
    fn view(&self, mask: &SecretMask) -> ImportView {
        let (auto_approve, auto_approve_all) = match &self.auto_approve {
            AutoApprove::Nothing => (Vec::new(), false),
            AutoApprove::Tools(tools) => (tools.clone(), false),
            AutoApprove::Everything => (Vec::new(), true),
        };
        let one_line = |line: &String| sanitize::sanitize_line(&mask.apply(line), MAX_SUMMARY);
        ImportView {
            server: self.server.clone(),
            id: self.id.clone(),
            summary: diff::visible(&self.launch.summary()),
            command: self.launch.command(),
            args: self.launch.args(),
            env: self.launch.variables(),
            cwd: self.launch.cwd(),
            merged: self.merged.is_some(),
            mcp_remote: self.mcp_remote,
            enabled: self.enabled,
            // What is there already has them already.
            secrets: match self.merged {
                Some(_) => Vec::new(),
                None => self
                    .secret_words
                    .iter()
                    .map(|word| sanitize::sanitize_line(word, MAX_SUMMARY))
                    .collect(),
            },
            auto_approve: auto_approve.iter().map(one_line).collect(),
            auto_approve_all,
            unknown: self
                .extra
                .iter()
                .filter(|(_, value)| import::counts(value))
                .map(|(key, _)| one_line(key))
                .collect(),
        }
    }
}

impl ImportLaunch {
    /// For lists: as [`Self::summary`], but of a command that is a whole command line only its program.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Local { command, args, .. } => {
                let program = super::summary::program(command);
                let words = std::iter::once(program).chain(args.iter().map(String::as_str));
                words.collect::<Vec<_>>().join(" ")
            }
            Self::Remote { url, .. } => url.clone(),
        }
    }

    /// The command line or the URL, with placeholders where secrets go. It may hold what only looks like a secret.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Local { command, args, .. } => {
                let words: Vec<String> = std::iter::once(command).chain(args).map(quoted).collect();
                words.join(" ")
            }
            Self::Remote { url, .. } => url.clone(),
        }
    }

    fn command(&self) -> Option<String> {
        match self {
            Self::Local { command, .. } => Some(diff::visible(command)),
            Self::Remote { .. } => None,
        }
    }

    fn args(&self) -> Vec<String> {
        match self {
            Self::Local { args, .. } => args.iter().map(|arg| diff::visible(arg)).collect(),
            Self::Remote { .. } => Vec::new(),
        }
    }

    fn variables(&self) -> Vec<VariableView> {
        let Self::Local { env, secret_env, .. } = self else { return Vec::new() };
        let plain = env.iter().map(|(name, value)| (name, Some(diff::visible(value))));
        let all: BTreeMap<_, _> = plain.chain(secret_env.iter().map(|name| (name, None))).collect();
        let view = |(name, value): (&String, _)| VariableView { name: diff::visible(name), value };
        all.into_iter().map(view).collect()
    }

    fn cwd(&self) -> Option<String> {
        match self {
            Self::Local { cwd, .. } => cwd.as_deref().map(diff::visible),
            Self::Remote { .. } => None,
        }
    }
}

/// A name as it is; one that is not what it looks like in quotation marks, with what cannot be seen written out.
fn name(name: &str, mask: &SecretMask) -> String {
    let shown = diff::lines(name, mask);
    if sanitize::sanitize_line(&shown, MAX_SUMMARY) == name {
        shown
    } else {
        sanitize::sanitize_line(&format!("\"{shown}\""), MAX_SUMMARY)
    }
}

fn quoted(word: &String) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) {
        format!("\"{word}\"")
    } else {
        word.clone()
    }
}

fn shown(conflict: &ConflictView, mask: &SecretMask) -> ConflictView {
    let one_line = |line: &str| sanitize::sanitize_line(&mask.apply(line), MAX_SUMMARY);
    match conflict {
        ConflictView::Name { server, id, here, there, differs, suggestion } => ConflictView::Name {
            server: server.clone(),
            id: id.clone(),
            // The server's own command line or URL, with its own placeholders.
            here: diff::visible(here),
            there: one_line(there),
            differs: differs.as_deref().map(one_line),
            suggestion: suggestion.clone(),
        },
        ConflictView::Lines { path, text } => {
            ConflictView::Lines { path: path.clone(), text: diff::lines(text, mask) }
        }
    }
}
