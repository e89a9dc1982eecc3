//! Turns a client's server into an integration, or says why it has to stay in the client.
//!
//! Nothing of an entry is lost: what the gateway acts on is in the launch, other fields are in `extra`, secrets go to the
//! vault. An entry whose behaviour would change by this stays in the client.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use agentport_core::{IntegrationId, redact, sanitize};
use serde_json::{Map, Value};

use super::{
    ImportLaunch, PlannedImport, folder,
    mcp_remote::{self, McpRemote, RemoteServer},
    references,
    secrets::{self, BareArgs, BareHeaders, CollectedSecrets, NotBare},
};
use crate::{
    client::Client,
    entry,
    mcp_server::{Launch, McpServer},
    types::McpRemoteFate,
};

/// Keys, without case and separators, by which a client reaches a server in a way that only it has: variables of its own
/// environment, files it reads, signing in.
const CLIENTS_OWN: [&str; 13] = [
    "auth",
    "authprovidertype",
    "bearertokenenvvar",
    "envfile",
    "envheaders",
    "envhttpheaders",
    "envkeys",
    "envvars",
    "headershelper",
    "oauth",
    "oauthclientid",
    "requestoptions",
    "sandboxenabled",
];
/// Keys that limit which of a server's tools a client offers.
const SOME_TOOLS: [&str; 6] = [
    "availabletools",
    "disabledtools",
    "enabledtools",
    "excludetools",
    "includetools",
    "toolfilter",
];
/// Clients that pass `${NAME}` on without resolving it. A program that resolves it itself finds the variable in the
/// entry's own environment.
const HAND_ON: [&str; 3] = ["claude-desktop", "cursor", "windsurf"];
/// Longest server name in characters.
const MAX_NAME: usize = 120;

/// Why a server stays in the client, as a sentence.
pub(super) type StayReason = String;

/// The integration a server becomes, with notes for the owner. `as_program`: also where `mcp-remote` stands before a
/// server that can be reached without it.
pub(super) fn import(
    server: &McpServer,
    id: IntegrationId,
    client: &Client,
    folder: Option<&Path>,
    as_program: bool,
) -> Result<(PlannedImport, Vec<String>), StayReason> {
    fit_to_import(server, client)?;
    let mut import = Importing {
        server,
        client,
        folder,
        as_program,
        mcp_remote: None,
        kept: CollectedSecrets::default(),
        extra: server.extra.clone(),
        notes: some_tools(server, client).into_iter().collect(),
    };
    let launch = import.launch()?;
    let Importing { kept, extra, notes, mcp_remote, .. } = import;
    let import = PlannedImport {
        server: server.name.clone(),
        id,
        launch,
        enabled: !server.disabled && !is_said_to_be_off(&server.extra),
        timeout_seconds: server.timeout.map(whole_seconds),
        startup_timeout_seconds: server.startup_timeout.map(whole_seconds),
        auto_approve: server.auto_approve.clone(),
        extra: without_secrets(extra, &kept),
        secrets: kept.secrets,
        secret_words: kept.words,
        merged: None,
        mcp_remote,
    };
    Ok((import, notes))
}

/// Checks that do not depend on the transport.
fn fit_to_import(server: &McpServer, client: &Client) -> Result<(), StayReason> {
    if !is_fit_name(&server.name) {
        return Err("Its name is too long, or has characters that cannot be seen.".to_owned());
    }
    if let Some(key) = clients_own(&server.extra) {
        return Err(format!(
            "It depends on its key \"{key}\", which only {} understands.",
            client.name
        ));
    }
    if entry::as_own_entry(server).is_some() {
        return Err("It starts AgentPort, as another entry of the file does already.".to_owned());
    }
    if entry::starts_own_bridge(server) {
        return Err("It starts a program that is called as AgentPort's own, but not from where AgentPort is. If you do not know it, take it out.".to_owned());
    }
    Ok(())
}

/// State while one server is turned into an integration.
struct Importing<'a> {
    server: &'a McpServer,
    client: &'a Client,
    folder: Option<&'a Path>,
    as_program: bool,
    mcp_remote: Option<McpRemoteFate>,
    /// Secrets found so far.
    kept: CollectedSecrets,
    /// Keys that the gateway does not act on.
    extra: Map<String, Value>,
    /// Sentences for the owner.
    notes: Vec<String>,
}

