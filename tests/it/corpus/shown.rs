//! A plan as text, for reading and comparing.

use std::fmt::Write as _;

use agentport_clients::{
    plan::{ImportLaunch, Plan, PlannedImport},
    types::{ConflictView, PlanView},
};

/// What the owner is shown, the diff last.
pub(super) fn plan(plan: &Plan) -> String {
    let view = plan.view(String::new());
    let mut out = String::new();
    for (import, shown) in plan.imports.iter().zip(&view.imports) {
        let _ = writeln!(out, "imports {:?} as {}: {}", shown.server, shown.id, shown.summary);
        details(&mut out, import);
        for (what, list) in [
            ("to the vault", &shown.secrets),
            ("ran without asking", &shown.auto_approve),
            ("kept beside it", &shown.unknown),
        ] {
            if !list.is_empty() {
                let _ = writeln!(out, "    {what}: {}", list.join(", "));
            }
        }
        if shown.auto_approve_all {
            let _ = writeln!(out, "    ran everything without asking");
        }
    }
    rest(&mut out, &view);
    out
}

fn rest(out: &mut String, view: &PlanView) {
    for left in &view.left {
        let _ = writeln!(out, "leaves {:?}: {}", left.server, left.why);
    }
    for conflict in &view.conflicts {
        let _ = match conflict {
            ConflictView::Name { server, id, here, there, suggestion, differs: _ } => {
                writeln!(
                    out,
                    "asks about {server:?}: {id} is {there:?}, not {here:?}; {suggestion}?"
                )
            }
            ConflictView::Lines { path, text } => writeln!(out, "asks about {path}:\n{text}"),
        };
    }
    if let Some(agent) = &view.makes_key_for {
        let _ = writeln!(out, "makes a key for {agent:?}");
    }
    for note in &view.notes {
        let _ = writeln!(out, "notes: {note}");
    }
    if let Some(bypassing) = &view.bypassing {
        let _ = writeln!(out, "leaves open: {}", bypassing.sentence);
    }
    if let Some(restart) = &view.restart {
        let _ = writeln!(out, "afterwards: {restart}");
    }
    if view.is_empty {
        let _ = writeln!(out, "changes nothing");
    }
    for file in &view.files {
        out.push_str(&file.diff);
    }
}

/// What the gateway is given.
fn details(out: &mut String, import: &PlannedImport) {
    let _ = match &import.launch {
        ImportLaunch::Local { command, args, secret_args, env, secret_env, cwd } => writeln!(
            out,
            "    {command:?} {args:?} secrets at {secret_args:?} env {env:?} and {secret_env:?} in {cwd:?}"
        ),
        ImportLaunch::Remote { url, headers, oauth } => {
            let oauth = oauth.as_ref().map(|it| serde_json::to_string(it).expect("it is JSON"));
            let oauth = oauth.map(|it| format!(" {it}")).unwrap_or_default();
            writeln!(out, "    {url:?} {headers:?}{oauth}")
        }
    };
    if !import.enabled {
        let _ = writeln!(out, "    switched off");
    }
    if let Some(seconds) = import.timeout_seconds {
        let _ = writeln!(out, "    may take {seconds} s");
    }
    if !import.extra.is_empty() {
        let extra = serde_json::to_string(&import.extra).expect("it is JSON");
        let _ = writeln!(out, "    extra {extra}");
    }
}

/// A file's content, with what cannot be seen written out.
pub(super) fn content(content: Option<&[u8]>) -> String {
    let Some(content) = content else { return "(no file)\n".to_owned() };
    let text = std::str::from_utf8(content).expect("files are UTF-8");
    let text = text.replace('\u{feff}', "\\u{feff}").replace('\r', "\\r");
    if text.ends_with('\n') || text.is_empty() { text } else { format!("{text}(no line break)\n") }
}
