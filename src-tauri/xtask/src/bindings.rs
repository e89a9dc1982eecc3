//! The front end's types, made from the Rust types by ts-rs and committed. Drift fails.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::{paths, process};

/// What a file or a folder of bindings holds, by relative name.
type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn check(fix: bool) -> Result<()> {
    let committed = paths::root().join("ui/src/bindings");
    let made = paths::target().join("bindings");
    if made.exists() {
        fs::remove_dir_all(&made).with_context(|| format!("cannot empty {}", made.display()))?;
    }
    // ts-rs writes each type from a test of its own, in the gateway's library and in the desktop's program. The same
    // packages as in `cargo xtask test`, so that nothing is compiled twice with other features.
    process::run(
        process::cargo()
            .args([
                "test",
                "--locked",
                "--workspace",
                "--quiet",
                "--lib",
                "--bins",
                "export_bindings",
            ])
            .env("TS_RS_EXPORT_DIR", &made),
    )?;
    let (made, committed_files) = (read(&made)?, read(&committed)?);
    let different: Vec<&str> = differences(&made, &committed_files);
    if different.is_empty() {
        return Ok(());
    }
    if !fix {
        bail!(
            "ui/src/bindings is not what the Rust types say ({}); run `cargo xtask check --fix` and commit it",
            different.join(", ")
        );
    }
    process::say(&format!("writing {}", different.join(", ")));
    write(&committed, &made, &committed_files)
}

fn differences<'a>(made: &'a Files, committed: &'a Files) -> Vec<&'a str> {
    let changed = made.iter().filter(|(name, content)| committed.get(*name) != Some(content));
    let gone = committed.keys().filter(|name| !made.contains_key(*name));
    changed.map(|(name, _)| name.as_str()).chain(gone.map(String::as_str)).collect()
}

fn write(place: &Path, made: &Files, before: &Files) -> Result<()> {
    for name in before.keys().filter(|name| !made.contains_key(*name)) {
        let file = place.join(name);
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    for (name, content) in made {
        let file = place.join(name);
        fs::create_dir_all(file.parent().unwrap_or(place))
            .and_then(|()| fs::write(&file, content))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn read(place: &Path) -> Result<Files> {
    let mut files = Files::new();
    if place.is_dir() {
        collect(place, place, &mut files)?;
    }
    Ok(files)
}

fn collect(place: &Path, folder: &Path, files: &mut Files) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            collect(place, &path, files)?;
        } else {
            let name =
                path.strip_prefix(place).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let content =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(name, content);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_changed_came_and_went_and_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let files = |list: &[(&str, &str)]| -> Files {
            list.iter().map(|&(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect()
        };
        let made = files(&[("a.ts", "1"), ("b.ts", "new"), ("sub/c.ts", "1")]);
        let before = files(&[("a.ts", "1"), ("b.ts", "old"), ("gone.ts", "1")]);
        assert_eq!(differences(&made, &before), ["b.ts", "sub/c.ts", "gone.ts"]);
        write(dir.path(), &before, &Files::new()).unwrap();
        write(dir.path(), &made, &before).unwrap();
        assert_eq!(read(dir.path()).unwrap(), made);
    }
}
