//! Paths of the control API. `{…}` stands for one path segment; [`fill`] puts an escaped value in its place.
//!
//! The gateway's route table and every client use these constants, so a renamed route is one change.

use std::fmt::Write as _;

/// Everything the control API serves lies below this.
pub const PREFIX: &str = "/control/";

/// `GET` [`Status`](crate::Status).
pub const STATUS: &str = "/control/status";
/// `POST` [`Pause`](crate::Pause).
pub const PAUSE: &str = "/control/pause";
/// `GET`: server-sent [`Event`](crate::Event)s.
pub const EVENTS: &str = "/control/events";

/// `GET` a list of [`ApprovalView`](crate::ApprovalView).
pub const APPROVALS: &str = "/control/approvals";
/// `GET` one [`ApprovalView`](crate::ApprovalView).
pub const APPROVAL: &str = "/control/approvals/{id}";
/// `POST` [`Approve`](crate::Approve).
pub const APPROVE: &str = "/control/approvals/{id}/approve";
/// `POST` [`Deny`](crate::Deny).
pub const DENY: &str = "/control/approvals/{id}/deny";

/// `GET` a list of [`KeyView`](crate::KeyView); `POST` [`CreateKey`](crate::CreateKey).
pub const KEYS: &str = "/control/keys";
/// `PATCH` [`ChangeKey`](crate::ChangeKey); `DELETE` revokes.
pub const KEY: &str = "/control/keys/{id}";
/// `POST` [`Trust`](crate::Trust).
pub const KEY_TRUST: &str = "/control/keys/{id}/trust";

/// `GET` a list of [`ConsentView`](crate::ConsentView).
pub const CONSENTS: &str = "/control/consents";
/// `GET` [`ConsentView`](crate::ConsentView).
pub const CONSENT: &str = "/control/consents/{id}";
/// `POST` [`ApproveConsent`](crate::ApproveConsent).
pub const CONSENT_APPROVE: &str = "/control/consents/{id}/approve";
/// `POST` without a body.
pub const CONSENT_DENY: &str = "/control/consents/{id}/deny";

/// `GET` [`Profiles`](crate::Profiles).
pub const PROFILES: &str = "/control/profiles";
/// `PUT` a profile; `DELETE` removes it.
pub const PROFILE: &str = "/control/profiles/{name}";

/// `GET` a list of [`AvailableIntegration`](crate::AvailableIntegration).
pub const DIRECTORY: &str = "/control/available";
/// `GET` one [`AvailableIntegration`](crate::AvailableIntegration).
pub const DIRECTORY_ENTRY: &str = "/control/available/{id}";
/// `POST` [`InstallAvailable`](crate::InstallAvailable).
pub const DIRECTORY_INSTALL: &str = "/control/available/{id}/install";

/// `POST` [`FieldValues`](crate::FieldValues), which answers [`CommandPreview`](crate::CommandPreview).
pub const DIRECTORY_PREVIEW: &str = "/control/available/{id}/preview";

/// `POST` [`ImportSource`](crate::ImportSource), which answers [`ServerFileView`](crate::ServerFileView).
pub const IMPORT_READ: &str = "/control/imports/read";
/// `POST` [`InstallImport`](crate::InstallImport), which answers [`CommandPreview`](crate::CommandPreview).
pub const IMPORT_PREVIEW: &str = "/control/imports/preview";
/// `POST` [`InstallImport`](crate::InstallImport).
pub const IMPORT_INSTALL: &str = "/control/imports/install";

/// `GET` a list of [`IntegrationView`](crate::IntegrationView); `POST` [`AddIntegration`](crate::AddIntegration).
pub const INTEGRATIONS: &str = "/control/integrations";
/// `GET` one [`IntegrationView`](crate::IntegrationView); `PATCH` [`ChangeIntegration`](crate::ChangeIntegration); `DELETE` removes it.
pub const INTEGRATION: &str = "/control/integrations/{id}";
/// `DELETE` ends an addition that is under way.
pub const INTEGRATION_ADDING: &str = "/control/integrations/{id}/adding";
/// `PUT` [`ReplaceCredentials`](crate::ReplaceCredentials).
pub const INTEGRATION_CREDENTIALS: &str = "/control/integrations/{id}/credentials";
/// `POST` without a body.
pub const INTEGRATION_RESTART: &str = "/control/integrations/{id}/restart";
/// `POST` [`PinPackage`](crate::PinPackage).
pub const INTEGRATION_PIN: &str = "/control/integrations/{id}/pin";
/// `GET` a list of [`ToolView`](crate::ToolView).
pub const INTEGRATION_TOOLS: &str = "/control/integrations/{id}/tools";
/// `PUT` [`ClassifyTool`](crate::ClassifyTool).
pub const INTEGRATION_TOOL_EFFECT: &str = "/control/integrations/{id}/tools/effect";
/// `GET` a list of [`LogLine`](crate::LogLine).
pub const INTEGRATION_LOG: &str = "/control/integrations/{id}/log";
/// `POST` [`Compare`](crate::Compare).
pub const CONNECTION_COMPARE: &str = "/control/connections/compare";
/// `GET` [`DefinitionView`](crate::DefinitionView).
pub const DEFINITION: &str = "/control/definitions/{digest}";

