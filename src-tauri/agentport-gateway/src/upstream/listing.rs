//! The lists of an upstream (tools, prompts, resources) and how they are read.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher as _},
};

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
};

/// Bounds of one list. More than any agent can use; an upstream that pages for ever must not hold us.
const MAX_PAGES: usize = 100;
const MAX_ITEMS: usize = 10_000;

/// Everything an upstream said about itself after it was connected. Kept as JSON, so that tools can be listed before
/// the upstream runs.
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

/// Reads all lists the upstream has, page by page. What it does not declare is not asked for. The secrets it was given
/// are taken out of whatever it says.
pub(super) async fn fetch(session: &UpstreamSession) -> Result<Listing, AttemptError> {
    let about = session.peer.peer_info();
    let about = about.as_deref();
    let capabilities = about.map(|about| about.capabilities.clone()).unwrap_or_default();
    let mut tools = match capabilities.tools {
        Some(_) => list::<Tool>(session, &TOOLS).await?,
        None => Vec::new(),
    };
    if let Some(http) = session.http() {
        http.remove_invalid_tools(&mut tools);
    }
    let prompts = match capabilities.prompts {
        Some(_) => list(session, &PROMPTS).await?,
        None => Vec::new(),
    };
    let (resources, resource_templates) = match capabilities.resources {
        Some(_) => (list(session, &RESOURCES).await?, list(session, &TEMPLATES).await?),
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
    };
    session.redactor.redact_message(listing).ok_or_else(|| {
        let problem = "one of its secrets stands where it can't be taken out".to_owned();
        UpstreamError::InvalidList { list: "what it offers", problem }.into()
    })
}

async fn list<T: DeserializeOwned>(
    session: &UpstreamSession,
    kind: &ListKind,
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
        cursor = page(&answer, kind, &mut items, &session.redactor)
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

/// Adds one page to `items`; gives the cursor of the next.
fn page<T: DeserializeOwned>(
    answer: &RawValue,
    kind: &ListKind,
    items: &mut Vec<T>,
    redactor: &Redactor,
) -> Result<Option<String>, String> {
    // Each item by itself, so that the one at fault can be named.
    let mut page: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(answer.get()).map_err(|_| "it is not an object".to_owned())?;
    let list = page.remove(kind.field).ok_or_else(|| format!("{:?} is missing", kind.field))?;
    let list: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_| format!("{:?} is not an array", kind.field))?;
    if items.len() + list.len() > MAX_ITEMS {
        return Err(format!("it has more than {MAX_ITEMS} entries"));
    }
    for item in list {
        let read = serde_json::from_str(item.get()).map_err(|problem| {
            let problem = redactor.quote(&problem.to_string(), 200);
            format!("entry {} ({}): {problem}", items.len() + 1, name_of(item, redactor))
        })?;
        items.push(read);
    }
    match page.remove("nextCursor") {
        Some(cursor) if cursor.get() != "null" => serde_json::from_str(cursor.get())
            .map(Some)
            .map_err(|_| "\"nextCursor\" is not a string".to_owned()),
        _ => Ok(None),
    }
}

fn name_of(item: &RawValue, redactor: &Redactor) -> String {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let named = serde_json::from_str::<Named>(item.get());
    named.map_or_else(|_| "without a name".to_owned(), |named| redactor.quote(&named.name, 64))
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
        let spec =
            UpstreamSpec { id, target, idle_stop: Duration::from_secs(600), last_revision: None };
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
    async fn what_is_wrong_with_a_list_is_told_without_secrets() {
        let annotations = json!({ "readOnlyHint": "#" });
        let tools = json!([{ "name": "#", "inputSchema": {}, "annotations": annotations }]);
        let refused = listed("obviously-fake", &tools).await.unwrap_err().to_string();
        assert!(refused.contains("entry 1"), "{refused}");
        assert!(!refused.contains("fake"), "{refused}");
    }

    #[test]
    fn pages_are_read_or_named() {
        let good = json!({"name": "a", "inputSchema": {"type": "object"}});
        let bad = json!({"name": "b", "inputSchema": 7});
        for (answer, expected) in [
            (json!({"tools": [good]}), "1 None"),
            (json!({"tools": [], "nextCursor": null}), "0 None"),
            (json!({"tools": [good, good], "nextCursor": "x"}), "2 Some(\"x\")"),
            (json!({"tools": [good, bad]}), "entry 2 (b): "),
            (json!({"tools": [{}]}), "entry 1 (without a name): "),
            (json!({"tools": {}}), "\"tools\" is not an array"),
            (json!({"items": []}), "\"tools\" is missing"),
            (json!([]), "it is not an object"),
            (json!({"tools": [], "nextCursor": 7}), "\"nextCursor\" is not a string"),
        ] {
            let mut tools: Vec<Tool> = Vec::new();
            let read = match page(
                &to_raw_value(&answer).unwrap(),
                &TOOLS,
                &mut tools,
                &Redactor::default(),
            ) {
                Ok(cursor) => format!("{} {cursor:?}", tools.len()),
                Err(problem) => problem,
            };
            assert!(read.starts_with(expected), "{answer}: {read}");
        }
    }

    #[test]
    fn endless_pages_end() {
        let good = json!({"name": "a", "inputSchema": {"type": "object"}});
        let mut tools: Vec<Tool> = Vec::new();
        let full = json!({"tools": vec![good; MAX_ITEMS + 1]});
        let full = to_raw_value(&full).unwrap();
        assert!(page(&full, &TOOLS, &mut tools, &Redactor::default()).is_err());
    }
}
