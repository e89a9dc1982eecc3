use tempfile::TempDir;

use crate::atomic_write::*;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(error: &io::Error) -> String {
    error.to_string()
}

#[test]
fn reads_files_and_reports_missing_ones() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.json");
    assert!(read(&file).unwrap().is_none());
    fs::write(&file, b"{}").unwrap();
    assert_eq!(read(&file).unwrap().as_deref(), Some(&b"{}"[..]));
    assert!(text(&read(dir.path()).unwrap_err()).contains("no file"));
}

#[test]
fn replaces_makes_and_takes_away() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("new/deeper/a.json");
    replace(&file, Some(b"one")).unwrap();
    replace(&file, Some(b"two")).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    assert_eq!(names(file.parent().unwrap()), ["a.json"]);
    replace(&file, None).unwrap();
    replace(&file, None).unwrap();
    assert!(!file.exists());
}

#[test]
fn exchanges_only_the_expected_content() {
    let dir = TempDir::new().unwrap();
    let file = target(&dir.path().join("new/a.json")).unwrap();
    let unexpected = exchange(&file, &file, Some(b"one"), Some(b"two"), None).unwrap_err();
    assert!(matches!(unexpected, ExchangeError::Changed));
    // Not even the directory that was made for it stays.
    assert!(names(dir.path()).is_empty());

    exchange(&file, &file, None, Some(b"one"), None).unwrap();
    exchange(&file, &file, Some(b"one"), Some(b"two"), None).unwrap();
    for (expected, content) in
        [(None, Some(&b"x"[..])), (Some(&b"one"[..]), Some(b"x")), (None, None)]
    {
        let refused = exchange(&file, &file, expected, content, None).unwrap_err();
        assert!(matches!(refused, ExchangeError::Changed));
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(names(file.parent().unwrap()), ["a.json"]);
    }
    exchange(&file, &file, Some(b"two"), None, None).unwrap();
    assert!(!file.exists());
}

#[test]
fn leaves_a_read_only_file_alone() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.json");
    fs::write(&file, b"one").unwrap();
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    for content in [Some(&b"two"[..]), None] {
        let refused = replace(&file, content).unwrap_err();
        assert!(text(&refused).contains("read-only"), "{refused}");
        assert_eq!(fs::read(&file).unwrap(), b"one");
        assert_eq!(names(dir.path()), ["a.json"]);
    }
}

#[test]
fn refuses_special_files() {
    let dir = TempDir::new().unwrap();
    let inner = dir.path().join("a.json");
    fs::create_dir(&inner).unwrap();
    for content in [Some(&b"two"[..]), None] {
        assert!(text(&replace(&inner, content).unwrap_err()).contains("no file"));
    }
}

#[test]
fn sweeps_only_abandoned_files() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.json");
    for name in [
        ".a.json.agentport-4194305",
        ".a.json.agentport-4194305-7",
        ".a.json.agentport-draft",
        ".a.json.agentport-",
        ".b.json.agentport-4194305",
        "a.json.agentport-4194305",
    ] {
        fs::write(dir.path().join(name), b"left").unwrap();
    }
    let held = File::create(dir.path().join(".a.json.agentport-1")).unwrap();
    held.lock().unwrap();
    assert_eq!(left_over(&file).unwrap().len(), 2);
    replace(&file, Some(b"one")).unwrap();
    assert_eq!(
        names(dir.path()),
        [
            ".a.json.agentport-",
            ".a.json.agentport-1",
            ".a.json.agentport-draft",
            ".b.json.agentport-4194305",
            "a.json",
            "a.json.agentport-4194305",
        ]
    );
    drop(held);
    assert_eq!(sweep(&file).unwrap(), 1);
    // Of any file of the directory.
    assert_eq!(sweep_directory(dir.path()).unwrap(), 1);
    assert_eq!(names(dir.path()).len(), 4);
}

