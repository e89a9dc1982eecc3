//! Is what was made still what its sources say? A stamp under `target/tools` keeps a hash of the sources' contents, or the
//! version asked for, which a fresh clone, a changed clock or a switched branch does not fool.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::paths;

pub(crate) struct Stamp {
    file: PathBuf,
    now: String,
}

impl Stamp {
    /// `sources` are files, or folders taken with everything in them but `node_modules` and `dist`.
    pub(crate) fn of(name: &str, sources: &[PathBuf]) -> Result<Self> {
        let mut files = Vec::new();
        for source in sources {
            collect(source, &mut files)?;
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        for file in files {
            file.hash(&mut hasher);
            fs::read(&file)
                .with_context(|| format!("cannot read {}", file.display()))?
                .hash(&mut hasher);
        }
        Ok(Self::saying(name, &format!("{:016x}", hasher.finish())))
    }

    /// For what has no sources here, and is known by what is asked for, such as a version.
    pub(crate) fn saying(name: &str, asked: &str) -> Self {
        Self { file: paths::tools().join("stamps").join(name), now: asked.to_owned() }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|before| before == self.now)
    }

    /// To be called when the thing has been made.
    pub(crate) fn set(&self) -> Result<()> {
        let write = || {
            fs::create_dir_all(self.file.parent().unwrap_or(Path::new(".")))?;
            fs::write(&self.file, &self.now)
        };
        write().with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let path = entry?.path();
        if !path.ends_with("node_modules") && !path.ends_with("dist") {
            collect(&path, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_names_count_and_built_things_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let hash = || Stamp::of("x", &[dir.path().to_owned()]).unwrap().now;
        fs::create_dir_all(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/a"), "1").unwrap();
        let first = hash();
        fs::create_dir_all(dir.path().join("node_modules")).unwrap();
        fs::write(dir.path().join("node_modules/b"), "1").unwrap();
        assert_eq!(hash(), first);
        fs::write(dir.path().join("src/a"), "2").unwrap();
        let second = hash();
        assert_ne!(second, first);
        fs::rename(dir.path().join("src/a"), dir.path().join("src/c")).unwrap();
        assert_ne!(hash(), second);
    }
}
