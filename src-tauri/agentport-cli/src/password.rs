//! Source of the owner's password: a file, else a prompt on a terminal, else an error that says how to give it.
//!
//! It is never an argument: other programs of this account can read arguments.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use agentport_core::Secret;
use anyhow::{Context as _, Result, bail};

use crate::{confirm, output, secrets};

/// The gateway's own bound, checked here as well, while the person can choose a longer one.
const MIN_PASSWORD_CHARS: usize = 10;

/// Where the password comes from: `--owner-password-file`, or its variable.
#[derive(Debug, Clone)]
pub(crate) struct PasswordSource {
    pub file: Option<PathBuf>,
}

impl PasswordSource {
    /// A file was named, so the command acts as the owner.
    pub(crate) fn is_given(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the password, or asks for it. Without a terminal, the error says how to give it.
    pub(crate) fn read(&self) -> Result<Secret> {
        if let Some(password) = self.given()? {
            return Ok(password);
        }
        if !confirm::on_a_terminal() {
            bail!(
                "this is for the owner, and there is no terminal to ask for the owner's password: \
                 give --owner-password-file FILE, or set AGENTPORT_OWNER_PASSWORD_FILE"
            );
        }
        secrets::ask("Owner password: ").context("the owner's password is needed")
    }

    /// A password for a gateway that has none yet. `None` where the owner prefers to choose it in the browser, or where
    /// there is no terminal.
    pub(crate) fn choose(&self) -> Result<Option<Secret>> {
        if let Some(password) = self.given()? {
            return Ok(Some(password));
        }
        if !confirm::on_a_terminal() {
            return Ok(None);
        }
        output::note(
            "This is the first start. Choose an owner password: it gives the power to decide what agents may do.\n\
             Leave it empty to choose it in the browser.",
        );
        loop {
            let first = secrets::ask_or_empty("Owner password: ")?;
            if first.is_empty() {
                return Ok(None);
            }
            if first.expose().chars().count() < MIN_PASSWORD_CHARS {
                output::note(&format!("It needs at least {MIN_PASSWORD_CHARS} characters."));
                continue;
            }
            if secrets::ask_or_empty("The same again: ")?.expose() == first.expose() {
                return Ok(Some(first));
            }
            output::note("These two differ. Once more, please.");
        }
    }

    /// A warning at the start of a gateway whose password is kept in a file. Stdin is no file.
    pub(crate) fn warning(&self) -> Option<String> {
        let path = self.file.as_deref().filter(|path| *path != Path::new("-"))?;
        Some(format!(
            "the owner password is in {}: every program that can read that file can act as the owner",
            path.display()
        ))
    }

    /// The password in the file, where one was named.
    pub(crate) fn given(&self) -> Result<Option<Secret>> {
        self.file.as_deref().map(from_file).transpose()
    }
}

fn from_file(path: &Path) -> Result<Secret> {
    let password = if path == Path::new("-") {
        secrets::line(&mut io::stdin().lock()).context("cannot read stdin")?
    } else {
        warn_if_open(path);
        let file = fs::File::open(path)
            .with_context(|| format!("cannot open the owner password file {}", path.display()))?;
        secrets::line(&mut io::BufReader::new(file))
            .with_context(|| format!("cannot read the owner password file {}", path.display()))?
    };
    match password.filter(|password| !password.is_empty()) {
        Some(password) => Ok(password),
        None => {
            bail!("the owner password file {} has no password in its first line", path.display())
        }
    }
}

/// Warns of a file that other accounts can read.
#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let open = fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o077 != 0);
    if open {
        output::note(&format!(
            "warning: others on this machine may read the owner password in {}; run: chmod 600 {}",
            path.display(),
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_open(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let source = PasswordSource { file: Some(path) };
        source
            .read()
            .map(|password| password.expose().to_owned())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn is_the_first_line_of_the_file() {
        assert_eq!(check("obviously fake \n").unwrap(), "obviously fake ");
        assert_eq!(check("obviously-fake\r\nsecond").unwrap(), "obviously-fake");
        assert!(check("").unwrap_err().contains("no password"));
        assert!(check("\nsecond").unwrap_err().contains("no password"));
    }

    #[test]
    fn a_file_makes_an_owner_and_stdin_does_not() {
        let warning = |file: Option<&str>| PasswordSource { file: file.map(Into::into) }.warning();
        assert!(warning(Some("/run/pw")).unwrap().contains("/run/pw: every program that can read"));
        assert_eq!(warning(Some("-")), None);
        assert_eq!(warning(None), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = PasswordSource { file: Some("/nowhere/at/all".into()) };
        assert!(source.is_given());
        assert!(format!("{:#}", source.read().unwrap_err()).contains("/nowhere/at/all"));
    }
}
