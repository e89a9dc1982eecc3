//! What holds for any file, however it is written.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::document::*;
use FileFormat::{Json, Toml, Yaml};

/// Stands in every comment outside an entry.
const KEEP: &str = "keep";

#[derive(Debug, Clone)]
struct File {
    format: FileFormat,
    path: Vec<String>,
    text: String,
}

fn file(format: FileFormat, path: &[&str], text: String) -> File {
    File { format, path: path.iter().map(|key| (*key).to_owned()).collect(), text }
}

fn line_break() -> impl Strategy<Value = &'static str> {
    select(vec!["\n", "\n", "\r\n"])
}

/// White space and comments between two tokens of JSON.
fn gap(comment: &'static str) -> impl Strategy<Value = String> {
    let part = (
        select(vec![
            "",
            " ",
            "\t",
            "BREAK",
            "BREAK    ",
            "//, \" } COMMENT BREAK",
            "/* , } COMMENT */",
        ]),
        line_break(),
    )
        .prop_map(move |(part, end)| part.replace("BREAK", end).replace("COMMENT", comment));
    prop_oneof![
        3 => line_break().prop_map(|end| format!("{end}  ")),
        2 => Just(String::new()),
        3 => prop::collection::vec(part, 0..3).prop_map(|parts| parts.concat()),
    ]
}

fn json_value() -> impl Strategy<Value = String> {
    let leaf =
        select(vec!["1", "-2.50e3", "null", "true", "\"\"", "\"a\\\"}//\"", "{}", "[ ]", "\"é\""])
            .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        (prop::collection::vec((inner, gap("in")), 0..3), any::<bool>(), gap("in")).prop_map(
            |(items, is_map, end)| {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(at, (item, gap))| {
                        if is_map {
                            format!("{gap}\"k{at}\":{item}")
                        } else {
                            format!("{gap}{item}")
                        }
                    })
                    .collect::<Vec<_>>()
                    .join(",");
                if is_map { format!("{{{items}{end}}}") } else { format!("[{items}{end}]") }
            },
        )
    })
}

/// An object of these names, with gaps everywhere and perhaps a comma behind the last.
fn json_object(
    members: impl Strategy<Value = Vec<(String, String)>>,
) -> impl Strategy<Value = String> {
    members
        .prop_flat_map(|members| {
            let gaps = prop::collection::vec((gap(KEEP), gap("in"), gap(KEEP)), members.len());
            (Just(members), gaps, gap(KEEP), any::<bool>())
        })
        .prop_map(|(members, gaps, end, trailing)| {
            let comma = |at: usize| at + 1 < members.len() || trailing;
            let members =
                members.iter().zip(gaps).enumerate().map(|(at, ((name, value), gaps))| {
                    let comma = if comma(at) { "," } else { "" };
                    format!("{}\"{name}\"{}:{value}{}{comma}", gaps.0, gaps.1, gaps.2)
                });
            format!("{{{}{end}}}", members.collect::<String>())
        })
}

fn json_file() -> impl Strategy<Value = File> {
    let servers = json_object(prop::collection::vec(
        (select(vec!["a", "b", "c d", "a"]).prop_map(str::to_owned), json_value()),
        0..4,
    ));
    let others = prop::collection::vec(json_value(), 0..2);
    let root = (servers, others, 0..3_usize).prop_map(|(servers, others, at)| {
        let mut members = others
            .into_iter()
            .enumerate()
            .map(|(at, value)| (format!("other{at}"), value))
            .collect::<Vec<_>>();
        members.insert(at.min(members.len()), ("servers".to_owned(), servers));
        members
    });
    (select(vec!["", "\u{feff}"]), gap(KEEP), json_object(root), gap(KEEP)).prop_map(
        |(mark, before, root, after)| {
            file(Json, &["servers"], format!("{mark}{before}{root}{after}"))
        },
    )
}

