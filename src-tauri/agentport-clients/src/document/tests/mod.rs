//! What all formats share: bounds, faults, and the helpers that the formats' own tests are written with.

use serde_json::{Value, json};

use super::*;
use FileFormat::{Json, Toml, Yaml};

/// A format with a path to the servers, and an entry to put there.
pub(super) struct Table {
    pub(super) format: FileFormat,
    pub(super) path: &'static [&'static str],
    pub(super) entry: Value,
}

impl Table {
    pub(super) fn open(&self, text: &str) -> Document {
        let path = self.path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        match Document::parse_as(self.format, &path, Some(text.as_bytes())) {
            Ok(document) => document,
            Err(fault) => panic!("{fault}\n{text}"),
        }
    }

    /// Putting `ours` in makes `after` of `before`; once more changes nothing; taking it out gives `before` again.
    #[track_caller]
    pub(super) fn there_and_back(&self, before: &str, after: &str) {
        self.set(before, after);
        let mut document = self.open(after);
        assert_eq!(document.remove("ours"), Ok(true));
        assert_eq!(text_of(&document), before, "taken out again");
    }

    /// Putting `ours` in makes `after` of `before`, and once more changes nothing.
    #[track_caller]
    pub(super) fn set(&self, before: &str, after: &str) {
        let mut document = self.open(before);
        assert_eq!(document.set("ours", &self.entry), Ok(()), "{before}");
        assert_eq!(text_of(&document), after);
        assert_eq!(document.set("ours", &self.entry), Ok(()));
        assert_eq!(text_of(&document), after, "twice");
    }

    #[track_caller]
    pub(super) fn remove(&self, name: &str, before: &str, after: &str) {
        let mut document = self.open(before);
        assert_eq!(document.remove(name), Ok(true), "{before}");
        assert_eq!(text_of(&document), after);
        assert_eq!(document.remove(name), Ok(false));
        assert_eq!(text_of(&document), after, "twice");
    }

    /// Neither works, for this reason, and nothing is changed.
    #[track_caller]
    pub(super) fn refuses(&self, text: &str, why: &EditError) {
        let mut document = self.open(text);
        assert_eq!(document.set("ours", &self.entry).as_ref(), Err(why), "{text}");
        assert_eq!(text_of(&document), text);
    }

    #[track_caller]
    pub(super) fn names(&self, text: &str, names: &[&str]) {
        let servers = self.open(text).servers().unwrap();
        let there = servers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(there, names);
    }
}

pub(super) fn text_of(document: &Document) -> &str {
    std::str::from_utf8(document.bytes()).unwrap()
}

#[track_caller]
pub(super) fn breaks(format: FileFormat, text: &str, line: usize, column: usize, message: &str) {
    let fault = Document::parse_as(format, &[], Some(text.as_bytes())).unwrap_err();
    assert_eq!((fault.line, fault.column, fault.message.as_str()), (line, column, message));
}

const ALL: [FileFormat; 3] = [Json, Toml, Yaml];

#[test]
fn no_file_and_an_empty_one_have_no_servers() {
    for format in ALL {
        for bytes in [None, Some(&b""[..]), Some(b"\xef\xbb\xbf"), Some(b"\n \n")] {
            let mut document = Document::parse_as(format, &["s".to_owned()], bytes).unwrap();
            assert_eq!(document.servers(), Ok(Vec::new()), "{format:?}");
            assert_eq!(document.remove("ours"), Ok(false));
            assert_eq!(document.bytes(), bytes.unwrap_or_default());

            document.set("ours", &json!({ "a": 1 })).unwrap();
            assert!(document.bytes().starts_with(bytes.unwrap_or_default()) || format == Toml);
            let again =
                Document::parse_as(format, &["s".to_owned()], Some(document.bytes())).unwrap();
            assert_eq!(again.servers().unwrap(), [("ours".to_owned(), json!({ "a": 1 }))]);
        }
    }
}

#[test]
fn a_byte_order_mark_stays_first_and_is_in_no_column() {
    for (format, text) in [(Json, "{}"), (Toml, "a = 1\n"), (Yaml, "a: 1\n")] {
        let marked = format!("\u{feff}{text}");
        let mut document =
            Document::parse_as(format, &["s".to_owned()], Some(marked.as_bytes())).unwrap();
        document.set("ours", &json!({ "b": 2 })).unwrap();
        assert_eq!(text_of(&document).matches('\u{feff}').count(), 1);
        assert!(text_of(&document).starts_with('\u{feff}'));
    }
    breaks(Json, "\u{feff}{]", 1, 2, "This is not JSON.");
}

#[test]
fn what_is_not_utf_8_is_broken_where_it_stops_being_it() {
    let broken = |bytes: &[u8]| Document::parse_as(Json, &[], Some(bytes)).unwrap_err();
    assert_eq!(
        broken(b"{\n \"\xc3\xa9\": \"\xff\"}").to_string(),
        "line 2, column 8: The file is not UTF-8."
    );
    assert_eq!(
        broken(&[0xff, 0xfe, b'{', 0]).message,
        "The file is UTF-16; only UTF-8 can be read."
    );
}

