//! The file cannot be written, or the kept original cannot.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::Path,
};

use crate::client_file_crash::scene::{Scene, skipped};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives everything in the scene to the account the applier goes on as. Modes mean nothing to the administrator, so
/// where the tests run as that, the process gives itself up first.
fn give_away(path: &Path) {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    chown(path, Some(65_534), Some(65_534)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

#[tokio::test]
async fn a_read_only_file() {
    let scene = Scene::new();
    set_mode(&scene.file, 0o444);
    // As ourselves, whoever that is: the administrator too leaves alone what was marked.
    let said = scene.said(scene.connecting(&[])).await;
    assert!(said.contains("mcp.json could not be written: the file is read-only"), "{said}");
    assert!(scene.is_old());
    scene.nothing_left();
    scene.settles().await;

    set_mode(&scene.file, 0o644);
    scene.connect().await;
    scene.restores().await;
}

#[tokio::test]
async fn a_read_only_folder() {
    let scene = Scene::new();
    give_away(scene.dir());
    set_mode(scene.folder(), 0o555);
    let said = scene.said(scene.connecting(&["--as-nobody"])).await;
    assert!(said.contains("this account may not write in"), "{said}");
    assert!(said.contains("make the folder writable"), "{said}");
    assert!(scene.is_old());
    scene.nothing_left();

    set_mode(scene.folder(), 0o755);
    let said = scene.said(scene.connecting(&["--as-nobody"])).await;
    assert!(said.ends_with("done\n"), "{said}");
    assert!(scene.is_new());
    scene.settles().await;
}

/// Somebody else's file, in a folder of ours: a rename would go through, and is not tried.
#[tokio::test]
async fn a_file_of_another_account() {
    if !nix::unistd::geteuid().is_root() {
        skipped("only the administrator can give a file to another account");
        return;
    }
    let scene = Scene::new();
    give_away(scene.dir());
    chown(&scene.file, Some(0), Some(0)).unwrap();
    set_mode(&scene.file, 0o644);
    let said = scene.said(scene.connecting(&["--as-nobody"])).await;
    assert!(said.contains("read-only"), "{said}");
    assert!(scene.is_old());
    scene.nothing_left();
}

/// A real disk of one MiB, in a namespace of the process's own. The file fits, and a second one beside it does not.
#[tokio::test]
async fn a_full_disk() {
    let scene = Scene::new();
    let folder = scene.folder().to_str().unwrap().to_owned();
    let said = scene.said(scene.connecting(&["--small-disk", &folder, "--leaving", "20000"])).await;
    if said.starts_with("no disk") {
        skipped(&format!("this machine gives no namespaces to tests ({})", said.trim()));
        return;
    }
    assert!(said.contains("there is no room for it"), "{said}");
    assert!(said.ends_with("as before\n"), "{said}");
    scene.settles().await;
}

/// The same wherever tests run: from the moment of writing on, no file may grow beyond 1,000 bytes, the journal's among
/// them. What could not be written down is settled by the next run.
#[tokio::test]
async fn no_space_for_anything() {
    let scene = Scene::new();
    let said = scene.said(scene.connecting(&["--no-room-beyond", "1000"])).await;
    assert!(said.contains("there is no room for it"), "{said}");
    assert!(scene.is_old());
    scene.nothing_left();
    assert!(scene.backups().await.list(None).await.unwrap().is_empty());
    scene.connect().await;
    scene.restores().await;
}

/// The disk with the home is full: the original cannot be kept, so the file is not touched.
#[tokio::test]
async fn no_space_for_the_original() {
    let scene = Scene::new();
    fs::create_dir_all(scene.root()).unwrap();
    let root = scene.root().to_str().unwrap().to_owned();
    // Enough to open the journal, not for both contents.
    let said = scene.said(scene.connecting(&["--small-disk", &root, "--leaving", "200000"])).await;
    if said.starts_with("no disk") {
        skipped(&format!("this machine gives no namespaces to tests ({})", said.trim()));
        return;
    }
    assert!(said.contains("the original could not be kept, so nothing was changed"), "{said}");
    assert!(!said.contains("Journalled"), "{said}");
    assert!(scene.is_old());
    scene.nothing_left();
}

/// Dotfiles: the file is a link into a repository, and stays one.
#[tokio::test]
async fn symlinked_dotfiles() {
    let scene = Scene::new();
    let repository = scene.dir().join("dotfiles");
    fs::create_dir(&repository).unwrap();
    fs::rename(&scene.file, repository.join("real.json")).unwrap();
    symlink("real.json", repository.join("cursor.json")).unwrap();
    symlink("../dotfiles/cursor.json", &scene.file).unwrap();
    let links_stay = || {
        assert!(scene.file.is_symlink() && repository.join("cursor.json").is_symlink());
        assert_eq!(fs::read_dir(&repository).unwrap().count(), 2);
    };
    scene.connect().await;
    assert!(fs::read(repository.join("real.json")).unwrap() == scene.new);
    links_stay();
    scene.restores().await;
    assert!(fs::read(repository.join("real.json")).unwrap() == scene.old);
    links_stay();
}

/// Killed in the middle, what is left lies in the repository, and is found there.
#[tokio::test]
async fn symlinked_dotfiles_and_killed() {
    let scene = Scene::new();
    let repository = scene.dir().join("dotfiles");
    fs::create_dir(&repository).unwrap();
    fs::rename(&scene.file, repository.join("real.json")).unwrap();
    symlink(repository.join("real.json"), &scene.file).unwrap();
    scene.said(scene.connecting(&["--die-writing"])).await;
    assert_eq!(fs::read_dir(&repository).unwrap().count(), 2);
    scene.settles().await;
    assert_eq!(fs::read_dir(&repository).unwrap().count(), 1);
}

/// A client that was never started: neither file nor folder.
#[tokio::test]
async fn a_missing_folder() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.folder()).unwrap();
    scene.connect().await;
    assert!(scene.is_new());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(scene.folder()), mode(&scene.file)), (0o700, 0o600));
    let said = scene.said(scene.restoring(&[])).await;
    assert!(said.ends_with("done\n"), "{said}");
    assert!(scene.content().is_none());
}
