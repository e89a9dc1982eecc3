//! The official conformance suite, over event streams.
//!
//! The suite has no scenario for the HTTP+SSE transport and speaks only Streamable HTTP, so a front hands its messages
//! over ([`crate::bridge::suite`]). What is about HTTP itself stands in `tests/conformance/http-sse-2025-11-25.yml`.

use agentport_tests::{EventStream, Wire};
use http::StatusCode;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::task::TaskTracker;

use crate::{
    bridge::suite::{Link, run_through, suite_agent},
    scene::Scene,
};

/// An event stream, opened with the first message.
fn event_stream(wire: Wire) -> Link {
    let (say, mut said) = unbounded_channel::<Vec<u8>>();
    let (hear, heard) = unbounded_channel();
    TaskTracker::new().spawn(async move {
        let mut stream = EventStream::open(&wire, "").await;
        loop {
            tokio::select! {
                body = said.recv() => {
                    let Some(body) = body else { return };
                    let reply = stream.post(body).await;
                    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
                }
                message = stream.message() => {
                    let Some(message) = message else { return };
                    // The session it belongs to may have gone.
                    let _ = hear.send(message);
                }
            }
        }
    });
    Link { say, heard }
}

#[tokio::test]
async fn http_sse_2025_11_25() {
    let scene = Scene::empty().await;
    let key = suite_agent(&scene, "legacy").await;
    let wire = scene.gateway.wire(&key);
    let start = move || event_stream(wire.clone());
    run_through(start, "http-sse-2025-11-25", "2025-11-25", "http-sse-2025-11-25.yml").await;
    scene.stop().await;
}
