//! Environment of a local server.
//!
//! An allow-list, not a deny-list: API keys and tokens of the owner's shell must not reach every installed server.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use agentport_core::Secret;

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

/// The whole environment of a child: what is allowed of `ours`, then what the owner set, which wins.
pub(in crate::upstream) fn for_child(
    ours: impl IntoIterator<Item = (OsString, OsString)>,
    owners: &BTreeMap<String, String>,
    secrets: &[(String, Secret)],
) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<OsString, OsString> =
        ours.into_iter().filter(|(name, _)| allowed(name)).collect();
    for (name, value) in owners {
        environment.insert(name.into(), value.into());
    }
    for (name, value) in secrets {
        environment.insert(name.into(), value.expose().into());
    }
    environment
}

fn allowed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    // Names are case-insensitive on Windows ("Path", "SystemRoot").
    let name = if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() };
    ALLOWED.contains(&name.as_str())
        || ALLOWED_HERE.contains(&name.as_str())
        || ALLOWED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_allow_list_and_what_the_owner_set() {
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
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let owners = [("HOME", "/srv"), ("MODE", "fast")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let secrets = [("API_KEY".to_owned(), Secret::new("obviously-fake"))];
        let made = for_child(ours, &owners, &secrets);
        let seen: Vec<(&str, &str)> =
            made.iter().map(|(n, v)| (n.to_str().unwrap(), v.to_str().unwrap())).collect();
        assert_eq!(
            seen,
            [
                ("API_KEY", "obviously-fake"),
                ("HOME", "/srv"),
                ("LC_ALL", "C"),
                ("MODE", "fast"),
                ("PATH", "/bin"),
                ("XDG_RUNTIME_DIR", "/run/user/1"),
            ]
        );
    }
}