/// `GET` a list of [`AccountView`](crate::AccountView).
pub const ACCOUNTS: &str = "/control/accounts";
/// `GET` [`AccountView`](crate::AccountView); `PATCH` [`ChangeAccount`](crate::ChangeAccount); `DELETE` signs out.
pub const ACCOUNT: &str = "/control/accounts/{id}";
/// `PUT` [`ReplaceCredentials`](crate::ReplaceCredentials).
pub const ACCOUNT_CREDENTIALS: &str = "/control/accounts/{id}/credentials";
/// `POST` without a body.
pub const ACCOUNT_FORGET_REGISTRATION: &str = "/control/accounts/{id}/forget-registration";
/// `POST` [`AddAccount`](crate::AddAccount).
pub const INTEGRATION_ACCOUNTS: &str = "/control/integrations/{id}/accounts";
/// `GET` and `PUT` [`ChosenAccounts`](crate::ChosenAccounts).
pub const INTEGRATION_CHOSEN_ACCOUNTS: &str = "/control/integrations/{id}/accounts/chosen";
/// `GET` a list of [`SignInView`](crate::SignInView); `POST` [`StartSignIn`](crate::StartSignIn).
pub const SIGN_INS: &str = "/control/sign-ins";
/// `GET` [`SignInView`](crate::SignInView); `DELETE` ends it.
pub const SIGN_IN: &str = "/control/sign-ins/{id}";
/// `POST` [`PastedCallback`](crate::PastedCallback).
pub const SIGN_IN_CALLBACK: &str = "/control/sign-ins/{id}/callback";

/// `GET` a list of [`RuleView`](crate::RuleView); `PUT` [`SetPolicy`](crate::SetPolicy).
pub const POLICY: &str = "/control/policy";
/// `PATCH` [`ChangeRule`](crate::ChangeRule); `DELETE` removes the rule.
pub const POLICY_RULE: &str = "/control/policy/{id}";
/// `POST` without a body.
pub const POLICY_RULE_RESTORE: &str = "/control/policy/{id}/restore";
/// `PUT` [`SetCategoryPolicy`](crate::SetCategoryPolicy).
pub const POLICY_CATEGORY: &str = "/control/policy/category";

/// `GET` a list of [`RepeatedDenial`](crate::RepeatedDenial).
pub const DENIALS: &str = "/control/denials";
/// `DELETE`: ask again.
pub const DENIAL: &str = "/control/denials/{id}";

/// `GET` and `PATCH` [`Settings`](crate::Settings).
pub const SETTINGS: &str = "/control/settings";

/// `GET` [`ActivityPage`](crate::ActivityPage).
pub const ACTIVITY: &str = "/control/activity";
/// `GET` [`ActivityChart`](crate::ActivityChart).
pub const ACTIVITY_CHART: &str = "/control/activity/chart";
/// `GET`: the rows as a file, JSON lines or CSV.
pub const ACTIVITY_EXPORT: &str = "/control/activity/export";

/// `GET` a list of [`AuditRow`](crate::AuditRow).
pub const AUDIT: &str = "/control/audit";
/// `GET` [`AuditVerdict`](crate::AuditVerdict).
pub const AUDIT_VERIFY: &str = "/control/audit/verify";
/// `GET`: every [`AuditRow`](crate::AuditRow), oldest first, as JSON lines.
pub const AUDIT_EXPORT: &str = "/control/audit/export";

/// `GET` [`SecondFactor`](crate::SecondFactor); `DELETE` turns it off.
pub const SECOND_FACTOR: &str = "/control/second-factor";
/// `POST` without a body, which answers [`SecondFactorSetup`](crate::SecondFactorSetup).
pub const SECOND_FACTOR_BEGIN: &str = "/control/second-factor/begin";
/// `POST` [`Code`](crate::Code), which answers [`RecoveryCodes`](crate::RecoveryCodes).
pub const SECOND_FACTOR_ENABLE: &str = "/control/second-factor/enable";
/// `POST` without a body, which answers [`RecoveryCodes`](crate::RecoveryCodes).
pub const SECOND_FACTOR_RECOVERY_CODES: &str = "/control/second-factor/recovery-codes";
/// `POST` [`Code`](crate::Code), which answers [`Confirmation`](crate::Confirmation).
pub const CONFIRM: &str = "/control/confirm";

/// `GET` [`Backup`](crate::Backup).
pub const BACKUP: &str = "/control/backup";
/// `POST` [`Backup`](crate::Backup), which answers [`RestoreReport`](crate::RestoreReport).
pub const RESTORE: &str = "/control/restore";

/// `PUT` [`SetOwnerPassword`](crate::SetOwnerPassword); `DELETE` removes it. Served in process only.
pub const OWNER_PASSWORD: &str = "/control/owner-password";

/// `GET` [`Session`](crate::Session). Served over TCP only.
pub const SESSION: &str = "/control/session";
/// `POST` [`Login`](crate::Login). Served over TCP only.
pub const LOGIN: &str = "/control/login";
/// `POST` without a body. Served over TCP only.
pub const LOGOUT: &str = "/control/logout";
/// `POST` [`ChoosePassword`](crate::ChoosePassword). Served over TCP only.
pub const PASSWORD: &str = "/control/password";

/// Clients' config files: served by the extension of `agentport-setup`, like the four after it.
pub const CLIENTS: &str = "/control/clients";
/// `POST` what is to be done with a client, which answers a plan and changes nothing.
pub const CLIENT_PLAN: &str = "/control/clients/{id}/plan";
/// `POST`: does what the plan of this id says.
pub const CLIENT_PLAN_APPLY: &str = "/control/clients/plans/{id}/apply";
/// `GET`: copies of clients' files that were kept before changes. `DELETE`: removes old ones.
pub const CLIENT_BACKUPS: &str = "/control/clients/backups";
/// `POST`: whether those copies are as they were.
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
