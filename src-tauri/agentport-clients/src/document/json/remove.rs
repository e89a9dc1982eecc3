//! Takes a member out: the exact inverse of putting it in as the last.

use jsonc_parser::{ast::Object, tokens::Token};

use super::read::{self, JsonServers};
use crate::document::{EditError, text, text_edit::TextEdit};

/// The last of that name.
pub(in crate::document) fn remove(
    text: &str,
    path: &[String],
    name: &str,
) -> Result<Vec<TextEdit>, EditError> {
    let root = read::parse(text).map_err(|_| EditError::WouldTouchMore)?;
    let JsonServers::Container(object) = read::find(root.as_ref(), path)? else {
        return Ok(Vec::new());
    };
    Ok(match read::last(object, name) {
        Some((index, _)) => Cut::of(text, object, index).edits(),
        None => Vec::new(),
    })
}

/// A member between the one before it (or the brace) and the one behind it (or the brace).
struct Cut<'t> {
    text: &'t str,
    /// Where what stands before it ends, and where what stands behind it begins.
    from: usize,
    to: usize,
    start: usize,
    /// Behind the member, and behind its comma where nothing stands in between.
    end: usize,
    comma_apart: Option<usize>,
    has_comma: bool,
    is_first: bool,
    is_last: bool,
}

impl<'t> Cut<'t> {
    fn of(text: &'t str, object: &Object<'_>, index: usize) -> Self {
        let member = &object.properties[index];
        let before = index.checked_sub(1).map(|before| object.properties[before].range.end);
        let behind = object.properties.get(index + 1).map(|behind| behind.range.start);
        let to = behind.unwrap_or(object.range.end - 1);
        let comma = read::comma(text, member.range.end..to);
        let is_near = comma.is_some_and(|comma| text[member.range.end..comma].trim().is_empty());
        Self {
            text,
            from: before.unwrap_or(object.range.start + 1),
            to,
            start: member.range.start,
            end: comma.filter(|_| is_near).map_or(member.range.end, |comma| comma + 1),
            comma_apart: comma.filter(|_| !is_near),
            has_comma: comma.is_some(),
            is_first: before.is_none(),
            is_last: behind.is_none(),
        }
    }

    fn edits(&self) -> Vec<TextEdit> {
        let mut edits = Vec::new();
        if let Some(comma) = self.comma_apart {
            edits.push(TextEdit::cut(comma..comma + 1));
        }
        // Without a comma of its own, the last takes the one before it along.
        let comma_before = (!self.is_first && self.is_last && !self.has_comma)
            .then(|| read::comma(self.text, self.from..self.start))
            .flatten();
        let mut start = match self.line_break() {
            Some(start) => start,
            None => self.start_on_line(),
        };
        if let Some(comma) = comma_before {
            if self.text[comma + 1..start].trim_matches([' ', '\t']).is_empty()
                && self.line_break().is_none()
            {
                start = comma;
            } else {
                edits.push(TextEdit::cut(comma..comma + 1));
            }
        }
        edits.push(TextEdit::cut(start..self.end_on_line()));
        edits
    }

    /// Where the line break before it begins, if the member stands on lines of its own.
    fn line_break(&self) -> Option<usize> {
        let line = text::line_start(self.text, self.start);
        let is_alone = line > self.from
            && text::is_first_on_line(self.text, self.start)
            && self.is_end_of_line();
        if !is_alone {
            return None;
        }
        let start = text::break_before(self.text, line)?;
        // The brace must not come to stand in a comment.
        let swallows = self.is_last
            && !self.text[self.end_on_line()..self.to].contains('\n')
            && self.ends_in_comment(start);
        Some(if swallows { line } else { start })
    }

    /// Nothing but white space follows on its line, or the closing brace.
    fn is_end_of_line(&self) -> bool {
        let end = text::line_end(self.text, self.end).min(self.to);
        let is_free = self.text[self.end..end].trim().is_empty();
        is_free && (end < self.to || self.is_last)
    }

    /// Does the line that ends at `at` end in a comment that runs to its end?
    fn ends_in_comment(&self, at: usize) -> bool {
        let mut scanner = read::scanner(&self.text[self.from..at]);
        let mut in_comment = false;
        while let Ok(Some(token)) = scanner.scan() {
            in_comment = matches!(token, Token::CommentLine(_))
                && !self.text[self.from + scanner.token_end()..at].contains(['\n', '\r']);
        }
        in_comment
    }

    /// On a line with others, the last takes the white space before it along.
    fn start_on_line(&self) -> usize {
        if self.is_first || !self.is_last || text::is_first_on_line(self.text, self.start) {
            return self.start;
        }
        let before = &self.text[self.from..self.start];
        self.from + before.trim_end_matches([' ', '\t']).len()
    }

    fn end_on_line(&self) -> usize {
        let after = &self.text[self.end..self.to];
        let alone = self.is_first && self.is_last;
        if !self.is_last {
            let own_lines = text::is_first_on_line(self.text, self.start)
                && text::line_start(self.text, self.start) > self.from
                && self.is_end_of_line();
            return if own_lines { self.end } else { self.end + text::blanks(after) };
        }
        if !alone || !after.trim().is_empty() {
            return self.end;
        }
        let before = &self.text[self.from..self.start];
        let own_line = text::line_start(self.text, self.start) > self.from
            && text::is_first_on_line(self.text, self.start);
        let is_ours = if own_line {
            // A line break and the brace's indentation. Behind a comment that line break is needed.
            let break_at = text::break_before(self.text, text::line_start(self.text, self.start));
            after.matches('\n').count() == 1
                && after.trim_start_matches('\r').starts_with('\n')
                && !break_at.is_some_and(|at| self.ends_in_comment(at))
        } else {
            before == after
        };
        if is_ours { self.to } else { self.end }
    }
}
