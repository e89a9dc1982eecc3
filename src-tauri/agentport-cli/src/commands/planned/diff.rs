//! A unified diff as it is shown: what goes is red and what comes is green, where colours are wanted.

use crate::output;

pub(crate) fn shown(diff: &str) -> String {
    let lines = output::printable(diff.trim_end_matches('\n'));
    lines.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    match text {
        _ if text.starts_with("---") || text.starts_with("+++") => output::marked(text, "1"),
        _ if text.starts_with('-') => output::marked(text, "31"),
        _ if text.starts_with('+') => output::marked(text, "32"),
        _ if text.starts_with("@@") => output::marked(text, "36"),
        _ => text.to_owned(),
    }
}
