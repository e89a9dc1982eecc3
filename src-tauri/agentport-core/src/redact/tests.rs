use proptest::prelude::*;
use serde_json::json;

use super::*;

/// No scanner of repositories should take these for real ones, so they are put together here.
fn fake(prefix: &str, length: usize) -> String {
    prefix.chars().chain("Fake0".chars().cycle()).take(length).collect()
}

#[test]
fn hides_by_the_name_of_the_field() {
    let (arguments, want) = (
        json!({
            "user": "ann", "password": "hunter2", "apiKey": "é", "token": 123456, "max_tokens": 100,
            "auth": {"user": "a", "pass": "b"}, "cookies": ["a=b"], "secret": null, "return_token": true,
            "nested": [{"client-secret": "x"}], "token_type": "Bearer",
        }),
        json!({
            "user": "ann", "password": "[redacted: 7 characters]", "apiKey": "[redacted: 1 character]",
            "token": "[redacted: a number]", "max_tokens": 100,
            "auth": "[redacted: 2 fields]", "cookies": "[redacted: 1 item]", "secret": null, "return_token": true,
            "nested": [{"client-secret": "[redacted: 1 character]"}], "token_type": "Bearer",
        }),
    );
    assert_eq!(redacted(&arguments), want);
}

#[test]
fn hides_what_is_named_beside_it() {
    let arguments = json!({
        "env": [{"name": "API_KEY", "value": "x"}, {"name": "LANG", "value": "de"}],
        "args": ["--token", "abc", "--name", "abc", "--password=abc"],
    });
    let want = json!({
        "env": [{"name": "API_KEY", "value": "[redacted: 1 character]"}, {"name": "LANG", "value": "de"}],
        "args": ["--token", "[redacted: 3 characters]", "--name", "abc", "--password=[redacted: 3 characters]"],
    });
    assert_eq!(redacted(&arguments), want);
}

/// `#` in `want` stands for the marker of `secret`.
fn check(secret: &str, around: &str) {
    let want = around.replace('#', &marker(secret));
    assert_eq!(redacted_text(&around.replace('#', secret)), want);
}

#[test]
fn hides_tokens_wherever_they_stand() {
    let tokens = [
        fake("ap_", 35),
        fake("ghp_", 40),
        fake("github_pat_", 60),
        fake("glpat-", 26),
        fake("sk_live_", 20),
        fake("sk-", 40),
        fake("sk-ant-api03-", 60),
        fake("xoxb-", 40),
        fake("xapp-", 40),
        fake("AKIA", 20),
        fake("AIza", 39),
        fake("npm_", 40),
        format!("eyJ{0}.eyJ{0}.{0}", fake("", 20)),
        format!("eyJ{0}.eyJ{0}.", fake("", 20)),
        fake("hooks.slack.com/services/", 60),
    ];
    for token in &tokens {
        for around in
            ["#", "use # now", "(#)", "x=#&y=1", "\"#\"", "é#é", "one # two #", "it is #, yes"]
        {
            check(token, around);
        }
    }
}

#[test]
fn hides_credentials_in_context() {
    for (secret, around) in [
        ("abc123def456", "Bearer #"),
        ("abcdefg", "bearer #"),
        (&fake("", 30), "curl -H 'X: BEARER #' https://x.example"),
        ("YW5uOmh1bnRlcjI=", "Basic # and more"),
        ("hunter2", "postgres://ann:#@db.example/x"),
        ("p:@é", "https://ann:#@x.example:80/a@b"),
        (&fake("", 24), "https://#@github.com/x.git"),
        ("hunter2", "mysql --password=# -u ann"),
        ("hunter2", "mysql --password # -u ann"),
        ("hunter2", "export DB_PASSWORD=#\nls"),
        ("hunter2", "{_password: '#'}"),
        ("hunter two", "password: \"#\", user"),
        ("hunter2", "{\"password\": \"#\", \"a\": 1}"),
        ("a\\\"b\\\\", "{\"password\": \"#\", \"a\": 1}"),
        ("hunter2", "{\\\"password\\\":\\\"#\\\",\\\"a\\\":1}"),
        ("a\\\\\\\"b", "{\\\"password\\\":\\\"#\\\",\\\"a\\\":1}"),
        ("hunter2", "https://x.example/?access_token=#&page=2"),
        ("Token abc", "curl -H \"Authorization: #\" https://x.example"),
        ("Bearer abc", "api_key: #, more"),
        ("a=b; c=d", "Cookie: #\nHost: x"),
        ("Straße", "password=# é"),
    ] {
        check(secret, around);
    }
}

