//! Files the command line writes without a gateway: the agent skill, shell completions, the manual.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use agentport_tests::programs;
use serde_json::{Value, json};

/// A user's home, and nothing else of this machine.
struct Home(tempfile::TempDir);

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(programs::agentport());
        command.args(line.split(' ')).env_clear().current_dir(self.0.path());
        command.env("HOME", self.0.path()).env("USERPROFILE", self.0.path());
        command
    }

    fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line).output().expect("agentport starts"))
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_skill_is_put_where_the_client_looks_and_taken_away_again() {
    let home = Home::new();
    for (client, folder) in [
        ("claude-code", ".claude/skills/agentport"),
        ("cursor", ".cursor/skills/agentport"),
        ("codex", ".agents/skills/agentport"),
    ] {
        let folder = home.path(folder);
        let said = home.run(&format!("skill install {client} --dry-run")).done();
        assert!(said.contains("Would write") && !folder.exists(), "{said}");

        let said = home.run(&format!("skill install {client}")).done();
        for file in ["SKILL.md", "references/command-line.md"] {
            let file = folder.join(file);
            assert!(said.contains(&format!("Wrote {}", file.display())), "{said}");
            assert!(file.is_file());
        }
        let skill = read(&folder.join("SKILL.md"));
        assert!(skill.starts_with("---\nname: agentport\ndescription: "), "{skill}");

        let said = home.run(&format!("skill install {client}")).done();
        assert_eq!(said.matches("Unchanged:").count(), 2, "{said}");

        fs::write(folder.join("mine.md"), "mine").expect("a file");
        let said = home.run(&format!("skill remove {client}")).done();
        assert_eq!(said.matches("Removed").count(), 2, "{said}");
        assert_eq!(read(&folder.join("mine.md")), "mine");
        fs::remove_file(folder.join("mine.md")).expect("the file goes");

        home.run(&format!("skill install {client}")).done();
        home.run(&format!("skill remove {client}")).done();
        assert!(!folder.exists(), "an empty folder stays");
        assert!(folder.parent().expect("a parent").is_dir(), "the client's own folder goes");
        home.run(&format!("skill remove {client}")).done();
    }
}

#[test]
fn a_file_that_was_changed_is_left_alone_unless_forced() {
    let home = Home::new();
    home.run("skill install cursor --dir skills").done();
    let skill = home.path("skills/agentport/SKILL.md");
    let other = home.path("skills/agentport/references/command-line.md");
    let original = read(&skill);
    let changed = original.replacen("the person", "my boss", 1);
    fs::write(&skill, &changed).expect("written");
    fs::remove_file(&other).expect("removed");

    for command in ["install", "remove"] {
        let ran = home.run(&format!("skill {command} cursor --dir skills"));
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
        assert_eq!(read(&skill), changed);
        assert!(!other.exists(), "half of it was done");
    }
    home.run("skill install cursor --dir skills --force").done();
    assert_eq!(read(&skill), original);
    assert!(other.is_file());

    fs::write(&skill, &changed).expect("written");
    home.run("skill remove cursor --dir skills --force").done();
    assert!(!home.path("skills/agentport").exists());
}

/// What a link leads to is somebody else's, whatever its name says.
#[cfg(unix)]
#[test]
fn links_in_the_skills_place_are_not_followed() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    let skill = home.path("skills/agentport/SKILL.md");
    let check = |place: &str, others: &str| {
        for line in ["install", "install --force", "remove", "remove --force"] {
            let (verb, force) = line.split_once(' ').unwrap_or((line, ""));
            let line = format!("skill {verb} cursor --dir skills {force}");
            let ran = home.run(line.trim_end());
            assert_eq!(ran.code, Some(1), "{line}: {}", ran.stdout);
            assert!(ran.stdout.contains("Behind a link:"), "{line}: {}", ran.stdout);
            assert!(ran.stderr.contains("Remove the link"), "{line}: {}", ran.stderr);
            assert!(home.path(place).is_symlink(), "{line}");
            assert_eq!(read(&home.path(others)), "mine", "{line}");
            assert!(!home.path("new").exists(), "{line}");
        }
    };
    fs::write(home.path("profile"), "mine").expect("a file");
    fs::create_dir_all(home.path("skills/agentport")).expect("a folder");
    symlink(home.path("profile"), &skill).expect("a link");
    check("skills/agentport/SKILL.md", "profile");
    assert!(!home.path("skills/agentport/references").exists(), "half of it was done");
    // One that leads nowhere yet.
    fs::remove_file(&skill).expect("removed");
    symlink(home.path("new"), &skill).expect("a link");
    check("skills/agentport/SKILL.md", "profile");
    // A folder.
    fs::remove_file(&skill).expect("removed");
    fs::create_dir(home.path("other")).expect("a folder");
    fs::write(home.path("other/command-line.md"), "mine").expect("a file");
    let references = home.path("skills/agentport/references");
    symlink(home.path("other"), &references).expect("a link");
    check("skills/agentport/references", "other/command-line.md");
    assert!(!skill.exists());
    // Where the client's own folder is one, that is how its owner wants it.
    fs::create_dir(home.path("dotfiles")).expect("a folder");
    symlink(home.path("dotfiles"), home.path("linked")).expect("a link");
    home.run("skill install cursor --dir linked").done();
    assert!(home.path("dotfiles/agentport/SKILL.md").is_file());
    home.run("skill remove cursor --dir linked").done();
    assert!(!home.path("dotfiles/agentport").exists());
}

