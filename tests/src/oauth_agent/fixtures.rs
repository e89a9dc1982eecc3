//! Registration bodies of real clients (`tests/fixtures/oauth_clients`).

use std::path::PathBuf;

use serde_json::{Value, json};

/// Every body, with its name.
pub fn all() -> Vec<(String, Value)> {
    let mut found: Vec<_> = std::fs::read_dir(folder())
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(path)))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

pub fn claude_code() -> Value {
    of("claude_code")
}

pub fn of(name: &str) -> Value {
    read(folder().join(name).with_extension("json"))
}

/// A client of this name with a loopback redirect.
pub fn named(name: &str) -> Value {
    with_redirects(name, &["http://127.0.0.1:33418/callback"])
}

pub fn with_redirects(name: &str, redirect_uris: &[&str]) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

fn folder() -> PathBuf {
    crate::programs::root().join("tests/fixtures/oauth_clients")
}

fn read(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
