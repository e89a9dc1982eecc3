//! Taking one change of ours back from a file that others have changed since: a merge of three.
//!
//! The ancestor is what we wrote, one side is the file as it is now, the other the file as it was before us. Line by
//! line first, which keeps comments and layout of both sides. A result counts only if it parses, and if it has the
//! servers that the same merge made server by server has. Where lines overlap, as they do when a server was added
//! right below ours, the file as it is now is edited server by server instead. Only what both sides changed, the same
//! server or the same lines, is left to the person.

mod entries;
mod lines;

use crate::{client::Place, types::OnConflict};

/// A content, or that there is no file.
pub(super) type FileContent = Option<Vec<u8>>;

/// One change of ours, or several with nobody else's in between.
pub(super) struct OwnChange {
    pub(super) before: FileContent,
    pub(super) after: FileContent,
}

/// How a change was taken back.
pub(super) struct TakenBack {
    pub(super) content: FileContent,
    pub(super) how: MergeMethod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MergeMethod {
    /// The file was not touched: the very bytes from before.
    Exact,
    /// Both sides' changes are in it.
    Merged,
    /// Server by server: layout and comments of what was brought back may differ.
    ByServer,
    /// Both had changed the same, and one side won as the person chose.
    Settled,
}

/// Both changed the same. Holds the parts in question, both sides, secrets included; and what there would be if the file
/// as it is now wins.
pub(super) struct MergeConflict {
    pub(super) text: String,
    pub(super) current_wins: FileContent,
}

/// `now` without `change`.
pub(super) fn take_back(
    place: &Place,
    change: &OwnChange,
    now: FileContent,
    on_conflict: Option<OnConflict>,
) -> Result<TakenBack, MergeConflict> {
    let done = |content, how| Ok(TakenBack { content, how });
    // A file that is gone holds nothing of anybody's that could be kept.
    if now.is_none() || now == change.after || now == change.before {
        return done(change.before.clone(), MergeMethod::Exact);
    }
    let Some(sides) = Sides::of(change, &now) else {
        // Not text, so there is nothing to merge.
        return match on_conflict {
            Some(OnConflict::TakeOriginal) => done(change.before.clone(), MergeMethod::Settled),
            Some(OnConflict::KeepCurrent) => done(now, MergeMethod::Settled),
            None => Err(MergeConflict { text: String::new(), current_wins: now }),
        };
    };
    let by_server = entries::MergeInputs::parse(place, &sides);
    let is_sound =
        |merged: &str| by_server.as_ref().is_some_and(|three| three.agrees_with(place, merged));
    let by_line = lines::merge(&sides);
    if let Ok(merged) = &by_line
        && is_sound(merged)
    {
        return done(file(merged, change), MergeMethod::Merged);
    }
    if let Some(edited) = by_server.as_ref().and_then(|three| three.edit(None)) {
        return done(Some(edited), MergeMethod::ByServer);
    }
    let settled = |choice| {
        let parses = |text: &String| text.is_empty() || entries::parses(place, text);
        let by_line = by_line.as_ref().err().map(|hunks| hunks.settle(choice)).filter(parses);
        match by_line {
            Some(text) => file(&text, change),
            None => by_server.as_ref().and_then(|three| three.edit(Some(choice))).or_else(|| {
                match choice {
                    OnConflict::TakeOriginal => change.before.clone(),
                    OnConflict::KeepCurrent => now.clone(),
                }
            }),
        }
    };
    match on_conflict {
        Some(choice) => done(settled(choice), MergeMethod::Settled),
        None => {
            let text = match &by_line {
                Err(hunks) => hunks.text(),
                // The lines fit together and the file does not: all of it is in question.
                Ok(_) => lines::both(&sides),
            };
            Err(MergeConflict { text, current_wins: settled(OnConflict::KeepCurrent) })
        }
    }
}

/// No file, if there was none before and nothing is left.
fn file(text: &str, change: &OwnChange) -> FileContent {
    (change.before.is_some() || !text.trim().is_empty()).then(|| text.as_bytes().to_vec())
}

/// The three contents as text. No file is an empty one.
struct Sides<'a> {
    ours: &'a str,
    now: &'a str,
    before: &'a str,
}

impl<'a> Sides<'a> {
    fn of(change: &'a OwnChange, now: &'a FileContent) -> Option<Self> {
        let text = |content: &'a FileContent| match content {
            None => Some(""),
            Some(bytes) => std::str::from_utf8(bytes).ok(),
        };
        Some(Self { ours: text(&change.after)?, now: text(now)?, before: text(&change.before)? })
    }
}

#[cfg(test)]
mod tests;
