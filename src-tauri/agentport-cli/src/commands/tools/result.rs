//! A tool's result as text: content blocks of MCP 2025-11-25 ("Tool Result"), one after the other.
//!
//! Binary content is described by type and size; `-o json` has the data.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The result of `tools/call`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallResult {
    #[serde(default)]
    content: Vec<Value>,
    /// As it was written, so that numbers keep their spelling.
    #[serde(default)]
    structured_content: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) is_error: bool,
}

impl CallResult {
    /// The blocks; without any, the structured content.
    pub(super) fn text(&self) -> String {
        let blocks: Vec<String> = self.content.iter().map(block).collect();
        match &self.structured_content {
            Some(structured) if blocks.iter().all(String::is_empty) => structured.get().to_owned(),
            _ => blocks.join("\n"),
        }
    }
}

fn block(block: &Value) -> String {
    let text = |name: &str| block[name].as_str();
    match (text("type"), text("text")) {
        (Some("image" | "audio"), _) => {
            described(text("type").unwrap_or_default(), text("mimeType"), text("data"))
        }
        (Some("resource"), _) => resource(&block["resource"]),
        (Some("resource_link"), _) => {
            let name = text("title").or(text("name")).unwrap_or("resource");
            format!("[{name}: {}]", text("uri").unwrap_or_default())
        }
        (_, Some(text)) => text.to_owned(),
        _ => block.to_string(),
    }
}

/// An embedded resource: its address, and its text or the size of its data.
fn resource(resource: &Value) -> String {
    let text = |name: &str| resource[name].as_str();
    let uri = text("uri").unwrap_or("resource");
    match text("text") {
        Some(content) => format!("[{uri}]\n{content}"),
        None => described(uri, text("mimeType"), text("blob")),
    }
}

fn described(what: &str, mime_type: Option<&str>, base64: Option<&str>) -> String {
    let kind = mime_type.unwrap_or("of unknown type");
    format!("[{what}, {kind}, {}]", size(base64.unwrap_or_default()))
}

/// The size of Base64 data (RFC 4648, section 4).
fn size(base64: &str) -> String {
    let characters = base64.trim_end_matches('=').len();
    match characters * 3 / 4 {
        1 => "1 byte".to_owned(),
        bytes @ 0..1_024 => format!("{bytes} bytes"),
        bytes @ 1_024..1_048_576 => format!("{} KiB", bytes.div_ceil(1_024)),
        bytes => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: &str, want: &str) {
        let result: CallResult = serde_json::from_str(result).unwrap();
        assert_eq!(result.text(), want);
    }

    #[test]
    fn every_kind_of_content_is_shown() {
        check(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, "a\nb");
        check(
            r#"{"content":[{"type":"image","mimeType":"image/png","data":"aGVsbG8="}]}"#,
            "[image, image/png, 5 bytes]",
        );
        check(r#"{"content":[{"type":"audio","data":""}]}"#, "[audio, of unknown type, 0 bytes]");
        check(
            r#"{"content":[{"type":"resource","resource":{"uri":"file:///a","text":"line"}}]}"#,
            "[file:///a]\nline",
        );
        check(
            r#"{"content":[{"type":"resource","resource":{"uri":"a:b","mimeType":"x/y","blob":"QQ=="}}]}"#,
            "[a:b, x/y, 1 byte]",
        );
        check(
            r#"{"content":[{"type":"resource_link","name":"notes","uri":"file:///n"}]}"#,
            "[notes: file:///n]",
        );
        check(r#"{"content":[{"type":"new","x":1}]}"#, r#"{"type":"new","x":1}"#);
    }

    #[test]
    fn a_result_that_is_only_structured_is_shown_as_it_was_written() {
        check(
            r#"{"structuredContent":{"n":1.0,"big":12345678901234567890123}}"#,
            r#"{"n":1.0,"big":12345678901234567890123}"#,
        );
        check(r#"{"content":[],"structuredContent":[1]}"#, "[1]");
        check(
            r#"{"content":[{"type":"text","text":"shown"}],"structuredContent":{"a":1}}"#,
            "shown",
        );
        check("{}", "");
    }

    #[test]
    fn sizes_are_those_of_the_decoded_data() {
        for (length, want) in [(4, "3 bytes"), (1_368, "2 KiB"), (4_194_304, "3 MiB")] {
            assert_eq!(size(&"A".repeat(length)), want, "{length}");
        }
    }
}
