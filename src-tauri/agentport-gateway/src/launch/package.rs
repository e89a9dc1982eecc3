//! The package that a command runs by a package runner (`npx`, `uvx`, `docker run` and the like), and its version.
//!
//! A package without an exact version is another program whenever its registry has a newer one.

use std::path::Path;

use agentport_api::{Connection, Program};

/// Programs that fetch a package before they run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PackageRunner {
    Npm,
    Python,
    Image,
}

/// The package a command names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageRef<'a> {
    runner: PackageRunner,
    /// The index of its argument.
    at: usize,
    /// What stands before it in that argument, such as `--from=`.
    before: &'a str,
    pub(crate) name: &'a str,
    /// Between name and version: `@`, `==` or `:`.
    mark: &'static str,
    version: Option<&'a str>,
}

const NPM_VALUES: [&str; 8] =
    ["--registry", "--cache", "--prefix", "--userconfig", "-c", "--call", "-w", "--workspace"];
const PYTHON_VALUES: [&str; 17] = [
    "--with",
    "--with-requirements",
    "--with-editable",
    "--python",
    "-p",
    "--index",
    "--index-url",
    "--default-index",
    "--extra-index-url",
    "--directory",
    "--env-file",
    "--cache-dir",
    "--constraints",
    "-c",
    "--find-links",
    "-f",
    "--pip-args",
];
const IMAGE_VALUES: [&str; 24] = [
    "-e",
    "--env",
    "--env-file",
    "-v",
    "--volume",
    "--mount",
    "--name",
    "-p",
    "--publish",
    "--network",
    "--net",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--entrypoint",
    "--platform",
    "--pull",
    "-m",
    "--memory",
    "--cpus",
    "-l",
    "--label",
    "--add-host",
];

/// The package that the command runs; `None`: it runs none, or not one of a registry.
pub(crate) fn package_of(program: Program<'_>) -> Option<PackageRef<'_>> {
    let mut words = program.args.iter().map(String::as_str).enumerate().peekable();
    let stem = Path::new(program.command).file_stem()?.to_str()?.to_ascii_lowercase();
    let mut runner = stem;
    if runner == "cmd" {
        words.next().filter(|(_, word)| word.eq_ignore_ascii_case("/c"))?;
        let (_, word) = words.next()?;
        runner = Path::new(word).file_stem()?.to_str()?.to_ascii_lowercase();
    }
    let mut sub = |wanted: &[&str]| words.next_if(|(_, word)| wanted.contains(word)).is_some();
    let runner = match runner.as_str() {
        "npx" | "bunx" | "pnpx" => PackageRunner::Npm,
        "npm" if sub(&["exec", "x"]) => PackageRunner::Npm,
        "pnpm" | "yarn" if sub(&["dlx"]) => PackageRunner::Npm,
        "bun" if sub(&["x"]) => PackageRunner::Npm,
        "uvx" => PackageRunner::Python,
        "uv" if sub(&["tool"]) && sub(&["run"]) => PackageRunner::Python,
        "pipx" if sub(&["run"]) => PackageRunner::Python,
        "docker" | "podman" if sub(&["run"]) => PackageRunner::Image,
        _ => return None,
    };
    let (names, values): (&[&str], &[&str]) = match runner {
        PackageRunner::Npm => (&["--package", "-p"], &NPM_VALUES),
        PackageRunner::Python => (&["--from", "--spec"], &PYTHON_VALUES),
        PackageRunner::Image => (&[], &IMAGE_VALUES),
    };
    while let Some((at, word)) = words.next() {
        if word == "--" {
            continue;
        }
        if let Some((flag, spec)) = word.split_once('=').filter(|(flag, _)| names.contains(flag)) {
            return PackageRef::parse(runner, at, &word[..=flag.len()], spec);
        }
        if names.contains(&word) {
            let (at, spec) = words.next()?;
            return PackageRef::parse(runner, at, "", spec);
        }
        if values.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return PackageRef::parse(runner, at, "", word);
        }
    }
    None
}

impl<'a> PackageRef<'a> {
    fn parse(runner: PackageRunner, at: usize, before: &'a str, spec: &'a str) -> Option<Self> {
        let of_a_registry = !spec.contains("://")
            && !spec.starts_with(['.', '/', '~', '\\', '{'])
            && !spec.contains("git+")
            && !spec.is_empty();
        if !of_a_registry {
            return None;
        }
        let (name, mark, version) = match runner {
            PackageRunner::Npm => {
                let scoped = usize::from(spec.starts_with('@'));
                match spec[scoped..].find('@').map(|found| found + scoped) {
                    Some(found) => (&spec[..found], "@", Some(&spec[found + 1..])),
                    None if spec.contains(':') => return None,
                    None => (spec, "@", None),
                }
            }
            PackageRunner::Python => match (spec.split_once("=="), spec.split_once('@')) {
                (Some((name, version)), _) => (name, "==", Some(version)),
                (None, Some((name, version))) => (name, "@", Some(version)),
                (None, None) => {
                    let end = spec.find(['<', '>', '=', '!', '~']).unwrap_or(spec.len());
                    let mark = if before.is_empty() { "@" } else { "==" };
                    (&spec[..end], mark, (end < spec.len()).then(|| &spec[end..]))
                }
            },
            PackageRunner::Image => match (spec.split_once('@'), spec.rsplit_once(':')) {
                (Some((name, digest)), _) => (name, "@", Some(digest)),
                // A port of a registry is no tag.
                (None, Some((name, tag))) if !tag.contains('/') => (name, ":", Some(tag)),
                _ => (spec, ":", None),
            },
        };
        (!name.is_empty()).then_some(Self { runner, at, before, name, mark, version })
    }

