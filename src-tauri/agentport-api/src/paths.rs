//! Paths of the control API. `{…}` stands for one path segment; [`fill`] puts an escaped value in its place.
//!
//! The gateway's route table and every client use these constants, so a renamed route is one change.

use std::fmt::Write as _;

/// Everything the control API serves lies below this.
pub const PREFIX: &str = "/control/";

pub const STATUS: &str = "/control/status";
pub const PAUSE: &str = "/control/pause";
pub const EVENTS: &str = "/control/events";

pub const APPROVALS: &str = "/control/approvals";
pub const APPROVAL: &str = "/control/approvals/{id}";
pub const APPROVE: &str = "/control/approvals/{id}/approve";
pub const DENY: &str = "/control/approvals/{id}/deny";

pub const KEYS: &str = "/control/keys";
pub const KEY: &str = "/control/keys/{id}";
pub const KEY_TRUST: &str = "/control/keys/{id}/trust";

pub const PROFILES: &str = "/control/profiles";
pub const PROFILE: &str = "/control/profiles/{name}";

pub const DIRECTORY: &str = "/control/available";
pub const DIRECTORY_ENTRY: &str = "/control/available/{id}";
pub const DIRECTORY_INSTALL: &str = "/control/available/{id}/install";

pub const INTEGRATIONS: &str = "/control/integrations";
pub const INTEGRATION: &str = "/control/integrations/{id}";
pub const INTEGRATION_ADDING: &str = "/control/integrations/{id}/adding";
pub const INTEGRATION_CREDENTIALS: &str = "/control/integrations/{id}/credentials";
pub const INTEGRATION_RESTART: &str = "/control/integrations/{id}/restart";
pub const INTEGRATION_TOOLS: &str = "/control/integrations/{id}/tools";
pub const INTEGRATION_TOOL_EFFECT: &str = "/control/integrations/{id}/tools/effect";
pub const INTEGRATION_LOG: &str = "/control/integrations/{id}/log";
pub const CONNECTION_COMPARE: &str = "/control/connections/compare";
pub const DEFINITION: &str = "/control/definitions/{digest}";

pub const POLICY: &str = "/control/policy";
pub const POLICY_RULE: &str = "/control/policy/{id}";
pub const POLICY_RULE_RESTORE: &str = "/control/policy/{id}/restore";
pub const POLICY_CATEGORY: &str = "/control/policy/category";

pub const DENIALS: &str = "/control/denials";
pub const DENIAL: &str = "/control/denials/{id}";

pub const SETTINGS: &str = "/control/settings";

pub const ACTIVITY: &str = "/control/activity";
pub const ACTIVITY_CHART: &str = "/control/activity/chart";
pub const ACTIVITY_EXPORT: &str = "/control/activity/export";

pub const AUDIT: &str = "/control/audit";
pub const AUDIT_VERIFY: &str = "/control/audit/verify";
pub const AUDIT_EXPORT: &str = "/control/audit/export";

pub const SECOND_FACTOR: &str = "/control/second-factor";
pub const SECOND_FACTOR_BEGIN: &str = "/control/second-factor/begin";
pub const SECOND_FACTOR_ENABLE: &str = "/control/second-factor/enable";
pub const SECOND_FACTOR_RECOVERY_CODES: &str = "/control/second-factor/recovery-codes";
pub const CONFIRM: &str = "/control/confirm";

pub const BACKUP: &str = "/control/backup";
pub const RESTORE: &str = "/control/restore";

/// Served in process only.
pub const OWNER_PASSWORD: &str = "/control/owner-password";

/// Served over TCP only, like the three after it.
pub const SESSION: &str = "/control/session";
pub const LOGIN: &str = "/control/login";
pub const LOGOUT: &str = "/control/logout";
pub const PASSWORD: &str = "/control/password";

/// Clients' config files: served by the extension of `agentport-setup`, like the four after it.
pub const CLIENTS: &str = "/control/clients";
pub const CLIENT_PLAN: &str = "/control/clients/{id}/plan";
pub const CLIENT_PLAN_APPLY: &str = "/control/clients/plans/{id}/apply";
pub const CLIENT_BACKUPS: &str = "/control/clients/backups";
pub const CLIENT_BACKUPS_VERIFY: &str = "/control/clients/backups/verify";

/// Replaces the `{…}` of a path by a value, percent-encoded as one segment (RFC 3986, section 3.3).
///
/// # Panics
/// When the pattern has no `{…}`: patterns are the constants of this module.
pub fn fill(pattern: &str, value: impl std::fmt::Display) -> String {
    let (before, rest) = pattern.split_once('{').expect("the pattern has a placeholder");
    let (_, after) = rest.split_once('}').expect("the placeholder is closed");
    let mut path = String::with_capacity(pattern.len() + 32);
    path.push_str(before);
    push_escaped(&mut path, &value.to_string());
    path.push_str(after);
    path
}

/// Appends `name=value` to the query of a path.
pub fn with_query(mut path: String, name: &str, value: impl std::fmt::Display) -> String {
    path.push(if path.contains('?') { '&' } else { '?' });
    push_escaped(&mut path, name);
    path.push('=');
    push_escaped(&mut path, &value.to_string());
    path
}

/// Everything but the unreserved characters of RFC 3986, section 2.3, is percent-encoded.
fn push_escaped(text: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into());
            }
            _ => write!(text, "%{byte:02X}").expect("writing to a string never fails"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_one_segment() {
        assert_eq!(fill(APPROVE, "a/../b?c#d"), "/control/approvals/a%2F..%2Fb%3Fc%23d/approve");
        assert_eq!(fill(PROFILE, "größer"), "/control/profiles/gr%C3%B6%C3%9Fer");
    }

    #[test]
    fn queries_are_appended() {
        let path = with_query(APPROVALS.into(), "state", "pending");
        assert_eq!(with_query(path, "q", "a&b=c"), "/control/approvals?state=pending&q=a%26b%3Dc");
    }
}
