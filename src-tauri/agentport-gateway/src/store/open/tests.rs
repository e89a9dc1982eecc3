use std::{fs, path::PathBuf};

use agentport_core::activity::EntryPoint;
use sqlx::{ConnectOptions as _, Connection as _, migrate::Migrator, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::{MIGRATIONS, OpenError, Store};
use crate::store::ActivityFilter;

fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("test.sqlite");
    (dir, path)
}

/// Runs a statement as another program would, and closes the database again.
async fn alter(path: &PathBuf, sql: &'static str) {
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query(sql).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn keeps_what_it_was_given() {
    let (_dir, path) = place();
    let store = Store::open(&path).await.unwrap();
    store.put_value("k", "v").await.unwrap();
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.value("k").await.unwrap().as_deref(), Some("v"));
}

#[tokio::test]
async fn keeps_what_was_committed_when_nobody_closed_it() {
    let (dir, path) = place();
    let store = Store::open(&path).await.unwrap();
    store.put_value("k", "v").await.unwrap();
    // The files as a killed process leaves them.
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let store = Store::open(&copy.path().join("test.sqlite")).await.unwrap();
    assert_eq!(store.value("k").await.unwrap().as_deref(), Some("v"));
}

/// The column `entry_point` had another name up to migration 4.
#[tokio::test]
async fn rows_of_earlier_versions_keep_their_entry_point() {
    let (_dir, path) = place();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut earlier = options.connect().await.unwrap();
    let known = MIGRATIONS.iter().filter(|migration| migration.version <= 4).cloned().collect();
    Migrator::with_migrations(known).run(&mut earlier).await.unwrap();
    sqlx::query(
        "INSERT INTO activity (id, at, ended, agent, integration, tool, outcome, arguments, waited_ms, ran_us,
                               bytes_in, bytes_out, door)
         VALUES (zeroblob(16), 1, 1, zeroblob(16), 'files', 'read', 'ok', '{}', 0, 5, 2, 2, 'direct')",
    )
    .execute(&mut earlier)
    .await
    .unwrap();
    earlier.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    let rows =
        store.activity(&ActivityFilter { limit: 10, ..ActivityFilter::default() }).await.unwrap();
    assert_eq!(rows.items.len(), 1);
    assert_eq!(rows.items[0].entry_point, EntryPoint::Direct);
}

#[tokio::test]
async fn refuses_a_newer_database_and_leaves_it_alone() {
    let (_dir, path) = place();
    Store::open(&path).await.unwrap().close().await;
    alter(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (4711, 'of tomorrow', true, x'00', 1)",
    )
    .await;
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).await.err().unwrap();
    assert!(matches!(&error, OpenError::Newer { version: 4711, .. }), "{error:?}");
    assert!(error.to_string().contains("made by a newer AgentPort"), "{error}");
    assert!(fs::read(&path).unwrap() == before, "the file has changed");
}

#[tokio::test]
async fn refuses_a_database_whose_migration_is_another() {
    let (_dir, path) = place();
    Store::open(&path).await.unwrap().close().await;
    alter(&path, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Altered { version: 1, .. }), "{error:?}");
    assert!(fs::read(&path).unwrap() == before, "the file has changed");
}

#[tokio::test]
async fn refuses_what_is_not_its_own() {
    let (_dir, path) = place();
    alter_new(&path).await;
    let error = Store::open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");

    let (_dir, path) = place();
    fs::write(&path, "not a database at all, and longer than the header of one. ".repeat(20))
        .unwrap();
    let error = Store::open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

async fn alter_new(path: &PathBuf) {
    fs::write(path, "").unwrap();
    alter(path, "CREATE TABLE theirs (a)").await;
}

#[tokio::test]
async fn says_where_it_could_not_be_created() {
    let error = Store::open(&PathBuf::from("/nonexistent/x.sqlite")).await.err().unwrap();
    assert_eq!(error.to_string(), "cannot create the database /nonexistent/x.sqlite");
}

#[cfg(unix)]
#[tokio::test]
async fn is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, path) = place();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&path).await.unwrap();
    store.put_value("k", "v").await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        names.push(format!("{} {mode:o}", entry.file_name().to_str().unwrap()));
    }
    names.sort();
    assert_eq!(names, ["test.sqlite 600", "test.sqlite-shm 600", "test.sqlite-wal 600"]);
}
