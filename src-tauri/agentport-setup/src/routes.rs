//! The routes `/control/clients/*`, as `agentport_clients::types` specifies them.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use agentport_api::{Event, Items, KeyView, paths};
use agentport_clients::{
    client::Machine,
    types::{Applied, BackupView, ClientView, PlanRequest, PlanView, Pruned},
};
use agentport_gateway::{ControlExtension, ControlHandle, clock};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post},
};
use http::{HeaderMap, Method};
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    blocking::run_blocking_async,
    control,
    error::SetupError,
    installation::{self, Installation},
    plan_store::PlanStore,
};

/// Age in days from which an unreferenced original is pruned, where the request does not say.
const DEFAULT_PRUNE_AGE_DAYS: u32 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

type RouteResult<T> = Result<Json<T>, SetupError>;

struct ClientsApi {
    installation: Installation,
    handle: ControlHandle,
    plans: PlanStore,
    /// Held while files are changed: one plan at a time.
    changing: Mutex<()>,
}

type ApiState = State<Arc<ClientsApi>>;

/// The part of the control API that reads and changes the config files of this machine's MCP clients. `program` is what
/// clients start as their bridge (see [`crate::cli_path`]); without one, clients that can only start programs are refused.
pub fn control_extension(program: Option<PathBuf>, machine: Machine) -> ControlExtension {
    let routes = vec![
        (Method::GET, paths::CLIENTS),
        (Method::POST, paths::CLIENT_PLAN),
        (Method::POST, paths::CLIENT_PLAN_APPLY),
        (Method::GET, paths::CLIENT_BACKUPS),
        (Method::DELETE, paths::CLIENT_BACKUPS),
        (Method::POST, paths::CLIENT_BACKUPS_VERIFY),
    ];
    let build = move |handle: ControlHandle| {
        let home = handle.home().to_owned();
        let installation = Installation::new(machine, program, home, handle.mcp_url());
        let inner = ClientsApi {
            installation,
            handle,
            plans: PlanStore::default(),
            changing: Mutex::default(),
        };
        Router::new()
            .route(paths::CLIENTS, get(clients))
            .route(paths::CLIENT_PLAN, post(plan))
            .route(paths::CLIENT_PLAN_APPLY, post(apply))
            .route(paths::CLIENT_BACKUPS, get(backups).delete(prune))
            .route(paths::CLIENT_BACKUPS_VERIFY, post(verify))
            .with_state(Arc::new(inner))
    };
    ControlExtension { routes, build: Box::new(build) }
}

#[derive(Deserialize)]
struct FolderQuery {
    folder: Option<PathBuf>,
}

async fn clients(
    State(api): ApiState,
    headers: HeaderMap,
    Query(query): Query<FolderQuery>,
) -> RouteResult<Items<ClientView>> {
    let folder = query.folder.map(|folder| installation::plain(&folder, "folder")).transpose()?;
    let control = control::client(&api.handle, &headers);
    let keys: Vec<KeyView> = control.list(paths::KEYS).await?;
    let agents = api.installation.agents(Some(keys));
    let items = api.installation.list_clients(folder.as_deref(), &agents).await;
    Ok(Json(Items { items }))
}

async fn plan(
    State(api): ApiState,
    headers: HeaderMap,
    Path(client): Path<String>,
    Json(request): Json<PlanRequest>,
) -> RouteResult<PlanView> {
    let control = control::client(&api.handle, &headers);
    let id = Uuid::new_v4();
    let installation = api.installation.clone();
    let (prepared, view) = run_blocking_async(async move || {
        let prepared = installation.prepare(Some(&control), &client, &request).await?;
        let view = prepared.view(id.to_string());
        Ok::<_, SetupError>((prepared, view))
    })
    .await?;
    api.plans.insert(id, prepared, Instant::now());
    Ok(Json(view))
}

async fn apply(
    State(api): ApiState,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> RouteResult<Applied> {
    let id = Uuid::parse_str(&id).map_err(|_| SetupError::NoSuchPlan)?;
    // One at a time: a plan is applied once, and two plans never edit one file at once.
    let _changing = api.changing.lock().await;
    let prepared = api.plans.find(id, Instant::now()).ok_or(SetupError::NoSuchPlan)?;
    let control = control::client(&api.handle, &headers);
    let applied = api.installation.apply(&control, &prepared).await?;
    api.plans.remove(id);
    Ok(Json(applied))
}

#[derive(Deserialize)]
struct ClientFilter {
    client: Option<String>,
}

async fn backups(
    State(api): ApiState,
    Query(filter): Query<ClientFilter>,
) -> RouteResult<Items<BackupView>> {
    let items = match api.installation.backups_if_any().await? {
        Some(backups) => backups.list(filter.client.as_deref()).await?,
        None => Vec::new(),
    };
    Ok(Json(Items { items }))
}

async fn verify(
    State(api): ApiState,
    Query(filter): Query<ClientFilter>,
) -> RouteResult<Items<BackupView>> {
    let items = match api.installation.backups_if_any().await? {
        Some(backups) => backups.verify(filter.client.as_deref()).await?,
        None => Vec::new(),
    };
    Ok(Json(Items { items }))
}

#[derive(Deserialize)]
struct PruneQuery {
    older_than_days: Option<u32>,
}

async fn prune(State(api): ApiState, Query(query): Query<PruneQuery>) -> RouteResult<Pruned> {
    let days = query.older_than_days.unwrap_or(DEFAULT_PRUNE_AGE_DAYS);
    let _changing = api.changing.lock().await;
    let pruned = match api.installation.backups_if_any().await? {
        Some(backups) => backups.prune(clock::now().minus(DAY * days)).await?,
        None => Pruned { dropped: 0, bytes: 0 },
    };
    api.handle.tell(Event::Clients);
    Ok(Json(pruned))
}
