//! One form of modules: a module with submodules is `name/mod.rs`, never `name.rs` beside `name/`.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::paths;

pub(crate) fn check() -> Result<()> {
    let files = paths::source_files(&["*.rs"])?;
    let split = split_modules(files.iter().map(String::as_str));
    if split.is_empty() {
        return Ok(());
    }
    bail!("modules to be moved to their folder, as mod.rs: {}", split.join(", "))
}

/// Files that stand beside the folder of their submodules.
fn split_modules<'a>(files: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    let folders: BTreeSet<&str> =
        files.clone().filter_map(|file| Some(file.rsplit_once('/')?.0)).collect();
    files.filter(|file| file.strip_suffix(".rs").is_some_and(|m| folders.contains(m))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_their_folder_are_found() {
        let files = ["src/a/mod.rs", "src/a/b.rs", "src/c.rs", "src/c/d.rs", "src/lib.rs"];
        assert_eq!(split_modules(files.into_iter()), ["src/c.rs"]);
    }
}
