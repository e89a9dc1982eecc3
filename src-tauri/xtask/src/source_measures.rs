//! Measures of the Rust sources that a review cannot keep an eye on: names, function lengths, words in comments.
//!
//! They read text, not syntax: a count can be off by a few, which the limits allow for. Test code is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Result, bail};

use crate::{
    paths::{root, source_files},
    process,
};

/// Longest function, in lines.
const MAX_FUNCTION_LINES: usize = 60;
/// Largest share of type names, in percent, that are one word and so cannot be searched for.
const MAX_ONE_WORD_PERCENT: usize = 30;
/// Largest share of type names, in percent, that are defined in more than one file.
const MAX_SHARED_PERCENT: usize = 5;
/// Most comments in 10,000 lines whose subject is a pronoun instead of a component.
const MAX_PRONOUNS_PER_10_000: usize = 10;

const PRONOUNS: [&str; 8] =
    ["whoever", "whomever", "somebody", "nobody", "anybody", "everybody", "someone", "anyone"];

/// What one file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct FileMeasures {
    lines: usize,
    /// Types that other files can use.
    public_types: Vec<String>,
    all_types: BTreeSet<String>,
    /// Names and lengths of the functions over the limit.
    long_functions: Vec<(String, usize)>,
    pronouns: usize,
}

