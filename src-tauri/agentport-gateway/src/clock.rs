//! The one place that reads the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use agentport_core::Timestamp;

/// The present moment. Before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
