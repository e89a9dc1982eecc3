use std::{collections::BTreeSet, fs};

use tempfile::TempDir;

use super::*;

fn machine(os: Os, home: &str, variables: &[(&str, &str)]) -> Machine {
    let variables =
        variables.iter().map(|(name, path)| ((*name).to_owned(), PathBuf::from(path))).collect();
    Machine { os, home: PathBuf::from(home), variables }
}

fn files(id: &str, machine: &Machine, folder: Option<&str>) -> Vec<(FileScope, PathBuf)> {
    let client = Client::by_id(id).expect("known");
    let places = client.places(machine, folder.map(Path::new));
    places.into_iter().map(|place| (place.scope, place.path)).collect()
}

const ALL: [Os; 3] = [Os::Linux, Os::Macos, Os::Windows];

#[test]
fn every_client_says_where_its_facts_come_from() {
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for client in Client::all() {
        assert!(ids.insert(&client.id), "{} twice", client.id);
        assert!(names.insert(&client.name), "{} twice", client.name);
        let fit = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(client.id.chars().all(fit), "{}: not fit for the name of a file", client.id);
        assert!(!client.sources().is_empty(), "{}: no sources", client.id);
        for source in client.sources() {
            let url = url::Url::parse(source).expect(source);
            assert_eq!(url.scheme(), "https", "{source}");
        }
        if let Some(restart) = client.restart() {
            assert!(restart.ends_with('.'), "{}: not a sentence: {restart}", client.id);
        }
    }
}

#[test]
fn every_client_has_a_file_of_the_users_everywhere() {
    for os in ALL {
        let machine = machine(os, "/nowhere/sam", &[]);
        for client in Client::all() {
            let places = client.places(&machine, Some(Path::new("/nowhere/work")));
            let first = places.first().expect(&client.id);
            assert_eq!(first.scope, FileScope::User, "{}", client.id);
            assert!(!first.container.is_empty(), "{}", client.id);
            for place in &places {
                let (within, what) = match place.scope {
                    FileScope::User => ("/nowhere/sam", "the home directory"),
                    FileScope::Project => ("/nowhere/work", "the folder"),
                };
                let path = place.path.display();
                assert!(place.path.starts_with(within), "{path} is not in {what}");
                let text = place.path.to_str().expect("text");
                assert!(!text.contains(['*', '{', '|', '~']), "{path} is not settled");
                let ending = place.path.extension().and_then(|ending| ending.to_str());
                let fits = match place.format {
                    FileFormat::Json => matches!(ending, Some("json" | "jsonc")),
                    FileFormat::Toml => ending == Some("toml"),
                    FileFormat::Yaml => matches!(ending, Some("yaml" | "yml")),
                };
                assert!(fits, "{path} does not end as its format does");
            }
            assert!(!client.is_found(&machine) || os == Os::Macos, "{} in nowhere", client.id);
        }
    }
}

#[test]
fn files_lie_where_they_are_documented() {
    let linux = machine(Os::Linux, "/home/sam", &[]);
    let mac = machine(Os::Macos, "/Users/sam", &[]);
    let windows = machine(Os::Windows, "/C/Users/sam", &[("APPDATA", "/C/Users/sam/Roaming")]);
    let support = "/Users/sam/Library/Application Support";
    for (id, machine, want) in [
        ("claude-desktop", &linux, "/home/sam/.config/Claude/claude_desktop_config.json"),
        ("claude-desktop", &mac, &format!("{support}/Claude/claude_desktop_config.json")),
        ("claude-desktop", &windows, "/C/Users/sam/Roaming/Claude/claude_desktop_config.json"),
        ("claude-code", &linux, "/home/sam/.claude.json"),
        ("claude-code", &windows, "/C/Users/sam/.claude.json"),
        ("cursor", &mac, "/Users/sam/.cursor/mcp.json"),
        ("vscode", &linux, "/home/sam/.config/Code/User/mcp.json"),
        ("vscode", &mac, &format!("{support}/Code/User/mcp.json")),
        ("vscode", &windows, "/C/Users/sam/Roaming/Code/User/mcp.json"),
        ("vscode-insiders", &linux, "/home/sam/.config/Code - Insiders/User/mcp.json"),
        ("vscode-insiders", &mac, &format!("{support}/Code - Insiders/User/mcp.json")),
        ("vscodium", &windows, "/C/Users/sam/Roaming/VSCodium/User/mcp.json"),
        ("codex", &linux, "/home/sam/.codex/config.toml"),
        ("gemini-cli", &windows, "/C/Users/sam/.gemini/settings.json"),
        ("windsurf", &mac, "/Users/sam/.codeium/windsurf/mcp_config.json"),
        ("devin-desktop", &linux, "/home/sam/.config/devin/mcp_config.json"),
        ("devin-desktop", &windows, "/C/Users/sam/Roaming/devin/mcp_config.json"),
        ("zed", &linux, "/home/sam/.config/zed/settings.json"),
        ("zed", &mac, "/Users/sam/.config/zed/settings.json"),
        ("zed", &windows, "/C/Users/sam/Roaming/Zed/settings.json"),
        ("cline", &linux, "/home/sam/.cline/data/settings/cline_mcp_settings.json"),
        (
            "roo-code",
            &mac,
            &format!(
                "{support}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"
            ),
        ),
        ("continue", &linux, "/home/sam/.continue/config.yaml"),
        ("junie", &linux, "/home/sam/.junie/mcp/mcp.json"),
        ("opencode", &linux, "/home/sam/.config/opencode/opencode.json"),
        ("opencode", &windows, "/C/Users/sam/.config/opencode/opencode.json"),
        ("goose", &linux, "/home/sam/.config/goose/config.yaml"),
        ("goose", &windows, "/C/Users/sam/Roaming/Block/goose/config/config.yaml"),
        ("lm-studio", &windows, "/C/Users/sam/.lmstudio/mcp.json"),
        ("warp", &linux, "/home/sam/.warp/.mcp.json"),
        ("amp", &mac, "/Users/sam/.config/amp/settings.json"),
    ] {
        assert_eq!(files(id, machine, None), [(FileScope::User, PathBuf::from(want))], "{id}");
    }
}

