//! Finds the process that listens on a port of this machine.

use std::{
    fmt,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A listening process, as far as it can be identified.
pub(super) struct PortListener {
    pub(super) pid: Option<u32>,
    name: Option<String>,
}

impl fmt::Display for PortListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.name) {
            (Some(pid), Some(name)) => write!(f, "Process {pid} ({name})"),
            (Some(pid), None) => write!(f, "Process {pid}"),
            // A process of another account, or a system without proc(5).
            (None, _) => f.write_str("Another program"),
        }
    }
}

/// The listener on the port; `None` if there is none.
pub(super) fn on(port: u16) -> Option<PortListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    let pid = holder(port);
    let name = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    Some(PortListener { pid, name: name.map(|name| name.trim().to_owned()) })
}

/// The process with a listening socket on the port, from proc(5).
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> =
        tables.iter().flat_map(|table| table.lines()).filter_map(|row| inode(row, port)).collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid: &u32| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| std::fs::read_link(file.path()).ok())
            .any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_port: u16) -> Option<u32> {
    None
}

/// `socket:[12345]`, if this row is of a socket that listens on the port.
#[cfg(target_os = "linux")]
fn inode(row: &str, port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let columns: Vec<&str> = row.split_whitespace().collect();
    let (_, local) = columns.get(1)?.rsplit_once(':')?;
    let is_it = u16::from_str_radix(local, 16) == Ok(port) && columns.get(3) == Some(&LISTENS);
    is_it.then(|| columns.get(9).map(|inode| format!("socket:[{inode}]"))).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn finds_itself_and_nobody() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = on(port).unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(found.pid, Some(std::process::id()));
        assert!(found.to_string().contains("rocess") || found.pid.is_none());
        drop(listener);
        assert!(on(port).is_none());
    }
}
