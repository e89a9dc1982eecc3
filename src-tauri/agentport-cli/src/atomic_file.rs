//! Atomic replacement of a file of this program: the content is written to a temporary file in the same folder, which is
//! then renamed. Readers see the old file or the new one, and no symbolic link is followed.
//!
//! Config files of clients, whose permissions are kept, are edited by `agentport_clients` instead.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileAccess {
    /// Mode 0600 from the first moment.
    OwnerOnly,
    /// As the umask says.
    Umask,
}

pub(crate) fn write(place: &Path, content: &[u8], access: FileAccess) -> io::Result<()> {
    let fresh = place.with_added_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == FileAccess::OwnerOnly {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    // On Windows a file inherits the access list of its directory.
    #[cfg(not(unix))]
    let _ = access;
    // Left by a killed process with the same process id.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options.open(&fresh)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    drop(file);
    let written = written.and_then(|()| fs::rename(&fresh, place));
    if written.is_err() {
        // If it stays, the next process with this id removes it.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file.json");
        for text in ["a longer one at first", "short"] {
            write(&file, text.as_bytes(), FileAccess::OwnerOnly).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        let directory = dir.path().join("directory");
        fs::create_dir(&directory).unwrap();
        assert!(write(&directory, b"text", FileAccess::Umask).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_secrets_are_this_accounts() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("key"), dir.path().join("other"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&other, "mine").unwrap();
        symlink(&other, &file).unwrap();
        let fresh = file.with_added_extension(format!("{}.new", std::process::id()));
        symlink(&other, &fresh).unwrap();
        write(&file, b"secret", FileAccess::OwnerOnly).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        assert!(!file.is_symlink() && !fresh.is_symlink());
        assert_eq!(mode(&file), 0o600);
        // The replaced file's mode does not count.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write(&file, b"secret", FileAccess::OwnerOnly).unwrap();
        assert_eq!(mode(&file), 0o600);
        write(&file, b"page", FileAccess::Umask).unwrap();
        assert_eq!(mode(&file), mode(&other));
    }
}
