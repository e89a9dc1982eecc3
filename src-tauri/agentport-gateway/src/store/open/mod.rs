//! Opening the database: its file, its connections, its migrations.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Pools, Store};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a statement waits for a lock. Ours is the only process, so this is for people who look in with a tool.
const BUSY: Duration = Duration::from_secs(5);
/// Connections that read at once.
const READERS: u32 = 3;

/// Why the database could not be opened. In none of these cases has it been changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("cannot create the database {path}")]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the database {path}")]
    Connect {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    #[error(
        "the database {path} was made by a newer AgentPort (its migration {version} is unknown here); \
         update this one, or use another home"
    )]
    Newer { path: PathBuf, version: i64 },
    #[error("migration {version} of the database {path} is not the one this program knows")]
    Altered { path: PathBuf, version: i64 },
    #[error("{path} is not a database of AgentPort")]
    Foreign { path: PathBuf },
    #[error("cannot bring the database {path} up to date")]
    Migrate {
        path: PathBuf,
        #[source]
        source: MigrateError,
    },
}

impl Store {
    /// Opens the database, creates it where there is none (readable to its owner alone), and brings it up to date.
    /// One that a newer program made is refused and stays as it is.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        create(path).map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
        inspect(path).await?;

        let connect = |source| OpenError::Connect { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(connect)?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "on"));
        Ok(Self(Arc::new(Pools { writer, readers })))
    }
}

/// Makes sure that the file exists and is for its owner alone. SQLite gives its `-wal` and `-shm` the same mode.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
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

/// Looks, without writing, whether the database is one this program knows.
async fn inspect(path: &Path) -> Result<(), OpenError> {
    let connect = |source| OpenError::Connect { path: path.to_owned(), source };
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(connect)?;
    let applied = applied(&mut connection).await;
    let closed = connection.close().await;
    let applied = match applied {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NOT_A_DATABASE) => {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
        other => other.map_err(connect)?,
    };
    closed.map_err(connect)?;
    match applied {
        MigrationState::Nothing => Ok(()),
        MigrationState::Foreign => Err(OpenError::Foreign { path: path.to_owned() }),
        MigrationState::Migrations(rows) => rows.into_iter().try_for_each(|(version, checksum)| {
            match MIGRATIONS.iter().find(|known| known.version == version) {
                None => Err(OpenError::Newer { path: path.to_owned(), version }),
                Some(known) if *known.checksum != *checksum => {
                    Err(OpenError::Altered { path: path.to_owned(), version })
                }
                Some(_) => Ok(()),
            }
        }),
    }
}

/// SQLITE_NOTADB, <https://www.sqlite.org/rescode.html#notadb>.
const NOT_A_DATABASE: &str = "26";

enum MigrationState {
    /// An empty database.
    Nothing,
    /// Tables, but none of ours.
    Foreign,
    Migrations(Vec<(i64, Vec<u8>)>),
}

async fn applied(connection: &mut SqliteConnection) -> Result<MigrationState, sqlx::Error> {
    let (tables, ours): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE name = '_sqlx_migrations') FROM sqlite_schema",
    )
    .fetch_one(&mut *connection)
    .await?;
    match (tables, ours) {
        (0, _) => Ok(MigrationState::Nothing),
        (_, 0) => Ok(MigrationState::Foreign),
        _ => {
            let rows =
                sqlx::query("SELECT version, checksum FROM _sqlx_migrations ORDER BY version DESC")
                    .fetch_all(connection)
                    .await?;
            rows.iter()
                .map(|row| Ok((row.try_get("version")?, row.try_get("checksum")?)))
                .collect::<Result<_, sqlx::Error>>()
                .map(MigrationState::Migrations)
        }
    }
}

#[cfg(test)]
mod tests;
