use serde_json::json;

use crate::{
    client::FileFormat,
    document::{
        EditError,
        tests::{Table, breaks},
    },
};

/// As Continue has them.
fn list() -> Table {
    Table {
        format: FileFormat::Yaml,
        path: &["mcpServers", "[]"],
        entry: json!({ "command": "/usr/bin/x", "args": ["-a", "b c"], "env": { "A": "yes" } }),
    }
}

/// As Goose has them.
fn map() -> Table {
    Table { path: &["extensions"], ..list() }
}

/// Indented by two.
const ITEM: &str = "- name: ours\n    command: /usr/bin/x\n    args:\n      - \"-a\"\n      - \"b c\"\n    env:\n      A: \"yes\"";
const MEMBER: &str = "ours:\n    command: /usr/bin/x\n    args:\n      - \"-a\"\n      - \"b c\"\n    env:\n      A: \"yes\"";
const FLOW_ITEM: &str = "{\"name\": \"ours\", \"command\": \"/usr/bin/x\", \"args\": [\"-a\", \"b c\"], \"env\": {\"A\": \"yes\"}}";
const FLOW_MEMBER: &str = "\"ours\": {\"command\": \"/usr/bin/x\", \"args\": [\"-a\", \"b c\"], \"env\": {\"A\": \"yes\"}}";

fn filled(text: &str) -> String {
    text.replace("FLOW_ITEM", FLOW_ITEM)
        .replace("FLOW_MEMBER", FLOW_MEMBER)
        .replace("ITEM", ITEM)
        .replace("MEMBER", MEMBER)
}

#[test]
fn an_item_goes_behind_the_last_and_comes_out_again() {
    for (before, after) in [
        (
            "name: x\nmcpServers:\n  - name: a\n    command: b # c\n# end\nrules: []\n",
            "name: x\nmcpServers:\n  - name: a\n    command: b # c\n  ITEM\n# end\nrules: []\n",
        ),
        ("mcpServers:\n  - name: a", "mcpServers:\n  - name: a\n  ITEM"),
        ("mcpServers: []\n", "mcpServers:\n  ITEM\n"),
        ("mcpServers: [] # none\nb: 1", "mcpServers: # none\n  ITEM\nb: 1"),
        ("mcpServers: [ ]\n", "mcpServers: [FLOW_ITEM ]\n"),
        ("mcpServers:  []\n", "mcpServers:  [FLOW_ITEM]\n"),
        ("mcpServers: [{name: a}, ]\nb: 1\n", "mcpServers: [{name: a}, FLOW_ITEM, ]\nb: 1\n"),
        ("{mcpServers: [{name: a}]}", "{mcpServers: [{name: a}, FLOW_ITEM]}"),
        (
            "mcpServers:\n  - name: a\n    env:\n      B: |\n        c\n\n\nb: 1\n",
            "mcpServers:\n  - name: a\n    env:\n      B: |\n        c\n  ITEM\n\n\nb: 1\n",
        ),
        (
            "mcpServers:\n  - {name: a}\n  # - name: b\n",
            "mcpServers:\n  - {name: a}\n  ITEM\n  # - name: b\n",
        ),
        (
            "é: \"ü\" # ö\nmcpServers:\n  - name: ä\n",
            "é: \"ü\" # ö\nmcpServers:\n  - name: ä\n  ITEM\n",
        ),
        (
            "---\nmcpServers:\n  - uses: a/b\n  - name: a\n    args:\n...\n",
            "---\nmcpServers:\n  - uses: a/b\n  - name: a\n    args:\n  ITEM\n...\n",
        ),
    ] {
        list().there_and_back(before, &filled(after));
    }
}

#[test]
fn a_member_goes_behind_the_last_and_comes_out_again() {
    for (before, after) in [
        (
            "extensions:\n  a:\n    cmd: b\nGOOSE: 1\n",
            "extensions:\n  a:\n    cmd: b\n  MEMBER\nGOOSE: 1\n",
        ),
        ("extensions: {}\n", "extensions:\n  MEMBER\n"),
        ("extensions: {a: {b: 1}}\n", "extensions: {a: {b: 1}, FLOW_MEMBER}\n"),
        ("extensions: {\n }\n", "extensions: {FLOW_MEMBER\n }\n"),
        (
            "extensions: # {}\n  { # }\n  a: 1 , # }\n  }\n",
            "extensions: # {}\n  { # }\n  a: 1, FLOW_MEMBER , # }\n  }\n",
        ),
        ("extensions:\n  a:\n  # b\n\nc: 1", "extensions:\n  a:\n  MEMBER\n  # b\n\nc: 1"),
        (
            "extensions:\n  a: >-\n    folded\n    text\n",
            "extensions:\n  a: >-\n    folded\n    text\n  MEMBER\n",
        ),
        (
            "base: &base\n  type: stdio\nextensions:\n  a: *base\n",
            "base: &base\n  type: stdio\nextensions:\n  a: *base\n  MEMBER\n",
        ),
    ] {
        map().there_and_back(before, &filled(after));
    }
}

