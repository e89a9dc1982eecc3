//! Unified diffs of a file for a person, with secrets masked and invisible characters written out.

use std::path::Path;

use agentport_core::sanitize;
use diffy::{DiffOptions, PatchFormatter};

use super::mask::SecretMask;

/// Characters after which a line is broken: after commas and braces, and inside longer pieces. Nothing is left out, since
/// the omitted part could be what runs.
const MAX_LINE: usize = 400;
/// Marks where a line was broken for display.
const BROKEN: &str = " ↩\n";
const CONTEXT_LINES: usize = 3;

/// A unified diff with secrets masked; empty if nothing visible changes.
///
/// What is changed within a very long line is shown by its pieces. Line endings are those of the terminal, unless they
/// are what differs. What cannot be seen (control characters, marks that turn text round) is written out as `\u{…}`.
pub(super) fn unified(
    path: &Path,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
    mask: &SecretMask,
) -> String {
    let endings_differ = matches!((before, after), (Some(b), Some(a)) if mixed(b) != mixed(a));
    let shown = |bytes: Option<&[u8]>| {
        let text = String::from_utf8_lossy(bytes.unwrap_or_default());
        shown(&mask.apply(text.strip_prefix('\u{feff}').unwrap_or(&text)), endings_differ)
    };
    let (old, new) = (shown(before), shown(after));
    if old == new {
        return String::new();
    }
    let path = sanitize::sanitize_line(&path.to_string_lossy(), 1_000);
    let name = |bytes: Option<&[u8]>| match bytes {
        Some(_) => path.clone(),
        None => "/dev/null".to_owned(),
    };
    let mut options = DiffOptions::new();
    options.set_context_len(CONTEXT_LINES);
    options.set_original_filename(name(before));
    options.set_modified_filename(name(after));
    let patch = options.create_patch(&old, &new);
    // An empty line keeps its blank in front, as in every other line of a diff.
    PatchFormatter::new().suppress_blank_empty(false).fmt_patch(&patch).to_string()
}

/// A single text from a file, fit to be shown: masked, in lines.
pub(super) fn lines(text: &str, mask: &SecretMask) -> String {
    shown(&mask.apply(text), false)
}

/// A single text on one line, whole and unmasked: blanks stay as many as they are, and what cannot be seen is written out.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.extend(c.escape_default()),
            c => push_seen(&mut out, c),
        }
    }
    out
}

fn mixed(bytes: &[u8]) -> (bool, bool) {
    let mut before = 0;
    let (mut plain, mut with_return) = (false, false);
    for byte in bytes {
        if *byte == b'\n' {
            with_return |= before == b'\r';
            plain |= before != b'\r';
        }
        before = *byte;
    }
    (plain, with_return)
}

fn shown(text: &str, show_returns: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        let (line, has_return) = match line.strip_suffix('\r') {
            Some(line) => (line, true),
            None => (line, false),
        };
        if line.chars().nth(MAX_LINE).is_some() {
            let mut pieces = line.split_inclusive([',', '{']).flat_map(of_length).peekable();
            while let Some(piece) = pieces.next() {
                piece.chars().for_each(|c| push_seen(&mut out, c));
                out.push_str(if pieces.peek().is_some() { BROKEN } else { "" });
            }
        } else {
            line.chars().for_each(|c| push_seen(&mut out, c));
        }
        if has_return && (show_returns || end.is_empty()) {
            out.push_str("\\r");
        }
        out.push_str(end);
    }
    out
}

/// A piece of a line in pieces that are no longer than a line may be.
fn of_length(piece: &str) -> impl Iterator<Item = &str> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(MAX_LINE).map_or(rest.len(), |(at, _)| at);
        let (first, after) = rest.split_at(end);
        rest = after;
        (!first.is_empty()).then_some(first)
    })
}

fn push_seen(out: &mut String, c: char) {
    if is_seen(c) {
        out.push(c);
    } else {
        out.extend(c.escape_unicode());
    }
}

fn is_seen(c: char) -> bool {
    match c {
        '\t' | ' '..='~' => true,
        c if c.is_ascii() => false,
        // Characters that sanitizing removes are invisible, or change how their surroundings are displayed.
        c => sanitize::sanitize_line(c.encode_utf8(&mut [0; 4]), 1).starts_with(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: Option<&str>, after: Option<&str>, want: &str) {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let (before, after) = (bytes(before), bytes(after));
        let got =
            unified(Path::new("/f"), before.as_deref(), after.as_deref(), &SecretMask::default());
        assert_eq!(got, want);
    }

    #[test]
    fn changes_are_shown_with_three_lines_around_them() {
        check(
            Some("1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
            Some("1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- /f\n+++ /f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
        );
        check(None, Some("a\n"), "--- /dev/null\n+++ /f\n@@ -0,0 +1 @@\n+a\n");
        check(Some("a\n"), None, "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
        check(Some("a"), Some("a"), "");
    }

    #[test]
    fn line_endings_are_shown_where_they_differ() {
        check(
            Some("a\r\nb\r\n"),
            Some("a\r\nc\r\n"),
            "--- /f\n+++ /f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
        );
        check(Some("a\r\n"), Some("a\n"), "--- /f\n+++ /f\n@@ -1 +1 @@\n-a\\r\n+a\n");
    }

    #[test]
    fn nothing_unseen_gets_through() {
        check(
            Some("a\n"),
            Some("a\u{202e}b\u{1b}[31m\u{200b}é\tx\u{7f}\n"),
            "--- /f\n+++ /f\n@@ -1 +1 @@\n-a\n+a\\u{202e}b\\u{1b}[31m\\u{200b}é\tx\\u{7f}\n",
        );
        check(Some("\u{feff}a\n"), Some("\u{feff}b\n"), "--- /f\n+++ /f\n@@ -1 +1 @@\n-a\n+b\n");
    }

    #[test]
    fn secrets_are_masked() {
        let mut mask = SecretMask::default();
        mask.add("fake-secret");
        let got = unified(Path::new("/f"), Some(b"a: fake-secret\n"), Some(b"b\n"), &mask);
        assert_eq!(got, "--- /f\n+++ /f\n@@ -1 +1 @@\n-a: [secret]\n+b\n");
    }

    #[test]
    fn long_lines_are_broken_and_never_cut() {
        let long = format!("{}{}; tail\n", "é".repeat(450), " ".repeat(900));
        let got = unified(Path::new("/f"), None, Some(long.as_bytes()), &SecretMask::default());
        let (head, shown) = got.split_once("@@ -0,0 +1,4 @@\n").expect(&got);
        assert!(head.starts_with("--- /dev/null"), "{got}");
        assert_eq!(shown.replace(" ↩\n+", ""), format!("+{long}"));
        assert!(shown.lines().all(|line| line.chars().count() <= MAX_LINE + 3), "{got}");

        let items: Vec<String> = (1000..1200).map(|number| number.to_string()).collect();
        let (all, fewer) = (items.join(","), [&items[..100], &items[101..]].concat().join(","));
        let got = unified(
            Path::new("/f"),
            Some(all.as_bytes()),
            Some(fewer.as_bytes()),
            &SecretMask::default(),
        );
        let want = "@@ -98,7 +98,6 @@\n 1097, ↩\n 1098, ↩\n 1099, ↩\n-1100, ↩\n 1101, ↩\n 1102, ↩\n 1103, ↩\n";
        assert!(got.ends_with(want), "{got}");
    }
}
