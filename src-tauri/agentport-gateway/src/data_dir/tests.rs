use std::fs;

use tempfile::TempDir;

use crate::data_dir::{DataDir, DataDirError, LockError, Runtime};

fn home() -> (TempDir, DataDir) {
    let dir = TempDir::new().unwrap();
    let home = DataDir::open(Some(dir.path().join("a/home"))).unwrap();
    (dir, home)
}

fn runtime(port: u16) -> Runtime {
    Runtime {
        port,
        pid: std::process::id(),
        mcp_url: format!("http://127.0.0.1:{port}/mcp"),
        control_url: format!("http://127.0.0.1:{port}/control"),
    }
}

#[test]
fn is_created_and_found_again() {
    let (_dir, home) = home();
    assert!(home.root().is_dir() && home.root().is_absolute());
    assert_eq!(home.database().parent(), Some(home.root()));
    assert_eq!(home.journal_dir().parent(), Some(home.root()));
    let again = DataDir::open(Some(home.root().to_owned())).unwrap();
    assert_eq!(again.root(), home.root());
}

#[test]
fn a_file_is_no_home() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(DataDir::open(Some(file)), Err(DataDirError::Create { .. })));
}

#[test]
fn is_held_by_one_at_a_time() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    match home.lock() {
        Err(LockError::AlreadyRunning(other)) => {
            assert_eq!((other.home.as_path(), other.pid), (home.root(), Some(std::process::id())));
            let text = LockError::AlreadyRunning(other).to_string();
            assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
        }
        other => panic!("{other:?}"),
    }
    drop(lock);
    home.lock().unwrap();
}

#[test]
fn the_runtime_file_lasts_as_long_as_the_lock() {
    let (_dir, home) = home();
    assert_eq!(home.read_runtime(), None);
    let lock = home.lock().unwrap();
    assert_eq!(home.read_runtime(), None);
    home.write_runtime(&runtime(1)).unwrap();
    home.write_runtime(&runtime(2)).unwrap();
    assert_eq!(home.read_runtime(), Some(runtime(2)));
    drop(lock);
    assert_eq!(home.read_runtime(), None);
    assert!(!home.root().join("runtime.json").exists());
}

#[test]
fn what_a_killed_gateway_left_is_not_believed() {
    let (_dir, home) = home();
    drop(home.lock().unwrap());
    home.write_runtime(&runtime(1)).unwrap();
    assert_eq!(home.read_runtime(), None, "nobody holds the lock");
    let _lock = home.lock().unwrap();
    assert_eq!(home.read_runtime(), None, "the new gateway does not listen yet");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::data_dir::tests::*;

    fn mode(path: &std::path::Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(path: &std::path::Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn is_for_its_owner_alone() {
        let (_dir, home) = home();
        let _lock = home.lock().unwrap();
        home.write_runtime(&runtime(1)).unwrap();
        assert_eq!(mode(home.root()), 0o700);
        for file in fs::read_dir(home.root()).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }

    #[test]
    fn is_closed_if_it_was_open() {
        let (_dir, home) = home();
        open_to_all(home.root());
        DataDir::open(Some(home.root().to_owned())).unwrap();
        assert_eq!(mode(home.root()), 0o700, "empty");

        let _lock = home.lock().unwrap();
        open_to_all(home.root());
        DataDir::open(Some(home.root().to_owned())).unwrap();
        assert_eq!(mode(home.root()), 0o700, "a home before");
    }

    #[test]
    fn a_directory_in_use_is_left_as_it_is() {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("thesis.txt"), "").unwrap();
        open_to_all(dir.path());
        let refused = DataDir::open(Some(dir.path().to_owned()));
        assert!(matches!(refused, Err(DataDirError::Open { .. })), "{refused:?}");
        assert_eq!(mode(dir.path()), 0o755);
    }
}
