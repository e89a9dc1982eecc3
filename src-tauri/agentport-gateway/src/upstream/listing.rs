//! The lists of an upstream (tools, prompts, resources) and how they are read.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher as _},
};

use agentport_api::LeftOut;
use rmcp::model::{
    ErrorCode, Implementation, Prompt, Resource, ResourceTemplate, ServerCapabilities, Tool,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    error::{AttemptError, UpstreamError},
    in_flight::{CallOwner, PendingCall},
    redaction::Redactor,
    request::OutgoingRequest,
    session::UpstreamSession,
    target::RemoteTransport,
};
use crate::tool_schema::publishable;

/// Bounds of one list: more than any agent can use. They end an upstream that pages for ever.
const MAX_PAGES: usize = 100;
const MAX_ITEMS: usize = 10_000;
/// Most unusable entries that are named to the owner.
const MAX_LEFT_OUT: usize = 50;
/// Characters of the name of an entry that was left out, and of the reason.
const MAX_NAME_CHARS: usize = 64;
const MAX_REASON_CHARS: usize = 200;

/// Everything an upstream listed after it was connected. Stored as JSON, so that tools can be listed before the upstream
/// runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub(crate) tools: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) resource_templates: Vec<ResourceTemplate>,
    pub(crate) capabilities: ServerCapabilities,
    pub(crate) instructions: Option<String>,
    /// Self-reported; an upstream that does not say is `unknown`.
    pub(crate) server: Implementation,
    /// The protocol revision spoken with it, such as `2025-11-25`.
    pub(crate) revision: String,
    /// The transport a remote server spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transport: Option<RemoteTransport>,
    /// Entries of its lists that cannot be used. The rest can.
    #[serde(default)]
    pub(crate) left_out: Vec<LeftOut>,
}

impl Listing {
    /// Identifies the content, within this process.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // Writing to memory fails only on keys that are no strings; there are none.
        hasher.write(&serde_json::to_vec(self).unwrap_or_default());
        hasher.finish()
    }
}

/// A list: its method, the field that holds it, and its name in sentences.
struct ListKind {
    method: &'static str,
    field: &'static str,
    name: &'static str,
}

const TOOLS: ListKind = ListKind { method: "tools/list", field: "tools", name: "tools" };
const PROMPTS: ListKind = ListKind { method: "prompts/list", field: "prompts", name: "prompts" };
const RESOURCES: ListKind =
    ListKind { method: "resources/list", field: "resources", name: "resources" };
const TEMPLATES: ListKind = ListKind {
    method: "resources/templates/list",
    field: "resourceTemplates",
    name: "resource templates",
};

