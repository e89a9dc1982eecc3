//! Content blocks of types that the protocol library does not know (MCP 2026-07-28, Server Features, Tools, "Tool Result"):
//! carried beside a result, and put back where it is written for the agent.
//!
//! Inside the gateway such a block is a text block with its JSON, so that everything that reads results can read it.

use rmcp::model::{CallToolResult, ContentBlock};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

/// Field of a result's `_meta`: the blocks as they came, by their places.
const KEY: &str = "agentport/unknown_content";

/// Makes every block of `content` one that is known. Objects of an unknown type go into the result's `_meta` as well.
pub(super) fn set_aside(result: &mut Map<String, Value>) {
    let mut unknown = Map::new();
    if let Some(Value::Array(blocks)) = result.get_mut("content") {
        for (at, block) in blocks.iter_mut().enumerate() {
            if ContentBlock::deserialize(&*block).is_ok() {
                continue;
            }
            let text = block.as_str().map_or_else(|| block.to_string(), str::to_owned);
            let known = json!({ "type": "text", "text": text });
            let before = std::mem::replace(block, known);
            if before.get("type").is_some_and(Value::is_string) {
                unknown.insert(at.to_string(), before);
            }
        }
    }
    if unknown.is_empty() {
        return;
    }
    match result.entry("_meta").or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(meta) => {
            meta.insert(KEY.to_owned(), Value::Object(unknown));
        }
        other => *other = json!({ KEY: unknown }),
    }
}

/// Takes away what an upstream itself put where the blocks are carried.
pub(super) fn clean(result: &mut CallToolResult) {
    if let Some(meta) = &mut result.meta {
        meta.remove(KEY);
    }
}

/// Puts the blocks of a result, as JSON, back in their places.
pub(crate) fn restore(result: &mut Value) {
    let Some(meta) = result.get_mut("_meta").and_then(Value::as_object_mut) else { return };
    let Some(Value::Object(unknown)) = meta.remove(KEY) else { return };
    if meta.is_empty() {
        result.as_object_mut().map(|result| result.remove("_meta"));
    }
    let Some(blocks) = result.get_mut("content").and_then(Value::as_array_mut) else { return };
    for (at, block) in unknown {
        if let Some(place) = at.parse().ok().and_then(|at: usize| blocks.get_mut(at)) {
            *place = block;
        }
    }
}

/// The same in a response as it is written: JSON-RPC messages, alone or as events of a stream. `None`: nothing is carried.
pub(crate) fn restored(written: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(written).ok().filter(|text| text.contains(KEY))?;
    let lines = text.split_inclusive('\n').map(|line| {
        let message = line.strip_prefix("data:").unwrap_or(line);
        let Ok(mut value) = serde_json::from_str::<Value>(message) else { return line.to_owned() };
        if let Some(result) = value.get_mut("result") {
            restore(result);
        }
        let prefix = if message.len() < line.len() { "data: " } else { "" };
        let end = if line.ends_with('\n') { "\n" } else { "" };
        format!("{prefix}{value}{end}")
    });
    Some(lines.collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_blocks_come_out_as_they_went_in() {
        let came = json!({
            "content": [
                {"type": "text", "text": "a"}, {"type": "hologram", "x": [1, null]}, "bare",
            ],
            "_meta": {"trace": "t"},
        });
        let mut carried = came.clone();
        set_aside(carried.as_object_mut().unwrap());
        let known: CallToolResult = serde_json::from_value(carried.clone()).unwrap();
        assert_eq!(known.content.len(), 3);

        let bare = json!({"type": "text", "text": "bare"});
        let mut want = came.clone();
        want["content"][2] = bare;
        let message = json!({"jsonrpc": "2.0", "id": 1, "result": carried});
        let whole = restored(message.to_string().as_bytes()).unwrap();
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole["result"], want);

        let event = format!("id: 1\nevent: message\ndata: {message}\n\n");
        let event = String::from_utf8(restored(event.as_bytes()).unwrap()).unwrap();
        let data = event.strip_prefix("id: 1\nevent: message\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
        assert_eq!(data["result"], want);
        assert!(restored(b"{}").is_none());
    }

    #[test]
    fn an_upstream_cannot_write_where_blocks_are_carried() {
        let mut result = CallToolResult::success(vec![ContentBlock::text("seen")]);
        let meta = json!({ KEY: {"0": {"type": "text", "text": "other"}} });
        result.meta = serde_json::from_value(meta).unwrap();
        clean(&mut result);
        let mut value = serde_json::to_value(&result).unwrap();
        restore(&mut value);
        assert_eq!(value["content"][0]["text"], "seen");
    }
}
