//! Identifiers. Each is its own type, so that an approval's id can't be passed where an agent's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
        #[serde(transparent)]
        #[ts(as = "String")]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
    };
}

uuid_id!(
    /// An agent the owner has let in: by a key, or by OAuth.
    AgentId
);
uuid_id!(
    /// One request for the owner's decision. The `<uuid>` in `/approve/<uuid>`.
    ApprovalId
);
uuid_id!(
    /// One rule of the policy.
    RuleId
);
uuid_id!(
    /// One call, as recorded in the activity.
    CallId
);
uuid_id!(
    /// One account of an integration: a set of credentials with a state of its own.
    AccountId
);
uuid_id!(
    /// One sign-in (OAuth authorization) that is under way or has just ended.
    SignInId
);
uuid_id!(
    /// One agent's request to be let in by OAuth, which waits for the owner's consent.
    ConsentId
);

/// An integration's id: 1 to 32 of `a-z`, `0-9`, `-` and single inner `_`, beginning with a letter and never with
/// `agentport` (that prefix is ours, see `contract` §3).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, TS)]
#[serde(transparent)]
#[ts(as = "String")]
pub struct IntegrationId(std::sync::Arc<str>);

/// Why a text is no integration id. The message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIntegrationId {
    /// No characters at all.
    #[error("an integration id cannot be empty")]
    Empty,
    /// More than 32 characters.
    #[error("the integration id is {0} characters long; at most 32 are allowed")]
    TooLong(usize),
    /// Does not begin with a letter.
    #[error("an integration id begins with a lower-case letter, not with {0:?}")]
    BadStart(char),
    /// Holds a character that is not allowed.
    #[error(
        "{0:?} is not allowed in an integration id; use lower-case letters, digits, '-' and single '_'"
    )]
    BadCharacter(char),
    /// Holds `__`, or `_` at either end: `__` stands between integration and tool in listed names.
    #[error(
        "'_' may stand only once in a row and only between other characters of an integration id"
    )]
    BadUnderscore,
    /// Would read as one of our own names.
    #[error("ids that begin with 'agentport' are reserved")]
    Reserved,
}

impl IntegrationId {
    /// Checks `text` and makes an id of it.
    pub fn new(text: &str) -> Result<Self, InvalidIntegrationId> {
        use InvalidIntegrationId as E;
        let first = text.chars().next().ok_or(E::Empty)?;
        let length = text.chars().count();
        if length > 32 {
            return Err(E::TooLong(length));
        }
        if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')) {
            return Err(E::BadCharacter(bad));
        }
        if first == '_' || text.ends_with('_') || text.contains("__") {
            return Err(E::BadUnderscore);
        }
        if !first.is_ascii_lowercase() {
            return Err(E::BadStart(first));
        }
        if text.starts_with("agentport") {
            return Err(E::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// An id made from a name: its ASCII letters and digits in lower case, `-` for what is between them. `None` if nothing
    /// of the name can stand in an id.
    pub fn from_name(name: &str) -> Option<Self> {
        let words =
            name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let text = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        let text = text.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        let text = match text.starts_with("agentport") {
            true => format!("my-{text}"),
            false => text.to_owned(),
        };
        let text: String = text.chars().take(32).collect();
        Self::new(text.trim_end_matches('-')).ok()
    }

    /// The same id with a number after it, cut so that it stays one: `files-2`.
    pub fn numbered(&self, number: u32) -> Option<Self> {
        let number = format!("-{number}");
        let stem: String = self.0.chars().take(32 - number.len()).collect();
        Self::new(&format!("{}{number}", stem.trim_end_matches(['-', '_']))).ok()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IntegrationId {
    type Err = InvalidIntegrationId;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::new(s)
    }
}

impl<'de> Deserialize<'de> for IntegrationId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntegrationId({})", self.0)
    }
}

impl std::borrow::Borrow<str> for IntegrationId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_from_names() {
        for (name, want) in [
            ("GitHub MCP Server", Some("github-mcp-server")),
            ("mcp__files", Some("mcp-files")),
            ("42 Café_tools!", Some("caf-tools")),
            ("AgentPort", Some("my-agentport")),
            ("127.0.0.1", None),
            ("世界", None),
            ("", None),
            (&"a".repeat(40), Some(&*"a".repeat(32))),
        ] {
            let made = IntegrationId::from_name(name);
            assert_eq!(made.as_ref().map(IntegrationId::as_str), want, "{name}");
        }
        let long = IntegrationId::new(&"a".repeat(32)).unwrap();
        assert_eq!(long.numbered(12).unwrap().as_str(), format!("{}-12", "a".repeat(29)));
        assert_eq!(IntegrationId::new("files").unwrap().numbered(2).unwrap().as_str(), "files-2");
    }

    #[test]
    fn integration_ids() {
        for good in ["files", "a", "git-hub", "google_calendar", "x2", &"a".repeat(32)] {
            assert!(IntegrationId::new(good).is_ok(), "{good}");
        }
        for (bad, want) in [
            ("", InvalidIntegrationId::Empty),
            ("2x", InvalidIntegrationId::BadStart('2')),
            ("-x", InvalidIntegrationId::BadStart('-')),
            ("_x", InvalidIntegrationId::BadUnderscore),
            ("x_", InvalidIntegrationId::BadUnderscore),
            ("a__b", InvalidIntegrationId::BadUnderscore),
            ("Files", InvalidIntegrationId::BadCharacter('F')),
            ("a.b", InvalidIntegrationId::BadCharacter('.')),
            ("agentport", InvalidIntegrationId::Reserved),
            ("agentport-x", InvalidIntegrationId::Reserved),
        ] {
            assert_eq!(IntegrationId::new(bad), Err(want), "{bad}");
        }
        assert_eq!(IntegrationId::new(&"a".repeat(33)), Err(InvalidIntegrationId::TooLong(33)));
    }
}
