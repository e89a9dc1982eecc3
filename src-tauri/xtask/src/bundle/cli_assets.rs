//! What a package brings for the terminal: the manual and the completions, which the command line makes itself.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{COMMAND_LINE, Stage};
use crate::process;

/// Where Debian's zsh looks for the completions of packages, and where that of others does.
const ZSH: [&str; 2] = ["/usr/share/zsh/vendor-completions", "/usr/share/zsh/site-functions"];

/// Where each shell looks, and what a file for a name is called there.
fn completions(name: &str) -> [(&'static str, String); 3] {
    [
        ("bash", format!("/usr/share/bash-completion/completions/{name}")),
        ("fish", format!("/usr/share/fish/vendor_completions.d/{name}.fish")),
        ("zsh", format!("{}/_{name}", ZSH[0])),
    ]
}

/// The same files where an `.rpm` has them.
pub(super) fn as_in_rpm(files: &BTreeMap<String, PathBuf>) -> BTreeMap<String, PathBuf> {
    files.iter().map(|(place, file)| (place.replace(ZSH[0], ZSH[1]), file.clone())).collect()
}

/// Files of a `.deb`, each with where it lies ready.
pub(super) fn files(stage: &Stage) -> Result<BTreeMap<String, PathBuf>> {
    let folder = stage.target.join("terminal");
    let program = stage.programs.join(format!("{}-{}", COMMAND_LINE[0], stage.platform));
    let mut files = BTreeMap::new();

    let pages = folder.join("man");
    process::run(Command::new(&program).args(["man", "--dir"]).arg(&pages))?;
    process::output(
        Command::new("gzip").args(["--best", "--no-name", "--force"]).args(entries(&pages)?),
    )?;
    for page in entries(&pages)? {
        let name = page.file_name().context("a page has a name")?.to_string_lossy().into_owned();
        files.insert(format!("/usr/share/man/man1/{name}"), page);
    }

    for name in COMMAND_LINE {
        for (shell, place) in completions(name) {
            let script = process::output(Command::new(&program).args([
                "completions",
                shell,
                "--name",
                name,
            ]))?;
            let file = folder.join(format!("{name}.{shell}"));
            fs::write(&file, script).with_context(|| format!("cannot write {}", file.display()))?;
            files.insert(place, file);
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()));
    entries.collect::<std::io::Result<_>>().context("cannot read a folder to its end")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// In place of the command line: writes two pages, and repeats what it was asked for.
    const PROGRAM: &str = "#!/bin/sh\n\
        if [ \"$1\" = man ]; then mkdir -p \"$3\"; echo page > \"$3/agentport.1\"; echo page > \"$3/ap.1\"\n\
        else echo \"$@\"; fi\n";

    #[test]
    fn pages_are_compressed_and_every_shell_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage {
            target: folder.path().join("target"),
            programs: folder.path().to_owned(),
            platform: "here".to_owned(),
            debug: true,
        };
        fs::create_dir_all(stage.target.join("terminal")).unwrap();
        let program = folder.path().join("agentport-here");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

        let files = files(&stage).unwrap();
        let places = files.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(
            places,
            [
                "/usr/share/bash-completion/completions/agentport",
                "/usr/share/bash-completion/completions/ap",
                "/usr/share/fish/vendor_completions.d/agentport.fish",
                "/usr/share/fish/vendor_completions.d/ap.fish",
                "/usr/share/man/man1/agentport.1.gz",
                "/usr/share/man/man1/ap.1.gz",
                "/usr/share/zsh/vendor-completions/_agentport",
                "/usr/share/zsh/vendor-completions/_ap",
            ]
        );
        let script = &files["/usr/share/zsh/vendor-completions/_ap"];
        assert_eq!(fs::read_to_string(script).unwrap(), "completions zsh --name ap\n");
        assert_eq!(fs::read(&files["/usr/share/man/man1/ap.1.gz"]).unwrap()[..2], [0x1f, 0x8b]);

        let rpm = as_in_rpm(&files);
        assert!(rpm.contains_key("/usr/share/zsh/site-functions/_ap"));
        assert_eq!(rpm.len(), files.len());
    }
}
