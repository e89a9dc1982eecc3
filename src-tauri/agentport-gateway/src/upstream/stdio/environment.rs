//! Environment of a local server.
//!
//! An allow-list, not a deny-list: API keys and tokens of the owner's shell must not reach every installed server.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use agentport_core::Secret;
use url::Url;

/// What programs need to find themselves, their user and their language.
const ALLOWED: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TERM", "TMPDIR", "SHELL", "TZ"];

/// Without these, Windows programs do not even start.
#[cfg(windows)]
const ALLOWED_HERE: &[&str] = &[
    "APPDATA",
    "COMSPEC",
    "COMMONPROGRAMFILES",
    "COMMONPROGRAMFILES(X86)",
    "COMPUTERNAME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];
#[cfg(not(windows))]
const ALLOWED_HERE: &[&str] = &[];

const ALLOWED_PREFIXES: &[&str] = &["LC_", "XDG_"];

/// A child's environment. Names are compared as the system does: without case on Windows ("Path", "PATH").
pub(super) struct ChildEnvironment {
    variables: BTreeMap<OsString, OsString>,
    ignores_case: bool,
}

impl ChildEnvironment {
    fn new(ignores_case: bool) -> Self {
        Self { variables: BTreeMap::new(), ignores_case }
    }

    /// Sets a variable in place of any of the same name.
    pub(super) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        if self.ignores_case {
            self.variables.retain(|other, _| !other.eq_ignore_ascii_case(&name));
        }
        self.variables.insert(name, value.into());
    }

    pub(super) fn path(&self) -> Option<&OsStr> {
        let is_path = |name: &OsStr| match self.ignores_case {
            true => name.eq_ignore_ascii_case("PATH"),
            false => name == "PATH",
        };
        self.variables.iter().find(|(name, _)| is_path(name)).map(|(_, value)| value.as_os_str())
    }

    pub(super) fn into_variables(self) -> BTreeMap<OsString, OsString> {
        self.variables
    }
}

/// The environment of a child: what is allowed of `ours` (the built-in list and the owner's `inherited` names), then
/// what the integration sets, which wins.
pub(super) fn for_child(
    ours: impl IntoIterator<Item = (OsString, OsString)>,
    inherited: &[String],
    owners: &BTreeMap<String, String>,
    secrets: &[(String, Secret)],
) -> ChildEnvironment {
    let mut environment = ChildEnvironment::new(cfg!(windows));
    for (name, value) in ours {
        if allowed(&name, inherited) {
            environment.set(name, value);
        }
    }
    for (name, value) in owners {
        environment.set(name, value);
    }
    for (name, value) in secrets {
        environment.set(name, value.expose());
    }
    environment
}

/// Whether the integration sets its own PATH.
pub(super) fn sets_path(owners: &BTreeMap<String, String>, secrets: &[(String, Secret)]) -> bool {
    let mut names = owners.keys().chain(secrets.iter().map(|(name, _)| name));
    names.any(|name| name == "PATH" || (cfg!(windows) && name.eq_ignore_ascii_case("PATH")))
}

/// Passwords in inherited addresses, such as a proxy's. They must not be logged.
pub(in crate::upstream) fn inherited_passwords(inherited: &[String]) -> Vec<Secret> {
    inherited
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .flat_map(|value| passwords_in(&value))
        .collect()
}

fn passwords_in(value: &str) -> Vec<Secret> {
    let Ok(url) = Url::parse(value) else { return Vec::new() };
    let Some(encoded) = url.password().filter(|password| !password.is_empty()) else {
        return Vec::new();
    };
    // As it is written in the variable, and as a server may print it.
    let written = value.split_once("://").and_then(|(_, rest)| {
        rest.split_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, written)| written)
    });
    let decoded: String = url::form_urlencoded::parse(encoded.replace('+', "%2B").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    let mut all = vec![encoded.to_owned(), decoded];
    all.extend(written.map(str::to_owned));
    all.sort();
    all.dedup();
    all.into_iter().filter(|secret| !secret.is_empty()).map(Secret::new).collect()
}

fn allowed(name: &OsStr, inherited: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    let same = |listed: &str| match cfg!(windows) {
        true => listed.eq_ignore_ascii_case(name),
        false => listed == name,
    };
    // Names are case-insensitive on Windows ("Path", "SystemRoot").
    let upper = if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() };
    ALLOWED.iter().chain(ALLOWED_HERE).any(|listed| same(listed))
        || inherited.iter().any(|listed| same(listed))
        || ALLOWED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(environment: ChildEnvironment) -> Vec<(String, String)> {
        let text = |value: OsString| value.into_string().unwrap();
        environment.into_variables().into_iter().map(|(n, v)| (text(n), text(v))).collect()
    }

    #[test]
    fn passes_the_allow_list_and_the_owners_variables() {
        let ours = [
            ("PATH", "/bin"),
            ("HOME", "/home/o"),
            ("LC_ALL", "C"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
            ("AWS_SECRET_ACCESS_KEY", "fake"),
            ("GITHUB_TOKEN", "fake"),
            ("AGENTPORT_OWNER_PASSWORD_FILE", "/x"),
            ("LD_PRELOAD", "/x.so"),
            ("NODE_OPTIONS", "--require x"),
            ("HTTPS_PROXY", "http://proxy:1"),
            ("DOCKER_HOST", "unix:///x"),
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let owners = [("HOME", "/srv"), ("MODE", "fast")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let secrets = [("API_KEY".to_owned(), Secret::new("obviously-fake"))];
        let made = pairs(for_child(ours, &["HTTPS_PROXY".to_owned()], &owners, &secrets));
        let seen: Vec<(&str, &str)> = made.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("API_KEY", "obviously-fake"),
                ("HOME", "/srv"),
                ("HTTPS_PROXY", "http://proxy:1"),
                ("LC_ALL", "C"),
                ("MODE", "fast"),
                ("PATH", "/bin"),
                ("XDG_RUNTIME_DIR", "/run/user/1"),
            ]
        );
    }

    #[test]
    fn names_that_differ_in_case_are_one_variable_on_windows() {
        for (ignores_case, expected) in [(true, 1), (false, 2)] {
            let mut environment = ChildEnvironment::new(ignores_case);
            environment.set("Path", "C:\\ours");
            environment.set("PATH", "C:\\owners");
            assert_eq!(environment.path().unwrap(), "C:\\owners");
            assert_eq!(environment.into_variables().len(), expected);
        }
    }

    #[test]
    fn passwords_of_proxies_are_found() {
        let found = passwords_in("http://me:fa%2Fke@proxy.example:8080");
        let found: Vec<&str> = found.iter().map(Secret::expose).collect();
        assert_eq!(found, ["fa%2Fke", "fa/ke"]);
        assert!(passwords_in("http://proxy.example:8080").is_empty());
        assert!(passwords_in("localhost,127.0.0.1").is_empty());
    }
}