#[test]
fn hides_pem_blocks() {
    let block = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", fake("", 64));
    check(&block, "key:\n#\nend");
    check(&block, "#");
    check(&block[..80], "cut off: #");
}

#[test]
fn leaves_ordinary_text() {
    for text in [
        "",
        "Write the file, then read it.",
        "a bearer of bad news, a basic understanding, Basic Authentication is old",
        "the task-based-approach-to-everything and sk-ip-this-because-it-is-prose",
        "https://x.example/path?q=1#frag and ssh://git@github.com/x.git, mail ann@x.example",
        "see https://x.example:8080/a:b@c",
        "ap_ is a prefix, ghp_ too, AKIA also, xoxb- as well, eyJ begins them",
        "author: Ann, key: value, sort_key=name, public_key: abc, token_type=Bearer",
        "2026-01-31T12:00:00Z 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "password",
        "-----\nBEGIN\n-----",
        "snapshot_abcdefghijklmnopqrstuvwxyz0123456789",
        "Ünïcödé — “quoted” 你好 🙂",
    ] {
        assert_eq!(redacted_text(text), text);
    }
}

#[test]
fn cuts_long_texts() {
    let long = "é".repeat(MAX_TEXT + 310);
    let want = format!("{}… [cut: 2,310 characters in all]", "é".repeat(MAX_TEXT));
    assert_eq!(redacted(&json!(long)), json!(want));
    let full = "é".repeat(MAX_TEXT);
    assert_eq!(redacted(&json!(full)), json!(full));
}

#[test]
fn the_cut_does_not_halve_a_secret() {
    let secret = fake("ghp_", 40);
    for before in MAX_TEXT - 45..MAX_TEXT + 5 {
        let text = format!("{}{secret} {}", ".".repeat(before), "x".repeat(100));
        assert!(!redacted_text(&text).contains("ghp_"), "{before}");
    }
}

#[test]
fn bounds_depth_and_number() {
    let deep = (0..100).fold(json!("x"), |inner, _| json!({"a": inner}));
    assert!(redacted(&deep).to_string().contains("[cut: too deep]"));
    let wide = redacted(&json!(vec![1; 5000]));
    let items = wide.as_array().unwrap();
    assert_eq!(items.len(), MAX_VALUES);
    assert_eq!(items.last(), Some(&json!("[cut: 3001 more]")));
    let fields: Map<String, Value> = (0..5000).map(|n| (format!("k{n}"), json!(n))).collect();
    let wide = redacted(&Value::Object(fields));
    assert_eq!(wide["…"], json!("[cut: 3001 more]"));
    let name = "k".repeat(1000);
    let long = redacted(&json!({ name: 1 }));
    assert!(long.as_object().unwrap().keys().all(|key| key.len() < 250));
}

#[test]
fn hides_secrets_in_names_of_fields() {
    let secret = fake("ghp_", 40);
    assert!(!redacted(&json!({ &secret: 1 })).to_string().contains(&secret));
}

/// Texts of pieces that open something and never close it made the search quadratic once.
#[test]
fn hostile_texts_end() {
    for piece in [
        "sk-",
        "eyJ-",
        "eyJ.",
        "ghp_",
        "a-",
        "a.",
        "://",
        "://:",
        "bearer ",
        "basic-",
        "token=",
        "\\\"",
        "-----BEGIN ",
    ] {
        let text = piece.repeat(20_000);
        assert!(redacted_text(&text).len() < 20_000, "{piece}");
    }
}

proptest! {
    #[test]
    fn never_panics(pieces in proptest::collection::vec(prop_oneof![
        any::<char>().prop_map(String::from),
        proptest::sample::select(vec![
            "password", "token", "=", ": ", "\"", "\\", "'", "Bearer ", "://", "@", "ghp_", "eyJ", ".", "-----BEGIN ",
            "-----END ", "-----", "--", " ", "abcdefghijklmnopqrstuvwxyz012345",
        ]).prop_map(String::from),
    ], 0..60)) {
        let text = pieces.concat();
        let ranges = secret_patterns::secrets_in(&text);
        prop_assert!(ranges.iter().all(|range| text.get(range.clone()).is_some_and(|t| !t.is_empty())));
        prop_assert!(ranges.windows(2).all(|two| two[0].end <= two[1].start));
        redacted(&json!({ &text: &text }));
    }
}
