//! The routes `/control/clients/*`, as `agentport_clients::types` specifies them.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use agentport_api::{Event, Items, KeyView, paths};
use agentport_clients::{
    client::Machine,
    types::{Applied, BackupView, ClientView, PlanView, Pruned, WantPlan},
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
    aside::aside_asking,
    plane::Plane,
    plans::Plans,
    problem::ConnectError,
    site::{self, Site},
};

/// How long an original is kept that nothing refers to, in days, where the owner does not say.
const PRUNE_AFTER_DAYS: u32 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

type Answer<T> = Result<Json<T>, ConnectError>;

struct Inner {
    site: Site,
    hand: ControlHandle,
    plans: Plans,
    /// Held by who changes files.
    changing: Mutex<()>,
}

type Desk = State<Arc<Inner>>;

/// The part of the owner's plane that reads and changes the files of this machine's clients. `program` is what clients
/// are told to start (see [`crate::program`]); without one, those that can only start programs are refused.
pub fn control_extension(program: Option<PathBuf>, machine: Machine) -> ControlExtension {
    let routes = vec![
        (Method::GET, paths::CLIENTS),
        (Method::POST, paths::CLIENT_PLAN),
        (Method::POST, paths::CLIENT_PLAN_APPLY),
        (Method::GET, paths::CLIENT_BACKUPS),
        (Method::DELETE, paths::CLIENT_BACKUPS),
        (Method::POST, paths::CLIENT_BACKUPS_VERIFY),
    ];
    let build = move |hand: ControlHandle| {
        let home = hand.home().to_owned();
        let site = Site::new(machine, program, home, hand.mcp_url());
        let inner = Inner { site, hand, plans: Plans::default(), changing: Mutex::default() };
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
struct Folder {
    folder: Option<PathBuf>,
}

async fn clients(
    State(desk): Desk,
    headers: HeaderMap,
    Query(asked): Query<Folder>,
) -> Answer<Items<ClientView>> {
    let folder = asked.folder.map(|folder| site::plain(&folder, "folder")).transpose()?;
    let plane = Plane::new(&desk.hand, &headers);
    let keys: Items<KeyView> = plane.get(paths::KEYS).await?;
    let agents = desk.site.agents(Some(keys.items));
    let items = desk.site.look(folder.as_deref(), &agents).await;
    Ok(Json(Items { items }))
}

async fn plan(
    State(desk): Desk,
    headers: HeaderMap,
    Path(client): Path<String>,
    Json(want): Json<WantPlan>,
) -> Answer<PlanView> {
    let plane = Plane::new(&desk.hand, &headers);
    let id = Uuid::new_v4();
    let site = desk.site.clone();
    let (prepared, view) = aside_asking(async move || {
        let prepared = site.prepare(Some(&plane), &client, &want).await?;
        let view = prepared.view(id.to_string());
        Ok::<_, ConnectError>((prepared, view))
    })
    .await?;
    desk.plans.keep(id, prepared, Instant::now());
    Ok(Json(view))
}

async fn apply(State(desk): Desk, headers: HeaderMap, Path(id): Path<String>) -> Answer<Applied> {
    let id = Uuid::parse_str(&id).map_err(|_| ConnectError::NoSuchPlan)?;
    // One at a time: a plan is carried out once, and two never work on one file.
    let _changing = desk.changing.lock().await;
    let prepared = desk.plans.find(id, Instant::now()).ok_or(ConnectError::NoSuchPlan)?;
    let plane = Plane::new(&desk.hand, &headers);
    let applied = desk.site.carry_out(&plane, &prepared).await?;
    desk.plans.forget(id);
    Ok(Json(applied))
}

#[derive(Deserialize)]
struct OfClient {
    client: Option<String>,
}

async fn backups(State(desk): Desk, Query(of): Query<OfClient>) -> Answer<Items<BackupView>> {
    let items = match desk.site.backups_if_any().await? {
        Some(backups) => backups.list(of.client.as_deref()).await?,
        None => Vec::new(),
    };
    Ok(Json(Items { items }))
}

async fn verify(State(desk): Desk, Query(of): Query<OfClient>) -> Answer<Items<BackupView>> {
    let items = match desk.site.backups_if_any().await? {
        Some(backups) => backups.verify(of.client.as_deref()).await?,
        None => Vec::new(),
    };
    Ok(Json(Items { items }))
}

#[derive(Deserialize)]
struct OlderThan {
    older_than_days: Option<u32>,
}

async fn prune(State(desk): Desk, Query(than): Query<OlderThan>) -> Answer<Pruned> {
    let days = than.older_than_days.unwrap_or(PRUNE_AFTER_DAYS);
    let _changing = desk.changing.lock().await;
    let pruned = match desk.site.backups_if_any().await? {
        Some(backups) => backups.prune(clock::now().minus(DAY * days)).await?,
        None => Pruned { dropped: 0, bytes: 0 },
    };
    desk.hand.tell(Event::Clients);
    Ok(Json(pruned))
}
