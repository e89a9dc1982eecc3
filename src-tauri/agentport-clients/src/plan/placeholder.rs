//! The text that stands for a key in a plan, and the key in its place.
//!
//! What holds: nothing but our own entry is ever filled. A file that has that very text already would have to be told
//! from our entry, so it gets no key written into it at all.

use agentport_core::Secret;

use crate::KEY_PLACEHOLDER;

/// Where in a file the text stands.
fn places(content: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let text = KEY_PLACEHOLDER.as_bytes();
    content.windows(text.len()).enumerate().filter(move |(_, part)| *part == text).map(|(at, _)| at)
}

pub(super) fn is_in(content: &[u8]) -> bool {
    places(content).next().is_some()
}

/// `after` of a plan that takes a key, with the key in its one place; `None` if it has no such place, or more.
pub fn with_key(after: &[u8], key: &Secret) -> Option<Vec<u8>> {
    let mut places = places(after);
    let (at, None) = (places.next()?, places.next()) else { return None };
    let rest = &after[at + KEY_PLACEHOLDER.len()..];
    Some([&after[..at], key.expose().as_bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_has_one_place() {
        let filled = |content: &str| {
            let content = content.replace("<key>", KEY_PLACEHOLDER);
            let filled = with_key(content.as_bytes(), &Secret::new("ap_fake"))?;
            Some(String::from_utf8(filled).unwrap())
        };
        assert_eq!(filled("a <key> b").as_deref(), Some("a ap_fake b"));
        assert_eq!(filled("<key>").as_deref(), Some("ap_fake"));
        assert_eq!(filled("<key> <key>"), None);
        assert_eq!(filled("a"), None);
    }
}