#[test]
fn several_at_once_in_one_process() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a.json");
    std::thread::scope(|scope| {
        for writer in 0..8u8 {
            let file = &file;
            scope.spawn(move || {
                for _ in 0..20 {
                    replace(file, Some(&[b'0' + writer; 10_000])).unwrap();
                }
            });
        }
    });
    let content = fs::read(&file).unwrap();
    assert_eq!(content.len(), 10_000);
    assert!(content.iter().all(|byte| *byte == content[0]));
    assert_eq!(names(dir.path()), ["a.json"]);
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use crate::atomic_write::tests::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn new_files_and_directories_are_for_their_owner() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("new/a.json");
        replace(&file, Some(b"one")).unwrap();
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn keeps_the_mode() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("a.json");
        for kept in [0o644, 0o600, 0o664, 0o755] {
            fs::write(&file, b"one").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(kept)).unwrap();
            replace(&file, Some(b"two")).unwrap();
            assert_eq!(mode(&file), kept);
        }
    }

    #[test]
    fn keeps_owner_and_group_where_it_may() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("a.json");
        fs::write(&file, b"one").unwrap();
        // Giving files away is the administrator's right; for others this is about their own account.
        let _ = std::os::unix::fs::chown(&file, Some(65_534), Some(65_534));
        let before = fs::metadata(&file).unwrap();
        replace(&file, Some(b"two")).unwrap();
        let after = fs::metadata(&file).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    }

    #[test]
    fn links_are_followed_and_stay() {
        let dir = TempDir::new().unwrap();
        let (home, dotfiles) = (dir.path().join("home"), dir.path().join("dotfiles"));
        for made in [&home, &dotfiles] {
            fs::create_dir(made).unwrap();
        }
        // home/mcp.json -> ../dotfiles/link -> real.json, which is not there.
        symlink("../dotfiles/link", home.join("mcp.json")).unwrap();
        symlink("real.json", dotfiles.join("link")).unwrap();
        let file = home.join("mcp.json");
        assert!(read(&file).unwrap().is_none());
        let real = fs::canonicalize(&dotfiles).unwrap().join("real.json");
        assert_eq!(target(&file).unwrap(), real);
        exchange(&file, &real, None, Some(b"one"), None).unwrap();
        exchange(&file, &real, Some(b"one"), Some(b"two"), None).unwrap();
        assert_eq!(fs::read(dotfiles.join("real.json")).unwrap(), b"two");
        assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
        assert!(fs::symlink_metadata(dotfiles.join("link")).unwrap().is_symlink());
        assert_eq!(names(&home), ["mcp.json"]);
        // Taken away again, the links lead nowhere as before.
        exchange(&file, &real, Some(b"two"), None, None).unwrap();
        assert_eq!(names(&dotfiles), ["link"]);
        assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    }

    #[test]
    fn a_link_that_leads_elsewhere_by_now_is_left_alone() {
        let dir = TempDir::new().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let (file, one, other) = (root.join("a.json"), root.join("one"), root.join("other"));
        for real in [&one, &other] {
            fs::write(real, b"same").unwrap();
        }
        symlink("other", &file).unwrap();
        for after in [Some(&b"new"[..]), None] {
            let refused = exchange(&file, &one, Some(b"same"), after, None).unwrap_err();
            assert!(matches!(refused, ExchangeError::Changed), "{refused}");
        }
        for real in [&one, &other] {
            assert_eq!(fs::read(real).unwrap(), b"same");
        }
        assert_eq!(names(&root), ["a.json", "one", "other"]);
    }

    #[test]
    fn every_link_on_the_way_is_followed() {
        let dir = TempDir::new().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        symlink("real/deep", root.join("dir")).unwrap();
        symlink(root.join("dir/../missing"), root.join("gone")).unwrap();
        for (path, want) in [
            ("dir/a.json", "real/deep/a.json"),
            ("dir/../a.json", "real/a.json"),
            ("gone/a/b.json", "real/missing/a/b.json"),
            ("./dir/./a.json", "real/deep/a.json"),
        ] {
            assert_eq!(target(&root.join(path)).unwrap(), root.join(want), "{path}");
        }
    }

    /// It has no length, and hundreds of gigabytes.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_of_proc_and_sys_are_not_read() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("a.json");
        for system in ["/proc/self/pagemap", "/proc/self/environ", "/sys/kernel/mm/new"] {
            symlink(system, &file).unwrap();
            for refused in [read(&file).unwrap_err(), replace(&file, Some(b"")).unwrap_err()] {
                assert!(text(&refused).contains("of the system's own"), "{system}: {refused}");
            }
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn endless_files_are_not_read_to_the_end() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("a.json");
        let long = fs::File::create(&file).unwrap();
        for (length, is_read) in [(MAX_BYTES as u64, true), (MAX_BYTES as u64 + 1, false)] {
            long.set_len(length).unwrap();
            assert_eq!(read(&file).is_ok(), is_read, "{length}");
        }
    }

    #[test]
    fn a_circle_of_links_is_refused() {
        let dir = TempDir::new().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        let refused = replace(&dir.path().join("a"), Some(b"one")).unwrap_err();
        assert!(text(&refused).contains("circle"), "{refused}");
        assert_eq!(names(dir.path()), ["a", "b"]);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let dir = TempDir::new().unwrap();
        let pipe = dir.path().join("a.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(read(&pipe).is_err());
        assert!(replace(&pipe, Some(b"one")).is_err());
    }
}
