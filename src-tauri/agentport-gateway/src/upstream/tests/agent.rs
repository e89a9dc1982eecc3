//! An agent on the other side of the gateway: it can be asked, and hears progress and log messages.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rmcp::{
    ClientHandler, ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt as _,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationCapability, FormElicitationCapability, LoggingMessageNotificationParam,
        NumberOrString, ProgressNotificationParam, ProgressToken, RequestMetaObject,
    },
    service::{NotificationContext, RequestContext, RunningService},
};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;

/// The agent, and our end of its connection.
pub(super) struct Agent {
    pub(super) asked: Arc<AtomicU32>,
    pub(super) heard: mpsc::UnboundedReceiver<String>,
    server: RunningService<RoleServer, Nothing>,
    _client: RunningService<RoleClient, Client>,
}

struct Nothing;

impl ServerHandler for Nothing {}

struct Client {
    name: &'static str,
    asked: Arc<AtomicU32>,
    heard: mpsc::UnboundedSender<String>,
}

impl Agent {
    pub(super) async fn connect(name: &'static str) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let asked = Arc::<AtomicU32>::default();
        let (heard_by, heard) = mpsc::unbounded_channel();
        let client = Client { name, asked: asked.clone(), heard: heard_by };
        let (server, client) = tokio::join!(Nothing.serve(ours), client.serve(theirs));
        let (server, client) = (server.expect("a server"), client.expect("a client"));
        Self { asked, heard, server, _client: client }
    }

    /// A call of this agent's.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            log_sender: None,
            peer: Some(self.server.peer().clone()),
            modern: false,
            capabilities: capabilities(),
            progress_token: Some(ProgressToken(NumberOrString::String("mine".into()))),
            log_level: Some(rmcp::model::LoggingLevel::Info),
            meta: RequestMetaObject::from(
                json!({"progressToken": "mine", "traceparent": "00-7"})
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
            ),
            input_responses: None,
            request_state: None,
            cancelled: CancellationToken::new(),
        }
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Everything it heard so far.
    pub(super) fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

pub(super) fn capabilities() -> ClientCapabilities {
    let form = FormElicitationCapability::default();
    let mut capabilities = ClientCapabilities::default();
    capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
    capabilities
}

impl ClientHandler for Client {
    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({"name": self.name})))
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let token = json!(progress.progress_token);
        let _ = self.heard.send(format!("progress {token} {}", progress.progress));
    }

    async fn on_logging_message(
        &self,
        log: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let _ = self.heard.send(format!("log {}", log.data));
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(capabilities(), rmcp::model::Implementation::new(self.name, "1"))
    }
}
