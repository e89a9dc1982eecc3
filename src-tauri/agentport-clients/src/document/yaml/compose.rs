//! From the parser's events to a tree with places.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Value};

use super::scalar;
use crate::document::{MAX_DEPTH, ParseError, TOO_DEEP, text};

/// What all aliases of a file may come to, in nodes: a few lines of them can stand for millions.
const MAX_ALIASED: usize = 100_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct YamlNode {
    pub(super) kind: NodeKind,
    /// To the end of the last thing in it; white space and comments behind it do not count. Empty where nothing
    /// stands (`key:`).
    pub(super) range: Range<usize>,
    /// In brackets or braces.
    pub(super) is_flow: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeKind {
    Scalar(Value),
    /// Stands for a node elsewhere, which has this value.
    Alias(Value),
    List(Vec<YamlNode>),
    Map(Vec<(YamlNode, YamlNode)>),
}

/// All documents of a stream.
pub(super) fn documents(text: &str) -> Result<Vec<YamlNode>, ParseError> {
    let mut composer = Composer {
        text,
        parser: Parser::new_from_str(text),
        places: Places::of(text),
        anchors: HashMap::new(),
        aliased: 0,
    };
    let mut documents = Vec::new();
    while let Some((event, _)) = composer.next()? {
        match event {
            Event::DocumentStart(_) => {
                let (event, span) = composer.expect()?;
                documents.push(composer.node(event, span, 0)?);
            }
            Event::StreamEnd => break,
            _ => {}
        }
    }
    Ok(documents)
}

struct Composer<'t> {
    text: &'t str,
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    places: Places,
    anchors: HashMap<usize, (Value, usize)>,
    aliased: usize,
}

