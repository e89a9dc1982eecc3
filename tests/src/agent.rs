//! An agent: rmcp's client over Streamable HTTP, of either era, that answers requests of the server and records
//! notifications.
#![expect(
    deprecated,
    reason = "sampling and logging are deprecated in 2026-07-28 and still have to pass through"
)]

use std::{collections::HashMap, sync::Arc};

use agentport_core::ApprovalId;
use parking_lot::Mutex;
use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
        CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
        ElicitationAction, Implementation, JsonObject, LoggingMessageNotificationParam,
        ProgressNotificationParam, ProtocolVersion, SamplingMessage, Tool,
    },
    service::{
        ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RequestContext,
        RunningService, ServiceError,
    },
    transport::{
        IntoTransport, StreamableHttpClientTransport,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    http_sse::{EventStream, HttpSseTransport},
    soon, within,
};

/// Which lifecycle the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize` with revision 2025-11-25 and a session.
    Legacy,
    /// Stateless, 2026-07-28.
    Modern,
}

/// Notifications and requests an agent has received.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    pub progress: Vec<ProgressNotificationParam>,
    pub logs: Vec<LoggingMessageNotificationParam>,
    pub tool_list_changes: usize,
    pub asked: Vec<String>,
}

/// Handler of server messages: answers requests and records everything.
#[derive(Debug, Clone)]
struct Ears {
    heard: Arc<watch::Sender<Heard>>,
    name: Arc<Mutex<String>>,
}

/// A connected agent.
pub struct Agent {
    service: RunningService<RoleClient, Ears>,
    heard: watch::Receiver<Heard>,
}

/// A tool's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// All text blocks, joined.
    pub text: String,
    pub is_error: bool,
    pub structured: Option<Value>,
    /// The whole result.
    pub raw: Value,
}

impl Agent {
    /// Connects to `url` with a key.
    pub async fn connect(url: &str, key: &str, era: Era) -> Self {
        match Self::try_connect(url, key, era).await {
            Ok(agent) => agent,
            Err(error) => panic!("the agent does not connect: {error}"),
        }
    }

    pub async fn try_connect(url: &str, key: &str, era: Era) -> Result<Self, String> {
        let mut headers = HashMap::new();
        headers.insert(
            http::HeaderName::from_static("x-api-key"),
            http::HeaderValue::from_str(key).expect("a key is a header's value"),
        );
        let transport = StreamableHttpClientTransport::with_client(
            crate::http_client(),
            StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers),
        );
        Self::over(transport, era).await
    }

    /// Connects over an event stream of the HTTP+SSE transport.
    pub async fn connect_http_sse(stream: EventStream) -> Self {
        let connected = Self::over(HttpSseTransport::new(stream), Era::Legacy).await;
        connected.unwrap_or_else(|error| panic!("the agent does not connect: {error}"))
    }

    async fn over<T, E, A>(transport: T, era: Era) -> Result<Self, String>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let (send, heard) = watch::channel(Heard::default());
        let ears = Ears { heard: send.into(), name: Arc::new(Mutex::new("someone".to_owned())) };
        let lifecycle = match era {
            Era::Legacy => ClientLifecycleMode::Initialize,
            Era::Modern => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        let service =
            soon("the agent connects", ears.serve_with_lifecycle(transport, lifecycle)).await;
        Ok(Self { service: service.map_err(|error| error.to_string())?, heard })
    }

    pub fn peer(&self) -> &rmcp::Peer<RoleClient> {
        self.service.peer()
    }

    pub async fn tools(&self) -> Vec<Tool> {
        soon("tools/list", self.peer().list_all_tools()).await.expect("a list of tools")
    }

    /// Calls a tool by its listed name. rmcp sends a progress token with every request.
    pub async fn call(&self, name: &str, arguments: Value) -> Answer {
        match self.try_call(name, arguments).await {
            Ok(result) => Answer::from(result),
            Err(error) => panic!("{name}: {error}"),
        }
    }

    pub async fn try_call(
        &self,
        name: &str,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        let arguments: JsonObject =
            arguments.as_object().cloned().expect("arguments are an object");
        let params = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
        within(std::time::Duration::from_secs(90), name, self.service.call_tool(params)).await
    }

    /// `agentport__call_tool`.
    pub async fn call_tool(&self, integration: &str, tool: &str, arguments: Value) -> Answer {
        let arguments =
            json!({"integration_id": integration, "tool_name": tool, "arguments": arguments});
        self.call("agentport__call_tool", arguments).await
    }

    /// `agentport__await_approval`.
    pub async fn await_approval(&self, id: ApprovalId) -> Answer {
        self.call("agentport__await_approval", json!({"request_id": id})).await
    }

    /// Waits until the agent has received a message that `fits`.
    pub async fn heard(&mut self, what: &str, fits: impl FnMut(&Heard) -> bool) -> Heard {
        let heard = soon(what, self.heard.wait_for(fits)).await;
        heard.expect("the agent is connected").clone()
    }

    pub fn heard_so_far(&self) -> Heard {
        self.heard.borrow().clone()
    }

    /// Closes the connection.
    pub async fn leave(self) {
        soon("the agent leaves", self.service.cancel()).await.expect("the client ends");
    }
}

