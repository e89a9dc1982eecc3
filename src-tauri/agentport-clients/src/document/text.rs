//! Lines of a text: where something stands, how it is indented, how lines end.

use super::ParseError;

/// Bytes as text, or where they stop being it.
pub(super) fn as_utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ParseError::at("", 0, "The file is UTF-16; only UTF-8 can be read."));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        ParseError::at(valid, valid.len(), "The file is not UTF-8.")
    })
}

/// Both from 1; the column in characters. `\r\n` and a lone `\r` end a line as `\n` does.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text.as_bytes()[..offset];
    let mut line = 1;
    let mut start = 0;
    for (at, byte) in before.iter().enumerate() {
        let ends = match byte {
            b'\n' => true,
            b'\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends {
            line += 1;
            start = at + 1;
        }
    }
    (line, text[start..offset].chars().count() + 1)
}

/// Where the line of `offset` begins.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the line of `offset` ends: at its line break, or at the end of the text.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    if end > offset && end < text.len() && text.as_bytes()[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Behind the line break at `offset`, which must be one or the end of the text.
pub(super) fn past_break(text: &str, offset: usize) -> usize {
    let rest = &text[offset..];
    offset + if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) }
}

/// Where the line break right before `offset` begins, if there is one.
pub(super) fn break_before(text: &str, offset: usize) -> Option<usize> {
    let before = text[..offset].strip_suffix('\n')?;
    Some(before.strip_suffix('\r').unwrap_or(before).len())
}

/// The white space that the line of `offset` begins with, up to `offset`.
pub(super) fn indentation(text: &str, offset: usize) -> &str {
    let line = &text[line_start(text, offset)..offset];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Nothing but white space stands before `offset` on its line.
pub(super) fn is_first_on_line(text: &str, offset: usize) -> bool {
    indentation(text, offset).len() == offset - line_start(text, offset)
}

/// How lines end around `offset`: as the one before it does, or the one after, or as on Unix.
pub(super) fn line_break(text: &str, offset: usize) -> &'static str {
    let at = text[..offset].rfind('\n').or_else(|| text[offset..].find('\n').map(|at| offset + at));
    match at {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// How many bytes `text` begins with that are spaces or tabs.
pub(super) fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}
