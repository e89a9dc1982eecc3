//! One file, parsed so that it can be edited in place: what is not ours stays byte for byte.
//!
//! What holds: an edit is a few edits of the text at places a parser of the format found, never a rewrite. After
//! every edit the new text is parsed again; unless the other servers and all that is outside the container are the
//! same values as before, nothing is changed and the edit says [`EditError::WouldTouchMore`]. A byte order mark, line
//! endings, indentation, trailing commas and a missing last line break stay as they are.
//!
//! Comments outside an entry are the owner's, also one directly above it (it may hold a definition that was commented
//! out), and stay when the entry goes. Comments within an entry go with it.
//!
//! Putting an entry in and taking it out again gives the same bytes, with these exceptions: in JSON and YAML a file that
//! had no container (or `null` there, or nothing at all) keeps an empty one, since nothing in it says who made it; an
//! entry that was there before and was replaced is gone; and an empty object of JSON with a lone carriage return in it
//! loses that.
//!
//! Where a name stands twice in a container, the last one counts, as it does for the clients: [`Document::set`]
//! replaces that one. [`Document::servers`] lists both, so that none is lost unseen, and [`Document::remove`]
//! takes both, since taking only the last would bring the older one to life.
//!
//! Deliberately absent: repairing files, and formats as their clients read them. What the format's own
//! specification does not know is either read leniently here (comments and trailing commas in JSON) or is broken.

mod json;
mod text;
mod text_edit;
mod toml;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{FileFormat, Place};
use text_edit::TextEdit;

/// Marks a container as a list whose items carry their name in `name` (Continue), rather than a map by name. It stands
/// last in [`Place::container`], in YAML only, and matters where the container has to be made: what is there is taken
/// as it is. The `name` of an item is not part of the entry that [`Document::servers`] gives and
/// [`Document::set`] takes.
pub const LIST: &str = "[]";

/// How deep maps and lists may lie within each other. Everything that walks a tree here is recursive. The TOML parser
/// stops at 80 by itself.
const MAX_DEPTH: usize = 100;
const TOO_DEEP: &str = "The file is nested deeper than 100 levels.";

/// No client's configuration is larger.
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a file could not be read as what it should be. Never holds anything of the file's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, as a sentence.
    pub message: String,
}

impl ParseError {
    fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let (line, column) = text::line_and_column(text, offset);
        Self { line, column, message: message.into() }
    }
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Something else than a map (or list) of servers stands where they belong.
    #[error("{path} is not a list of servers")]
    NotAContainer {
        /// Keys from the root, joined by ` > `.
        path: String,
    },
    /// The edit would not have left the rest as it was, so nothing was done.
    #[error("the file cannot be changed without touching something else in it")]
    WouldTouchMore,
}

impl EditError {
    /// For `path[..=at]`; `None` is the top of the file.
    fn not_a_container(path: &[String], at: Option<usize>) -> Self {
        let path = match at {
            Some(at) => path[..=at].join(" > "),
            None => "the top of the file".to_owned(),
        };
        Self::NotAContainer { path }
    }
}

/// Name and entry of each, in the order of the file.
type Servers = Vec<(String, Value)>;

/// The bytes of a file that parses. `Debug` does not show them.
#[derive(Clone)]
pub struct Document {
    format: FileFormat,
    container: Vec<String>,
    bytes: Vec<u8>,
    servers: Result<Servers, EditError>,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("format", &self.format)
            .field("container", &self.container)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// `None` is a file that is not there, or is empty.
    pub fn parse(place: &Place, bytes: Option<&[u8]>) -> Result<Self, ParseError> {
        Self::parse_as(place.format, &place.container, bytes)
    }

    /// Not UTF-8, over 10 MiB and nested deeper than 100 levels are parse errors too.
    pub fn parse_as(
        format: FileFormat,
        container: &[String],
        bytes: Option<&[u8]>,
    ) -> Result<Self, ParseError> {
        let bytes = bytes.unwrap_or_default();
        if bytes.len() > MAX_BYTES {
            return Err(ParseError::at("", 0, "The file is larger than 10 MiB."));
        }
        let text = text::as_utf8(bytes)?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let servers = servers(format, text, container)?;
        Ok(Self { format, container: container.to_vec(), bytes: bytes.to_vec(), servers })
    }

