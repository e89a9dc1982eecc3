//! Client handler for rmcp: requests and notifications of the upstream that did not arrive with the answer to a call.

use std::sync::Arc;

use agentport_core::IntegrationId;
use arc_swap::ArcSwap;
use rmcp::{
    RoleClient, Service,
    model::{
        ClientCapabilities, ClientConfig, ClientResult, ElicitationCapability, ErrorCode,
        ErrorData, FormElicitationCapability, GetMeta as _, Implementation, ProtocolVersion,
        RootsCapabilities, SamplingCapability, ServerNotification, ServerRequest,
        UrlElicitationCapability,
    },
    service::{NotificationContext, RequestContext},
};
use tokio::sync::{Notify, oneshot};

use super::{
    UpstreamSink,
    definitions::ListState,
    in_flight::{CallEvent, InFlight, PendingCall, QuestionAnswer, ServerQuestion},
};

/// Notifications of an upstream that concern no call.
pub(super) struct UpstreamEvents {
    /// Changes once, when an integration that was tried without an id gets one.
    id: ArcSwap<IntegrationId>,
    sink: Arc<dyn UpstreamSink>,
    /// A list may have changed.
    pub(super) lists_changed: Notify,
    /// Whether calls have to wait for the tool list.
    pub(super) lists: Arc<ListState>,
}

impl UpstreamEvents {
    pub(super) fn new(id: IntegrationId, sink: Arc<dyn UpstreamSink>) -> Arc<Self> {
        let id = ArcSwap::from_pointee(id);
        Arc::new(Self { id, sink, lists_changed: Notify::new(), lists: Arc::default() })
    }

    pub(super) fn set_id(&self, id: IntegrationId) {
        self.id.store(Arc::new(id));
    }

    /// Handles a notification of that kind; ignores others.
    pub(super) fn on_notification(&self, notification: &ServerNotification) {
        match notification {
            ServerNotification::ToolListChangedNotification(_) => {
                self.lists.announce();
                self.lists_changed.notify_one();
            }
            ServerNotification::PromptListChangedNotification(_)
            | ServerNotification::ResourceListChangedNotification(_) => {
                self.lists_changed.notify_one();
            }
            ServerNotification::ResourceUpdatedNotification(updated) => {
                self.sink.updated(&self.id.load(), &updated.params.uri);
            }
            _ => {}
        }
    }
}

/// The `clientInfo` sent to every upstream.
pub(super) fn implementation() -> Implementation {
    Implementation::new("agentport", env!("CARGO_PKG_VERSION"))
}

/// Receives requests and notifications of one connection.
pub(super) struct ConnectionHandler {
    pub(super) in_flight: Arc<InFlight>,
    pub(super) events: Arc<UpstreamEvents>,
    /// The version named in `initialize`.
    pub(super) version: ProtocolVersion,
}

impl Service<RoleClient> for ConnectionHandler {
    async fn handle_request(
        &self,
        mut request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        if let ServerRequest::PingRequest(_) = request {
            return Ok(ClientResult::empty(()));
        }
        *request.get_meta_mut() = context.meta;
        let Some(call) = self.in_flight.only_agent_call() else { return Err(ambiguous_call()) };
        let answer = enqueue_question(&call, request);
        tokio::select! {
            answer = answer => answer.unwrap_or_else(|_| Err(cannot_be_asked())),
            () = context.ct.cancelled() => Err(cannot_be_asked()),
        }
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        match notification {
            ServerNotification::ProgressNotification(progress) => {
                self.in_flight.deliver_progress(progress.params);
            }
            ServerNotification::LoggingMessageNotification(log) => {
                if let Some(call) = self.in_flight.only_agent_call() {
                    call.push_event(CallEvent::Log(log.params));
                }
            }
            other => self.events.on_notification(&other),
        }
        Ok(())
    }

    /// Capabilities a shared connection declares in its handshake (before 2026-07-28): all that any agent's client may have.
    /// Whether the client of a particular call has one is checked when the upstream asks.
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(
            ElicitationCapability::new()
                .with_form(FormElicitationCapability::default())
                .with_url(UrlElicitationCapability::default()),
        );
        capabilities.sampling = Some(SamplingCapability::default());
        capabilities.roots = Some(RootsCapabilities::default());
        let mut config = ClientConfig::new(capabilities, implementation());
        config.protocol_version = self.version.clone();
        config
    }
}

/// Queues a request of the upstream for a call. The answer's sender is dropped at once if the call cannot take it.
pub(super) fn enqueue_question(
    call: &PendingCall,
    request: ServerRequest,
) -> oneshot::Receiver<QuestionAnswer> {
    let (answer, answered) = oneshot::channel();
    call.push_event(CallEvent::Question(ServerQuestion { request, answer }));
    answered
}

/// Error for an upstream that asks while none or several calls run.
fn ambiguous_call() -> ErrorData {
    ErrorData::new(
        ErrorCode::INVALID_REQUEST,
        "the gateway cannot tell which call this request belongs to, so nobody was asked",
        None,
    )
}

/// Error for an upstream that asks an agent whose client cannot answer.
pub(super) fn cannot_be_asked() -> ErrorData {
    ErrorData::new(
        ErrorCode::METHOD_NOT_FOUND,
        "the client of the agent that called cannot be asked this",
        None,
    )
}