#[test]
fn a_folder_adds_its_own() {
    let machine = machine(Os::Linux, "/home/sam", &[]);
    for (id, want) in [
        ("claude-code", Some(".mcp.json")),
        ("cursor", Some(".cursor/mcp.json")),
        ("vscode", Some(".vscode/mcp.json")),
        ("codex", Some(".codex/config.toml")),
        ("gemini-cli", Some(".gemini/settings.json")),
        ("devin-desktop", Some(".devin/mcp_config.json")),
        ("zed", Some(".zed/settings.json")),
        ("roo-code", Some(".roo/mcp.json")),
        ("junie", Some(".junie/mcp/mcp.json")),
        ("opencode", Some("opencode.json")),
        ("warp", Some(".warp/.mcp.json")),
        ("amp", Some(".amp/settings.json")),
        ("claude-desktop", None),
        ("windsurf", None),
        ("goose", None),
        ("lm-studio", None),
    ] {
        let all = files(id, &machine, Some("/srv/shop"));
        let project: Vec<_> =
            all.iter().filter(|(scope, _)| *scope == FileScope::Project).collect();
        let want = want.map(|path| (FileScope::Project, Path::new("/srv/shop").join(path)));
        assert_eq!(project, want.iter().collect::<Vec<_>>(), "{id}");
    }
    // The home directory's files are the user's.
    let home = files("cursor", &machine, Some("/home/sam"));
    assert_eq!(home, [(FileScope::User, PathBuf::from("/home/sam/.cursor/mcp.json"))]);
}

#[test]
fn variables_move_files() {
    let set = [
        ("CODEX_HOME", "/elsewhere/codex"),
        ("CLAUDE_CONFIG_DIR", "/elsewhere/claude"),
        ("XDG_CONFIG_HOME", "/elsewhere/config"),
        ("CLINE_DIR", "not/from/the/root"),
    ];
    let machine = machine(Os::Linux, "/home/sam", &set);
    for (id, want) in [
        ("codex", "/elsewhere/codex/config.toml"),
        ("claude-code", "/elsewhere/claude/.claude.json"),
        ("vscode", "/elsewhere/config/Code/User/mcp.json"),
        ("opencode", "/elsewhere/config/opencode/opencode.json"),
        ("cline", "/home/sam/.cline/data/settings/cline_mcp_settings.json"),
        ("cursor", "/home/sam/.cursor/mcp.json"),
    ] {
        assert_eq!(files(id, &machine, None), [(FileScope::User, PathBuf::from(want))], "{id}");
    }
    let known: BTreeSet<&str> = known_variables().collect();
    let want = [
        "APPDATA",
        "CLAUDE_CONFIG_DIR",
        "CLINE_DIR",
        "CODEX_HOME",
        "CONTINUE_GLOBAL_DIR",
        "LOCALAPPDATA",
        "XDG_CONFIG_HOME",
    ];
    assert_eq!(known, BTreeSet::from(want), "what `Machine::this` asks for");
}

/// A home directory on disk, for what depends on what is there.
struct Home {
    directory: TempDir,
    machine: Machine,
}

impl Home {
    fn new(os: Os) -> Self {
        let directory = TempDir::new().expect("a directory");
        let home = directory.path().to_owned();
        Self { directory, machine: Machine { os, home, variables: BTreeMap::new() } }
    }

