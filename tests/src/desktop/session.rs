//! One desktop session: folders, a bus, a display, and what runs on them.
//!
//! The bus starts nothing by itself: what a session has is what it was started with, and "no notification daemon" is
//! the truth. Everything is ended by its id when the session is dropped, also when the test panics.

use std::{
    ffi::OsStr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use zbus::{
    Connection,
    fdo::DBusProxy,
    names::{BusName, WellKnownName},
};

use super::{tree, until};
use crate::{process::Process, soon};

/// Owned by the panel that shows tray icons.
pub const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// Owned by who shows notifications.
pub const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const SECRETS: &str = "org.freedesktop.secrets";
const XFCONF: &str = "org.xfce.Xfconf";
const ACCESSIBILITY: &str = "org.a11y.Bus";

/// Says which session a process belongs to, wherever in the tree it ends up.
const MARK: &str = "AGENTPORT_TEST_SESSION";

const SCREEN: &str = "1280x900x24";

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path=@PATH@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

#[derive(Debug)]
pub struct Session {
    directory: tempfile::TempDir,
    display: String,
    bus: String,
    /// In the order they were started.
    parts: Vec<Process>,
    connection: Connection,
}

impl Session {
    /// A bus, a display and a window manager: for the doubles.
    pub async fn bare() -> Self {
        let directory =
            tempfile::Builder::new().prefix("agentport-desk-").tempdir().expect("a directory");
        for name in ["home", "run", "logs"] {
            let mut builder = std::fs::DirBuilder::new();
            builder.mode(0o700).create(directory.path().join(name)).expect("a directory");
        }
        let (bus, daemon) = start_bus(directory.path()).await;
        let (display, screen) = start_display(directory.path()).await;
        let connection = soon("the bus", connect_to(&bus)).await;
        let mut session = Self { directory, display, bus, parts: vec![daemon, screen], connection };
        session.start(Path::new("openbox"), &["--sm-disable"]);
        session.window_manager().await;
        session
    }

    /// As [`Session::bare`], with a panel, a notification daemon, a secret service and accessibility: what a user has.
    pub async fn real() -> Self {
        let mut session = Self::bare().await;
        session.start(Path::new("/usr/libexec/at-spi-bus-launcher"), &["--launch-immediately"]);
        session.name(ACCESSIBILITY).await;
        session.start(&xfce("xfconf/xfconfd"), &[]);
        session.name(XFCONF).await;
        session.start(Path::new("xfce4-panel"), &["--disable-wm-check"]);
        session.start(&xfce("notifyd/xfce4-notifyd"), &[]);
        session.unlock_secrets();
        for name in [WATCHER, NOTIFICATIONS, SECRETS] {
            session.name(name).await;
        }
        session
    }

    fn unlock_secrets(&mut self) {
        let words = ["--unlock", "--components=secrets", "--foreground"];
        self.start(Path::new("gnome-keyring-daemon"), &words);
        self.parts.last_mut().expect("the keyring was started").feed("fixture-login-password");
    }

    /// Starts a part of the session. It is ended with it.
    fn start(&mut self, program: &Path, arguments: &[&str]) {
        let name = program.file_name().and_then(OsStr::to_str).expect("a program's name");
        let mut command = self.command(program);
        command.args(arguments);
        self.parts.push(Process::start(command, &self.log(name)));
    }

    /// A program in this session's environment, not yet started, without any of the machine's settings.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = environment(self.directory.path(), program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus).env("DISPLAY", &self.display);
        // The display has no graphics card behind it.
        command.env("WEBKIT_DISABLE_DMABUF_RENDERER", "1").env("LIBGL_ALWAYS_SOFTWARE", "1");
        command.env("GDK_BACKEND", "x11");
        command
    }

    /// A folder of the session's: `home`, `run`.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where what a program writes to stderr goes.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder("logs").join(name)
    }

    /// What tells this session's processes from all others.
    pub fn mark(&self) -> String {
        mark(self.directory.path())
    }

    /// One more connection to the bus: a client with a name of its own.
    pub async fn connect(&self) -> Connection {
        soon("the bus", connect_to(&self.bus)).await
    }

    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// Waits until somebody owns a name on the bus.
    pub async fn name(&self, name: &str) {
        let owned = wait_for_name(&self.connection, name);
        soon(&format!("an owner of {name}"), owned).await.expect("the bus answers");
    }

    /// The window manager says that it is there with a property of the root window.
    async fn window_manager(&self) {
        until("a window manager", async || {
            let said = self
                .command(Path::new("xprop"))
                .args(["-root", "_NET_SUPPORTING_WM_CHECK"])
                .output();
            let said = said.expect("xprop runs").stdout;
            String::from_utf8_lossy(&said).contains("window id").then_some(())
        })
        .await;
    }

    /// A picture of a window.
    pub fn picture(&self, window: &str, path: &Path) {
        self.import(&["-window", window], path);
    }

    /// A picture of a part of the screen, as `WIDTHxHEIGHT+LEFT+TOP`.
    pub fn picture_of_part(&self, part: &str, path: &Path) {
        self.import(&["-window", "root", "-crop", part, "+repage"], path);
    }

    fn import(&self, words: &[&str], path: &Path) {
        let taken = self.command(Path::new("import")).args(words).arg(path).output();
        let taken = taken.expect("import starts");
        assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    }

    /// Something else than black behind the windows.
    pub fn paint_background(&self) {
        let size = SCREEN.rsplit_once('x').expect("width, height and depth").0;
        let mut display = self.command(Path::new("display"));
        display.args(["-size", size, "-window", "root", "gradient:#7d97a5-#3c5563"]);
        // Having painted the root window it says that it failed.
        display.output().expect("display starts");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The last to come is the first to go: the display and the bus end when nobody needs them any more.
        while let Some(part) = self.parts.pop() {
            let below = tree::descendants(part.pid());
            drop(part);
            below.into_iter().for_each(tree::end);
        }
        tree::marked(&self.mark()).into_iter().for_each(tree::end);
    }
}

