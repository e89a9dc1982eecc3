//! A secret is shown nowhere, whatever it is made of and however it is written.

use proptest::prelude::*;

use super::*;
use crate::client::FileFormat;

/// Letters first, so that nothing short or common is looked for.
fn secret() -> impl Strategy<Value = String> {
    ("[a-z]{6}", r#"[a-zA-Z0-9 '"\\/é😀:#,{}$%=&+@!~-]{2,16}"#, "[a-z]{2}")
        .prop_map(|(first, middle, last)| format!("{first}{middle}{last}"))
}

/// As JSON, TOML and YAML all take it between double quotation marks, with some characters written by their numbers.
fn quoted(text: &str, escaped: &[bool]) -> String {
    let mut out = String::from("\"");
    for (c, escape) in text.chars().zip(escaped.iter().cycle()) {
        match c {
            c if *escape && u32::from(c) < 0x1_0000 => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A server that is taken over, one that is left, and our own, with the secret in every place there is.
fn file(format: FileFormat, secret: &str) -> String {
    match format {
        FileFormat::Json => format!(
            r#"{{ "mcpServers": {{
  "a": {{ "command": "x", "args": ["--token", {secret}, "--api-key", {secret}], "env": {{ "A_TOKEN": {secret} }} }},
  "b": {{ "command": "./x", "env": {{ "PASSWORD": {secret} }}, "nested": {{ "clientSecret": [{secret}] }} }},
  "c": {{ "type": "sse", "url": "https://h.test", "headers": {{ "X-Api-Key": {secret} }} }}
}} }}
"#
        ),
        FileFormat::Toml => format!(
            "[mcp_servers.a]\ncommand = \"x\"\nargs = [\"--token\", {secret}]\nenv = {{ A_TOKEN = {secret} }}\n
[mcp_servers.b]\ncommand = \"./x\"\nenv.PASSWORD = {secret}\n
[mcp_servers.c]\nurl = \"https://h.test/sse\"\nhttp_headers = {{ X-Api-Key = {secret} }}\n"
        ),
        FileFormat::Yaml => format!(
            "extensions:\n  a:\n    type: stdio\n    cmd: x\n    args:\n    - --token\n    - {secret}\n    envs:\n      A_TOKEN: {secret}
  b:\n    type: stdio\n    cmd: ./x\n    envs:\n      PASSWORD: {secret}
  c:\n    type: sse\n    uri: https://h.test\n    headers:\n      X-Api-Key: {secret}\n"
        ),
    }
}

/// Every text of a view, also with its escapes undone.
fn texts(view: &PlanView) -> String {
    let diffs: String = view.files.iter().map(|file| file.diff.as_str()).collect();
    let plain = mask::undone(&diffs);
    format!(
        "{diffs}\n{plain}\n{:?} {:?} {:?} {:?}",
        view.imports, view.left, view.conflicts, view.notes
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn are_never_shown(secret in secret(), escaped in prop::collection::vec(any::<bool>(), 1..6)) {
        for client in ["cursor", "codex", "goose"] {
            let place = user_file(client);
            let before = file(place.format, &quoted(&secret, &escaped));
            let plan = consolidate(&place, Some(before.as_bytes()), &target(), &KnownGateway::default(), &ConsolidateWishes::default()).unwrap();
            prop_assert_eq!(plan.imports.len() + plan.left.len(), 3);
            let connected = connect(&place, Some(before.as_bytes()), None, &target()).unwrap();
            let back = Plan::put_back(&place, Some(b""), Some(before.clone().into_bytes()));
            for plan in [&plan, &connected, &back] {
                let shown = texts(&plan.view(String::new()));
                prop_assert!(!shown.contains(&secret), "{secret} in {shown}");
                prop_assert!(!shown.contains(&secret[..6]), "the start of {secret} in {shown}");
            }
            for import in &plan.imports {
                let clear = format!("{:?} {:?}", import.launch, import.extra);
                prop_assert!(!clear.contains(&secret[..6]), "{secret} in {clear}");
            }
        }
    }
}