impl Answer {
    /// Reads a `CallToolResult`; a JSON-RPC error counts as an error with its message.
    pub fn from_json(raw: Value) -> Self {
        if let Some(message) = raw.pointer("/error/message").and_then(Value::as_str) {
            return Self { text: message.to_owned(), is_error: true, structured: None, raw };
        }
        let blocks = raw["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        Self {
            text: texts.join("\n"),
            is_error: raw["isError"].as_bool().unwrap_or(false),
            structured: raw.get("structuredContent").cloned(),
            raw,
        }
    }

    /// The result of a call that ran and did not fail.
    #[track_caller]
    pub fn ran(self) -> Self {
        assert!(!self.is_error && !self.needs_approval(), "it should have run: {}", self.text);
        self
    }

    /// The text of a call that was refused or failed.
    #[track_caller]
    pub fn refused(&self) -> &str {
        assert!(self.is_error, "it should have been refused: {}", self.text);
        &self.text
    }

    pub fn needs_approval(&self) -> bool {
        self.request_in_text().is_some()
    }

    /// The approval id of a `needs approval` answer, checked against docs/contract.md.
    #[track_caller]
    pub fn request(&self) -> ApprovalId {
        assert!(!self.is_error, "needing approval is no error: {}", self.text);
        let id = self.request_in_text();
        let id = id.unwrap_or_else(|| panic!("it should have needed approval: {}", self.text));
        assert!(self.text.contains(&format!("/approve/{id}")), "{}", self.text);
        id
    }

    fn request_in_text(&self) -> Option<ApprovalId> {
        let (_, rest) = self.text.split_once("agentport__await_approval(request_id=\"")?;
        rest.split('"').next()?.parse().ok()
    }
}

impl From<CallToolResult> for Answer {
    fn from(result: CallToolResult) -> Self {
        Self::from_json(serde_json::to_value(result).expect("a result is JSON"))
    }
}

impl Ears {
    fn note(&self, change: impl FnOnce(&mut Heard)) {
        self.heard.send_modify(change);
    }
}

/// The defaults of a form (SEP-1034), if every field has one.
fn defaults(params: &ElicitRequestParams) -> Option<Value> {
    let params = serde_json::to_value(params).ok()?;
    let fields = params.pointer("/requestedSchema/properties")?.as_object()?;
    let content: Option<JsonObject> = fields
        .iter()
        .map(|(name, field)| Some((name.clone(), field.get("default")?.clone())))
        .collect();
    content.map(Value::Object)
}

impl ClientHandler for Ears {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder()
            .enable_elicitation()
            .enable_roots()
            .enable_sampling()
            .build();
        ClientConfig::new(capabilities, Implementation::new("agentport-test-agent", "1.0.0"))
    }

    async fn create_message(
        &self,
        _params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.note(|heard| heard.asked.push("sampling/createMessage".to_owned()));
        let message = SamplingMessage::assistant_text("Paris");
        Ok(CreateMessageResult::new(message, "test-model".to_owned()))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.note(|heard| heard.asked.push("elicitation/create".to_owned()));
        let name = self.name.lock().clone();
        let content = defaults(&params).unwrap_or_else(
            || json!({"name": name, "username": name, "email": "ada@example.org", "context": name}),
        );
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.note(|heard| heard.progress.push(params));
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.note(|heard| heard.logs.push(params));
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.note(|heard| heard.tool_list_changes += 1);
    }
}