    /// Names it one version, the same at each start?
    pub(crate) fn is_pinned(&self) -> bool {
        self.version.is_some_and(|version| self.fits(version))
    }

    /// The version it names, if that is one.
    pub(crate) fn version(&self) -> Option<&'a str> {
        self.version.filter(|version| self.fits(version))
    }

    /// Is it one version of such a package, and no tag or range?
    pub(crate) fn fits(&self, version: &str) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
        let exact = version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(word);
        match self.runner {
            // Fewer than three numbers are a range (semver of npm).
            PackageRunner::Npm => {
                let release = version.split(['-', '+']).next().unwrap_or_default();
                let numbers = release.split('.');
                exact
                    && numbers.clone().count() == 3
                    && numbers
                        .into_iter()
                        .all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
            }
            PackageRunner::Python => exact,
            PackageRunner::Image => {
                let digest = version.strip_prefix("sha256:");
                match digest {
                    Some(hex) => hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()),
                    None => !version.is_empty() && version != "latest" && version.chars().all(word),
                }
            }
        }
    }
}

/// The connection of a local server with its package at this version; `None`: it runs no package, or that is no version.
pub(crate) fn pinned(connection: &Connection, version: &str) -> Option<Connection> {
    let package = package_of(connection.program()?)?;
    if !package.fits(version) {
        return None;
    }
    let mark = if version.starts_with("sha256:") { "@" } else { package.mark };
    let word = format!("{}{}{mark}{version}", package.before, package.name);
    let at = package.at;
    let mut connection = connection.clone();
    if let Connection::LocalMcp { args, .. } = &mut connection {
        args[at] = word;
    }
    Some(connection)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn local(line: &str) -> Connection {
        let mut words = line.split(' ');
        let command = words.next().unwrap();
        let args: Vec<_> = words.collect();
        serde_json::from_value(json!({"type": "local_mcp", "command": command, "args": args}))
            .unwrap()
    }

    #[test]
    fn packages_and_their_versions_are_found() {
        for (line, want) in [
            ("npx -y @scope/server@1.2.3 /a", Some(("@scope/server", Some("1.2.3")))),
            ("npx -y @scope/server /a", Some(("@scope/server", None))),
            ("npx @scope/server@latest", Some(("@scope/server", None))),
            ("npx -y server@^1.2.3", Some(("server", None))),
            ("npx -y server@1", Some(("server", None))),
            ("npx --yes --package=server@1.2.3 run-it", Some(("server", Some("1.2.3")))),
            ("npx -p server run-it", Some(("server", None))),
            ("/usr/bin/npx server@1.2.3-beta.1", Some(("server", Some("1.2.3-beta.1")))),
            ("cmd /c npx -y server", Some(("server", None))),
            ("pnpm dlx server", Some(("server", None))),
            ("pnpm start", None),
            ("uvx mcp-server-git --repository /a", Some(("mcp-server-git", None))),
            ("uvx mcp-server-git@2026.10.19", Some(("mcp-server-git", Some("2026.10.19")))),
            ("uvx --python 3.12 --from pkg==1.2 cmd", Some(("pkg", Some("1.2")))),
            ("uvx --from pkg[cli]>=1.2 cmd", Some(("pkg[cli]", None))),
            ("uvx --from git+https://example.test/x cmd", None),
            ("uv tool run pkg", Some(("pkg", None))),
            ("uv run --directory /x server.py", None),
            ("pipx run --spec pkg==1.0.0 cmd", Some(("pkg", Some("1.0.0")))),
            ("docker run -i --rm -e KEY ghcr.io/a/b", Some(("ghcr.io/a/b", None))),
            ("docker run -i localhost:5000/a/b", Some(("localhost:5000/a/b", None))),
            ("docker run -i a/b:1.4", Some(("a/b", Some("1.4")))),
            ("docker run -i a/b:latest", Some(("a/b", None))),
            ("npx -y ./server", None),
            ("node server.js", None),
            ("npx", None),
        ] {
            let connection = local(line);
            let got = package_of(connection.program().unwrap());
            assert_eq!(got.map(|package| (package.name, package.version())), want, "{line}");
        }
    }

    #[test]
    fn a_pin_changes_one_word() {
        for (line, version, want) in [
            ("npx -y @s/server /a", "1.2.3", "npx -y @s/server@1.2.3 /a"),
            ("npx -y --package=server@latest run", "1.2.3", "npx -y --package=server@1.2.3 run"),
            ("uvx mcp-server-git -r /a", "2026.10.19", "uvx mcp-server-git@2026.10.19 -r /a"),
            ("uvx --from pkg==1.* cmd", "1.4", "uvx --from pkg==1.4 cmd"),
            ("docker run -i a/b:latest", "1.4", "docker run -i a/b:1.4"),
        ] {
            let pinned = pinned(&local(line), version).unwrap();
            assert_eq!(pinned.program().unwrap().line(), want);
            assert!(package_of(pinned.program().unwrap()).unwrap().is_pinned(), "{want}");
        }
        for version in ["latest", "^1.0.0", "1", "1.0.0 --registry=x", "", "1.0.0;x"] {
            assert_eq!(pinned(&local("npx -y server"), version), None, "{version}");
        }
    }
}
