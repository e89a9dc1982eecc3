//! Rate limit of an agent: calls per fixed minute, if the owner set a limit.

use std::collections::HashMap;

use agentport_core::{AgentId, Timestamp};
use parking_lot::Mutex;

const MINUTE_MS: i64 = 60_000;

/// Calls of each agent in the current minute.
#[derive(Debug, Default)]
pub(crate) struct CallLimits(Mutex<HashMap<AgentId, (i64, u32)>>);

impl CallLimits {
    /// Counts a call. Fails with the seconds to wait if `limit` (0: none) is used up.
    pub(crate) fn count(&self, agent: AgentId, limit: u32, now: Timestamp) -> Result<(), u64> {
        if limit == 0 {
            return Ok(());
        }
        let minute = now.0.div_euclid(MINUTE_MS);
        let mut calls = self.0.lock();
        let (at, count) = calls.entry(agent).or_default();
        if *at != minute {
            (*at, *count) = (minute, 0);
        }
        if *count >= limit {
            let wait = MINUTE_MS - now.0.rem_euclid(MINUTE_MS);
            return Err(u64::try_from(wait).unwrap_or(0).div_ceil(1000));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_within_a_minute() {
        let limits = CallLimits::default();
        let agent = AgentId(uuid::Uuid::nil());
        let other = AgentId(uuid::Uuid::max());
        let at = |ms| Timestamp(ms);
        assert_eq!(limits.count(agent, 2, at(1_000)), Ok(()));
        assert_eq!(limits.count(agent, 2, at(2_000)), Ok(()));
        assert_eq!(limits.count(agent, 2, at(30_000)), Err(30));
        assert_eq!(limits.count(other, 2, at(30_000)), Ok(()));
        assert_eq!(limits.count(agent, 2, at(60_000)), Ok(()));
        assert_eq!(limits.count(agent, 0, at(60_001)), Ok(()));
    }
}
