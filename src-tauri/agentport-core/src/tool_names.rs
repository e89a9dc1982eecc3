//! Names of directly listed tools (contract §3).
//!
//! What always holds: a name is 1 to 64 characters of `[A-Za-z0-9_-]`, which is what MCP clients and the model
//! providers behind them accept; and the same tool gets the same name in every process, on every machine.
//!
//! Deliberately absent: the way back. Names are routed by a map of what was listed, never by splitting.

use sha2::{Digest as _, Sha256};

use crate::IntegrationId;

/// The longest name a client is shown, in characters (all of them ASCII).
pub const MAX_NAME: usize = 64;
/// Hexadecimal digits of the hash that stands for what cleaning lost.
const HASH_DIGITS: usize = 8;

/// The listed name of a tool: `<integration>__<tool>`, or a cleaned name with a stable hash where that would not do.
///
/// An integration id holds no `__` and does not end in `_`, so tools of two integrations never share a name. Two of
/// one integration could only by a collision of eight hexadecimal digits; routing keeps the first.
pub fn direct_name(integration: &IntegrationId, tool: &str) -> String {
    fitted(&format!("{integration}__"), tool, || format!("{integration}/{tool}"))
}

/// The listed name of a tool where its profile wants names without a prefix: the tool's own, cleaned the same way.
///
/// Tools of two integrations may share it, and an upstream may call a tool like one of ours: the list
/// looks for both and falls back to [`direct_name`].
pub fn bare_name(tool: &str) -> String {
    fitted("", tool, || tool.to_owned())
}

fn fitted(prefix: &str, tool: &str, identity: impl FnOnce() -> String) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !tool.is_empty() && tool.chars().all(allowed) && prefix.len() + tool.len() <= MAX_NAME {
        return format!("{prefix}{tool}");
    }
    let room = MAX_NAME - prefix.len() - HASH_DIGITS - 1;
    let clean = tool.chars().take(room).map(|c| if allowed(c) { c } else { '_' });
    let mut name: String = prefix.chars().chain(clean).collect();
    name.push('_');
    for byte in &Sha256::digest(identity().as_bytes())[..HASH_DIGITS / 2] {
        name.push_str(&format!("{byte:02x}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use crate::tool_names::*;

    fn id(text: &str) -> IntegrationId {
        IntegrationId::new(text).unwrap()
    }

    #[test]
    fn clean_names_stay_as_they_are() {
        assert_eq!(direct_name(&id("files"), "read_file"), "files__read_file");
        assert_eq!(direct_name(&id("files"), "Read-File2"), "files__Read-File2");
        assert_eq!(bare_name("read_file"), "read_file");
        let longest = "x".repeat(MAX_NAME - "files__".len());
        assert_eq!(direct_name(&id("files"), &longest), format!("files__{longest}"));
        assert_eq!(bare_name(&"x".repeat(MAX_NAME)), "x".repeat(MAX_NAME));
    }

    /// These texts are what agents' settings may hold: a change of the algorithm breaks them.
    #[test]
    fn others_get_a_stable_hash() {
        assert_eq!(direct_name(&id("files"), "read.file"), "files__read_file_10c70010");
        assert_eq!(direct_name(&id("files"), "read/file"), "files__read_file_aeae7a04");
        assert_eq!(bare_name("read.file"), "read_file_dd32cdf5");
        assert_eq!(bare_name(""), "_e3b0c442");
        let long = direct_name(&id("files"), &"x".repeat(MAX_NAME));
        assert_eq!(long.len(), MAX_NAME);
        assert!(long.starts_with("files__xxx"), "{long}");
    }

    #[test]
    fn neighbours_never_meet() {
        let ids = ["a", "a_b", "a-b", "ab", &"i".repeat(32)];
        let tools =
            ["b", "_b", "__b", "b__c", "b.c", "b/c", "b c", "é", "ê", "", " ", &"t".repeat(90)];
        let names: HashSet<_> =
            ids.iter().flat_map(|i| tools.map(|tool| direct_name(&id(i), tool))).collect();
        assert_eq!(names.len(), ids.len() * tools.len());
        let bare: HashSet<_> = tools.map(bare_name).into_iter().collect();
        assert_eq!(bare.len(), tools.len());
    }

    proptest! {
        #[test]
        fn every_name_is_listable(id in "[a-z][a-z0-9]{0,31}", tool in "\\PC{0,80}|[a-z_]{0,80}") {
            prop_assume!(!id.starts_with("agentport"));
            for name in [direct_name(&IntegrationId::new(&id).unwrap(), &tool), bare_name(&tool)] {
                prop_assert!((1..=MAX_NAME).contains(&name.len()), "{name}");
                let listable = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
                prop_assert!(name.bytes().all(listable), "{name}");
            }
        }
    }
}