impl Importing<'_> {
    fn launch(&mut self) -> Result<ImportLaunch, StayReason> {
        match &self.server.launch {
            Launch::Unclear(why) => Err(unclear(why)),
            // The gateway finds out by itself which transport the server speaks.
            Launch::Remote { url, headers, sse: _ } => self.remote(url, headers),
            Launch::Local { command, args, env, cwd } => {
                self.local(command, args, env, cwd.as_deref())
            }
        }
    }

    fn only_the_client(&self, reference: &str) -> StayReason {
        format!("It refers to {reference}, which only {} can resolve.", self.client.name)
    }

    fn remote(
        &mut self,
        url: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<ImportLaunch, StayReason> {
        let names_and_values =
            headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut texts = std::iter::once(url).chain(names_and_values);
        if let Some(found) = texts.find_map(references::first) {
            return Err(self.only_the_client(&found));
        }
        remote(url, headers, &BTreeSet::new(), &mut self.extra, &mut self.kept)
            .map_err(|why| why.to_string())
    }

    /// The server behind `mcp-remote`, if the command is that, and the server can be reached without it.
    fn behind_mcp_remote(
        &mut self,
        command: &str,
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Option<ImportLaunch> {
        let name = &self.server.name;
        let server = match mcp_remote::read(command, args, env) {
            McpRemote::Other => return None,
            McpRemote::Needed(why) => {
                self.notes.push(format!("{name}: mcp-remote stays a program, since {why}."));
                return None;
            }
            McpRemote::Server(server) => server,
        };
        let RemoteServer { url, headers, secret_headers, oauth, .. } = &*server;
        let (mut extra, mut kept) = (self.extra.clone(), CollectedSecrets::default());
        let launch = match remote(url, headers, secret_headers, &mut extra, &mut kept) {
            Ok(ImportLaunch::Remote { url, headers, .. }) => {
                ImportLaunch::Remote { url, headers, oauth: oauth.clone().map(Box::new) }
            }
            Ok(other) => other,
            Err(why) => {
                self.notes.push(format!("{name}: mcp-remote stays a program. {why}"));
                return None;
            }
        };
        if self.as_program {
            self.mcp_remote = Some(McpRemoteFate::Program);
            self.notes.push(format!("{name}: mcp-remote stays a program, as you chose."));
            return None;
        }
        self.mcp_remote = Some(McpRemoteFate::Server);
        let has_secret = !kept.secrets.is_empty();
        self.notes.extend(server.notes(name, has_secret));
        (self.extra, self.kept) = (extra, kept);
        Some(launch)
    }

    fn local(
        &mut self,
        command: &str,
        args: &[String],
        env: &BTreeMap<String, String>,
        cwd: Option<&str>,
    ) -> Result<ImportLaunch, StayReason> {
        if let Some(found) = self.reference_in(command, args, env, cwd) {
            return Err(self.only_the_client(&found));
        }
        if let Some(launch) = self.behind_mcp_remote(command, args, env) {
            return Ok(launch);
        }
        usable(command, args, env)?;
        let (command, cwd, resolved) = folder::settled(command, args, cwd, self.folder)?;
        if let (true, Some(cwd)) = (resolved, &cwd) {
            self.notes.push(format!(
                "{}: starts in {}, as it does now.",
                self.server.name,
                sanitize::sanitize_line(cwd, 200)
            ));
        }
        // A variable's secret goes by the variable's name, so those are taken first.
        let (plain_env, secret_env) = secrets::in_env(env.clone(), &mut self.kept);
        let bare = secrets::in_args(args, &mut self.kept);
        let arg = bare.hiding.or_else(|| secrets::hides_what_is_launched(&command, &bare));
        let variable = secrets::hidden_by_another(&plain_env, &self.kept).or_else(|| {
            let decides = |name: &&String| {
                secrets::decides_what_runs(name) || secrets::may_be_run(name, &env[*name])
            };
            secret_env.iter().find(decides).map(String::as_str)
        });
        if let Some(what) = hidden(&command, arg, variable, cwd.as_deref(), &self.kept) {
            return Err(format!(
                "What it starts cannot be shown in full: {what} would be hidden as a secret."
            ));
        }
        let BareArgs { args, secret: secret_args, .. } = bare;
        Ok(ImportLaunch::Local { command, args, secret_args, env: plain_env, secret_env, cwd })
    }

    /// A reference that only the client resolves, in any part of a local server.
    fn reference_in(
        &self,
        command: &str,
        args: &[String],
        env: &BTreeMap<String, String>,
        cwd: Option<&str>,
    ) -> Option<String> {
        let hands_on = HAND_ON.contains(&self.client.id.as_str());
        let own = |name: &str| hands_on && env.contains_key(name);
        let of_env = env.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut plain = std::iter::once(command).chain(cwd).chain(of_env);
        plain
            .find_map(references::first)
            .or_else(|| args.iter().find_map(|arg| references::first_but(arg, own)))
    }
}

/// A part that decides what runs but would be masked, because it equals a secret found elsewhere: a file could repeat a
/// value on purpose to hide a command.
fn hidden(
    command: &str,
    arg: Option<usize>,
    variable: Option<&str>,
    cwd: Option<&str>,
    kept: &CollectedSecrets,
) -> Option<String> {
    if kept.is_revealed_by(command) {
        Some("its command".to_owned())
    } else if let Some(number) = arg {
        Some(format!("argument {number}"))
    } else if let Some(name) = variable {
        Some(format!("the variable {}", sanitize::sanitize_line(name, 40)))
    } else {
        cwd.filter(|cwd| kept.is_revealed_by(cwd)).map(|_| "its folder".to_owned())
    }
}

fn remote(
    url: &str,
    headers: &BTreeMap<String, String>,
    secret_headers: &BTreeSet<String>,
    extra: &mut Map<String, Value>,
    kept: &mut CollectedSecrets,
) -> Result<ImportLaunch, NotBare> {
    let bare = secrets::bare_url(url, kept)?;
    let BareHeaders { mut headers, left_out } =
        secrets::bare_headers(headers.clone(), secret_headers, kept)?;
    if let Some(authorization) = bare.authorization {
        if headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(NotBare::Ambiguous);
        }
        headers.insert("Authorization".to_owned(), authorization);
    }
    if !left_out.is_empty() {
        extra.entry("headers").or_insert(Value::Object(left_out));
    }
    // It is shown unmasked.
    if kept.is_revealed_by(&bare.url) {
        return Err(NotBare::SecretInPath);
    }
    Ok(ImportLaunch::Remote { url: bare.url, headers, oauth: None })
}

