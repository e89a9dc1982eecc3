//! Removes our own secrets from results of upstreams that echo them. Nothing else of a result changes.

use agentport_core::{Secret, redact};
use rmcp::model::ServerResult;

/// Replaces every occurrence of `secrets` in `result`. Returns whether there was one.
pub(crate) fn scrub(result: &mut ServerResult, secrets: &[Secret]) -> bool {
    if secrets.is_empty() {
        return false;
    }
    let Ok(mut value) = serde_json::to_value(&*result) else { return false };
    let texts: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    if !redact::scrub_value(&mut value, &texts) {
        return false;
    }
    *result = match serde_json::from_value(value.clone()) {
        Ok(scrubbed) => scrubbed,
        // Scrubbing changes text only, so this cannot happen; if it does, the secret still must not pass.
        Err(_) => ServerResult::CustomResult(rmcp::model::CustomResult::new(value)),
    };
    true
}
