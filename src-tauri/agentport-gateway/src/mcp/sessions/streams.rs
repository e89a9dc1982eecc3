//! Sessions of the HTTP+SSE transport: bounded in number, found by id and agent, gone with their stream.

use std::sync::Arc;

use agentport_core::AgentId;
use base64::Engine as _;

use super::{LiveSession, SessionTransport, Sessions};
use crate::{clock, mcp::http_sse::StreamSession};

/// Most open event streams of one agent.
pub(super) const MAX_STREAMS_OF_AGENT: usize = 16;
/// Most open event streams of all agents: each holds a connection of the listener.
pub(super) const MAX_STREAMS: usize = 128;

/// Why no further event stream is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyStreams {
    #[error("{MAX_STREAMS_OF_AGENT} event streams of this agent are open; close one of them first")]
    OfAgent,
    #[error("{MAX_STREAMS} event streams are open; try again later, or use /mcp")]
    Overall,
}

/// The place of an open stream among the sessions; given back on drop.
pub(crate) struct StreamPlace {
    sessions: Arc<Sessions>,
    id: String,
}

impl StreamPlace {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.sessions.forget(&self.id);
    }
}

impl Sessions {
    /// Adds the session of a stream, under a new id that cannot be guessed.
    pub(crate) fn open_stream(
        self: &Arc<Self>,
        agent: AgentId,
        stream: Arc<StreamSession>,
    ) -> Result<StreamPlace, TooManyStreams> {
        let bytes: [u8; 32] = rand::random();
        let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let mut live = self.live.lock();
        let streams = || live.values().filter(|session| !session.is_streamable_http());
        if streams().filter(|session| session.agent == agent).count() >= MAX_STREAMS_OF_AGENT {
            return Err(TooManyStreams::OfAgent);
        }
        if streams().count() >= MAX_STREAMS {
            return Err(TooManyStreams::Overall);
        }
        let session = LiveSession::new(agent, SessionTransport::HttpSse(stream), clock::now());
        live.insert(id.clone(), session);
        drop(live);
        Ok(StreamPlace { sessions: self.clone(), id })
    }

    /// The open stream of this id, if it is the agent's.
    pub(crate) fn stream(&self, id: &str, agent: AgentId) -> Option<Arc<StreamSession>> {
        match self.live.lock().get(id)? {
            LiveSession { transport: SessionTransport::HttpSse(stream), agent: owner, .. }
                if *owner == agent =>
            {
                Some(stream.clone())
            }
            _ => None,
        }
    }
}
