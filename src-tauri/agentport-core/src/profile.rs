//! A profile: which integrations and tools an agent sees, and how they are listed.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::IntegrationId;

/// How `tools/list` presents what an agent may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// The twelve `agentport__*` tools only.
    #[default]
    Meta,
    /// Every visible tool as well.
    Direct,
}

/// How directly listed tools are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// `<integration>__<tool>`.
    #[default]
    Prefixed,
    /// The tool's own name. For profiles of one integration; a name that two would share is prefixed after all.
    Bare,
}

/// What an agent sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Profile {
    /// Unique, 1–64 characters.
    pub name: String,
    /// `None`: every integration, those added later as well.
    pub integrations: Option<Vec<IntegrationId>>,
    /// If not empty, an integration needs one of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Tools kept from view: `integration/tool`, where the tool may end in `*`.
    #[serde(default)]
    pub hidden_tools: Vec<String>,
    /// How `tools/list` presents it.
    #[serde(default)]
    pub mode: ListMode,
    /// How directly listed tools are named.
    #[serde(default)]
    pub naming: Naming,
}

impl Profile {
    /// Does the profile show this integration, given its tags?
    pub fn shows(&self, integration: &IntegrationId, tags: &[String]) -> bool {
        let listed = self.integrations.as_ref().is_none_or(|only| only.contains(integration));
        listed && (self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(tag)))
    }

    /// Does the profile show this tool of an integration it shows?
    pub fn shows_tool(&self, integration: &IntegrationId, tool: &str) -> bool {
        !self.hidden_tools.iter().any(|hidden| {
            hidden.split_once('/').is_some_and(|(id, pattern)| {
                id == integration.as_str()
                    && match pattern.strip_suffix('*') {
                        Some(start) => tool.starts_with(start),
                        None => tool == pattern,
                    }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_it_lists() {
        let id = |s: &str| IntegrationId::new(s).unwrap();
        let mut profile = Profile {
            name: "work".into(),
            integrations: Some(vec![id("files")]),
            tags: vec![],
            hidden_tools: vec!["files/write*".into(), "files/move".into()],
            mode: ListMode::Meta,
            naming: Naming::Prefixed,
        };
        assert!(profile.shows(&id("files"), &[]));
        assert!(!profile.shows(&id("mail"), &[]));
        assert!(!profile.shows_tool(&id("files"), "write_file"));
        assert!(!profile.shows_tool(&id("files"), "move"));
        assert!(profile.shows_tool(&id("files"), "move_file"));
        assert!(profile.shows_tool(&id("mail"), "write_mail"));
        profile.tags = vec!["a".into()];
        assert!(!profile.shows(&id("files"), &["b".into()]));
        assert!(profile.shows(&id("files"), &["b".into(), "a".into()]));
    }
}
