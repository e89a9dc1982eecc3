//! AgentPort's own entry in a client's file: builds it and recognises it.

use std::path::{Path, PathBuf};

use agentport_core::key::SHOWN_CHARS;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::{ENTRY_NAME, EntryTarget, OwnEntry, fields};
use crate::{
    KEY_PLACEHOLDER,
    client::{Client, entry_schema::EntrySchema},
    mcp_server::{Launch, McpServer},
    types::ConnectionMethod,
};

const AUTHORIZATION: &str = "Authorization";
const BEARER: &str = "Bearer ";
/// Paths at which packages install `agentport`, on any system (a file may come from another); `ap` lies beside it.
const PACKAGED: [&str; 5] = [
    "/usr/bin",
    "/usr/local/bin",
    "/Applications/AgentPort.app/Contents/MacOS",
    r"C:\Program Files\AgentPort",
    // Windows' path as seen from WSL.
    "/mnt/c/Program Files/AgentPort",
];

pub(super) fn entry(client: &Client, via: ConnectionMethod, target: &EntryTarget) -> Option<Value> {
    let shape = client.shape();
    let mut entry = shape.ours.always.clone();
    match via {
        ConnectionMethod::Bridge => bridge(shape, target, &mut entry)?,
        _ if !client.speaks_http() => return None,
        ConnectionMethod::OAuth => {
            client.sign_in()?;
            url(shape, target, &mut entry)?;
        }
        ConnectionMethod::Http => {
            url(shape, target, &mut entry)?;
            authorize(shape, KEY_PLACEHOLDER, &mut entry);
        }
        ConnectionMethod::HttpEnvironment => {
            url(shape, target, &mut entry)?;
            match (&shape.bearer_variable, &shape.reference) {
                (Some(field), _) => fields::put(&mut entry, field, json!(target.variable)),
                (None, Some(reference)) => {
                    authorize(shape, &reference.replace("NAME", &target.variable), &mut entry);
                }
                (None, None) => return None,
            }
        }
    }
    entry.extend(shape.ours.last.clone());
    if via.has_key() {
        entry.extend(shape.ours.key.clone());
    }
    Some(Value::Object(entry))
}

fn bridge(shape: &EntrySchema, target: &EntryTarget, entry: &mut Map<String, Value>) -> Option<()> {
    if let Some(kind) = shape.kind.as_ref().filter(|kind| kind.write_local) {
        fields::put(entry, kind.fields.first()?, json!(kind.local.first()?));
    }
    let program = target.program.to_str()?;
    let mut args = vec!["bridge", "--client", &target.key_name];
    if let Some(home) = &target.home {
        args.extend(["--home", home.to_str()?]);
    }
    let command = shape.command.first()?;
    if shape.argv {
        args.insert(0, program);
        fields::put(entry, command, json!(args));
    } else {
        fields::put(entry, command, json!(program));
        fields::put(entry, &shape.args, json!(args));
    }
    Some(())
}

fn url(shape: &EntrySchema, target: &EntryTarget, entry: &mut Map<String, Value>) -> Option<()> {
    if let Some(kind) = shape.kind.as_ref().filter(|kind| kind.write_http) {
        fields::put(entry, kind.fields.first()?, json!(kind.http.first()?));
    }
    fields::put(entry, &shape.url.first()?.field, json!(target.mcp_url));
    Some(())
}

fn authorize(shape: &EntrySchema, token: &str, entry: &mut Map<String, Value>) {
    fields::put(entry, &shape.headers, json!({ AUTHORIZATION: format!("{BEARER}{token}") }));
}

