//! Categories of tools: from the directory for its own integrations, else from the tool's annotations.
//!
//! Every tool is in exactly one category, so that the owner can set one mode for many tools at once.

use agentport_core::tool::Annotations;

use crate::directory::DirectoryEntry;

/// Annotated as read-only.
const READS: &str = "Reads";
/// Annotated as changing without destroying.
const CHANGES: &str = "Changes";
/// Annotated as destructive, or not annotated, which means the same (MCP, `ToolAnnotations`).
const MAY_DESTROY: &str = "May destroy";

/// The category of a tool the directory does not know.
pub(crate) fn category_from_annotations(annotations: Annotations) -> &'static str {
    match (annotations.read_only(), annotations.destructive()) {
        (true, _) => READS,
        (false, false) => CHANGES,
        (false, true) => MAY_DESTROY,
    }
}

impl DirectoryEntry {
    /// The category of a tool of this integration according to the directory.
    pub(crate) fn category_of(&'static self, tool: &str) -> Option<&'static str> {
        let category =
            self.categories.iter().find(|category| category.tools.iter().any(|name| name == tool));
        category.map(|category| category.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_what_a_tool_says_of_itself() {
        let says = |read_only_hint, destructive_hint| {
            category_from_annotations(Annotations {
                read_only_hint,
                destructive_hint,
                ..Annotations::default()
            })
        };
        for (read_only, destructive, want) in [
            (Some(true), None, READS),
            (Some(true), Some(true), READS),
            (Some(false), Some(false), CHANGES),
            (None, Some(false), CHANGES),
            (None, Some(true), MAY_DESTROY),
            (Some(false), None, MAY_DESTROY),
            (None, None, MAY_DESTROY),
        ] {
            assert_eq!(says(read_only, destructive), want, "{read_only:?} {destructive:?}");
        }
    }
}
