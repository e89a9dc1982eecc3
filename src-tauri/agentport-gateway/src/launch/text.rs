//! Text with places for the values of fields.

use std::fmt;

use serde::Deserialize;

/// Literal text and fields in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct TextTemplate(pub(crate) Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// The value of the field of this name.
    Field(String),
}

impl From<String> for TextTemplate {
    /// `{name}` stands for a field, if the name is one: lower-case letters, digits and `_`. Other braces are braces.
    fn from(text: String) -> Self {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        Self::parse(&text, "{", |name| is_name(name).then(|| Piece::Field(name.to_owned())))
    }
}

impl TextTemplate {
    /// Reads text in which `open`…`}` can stand for something: `resolve` says for what. Where it does not know the name,
    /// the text stays as it is.
    pub(crate) fn parse(
        text: &str,
        open: &str,
        mut resolve: impl FnMut(&str) -> Option<Piece>,
    ) -> Self {
        let mut pieces = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(open) {
            let (before, from) = rest.split_at(at);
            pieces.push(Piece::Text(before.to_owned()));
            let inner = &from[open.len()..];
            match inner.split_once('}').and_then(|(name, after)| Some((resolve(name)?, after))) {
                Some((piece, after)) => {
                    pieces.push(piece);
                    rest = after;
                }
                None => {
                    pieces.push(Piece::Text(open.to_owned()));
                    rest = inner;
                }
            }
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces
    }

    /// Text without any field.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let mut pieces = Self::default();
        pieces.push(Piece::Text(text.into()));
        pieces
    }

    /// The value of a field, and nothing else.
    pub(crate) fn field(name: impl Into<String>) -> Self {
        Self(vec![Piece::Field(name.into())])
    }

    /// Appends a piece. Text beside text is one text.
    pub(crate) fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (_, Piece::Text(text)) if text.is_empty() => {}
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => self.0.push(piece),
        }
    }

    /// The names of the fields in it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text, where it has no fields.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Field(name) => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_fields_and_other_braces_are_text() {
        for (text, fields) in [
            ("--db={path}", &["path"][..]),
            ("{a}{b_2}", &["a", "b_2"]),
            ("{\"json\": 1}", &[]),
            ("{}{Upper}{", &[]),
            ("{{a}}", &["a"]),
            ("", &[]),
        ] {
            let template = TextTemplate::from(text.to_owned());
            assert_eq!(template.fields().collect::<Vec<_>>(), fields, "{text}");
            assert_eq!(template.to_string(), text, "it reads as it is written");
        }
    }
}
