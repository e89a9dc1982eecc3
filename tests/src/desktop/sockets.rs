//! Where a process can be reached over TCP, read from `/proc`.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::tree;

/// The state of a socket that listens, in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Every address on which a process, or anything it has started, accepts TCP connections.
pub fn listening(pid: u32) -> Vec<SocketAddr> {
    let held: HashSet<String> =
        tree::descendants(pid).into_iter().chain([pid]).flat_map(sockets).collect();
    let mut found = Vec::new();
    for family in ["tcp", "tcp6"] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{family}"));
        let table = table.expect("the process is there");
        for line in table.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            if fields[3] == LISTEN && held.contains(fields[9]) {
                found.push(address(fields[1]));
            }
        }
    }
    found
}

/// Numbers of the sockets a process holds.
fn sockets(pid: u32) -> Vec<String> {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links
        .filter_map(|link| {
            let number = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(number.to_owned())
        })
        .collect()
}

/// `0100007F:1F90`: words of the address in the machine's byte order, and the port.
fn address(text: &str) -> SocketAddr {
    let (address, port) = text.split_once(':').expect("an address and a port");
    let port = u16::from_str_radix(port, 16).expect("a port");
    let mut bytes = Vec::new();
    for word in address.as_bytes().chunks(8) {
        let word = std::str::from_utf8(word).expect("ASCII");
        bytes.extend(u32::from_str_radix(word, 16).expect("a word of an address").to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::V4(Ipv4Addr::from(four)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).expect("16 bytes"))),
    };
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn our_own_listeners_are_found() {
        let four = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let six = tokio::net::TcpListener::bind("[::1]:0").await;
        let found = listening(std::process::id());
        assert!(found.contains(&four.local_addr().expect("an address")), "{found:?}");
        if let Ok(six) = six {
            assert!(found.contains(&six.local_addr().expect("an address")), "{found:?}");
        }
    }
}