#[test]
fn indentation_and_line_breaks_are_the_files_own() {
    let short = |table: Table| Table { entry: json!({ "a": 1 }), ..table };
    short(list()).there_and_back(
        "mcpServers:\r\n- name: a\r\n  b: c\r\n",
        "mcpServers:\r\n- name: a\r\n  b: c\r\n- name: ours\r\n  a: 1\r\n",
    );
    short(map()).there_and_back(
        "extensions:\n    a:\n        b: 1\n",
        "extensions:\n    a:\n        b: 1\n    ours:\n      a: 1\n",
    );
}

#[test]
fn a_missing_container_is_made() {
    list().set("", &filled("mcpServers:\n  ITEM\n"));
    list().set("# mine", &filled("# mine\nmcpServers:\n  ITEM\n"));
    list().set("a: 1 # one\n# end\n", &filled("a: 1 # one\nmcpServers:\n  ITEM\n# end\n"));
    list().set("mcpServers:\na: 1\n", &filled("mcpServers:\n  ITEM\na: 1\n"));
    list().set("mcpServers: ~ # none\na: 1\n", &filled("mcpServers: # none\n  ITEM\na: 1\n"));
    map().set("extensions: &e\nb: 1\n", &filled("extensions: &e\n  MEMBER\nb: 1\n"));
    list().set("mcpServers: # none\n", &filled("mcpServers: # none\n  ITEM\n"));
    list().set("{}\n", &filled("{\"mcpServers\": [FLOW_ITEM]}\n"));
    map().set("a:\n  - b\n", &filled("a:\n  - b\nextensions:\n  MEMBER\n"));
    map().set("{a: 1}", &filled("{a: 1, \"extensions\": {FLOW_MEMBER}}"));
    let deep = Table { path: &["a", "b"], entry: json!({}), ..map() };
    deep.set("c: 1\n", "c: 1\na:\n  b:\n    ours: {}\n");
    deep.set("a:\n   d: 1\nc: 1\n", "a:\n   d: 1\n   b:\n     ours: {}\nc: 1\n");
    deep.set("a:\nc: 1\n", "a:\n  b:\n    ours: {}\nc: 1\n");
}

#[test]
fn an_entry_is_replaced_in_its_place() {
    for (before, after) in [
        (
            "mcpServers:\n  - name: a\n  - name: ours # x\n    command: old\n\n  - name: b\n",
            "mcpServers:\n  - name: a\n  ITEM\n\n  - name: b\n",
        ),
        ("mcpServers: [{name: ours}, {name: b}]", "mcpServers: [FLOW_ITEM, {name: b}]"),
    ] {
        list().set(before, &filled(after));
    }
    map().set("extensions:\n  ours: old\n  b: 1\n", &filled("extensions:\n  MEMBER\n  b: 1\n"));
    map().set("extensions: {ours: 1, b: 2}\n", &filled("extensions: {FLOW_MEMBER, b: 2}\n"));
    let same =
        "extensions:\n  ours: {args: [-a, 'b c'], env: {A: 'yes'}, command: \"/usr/bin/x\"}\n";
    map().set(same, same);
}

#[test]
fn any_entry_comes_out_and_leaves_the_others_as_they_were() {
    let text = "mcpServers:\n  # about a\n  - name: a\n    # in a\n    b: 1\n\n  # about c\n  - b: 2 # two\n    name: c\n  - name: d\n";
    list().names(text, &["a", "c", "d"]);
    list().remove(
        "a",
        text,
        "mcpServers:\n  # about a\n\n  # about c\n  - b: 2 # two\n    name: c\n  - name: d\n",
    );
    list().remove(
        "c",
        text,
        "mcpServers:\n  # about a\n  - name: a\n    # in a\n    b: 1\n\n  # about c\n  - name: d\n",
    );
    list().remove("a", "mcpServers:\n# here\n- name: a\nb: 1\n", "mcpServers: []\n# here\nb: 1\n");
    map().remove("a", "extensions:\n  a:\n    b: 1\n", "extensions: {}\n");
    let flow = "extensions: {a: 1, b: 2, c: 3}\n";
    map().remove("a", flow, "extensions: {b: 2, c: 3}\n");
    map().remove("b", flow, "extensions: {a: 1, c: 3}\n");
    map().remove("c", flow, "extensions: {a: 1, b: 2}\n");
    map().remove("a", "extensions: {a: 1,}\n", "extensions: {}\n");
    map().remove("a", "extensions:\n  a: 1\n  b: 2\n  a: 3\n", "extensions:\n  b: 2\n");
}

