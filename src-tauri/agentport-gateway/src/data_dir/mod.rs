//! The data directory: everything AgentPort stores, accessible to its owner only.
//!
//! One gateway runs per data directory. It holds the lock file while it lives, and while it listens there is a runtime file
//! with its port for other programs. A runtime file without a held lock is left over from a killed gateway and is ignored,
//! because another program may listen on that port by now.
//!
//! Nothing here is asynchronous; these are few, small, local files.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

const DATABASE: &str = "agentport.sqlite";
const JOURNAL: &str = "journal";
const CHILDREN: &str = "children";
const BUNDLES: &str = "bundles";
const LOCK: &str = "lock";
const RUNTIME: &str = "runtime.json";

/// Attempts for a busy lock, and the time between them. A reader of the runtime file holds it for an instant.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The directory.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// Why a directory cannot be the data directory. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("there is no home directory to put AgentPort's data in; name one with --home")]
    Nowhere,
    #[error("cannot create the directory {path}")]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot look at the directory {path}")]
    Inspect {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not a directory")]
    NotADirectory { path: PathBuf },
    #[error("{path} belongs to another account; choose a directory of your own with --home")]
    NotOurs { path: PathBuf },
    #[error(
        "{path} holds other things and is open to other accounts; choose an empty directory with --home, or \
         `chmod 700` this one"
    )]
    Open { path: PathBuf },
    #[error("cannot close the directory {path} to other accounts")]
    Tighten {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Why the home could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("AgentPort is running already with this home{}", .0.of_process())]
    AlreadyRunning(AlreadyRunning),
    #[error("cannot lock {path}")]
    Failed {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Another process holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlreadyRunning {
    pub home: PathBuf,
    /// Its runtime file, if it could be read.
    pub pid: Option<u32>,
}

impl AlreadyRunning {
    fn of_process(&self) -> String {
        let home = self.home.display();
        match self.pid {
            Some(pid) => format!(": {home} (process {pid})"),
            None => format!(": {home}"),
        }
    }
}

/// The runtime file: where a running gateway is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    pub port: u16,
    pub pid: u32,
    pub mcp_url: String,
    pub control_url: String,
}

/// The held lock. Dropping it removes the runtime file and releases the lock.
#[derive(Debug)]
pub struct DataDirLock {
    runtime: PathBuf,
    /// Unlocks when closed, however the process ends.
    _file: File,
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // If this fails, the file is ignored since the lock is free.
        let _ = fs::remove_file(&self.runtime);
    }
}

impl DataDir {
    /// Opens the directory, by default the platform's place for application data, and creates it where there is none.
    /// Afterwards it belongs to this account and is closed to others.
    pub fn open(dir: Option<PathBuf>) -> Result<Self, DataDirError> {
        let asked = match dir {
            Some(dir) => dir,
            None => default_dir().ok_or(DataDirError::Nowhere)?,
        };
        create_dir(&asked)
            .map_err(|source| DataDirError::Create { path: asked.clone(), source })?;
        let root = asked
            .canonicalize()
            .map_err(|source| DataDirError::Inspect { path: asked.clone(), source })?;
        let home = Self { root };
        home.close_to_others()?;
        Ok(home)
    }

    /// The data directory if it exists, without creating it or changing its permissions: for reading.
    pub fn look(dir: Option<PathBuf>) -> Option<Self> {
        dir.or_else(default_dir)?.canonicalize().ok().map(|root| Self { root })
    }

    /// The default data directory. It is not created.
    pub fn usual() -> Option<PathBuf> {
        default_dir()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    /// The directory of the journal's files.
    pub fn journal_dir(&self) -> PathBuf {
        self.root.join(JOURNAL)
    }

    /// The directory that records which local servers are running.
    pub fn children_dir(&self) -> PathBuf {
        self.root.join(CHILDREN)
    }

    /// The directory of the unpacked bundles of integrations.
    pub fn bundles_dir(&self) -> PathBuf {
        self.root.join(BUNDLES)
    }

    /// Locks the data directory for this process.
    pub fn lock(&self) -> Result<DataDirLock, LockError> {
        let path = self.root.join(LOCK);
        let failed = |source| LockError::Failed { path: path.clone(), source };
        let mut file = private(OpenOptions::new().read(true).write(true).create(true))
            .open(&path)
            .map_err(failed)?;
        let mut tries = 1;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::AlreadyRunning(AlreadyRunning {
                        home: self.root.clone(),
                        pid: self.holder(&mut file),
                    }));
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        // Left by a gateway that was killed.
        let runtime = self.root.join(RUNTIME);
        let _ = fs::remove_file(&runtime);
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(DataDirLock { runtime, _file: file })
    }

