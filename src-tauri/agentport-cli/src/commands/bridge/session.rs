//! The session of a client of the revisions before 2026-07-28: opened with the client's own words, and opened again
//! with them when the gateway has forgotten it. The client notices nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    absent, exchange, headers,
    http::Reply,
    message::{self, Request},
    relay::{Era, Relay, Trouble},
    sse,
};

/// Subscriptions that are remembered for one client.
const MOST_SUBSCRIPTIONS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Session {
    now: Mutex<Now>,
    /// Held while a session is being opened.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Now {
    /// The client's `initialize`.
    hello: Option<(Bytes, Request)>,
    /// Its `notifications/initialized`.
    ready: Option<Bytes>,
    joined: Option<Arc<Joined>>,
    /// Sessions so far.
    number: u64,
    /// What a gateway that starts anew has forgotten: the last `logging/setLevel`, and subscriptions by URI.
    level: Option<Bytes>,
    subscriptions: Vec<(Box<str>, Bytes)>,
    /// The stream of the session is being read.
    heard: bool,
}

/// A session that has been opened.
#[derive(Debug)]
pub(super) struct Joined {
    /// A server without sessions gives none.
    pub(super) id: Option<HeaderValue>,
    /// The revision both speak.
    pub(super) version: HeaderValue,
    pub(super) number: u64,
}

#[derive(Deserialize)]
struct Hello<'a> {
    #[serde(borrow)]
    result: HelloResult<'a>,
}

#[derive(Deserialize)]
struct HelloResult<'a> {
    #[serde(borrow, rename = "protocolVersion")]
    version: std::borrow::Cow<'a, str>,
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn joined(&self) -> Option<Arc<Joined>> {
        self.lock().joined.clone()
    }

    /// Is the revision one that may have batches?
    pub(super) fn has_batches(&self) -> bool {
        let now = self.lock();
        now.joined.as_ref().is_some_and(|joined| joined.version.as_bytes() <= &b"2025-03-26"[..])
    }

    /// The revision the client asked for.
    pub(super) fn asked_version(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Asked {
            params: Params,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params {
            protocol_version: String,
        }
        let hello = self.lock().hello.as_ref().map(|(text, _)| text.clone())?;
        serde_json::from_slice::<Asked>(&hello).ok().map(|asked| asked.params.protocol_version)
    }

    /// Remembers what a gateway keeps only in memory.
    pub(super) fn note(&self, request: &Request, text: &Bytes) {
        if request.modern.is_some() {
            return;
        }
        match (&*request.method, &request.name) {
            ("logging/setLevel", _) => self.lock().level = Some(text.clone()),
            ("resources/subscribe" | "resources/unsubscribe", Some(uri)) => {
                let mut now = self.lock();
                now.subscriptions.retain(|(its, _)| its != uri);
                if &*request.method == "resources/subscribe"
                    && now.subscriptions.len() < MOST_SUBSCRIPTIONS
                {
                    now.subscriptions.push((uri.clone(), text.clone()));
                }
            }
            _ => {}
        }
    }

    /// To be said again to a gateway that has forgotten it.
    fn remembered(&self) -> Vec<Bytes> {
        let now = self.lock();
        let all = now.level.iter().chain(now.subscriptions.iter().map(|(_, text)| text));
        all.filter_map(|text| with_own_id(text)).collect()
    }
}

impl Relay {
    /// The client's `initialize`. It is answered here if there is nobody to answer it, so that the client shows us.
    pub(super) async fn initialize(self: &Arc<Self>, text: Bytes, request: &Request) {
        let before = {
            let mut now = self.session.lock();
            let (number, heard, joined) = (now.number, now.heard, now.joined.take());
            *now = Now { hello: Some((text, request.clone())), number, heard, ..Now::default() };
            joined
        };
        if let Some(before) = before {
            self.leave(&before).await;
        }
        let opening = async {
            let _opening = self.session.opening.lock().await;
            loop {
                let why = match self.open().await {
                    Ok(answer) => return answer,
                    Err(Trouble::Told(answer)) => return answer,
                    Err(Trouble::NotLetIn(why)) => why,
                    Err(_) if self.presence.wait(&self.http).await => continue,
                    Err(_) => self.presence.why(),
                };
                return absent::answer(self, request, &why);
            }
        };
        tokio::select! {
            answer = opening => self.say(answer).await,
            () = self.stop.cancelled() => {}
        }
    }

