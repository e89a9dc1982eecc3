//! What stands in the text, and where.

use std::ops::Range;

use jsonc_parser::{
    CollectOptions, ParseOptions, ParseStringErrorKind, Scanner, ScannerOptions,
    ast::{Object, ObjectProp, Value as Node},
    common::Ranged,
    errors::{ParseError as Fault, ParseErrorKind},
    parse_to_ast,
    tokens::Token,
};
use serde_json::{Map, Value, json};

use crate::document::{EditError, MAX_DEPTH, ParseError, Servers, TOO_DEEP};

const NOT_CLOSED: &str = "This string is not closed on its line.";

/// Where the servers stand, as far as the path to them leads.
pub(super) enum JsonServers<'t, 'a> {
    Container(&'t Object<'a>),
    /// `null` stands at `path[at]`.
    Null {
        range: Range<usize>,
        at: usize,
    },
    /// This object has no `path[at]`.
    Missing {
        parent: &'t Object<'a>,
        at: usize,
    },
    /// No value at all: an empty file, or one of comments.
    Nothing,
}

pub(in crate::document) fn servers(
    text: &str,
    path: &[String],
) -> Result<Result<Servers, EditError>, ParseError> {
    let root = parse(text)?;
    Ok(find(root.as_ref(), path).map(|found| match found {
        JsonServers::Container(object) => object
            .properties
            .iter()
            .map(|member| (member.name.as_str().to_owned(), as_value(&member.value)))
            .collect(),
        JsonServers::Null { .. } | JsonServers::Missing { .. } | JsonServers::Nothing => Vec::new(),
    }))
}

pub(in crate::document) fn rest(text: &str, path: &[String]) -> Option<Value> {
    let root = parse(text).ok()?;
    Some(root.and_then(|root| without(text, &root, path)).unwrap_or_else(|| json!({ "map": [] })))
}

/// `None` for a text without a value.
pub(super) fn parse(text: &str) -> Result<Option<Node<'_>>, ParseError> {
    check_depth(text)?;
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_ast(text, &CollectOptions::default(), &options)
        .map(|parsed| parsed.value)
        .map_err(|fault| ParseError::at(text, fault.range().start, sentence(&fault)))
}

/// Before anything recursive sees the text. Also finds strings that run over their line, which the parser takes: the
/// fault is where the quotation mark is missing, not where it shows. What else is wrong, the parser will say.
fn check_depth(text: &str) -> Result<(), ParseError> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ParseError::at(text, start, TOO_DEEP));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                at = string_end(bytes, at).ok_or_else(|| ParseError::at(text, start, NOT_CLOSED))?
            }
            b'/' if bytes.get(at) == Some(&b'/') => {
                let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
                at = bytes[at..].iter().position(ends).map_or(bytes.len(), |end| at + end);
            }
            b'/' if bytes.get(at) == Some(&b'*') => {
                at = text[at + 1..].find("*/").map_or(bytes.len(), |end| at + end + 3);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Behind the quotation mark that closes a string; `None` if its line ends before.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' if !matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
            _ => at += 1,
        }
    }
}

pub(super) fn scanner(text: &str) -> Scanner<'_> {
    let options = ScannerOptions {
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    Scanner::new(text, &options)
}

pub(super) fn find<'t, 'a>(
    root: Option<&'t Node<'a>>,
    path: &[String],
) -> Result<JsonServers<'t, 'a>, EditError> {
    let mut here = match root {
        None => return Ok(JsonServers::Nothing),
        Some(Node::Object(object)) => object,
        Some(_) => return Err(EditError::not_a_container(path, None)),
    };
    for (at, key) in path.iter().enumerate() {
        here = match last(here, key).map(|(_, member)| &member.value) {
            None => return Ok(JsonServers::Missing { parent: here, at }),
            Some(Node::Object(object)) => object,
            Some(Node::NullKeyword(null)) => {
                return Ok(JsonServers::Null { range: null.range.start..null.range.end, at });
            }
            Some(_) => return Err(EditError::not_a_container(path, Some(at))),
        };
    }
    Ok(JsonServers::Container(here))
}

/// The member of that name that counts, and its index.
pub(super) fn last<'t, 'a>(
    object: &'t Object<'a>,
    name: &str,
) -> Option<(usize, &'t ObjectProp<'a>)> {
    object.properties.iter().enumerate().rev().find(|(_, member)| member.name.as_str() == name)
}

