use std::{collections::BTreeMap, ffi::OsString};

use super::*;

#[test]
fn clients_look_where_they_say() {
    let home = Path::new("/home/u");
    let none = |_: &str| None;
    for (client, folder) in [
        (SkillClient::ClaudeCode, "/home/u/.claude/skills"),
        (SkillClient::Cursor, "/home/u/.cursor/skills"),
        (SkillClient::Codex, "/home/u/.agents/skills"),
    ] {
        assert_eq!(folder::within(client, home, none), Path::new(folder));
    }
    let moved = BTreeMap::from([("CLAUDE_CONFIG_DIR", "/c"), ("CODEX_HOME", "/x")]);
    let moved = |name: &str| moved.get(name).map(OsString::from);
    assert_eq!(folder::within(SkillClient::ClaudeCode, home, moved), Path::new("/c/skills"));
    assert_eq!(folder::within(SkillClient::Codex, home, moved), Path::new("/x/skills"));
    let empty = |_: &str| Some(OsString::new());
    assert_eq!(
        folder::within(SkillClient::Codex, home, empty),
        Path::new("/home/u/.agents/skills")
    );
}

#[test]
fn the_head_is_what_the_format_asks_for() {
    let text = TEXTS[0].content.replace("\r\n", "\n");
    let (head, body) =
        text.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n")).expect("a head");
    let lines = head.lines().collect::<Vec<_>>();
    assert_eq!(lines[0], format!("name: {NAME}"));
    let description = lines[1].strip_prefix("description: ").expect("a description");
    // A plain scalar of YAML holds neither of these.
    assert!(!description.contains(": ") && !description.contains(" #"), "{description}");
    assert!((1..=1024).contains(&description.chars().count()));
    assert_eq!(lines.len(), 2);
    assert!(body.lines().count() < 500);
}

/// Contract §2, §3 and §7: what the agent will really meet.
#[test]
fn the_words_are_those_of_the_gateway() {
    let all = TEXTS.map(|text| text.content).concat();
    for word in [
        "agentport__whoami",
        "agentport__list_integration_tools",
        "agentport__describe_tool",
        "agentport__call_tool",
        "agentport__await_approval",
        "agentport__install_integration",
        "agentport__list_available_integrations",
        "agentport__get_auth_status",
        "agentport__start_oauth_flow",
        "additional_info",
        "request_id",
        "Still pending",
        "denied by the human",
        "This tool has been blocked and cannot be executed.",
        "Approval required: <url>",
        "Approval still pending: <url>",
        "Denied: ",
    ] {
        assert!(all.contains(word), "{word}");
    }
}

/// Every `ap` line of the text is one the command line takes.
#[test]
fn the_commands_exist() {
    use clap::Parser as _;

    let text = TEXTS[1].content.replace("\r\n", "\n").replace("\\\n", " ");
    let lines = text.lines().filter(|line| line.starts_with("ap ")).collect::<Vec<_>>();
    assert!(lines.len() >= 6, "{lines:?}");
    for line in lines {
        let words = shell_words(line.split(" #").next().unwrap_or(line));
        if let Err(refused) = crate::args::CliArgs::try_parse_from(words) {
            panic!("{line}\n{refused}");
        }
    }
}

/// As a shell splits them, as far as the text needs it: quotation marks, and nothing escaped.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut within) = (Vec::new(), String::new(), None);
    for character in line.chars().chain([' ']) {
        match (within, character) {
            (None, '\'' | '"') => within = Some(character),
            (Some(quote), _) if quote == character => within = None,
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words
}

#[test]
fn a_file_is_ours_until_somebody_changes_it() {
    let text = TEXTS[0];
    let sealed = text.sealed();
    assert_eq!(text.found(None), InstalledFile::Nothing);
    assert_eq!(text.found(Some(sealed.as_bytes())), InstalledFile::Current);
    let older = SkillFile { path: &[], content: "# Older\n" }.sealed();
    assert_eq!(text.found(Some(older.as_bytes())), InstalledFile::Older);
    for foreign in [
        sealed.replacen("person", "owner", 1),
        format!("{sealed}\n"),
        sealed.trim_end().to_owned(),
        older.replace("# Older", "# older"),
        text.content.to_owned(),
        String::new(),
    ] {
        assert_eq!(text.found(Some(foreign.as_bytes())), InstalledFile::Foreign, "{foreign}");
    }
    assert_eq!(text.found(Some(&[0xff])), InstalledFile::Foreign);
}