pub(super) fn recognised(server: &McpServer) -> Option<OwnEntry> {
    match &server.launch {
        Launch::Remote { url, headers, .. } if server.name == ENTRY_NAME => {
            if !leads_to_a_gateway(url) {
                return None;
            }
            let token = headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION))
                .map(|(_, value)| value.strip_prefix(BEARER).unwrap_or(value));
            let key = token.filter(|token| token.starts_with("ap_"));
            Some(OwnEntry {
                via: match (token, key) {
                    (None, _) => ConnectionMethod::OAuth,
                    (Some(_), None) => ConnectionMethod::HttpEnvironment,
                    (Some(_), Some(_)) => ConnectionMethod::Http,
                },
                mcp_url: Some(url.clone()),
                home: None,
                key_prefix: key.map(|key| key.chars().take(SHOWN_CHARS).collect()),
                key_name: None,
            })
        }
        Launch::Local { command, args, .. } => {
            let (command, args) = unwrapped(command, args);
            if !starts_bridge(command, args) || !is_our_program(server, command, args) {
                return None;
            }
            Some(OwnEntry {
                via: ConnectionMethod::Bridge,
                mcp_url: None,
                home: option(args, "--home").map(PathBuf::from),
                key_prefix: None,
                key_name: option(args, "--client").map(str::to_owned),
            })
        }
        Launch::Remote { .. } | Launch::Unclear(_) => None,
    }
}

/// Paths of the gateway's transports: Streamable HTTP, and HTTP+SSE for clients that know no other.
const ENDPOINT_PATHS: [&str; 2] = ["/mcp", "/sse"];

fn leads_to_a_gateway(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let on_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    on_loopback && ENDPOINT_PATHS.contains(&url.path().trim_end_matches('/'))
}

pub(super) fn looks_like_it(server: &McpServer) -> bool {
    let Launch::Local { command, args, .. } = &server.launch else { return false };
    let (command, args) = unwrapped(command, args);
    starts_bridge(command, args)
}

/// The program and its arguments without a leading `env NAME=value …` or `cmd /c …`.
fn unwrapped<'a>(command: &'a str, args: &'a [String]) -> (&'a str, &'a [String]) {
    let name = parted(command).1.to_ascii_lowercase();
    let at = match name.as_str() {
        "env" => args.iter().position(|arg| arg.starts_with('-') || !arg.contains('=')),
        "cmd" | "cmd.exe" if args.first().is_some_and(|arg| arg.eq_ignore_ascii_case("/c")) => {
            Some(1)
        }
        _ => None,
    };
    match at.and_then(|at| Some((args.get(at)?, &args[at + 1..]))) {
        Some((command, args)) => (command, args),
        None => (command, args),
    }
}

fn starts_bridge(command: &str, args: &[String]) -> bool {
    is_called_so(parted(command).1) && args.first().map(String::as_str) == Some("bridge")
}

/// Is the command AgentPort's program? More than the file name has to match.
fn is_our_program(server: &McpServer, command: &str, args: &[String]) -> bool {
    let (directory, name) = parted(command);
    let Some(directory) = directory else { return true };
    if PACKAGED.contains(&directory) {
        return true;
    }
    let is_ours_by_name = server.name == ENTRY_NAME && !name.starts_with("ap.") && name != "ap";
    is_ours_by_name && is_absolute(command) && option(args, "--client").is_some_and(is_key_name)
}

/// Directory, if any, and file name, split at either separator: the file may come from the other side of WSL.
fn parted(command: &str) -> (Option<&str>, &str) {
    match command.rfind(['/', '\\']) {
        Some(at) => (Some(&command[..at]), &command[at + 1..]),
        None => (None, command),
    }
}

/// Is it absolute on this system or on another?
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes();
    let has_drive = drive.len() >= 3 && drive[0].is_ascii_alphabetic() && drive[1] == b':';
    path.starts_with(['/', '\\']) || has_drive && matches!(drive[2], b'/' | b'\\')
}

/// Has it the form of [`EntryTarget::key_name`]?
fn is_key_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

fn is_called_so(name: &str) -> bool {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
    let ending = Path::new(name).extension();
    matches!(stem, "agentport" | "ap")
        && ending.is_none_or(|ending| ending.eq_ignore_ascii_case("exe"))
}

/// The value of `--name value` or `--name=value`.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == name {
            return args.next().map(String::as_str);
        }
        if let Some(value) = arg.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}
