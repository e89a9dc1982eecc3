use serde_json::json;

use crate::{
    client::FileFormat,
    document::{
        EditError,
        tests::{Table, breaks},
    },
};

fn table() -> Table {
    Table {
        format: FileFormat::Json,
        path: &["mcpServers"],
        entry: json!({ "url": "u", "args": [1] }),
    }
}

const LINES: &str =
    "\"ours\": {\n      \"url\": \"u\",\n      \"args\": [\n        1\n      ]\n    }";

#[test]
fn an_entry_goes_behind_the_last_and_comes_out_again() {
    table().there_and_back(
        "{\n  \"theme\": 1,\n  \"mcpServers\": {\n    \"a\": { \"command\": \"x\" }\n  }\n}\n",
        &format!("{{\n  \"theme\": 1,\n  \"mcpServers\": {{\n    \"a\": {{ \"command\": \"x\" }},\n    {LINES}\n  }}\n}}\n"),
    );
}

#[test]
fn indentation_and_line_breaks_are_the_files_own() {
    table().there_and_back(
        "{\r\n\t\"mcpServers\": {\r\n\t\t\"a\": {}\r\n\t}\r\n}",
        "{\r\n\t\"mcpServers\": {\r\n\t\t\"a\": {},\r\n\t\t\"ours\": {\r\n\t\t\t\"url\": \"u\",\r\n\t\t\t\"args\": [\r\n\t\t\t\t1\r\n\t\t\t]\r\n\t\t}\r\n\t}\r\n}",
    );
    // Mixed: as the line before.
    table().there_and_back(
        "{\r\n \"mcpServers\": {\n  \"a\": {}\n }\r\n}",
        "{\r\n \"mcpServers\": {\n  \"a\": {},\n  \"ours\": {\n   \"url\": \"u\",\n   \"args\": [\n    1\n   ]\n  }\n }\r\n}",
    );
}

#[test]
fn one_line_objects_stay_on_one_line() {
    table().there_and_back(
        r#"{"mcpServers":{"a":{}}}"#,
        r#"{"mcpServers":{"a":{},"ours":{"url":"u","args":[1]}}}"#,
    );
    table().there_and_back(
        r#"{ "mcpServers": { "a": {} } }"#,
        r#"{ "mcpServers": { "a": {}, "ours": {"url": "u", "args": [1]} } }"#,
    );
    table().there_and_back(
        "{\n  \"mcpServers\": { \"a\": {} }\n}",
        "{\n  \"mcpServers\": { \"a\": {}, \"ours\": {\"url\": \"u\", \"args\": [1]} }\n}",
    );
    table().there_and_back(
        r#"{"mcpServers":{}}"#,
        r#"{"mcpServers":{"ours":{"url":"u","args":[1]}}}"#,
    );
    table().there_and_back(
        r#"{"mcpServers": { } }"#,
        r#"{"mcpServers": { "ours": {"url": "u", "args": [1]}} }"#,
    );
    table().there_and_back(
        r#"{"mcpServers": {"a": 1, } }"#,
        r#"{"mcpServers": {"a": 1, "ours": {"url": "u", "args": [1]}, } }"#,
    );
}

#[test]
fn an_empty_container_is_filled_and_emptied() {
    for (before, after) in [
        ("{\n  \"mcpServers\": {}\n}", "{\n  \"mcpServers\": {\n    OURS\n  }\n}"),
        ("{\n  \"mcpServers\": {\n  }\n}", "{\n  \"mcpServers\": {\n  \n    OURS\n  }\n}"),
        (
            "{\n  \"mcpServers\": {\n    // none yet\n  }\n}",
            "{\n  \"mcpServers\": {\n    // none yet\n  \n    OURS\n  }\n}",
        ),
        (
            "{\n  \"mcpServers\": { /* none */ }\n}",
            "{\n  \"mcpServers\": { /* none */ \n    OURS\n  }\n}",
        ),
    ] {
        table().there_and_back(before, &after.replace("OURS", LINES));
    }
}

