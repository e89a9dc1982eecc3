//! An MCP server to stand behind the gateway: as a child process (this test binary, started again) or over HTTP.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequest,
        ElicitRequestParams, InputRequest, InputRequiredResult, ListToolsResult, LoggingLevel,
        LoggingMessageNotificationParam, PaginatedRequestParams, ProgressNotificationParam,
        ProtocolVersion, ResourceUpdatedNotificationParam, ServerCapabilities, ServerConfig,
        SubscribeRequestParams, SubscriptionFilter, Tool,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::upstream::{LocalTarget, UpstreamTarget};

/// Which revisions a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// The server. Clones share their state.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) era: Era,
    pub(super) state: Arc<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Calls of `slow` that have begun, and that were cancelled.
    pub(super) begun: watch::Sender<u32>,
    pub(super) cancelled: watch::Sender<u32>,
    grown: AtomicBool,
    /// Something that listeners should hear of.
    news: watch::Sender<Option<News>>,
}

#[derive(Debug, Clone)]
enum News {
    Tools,
    Resource(String),
}

/// How many tools it has at first.
pub(super) const TOOLS: usize = 18;

impl Server {
    pub(super) fn new(era: Era) -> Self {
        Self { era, state: Arc::default() }
    }

    async fn run(
        &self,
        name: &str,
        arguments: Value,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let number = arguments["n"].as_u64().unwrap_or(1) as u32;
        let text = match name {
            "marked" => arguments["region"].as_str().unwrap_or_default().to_owned(),
            "echo" => arguments["text"].as_str().unwrap_or_default().to_owned(),
            "meta" => Value::Object(context.meta.0.0.clone()).to_string(),
            "env" => {
                let environment: BTreeMap<String, String> = std::env::vars().collect();
                json!(environment).to_string()
            }
            "pid" => std::process::id().to_string(),
            "slow" => {
                self.state.begun.send_modify(|begun| *begun += 1);
                context.ct.cancelled().await;
                self.state.cancelled.send_modify(|cancelled| *cancelled += 1);
                "cancelled".to_owned()
            }
            "nap" => {
                tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
                "rested".to_owned()
            }
            "begun" => reached(&self.state.begun, number).await,
            "cancelled" => reached(&self.state.cancelled, number).await,
            "steps" => {
                let token = context.meta.get_progress_token();
                for step in 1..=3 {
                    if let Some(token) = token.clone() {
                        let progress = ProgressNotificationParam::new(token, f64::from(step));
                        context.peer.notify_progress(progress).await.map_err(failed)?;
                    }
                }
                format!("token: {}", token.is_some())
            }
            "log" => {
                for level in [LoggingLevel::Debug, LoggingLevel::Warning] {
                    let log = LoggingMessageNotificationParam::new(level, json!(level));
                    context.peer.notify_logging_message(log).await.map_err(failed)?;
                }
                "logged".to_owned()
            }
            "ask" => match context.peer.create_elicitation(question()).await {
                Ok(answer) => format!("{:?} {}", answer.action, json!(answer.content)),
                Err(error) => format!("not asked: {error}"),
            },
            "input" => match (request.input_responses, request.request_state) {
                (Some(responses), Some(state)) => format!("{state} {}", json!(responses)),
                _ => return Ok(CallToolResponse::InputRequired(input_required())),
            },
            "poll" => {
                return Ok(InputRequiredResult::from_request_state("again").into());
            }
            "child" => grandchild(),
            "crash" => {
                complain("the disk is full");
                std::process::exit(3);
            }
            "grow" => {
                self.state.grown.store(true, Ordering::Relaxed);
                self.state.news.send_replace(Some(News::Tools));
                if self.era == Era::Legacy {
                    context.peer.notify_tool_list_changed().await.map_err(failed)?;
                }
                "grown".to_owned()
            }
            "touch" => {
                let uri = arguments["uri"].as_str().unwrap_or_default();
                self.state.news.send_replace(Some(News::Resource(uri.to_owned())));
                if self.era == Era::Legacy {
                    let updated = ResourceUpdatedNotificationParam::new(uri);
                    context.peer.notify_resource_updated(updated).await.map_err(failed)?;
                }
                "touched".to_owned()
            }
            _ => {
                return Err(ErrorData::invalid_params("no such tool", Some(json!({"name": name}))));
            }
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_tool_list_changed()
                .enable_resources()
                .enable_resources_subscribe()
                .build(),
        )
        .with_instructions("Be kind.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest = match self.era {
            Era::Legacy => ProtocolVersion::V_2025_11_25,
            Era::Modern => ProtocolVersion::V_2026_07_28,
        };
        Cow::Borrowed(ProtocolVersion::known_up_to(&newest))
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut names = vec![
            "echo",
            "meta",
            "env",
            "pid",
            "slow",
            "begun",
            "cancelled",
            "steps",
            "log",
            "ask",
            "input",
            "poll",
            "child",
            "crash",
            "grow",
            "touch",
            "marked",
            "nap",
        ];
        if self.state.grown.load(Ordering::Relaxed) {
            names.push("grown");
        }
        // Two pages.
        let second = page.and_then(|page| page.cursor).is_some();
        let names = if second { &names[10..] } else { &names[..10] };
        let tools = names.iter().filter_map(|name| self.get_tool(name)).collect();
        let mut list = ListToolsResult::with_all_items(tools);
        list.next_cursor = (!second).then(|| "second".to_owned());
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let mut schema = json!({"type": "object"});
        if name == "marked" {
            schema["properties"]["region"] = json!({"type": "string", "x-mcp-header": "Region"});
        }
        let schema = schema.as_object().cloned().unwrap_or_default();
        Some(Tool::new(name.to_owned(), "a tool", schema))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.to_string();
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        self.run(&name, arguments, request, context).await
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut news = self.state.news.subscribe();
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                changed = news.changed() => changed.map_err(failed)?,
            }
            let latest = news.borrow_and_update().clone();
            let sink = subscription.sink();
            // Outside the filter it is not sent, which is no failure of ours.
            let _ = match latest {
                Some(News::Tools) => sink.notify_tool_list_changed().await,
                Some(News::Resource(uri)) => sink.notify_resource_updated(uri).await,
                None => Ok(()),
            };
        }
    }
}

