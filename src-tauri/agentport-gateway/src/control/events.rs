//! Server-sent events about changes. The first is a snapshot; another snapshot follows whenever a slow reader missed some.

use std::convert::Infallible;

use agentport_api::Event;
use axum::{
    extract::State,
    response::{
        Sse,
        sse::{self, KeepAlive},
    },
};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{Control, error::ApiResult};

pub(super) async fn stream(
    State(control): State<Control>,
) -> ApiResult<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>> {
    // Subscribe first, so that no change is lost between the snapshot and later events.
    let events = control.events.listen();
    let snapshot = Event::Snapshot { status: control.status().await? };
    let stop = control.soft_stop.clone();
    let rest = stream::unfold((control, events), next);
    let all = stream::once(async { snapshot })
        .chain(rest)
        .take_until(stop.cancelled_owned())
        .map(|event| Ok(sse::Event::default().json_data(event).unwrap_or_default()));
    Ok(Sse::new(all).keep_alive(KeepAlive::default()))
}

async fn next(
    (control, mut events): (Control, Receiver<Event>),
) -> Option<(Event, (Control, Receiver<Event>))> {
    match events.recv().await {
        Ok(event) => Some((event, (control, events))),
        Err(RecvError::Closed) => None,
        Err(RecvError::Lagged(_)) => {
            let status = control.status().await.ok()?;
            Some((Event::Snapshot { status }, (control, events)))
        }
    }
}
