//! Opens the SQLite database of backups: its file, its one connection, its migrations.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{BackupsError, io_error};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Time a statement waits for another process' lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn file(root: &Path) -> PathBuf {
    root.join("journal.sqlite")
}

/// Does it not exist yet, or is it empty?
pub(super) fn is_new(root: &Path) -> bool {
    std::fs::metadata(file(root)).map_or(true, |found| found.len() == 0)
}

/// Opens the database, and creates it if needed. A new one is created by one process at a time.
pub(super) async fn open(root: &Path) -> Result<SqlitePool, BackupsError> {
    let path = file(root);
    create(&path).map_err(|source| io_error(&path, source))?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // A row is on the disk before the file it is about is touched, through a loss of power too.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(BackupsError::Journal)
}

/// Are all migrations applied? Fails for the database of a newer program.
pub(super) async fn is_current(pool: &SqlitePool, root: &Path) -> Result<bool, BackupsError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(pool)
            .await
            .map_err(BackupsError::Journal)?;
    if tables == 0 {
        return Ok(false);
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(pool)
            .await
            .map_err(BackupsError::Journal)?;
    if applied.iter().any(|version| !MIGRATIONS.version_exists(*version)) {
        return Err(BackupsError::Newer { path: file(root) });
    }
    Ok(MIGRATIONS.iter().all(|known| applied.contains(&known.version)))
}

/// Applies migrations; one process at a time.
pub(super) async fn migrate(pool: &SqlitePool) -> Result<(), BackupsError> {
    MIGRATIONS.run(pool).await.map_err(BackupsError::Migrate)
}

/// Makes sure that the file exists and is for its owner alone. SQLite gives its `-wal` and `-shm` the same mode.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    drop(file);
    Ok(())
}
