//! The command line of `mcp-remote` itself (version 0.15).

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::{OAuthSettings, RedirectHost, RedirectSettings};
use serde_json::Value;
use url::Url;

use super::expand;

/// Options without a value that change nothing for a gateway.
const IDLE_FLAGS: [&str; 7] = [
    "--allow-http",
    "--debug",
    "--disable-cookies",
    "--enable-proxy",
    "--ipv4",
    "--keep-alive",
    "--silent",
];
/// Options with a value that change nothing for a gateway: it tries both transports and has its own time limits.
const IDLE_OPTIONS: [&str; 8] = [
    "--auth-success-url",
    "--auth-timeout",
    "--body-timeout",
    "--connect-timeout",
    "--headers-timeout",
    "--ping-interval",
    "--protocol",
    "--transport",
];
/// What `mcp-remote` has at the end of the address that the browser comes back to.
const CALLBACK_PATH: &str = "/oauth/callback";

/// What a command line says.
pub(super) struct Options {
    pub(super) url: String,
    /// Values as they are written, with references to variables.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) oauth: OAuthOptions,
    pub(super) ignored_tools: Vec<String>,
}

/// How it signs in, where the command line says so.
#[derive(Default)]
pub(super) struct OAuthOptions {
    pub(super) settings: Option<OAuthSettings>,
    /// Variables that were filled in.
    pub(super) variables: BTreeSet<String>,
}

/// Reads it; else why it cannot be kept to without `mcp-remote`, as the rest of a sentence.
pub(super) fn read(args: &[String], env: &BTreeMap<String, String>) -> Result<Options, String> {
    let mut headers = BTreeMap::new();
    let mut rest = Vec::new();
    let mut words = args.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--header" => {
                let line = words.next().ok_or("its last option lacks a value")?;
                if let Some((name, value)) = header(line) {
                    set_header(&mut headers, name, value);
                }
            }
            _ => rest.push(word),
        }
    }
    let (url, rest) = rest.split_first().ok_or("it is given no address")?;
    let allows_http = rest.contains(&"--allow-http");
    check_address(url, allows_http)?;
    let mut reading = ReadOptions::new(url, env);
    let mut rest = rest.iter().copied();
    while let Some(word) = rest.next() {
        reading.on_word(word, &mut rest)?;
    }
    let (oauth, ignored_tools) = reading.finish();
    Ok(Options { url: (*url).to_owned(), headers, oauth, ignored_tools })
}

/// A later header replaces an earlier one of its name.
fn set_header(headers: &mut BTreeMap<String, String>, name: &str, value: &str) {
    headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
    headers.insert(name.to_owned(), value.to_owned());
}

/// `Name: value`; anything else is ignored by `mcp-remote`, too.
fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(in_name)).then(|| (name, value.trim_start()))
}

fn check_address(url: &str, allows_http: bool) -> Result<(), String> {
    let parsed = Url::parse(url).ok().filter(|_| !url.contains("${"));
    let Some(parsed) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Err("its address does not come first, or is none".to_owned());
    };
    let local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1"));
    if parsed.scheme() == "http" && !local && !allows_http {
        return Err("its address is not encrypted, which mcp-remote refuses without --allow-http"
            .to_owned());
    }
    Ok(())
}

/// State while the words behind the address are read.
struct ReadOptions<'a> {
    url: &'a str,
    env: &'a BTreeMap<String, String>,
    settings: OAuthSettings,
    redirect: RedirectSettings,
    variables: BTreeSet<String>,
    ignored_tools: Vec<String>,
    /// Words that are no options: the callback's port, if there is one.
    plain: usize,
}

impl<'a> ReadOptions<'a> {
    fn new(url: &'a str, env: &'a BTreeMap<String, String>) -> Self {
        let host = RedirectHost::Localhost;
        Self {
            url,
            env,
            settings: OAuthSettings::default(),
            redirect: RedirectSettings { host, path: CALLBACK_PATH.to_owned(), port: None },
            variables: BTreeSet::new(),
            ignored_tools: Vec::new(),
            plain: 0,
        }
    }

