//! Binds the port on both loopback addresses.

use std::io::ErrorKind;

use tokio::net::TcpListener;

use super::StartError;
use crate::http;

/// How often another free port is tried, if [::1] of the one found is taken.
const PORTS_TRIED: usize = 10;

/// Binds the port on 127.0.0.1 and, where there is IPv6, on [::1].
pub(super) async fn bind(port: u16) -> Result<(Vec<TcpListener>, u16), StartError> {
    let mut tries = if port == 0 { PORTS_TRIED } else { 1 };
    loop {
        match bind_both(port).await {
            Ok(bound) => return Ok(bound),
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 1 => tries -= 1,
            Err(source) => return Err(StartError::Bind { port, source }),
        }
    }
}

async fn bind_both(port: u16) -> std::io::Result<(Vec<TcpListener>, u16)> {
    let [four, _] = http::addresses(port);
    let first = TcpListener::bind(four).await?;
    let port = first.local_addr()?.port();
    let [_, six] = http::addresses(port);
    let mut listeners = vec![first];
    match TcpListener::bind(six).await {
        Ok(second) => listeners.push(second),
        // A stranger on [::1] of this port would be handed the keys of clients that say `localhost`.
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(%error, "this machine has no [::1] to listen on"),
    }
    Ok((listeners, port))
}
