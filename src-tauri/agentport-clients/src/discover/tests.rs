use std::{collections::BTreeMap, fs, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::{client::Os, mcp_server::Launch};

struct Home {
    directory: TempDir,
    machine: Machine,
}

impl Home {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let home = directory.path().to_owned();
        Self { directory, machine: Machine { os: Os::Linux, home, variables: BTreeMap::new() } }
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        path
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(path), content).expect("a file");
    }

    fn look(&self, id: &str) -> FoundState {
        let client = Client::by_id(id).expect("known");
        look(&client.places(&self.machine, None)[0])
    }
}

const ONE: &str = r#"{"mcpServers": {"one": {"command": "one"}}}"#;

fn names(state: &FoundState) -> Vec<&str> {
    match state {
        FoundState::Readable { servers, .. } => {
            servers.iter().map(|server| server.name.as_str()).collect()
        }
        other => panic!("not readable: {other:?}"),
    }
}

#[test]
fn those_found_come_first() {
    let home = Home::new();
    home.write(".warp/.mcp.json", ONE);
    home.write(".cursor/mcp.json", ONE);
    let all = discover(&home.machine, None);
    let ids: Vec<&str> = all.iter().map(|found| found.client.id.as_str()).collect();
    assert_eq!(ids[..3], ["cursor", "warp", "claude-desktop"]);
    assert_eq!(all.len(), Client::all().len());
    assert_eq!(all.iter().filter(|found| found.found).count(), 2);
    assert_eq!(names(&all[0].files[0].state), ["one"]);
    assert!(matches!(all[2].files[0].state, FoundState::Missing));
}

#[test]
fn a_folder_adds_its_files() {
    let home = Home::new();
    home.write("work/.mcp.json", ONE);
    let all = discover(&home.machine, Some(&home.directory.path().join("work")));
    let claude = all.iter().find(|found| found.client.id == "claude-code").expect("known");
    assert!(!claude.found, "a project's file says nothing of the machine");
    assert!(matches!(claude.files[0].state, FoundState::Missing));
    assert_eq!(names(&claude.files[1].state), ["one"]);
}

