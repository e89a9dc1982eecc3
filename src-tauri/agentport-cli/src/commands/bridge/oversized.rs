//! Streaming scanner that finds the id of a JSON-RPC message too long to be kept in memory.

const MAX_ID_BYTES: usize = 256;

/// What the scanner found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScannedId {
    /// As it was written.
    pub(super) id: Option<Box<str>>,
    /// The message has an id and a method.
    pub(super) is_request: bool,
}

/// Position in the message. Only the keys of its outermost object matter.
#[derive(Debug, Default)]
pub(super) struct IdScanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// At depth 1, after a colon: what is being read is a value.
    in_value: bool,
    /// The key or the id that is being read.
    text: Vec<u8>,
    key: TopLevelKey,
    id: Option<Box<str>>,
    has_method: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum TopLevelKey {
    Id,
    Method,
    #[default]
    Other,
}

impl IdScanner {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for &byte in piece {
            self.scan(byte);
        }
    }

    pub(super) fn finish(self) -> ScannedId {
        ScannedId { is_request: self.has_method && self.id.is_some(), id: self.id }
    }

    /// Is this position in a key of the outermost object, or in its id?
    fn is_captured(&self) -> bool {
        self.depth == 1 && (!self.in_value || self.key == TopLevelKey::Id)
    }

    fn scan(&mut self, byte: u8) {
        if self.is_captured() && self.text.len() < MAX_ID_BYTES {
            let between = matches!(byte, b',' | b'}' | b':' | b'{' | b'[' | b' ' | b'\t' | b'\r');
            if self.in_string || !between {
                self.text.push(byte);
            }
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth == 1 {
                    self.text.clear();
                }
            }
            b':' if self.depth == 1 && !self.in_value => {
                self.in_value = true;
                self.key = match &self.text[..] {
                    b"\"id\"" => TopLevelKey::Id,
                    b"\"method\"" => TopLevelKey::Method,
                    _ => TopLevelKey::Other,
                };
                self.has_method |= self.key == TopLevelKey::Method;
                self.text.clear();
            }
            b',' | b'}' | b']' => {
                if self.depth == 1 {
                    self.end_of_value();
                }
                if byte != b',' {
                    self.depth = self.depth.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    fn end_of_value(&mut self) {
        let text = std::mem::take(&mut self.text);
        if self.in_value
            && self.key == TopLevelKey::Id
            && text.len() < MAX_ID_BYTES
            && let Ok(text) = String::from_utf8(text)
            && matches!(text.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
            && serde_json::from_str::<serde_json::Value>(&text).is_ok()
        {
            self.id = Some(text.into());
        }
        self.in_value = false;
        self.key = TopLevelKey::Other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_keys_count() {
        for (text, id, is_request) in [
            (r#"{"id":1,"method":"m"}"#, Some("1"), true),
            (r#" { "id" : "a \"},b" , "method" : "m" } "#, Some(r#""a \"},b""#), true),
            (r#"{"params":{"id":2,"method":"x"},"method":"id"}"#, None, false),
            (r#"{"params":[{"id":2}],"id":-3,"x":"method"}"#, Some("-3"), false),
            (r#"{"id":null,"method":"m"}"#, None, false),
            (r#"{"id":{"id":4},"method":"m"}"#, None, false),
            (r#"{"id":5"#, None, false),
            (r#"[{"id":6,"method":"m"}]"#, None, false),
            ("", None, false),
        ] {
            let mut scanner = IdScanner::default();
            scanner.feed(text.as_bytes());
            let found = scanner.finish();
            assert_eq!((found.id.as_deref(), found.is_request), (id, is_request), "{text}");
        }
    }
}