    /// Name and entry of every server, in the order of the file.
    pub fn servers(&self) -> Result<Vec<(String, Value)>, EditError> {
        self.servers.clone()
    }

    /// Puts an entry in, in place of the one of that name, or as the last. What is there already is left as it is.
    pub fn set(&mut self, name: &str, entry: &Value) -> Result<(), EditError> {
        let mut expected = self.servers()?;
        match expected.iter_mut().rev().find(|(there, _)| there == name) {
            Some((_, there)) if there == entry => return Ok(()),
            Some((_, there)) => *there = entry.clone(),
            None => expected.push((name.to_owned(), entry.clone())),
        }
        let (text, path) = (self.text(), &self.container);
        let edits = match self.format {
            FileFormat::Json => json::set(text, path, name, entry),
            FileFormat::Toml => toml::set(text, path, name, entry),
            FileFormat::Yaml => yaml::set(text, path, name, entry),
        }?;
        let after = text_edit::apply(text, edits).ok_or(EditError::WouldTouchMore)?;
        self.take(after, expected)
    }

    /// Takes an entry out. `false` if there is none of that name.
    pub fn remove(&mut self, name: &str) -> Result<bool, EditError> {
        self.remove_all(&BTreeSet::from([name]))
    }

    /// Takes entries out, all or none. `false` if there are none of those names.
    pub fn remove_all(&mut self, names: &BTreeSet<&str>) -> Result<bool, EditError> {
        let (gone, expected): (Servers, Servers) =
            self.servers()?.into_iter().partition(|(there, _)| names.contains(there.as_str()));
        if gone.is_empty() {
            return Ok(false);
        }
        let mut after = self.text().to_owned();
        for (name, _) in &gone {
            let edits = self.remove_one(&after, name)?;
            after = text_edit::apply(&after, edits).ok_or(EditError::WouldTouchMore)?;
        }
        // What is left is looked at once: that is most of the work in a long file.
        self.take(after, expected)?;
        Ok(true)
    }

    fn remove_one(&self, text: &str, name: &str) -> Result<Vec<TextEdit>, EditError> {
        match self.format {
            FileFormat::Json => json::remove(text, &self.container, name),
            FileFormat::Toml => toml::remove(text, &self.container, name),
            FileFormat::Yaml => yaml::remove(text, &self.container, name),
        }
    }

    /// The file's bytes after all edits so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The format it was parsed as.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// Keys from the root to the servers.
    pub fn container(&self) -> &[String] {
        &self.container
    }

    /// Without the byte order mark.
    fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes).expect("was read as UTF-8 when it was parsed");
        text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
    }

    /// All but the container, in a form that keeps what a JSON value would lose. `None` if it does not parse.
    fn rest_of(&self, text: &str) -> Option<Value> {
        match self.format {
            FileFormat::Json => json::rest(text, &self.container),
            FileFormat::Toml => toml::rest(text, &self.container),
            FileFormat::Yaml => yaml::rest(text, &self.container),
        }
    }

    /// Takes the new text over if it has these servers and everything else is what it was.
    fn take(&mut self, after: String, expected: Servers) -> Result<(), EditError> {
        let rest = self.rest_of(&after).ok_or(EditError::WouldTouchMore)?;
        let servers = servers(self.format, &after, &self.container);
        if Some(rest) != self.rest_of(self.text())
            || servers.ok().and_then(Result::ok).as_ref() != Some(&expected)
        {
            return Err(EditError::WouldTouchMore);
        }
        let mark = self.bytes.len() - self.text().len();
        self.bytes.truncate(mark);
        self.bytes.extend_from_slice(after.as_bytes());
        self.servers = Ok(expected);
        Ok(())
    }
}

fn servers(
    format: FileFormat,
    text: &str,
    container: &[String],
) -> Result<Result<Servers, EditError>, ParseError> {
    match format {
        FileFormat::Json => json::servers(text, container),
        FileFormat::Toml => toml::servers(text, container),
        FileFormat::Yaml => yaml::servers(text, container),
    }
}