#[test]
fn files_beyond_the_bounds_are_broken_and_nothing_overflows() {
    let large = vec![b' '; MAX_BYTES + 1];
    for format in ALL {
        assert_eq!(
            Document::parse_as(format, &[], Some(&large)).unwrap_err().message,
            "The file is larger than 10 MiB."
        );
        for opening in ["[", "{\"a\":", "{a: ", "- ", "[a.", "? "] {
            let deep = opening.repeat(100_000);
            assert!(Document::parse_as(format, &[], Some(deep.as_bytes())).is_err(), "{opening}");
        }
    }
    for opening in ["[", "{a=", "a.", "\n[[a]]"] {
        let deep = format!("a = {}", opening.repeat(100_000));
        assert!(Document::parse_as(Toml, &[], Some(deep.as_bytes())).is_err(), "{opening}");
    }
    let fine = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(Document::parse_as(Json, &[], Some(fine.as_bytes())).is_ok());
    breaks(Json, &"[".repeat(101), 1, 101, "The file is nested deeper than 100 levels.");
}

#[test]
fn errors_never_show_content_of_the_file() {
    const SECRET: &str = "hunter2-fake-secret";
    let broken = [
        (Json, format!("{{\"token\": {SECRET}}}")),
        (Json, format!("{{\"token\": \"{SECRET}")),
        (Json, format!("{{\"{SECRET}\" \"b\"}}")),
        (Json, format!("{{\"token\": \"\\u{SECRET}\"}}")),
        (Toml, format!("token = {SECRET}")),
        (Toml, format!("token = \"{SECRET}")),
        (Toml, format!("{SECRET} {SECRET} = 1")),
        (Toml, format!("{SECRET} = 1\n{SECRET} = 2")),
        (Toml, format!("[{SECRET}\n")),
        (Yaml, format!("token: \"{SECRET}")),
        (Yaml, format!("token: *{SECRET}")),
        (Yaml, format!("token: @{SECRET}")),
        (Yaml, format!("a: b: {SECRET}")),
        (Yaml, format!("%{SECRET}\na: 1")),
        (Yaml, format!("a: !<{SECRET} b")),
    ];
    for (format, text) in broken {
        let fault = Document::parse_as(format, &[], Some(text.as_bytes())).unwrap_err();
        let shown = format!("{fault} {fault:?}");
        assert!(!shown.contains("hunter2"), "{text}: {shown}");
        assert!(fault.message.ends_with('.'), "{shown}");
    }
    let document = Document::parse_as(Json, &[], Some(br#"{"token": "hunter2"}"#)).unwrap();
    assert!(!format!("{document:?}").contains("hunter2"));
}

#[test]
fn lines_and_columns_count_characters_and_every_kind_of_line_break() {
    let text = "a\r\nb\rc\n\u{1f600}é!";
    let at = |what: char| text::line_and_column(text, text.find(what).unwrap());
    assert_eq!([at('a'), at('b'), at('c'), at('!')], [(1, 1), (2, 1), (3, 1), (4, 3)]);
    assert_eq!(text::line_and_column(text, usize::MAX), (4, 4));
}

#[test]
fn overlapping_edits_are_refused() {
    let cut = |from, to| TextEdit::cut(from..to);
    assert_eq!(text_edit::apply("abcdef", vec![cut(1, 3), cut(2, 4)]), None);
    assert_eq!(text_edit::apply("abc", vec![cut(2, 9)]), None);
    assert_eq!(text_edit::apply("é", vec![cut(1, 2)]), None);
    let edits = vec![TextEdit::insert(3, "x"), cut(4, 5), TextEdit::insert(3, "y"), cut(0, 1)];
    assert_eq!(text_edit::apply("abcdef", edits).as_deref(), Some("bcxydf"));
}

/// Real-looking files of every client: each server comes out by itself, and ours goes in and out again.
#[test]
fn every_client_s_files_are_edited_in_place() {
    use crate::client::{Client, Machine, Os};

    let machine = Machine { os: Os::Linux, home: "/nowhere".into(), variables: Default::default() };
    let fixtures =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/clients");
    let entry = json!({ "command": "/x", "args": ["a"], "env": { "B": "c" } });
    let mut removed = 0;
    for client in Client::all() {
        let place = client.places(&machine, None).remove(0);
        for file in std::fs::read_dir(fixtures.join(&client.id)).expect("fixtures") {
            let path = file.expect("a fixture").path();
            if path.is_dir() || path.file_stem().is_some_and(|name| name == "broken") {
                continue;
            }
            let before = std::fs::read(&path).expect("a fixture");
            let mut document = Document::parse(&place, Some(&before)).expect("it parses");
            let servers = document.servers().expect("servers");
            assert_eq!(document.set("ours", &entry), Ok(()), "{}", path.display());
            assert_eq!(document.remove("ours"), Ok(true), "{}", path.display());
            if !servers.is_empty() {
                assert_eq!(document.bytes(), before, "{}", path.display());
            }
            for (name, _) in &servers {
                let mut document = Document::parse(&place, Some(&before)).expect("it parses");
                assert_eq!(document.remove(name), Ok(true), "{}: {name}", path.display());
                removed += 1;
            }
        }
    }
    assert!(removed > 100, "{removed}");
}
