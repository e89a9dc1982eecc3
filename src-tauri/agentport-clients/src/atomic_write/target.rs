//! Resolves the symbolic links of a path whose file need not exist.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::atomic_write::refusal::WriteRefusal;

/// Links followed before it counts as a circle: Linux's own number (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Virtual file systems (proc(5), sysfs(5)): their files report no length, may be endless, and reading them can block or
/// have effects.
const OF_THE_SYSTEM: [&str; 2] = ["/proc", "/sys"];

/// The path behind the links, also of a dangling one. No part of the result is a link, so that equal files have equal
/// paths.
pub(crate) fn of(path: &Path) -> io::Result<PathBuf> {
    let found = followed(path)?;
    match cfg!(unix) && OF_THE_SYSTEM.iter().any(|dir| found.starts_with(dir)) {
        true => Err(WriteRefusal::OfTheSystem.into()),
        false => Ok(found),
    }
}

/// A component still to be resolved.
enum PathPart {
    Root(OsString),
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = PathPart> + '_ {
    path.components().filter_map(|part| match part {
        Component::Prefix(_) | Component::RootDir => {
            Some(PathPart::Root(part.as_os_str().to_owned()))
        }
        Component::CurDir => None,
        Component::ParentDir => Some(PathPart::Up),
        Component::Normal(name) => Some(PathPart::Name(name.to_owned())),
    })
}

fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut ahead: VecDeque<PathPart> = parts(path).collect();
    let mut at = PathBuf::new();
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        let name = match part {
            // A link to an absolute path starts at the root again, which `push` does.
            PathPart::Root(root) => {
                at.push(root);
                continue;
            }
            // The resolved part has no links, so its parent is one component less.
            PathPart::Up => {
                if at.file_name().is_some() {
                    at.pop();
                } else if !at.has_root() {
                    at.push("..");
                }
                continue;
            }
            PathPart::Name(name) => name,
        };
        let next = at.join(name);
        match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(WriteRefusal::Circle.into());
                }
                // A relative link starts at the directory it lies in.
                let link = fs::read_link(&next)?;
                parts(&link).rev().for_each(|part| ahead.push_front(part));
            }
            Ok(_) => at = next,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                at = next;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}
