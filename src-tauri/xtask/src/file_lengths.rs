//! A file of more than 600 lines is split along what it does; from 400 on it is time to think about it.

use std::{fs, path::Path};

use anyhow::{Result, bail};

use crate::{
    paths::{root, source_files},
    process,
};

const TOO_LONG: usize = 600;
const LONG: usize = 400;

pub(crate) fn check() -> Result<()> {
    let root = root();
    let mut too_long = Vec::new();
    for name in source_files(&["*.rs", "*.ts", "*.svelte"])? {
        if !is_written(&name) {
            continue;
        }
        let text = fs::read_to_string(root.join(&name))?;
        let lines = text.lines().count();
        if lines > TOO_LONG {
            too_long.push(format!("{name} ({lines})"));
        } else if lines > LONG {
            process::warn(&format!("note: {name} has {lines} lines"));
        }
    }
    if too_long.is_empty() {
        return Ok(());
    }
    bail!("files over {TOO_LONG} lines, to be split along what they do: {}", too_long.join(", "))
}

/// By people: generated files are as long as they are.
fn is_written(name: &str) -> bool {
    let generated = Path::new(name).iter().any(|part| part == "bindings");
    !generated && !name.ends_with(".d.ts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_do_not_count() {
        assert!(is_written("ui/src/app.ts"));
        assert!(!is_written("ui/src/bindings/Status.ts"));
        assert!(!is_written("ui/src/vite-env.d.ts"));
    }
}
