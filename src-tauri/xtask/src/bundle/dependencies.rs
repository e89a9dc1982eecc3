//! What a package has to ask for, read from the programs themselves: what is written down by hand is wrong with the next
//! version of a library. What a program loads while it runs stands in none of them: the library of the tray icon is added
//! by the bundler.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::process;

const CONTROL: &str = "Source: agentport\n\nPackage: agentport\nArchitecture: any\n";

/// For the `.deb`: the packages, with the oldest versions that will do, as Debian's own tool finds them.
pub(super) fn debian(programs: &Path, names: &[String]) -> Result<Vec<String>> {
    // It reads the name of the source in one folder, and knows by the other that this is where a package begins.
    let (source, package) = (programs.join("debian"), programs.join("DEBIAN"));
    fs::create_dir_all(&source)
        .and_then(|()| fs::create_dir_all(package))
        .and_then(|()| fs::write(source.join("control"), CONTROL))
        .with_context(|| format!("cannot write to {}", source.display()))?;
    let mut tool = Command::new("dpkg-shlibdeps");
    tool.current_dir(programs).arg("-O").args(names.iter().map(|name| format!("./{name}")));
    let said = process::output(&mut tool)?;
    let found =
        said.trim().strip_prefix("shlibs:Depends=").context("dpkg-shlibdeps finds nothing")?;
    Ok(found.split(", ").map(str::to_owned).collect())
}

/// For the `.rpm`: the libraries and the versions of their interfaces, as rpm's own tools write them; the packages that
/// provide them are called differently on each distribution.
pub(super) fn rpm(programs: &Path, names: &[String]) -> Result<Vec<String>> {
    let mut needs = BTreeSet::new();
    for name in names {
        let said = process::output(Command::new("objdump").arg("-p").arg(programs.join(name)))?;
        needs.extend(sonames(&said));
    }
    Ok(needs.into_iter().collect())
}

/// `NEEDED libc.so.6`, and `required from libc.so.6:` with a line for each version below.
fn sonames(objdump: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut library = None;
    for line in objdump.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("NEEDED"), Some(name), None, None) => found.push(mark(name, "")),
            (Some("required"), Some("from"), Some(name), None) => {
                library = name.strip_suffix(':');
            }
            // `0x069691b4 0x00 02 GLIBC_2.34`
            (Some(hash), Some(_), Some(_), Some(version)) if hash.starts_with("0x") => {
                found.extend(library.map(|library| mark(library, version)));
            }
            _ => library = None,
        }
    }
    found
}

fn mark(library: &str, version: &str) -> String {
    let bits = if cfg!(target_pointer_width = "64") { "(64bit)" } else { "" };
    format!("{library}({version}){bits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn libraries_and_versions_as_rpm_writes_them() {
        let said = "
Dynamic Section:
  NEEDED               libgtk-3.so.0
  NEEDED               libc.so.6
  INIT                 0x0000000000001000

Version References:
  required from libc.so.6:
    0x09691a75 0x00 03 GLIBC_2.2.5
    0x069691b4 0x00 02 GLIBC_2.34

private flags = 0x0:
";
        assert_eq!(
            sonames(said),
            [
                "libgtk-3.so.0()(64bit)",
                "libc.so.6()(64bit)",
                "libc.so.6(GLIBC_2.2.5)(64bit)",
                "libc.so.6(GLIBC_2.34)(64bit)",
            ]
        );
    }
}
