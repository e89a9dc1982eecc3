//! A live connection to an upstream, and how it ends.

use std::{sync::Arc, time::Duration};

use rmcp::{RoleClient, service::RunningService};
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::upstream::{
    error::UpstreamError, handler::ConnectionHandler, session::UpstreamSession,
    sse::channel::SseChannel, stdio::child::ChildServer, streamable_http::http_error::closed,
};

/// Time that messages on their way have to be refused before the calls on an abandoned event stream are ended.
const ABANDON_DELAY: Duration = Duration::from_secs(2);
/// Time rmcp has to end its tasks.
const RMCP_CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// A live connection and what keeps it alive.
pub(in crate::upstream) struct LiveConnection {
    pub(in crate::upstream) session: Arc<UpstreamSession>,
    pub(in crate::upstream) child: Option<ChildServer>,
    pub(in crate::upstream) service: RunningService<RoleClient, ConnectionHandler>,
}

impl LiveConnection {
    /// Waits until a local server or an event stream has ended, or a call reports the connection as unusable.
    pub(in crate::upstream) async fn ended(&mut self) {
        if let Some(local) = &mut self.child {
            return local.ended().await;
        }
        match self.session.event_stream() {
            Some(stream) => tokio::select! {
                _ = self.session.lost() => {}
                () = stream.ended().cancelled() => {}
            },
            None => {
                self.session.lost().await;
            }
        }
    }

    /// Whether nothing but its event stream has ended, as proxies and restarted servers end it.
    pub(in crate::upstream) fn stream_ended(&self) -> bool {
        let ended = self.session.event_stream().is_some_and(|stream| stream.ended().is_cancelled());
        ended && self.session.loss().is_none()
    }

    /// Why the connection ended: for the owner, and for pending calls that cannot continue. Kills what is left of a local
    /// server's process tree.
    pub(in crate::upstream) async fn exit_reason(
        &mut self,
    ) -> (UpstreamError, Option<UpstreamError>) {
        match &mut self.child {
            Some(local) => {
                let words = local.end_at_once(true).await;
                let problem = format!("stopped; {words}");
                let told = UpstreamError::Unreachable { what: "the server".to_owned(), problem };
                (told, Some(UpstreamError::Closed { last_words: words }))
            }
            None => {
                let stream = self.session.event_stream();
                if let Some((to_owner, to_calls)) = stream.and_then(SseChannel::end_reason)
                    && self.session.loss().is_none()
                {
                    return (to_owner, Some(to_calls));
                }
                let lost = self.session.lost().await;
                // No answer comes without the event stream, which ends with the connection.
                let to_calls = stream.map(|_| closed("its connection had to be closed"));
                (lost, to_calls)
            }
        }
    }

    /// Process id of a local server.
    pub(in crate::upstream) fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(ChildServer::pid)
    }

    /// Abandons a connection to a remote server that new calls cannot use. Running calls end on their own streams, or soon
    /// if all share one.
    pub(in crate::upstream) fn abandon(self, tasks: &TaskTracker) {
        let Self { session, service, .. } = self;
        session.in_flight.close();
        tasks.spawn(async move {
            if session.event_stream().is_some() && !session.in_flight.is_empty() {
                // Messages under way are refused one by one, and may be sent again; what was accepted before gets no
                // answer of a session that the server no longer knows.
                sleep(ABANDON_DELAY).await;
                session.in_flight.fail_all(&closed("it no longer knows the session"));
            }
            let _ = tokio::time::timeout(RMCP_CANCEL_TIMEOUT, service.cancel()).await;
        });
    }

    /// Ends the connection: pending calls fail with `why`, and the process tree is gone afterwards. `force_stop` kills at once.
    pub(in crate::upstream) async fn close(
        self,
        why: &UpstreamError,
        force_stop: &CancellationToken,
    ) {
        let Self { session, child, service } = self;
        session.in_flight.fail_all(why);
        session.stop_listening().await;
        let wind_up = async {
            tokio::select! {
                _ = tokio::time::timeout(RMCP_CANCEL_TIMEOUT, service.cancel()) => {}
                () = force_stop.cancelled() => {}
            }
        };
        match child {
            Some(local) => {
                tokio::join!(local.stop(force_stop), wind_up);
            }
            None => wind_up.await,
        }
    }
}