#[test]
fn scripts_get_json_and_clients_that_were_moved_are_found() {
    let home = Home::new();
    let mut command = home.command("skill install codex -o json");
    command.env("CODEX_HOME", home.path("codex"));
    let said = Ran::of(command.output().expect("agentport starts")).done();
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let folder = home.path("codex/skills/agentport");
    assert_eq!(
        said,
        json!({
            "folder": folder,
            "done": true,
            "files": [
                { "path": folder.join("SKILL.md"), "step": "write" },
                { "path": folder.join("references/command-line.md"), "step": "write" },
            ],
        })
    );
    let shown = home.run("skill show").done();
    let skill = read(&folder.join("SKILL.md"));
    let text = skill.split("<!-- written by").next().expect("a text").trim_end();
    assert!(shown.contains(text));
    let files: Value = serde_json::from_str(&home.run("skill show -o json").done()).expect("JSON");
    assert_eq!(files[1]["path"], "references/command-line.md");
    assert!(files[0]["text"].as_str().is_some_and(|shown| shown.contains(text)));
    let ran = home.run("skill install emacs");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("claude-code"), "{}", ran.stderr);
}

#[test]
fn every_shell_gets_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        for name in ["agentport", "ap"] {
            let script = home.run(&format!("completions {shell} --name {name}")).done();
            assert!(script.contains("await-approval") && script.contains(name), "{shell}");
        }
    }
    assert_eq!(home.run("completions tcsh").code, Some(1));
}

#[cfg(unix)]
#[test]
fn bash_completes_with_them() {
    let home = Home::new();
    let script = home.path("completions");
    fs::write(&script, home.run("completions bash --name ap").done()).expect("written");
    let ask = "source \"$1\"; COMP_WORDS=(ap tools aw); COMP_CWORD=2; _ap ap aw tools; echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash").args(["-c", ask, "bash"]).arg(&script).output();
    let ran = Ran::of(output.expect("bash starts"));
    assert_eq!(ran.stdout, "await-approval\n", "{}", ran.stderr);
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let home = Home::new();
    let first = home.run("man").done();
    assert!(first.contains(".TH agentport 1"), "{first}");
    assert_eq!(home.run("man --dir pages").done(), "");
    let pages = home.path("pages");
    assert_eq!(read(&pages.join("agentport.1")), first);
    assert_eq!(read(&pages.join("ap.1")), ".so man1/agentport.1\n");
    for command in ["serve", "tools-call", "skill-install", "man"] {
        let page = read(&pages.join(format!("agentport-{command}.1")));
        assert!(page.contains(&format!(".TH agentport-{command} 1")), "{page}");
    }
    // Nothing of this machine is in them.
    let user = home.0.path().display().to_string();
    for page in fs::read_dir(&pages).expect("the pages") {
        assert!(!read(&page.expect("a page").path()).contains(&user));
    }
}

#[cfg(unix)]
#[test]
fn the_manuals_pages_follow_no_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = Home::new();
    fs::create_dir(home.path("pages")).expect("a folder");
    fs::write(home.path("profile"), "mine").expect("a file");
    for page in ["agentport.1", "ap.1", "agentport-serve.1"] {
        let page = home.path("pages").join(page);
        symlink(home.path("profile"), &page).expect("a link");
        let ran = home.run("man --dir pages");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert!(ran.stderr.contains("is a link"), "{}", ran.stderr);
        assert_eq!(read(&home.path("profile")), "mine");
        assert_eq!(fs::read_dir(home.path("pages")).expect("the folder").count(), 1);
        fs::remove_file(page).expect("removed");
    }
    symlink(home.path("new"), home.path("pages/agentport.1")).expect("a link");
    assert_eq!(home.run("man --dir pages").code, Some(1));
    assert!(!home.path("new").exists(), "nor one that leads nowhere yet");
    fs::remove_file(home.path("pages/agentport.1")).expect("removed");
    // Older pages make room, and others can read the new ones, as far as the folder's owner lets them.
    home.run("man --dir pages").done();
    fs::write(home.path("pages/ap.1"), "older").expect("a file");
    home.run("man --dir pages").done();
    assert_eq!(read(&home.path("pages/ap.1")), ".so man1/agentport.1\n");
    let mode = |path: &str| {
        fs::metadata(home.path(path)).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(mode("pages/ap.1"), mode("profile"), "as any file");
    let left = fs::read_dir(home.path("pages")).expect("the pages");
    let left = left.filter_map(|page| page.ok()?.file_name().into_string().ok());
    assert!(left.into_iter().all(|name| name.ends_with(".1")));
}
