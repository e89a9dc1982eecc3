//! Plans and their results as text.

use agentport_clients::types::{
    Applied, ConflictView, ImportView, McpRemoteFate, PlanAction, PlanRequest, PlanView,
    VariableView,
};

use crate::output::{self, TextStyle, one_line, printable};

/// Everything that would be done, and then the files, line by line.
pub(crate) fn plan(view: &PlanView) -> String {
    let client = one_line(&view.client_name);
    let heading = match (view.is_empty, view.what) {
        (true, PlanAction::Connect) => format!("{client} is connected already."),
        (true, PlanAction::Disconnect) => format!("{client} is not connected."),
        (true, PlanAction::Consolidate) => format!("{client} has nothing to take over."),
        (true, PlanAction::Restore) => format!("{client} is as it was."),
        (false, PlanAction::Connect) => format!("Connects {client}:"),
        (false, PlanAction::Disconnect) => format!("Disconnects {client}:"),
        (false, PlanAction::Consolidate) => format!("Takes the servers of {client} over:"),
        (false, PlanAction::Restore) => format!("Brings the original of {client} back:"),
    };
    let mut lines = vec![heading];
    for import in &view.imports {
        lines.push(format!("  {}", one_line(&imported(import))));
        lines.extend(what_runs(import));
    }
    let mut item = |text: String| lines.push(format!("  {}", one_line(&text)));
    for left in &view.left {
        item(format!("{} stays in {client}: {}", left.server, left.why));
    }
    if let Some(agent) = &view.makes_key_for {
        item(format!("A key is made for the agent \"{agent}\"."));
    }
    if let Some(agent) = &view.revokes_key_of {
        item(format!("The key of the agent \"{agent}\" is revoked."));
    }
    if let Some(agent) = &view.signs_out {
        item(format!("The sign-in of the agent \"{agent}\" ends."));
    }
    for id in &view.removes {
        item(format!("The integration {id} is removed."));
    }
    for file in view.files.iter().filter(|file| file.is_new || file.is_removed) {
        let what = if file.is_new { "made" } else { "taken away" };
        item(format!("{} is {what}.", file.path));
    }
    for file in &view.files {
        if let Some(target) = &file.target {
            item(format!("What is written: {} → {target}", file.path));
        }
    }
    // That there is nothing to do stands above.
    for note in view.notes.iter().filter(|_| !view.is_empty) {
        item(note.clone());
    }
    if let Some(bypassing) = &view.bypassing {
        item(format!("Afterwards: {}", bypassing.sentence));
    }
    for file in view.files.iter().filter(|file| !file.diff.is_empty()) {
        lines.push(String::new());
        lines.push(coloured_diff(&file.diff));
    }
    for conflict in &view.conflicts {
        lines.push(String::new());
        lines.push(choice(conflict));
    }
    lines.join("\n")
}

/// What will run, whole: one line for the command or the URL, and one for each thing it runs with. However long they are,
/// nothing is cut and no blanks are left out, since something could be hidden behind them.
fn what_runs(import: &ImportView) -> Vec<String> {
    let command = import.command.as_ref();
    let run = match command {
        Some(command) => format!("runs  {}", crate::format::command_line(command, &import.args)),
        None => format!("at    {}", import.summary),
    };
    let mut lines = vec![run];
    lines.extend(import.cwd.as_ref().map(|cwd| format!("in    {cwd}")));
    lines.extend(import.env.iter().map(|VariableView { name, value }| match value {
        Some(value) => {
            format!("with  {}", crate::format::command_line(&format!("{name}={value}"), &[]))
        }
        None => format!("with  {name} from the vault"),
    }));
    // What cannot be seen is written out already.
    lines.iter().map(|line| format!("    {}", printable(line))).collect()
}

fn imported(import: &ImportView) -> String {
    let ImportView { server, id, .. } = import;
    if import.merged {
        return format!("{server} is the integration {id} already");
    }
    let mut text = match server == id.as_str() {
        true => format!("{server} becomes an integration"),
        false => format!("{server} becomes the integration {id}"),
    };
    match import.mcp_remote {
        Some(McpRemoteFate::Server) => {
            let word = shell_word(server);
            text += &format!("; without mcp-remote (--as-program {word} starts it as before)");
        }
        Some(McpRemoteFate::Program) => text += "; as the program mcp-remote",
        None => {}
    }
    if !import.enabled {
        text += "; switched off, as it is there";
    }
    if !import.secrets.is_empty() {
        text += &format!("; to the vault: {}", import.secrets.join(", "));
    }
    if import.auto_approve_all {
        text += "; ran without asking: everything (proposed, not set)";
    } else if !import.auto_approve.is_empty() {
        let tools = import.auto_approve.join(", ");
        text += &format!("; ran without asking: {tools} (proposed, not set)");
    }
    if !import.unknown.is_empty() {
        text += &format!("; kept along, without effect: {}", import.unknown.join(", "));
    }
    text
}

/// What there is to choose, and how it is said.
fn choice(conflict: &ConflictView) -> String {
    match conflict {
        ConflictView::Name { server, id, here, there, differs, suggestion } => {
            let server = one_line(server);
            let word = shell_word(&server);
            format!(
                "The integration {id} is something else than {server}:\n  \
                 here   {}\n  there  {}\n{}Choose one of\n  \
                 --rename {}  take it over under another id\n  \
                 --use-existing {word}  use the integration there is\n  \
                 --keep {word}  leave it where it is",
                one_line(here),
                one_line(there),
                differs
                    .as_ref()
                    .map(|differs| format!("{}\n", one_line(differs)))
                    .unwrap_or_default(),
                shell_word(&format!("{server}={suggestion}")),
            )
        }
        ConflictView::Lines { path, text } => format!(
            "The same lines of {} were changed since:\n\n{}\n\nChoose one of\n  \
             --take-original  what was kept wins there\n  --keep-current   what is there now wins",
            one_line(path),
            printable(text.trim_end_matches('\n')),
        ),
    }
}

