//! UpstreamRegistry with real parts: child processes and HTTP servers that speak MCP, and an agent that answers.

mod aged;
mod agent;
mod asking;
mod life;
mod local;
mod odd;
mod remote;
mod server;
mod sse;
mod sse_server;
mod streams;

use std::{sync::Arc, time::Duration};

use agentport_api::{Health, LastError};
use agentport_core::IntegrationId;
use rmcp::model::{JsonObject, ServerResult};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Listing, UpstreamError, UpstreamRegistry, UpstreamSink, UpstreamSpec, UpstreamTarget, call,
};
use crate::{call::permit::Operation, caller::Caller};

/// Longer than anything here takes; only a broken test waits for it.
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// What a sink was told.
#[derive(Debug, Clone)]
enum Told {
    Listing(Box<Listing>),
    Health(Health, Option<u32>, Option<LastError>),
    Updated(String),
}

impl Told {
    fn name(&self) -> &'static str {
        match self {
            Self::Listing(_) => "listing",
            Self::Updated(_) => "updated",
            Self::Health(Health::Idle, ..) => "idle",
            Self::Health(Health::Starting, ..) => "starting",
            Self::Health(Health::Ready, ..) => "ready",
            Self::Health(Health::NeedsAuth { .. }, ..) => "needs auth",
            Self::Health(Health::Failed { .. }, ..) => "failed",
            Self::Health(Health::Disabled, ..) => "disabled",
        }
    }
}

struct Sink(mpsc::UnboundedSender<Told>);

impl UpstreamSink for Sink {
    fn listing(&self, _: &IntegrationId, listing: Listing) {
        let _ = self.0.send(Told::Listing(Box::new(listing)));
    }

    fn health(
        &self,
        _: &IntegrationId,
        health: Health,
        pid: Option<u32>,
        last_error: Option<LastError>,
    ) {
        let _ = self.0.send(Told::Health(health, pid, last_error));
    }

    fn updated(&self, _: &IntegrationId, uri: &str) {
        let _ = self.0.send(Told::Updated(uri.to_owned()));
    }
}

/// UpstreamRegistry with one integration named `x`, and what they tell.
struct Bench {
    upstreams: UpstreamRegistry,
    tasks: TaskTracker,
    told: Mutex<mpsc::UnboundedReceiver<Told>>,
}

impl Bench {
    fn new(target: UpstreamTarget) -> Self {
        let bench = Self::empty();
        bench.upstreams.add(spec(target));
        bench
    }

    fn empty() -> Self {
        // Another test may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sink, told) = mpsc::unbounded_channel();
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let upstreams = UpstreamRegistry::new(tasks.clone(), stop, Arc::new(Sink(sink)), None);
        Self { upstreams, tasks, told: Mutex::new(told) }
    }

    /// Calls a tool with nobody listening.
    async fn tool(&self, name: &str, arguments: Value) -> Result<String, UpstreamError> {
        self.tool_for(&Caller::default(), name, arguments).await
    }

    async fn tool_for(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Value,
    ) -> Result<String, UpstreamError> {
        self.operation(caller, tool(name, arguments), EVENT_TIMEOUT)
            .await
            .map(|result| text(&result))
    }

    /// What [`UpstreamRegistry::call`] does, without the permit that only the pipeline can make.
    async fn operation(
        &self,
        caller: &Caller,
        operation: Operation,
        deadline: Duration,
    ) -> Result<ServerResult, UpstreamError> {
        let integration = self.upstreams.find(&id()).expect("the integration was added");
        call::run(&integration, operation, None, deadline, caller).await
    }

    /// Waits until the sink is told something that `wanted` takes.
    async fn until<T>(&self, mut wanted: impl FnMut(Told) -> Option<T>) -> T {
        let mut told = self.told.lock().await;
        let found = async {
            loop {
                if let Some(found) = wanted(told.recv().await.expect("the sink lives")) {
                    return found;
                }
            }
        };
        tokio::time::timeout(EVENT_TIMEOUT, found).await.expect("the sink was not told in time")
    }

    async fn until_ready(&self) -> Option<u32> {
        self.until(|told| match told {
            Told::Health(Health::Ready, pid, _) => Some(pid),
            _ => None,
        })
        .await
    }

    async fn until_listing(&self) -> Listing {
        self.until(|told| match told {
            Told::Listing(listing) => Some(*listing),
            _ => None,
        })
        .await
    }

    async fn until_updated(&self) -> String {
        self.until(|told| match told {
            Told::Updated(uri) => Some(uri),
            _ => None,
        })
        .await
    }

    async fn until_health(&self, name: &'static str) {
        self.until(|told| (told.name() == name).then_some(())).await;
    }

    /// Everything the sink was told so far, in short.
    async fn history(&self) -> Vec<&'static str> {
        let mut told = self.told.lock().await;
        std::iter::from_fn(|| told.try_recv().ok()).map(|told| told.name()).collect()
    }

    /// Stops everything, and waits for every task.
    async fn end(self) {
        self.upstreams.stop(EVENT_TIMEOUT).await;
        self.tasks.close();
        let over = tokio::time::timeout(EVENT_TIMEOUT, self.tasks.wait()).await;
        assert!(over.is_ok(), "a task goes on after everything was stopped");
    }
}

fn id() -> IntegrationId {
    IntegrationId::new("x").unwrap()
}

fn spec(target: UpstreamTarget) -> UpstreamSpec {
    UpstreamSpec {
        id: id(),
        target,
        idle_stop: Duration::from_secs(600),
        last_revision: None,
        last_transport: None,
    }
}

fn tool(name: &str, arguments: Value) -> Operation {
    let arguments = match arguments {
        Value::Object(arguments) => Some(arguments),
        _ => None::<JsonObject>,
    };
    Operation::CallTool { name: name.to_owned(), arguments }
}

/// The text of a tool's result.
fn text(result: &ServerResult) -> String {
    match result {
        ServerResult::CallToolResult(result) => result
            .content
            .iter()
            .filter_map(|block| block.as_text().map(|text| text.text.clone()))
            .collect::<Vec<_>>()
            .join("\n"),
        other => format!("{other:?}"),
    }
}