/// Lines of TOML: each a block of its own, in any order.
fn toml_file() -> impl Strategy<Value = File> {
    let tables = vec![
        "[s.a]EOLcommand = \"x\" # inEOLargs = [EOL 1, # inEOL]EOL",
        "[s.a.env]EOLB = '''EOL[s.ours]EOL'''EOL",
        "[s.\"b c\"]EOLurl = \"u\"EOL# inEOLx.y = { z = 1 }EOL",
        "[ s . d ]EOL",
        "[[s.e]]EOLf = 1EOL",
        "[s]EOLg.h = 1EOLi = { j = 2 } # inEOLg.k = 3EOL",
        "[other]EOLs = 1EOL",
        "[other.s.ours]EOL  a = 1EOL",
        "[[list]]EOLa = 1EOL",
    ];
    let gap = || {
        select(vec!["", "", "EOL", "EOL  EOL", "# keepEOL", "EOL# keep [s.x]EOLEOL", "\t# keepEOL"])
    };
    let top = select(vec![
        "",
        "a = 1EOL",
        "s.a.b = 1EOLs.l.m = 2EOL",
        "s = { a = 1, b = { c = 2 } }EOL",
        "s = {}EOL",
    ]);
    let block = (select(tables), gap()).prop_map(|(table, gap)| format!("{table}{gap}"));
    (gap(), top, gap(), prop::collection::vec(block, 0..5), any::<bool>())
        .prop_flat_map(|(first, top, second, blocks, ends)| {
            let text = format!("{first}{top}{second}{}", blocks.concat());
            let count = text.matches("EOL").count();
            (Just(text), prop::collection::vec(line_break(), count), Just(ends))
        })
        .prop_map(|(text, breaks, ends)| {
            let mut breaks = breaks.into_iter();
            let mut text = text
                .split("EOL")
                .map(|line| format!("{line}{}", breaks.next().unwrap_or_default()))
                .collect::<String>();
            if !ends {
                text.truncate(text.trim_end_matches(['\n', '\r']).len());
            }
            file(Toml, &["s"], text)
        })
        .prop_filter("tables are defined once", |file| parsed(file).is_some())
}

/// A YAML file with servers in block or flow style, as a map or as a list.
fn yaml_file() -> impl Strategy<Value = File> {
    let entry = select(vec![
        "command: xEOL",
        "args:EOL  - a # inEOL  - bEOL",
        "env: {A: \"1\",EOL    B: 2}EOL",
        "text: |EOL  lineEOLEOL  # textEOL",
        "folded: >-EOL  aEOL  bEOL# inEOLz: 1EOL",
        "empty:EOL",
        "quoted: \"aEOL  b\" # inEOL",
    ]);
    let gap = || select(vec!["", "", "", "EOL", "# keepEOL", "   # keepEOL", "EOLEOL# keepEOL"]);
    let servers = prop::collection::vec((entry, gap()), 0..4);
    let around = (select(vec!["", "---EOL", "a: 1 # keepEOL", "é: 'ü'EOL"]), gap(), gap());
    let behind = select(vec!["", "z: 1EOL", "z:EOL- 1EOL", "# keepEOL"]);
    (servers, around, behind, any::<bool>(), 0..4_usize, any::<bool>(), line_break())
        .prop_map(|(servers, (first, second, third), behind, is_list, indent, ends, end)| {
            // The items of a list may stand as far left as their key.
            let indent = if is_list { indent } else { indent + 1 };
            let body = if servers.is_empty() {
                (if is_list { " []EOL" } else { " {}EOL" }).to_owned()
            } else {
                let servers = servers.iter().enumerate().map(|(at, (entry, gap))| {
                    let (head, deeper) = if is_list {
                        (format!("- name: n{at}"), indent + 2)
                    } else {
                        (format!("n{at}: # in"), indent + 3)
                    };
                    let lines = entry.split_terminator("EOL").map(|line| match line {
                        "" => "EOL".to_owned(),
                        line => format!("{}{line}EOL", " ".repeat(deeper)),
                    });
                    format!("{}{head}EOL{}{gap}", " ".repeat(indent), lines.collect::<String>())
                });
                format!("EOL{third}{}", servers.collect::<String>())
            };
            let mut text = format!("{first}{second}s:{body}{behind}").replace("EOL", end);
            if !ends {
                text.truncate(text.trim_end_matches(['\n', '\r', ' ']).len());
            }
            file(Yaml, if is_list { &["s", "[]"] } else { &["s"] }, text)
        })
        .prop_filter("it parses", |file| parsed(file).is_some())
}

