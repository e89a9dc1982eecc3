//! Categories of tools: from the directory for its own integrations, else from the tool's effect
//! ([`agentport_core::tool::ToolEffect::category`]).
//!
//! Every tool is in exactly one category, so that the owner can set one mode for many tools at once.

use crate::directory::DirectoryEntry;

impl DirectoryEntry {
    /// The category of a tool of this integration according to the directory.
    pub(crate) fn category_of(&'static self, tool: &str) -> Option<&'static str> {
        let category =
            self.categories.iter().find(|category| category.tools.iter().any(|name| name == tool));
        category.map(|category| category.name.as_str())
    }
}
