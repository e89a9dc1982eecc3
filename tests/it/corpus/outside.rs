//! Extracts everything outside the list of servers from a file, independently of the code under test.

use agentport_clients::client::FileFormat;

/// The text before and after the container; `None` if there is none.
pub(super) fn outside(
    format: FileFormat,
    container: &[String],
    text: &str,
) -> Option<(String, String)> {
    match format {
        FileFormat::Json => json(container, text),
        FileFormat::Toml => Some(toml(container, text)),
        FileFormat::Yaml => yaml(container, text),
    }
}

/// Everything up to the brace that opens the container, and from the one that closes it.
fn json(container: &[String], text: &str) -> Option<(String, String)> {
    let mut path: Vec<Option<String>> = Vec::new();
    let mut last: Option<String> = None;
    let mut from: Option<(usize, usize)> = None;
    let mut found = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            b'/' if bytes[at..].starts_with(b"/*") => {
                at += text[at + 2..].find("*/").map_or(text.len() - at, |end| end + 4);
                continue;
            }
            b'"' => {
                let mut end = at + 1;
                while bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                last = serde_json::from_str(&text[at..=end]).ok();
                at = end + 1;
                continue;
            }
            b',' => last = None,
            b'{' | b'[' => {
                path.push(last.take());
                let names: Vec<&str> =
                    path.iter().skip(1).map(|name| name.as_deref().unwrap_or("")).collect();
                if bytes[at] == b'{' && from.is_none() && names == *container {
                    from = Some((at + 1, path.len()));
                }
            }
            b'}' | b']' => {
                if from.is_some_and(|(_, depth)| depth == path.len()) {
                    // The last of a name counts.
                    found = from.take().map(|(start, _)| (start, at));
                }
                path.pop();
                last = None;
            }
            _ => {}
        }
        at += 1;
    }
    found.map(|(start, end)| (text[..start].to_owned(), text[end..].to_owned()))
}

/// The lines that are in no table of the container, in their order, and nothing.
fn toml(container: &[String], text: &str) -> (String, String) {
    let key = &container[0];
    let mut inside = false;
    let mut outside = String::new();
    for line in text.split_inclusive('\n') {
        let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        if compact.starts_with('[') && !compact.starts_with("[\"") && !compact.starts_with("[ ") {
            let name = compact.trim_start_matches('[');
            inside = name.starts_with(&format!("{key}.")) || name.starts_with(&format!("{key}]"));
        }
        let is_dotted = compact.starts_with(&format!("{key}."));
        if !inside && !is_dotted && !line.trim().is_empty() {
            outside.push_str(line);
        }
    }
    (outside, String::new())
}

/// The lines before the container's key, and from the next key at its depth.
fn yaml(container: &[String], text: &str) -> Option<(String, String)> {
    let key = &container[0];
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_key = |line: &&str| {
        let line = line.trim_start_matches(['"', '\'']);
        line.strip_prefix(key.as_str())
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
    };
    let start = lines.iter().position(is_key)?;
    let ends = |line: &&str| !line.starts_with([' ', '\t', '#', '-', '\r', '\n', '}', ']']);
    let length = lines[start + 1..].iter().position(ends).map_or(lines.len() - start, |at| at + 1);
    Some((lines[..start].concat(), lines[start + length..].concat()))
}
