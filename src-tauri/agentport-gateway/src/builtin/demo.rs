//! The demo integration: notes, to try the gateway without an account. Reading is allowed, adding asks, deleting is
//! blocked.

use agentport_api::Connection;
use agentport_core::{
    IntegrationId, RuleId, Timestamp,
    mcp::LATEST_REVISION,
    policy::{IntegrationPolicy, Mode, Origin, Rule, Scope},
};
use rmcp::model::{
    Implementation, JsonObject, ServerCapabilities, ServerResult, Tool, ToolAnnotations,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{failure, object};
use crate::{
    catalogue::PublishedTool,
    clock,
    store::{self, IntegrationRow, Store},
    upstream::{Listing, UpstreamError},
};

pub(crate) const ID: &str = "demo";
const MAX_NOTE: usize = 10_000;

pub(crate) fn id() -> IntegrationId {
    IntegrationId::new(ID).unwrap_or_else(|_| unreachable!("\"demo\" is a valid id"))
}

/// The demo's tools.
pub(crate) fn listing() -> Listing {
    Listing {
        tools: tools(),
        prompts: Vec::new(),
        resources: Vec::new(),
        resource_templates: Vec::new(),
        capabilities: ServerCapabilities::builder().enable_tools().build(),
        instructions: None,
        server: Implementation::new("agentport-demo", env!("CARGO_PKG_VERSION")),
        revision: LATEST_REVISION.to_owned(),
        transport: None,
        left_out: Vec::new(),
    }
}

fn tools() -> Vec<Tool> {
    let no_arguments = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let by_id = json!({
        "type": "object",
        "properties": { "id": { "type": "integer", "description": "The note's number" } },
        "required": ["id"],
        "additionalProperties": false,
    });
    let text = json!({
        "type": "object",
        "properties": { "text": { "type": "string", "minLength": 1, "maxLength": MAX_NOTE, "description": "What the note says" } },
        "required": ["text"],
        "additionalProperties": false,
    });
    vec![
        tool("list_notes", "List notes", "Lists all notes with their numbers.", no_arguments, true),
        tool("read_note", "Read a note", "Returns one note.", by_id.clone(), true),
        tool("add_note", "Add a note", "Adds a note. The owner is asked first.", text, false)
            .with_annotations(
                ToolAnnotations::new().read_only(false).destructive(false).open_world(false),
            ),
        tool("delete_note", "Delete a note", "Deletes a note. Blocked by default.", by_id, false)
            .with_annotations(
                ToolAnnotations::new().read_only(false).destructive(true).open_world(false),
            ),
    ]
}

fn tool(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    schema: Value,
    read_only: bool,
) -> Tool {
    let Value::Object(schema) = schema else { unreachable!("schemas here are objects") };
    Tool::new(name, description, schema)
        .with_title(title)
        .with_annotations(ToolAnnotations::new().read_only(read_only).open_world(false))
}

pub(super) async fn call(
    store: &Store,
    name: &str,
    arguments: &JsonObject,
) -> Result<ServerResult, UpstreamError> {
    let id = arguments.get("id").and_then(Value::as_i64).unwrap_or_default();
    let no_note = || failure(format!("There is no note {id}. list_notes shows those there are."));
    let as_json = |note: &store::NoteRow| json!({ "id": note.id, "text": note.text, "created_at": note.created_at });
    let failed = |error: store::StoreError| UpstreamError::Protocol {
        problem: format!("the notes could not be reached: {error}"),
    };
    Ok(match name {
        "list_notes" => {
            let notes = store.notes().await.map_err(failed)?;
            object(json!({ "notes": notes.iter().map(as_json).collect::<Vec<_>>() }))
        }
        "read_note" => match store.note(id).await.map_err(failed)? {
            Some(note) => object(as_json(&note)),
            None => no_note(),
        },
        "add_note" => {
            let text = arguments.get("text").and_then(Value::as_str).unwrap_or_default();
            object(as_json(&store.add_note(text, clock::now()).await.map_err(failed)?))
        }
        "delete_note" => {
            if store.delete_note(id).await.map_err(failed)? {
                object(json!({ "deleted": id }))
            } else {
                no_note()
            }
        }
        other => failure(format!("The demo has no tool {other:?}.")),
    })
}

/// The demo as an integration.
pub(crate) fn row(now: Timestamp) -> IntegrationRow {
    IntegrationRow {
        id: id(),
        name: "Demo notes".to_owned(),
        connection: Connection::Builtin { name: ID.to_owned() },
        tags: Vec::new(),
        policy: IntegrationPolicy::default(),
        resources: false,
        enabled: true,
        auth_method: "none".to_owned(),
        added_at: now,
        imported: None,
    }
}

/// The demo's rules: reading is allowed, deleting is denied; adding has no rule and so asks.
pub(crate) fn rules(now: Timestamp) -> impl Iterator<Item = Rule> {
    tools().into_iter().filter_map(move |tool| {
        let mode = match &*tool.name {
            "list_notes" | "read_note" => Mode::Allow,
            "delete_note" => Mode::Deny,
            _ => return None,
        };
        let published = PublishedTool::new(id(), tool);
        Some(Rule {
            id: RuleId(Uuid::now_v7()),
            scope: Scope::Tool { integration: id(), tool: published.name().to_owned() },
            mode,
            agent: None,
            conditions: Vec::new(),
            digest: (mode == Mode::Allow).then_some(published.digest),
            expires_at: None,
            session: false,
            origin: Origin::Builtin,
            created_at: now,
        })
    })
}
