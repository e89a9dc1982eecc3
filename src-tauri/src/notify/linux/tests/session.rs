//! A private session bus for a test.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use zbus::{Connection, connection};

use super::super::wire::NAME;

/// Ends with the test.
pub(super) struct Session {
    pub(super) address: String,
    daemon: Child,
    _folder: TempDir,
}

impl Session {
    /// A bus that can start a daemon. What it starts never takes the name: the test does.
    pub(super) fn with_activation() -> Option<Self> {
        let service = format!("[D-BUS Service]\nName={NAME}\nExec=/bin/sleep 10\n");
        Self::start_with(Some(service))
    }

    pub(super) fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// `None`, with the reason printed, where there is no `dbus-daemon`.
    fn start_with(service: Option<String>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}/bus</listen>
  <servicedir>{}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#,
            folder.path().display(),
            folder.path().display(),
        );
        std::fs::write(&config, text).unwrap();
        if let Some(service) = service {
            std::fs::write(folder.path().join("notifications.service"), service).unwrap();
        }
        let started = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It complains of limits it may not raise.
            .stderr(Stdio::null())
            .spawn();
        let mut daemon = match started {
            Ok(daemon) => daemon,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                skipped();
                return None;
            }
            Err(error) => panic!("dbus-daemon does not start: {error}"),
        };
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(Self { address: address.trim().to_owned(), daemon, _folder: folder })
    }

    pub(super) async fn connect(&self) -> Connection {
        connection::Builder::address(&*self.address).unwrap().build().await.unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It is ours, and it may have ended.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[expect(clippy::print_stderr, reason = "the run has to show what was not tested")]
fn skipped() {
    eprintln!("skipped: dbus-daemon is not installed");
}