    /// The process that holds the lock. Windows does not let others read a locked file, so the runtime file is read too.
    fn holder(&self, lock: &mut File) -> Option<u32> {
        let mut text = String::new();
        lock.rewind()
            .and_then(|()| lock.take(20).read_to_string(&mut text))
            .ok()
            .and_then(|_| text.trim().parse().ok())
            .or_else(|| self.parse_runtime().map(|runtime| runtime.pid))
    }

    /// Writes the runtime file atomically.
    pub fn write_runtime(&self, runtime: &Runtime) -> io::Result<()> {
        let json = serde_json::to_vec(runtime)?;
        write_private(&self.root.join(RUNTIME), &json)
    }

    /// The runtime file of the running gateway; `None` if none runs.
    pub fn read_runtime(&self) -> Option<Runtime> {
        let runtime = self.parse_runtime()?;
        let lock = File::open(self.root.join(LOCK)).ok()?;
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)).then_some(runtime)
    }

    fn parse_runtime(&self) -> Option<Runtime> {
        serde_json::from_slice(&fs::read(self.root.join(RUNTIME)).ok()?).ok()
    }

    #[cfg(unix)]
    fn close_to_others(&self) -> Result<(), DataDirError> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let path = || self.root.clone();
        let inspect = |source| DataDirError::Inspect { path: path(), source };
        let metadata = fs::metadata(&self.root).map_err(inspect)?;
        if !metadata.is_dir() {
            return Err(DataDirError::NotADirectory { path: path() });
        }
        if metadata.uid() != nix::unistd::geteuid().as_raw() {
            return Err(DataDirError::NotOurs { path: path() });
        }
        if metadata.mode() & 0o077 == 0 {
            return Ok(());
        }
        // Closing `/tmp` or a shared project because of a mistyped --home would do harm.
        let empty = fs::read_dir(&self.root).map_err(inspect)?.next().is_none();
        if !empty && !self.root.join(LOCK).is_file() {
            return Err(DataDirError::Open { path: path() });
        }
        fs::set_permissions(&self.root, fs::Permissions::from_mode(0o700))
            .map_err(|source| DataDirError::Tighten { path: path(), source })
    }

    /// On Windows the profile's directories are closed to other accounts by inherited access lists.
    #[cfg(not(unix))]
    fn close_to_others(&self) -> Result<(), DataDirError> {
        match self.root.is_dir() {
            true => Ok(()),
            false => Err(DataDirError::NotADirectory { path: self.root.clone() }),
        }
    }
}

/// Creates a directory and its parents with mode 0700. An existing one is unchanged.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Makes files created with these options mode 0600.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Replaces a file atomically, with mode 0600: a reader finds the old or the new one, whole, even after a loss of power.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // One that was left half-written may have any mode.
    let _ = fs::remove_file(&fresh);
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&fresh, path)
}

#[cfg(target_os = "macos")]
fn default_dir() -> Option<PathBuf> {
    Some(std::env::home_dir()?.join("Library/Application Support/AgentPort"))
}

#[cfg(windows)]
fn default_dir() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("APPDATA")?).join("AgentPort"))
}

/// XDG Base Directory Specification 0.8: a relative `XDG_DATA_HOME` is invalid and ignored.
#[cfg(not(any(target_os = "macos", windows)))]
fn default_dir() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    match data {
        Some(data) => Some(data.join("agentport")),
        None => Some(std::env::home_dir()?.join(".local/share/agentport")),
    }
}

#[cfg(test)]
mod tests;
