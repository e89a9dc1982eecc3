//! The words of the audit: who did something, and what it was.
//!
//! A row keeps both as text, and its MAC is made over that text. Rows of other versions may hold words that are not in
//! these sets; they are shown as they are.

use std::fmt;

use crate::{AgentId, wire_words::wire_words};

/// Who changed something or caused a security event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The owner, signed in or at the desktop app.
    Owner,
    /// AgentPort itself, such as when a request expires.
    System,
    /// A client that could not prove to be the owner.
    Unknown,
    /// An agent.
    Agent(AgentId),
}

/// `owner`, `system`, `unknown` or the agent's id.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::System => f.write_str("system"),
            Self::Unknown => f.write_str("unknown"),
            Self::Agent(id) => id.fmt(f),
        }
    }
}

wire_words! {
    /// What happened. The part before the dot is what it happened to.
    pub enum AuditAction {
        /// An account of an integration was signed in to for the first time.
        AccountAdded = "account.added",
        /// An account was renamed, made the default, or its registration forgotten.
        AccountChanged = "account.changed",
        /// An account was disconnected.
        AccountRemoved = "account.removed",
        /// An account was signed in to again.
        AccountSignedIn = "account.signed_in",
        /// The owner let an agent in that asked by OAuth.
        AgentConsented = "agent.consented",
        /// The owner refused an agent that asked to be let in by OAuth.
        AgentRefused = "agent.refused",
        /// An agent ended its own sign-in.
        AgentSignedOut = "agent.signed_out",
        /// A refresh token was used again long after it was replaced, and the agent was signed out.
        AgentTokenReused = "agent.token_reused",
        /// An agent was trusted: all its calls are allowed.
        AgentTrusted = "agent.trusted",
        /// The owner approved a request.
        ApprovalApproved = "approval.approved",
        /// An agent's call made a request for the owner's decision.
        ApprovalAsked = "approval.asked",
        /// A request to install was answered by the owner installing it.
        ApprovalByInstall = "approval.by_install",
        /// A rule made since decided a request that waited.
        ApprovalByRule = "approval.by_rule",
        /// The owner denied a request.
        ApprovalDenied = "approval.denied",
        /// A request expired: not decided in time, or approved and not picked up.
        ApprovalExpired = "approval.expired",
        /// An approved call ran.
        ApprovalRan = "approval.ran",
        /// A request was withdrawn, because what it asked for can no longer be.
        ApprovalWithdrawn = "approval.withdrawn",
        /// A backup was restored.
        BackupRestored = "backup.restored",
        /// All calls were paused.
        CallsPaused = "calls.paused",
        /// Calls may run again.
        CallsResumed = "calls.resumed",
        /// A client's configuration was changed to reach its servers through AgentPort alone.
        ClientConsolidated = "client.consolidated",
        /// AgentPort was added to a client's configuration.
        ClientConnected = "client.connected",
        /// AgentPort was taken out of a client's configuration.
        ClientDisconnected = "client.disconnected",
        /// A client's configuration was put back to what it was.
        ClientRestored = "client.restored",
        /// A one-time or recovery code was wrong.
        CodeRefused = "code.refused",
        /// An integration's secrets were replaced.
        CredentialsReplaced = "credentials.replaced",
        /// A tool denied without asking is asked about again.
        DenialEnded = "denial.ended",
        /// An integration was added.
        IntegrationAdded = "integration.added",
        /// An integration's settings were changed.
        IntegrationChanged = "integration.changed",
        /// An integration was removed.
        IntegrationRemoved = "integration.removed",
        /// An integration was restarted.
        IntegrationRestarted = "integration.restarted",
        /// An agent's key was changed: its name, profile or expiry.
        KeyChanged = "key.changed",
        /// An agent's key was made.
        KeyCreated = "key.created",
        /// An agent's key was revoked.
        KeyRevoked = "key.revoked",
        /// A sign-in with a wrong password.
        LoginFailed = "login.failed",
        /// The owner signed in.
        LoginSucceeded = "login.succeeded",
        /// The owner password was removed, which closes the control API's port.
        PasswordRemoved = "password.removed",
        /// The owner password was set or changed.
        PasswordSet = "password.set",
        /// A rule was changed.
        PolicyChanged = "policy.changed",
        /// A rule was removed.
        PolicyRemoved = "policy.removed",
        /// A removed rule was put back.
        PolicyRestored = "policy.restored",
        /// A rule was made.
        PolicySet = "policy.set",
        /// A profile was removed.
        ProfileRemoved = "profile.removed",
        /// A profile was made or changed.
        ProfileSet = "profile.set",
        /// A recovery code was used up.
        RecoveryCodeUsed = "recovery_code.used",
        /// New recovery codes replaced the old ones.
        RecoveryCodesMade = "recovery_codes.made",
        /// The second factor was turned off.
        SecondFactorOff = "second_factor.off",
        /// The second factor was turned on.
        SecondFactorOn = "second_factor.on",
        /// Settings were changed.
        SettingsChanged = "settings.changed",
        /// The owner said what a tool does, or took that back.
        ToolClassified = "tool.classified",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn actions_are_the_words_on_the_wire() {
        for &action in AuditAction::ALL {
            let word = action.as_str();
            assert_eq!(serde_json::to_value(action).unwrap(), word);
            assert_eq!(AuditAction::parse(word), Some(action));
            let (object, event) = word.split_once('.').expect("object.event");
            assert!(!object.is_empty() && !event.is_empty(), "{word}");
        }
        assert_eq!(AuditAction::parse("login"), None);
    }

    #[test]
    fn actors_are_words_or_an_agents_id() {
        let id = Uuid::from_u128(7);
        for (actor, word) in [
            (Actor::Owner, "owner".to_owned()),
            (Actor::System, "system".to_owned()),
            (Actor::Unknown, "unknown".to_owned()),
            (Actor::Agent(AgentId(id)), id.to_string()),
        ] {
            assert_eq!(actor.to_string(), word);
        }
    }
}