/// Refuses what no program can be started with.
fn usable(
    command: &str,
    args: &[String],
    env: &BTreeMap<String, String>,
) -> Result<(), StayReason> {
    if command.trim().is_empty() {
        return Err("It has no command.".to_owned());
    }
    if secrets::by_looks(command).next().is_some() {
        return Err("Its command itself holds a secret; AgentPort keeps those of arguments and of variables.".to_owned());
    }
    let name_is_bad = |name: &String| name.is_empty() || name.contains(['=', '\0']);
    let values = args.iter().chain(env.values()).map(String::as_str).chain([command]);
    if env.keys().any(name_is_bad) || values.into_iter().any(|text| text.contains('\0')) {
        return Err("It has a variable or an argument that no program can be given.".to_owned());
    }
    Ok(())
}

/// Names are shown to the owner, so they must not contain characters that hide or reorder text.
fn is_fit_name(name: &str) -> bool {
    sanitize::sanitize_line(name, MAX_NAME) == name && redact::redacted_text(name) == name
}

fn clients_own(extra: &Map<String, Value>) -> Option<String> {
    let (key, _) = extra.iter().find(|(key, value)| {
        let only_waits = value.as_object().is_some_and(|it| it.keys().all(|key| key == "timeout"));
        CLIENTS_OWN.contains(&folded(key).as_str()) && counts(value) && !only_waits
    })?;
    Some(sanitize::sanitize_line(key, 40))
}

/// Disabled by a field that this client ignores but its user meant.
fn is_said_to_be_off(extra: &Map<String, Value>) -> bool {
    extra.get("disabled") == Some(&Value::Bool(true))
        || extra.get("enabled") == Some(&Value::Bool(false))
}

/// Note for the owner if the client offered only some of the server's tools.
fn some_tools(server: &McpServer, client: &Client) -> Option<String> {
    let keys: Vec<String> = server
        .extra
        .iter()
        .filter(|(key, value)| SOME_TOOLS.contains(&folded(key).as_str()) && counts(value))
        .map(|(key, _)| sanitize::sanitize_line(key, 40))
        .collect();
    (!keys.is_empty()).then(|| {
        format!(
            "{}: {} offers only some of its tools ({}); in AgentPort your rules decide about each.",
            server.name,
            client.name,
            keys.join(", ")
        )
    })
}

/// A key without case and separators.
fn folded(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Does the value mean something else than an absent key?
pub(super) fn counts(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// `it has no command` as a sentence.
fn unclear(why: &str) -> StayReason {
    let why = sanitize::sanitize_line(&redact::redacted_text(why), 300);
    let mut rest = why.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    let end = if why.ends_with('.') { "" } else { "." };
    first.chain(rest.as_str().chars()).chain(end.chars()).collect()
}

/// Rounded up, so that nothing is cut short.
fn whole_seconds(timeout: Duration) -> u32 {
    let rounded = timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0);
    u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
}

/// `extra` is stored unencrypted, so fields with secrets are left out.
fn without_secrets(extra: Map<String, Value>, kept: &CollectedSecrets) -> Map<String, Value> {
    let mut masked = redact::redacted(&Value::Object(extra));
    let known: Vec<&str> = kept.secrets.values().map(agentport_core::Secret::expose).collect();
    redact::scrub_value(&mut masked, &known);
    match masked {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