    fn write(&self, path: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, content).expect("a file");
        path
    }

    fn make(&self, path: &str) -> PathBuf {
        let path = self.directory.path().join(path);
        fs::create_dir_all(&path).expect("directories");
        path
    }

    fn files(&self, id: &str) -> Vec<PathBuf> {
        files(id, &self.machine, None).into_iter().map(|(_, path)| path).collect()
    }

    fn found(&self) -> Vec<&'static str> {
        let found = Client::all().iter().filter(|client| client.is_found(&self.machine));
        found.map(|client| client.id.as_str()).collect()
    }
}

#[test]
fn the_microsoft_store_keeps_claude_desktops_file_elsewhere() {
    let home = Home::new(Os::Windows);
    let usual = home.machine.home.join("AppData/Roaming/Claude/claude_desktop_config.json");
    assert_eq!(home.files("claude-desktop"), [usual.as_path()]);

    let package = home.make("AppData/Local/Packages/Claude_pzs8sxrjxfjjc");
    home.make("AppData/Local/Packages/ClaudeSomethingElse_1");
    home.make("AppData/Local/Packages/Microsoft.Claude_1");
    let packaged = package.join("LocalCache/Roaming/Claude/claude_desktop_config.json");
    assert_eq!(home.files("claude-desktop"), [packaged.as_path()], "before it was started once");

    home.write("AppData/Roaming/Claude/claude_desktop_config.json", "{}");
    assert_eq!(home.files("claude-desktop"), [packaged, usual], "and what another one left");
    assert_eq!(home.found(), ["claude-desktop"]);
}

#[test]
fn a_star_in_the_home_directorys_name_is_only_a_star() {
    let mut home = Home::new(Os::Linux);
    home.make("s*m");
    home.make("sam");
    home.machine.home.push("s*m");
    assert_eq!(home.files("cursor"), [home.machine.home.join(".cursor/mcp.json")]);
}

#[test]
fn of_files_that_serve_the_same_end_those_that_exist_count() {
    let home = Home::new(Os::Linux);
    let json = home.machine.home.join(".config/opencode/opencode.json");
    assert_eq!(home.files("opencode"), [json.as_path()]);
    let jsonc = home.write(".config/opencode/opencode.jsonc", "{}");
    assert_eq!(home.files("opencode"), [jsonc.as_path()]);
    home.write(".config/opencode/opencode.json", "{}");
    assert_eq!(home.files("opencode"), [json, jsonc]);
}

#[test]
fn a_file_is_made_where_the_client_is() {
    let home = Home::new(Os::Linux);
    let older = home.make(".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings");
    assert_eq!(home.files("cline"), [older.join("cline_mcp_settings.json")]);
    let newer = home.make(".cline/data/settings");
    assert_eq!(home.files("cline"), [newer.join("cline_mcp_settings.json")]);
}

#[test]
fn opencodes_second_version_has_a_container_within_the_first() {
    let home = Home::new(Os::Linux);
    for (content, want) in [
        ("{}", &["mcp"][..]),
        (r#"{"mcp": {}}"#, &["mcp"]),
        (r#"{"mcp": {"a": {"type": "local", "command": ["a"]}}}"#, &["mcp"]),
        (r#"{"mcp": {"servers": {"type": "local", "command": ["a"]}}}"#, &["mcp"]),
        (
            r#"{"mcp": {"servers": {"a": {"type": "local", "command": ["a"]}}}}"#,
            &["mcp", "servers"],
        ),
        (r#"{"mcp": {"servers": {}}}"#, &["mcp", "servers"]),
        (r#"{"mcp": "#, &["mcp"]),
    ] {
        home.write(".config/opencode/opencode.json", content);
        let client = Client::by_id("opencode").expect("known");
        let places = client.places(&home.machine, None);
        assert_eq!(places[0].container, want, "{content}");
    }
}

#[test]
fn a_client_is_known_by_its_file_its_directory_or_its_program() {
    let home = Home::new(Os::Linux);
    assert_eq!(home.found(), Vec::<&str>::new());
    home.write(".cursor/mcp.json", "{}");
    home.make(".config/zed");
    assert_eq!(home.found(), ["cursor", "zed"]);

    let mut home = Home::new(Os::Linux);
    let program = home.write("bin/goose", "");
    home.make("other/codex");
    let path = env::join_paths([
        home.machine.home.join("nowhere"),
        home.machine.home.join("other"),
        program.parent().expect("a directory").to_owned(),
    ]);
    home.machine.variables.insert("PATH".to_owned(), PathBuf::from(path.expect("a path")));
    assert_eq!(home.found(), ["goose"], "a directory called like a program is none");

    home.machine.os = Os::Windows;
    assert_eq!(home.found(), Vec::<&str>::new());
    home.write("bin/goose.exe", "");
    home.write("bin/gemini.cmd", "");
    assert_eq!(home.found(), ["gemini-cli", "goose"]);
}
