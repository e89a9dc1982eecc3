//! An edit of a text: some stretches of it replaced, all else as it was.

use std::ops::Range;

/// Bytes of the text, and what stands there instead. An empty range is an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextEdit {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl TextEdit {
    pub(super) fn insert(at: usize, with: impl Into<String>) -> Self {
        Self { range: at..at, with: with.into() }
    }

    pub(super) fn cut(range: Range<usize>) -> Self {
        Self { range, with: String::new() }
    }
}

/// Carries them out; insertions at the same place in the order given. `None` if two overlap or one does not lie within
/// the text.
pub(super) fn apply(text: &str, mut edits: Vec<TextEdit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut after = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        after.push_str(text.get(at..edit.range.start)?);
        after.push_str(&edit.with);
        at = edit.range.end;
    }
    after.push_str(text.get(at..)?);
    Some(after)
}