#[test]
fn scalars_mean_what_the_core_schema_says() {
    let text = "extensions:\n  a: {n: ~, t: True, y: yes, i: 0x1F, o: 0o17, m: -3, f: 1.5e3, d: 12e, s: '1', v: 1.2.3, i2: .inf, w: !!str 1}\n";
    assert_eq!(
        map().open(text).servers().unwrap(),
        [(
            "a".to_owned(),
            json!({
                "n": null, "t": true, "y": "yes", "i": 31, "o": 15, "m": -3, "f": 1500.0,
                "d": "12e", "s": "1", "v": "1.2.3", "i2": ".inf", "w": "1",
            })
        )]
    );
}

#[test]
fn every_string_is_written_so_that_it_is_read_as_itself() {
    let strings = [
        "",
        " ",
        "-",
        "- a",
        "a: b",
        "a #b",
        "true",
        "Null",
        "1",
        "0x1",
        "1e3",
        "~",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{a}",
        "[a]",
        "a,b",
        "'",
        "\"",
        "\\",
        "a\nb",
        "\t",
        "\u{7f}\u{85}\u{2028}\u{feff}",
        "é😀",
        "---",
        "...",
        "?",
        ":",
        "|",
        ">",
        "http://127.0.0.1:4747/mcp",
        "/usr/bin/x",
        "y",
        "NO",
        "=",
        "<<",
    ];
    for string in strings {
        for before in ["extensions:\n  a: 1\n", "extensions: {a: 1}\n", ""] {
            let mut document = map().open(before);
            let entry =
                json!({ "s": string, "l": [string, [string], { string: string }], string: 1 });
            assert_eq!(document.set("ours", &entry), Ok(()), "{string:?} {before}");
            assert_eq!(document.set(string, &entry), Ok(()), "{string:?} {before}");
        }
    }
}

#[test]
fn impossible_edits_are_refused() {
    let at = |path: &str| EditError::NotAContainer { path: path.to_owned() };
    map().refuses("extensions: 1\n", &at("extensions"));
    map().refuses("- a\n", &at("the top of the file"));
    map().refuses("text", &at("the top of the file"));
    for text in [
        "a: &a {}\nextensions: *a\n",
        "extensions:\n  a: 1\n---\nb: 1\n",
        // What is nothing there would become something.
        "extensions: &e\nb: *e\n",
    ] {
        map().refuses(text, &EditError::WouldTouchMore);
    }
    list().refuses("mcpServers:\n  -\n    name: a\n", &EditError::WouldTouchMore);
    for text in [
        "extensions:\n  a: &a {x: 1}\nb: *a\n",
        "extensions:\n  ? a\n  : 1\n",
        "extensions: {b: 1, # about a\n a: 2}\n",
    ] {
        let mut document = map().open(text);
        assert_eq!(document.remove("a"), Err(EditError::WouldTouchMore), "{text}");
    }
}

#[test]
fn neighbours_are_not_touched() {
    // Its last line breaks are part of the text: ours has to stand behind them.
    for text in ["extensions:\n  a: |+\n    x\n\n\n", "extensions:\n  a: |+\n    x\n\n\nb: 1\n"] {
        let mut document = map().open(text);
        let before = document.servers().unwrap();
        match document.set("ours", &json!({})) {
            Ok(()) => assert_eq!(document.servers().unwrap()[0], before[0]),
            Err(why) => assert_eq!(why, EditError::WouldTouchMore),
        }
    }
}

#[test]
fn a_few_lines_of_aliases_do_not_come_to_millions_of_nodes() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", ")));
    }
    breaks(FileFormat::Yaml, &bomb, 5, 45, "Aliases come to too much.");
}

#[test]
fn faults_have_a_place_and_a_sentence() {
    let yaml = |text: &str, line, column, message: &str| {
        breaks(FileFormat::Yaml, text, line, column, message);
    };
    yaml(
        "é: \"x\" y\n",
        1,
        8,
        "This is not YAML: invalid trailing content after double-quoted scalar.",
    );
    yaml(
        "a: 1\n b: 2\n",
        2,
        3,
        "This is not YAML: mapping values are not allowed in this context.",
    );
    yaml("a: *b\n", 1, 4, "This is not YAML: while parsing node, found unknown anchor.");
    yaml(
        "a:\n\t- b\n",
        2,
        2,
        "This is not YAML: tabs disallowed within this context (block indentation).",
    );
}
