//! The merge line by line.

use diffy::{ConflictStyle, MergeOptions};

use super::Sides;
use crate::types::OnConflict;

/// A merge that did not go through: what both sides agree on, and the parts on which they do not, in turn.
pub(super) struct MergeHunks(Vec<HunkPart>);

enum HunkPart {
    Agreed(String),
    Disputed { now: String, before: String },
}

/// The merged text.
pub(super) fn merge(sides: &Sides<'_>) -> Result<String, MergeHunks> {
    // Longer than anything in the texts that could be taken for a marker.
    let length = 1 + ['<', '=', '>']
        .into_iter()
        .flat_map(|mark| [sides.ours, sides.now, sides.before].map(|text| longest_run(text, mark)))
        .fold(6, usize::max);
    MergeOptions::new()
        .set_conflict_style(ConflictStyle::Merge)
        .set_conflict_marker_length(length)
        .merge(sides.ours, sides.now, sides.before)
        .map_err(|marked| MergeHunks::read(&marked, length))
}

/// Both sides whole.
pub(super) fn both(sides: &Sides<'_>) -> String {
    MergeHunks(vec![HunkPart::Disputed {
        now: sides.now.to_owned(),
        before: sides.before.to_owned(),
    }])
    .text()
}

fn longest_run(text: &str, mark: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == mark { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

impl MergeHunks {
    /// Reads a text with markers. They stand right behind a side's last line if that has no line end, so that nothing
    /// is added to either side.
    fn read(marked: &str, length: usize) -> Self {
        let marker = |mark: &str, name: &str| format!("{}{name}\n", mark.repeat(length));
        let (start, middle, end) = (marker("<", " ours"), marker("=", ""), marker(">", " theirs"));
        let mut parts = Vec::new();
        let mut rest = marked;
        while let Some((agreed, after)) = rest.split_once(&start) {
            let Some((now, after)) = after.split_once(&middle) else { break };
            let Some((before, after)) = after.split_once(&end) else { break };
            parts.push(HunkPart::Agreed(agreed.to_owned()));
            parts.push(HunkPart::Disputed { now: now.to_owned(), before: before.to_owned() });
            rest = after;
        }
        parts.push(HunkPart::Agreed(rest.to_owned()));
        Self(parts)
    }

    /// The text in which one side wins each disputed part.
    pub(super) fn settle(&self, choice: OnConflict) -> String {
        self.0
            .iter()
            .map(|part| match (part, choice) {
                (HunkPart::Agreed(text), _) => text.as_str(),
                (HunkPart::Disputed { before, .. }, OnConflict::TakeOriginal) => before,
                (HunkPart::Disputed { now, .. }, OnConflict::KeepCurrent) => now,
            })
            .collect()
    }

    /// The disputed parts alone, both sides of each.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            let HunkPart::Disputed { now, before } = part else { continue };
            text.push_str("<<<<<<< now\n");
            push_lines(&mut text, now);
            text.push_str("=======\n");
            push_lines(&mut text, before);
            text.push_str(">>>>>>> before AgentPort\n");
        }
        text
    }
}

fn push_lines(to: &mut String, lines: &str) {
    to.push_str(lines);
    if !lines.is_empty() && !lines.ends_with('\n') {
        to.push('\n');
    }
}