#[test]
fn unreadable_files_are_a_state() {
    let home = Home::new();
    assert!(matches!(home.look("cursor"), FoundState::Missing));

    home.write(".cursor/mcp.json", "{\n  \"mcpServers\": {\n    \"a\": nonsense\n  }\n}\n");
    let FoundState::Broken(error) = home.look("cursor") else { panic!("it does not parse") };
    assert_eq!(error.line, 3);

    home.write(".cursor/mcp.json", r#"{"mcpServers": "none"}"#);
    assert!(matches!(home.look("cursor"), FoundState::Broken(_)));

    home.write(".cursor/mcp.json", b"\xff\xfe\x00");
    assert!(matches!(home.look("cursor"), FoundState::Broken(_)));

    home.write(".cursor/mcp.json", "");
    assert_eq!(names(&home.look("cursor")), Vec::<&str>::new());

    fs::remove_file(home.path(".cursor/mcp.json")).expect("gone");
    fs::create_dir(home.path(".cursor/mcp.json")).expect("a directory");
    assert!(matches!(home.look("cursor"), FoundState::Unreadable(_)));

    // A file where a directory should be: there is no such file below it.
    home.write(".warp", "");
    assert!(matches!(home.look("warp"), FoundState::Missing));
}

#[test]
fn more_servers_than_anybody_has_are_left_alone() {
    let home = Home::new();
    let file = |count: usize| {
        let servers: Vec<String> =
            (0..count).map(|at| format!(r#""s{at}": {{ "command": "x" }}"#)).collect();
        format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(","))
    };
    home.write(".cursor/mcp.json", file(200));
    assert_eq!(names(&home.look("cursor")).len(), 200);
    home.write(".cursor/mcp.json", file(201));
    let FoundState::Unreadable(error) = home.look("cursor") else { panic!("it was read") };
    assert!(error.to_string().contains("too many servers (201)"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_proc_and_sys_are_not_read() {
    let home = Home::new();
    std::os::unix::fs::symlink("/proc/self/pagemap", home.path(".cursor/mcp.json")).unwrap();
    assert!(matches!(home.look("cursor"), FoundState::Unreadable(_)));
    // In a project it leads out of it as well.
    std::os::unix::fs::symlink("/proc/self/pagemap", home.path("work/.mcp.json")).unwrap();
    let all = discover(&home.machine, Some(&home.directory.path().join("work")));
    let claude = all.iter().find(|found| found.client.id == "claude-code").expect("known");
    assert!(matches!(claude.files[1].state, FoundState::Unreadable(_)));
}

#[cfg(unix)]
#[test]
fn a_projects_link_out_of_it_is_left_alone() {
    let home = Home::new();
    home.write(".claude.json", ONE);
    std::os::unix::fs::symlink("../.claude.json", home.path("work/.mcp.json")).expect("a link");
    let all = discover(&home.machine, Some(&home.directory.path().join("work")));
    let claude = all.iter().find(|found| found.client.id == "claude-code").expect("known");
    assert_eq!(names(&claude.files[0].state), ["one"]);
    let FoundState::Unreadable(error) = &claude.files[1].state else { panic!("it was read") };
    assert!(error.to_string().contains("leads out of the project"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    use std::os::unix::fs::symlink;

    let home = Home::new();
    home.write("dotfiles/cursor.json", ONE);
    symlink("../dotfiles/cursor.json", home.path(".cursor/mcp.json")).expect("a link");
    assert_eq!(names(&home.look("cursor")), ["one"]);

    symlink("nowhere.json", home.path(".warp/.mcp.json")).expect("a link");
    assert!(matches!(home.look("warp"), FoundState::Missing));

    symlink(home.path(".junie/mcp/mcp.json"), home.path(".junie/mcp/mcp.json")).expect("a loop");
    assert!(matches!(home.look("junie"), FoundState::Unreadable(_)));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    use std::os::unix::net::UnixListener;

    let home = Home::new();
    // A socket stands for everything that is no file: a pipe would be opened for good.
    let _listening = UnixListener::bind(home.path(".cursor/mcp.json")).expect("a socket");
    assert!(matches!(home.look("cursor"), FoundState::Unreadable(_)));
}

#[test]
fn debug_shows_names_and_no_secrets() {
    let home = Home::new();
    home.write(
        ".cursor/mcp.json",
        r#"{"mcpServers": {"one": {"command": "one", "env": {"KEY": "fake-key-0001"}}}}"#,
    );
    let shown = format!("{:?}", home.look("cursor"));
    assert!(shown.contains("one") && !shown.contains("fake-key"), "{shown}");
}

/// Each client's own fixture, at its place.
#[test]
fn every_client_is_read_where_it_lies() {
    let home = Home::new();
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/clients");
    for client in Client::all() {
        let place = client.places(&home.machine, None).remove(0);
        let ending = match place.format {
            crate::client::FileFormat::Json => "json",
            crate::client::FileFormat::Toml => "toml",
            crate::client::FileFormat::Yaml => "yaml",
        };
        let rich = fs::read(fixtures.join(&client.id).join(format!("rich.{ending}")));
        fs::create_dir_all(place.path.parent().expect("a parent")).expect("directories");
        fs::write(&place.path, rich.expect(&client.id)).expect("a file");
    }
    let all = discover(&home.machine, Some(home.directory.path()));
    let mut servers = 0;
    for found in &all {
        assert!(found.found, "{}", found.client.id);
        let FoundState::Readable { servers: of_file, .. } = &found.files[0].state else {
            panic!("{}: {:?}", found.client.id, found.files[0].state);
        };
        assert!(of_file.len() > 2, "{}: {} servers", found.client.id, of_file.len());
        let clear = of_file.iter().filter(|server| !matches!(server.launch, Launch::Unclear(_)));
        assert!(clear.count() > 1, "{}: nothing that can be read", found.client.id);
        servers += of_file.len();
    }
    assert!(servers > 80, "{servers} servers");
}