    /// The client is ready: the gateway may speak from now on.
    pub(super) async fn initialized(self: &Arc<Self>, text: Bytes) {
        let (joined, heard) = {
            let mut now = self.session.lock();
            now.ready = Some(text.clone());
            (now.joined.clone(), std::mem::replace(&mut now.heard, true))
        };
        if let Some(joined) = joined {
            self.deliver(Era::Session(joined), text).await;
        }
        if !heard {
            let relay = self.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = relay.hear() => {}
                    () = relay.stop.cancelled() => {}
                }
            });
        }
    }

    /// The session to send a request in; `None` before the client's `initialize`.
    pub(super) async fn ensure_session(&self) -> Result<Option<Arc<Joined>>, Trouble> {
        if let Some(joined) = self.session.joined() {
            return Ok(Some(joined));
        }
        if self.session.lock().hello.is_none() {
            return Ok(None);
        }
        let _opening = self.session.opening.lock().await;
        if let Some(joined) = self.session.joined() {
            return Ok(Some(joined));
        }
        self.reopen().await?;
        // What the client knows by now was said here, while there was no gateway.
        self.tell_of_changes().await;
        Ok(self.session.joined())
    }

    /// Replaces the session with this number, unless that has been done.
    pub(super) async fn renew(&self, number: u64) -> Result<(), Trouble> {
        let _opening = self.session.opening.lock().await;
        if self.session.joined().is_some_and(|joined| joined.number != number) {
            return Ok(());
        }
        tracing::info!("the session is gone; opening another");
        self.reopen().await
    }

    async fn reopen(&self) -> Result<(), Trouble> {
        self.open().await.map_err(|trouble| match trouble {
            // It answers a request that was answered long ago.
            Trouble::Told(_) => Trouble::NotLetIn("AgentPort does not take this client.".into()),
            other => other,
        })?;
        let (joined, ready) = {
            let now = self.session.lock();
            (now.joined.clone(), now.ready.clone())
        };
        if let (Some(joined), Some(ready)) = (joined, ready) {
            let reply = self.post(&Era::Session(joined.clone()), &ready).await?;
            let _ = reply.whole().await;
            self.remind(&joined).await;
        }
        Ok(())
    }

    /// Says `initialize` in the client's words. Gives the answer.
    async fn open(&self) -> Result<Bytes, Trouble> {
        let Some((text, request)) = self.session.lock().hello.clone() else {
            return Err(Trouble::Broken);
        };
        let reply = self.post(&Era::Plain, &text).await?;
        if !reply.status.is_success() {
            let (status, instance) = (reply.status, reply.instance);
            let body = reply.whole().await?;
            if status.is_server_error() && self.http.running() != Some(instance) {
                return Err(Trouble::Broken);
            }
            return Err(Trouble::Told(exchange::refusal(status, body, &request)));
        }
        let id = reply.headers.get(headers::SESSION).cloned();
        let answer = answer_of(reply, &request).await?;
        let version = serde_json::from_slice::<Hello<'_>>(&answer)
            .ok()
            .and_then(|hello| HeaderValue::from_str(&hello.result.version).ok());
        let Some(version) = version else { return Err(Trouble::Told(answer)) };
        let mut now = self.session.lock();
        now.number += 1;
        now.joined = Some(Arc::new(Joined { id, version, number: now.number }));
        Ok(answer)
    }

    /// Says once more what the gateway forgets when it ends.
    pub(super) async fn remind(&self, joined: &Arc<Joined>) {
        for text in self.session.remembered() {
            match self.post(&Era::Session(joined.clone()), &text).await {
                // Its answer is nobody's.
                Ok(reply) => drop(reply.whole().await),
                Err(trouble) => tracing::debug!(?trouble, "the gateway was not reminded"),
            }
        }
    }

    /// The lists may not be what the client has seen.
    pub(super) async fn tell_of_changes(&self) {
        if self.session.lock().ready.is_none() {
            return;
        }
        for list in ["tools", "prompts", "resources"] {
            let told =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
            self.say(told.into()).await;
        }
    }

    /// Tells the gateway that nobody waits any more, and ends the session.
    pub(super) async fn goodbye(&self) {
        let Some(joined) = self.session.joined() else { return };
        for id in self.under_way.of_session() {
            let told = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"the client has gone"}}}}"#
            );
            self.deliver(Era::Session(joined.clone()), told.into()).await;
        }
        self.leave(&joined).await;
    }

    /// Ends a session.
    pub(super) async fn leave(&self, joined: &Joined) {
        if joined.id.is_none() {
            return;
        }
        let left = self
            .send(|key| {
                let mut headers = headers::of_stream(key);
                headers::put_session(&mut headers, joined);
                (Method::DELETE, headers, Bytes::new())
            })
            .await;
        match left {
            Ok(reply) => tracing::debug!(status = %reply.status, "the session was ended"),
            Err(trouble) => tracing::debug!(?trouble, "the session could not be ended"),
        }
    }
}

/// The one message that answers the request, from JSON or from an event stream.
async fn answer_of(mut reply: Reply, request: &Request) -> Result<Bytes, Trouble> {
    if !reply.is_events() {
        return Ok(message::on_one_line(reply.whole().await?));
    }
    let mut parser = sse::Parser::default();
    let mut answer = None;
    while let Some(piece) = reply.piece().await? {
        let events = parser.feed(&piece).map_err(|_| Trouble::Broken)?;
        let data = events.into_iter().map(|event| message::on_one_line(event.data));
        answer = answer.or(data.into_iter().find(|data| message::answers(data, &request.id)));
        if answer.is_some() {
            break;
        }
    }
    answer.ok_or(Trouble::Broken)
}

/// The same request with an id that none of the client's is.
fn with_own_id(text: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        method: String,
        #[serde(borrow)]
        params: &'a RawValue,
    }
    let Asked { method, params } = serde_json::from_slice(text).ok()?;
    Some(
        format!(
            r#"{{"jsonrpc":"2.0","id":"agentport-bridge","method":"{method}","params":{params}}}"#
        )
        .into(),
    )
}