/// Fails where a limit is passed, and prints every figure.
pub(crate) fn check() -> Result<()> {
    let mut sum = FileMeasures::default();
    let mut files_of: BTreeMap<String, usize> = BTreeMap::new();
    for name in source_files(&["src-tauri/*.rs"])?.into_iter().filter(|name| !is_test(name)) {
        let file = measure(&fs::read_to_string(root().join(&name))?);
        for defined in &file.all_types {
            *files_of.entry(defined.clone()).or_default() += 1;
        }
        sum.lines += file.lines;
        sum.pronouns += file.pronouns;
        sum.public_types.extend(file.public_types);
        sum.long_functions.extend(
            file.long_functions.into_iter().map(|(f, lines)| (format!("{name}: {f}"), lines)),
        );
    }
    let one_word = sum.public_types.iter().filter(|name| is_one_word(name)).count();
    let shared: Vec<_> = files_of.iter().filter(|(_, files)| **files > 1).collect();
    let figures = [
        (
            "public type names of one word",
            percent(one_word, sum.public_types.len()),
            MAX_ONE_WORD_PERCENT,
            "%",
        ),
        (
            "type names defined in more than one file",
            percent(shared.len(), files_of.len()),
            MAX_SHARED_PERCENT,
            "%",
        ),
        (
            "comments about a pronoun, per 10,000 lines",
            sum.pronouns * 10_000 / sum.lines.max(1),
            MAX_PRONOUNS_PER_10_000,
            "",
        ),
        ("functions over 60 lines", sum.long_functions.len(), 0, ""),
    ];
    let mut failed = Vec::new();
    for (what, figure, limit, unit) in figures {
        process::say(&format!("{what}: {figure}{unit} (at most {limit}{unit})"));
        if figure > limit {
            failed.push(what);
        }
    }
    for (function, lines) in &sum.long_functions {
        process::warn(&format!("{function} has {lines} lines"));
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("over the limit: {}", failed.join(", "))
}

fn is_test(name: &str) -> bool {
    name.split('/').any(|part| matches!(part, "tests" | "testing" | "tests.rs" | "testing.rs"))
}

fn measure(text: &str) -> FileMeasures {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let mut file = FileMeasures { lines: lines.len(), ..FileMeasures::default() };
    for (at, line) in lines.iter().enumerate() {
        if let Some((name, is_public)) = defined_type(line) {
            if is_public {
                file.public_types.push(name.to_owned());
            }
            file.all_types.insert(name.to_owned());
        }
        if let Some(name) = defined_function(line) {
            let length = function_length(&lines[at..]);
            if length > MAX_FUNCTION_LINES {
                file.long_functions.push((name.to_owned(), length));
            }
        }
        if line.split_once("//").is_some_and(|(_, comment)| has_pronoun(comment)) {
            file.pronouns += 1;
        }
    }
    file
}

/// The name of a type defined on this line, and whether other modules can use it. Associated types do not count.
fn defined_type(line: &str) -> Option<(&str, bool)> {
    let (rest, is_public) = without_visibility(line.trim_start());
    let (keyword, rest) = rest.split_once(' ')?;
    let counts = match keyword {
        "struct" | "enum" | "trait" | "union" => true,
        "type" => is_public,
        _ => false,
    };
    let name = identifier(rest);
    (counts && !name.is_empty()).then_some((name, is_public))
}

fn defined_function(line: &str) -> Option<&str> {
    let (mut rest, _) = without_visibility(line.trim_start());
    for modifier in ["const ", "async ", "unsafe ", "extern \"C\" ", "extern \"system\" "] {
        rest = rest.strip_prefix(modifier).unwrap_or(rest);
    }
    rest.strip_prefix("fn ").map(identifier)
}

fn without_visibility(line: &str) -> (&str, bool) {
    let Some(rest) = line.strip_prefix("pub") else { return (line, false) };
    if let Some(rest) = rest.strip_prefix(' ') {
        return (rest, true);
    }
    match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((_, rest)) => (rest, true),
        None => (line, false),
    }
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// From its first line to the brace that closes it, as rustfmt indents it. 1 for one without a body, or on one line.
fn function_length(lines: &[&str]) -> usize {
    let first = lines[0];
    let indent = &first[..first.len() - first.trim_start().len()];
    let closing = format!("{indent}}}");
    for (at, line) in lines.iter().enumerate() {
        if *line == closing {
            return at + 1;
        }
        let same_level = line.starts_with(indent) && !line[indent.len()..].starts_with(' ');
        if same_level && (line.ends_with(';') || line.ends_with('}')) {
            return 1;
        }
    }
    1
}

fn has_pronoun(comment: &str) -> bool {
    let comment = comment.to_ascii_lowercase();
    comment.split(|c: char| !c.is_alphanumeric()).any(|word| PRONOUNS.contains(&word))
}

/// One capital: `Told`, `Plan2`. `HTTP` is one word as well.
fn is_one_word(name: &str) -> bool {
    let mut capitals = name.char_indices().skip(1).filter(|(_, c)| c.is_ascii_uppercase());
    let has_small = name.chars().any(|c| c.is_ascii_lowercase());
    !has_small || capitals.next().is_none()
}

/// Rounded to whole percent.
fn percent(part: usize, whole: usize) -> usize {
    (part * 100 + whole / 2) / whole.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_their_names() {
        for (line, want) in [
            ("pub struct FastPath<'a> {", Some(("FastPath", true))),
            ("pub(crate) enum Told {", Some(("Told", true))),
            ("    struct Inner(u8);", Some(("Inner", false))),
            ("    type Error = Infallible;", None),
            ("pub type Profiles = Items<Profile>;", Some(("Profiles", true))),
            ("// pub struct Gone;", None),
            ("let structure = 1;", None),
        ] {
            assert_eq!(defined_type(line), want, "{line}");
        }
        for (name, want) in [("Told", true), ("FastPath", false), ("HTTP", true), ("Plan2", true)] {
            assert_eq!(is_one_word(name), want, "{name}");
        }
    }

    #[test]
    fn functions_over_the_limit() {
        let long = format!(
            "    pub(crate) async fn long(\n        a: u8,\n    ) {{\n{}    }}\n",
            "        a;\n".repeat(57)
        );
        assert_eq!(measure(&long).long_functions, [("long".to_owned(), 61)]);
        let short = "    fn declared(&self);\n    fn one_line() {}\n".to_owned()
            + &"    x;\n".repeat(70)
            + "    }\n";
        assert_eq!(measure(&short).long_functions, []);
    }

    #[test]
    fn comments_about_pronouns() {
        let text = "/// Whoever asks.\nlet nobody = 1; // fine\n// Somebody's.\n";
        assert_eq!(measure(text).pronouns, 2);
    }

    #[test]
    fn test_code_is_left_out() {
        assert!(is_test("src-tauri/agentport-core/src/policy/tests/properties.rs"));
        assert!(is_test("src-tauri/agentport-core/src/policy/tests.rs"));
        assert!(!is_test("src-tauri/xtask/src/test.rs"));
        let text = "pub struct One;\n#[cfg(test)]\nmod tests {\npub struct Two;\n}\n";
        assert_eq!(measure(text).public_types, ["One"]);
    }
}