fn shell_word(word: &str) -> String {
    crate::format::command_line(word, &[])
}

/// What was done, and what to do next.
pub(crate) fn applied(applied: &Applied, view: &PlanView, want: &PlanRequest) -> String {
    let mut lines = Vec::new();
    for path in &applied.files {
        lines.push(format!("Written: {}", one_line(path)));
    }
    if !applied.added.is_empty() {
        let ids: Vec<&str> = applied.added.iter().map(|id| id.as_str()).collect();
        lines.push(format!("Added: {}", ids.join(", ")));
    }
    for note in &applied.notes {
        lines.push(one_line(note));
    }
    if let Some(environment) = &applied.environment {
        lines.push(format!(
            "Set this variable where {} is started from; it is shown this once:\n  {}={}",
            one_line(&view.client_name),
            environment.variable,
            environment.key
        ));
    }
    lines.extend(starts(applied));
    if let Some(bypassing) = &applied.bypassing {
        lines.push(one_line(&bypassing.sentence));
    }
    if let Some(restart) = &applied.restart {
        lines.push(one_line(restart));
    }
    if let Some(undo) = undo(view, want) {
        lines.push(format!("To undo it: {undo}"));
    }
    let proposals: Vec<String> = view.imports.iter().flat_map(proposals).collect();
    if !proposals.is_empty() {
        lines.push(format!(
            "{} ran these without asking. To let them run here as well:",
            one_line(&view.client_name)
        ));
        lines.extend(proposals.iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

/// Which of the imported servers do not run, and what to do before the client is restarted.
fn starts(applied: &Applied) -> Vec<String> {
    let mut lines = Vec::new();
    if !applied.failed.is_empty() {
        let (failed, added) = (applied.failed.len(), applied.added.len());
        lines.push(format!("{failed} of {added} did not start:"));
        for failed in &applied.failed {
            lines.push(format!("  {}: {}", failed.id, one_line(&failed.reason)));
        }
        lines.push(
            "Mend them first (`agentport integrations log ID` says more), or undo this.".to_owned(),
        );
    }
    if !applied.starting.is_empty() {
        let ids: Vec<&str> = applied.starting.iter().map(|id| id.as_str()).collect();
        lines.push(format!("Still starting: {}", ids.join(", ")));
    }
    lines
}

fn undo(view: &PlanView, want: &PlanRequest) -> Option<String> {
    let mut words = match want.what {
        PlanAction::Connect | PlanAction::Consolidate => vec!["restore".to_owned()],
        PlanAction::Disconnect => vec!["connect".to_owned()],
        PlanAction::Restore => return None,
    };
    words.push(view.client.clone());
    if let Some(path) = &want.path {
        words.extend(["--file".to_owned(), path.clone()]);
    }
    if want.what == PlanAction::Consolidate && view.imports.iter().any(|import| !import.merged) {
        words.push("--remove-integrations".to_owned());
    }
    Some(crate::format::command_line("agentport", &words))
}

/// Ready to be typed.
fn proposals(import: &ImportView) -> Vec<String> {
    let id = import.id.to_string();
    let command = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        crate::format::command_line("agentport", &words)
    };
    if import.auto_approve_all {
        return vec![command(&["integrations", "set", &id, "--default", "allow"])];
    }
    let tools = import.auto_approve.iter();
    tools.map(|tool| command(&["policy", "set", &id, &one_line(tool), "allow"])).collect()
}

/// A unified diff: removed lines red, added ones green, where colours are wanted.
fn coloured_diff(diff: &str) -> String {
    let lines = printable(diff.trim_end_matches('\n'));
    lines.lines().map(coloured_line).collect::<Vec<_>>().join("\n")
}

fn coloured_line(text: &str) -> String {
    match text {
        _ if text.starts_with("---") || text.starts_with("+++") => {
            output::marked(text, TextStyle::Bold)
        }
        _ if text.starts_with('-') => output::marked(text, TextStyle::Red),
        _ if text.starts_with('+') => output::marked(text, TextStyle::Green),
        _ if text.starts_with("@@") => output::marked(text, TextStyle::Cyan),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_shown_whole() {
        let far = format!("true{}; evil", " ".repeat(3_000));
        let import: ImportView = serde_json::from_value(serde_json::json!({
            "server": "docs", "id": "docs", "summary": "cut", "merged": false, "enabled": true,
            "command": "sh", "args": ["-c", far], "cwd": "/tmp/x  y",
            "env": [{ "name": "BASH_ENV", "value": "/tmp/a b" }, { "name": "A_TOKEN", "value": null }],
            "secrets": ["env A_TOKEN"], "auto_approve": [], "auto_approve_all": false, "unknown": []
        }))
        .unwrap();
        let want = [
            &format!("    runs  sh -c '{far}'"),
            "    in    /tmp/x  y",
            "    with  'BASH_ENV=/tmp/a b'",
            "    with  A_TOKEN from the vault",
        ];
        assert_eq!(what_runs(&import), want);
        let remote = ImportView { command: None, args: vec![], env: vec![], cwd: None, ..import };
        assert_eq!(what_runs(&remote), ["    at    cut"]);
    }
}
