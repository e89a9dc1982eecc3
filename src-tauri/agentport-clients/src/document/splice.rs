//! An edit of a text: some stretches of it replaced, all else as it was.

use std::ops::Range;

/// Bytes of the text, and what stands there instead. An empty range is an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl Splice {
    pub(super) fn insert(at: usize, with: impl Into<String>) -> Self {
        Self { range: at..at, with: with.into() }
    }

    pub(super) fn cut(range: Range<usize>) -> Self {
        Self { range, with: String::new() }
    }
}

/// Carries them out; insertions at the same place in the order given. `None` if two overlap or one does not lie within
/// the text.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let added: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut after = String::with_capacity(text.len() + added);
    let mut at = 0;
    for splice in splices {
        after.push_str(text.get(at..splice.range.start)?);
        after.push_str(&splice.with);
        at = splice.range.end;
    }
    after.push_str(text.get(at..)?);
    Some(after)
}