fn question() -> ElicitRequestParams {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: "Who?".to_owned(),
        requested_schema: serde_json::from_value(schema).expect("a schema"),
    }
}

fn input_required() -> InputRequiredResult {
    let input = InputRequest::Elicitation(ElicitRequest::new(question()));
    InputRequiredResult::new(Some([("who".to_owned(), input)].into()), Some("state-1".to_owned()))
}

async fn reached(count: &watch::Sender<u32>, wanted: u32) -> String {
    let mut count = count.subscribe();
    let reached = count.wait_for(|count| *count >= wanted).await;
    reached.map(|count| count.to_string()).unwrap_or_default()
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn grandchild() -> String {
    std::process::Command::new("sleep")
        .arg("1000")
        .stdin(std::process::Stdio::null())
        .spawn()
        .map(|child| child.id().to_string())
        .unwrap_or_else(|error| error.to_string())
}

/// A line on standard error, as servers write them.
fn complain(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says which era the child speaks; its presence makes [`serve_stdio`] a server.
const CHILD: &str = "UPSTREAM_TEST_SERVER";

/// This test binary as a child that serves on stdio.
pub(super) fn child(era: Era) -> UpstreamTarget {
    let this = std::env::current_exe().expect("a test binary").display().to_string();
    let test = concat!(module_path!(), "::serve_stdio");
    let test = test.split_once("::").map_or(test, |(_, path)| path);
    UpstreamTarget::Local(LocalTarget {
        command: this,
        args: [test, "--exact", "--nocapture", "--test-threads=1"].map(str::to_owned).into(),
        env: [(CHILD.to_owned(), format!("{era:?}")), ("MODE".to_owned(), "test".to_owned())]
            .into(),
        secret_env: vec![("API_KEY".to_owned(), agentport_core::Secret::new("obviously-fake"))],
        secret_args: [].into(),
        cwd: None,
        startup_timeout: None,
        secrets: Vec::new(),
    })
}

/// No test: what [`child`] runs. The test harness has written a line of its own to standard output by then, which is
/// just what careless servers do.
#[test]
fn serve_stdio() {
    let Ok(era) = std::env::var(CHILD) else { return };
    let era = if era == "Modern" { Era::Modern } else { Era::Legacy };
    {
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), "\nlistening");
    }
    complain("started with obviously-fake");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let service = Server::new(era).serve(rmcp::transport::stdio()).await.expect("a client");
        let _ = service.waiting().await;
    });
    // The input was closed: that is how a server is told to end.
    std::process::exit(0);
}