impl<'t> Composer<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ParseError> {
        self.parser.next_event().transpose().map_err(|fault| self.fault(&fault))
    }

    fn expect(&mut self) -> Result<(Event<'t>, Span), ParseError> {
        let end = self.text.len();
        self.next()?.ok_or_else(|| ParseError::at(self.text, end, "The file ends too soon."))
    }

    fn fault(&self, fault: &ScanError) -> ParseError {
        // The scanner's words name at most the one character it stumbled over; that much is left out too.
        let info = fault.info().split('`').next().unwrap_or_default().trim_end_matches([' ', ':']);
        let at = self.places.byte(fault.marker().index());
        ParseError::at(self.text, at, format!("This is not YAML: {info}."))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<YamlNode, ParseError> {
        let start = self.places.byte(span.start.index());
        if depth > MAX_DEPTH {
            return Err(ParseError::at(self.text, start, TOO_DEEP));
        }
        match event {
            Event::Scalar(content, style, anchor, tag) => {
                let value = scalar::resolve(&content, style, tag.as_deref());
                let end = self.places.byte(span.end.index());
                let range = if content.is_empty() && style == ScalarStyle::Plain {
                    start..start
                } else if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    start..start + self.text[start..end].trim_end().len()
                } else {
                    start..end
                };
                self.anchor(anchor, || (value.clone(), 1));
                Ok(YamlNode { kind: NodeKind::Scalar(value), range, is_flow: false })
            }
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor).cloned().unwrap_or((Value::Null, 1));
                self.aliased = self.aliased.saturating_add(size);
                if self.aliased > MAX_ALIASED {
                    return Err(ParseError::at(self.text, start, "Aliases come to too much."));
                }
                let range = start..self.places.byte(span.end.index());
                Ok(YamlNode { kind: NodeKind::Alias(value), range, is_flow: false })
            }
            Event::SequenceStart(anchor, _) => self.sequence(anchor, start, depth),
            Event::MappingStart(anchor, _) => self.mapping(anchor, start, depth),
            _ => Err(ParseError::at(self.text, start, "This is not YAML.")),
        }
    }

    /// A list that begins at the byte `start`.
    fn sequence(
        &mut self,
        anchor: usize,
        start: usize,
        depth: usize,
    ) -> Result<YamlNode, ParseError> {
        let is_flow = self.text[start..].starts_with('[');
        let mut items = Vec::new();
        loop {
            match self.expect()? {
                (Event::SequenceEnd, _) => break,
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
        let last = items.last().map(|item| item.range.end);
        let range = start..self.end(start, last, is_flow.then_some(']'))?;
        let node = YamlNode { kind: NodeKind::List(items), range, is_flow };
        self.anchor(anchor, || (node.value(), node.size()));
        Ok(node)
    }

    /// A map that begins at the byte `start`.
    fn mapping(
        &mut self,
        anchor: usize,
        start: usize,
        depth: usize,
    ) -> Result<YamlNode, ParseError> {
        let is_flow = self.text[start..].starts_with('{');
        let mut members = Vec::new();
        loop {
            match self.expect()? {
                (Event::MappingEnd, _) => break,
                (event, span) => {
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.expect()?;
                    let mut value = self.node(event, span, depth + 1)?;
                    if value.range.is_empty() && value.is_leaf() {
                        let at = self.behind_colon(key.range.end);
                        value.range = at..at;
                    }
                    members.push((key, value));
                }
            }
        }
        let last = members.last().map(|(_, value)| value.range.end);
        let range = start..self.end(start, last, is_flow.then_some('}'))?;
        let node = YamlNode { kind: NodeKind::Map(members), range, is_flow };
        self.anchor(anchor, || (node.value(), node.size()));
        Ok(node)
    }

    /// Where a list or map ends whose last part ends at `last`. The parser's own place of a closing bracket takes in
    /// what surrounds it, or only the comma before it, and so is of no use.
    fn end(
        &self,
        start: usize,
        last: Option<usize>,
        bracket: Option<char>,
    ) -> Result<usize, ParseError> {
        let Some(bracket) = bracket else { return Ok(last.unwrap_or(start)) };
        let mut at = last.unwrap_or(start + 1);
        loop {
            let rest = &self.text[at..];
            at = match rest.chars().next() {
                Some('#') => text::line_end(self.text, at),
                Some(space) if space.is_whitespace() || space == ',' => at + space.len_utf8(),
                Some(other) if other == bracket => return Ok(at + 1),
                _ => return Err(ParseError::at(self.text, at, "This is not YAML.")),
            };
        }
    }

    /// Where a value would begin that is not there.
    fn behind_colon(&self, key_end: usize) -> usize {
        let rest = &self.text[key_end..];
        let blanks = rest.len() - rest.trim_start().len();
        key_end + if rest[blanks..].starts_with(':') { blanks + 1 } else { 0 }
    }

    fn anchor(&mut self, anchor: usize, value: impl FnOnce() -> (Value, usize)) {
        if anchor > 0 {
            self.anchors.insert(anchor, value());
        }
    }
}

impl YamlNode {
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) | NodeKind::Alias(value) => value.clone(),
            NodeKind::List(items) => items.iter().map(Self::value).collect(),
            NodeKind::Map(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.name(), value.value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// As the key of a map.
    pub(super) fn name(&self) -> String {
        match self.value() {
            Value::String(name) => name,
            other => other.to_string(),
        }
    }

    fn is_leaf(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar(_))
    }

    fn size(&self) -> usize {
        match &self.kind {
            NodeKind::Scalar(_) => 1,
            NodeKind::Alias(value) => size(value),
            NodeKind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            NodeKind::Map(members) => {
                1 + members.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>()
            }
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(|value| 1 + size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// From the parser's character indexes to bytes.
struct Places {
    /// Where each character begins; empty for ASCII, where they are the same.
    bytes: Vec<u32>,
    len: usize,
}

impl Places {
    fn of(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            // A file is at most 10 MiB, so that its indexes fit.
            text.char_indices().map(|(at, _)| at as u32).collect()
        };
        Self { bytes, len: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            return index.min(self.len);
        }
        self.bytes.get(index).map_or(self.len, |at| *at as usize)
    }
}