/// Reads all lists the upstream declares, page by page. Secrets it was given are redacted.
pub(super) async fn fetch(session: &UpstreamSession) -> Result<Listing, AttemptError> {
    let about = session.peer.peer_info();
    let about = about.as_deref();
    let capabilities = about.map(|about| about.capabilities.clone()).unwrap_or_default();
    let mut left_out = Vec::new();
    let mut tools = match capabilities.tools {
        Some(_) => list(session, &TOOLS, read_tool, &mut left_out).await?,
        None => Vec::new(),
    };
    leave_out_repeated(&mut tools, &mut left_out, &session.redactor);
    if let Some(http) = session.http() {
        for (name, reason) in http.remove_invalid_tools(&mut tools) {
            leave_out(&mut left_out, &name, reason, &session.redactor);
        }
    }
    let prompts = match capabilities.prompts {
        Some(_) => list(session, &PROMPTS, read_item, &mut left_out).await?,
        None => Vec::new(),
    };
    let (resources, resource_templates) = match capabilities.resources {
        Some(_) => (
            list(session, &RESOURCES, read_item, &mut left_out).await?,
            list(session, &TEMPLATES, read_item, &mut left_out).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let listing = Listing {
        tools,
        prompts,
        resources,
        resource_templates,
        capabilities,
        instructions: about.and_then(|about| about.instructions.clone()),
        server: about
            .and_then(|about| about.server_info.clone())
            .unwrap_or_else(|| Implementation::new("unknown", "")),
        revision: session.revision().to_owned(),
        transport: session.remote_transport(),
        left_out,
    };
    session.redactor.redact_message(listing).ok_or_else(|| {
        let problem = "one of its secrets stands where it can't be taken out".to_owned();
        UpstreamError::InvalidList { list: "what it offers", problem }.into()
    })
}

/// Reads one entry of a list, or says why it cannot be used.
type ReadEntry<T> = fn(&RawValue) -> Result<T, String>;

fn read_tool(entry: &RawValue) -> Result<Tool, String> {
    let entry = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
    publishable(entry).map_err(|error| error.to_string())
}

fn read_item<T: DeserializeOwned>(entry: &RawValue) -> Result<T, String> {
    serde_json::from_str(entry.get()).map_err(|error| format!("it cannot be read: {error}"))
}

/// Of several tools of one name the first is published: a rule for the name must not cover another tool.
fn leave_out_repeated(tools: &mut Vec<Tool>, left_out: &mut Vec<LeftOut>, redactor: &Redactor) {
    let mut names = HashSet::new();
    tools.retain(|tool| {
        let first = names.insert(tool.name.clone());
        if !first {
            leave_out(left_out, &tool.name, "another tool of this name comes before it", redactor);
        }
        first
    });
}

fn leave_out(left_out: &mut Vec<LeftOut>, name: &str, reason: &str, redactor: &Redactor) {
    if left_out.len() < MAX_LEFT_OUT {
        left_out.push(LeftOut {
            name: redactor.quote(name, MAX_NAME_CHARS),
            reason: redactor.quote(reason, MAX_REASON_CHARS),
        });
    }
}

async fn list<T>(
    session: &UpstreamSession,
    kind: &ListKind,
    read: ReadEntry<T>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<T>, AttemptError> {
    let pending = PendingCall::new(CallOwner::Gateway);
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    let mut seen = HashSet::new();
    for _ in 0..MAX_PAGES {
        let outgoing = OutgoingRequest::page(kind.method, cursor.as_deref(), session.context(None));
        let answer = match session.request(&outgoing, &pending).await {
            Ok(answer) => answer,
            // Declares the capability, yet has no such method. Common for templates.
            Err(AttemptError::Failed(UpstreamError::Refused(error)))
                if error.code == ErrorCode::METHOD_NOT_FOUND =>
            {
                return Ok(items);
            }
            Err(failure) => return Err(failure),
        };
        cursor = page(&answer, kind, read, (&mut items, left_out), &session.redactor)
            .map_err(|problem| UpstreamError::InvalidList { list: kind.name, problem })?;
        // A cursor that comes again brings nothing new.
        match &cursor {
            Some(next) if seen.insert(next.clone()) => {}
            _ => return Ok(items),
        }
    }
    tracing::warn!(
        list = kind.name,
        "a list has more than {MAX_PAGES} pages; the rest is left out"
    );
    Ok(items)
}

/// Adds the entries of one page, usable or not; returns the cursor of the next page.
fn page<T>(
    answer: &RawValue,
    kind: &ListKind,
    read: ReadEntry<T>,
    (items, left_out): (&mut Vec<T>, &mut Vec<LeftOut>),
    redactor: &Redactor,
) -> Result<Option<String>, String> {
    // Each entry by itself, so that an invalid one does not discard the others.
    let mut page: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(answer.get()).map_err(|_| "it is not an object".to_owned())?;
    let list = page.remove(kind.field).ok_or_else(|| format!("{:?} is missing", kind.field))?;
    let list: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_| format!("{:?} is not an array", kind.field))?;
    if items.len() + list.len() > MAX_ITEMS {
        return Err(format!("it has more than {MAX_ITEMS} entries"));
    }
    for entry in list {
        match read(entry) {
            Ok(item) => items.push(item),
            Err(reason) => {
                let name = name_in(entry).unwrap_or_else(|| {
                    format!("entry {} of {}", items.len() + left_out.len() + 1, kind.name)
                });
                leave_out(left_out, &name, &reason, redactor);
            }
        }
    }
    match page.remove("nextCursor") {
        Some(cursor) if cursor.get() != "null" => serde_json::from_str(cursor.get())
            .map(Some)
            .map_err(|_| "\"nextCursor\" is not a string".to_owned()),
        _ => Ok(None),
    }
}

fn name_in(entry: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let named = serde_json::from_str::<Named>(entry.get()).ok()?;
    (!named.name.is_empty()).then_some(named.name)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use agentport_core::{IntegrationId, Secret, redact::SCRUBBED};
    use serde_json::{Value, json, value::to_raw_value};
    use tokio_util::{sync::CancellationToken, task::TaskTracker};

    use super::{
        super::{LocalTarget, UpstreamRegistry, UpstreamSink, UpstreamSpec, UpstreamTarget},
        *,
    };
    use agentport_api::{Health, LastError};

    /// Ignores every event.
    struct Deaf;

    impl UpstreamSink for Deaf {
        fn listing(&self, _: &IntegrationId, _: Listing) {}
        fn health(&self, _: &IntegrationId, _: Health, _: Option<u32>, _: Option<LastError>) {}
        fn updated(&self, _: &IntegrationId, _: &str) {}
    }

    /// What a server says that was given `secret` and answers `tools/list` with `tools`, where `#` is the secret.
    async fn listed(secret: &str, tools: &Value) -> Result<Listing, UpstreamError> {
        let introduction = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "x", "version": "1" },
            "instructions": "Use #.",
        });
        let script = format!(
            r#"say() {{ printf '{{"jsonrpc":"2.0","id":%s,"result":%s}}\n' "$id" "$1" | sed "s/#/$API_KEY/g"; }}
            while read -r line; do
                id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
                case "$line" in
                *'"initialize"'*) say '{introduction}' ;;
                *'"tools/list"'*) say '{}' ;;
                *'"server/discover"'*) exit 7 ;;
                esac
            done"#,
            json!({ "tools": tools })
        );
        let target = UpstreamTarget::Local(LocalTarget {
            command: "sh".to_owned(),
            args: vec!["-c".to_owned(), script],
            env: [].into(),
            secret_env: vec![("API_KEY".to_owned(), Secret::new(secret))],
            secret_args: [].into(),
            cwd: None,
            startup_timeout: None,
            secrets: Vec::new(),
        });
        let id = IntegrationId::new("x").unwrap();
        let spec = UpstreamSpec {
            id,
            target,
            idle_stop: Duration::from_secs(600),
            last_revision: None,
            last_transport: None,
        };
        let tasks = TaskTracker::new();
        let upstreams =
            UpstreamRegistry::new(tasks.clone(), CancellationToken::new(), Arc::new(Deaf), None);
        let listing = upstreams.probe(spec).await;
        upstreams.stop(Duration::from_secs(5)).await;
        tasks.close();
        tasks.wait().await;
        listing
    }

    #[tokio::test]
    async fn secrets_are_taken_out_of_lists() {
        let schema = json!({
            "type": "object",
            "properties": { "key": { "default": "#" }, "#": { "enum": [["#"]] } },
        });
        let tools = json!([{ "name": "a", "description": "Sends #!", "inputSchema": schema }]);
        let listing = listed("obviously-fake", &tools).await.unwrap();
        let json = serde_json::to_string(&listing).unwrap();
        assert!(!json.contains("fake"), "{json}");
        assert_eq!(listing.instructions, Some(format!("Use {SCRUBBED}.")));
        assert_eq!(listing.tools[0].description.as_deref(), Some(&*format!("Sends {SCRUBBED}!")));
        assert_eq!(listing.tools[0].input_schema["properties"]["key"]["default"], SCRUBBED);
    }

    #[tokio::test]
    async fn a_list_that_is_none_without_its_secret_is_refused() {
        let tools = json!([{ "name": "a", "inputSchema": { "type": "object" } }]);
        // A field of every tool.
        let refused = listed("inputSchema", &tools).await.unwrap_err();
        assert!(matches!(refused, UpstreamError::InvalidList { .. }), "{refused}");
    }

    #[tokio::test]
    async fn errors_about_entries_hold_no_secrets() {
        let annotations = json!({ "readOnlyHint": "#" });
        let tools = json!([
            { "name": "#", "inputSchema": {}, "annotations": annotations },
            { "name": "good", "inputSchema": {} },
        ]);
        let listing = listed("obviously-fake", &tools).await.unwrap();
        let json = serde_json::to_string(&listing).unwrap();
        assert!(!json.contains("fake"), "{json}");
        assert_eq!(listing.tools.len(), 1);
        assert_eq!(listing.left_out[0].name, SCRUBBED);
    }

    #[tokio::test]
    async fn of_two_tools_of_one_name_the_first_counts() {
        let named = |description: &str| json!({ "name": "twin", "description": description, "inputSchema": {} });
        let tools = json!([named("first"), named("second")]);
        let listing = listed("obviously-fake", &tools).await.unwrap();
        assert_eq!(listing.tools.len(), 1);
        assert_eq!(listing.tools[0].description.as_deref(), Some("first"));
        assert_eq!(listing.left_out[0].name, "twin");
        assert!(listing.left_out[0].reason.starts_with("another tool of this name"));
    }

    #[test]
    fn pages_are_read_entry_by_entry() {
        let good = json!({"name": "a", "inputSchema": {"type": "object"}});
        let bad = json!({"name": "b", "inputSchema": 7});
        for (answer, expected) in [
            (json!({"tools": [good]}), "1 None []"),
            (json!({"tools": [], "nextCursor": null}), "0 None []"),
            (json!({"tools": [good, good], "nextCursor": "x"}), "2 Some(\"x\") []"),
            (json!({"tools": [good, bad]}), "1 None [\"b: its inputSchema"),
            (json!({"tools": [{}, good]}), "1 None [\"entry 1 of tools: its name"),
            (json!({"tools": {}}), "\"tools\" is not an array"),
            (json!({"items": []}), "\"tools\" is missing"),
            (json!([]), "it is not an object"),
            (json!({"tools": [], "nextCursor": 7}), "\"nextCursor\" is not a string"),
        ] {
            let (mut tools, mut left_out) = (Vec::new(), Vec::new());
            let answer = to_raw_value(&answer).unwrap();
            let into = (&mut tools, &mut left_out);
            let read = match page(&answer, &TOOLS, read_tool, into, &Redactor::default()) {
                Ok(cursor) => {
                    let left_out: Vec<_> = left_out
                        .iter()
                        .map(|one| format!("{}: {}", one.name, one.reason))
                        .collect();
                    format!("{} {cursor:?} {left_out:?}", tools.len())
                }
                Err(problem) => problem,
            };
            assert!(read.starts_with(expected), "{answer}: {read}");
        }
    }

    #[test]
    fn endless_pages_end() {
        let good = json!({"name": "a", "inputSchema": {"type": "object"}});
        let full = json!({"tools": vec![good; MAX_ITEMS + 1]});
        let full = to_raw_value(&full).unwrap();
        let into = (&mut Vec::new(), &mut Vec::new());
        assert!(page(&full, &TOOLS, read_tool, into, &Redactor::default()).is_err());
    }
}
