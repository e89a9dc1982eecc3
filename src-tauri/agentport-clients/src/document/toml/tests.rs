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
        format: FileFormat::Toml,
        path: &["mcp_servers"],
        entry: json!({ "url": "u", "env": { "A B": "\u{7f}\n" }, "args": ["x", 1, true] }),
    }
}

const OURS: &str =
    "[mcp_servers.ours]\nurl = \"u\"\nenv = { \"A B\" = \"\\u007F\\n\" }\nargs = [\"x\", 1, true]";
const INLINE: &str = "{ url = \"u\", env = { \"A B\" = \"\\u007F\\n\" }, args = [\"x\", 1, true] }";

#[test]
fn a_table_goes_behind_the_others_of_its_kind_and_comes_out_again() {
    for (before, after) in [
        ("model = \"m\"\n", "model = \"m\"\n\nOURS\n"),
        ("model = \"m\"", "model = \"m\"\n\nOURS"),
        ("model = \"m\" # here  \n# the end\n\n", "model = \"m\" # here  \n# the end\n\nOURS\n\n"),
        ("# only this", "# only this\n\nOURS"),
        ("\n\n", "OURS\n\n\n"),
        ("", "OURS\n"),
        (
            "[mcp_servers.a]\ncommand = \"x\" # a\n# about b\n[b]\nc = 1\n",
            "[mcp_servers.a]\ncommand = \"x\" # a\n\nOURS\n# about b\n[b]\nc = 1\n",
        ),
        (
            "[mcp_servers.a]\ncommand = \"x\"\n\n[mcp_servers.a.env]\nB = '''\n[c]\n'''\n\n[d]\n",
            "[mcp_servers.a]\ncommand = \"x\"\n\n[mcp_servers.a.env]\nB = '''\n[c]\n'''\n\nOURS\n\n[d]\n",
        ),
        ("[mcp_servers]\n[b]\n", "[mcp_servers]\n\nOURS\n[b]\n"),
        (
            "[mcp_servers]\na = { command = \"x\" }\n",
            "[mcp_servers]\na = { command = \"x\" }\n\nOURS\n",
        ),
        // What follows a dotted key must not come to belong to our table.
        (
            "mcp_servers.a.command = \"x\"\nmodel = \"m\"\n\n[b]\n",
            "mcp_servers.a.command = \"x\"\nmodel = \"m\"\n\nOURS\n\n[b]\n",
        ),
        ("[[mcp_servers.a]]\nb = 1\n", "[[mcp_servers.a]]\nb = 1\n\nOURS\n"),
    ] {
        table().there_and_back(before, &after.replace("OURS", OURS));
    }
}

#[test]
fn line_breaks_are_the_files_own() {
    table().there_and_back(
        "# a\r\nmodel = \"\"\"\r\nm\"\"\"\r\n",
        &format!("# a\r\nmodel = \"\"\"\r\nm\"\"\"\r\n\r\n{}\r\n", OURS.replace('\n', "\r\n")),
    );
    table().there_and_back(
        "a = 1\r\n[mcp_servers.b]\n[c]\r\n",
        &format!("a = 1\r\n[mcp_servers.b]\r\n\r\n{}\n[c]\r\n", OURS.replace('\n', "\r\n")),
    );
}

#[test]
fn inline_tables_are_edited_as_such() {
    for (before, after) in [
        ("mcp_servers = {}\nb = 1\n", "mcp_servers = {ours = INLINE}\nb = 1\n"),
        ("mcp_servers = { }", "mcp_servers = {ours = INLINE }"),
        (
            "mcp_servers = { a = { b = 1 } } # c\n",
            "mcp_servers = { a = { b = 1 }, ours = INLINE } # c\n",
        ),
    ] {
        table().there_and_back(before, &after.replace("INLINE", INLINE));
    }
    let three = "mcp_servers = { a = 1, \"b.c\" = 2, d = 3 }";
    table().names(three, &["a", "b.c", "d"]);
    table().remove("a", three, "mcp_servers = { \"b.c\" = 2, d = 3 }");
    table().remove("b.c", three, "mcp_servers = { a = 1, d = 3 }");
    table().remove("d", three, "mcp_servers = { a = 1, \"b.c\" = 2 }");
}