    fn on_word(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), String> {
        if !word.starts_with('-') {
            return self.on_port(word);
        }
        if word == "--disable-resource-parameter" {
            self.settings.send_resource = false;
            return Ok(());
        }
        if IDLE_FLAGS.contains(&word) {
            return Ok(());
        }
        let understood = [
            "--authorize-param",
            "--callback-path",
            "--client-metadata-url",
            "--host",
            "--ignore-tool",
            "--resource",
            "--static-oauth-client-info",
            "--static-oauth-client-metadata",
        ];
        if !IDLE_OPTIONS.contains(&word) && !understood.contains(&word) {
            return Err(format!("AgentPort has nothing like its option {}", shown(word)));
        }
        let value = rest.next().ok_or("its last option lacks a value")?;
        match self.on_option(word, value) {
            true => Ok(()),
            false => Err(format!("AgentPort cannot keep to its option {}", shown(word))),
        }
    }

    fn on_port(&mut self, word: &str) -> Result<(), String> {
        self.plain += 1;
        match word.parse() {
            Ok(port) if self.plain == 1 => {
                self.redirect.port = Some(port);
                Ok(())
            }
            _ => Err("it has an argument that is not understood".to_owned()),
        }
    }

    /// Takes an option with its value; `false` if it cannot be kept to.
    fn on_option(&mut self, option: &str, value: &str) -> bool {
        match option {
            "--ignore-tool" => self.ignored_tools.push(value.to_owned()),
            "--host" => match value {
                "localhost" => self.redirect.host = RedirectHost::Localhost,
                "127.0.0.1" => self.redirect.host = RedirectHost::Address,
                _ => return false,
            },
            "--callback-path" => value.clone_into(&mut self.redirect.path),
            "--client-metadata-url" => {
                self.settings.client_metadata_url = Some(value.trim().to_owned());
            }
            "--authorize-param" => match value.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    let params = &mut self.settings.authorize_params;
                    params.insert(name.trim().to_owned(), value.to_owned());
                }
                _ => return false,
            },
            "--resource" if value.trim().is_empty() => self.settings.send_resource = false,
            // The resource is what the server's metadata says, which is its own address unless it says otherwise.
            "--resource" => return value.trim() == self.url,
            "--static-oauth-client-info" => return self.on_client(value),
            "--static-oauth-client-metadata" => return self.on_metadata(value),
            _ => {}
        }
        true
    }

    /// A client that was registered with the provider. A file is not read, and a secret of its own has no place here.
    fn on_client(&mut self, text: &str) -> bool {
        let variables = &mut self.variables;
        let expanded = expand(text, self.env, |name, _| {
            variables.insert(name.to_owned());
        });
        let read = expanded.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let Some(Value::Object(client)) = read else { return false };
        let Some(id) = client.get("client_id").and_then(Value::as_str) else { return false };
        let has_secret = client.get("client_secret").and_then(Value::as_str);
        if id.is_empty() || has_secret.is_some_and(|secret| !secret.is_empty()) {
            return false;
        }
        self.settings.client_id = Some(id.to_owned());
        true
    }

    /// Of what is registered, only the scope is kept to.
    fn on_metadata(&mut self, text: &str) -> bool {
        let Ok(Value::Object(metadata)) = serde_json::from_str(text) else { return false };
        let known = ["client_name", "client_uri", "scope"];
        if !metadata.keys().all(|key| known.contains(&key.as_str())) {
            return false;
        }
        if let Some(scope) = metadata.get("scope").and_then(Value::as_str) {
            self.settings.scopes = Some(scope.split_whitespace().map(str::to_owned).collect());
        }
        true
    }

    /// A callback matters only to a client whose registration names it; for others AgentPort registers its own.
    fn finish(mut self) -> (OAuthOptions, Vec<String>) {
        let registered =
            self.settings.client_id.is_some() || self.settings.client_metadata_url.is_some();
        if registered {
            self.settings.redirect = self.redirect;
        }
        let said = self.settings != OAuthSettings::default();
        let settings = said.then_some(self.settings);
        (OAuthOptions { settings, variables: self.variables }, self.ignored_tools)
    }
}

/// An option without what may be a secret in it.
fn shown(option: &str) -> String {
    let name = option.split('=').next().unwrap_or(option);
    agentport_core::sanitize::sanitize_line(&agentport_core::redact::redacted_text(name), 40)
}
