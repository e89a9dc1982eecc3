//! Where a path leads.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::atomic_write::refusal::Refusal;

/// Links followed before it counts as a circle: Linux's own number (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Where the system shows its own state as files (proc(5), sysfs(5)). Such a file has no length, may have no end, and
/// reading it can wait or do something.
const OF_THE_SYSTEM: [&str; 2] = ["/proc", "/sys"];

/// The file behind the links, which need not be there: a link that leads nowhere says where the file is wanted. No part
/// of what comes back is a link, so that two that are the same file are the same path.
pub(crate) fn of(path: &Path) -> io::Result<PathBuf> {
    let found = followed(path)?;
    match cfg!(unix) && OF_THE_SYSTEM.iter().any(|dir| found.starts_with(dir)) {
        true => Err(Refusal::OfTheSystem.into()),
        false => Ok(found),
    }
}

/// A part of a path that is still to be gone.
enum Part {
    Root(OsString),
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = Part> + '_ {
    path.components().filter_map(|part| match part {
        Component::Prefix(_) | Component::RootDir => Some(Part::Root(part.as_os_str().to_owned())),
        Component::CurDir => None,
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
    })
}

fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut ahead: VecDeque<Part> = parts(path).collect();
    let mut at = PathBuf::new();
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        let name = match part {
            // A link to an absolute path begins anew: `push` does that.
            Part::Root(root) => {
                at.push(root);
                continue;
            }
            // What is behind us has no links any more, so its parent is the one above it.
            Part::Up => {
                if at.file_name().is_some() {
                    at.pop();
                } else if !at.has_root() {
                    at.push("..");
                }
                continue;
            }
            Part::Name(name) => name,
        };
        let next = at.join(name);
        match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Refusal::Circle.into());
                }
                // As the system reads it: from the directory the link lies in.
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