#[test]
fn an_entry_is_replaced_in_its_place() {
    for (before, after) in [
        (
            "[mcp_servers.ours]\nurl = \"old\"\n# gone\n[mcp_servers.ours.env]\nA = 1\n\n[mcp_servers.b]\n",
            "OURS\n\n[mcp_servers.b]\n",
        ),
        (
            "[mcp_servers.ours]\na = 1\n[b]\nc = 1\n[mcp_servers.ours.env]\nA = 1\n[d]\n",
            "OURS\n[b]\nc = 1\n[d]\n",
        ),
        ("[mcp_servers]\n  ours = { a = 1 }\nb = 2\n", "[mcp_servers]\n  ours = INLINE\nb = 2\n"),
        ("[mcp_servers]\nours.a = 1\nb = 2\nours.c = 3\n", "[mcp_servers]\nours = INLINE\nb = 2\n"),
        ("mcp_servers.ours.a = 1\nb = 2\n", "mcp_servers.ours = INLINE\nb = 2\n"),
        ("mcp_servers = { ours = 1, b = 2 }", "mcp_servers = { ours = INLINE, b = 2 }"),
    ] {
        table().set(before, &after.replace("OURS", OURS).replace("INLINE", INLINE));
    }
    let same =
        "[mcp_servers.ours]\nargs = ['x', 0x1, true]\nurl = 'u'\nenv.\"A B\" = \"\\u007f\\n\"";
    table().set(same, same);
}

#[test]
fn a_table_comes_out_with_its_sub_tables_and_without_its_neighbours() {
    let text = "# top\n\n# about a\n[mcp_servers.a]\ncommand = \"x\"\n# in a\nargs = [\n  1, # [z]\n]\n\n[mcp_servers.a.env]\nB = 1\n\n# about b\n[mcp_servers.\"b.c\"]\nd = 1\n\n[other]\n[mcp_servers.a.tools.e]\nf = 1 # f\n# end\n";
    table().names(text, &["a", "b.c"]);
    table().remove(
        "a",
        text,
        "# top\n\n# about a\n\n# about b\n[mcp_servers.\"b.c\"]\nd = 1\n\n[other]\n# end\n",
    );
    table().remove("b.c", text, &text.replace("\n[mcp_servers.\"b.c\"]\nd = 1", ""));
    table().remove("a", "[mcp_servers.a]\nb = 1\n\n[c]\n", "[c]\n");
    table().remove("a", "[mcp_servers]\na.b = 1\nc = 2\na.d = 3", "[mcp_servers]\nc = 2");
    table().remove("a", "mcp_servers.a.b = 1\n", "");
    table().remove("a", "[[mcp_servers.a]]\nb = 1\n[[mcp_servers.a]]\nb = 2\n[c]\n", "[c]\n");
}

#[test]
fn values_of_every_kind_are_read() {
    let text = "[mcp_servers.a]\nf = 1.5\ni = -3\nn = nan\nt = 1979-05-27T07:32:00Z\nl = [[1], {x = \"y\"}]\n[[mcp_servers.a.x]]\ny = true\n[mcp_servers.a.b.c]\n";
    assert_eq!(
        table().open(text).servers().unwrap(),
        [(
            "a".to_owned(),
            json!({
                "f": 1.5, "i": -3, "n": "NaN", "t": "1979-05-27T07:32:00Z",
                "l": [[1], { "x": "y" }], "x": [{ "y": true }], "b": { "c": {} },
            })
        )]
    );
}

#[test]
fn impossible_edits_are_refused() {
    let at = |path: &str| EditError::NotAContainer { path: path.to_owned() };
    table().refuses("mcp_servers = 1", &at("mcp_servers"));
    table().refuses("[[mcp_servers]]\na = 1\n", &at("mcp_servers"));
    let with = |entry| Table { entry, ..table() };
    with(json!({ "a": null })).refuses("b = 1\n", &EditError::WouldTouchMore);
    with(json!({ "a": u64::MAX })).refuses("b = 1\n", &EditError::WouldTouchMore);
    with(json!(1)).refuses("b = 1\n", &EditError::WouldTouchMore);
    table().refuses("mcp_servers = { ours.a = 1 }", &EditError::WouldTouchMore);
    let mut document = table().open("mcp_servers = {\n a = 1,\n # about b\n b = 2\n}\n");
    assert_eq!(document.remove("b"), Err(EditError::WouldTouchMore));
}

#[test]
fn faults_have_a_place_and_a_sentence() {
    let toml = |text: &str, line, column, message: &str| {
        breaks(FileFormat::Toml, text, line, column, message);
    };
    toml("a = 1\na = 2\n", 2, 1, "Duplicate key.");
    toml("a = \"é\" b\n", 1, 9, "Unexpected key or value, expected newline, `#`.");
    toml("[a\n", 1, 3, "Unclosed table, expected `]`.");
}