fn mark(directory: &Path) -> String {
    format!("{MARK}={}", directory.display())
}

fn environment(directory: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(directory.join("home"));
    for name in ["PATH", "LLVM_PROFILE_FILE", "RUST_LOG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("LANG", "C.UTF-8").env(MARK, directory);
    for (name, folder) in [("HOME", "home"), ("XDG_RUNTIME_DIR", "run")] {
        command.env(name, directory.join(folder));
    }
    command
}

async fn start_bus(directory: &Path) -> (String, Process) {
    let configuration = directory.join("bus.conf");
    let socket = directory.join("bus");
    let text = BUS.replace("@PATH@", socket.to_str().expect("a path in Unicode"));
    std::fs::write(&configuration, text).expect("a file");
    let mut command = environment(directory, Path::new("dbus-daemon"));
    command.args(["--nofork", "--nopidfile", "--nosyslog", "--print-address=1", "--config-file"]);
    command.arg(&configuration);
    let mut daemon = Process::start(command, &directory.join("logs/dbus-daemon"));
    let address = daemon.line().await.expect("the bus says its address");
    (address, daemon)
}

async fn start_display(directory: &Path) -> (String, Process) {
    let mut command = environment(directory, Path::new("Xvfb"));
    // It looks for a free number itself and says which it found.
    command.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]);
    let mut screen = Process::start(command, &directory.join("logs/Xvfb"));
    let number = screen.line().await.expect("the display says its number");
    (format!(":{}", number.trim()), screen)
}

/// Where Xfce keeps the programs that nobody starts by hand: below the folder of the machine's architecture.
fn xfce(path: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("/usr/lib");
    let mut found = folders.flatten().map(|folder| folder.path().join("xfce4").join(path));
    found.find(|path| path.exists()).unwrap_or_else(|| panic!("{path} of Xfce is not installed"))
}

async fn connect_to(address: &str) -> Connection {
    let builder = zbus::connection::Builder::address(address).expect("an address");
    builder.build().await.expect("the bus lets us in")
}

async fn wait_for_name(connection: &Connection, name: &str) -> zbus::Result<()> {
    use futures::StreamExt as _;
    let bus = DBusProxy::new(connection).await?;
    let name = WellKnownName::try_from(name)?;
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name.as_str())]).await?;
    while !bus.name_has_owner(BusName::WellKnown(name.clone())).await? {
        changes.next().await;
    }
    Ok(())
}
