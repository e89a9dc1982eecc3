//! What an agent wants, for a sentence with "wants" in it: `to add a note`, or the tool's name.

use super::humanised;

/// First words that make a tool's name an action. English, as nearly all names of tools are.
const VERBS: [&str; 60] = [
    "add", "append", "apply", "archive", "assign", "book", "cancel", "change", "clear", "close",
    "commit", "copy", "create", "delete", "deploy", "disable", "download", "edit", "enable",
    "execute", "export", "fetch", "find", "get", "import", "insert", "install", "invite", "list",
    "make", "mark", "merge", "move", "open", "pay", "publish", "push", "put", "read", "remove",
    "rename", "replace", "reply", "restart", "restore", "run", "save", "search", "send", "set",
    "share", "show", "start", "stop", "submit", "transfer", "update", "upload", "withdraw",
    "write",
];

/// `to add a note` of the tool `add_note`. The title counts only where it begins with the same verb as the name: a title
/// can call a tool something else than it does. Without a verb it is the name as it is.
///
/// Foreign text: to be sanitised where it is shown.
pub fn wish(tool: &str, title: Option<&str>) -> String {
    let name = humanised(tool);
    let verb = first_word(&name);
    if !VERBS.contains(&verb.as_str()) {
        return tool.to_owned();
    }
    let action = title.map(str::trim).filter(|title| first_word(title) == verb).unwrap_or(&name);
    // ASCII: it is one of the verbs.
    format!("to {verb}{}", &action[verb.len()..])
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_sentence_and_a_thing_is_a_name() {
        for (tool, title, want) in [
            ("add_note", None, "to add note"),
            ("add_note", Some("Add a note"), "to add a note"),
            ("sendMail", None, "to send mail"),
            ("delete_all", Some("List notes"), "to delete all"),
            ("delete_all", Some("Delete, after asking"), "to delete all"),
            ("list", Some(""), "to list"),
            ("weather", Some("Get the weather"), "weather"),
            ("echo", None, "echo"),
            ("", None, ""),
            ("ünï_cödé", None, "ünï_cödé"),
        ] {
            assert_eq!(wish(tool, title), want, "{tool} {title:?}");
        }
    }
}