#[test]
fn comments_and_trailing_commas_stay_where_they_are() {
    for (before, after) in [
        (
            "{\n  \"mcpServers\": {\n    \"a\": 1 // the last\n  }\n}",
            "{\n  \"mcpServers\": {\n    \"a\": 1, // the last\n    OURS\n  }\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"a\": 1, // the last\n  },\n}",
            "{\n  \"mcpServers\": {\n    \"a\": 1, // the last\n    OURS,\n  },\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"a\": 1 /* , */\n    // \"b\": 2,\n\n  }\n}",
            "{\n  \"mcpServers\": {\n    \"a\": 1, /* , */\n    // \"b\": 2,\n    OURS\n\n  }\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"a\": 1   \n  }\n}",
            "{\n  \"mcpServers\": {\n    \"a\": 1,\n    OURS   \n  }\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"a\": 1\n    , \"b\": 2 }\n}",
            "{\n  \"mcpServers\": {\n    \"a\": 1\n    , \"b\": 2,\n    OURS }\n}",
        ),
    ] {
        table().there_and_back(before, &after.replace("OURS", LINES));
    }
}

#[test]
fn a_missing_container_is_made() {
    let inner = LINES;
    table().set(
        "{\n  \"theme\": 1\n}\n",
        &format!("{{\n  \"theme\": 1,\n  \"mcpServers\": {{\n    {inner}\n  }}\n}}\n"),
    );
    table().set("", &format!("{{\n  \"mcpServers\": {{\n    {inner}\n  }}\n}}\n"));
    table()
        .set("// mine\n", &format!("// mine\n{{\n  \"mcpServers\": {{\n    {inner}\n  }}\n}}\n"));
    table().set("// mine", &format!("// mine\n{{\n  \"mcpServers\": {{\n    {inner}\n  }}\n}}\n"));
    table().set(
        "{\n  \"mcpServers\": null\n}",
        &format!("{{\n  \"mcpServers\": {{\n    {inner}\n  }}\n}}"),
    );
    table().set(r#"{"mcpServers":null}"#, r#"{"mcpServers":{"ours":{"url":"u","args":[1]}}}"#);
    table().set("{}", r#"{"mcpServers": {"ours": {"url": "u", "args": [1]}}}"#);
}

#[test]
fn a_path_has_literal_keys() {
    let dotted = Table { path: &["amp.mcpServers"], ..table() };
    dotted.there_and_back(
        r#"{"amp": {"mcpServers": {"b": 1}}, "amp.mcpServers": {"a": 1}}"#,
        r#"{"amp": {"mcpServers": {"b": 1}}, "amp.mcpServers": {"a": 1, "ours": {"url": "u", "args": [1]}}}"#,
    );
    let deep = Table { path: &["mcp", "servers"], entry: json!({}), ..table() };
    deep.set(
        "{\n  \"a\": 1\n}",
        "{\n  \"a\": 1,\n  \"mcp\": {\n    \"servers\": {\n      \"ours\": {}\n    }\n  }\n}",
    );
    deep.set(
        "{\n  \"mcp\": {\n    \"inputs\": []\n  }\n}",
        "{\n  \"mcp\": {\n    \"inputs\": [],\n    \"servers\": {\n      \"ours\": {}\n    }\n  }\n}",
    );
}

#[test]
fn a_value_that_is_no_container_is_unchanged() {
    let at = |path: &str| EditError::NotAContainer { path: path.to_owned() };
    for text in [r#"{"mcpServers": []}"#, r#"{"mcpServers": 1}"#, r#"{"mcpServers": "x"}"#] {
        table().refuses(text, &at("mcpServers"));
    }
    table().refuses("[]", &at("the top of the file"));
    table().refuses("null", &at("the top of the file"));
    let deep = Table { path: &["mcp", "servers"], ..table() };
    deep.refuses(r#"{"mcp": {"servers": []}}"#, &at("mcp > servers"));
    deep.refuses(r#"{"mcp": 1}"#, &at("mcp"));
}

#[test]
fn an_entry_is_replaced_in_its_place() {
    table().set(
        "{\n  \"mcpServers\": {\n    \"ours\": {\n      \"url\": \"old\"\n    }, // ours\n    \"b\": 1\n  }\n}",
        &format!("{{\n  \"mcpServers\": {{\n    {LINES}, // ours\n    \"b\": 1\n  }}\n}}"),
    );
    // What means the same is not written anew.
    let same = "{\"mcpServers\": {\"ours\": {\"args\" : [ 1 ], \"url\": \"\\u0075\"}}}";
    table().set(same, same);
}

#[test]
fn the_last_of_two_counts_and_both_are_listed() {
    let twice = r#"{"mcpServers": {"ours": {"a": 1}, "b": 2, "ours": {"a": 3}}}"#;
    table().names(twice, &["ours", "b", "ours"]);
    table().set(
        twice,
        r#"{"mcpServers": {"ours": {"a": 1}, "b": 2, "ours": {"url": "u", "args": [1]}}}"#,
    );
    table().remove("ours", twice, r#"{"mcpServers": {"b": 2}}"#);
    let containers = r#"{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}"#;
    table().names(containers, &["b"]);
    table().remove("b", containers, r#"{"mcpServers": {"a": 1}, "mcpServers": {}}"#);
}

#[test]
fn any_member_comes_out_and_leaves_the_others_as_they_were() {
    let text = "{\n  \"mcpServers\": {\n    // about a\n    \"a\": 1, // a\n    \"b\": {\n      // in b\n      \"x\": 1\n    },\n\n    \"c\": 3\n  }\n}";
    table().remove(
        "a",
        text,
        "{\n  \"mcpServers\": {\n    // about a\n    // a\n    \"b\": {\n      // in b\n      \"x\": 1\n    },\n\n    \"c\": 3\n  }\n}",
    );
    table().remove(
        "b",
        text,
        "{\n  \"mcpServers\": {\n    // about a\n    \"a\": 1, // a\n\n    \"c\": 3\n  }\n}",
    );
    table().remove(
        "c",
        text,
        "{\n  \"mcpServers\": {\n    // about a\n    \"a\": 1, // a\n    \"b\": {\n      // in b\n      \"x\": 1\n    }\n\n  }\n}",
    );
    let line = r#"{"mcpServers": { "a": 1, "b": 2 /* b */, "c": 3 }}"#;
    table().remove("a", line, r#"{"mcpServers": { "b": 2 /* b */, "c": 3 }}"#);
    table().remove("b", line, r#"{"mcpServers": { "a": 1, /* b */ "c": 3 }}"#);
    table().remove("c", line, r#"{"mcpServers": { "a": 1, "b": 2 /* b */ }}"#);
    table().remove("a", r#"{"mcpServers": { "a": 1 }}"#, r#"{"mcpServers": { }}"#);
    table().remove("a", r#"{"mcpServers": {"a": 1,}}"#, r#"{"mcpServers": {}}"#);
}

#[test]
fn no_brace_comes_to_stand_in_a_comment() {
    table().remove(
        "b",
        "{\"mcpServers\": {\"a\": 1, // a\n  \"b\": 2}}",
        "{\"mcpServers\": {\"a\": 1 // a\n}}",
    );
    table().remove(
        "b",
        "{\"mcpServers\": { // none\n  \"b\": 2\n}}",
        "{\"mcpServers\": { // none\n}}",
    );
    table().remove(
        "b",
        "{\"mcpServers\": { // none\n  \"b\": 2}}",
        "{\"mcpServers\": { // none\n}}",
    );
}

#[test]
fn names_and_values_of_every_kind_are_read() {
    let text = r#"{"mcpServers": {"": 1.50, "\u00e9\n": [null, true, "\ud83d\ude00"], "x": {"y": 12345678901234567890}}}"#;
    let servers = table().open(text).servers().unwrap();
    assert_eq!(
        servers,
        [
            (String::new(), json!(1.5)),
            ("é\n".to_owned(), json!([null, true, "😀"])),
            ("x".to_owned(), json!({ "y": 12_345_678_901_234_567_890_u64 })),
        ]
    );
}

#[test]
fn faults_have_a_place_and_a_sentence() {
    let json = |text: &str, line, column, message: &str| {
        breaks(FileFormat::Json, text, line, column, message);
    };
    json("{\n  \"a\": 1\n  \"b\": 2\n}", 2, 9, "A comma is missing here.");
    json("{\"a\" 1}", 1, 6, "A colon is missing after this name.");
    json("{\"a\": }", 1, 7, "There is a closing brace too many.");
    json("{\n\"a\": {", 2, 6, "This brace is never closed.");
    json("{} {}", 1, 4, "Something follows after the end of the value.");
    json("{'a': 1}", 1, 2, "Single quotation marks do not make a string; double ones do.");
    json("{a: 1}", 1, 2, "Names and strings must stand in double quotation marks.");
    json("{\"a\": \"x\n}", 1, 7, "This string is not closed on its line.");
    json("{\"é\": 0x1}", 1, 7, "This is not a number.");
    json("/* ", 1, 1, "This comment is never closed.");
    json("{\"a\": 1,, }", 1, 9, "This is not JSON.");
}