/// The comma within this stretch between two members, which otherwise holds comments and white space.
pub(super) fn comma(text: &str, within: Range<usize>) -> Option<usize> {
    let mut scanner = scanner(&text[within.clone()]);
    while let Ok(Some(token)) = scanner.scan() {
        if token == Token::Comma {
            return Some(within.start + scanner.token_start());
        }
    }
    None
}

pub(super) fn as_value(node: &Node<'_>) -> Value {
    match node {
        Node::StringLit(string) => Value::String(string.value.clone().into_owned()),
        Node::NumberLit(number) => serde_json::from_str(number.value)
            .unwrap_or_else(|_| Value::String(number.value.to_owned())),
        Node::BooleanLit(boolean) => Value::Bool(boolean.value),
        Node::NullKeyword(_) => Value::Null,
        Node::Array(array) => Value::Array(array.elements.iter().map(as_value).collect()),
        Node::Object(object) => Value::Object(
            object
                .properties
                .iter()
                .map(|member| (member.name.as_str().to_owned(), as_value(&member.value)))
                .collect::<Map<_, _>>(),
        ),
    }
}

/// As a value that tells apart what [`as_value`] does not: names that stand twice, and numbers as they are written.
/// An object is `{"map": [[name, value], …]}`.
fn faithful(text: &str, node: &Node<'_>) -> Value {
    match node {
        Node::Object(object) => {
            let members = object
                .properties
                .iter()
                .map(|member| json!([member.name.as_str(), faithful(text, &member.value)]))
                .collect::<Vec<_>>();
            json!({ "map": members })
        }
        Node::Array(array) => {
            array.elements.iter().map(|element| faithful(text, element)).collect()
        }
        other => Value::String(text[other.range().start..other.range().end].to_owned()),
    }
}

/// All but the container. Of the way to it, what holds nothing else counts as not there, since it may have been made.
fn without(text: &str, node: &Node<'_>, path: &[String]) -> Option<Value> {
    let Some((key, deeper)) = path.split_first() else {
        return match node {
            Node::Object(_) | Node::NullKeyword(_) => None,
            other => Some(faithful(text, other)),
        };
    };
    let Node::Object(object) = node else {
        return match node {
            Node::NullKeyword(_) => None,
            other => Some(faithful(text, other)),
        };
    };
    let counts = last(object, key).map(|(index, _)| index);
    let members = object
        .properties
        .iter()
        .enumerate()
        .filter_map(|(index, member)| {
            let value = if Some(index) == counts {
                without(text, &member.value, deeper)?
            } else {
                faithful(text, &member.value)
            };
            Some(json!([member.name.as_str(), value]))
        })
        .collect::<Vec<_>>();
    (!members.is_empty()).then(|| json!({ "map": members }))
}

fn sentence(fault: &Fault) -> &'static str {
    match fault.kind() {
        ParseErrorKind::ExpectedColonAfterObjectKey => "A colon is missing after this name.",
        ParseErrorKind::ExpectedObjectValue => "A value is missing here.",
        ParseErrorKind::ExpectedComma => "A comma is missing here.",
        ParseErrorKind::MultipleRootJsonValues => "Something follows after the end of the value.",
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            "Single quotation marks do not make a string; double ones do."
        }
        ParseErrorKind::UnexpectedCloseBrace => "There is a closing brace too many.",
        ParseErrorKind::UnexpectedCloseBracket => "There is a closing bracket too many.",
        ParseErrorKind::UnexpectedComma => "There is a comma too many.",
        ParseErrorKind::UnexpectedColon => "There is a colon too many.",
        ParseErrorKind::UnexpectedWord | ParseErrorKind::ExpectedStringObjectProperty => {
            "Names and strings must stand in double quotation marks."
        }
        ParseErrorKind::UnterminatedArray => "This bracket is never closed.",
        ParseErrorKind::UnterminatedObject => "This brace is never closed.",
        ParseErrorKind::UnterminatedCommentBlock => "This comment is never closed.",
        ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => NOT_CLOSED,
        ParseErrorKind::String(_) => "This escape in a string is none.",
        ParseErrorKind::ExpectedDigit
        | ParseErrorKind::ExpectedDigitFollowingNegativeSign
        | ParseErrorKind::ExpectedPlusMinusOrDigitInNumberLiteral
        | ParseErrorKind::HexadecimalNumbersNotAllowed
        | ParseErrorKind::UnaryPlusNumbersNotAllowed
        | ParseErrorKind::BareDecimalPointNumbersNotAllowed
        | ParseErrorKind::NonFiniteNumbersNotAllowed => "This is not a number.",
        ParseErrorKind::NestingDepthExceeded => TOO_DEEP,
        _ => "This is not JSON.",
    }
}