fn parsed(file: &File) -> Option<Document> {
    Document::parse_as(file.format, &file.path, Some(file.text.as_bytes())).ok()
}

fn any_file() -> impl Strategy<Value = File> {
    prop_oneof![json_file(), toml_file(), yaml_file()]
}

fn any_entry() -> impl Strategy<Value = Value> {
    let string = "[ -~é\n\t]{0,8}";
    (string, prop::collection::btree_map("[a-zA-Z_. ]{1,4}", string, 0..3), any::<i32>(), any::<bool>())
        .prop_map(|(command, env, number, flag)| {
            json!({ "command": command, "args": [command, number], "env": env, "flag": flag, "none": {} })
        })
}

fn text_of(document: &Document) -> &str {
    std::str::from_utf8(document.bytes()).expect("made of text")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn set_and_remove_give_the_same_bytes(file in any_file(), entry in any_entry()) {
        let mut document = parsed(&file).expect("made to parse");
        let before = document.servers().unwrap();
        prop_assert_eq!(document.set("ours", &entry), Ok(()));

        let once = document.clone();
        prop_assert_eq!(document.set("ours", &entry), Ok(()));
        prop_assert_eq!(text_of(&document), text_of(&once), "twice is once");

        let mut servers = document.servers().unwrap();
        prop_assert_eq!(servers.pop(), Some(("ours".to_owned(), entry)));
        prop_assert_eq!(servers, before, "the others have not changed");

        prop_assert_eq!(document.remove("ours"), Ok(true));
        prop_assert_eq!(text_of(&document), &file.text);
        prop_assert_eq!(document.remove("ours"), Ok(false));
        prop_assert_eq!(text_of(&document), &file.text, "removing what is not there");
    }

    #[test]
    fn each_entry_comes_out_alone(file in any_file()) {
        let document = parsed(&file).expect("made to parse");
        let servers = document.servers().unwrap();
        for (name, _) in &servers {
            let mut document = document.clone();
            prop_assert_eq!(document.remove(name), Ok(true), "{}", name);
            let others = servers.iter().filter(|(there, _)| there != name).cloned();
            prop_assert_eq!(document.servers().unwrap(), others.collect::<Vec<_>>());
            if file.format == Json {
                let kept = text_of(&document).matches(KEEP).count();
                prop_assert_eq!(kept, file.text.matches(KEEP).count(), "comments");
            }
        }
    }

    #[test]
    fn all_entries_can_be_replaced_and_taken_out(file in any_file(), entry in any_entry()) {
        let mut document = parsed(&file).expect("made to parse");
        let names = document.servers().unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        for name in &names {
            prop_assert_eq!(document.set(name, &entry), Ok(()), "{}", name);
        }
        for name in &names {
            prop_assert!(document.remove(name).is_ok(), "{}", name);
        }
        prop_assert_eq!(document.servers(), Ok(Vec::new()));
        prop_assert_eq!(document.set("ours", &entry), Ok(()));
        prop_assert_eq!(document.servers(), Ok(vec![("ours".to_owned(), entry)]));
    }

    #[test]
    fn nothing_makes_it_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..64), marks in "[\\[\\]{}:,\"'#/*\\-=.\n\r\t a1&|>?!%]{0,64}") {
        for format in [Json, Toml, Yaml] {
            for bytes in [bytes.as_slice(), marks.as_bytes()] {
                let path = ["a".to_owned()];
                if let Ok(mut document) = Document::parse_as(format, &path, Some(bytes)) {
                    let before = document.bytes().to_vec();
                    if document.set("ours", &json!({ "b": 1 })).is_err() {
                        prop_assert_eq!(document.bytes(), before);
                    } else {
                        prop_assert!(document.remove("ours").is_ok());
                    }
                }
            }
        }
    }
}
