//! How long a call may take, where an integration's own connection says so.

use agentport_api::Connection;

/// Seconds, as in the settings.
const POSSIBLE: std::ops::RangeInclusive<u32> = 1..=3_600;

/// It is not a time a call can be given.
#[derive(Debug, thiserror::Error)]
#[error("{what} can take 1 to 3600 seconds, not {seconds}")]
pub(crate) struct BadTimeout {
    what: &'static str,
    seconds: u32,
}

/// The same connection with another time; what is built in has none.
pub(crate) fn with_timeout(mut connection: Connection, seconds: Option<u32>) -> Connection {
    connection.set_timeout_seconds(seconds);
    connection
}

pub(super) fn check(connection: &Connection) -> Result<(), BadTimeout> {
    for (what, seconds) in [
        ("a call", connection.timeout_seconds()),
        ("a start", connection.startup_timeout_seconds()),
    ] {
        if let Some(seconds) = seconds.filter(|seconds| !POSSIBLE.contains(seconds)) {
            return Err(BadTimeout { what, seconds });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_start_takes_a_second_to_an_hour() {
        for (seconds, fits) in [(1, true), (3_600, true), (0, false), (3_601, false)] {
            let local = json!({ "type": "local_mcp", "command": "npx", "startup_timeout_seconds": seconds });
            let connection: Connection = serde_json::from_value(local).unwrap();
            assert_eq!(check(&connection).is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn a_call_takes_a_second_to_an_hour() {
        let local = json!({ "type": "local_mcp", "command": "npx" });
        let remote = json!({ "type": "remote_mcp", "url": "https://example.test" });
        for connection in [local, remote] {
            let connection: Connection = serde_json::from_value(connection).unwrap();
            let of = |seconds| with_timeout(connection.clone(), Some(seconds));
            for seconds in [1, 3_600] {
                assert_eq!(of(seconds).timeout_seconds(), Some(seconds));
                assert!(check(&of(seconds)).is_ok());
            }
            for seconds in [0, 3_601, u32::MAX] {
                assert!(check(&of(seconds)).is_err(), "{seconds}");
            }
            assert_eq!((connection.timeout_seconds(), check(&connection).is_ok()), (None, true));
        }
    }
}
