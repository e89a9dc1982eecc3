//! One request, from the client's line to its answer.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    absent, headers,
    http::{Failure, Instance, Reply},
    message::{self, INTERNAL_ERROR, Request},
    relay::{Era, Relay, Trouble},
    repeat,
    session::Joined,
    sse,
    under_way::Entry,
};

/// How often a stream is taken up again that ends without an answer.
const RESUMPTIONS: usize = 5;
/// How often a request is sent again to a gateway that is there.
const REPETITIONS: u32 = 5;
const BEFORE_REPEATING: std::time::Duration = std::time::Duration::from_millis(20);
/// JSON-RPC error of revision 2026-07-28: a header does not say what the body does.
const HEADER_MISMATCH: i64 = -32020;

impl Relay {
    /// Gets the answer to a request, and writes it and whatever comes before it to the client.
    pub(super) async fn carry(
        &self,
        text: &Bytes,
        request: &Request,
        entry: &Entry,
        begun: oneshot::Sender<()>,
    ) {
        if &*request.method == "subscriptions/listen" && request.modern.is_some() {
            drop(begun);
            return self.listen(text, request).await;
        }
        let mut begun = Some(begun);
        let mut refreshed = false;
        let mut tries = 0;
        loop {
            let trouble = match self.attempt(text, request, entry, &mut begun, &mut refreshed).await
            {
                Ok(()) => return,
                Err(Trouble::SessionGone(number)) => match self.renew(number).await {
                    Ok(()) => Trouble::SessionGone(number),
                    Err(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            entry.sent.store(false, Ordering::Relaxed);
            let answer = match trouble {
                Trouble::Nobody => match self.presence.wait(&self.http).await {
                    true => continue,
                    false => absent::answer(self, request, &self.presence.why()),
                },
                Trouble::Broken if entry.is_cancelled() => return,
                // Nothing of it was carried out.
                Trouble::SessionGone(_) if again(&mut tries).await => continue,
                Trouble::Broken if repeat::is_harmless(request) && again(&mut tries).await => {
                    continue;
                }
                Trouble::Broken if &*request.method == "tools/call" => {
                    message::tool_error(request, repeat::LOST)
                }
                Trouble::Broken | Trouble::SessionGone(_) => message::error(
                    Some(&request.id),
                    INTERNAL_ERROR,
                    "AgentPort's gateway went away while this request was under way",
                ),
                Trouble::NotLetIn(why) => absent::answer(self, request, &why),
                Trouble::Told(answer) => answer,
            };
            return self.say(answer).await;
        }
    }

    async fn attempt(
        &self,
        text: &Bytes,
        request: &Request,
        entry: &Entry,
        begun: &mut Option<oneshot::Sender<()>>,
        refreshed: &mut bool,
    ) -> Result<(), Trouble> {
        let era = self.era(request).await?;
        self.session.note(request, text);
        entry.sent.store(true, Ordering::Relaxed);
        let reply = self.post(&era, text).await?;
        // The gateway has it; whoever comes next may go.
        drop(begun.take());
        if reply.status == StatusCode::BAD_REQUEST
            && let Era::Modern { .. } = era
            && &*request.method == "tools/call"
            && !std::mem::replace(refreshed, true)
        {
            let body = reply.whole().await?;
            if self.learn_headers(&body, text, request).await {
                return Box::pin(self.attempt(text, request, entry, begun, refreshed)).await;
            }
            self.say(refusal(StatusCode::BAD_REQUEST, body, request)).await;
            return Ok(());
        }
        self.answer(reply, &era, request, entry).await
    }

    /// Where the request belongs. A client that was answered here while there was no gateway gets its session now.
    async fn era(&self, request: &Request) -> Result<Era, Trouble> {
        match &request.modern {
            Some(version) => Ok(Era::Modern {
                version: version.clone(),
                method: request.method.clone(),
                name: request.name.clone(),
            }),
            None => Ok(self.ensure_session().await?.map_or(Era::Plain, Era::Session)),
        }
    }

    /// Reads an answer to its end.
    async fn answer(
        &self,
        reply: Reply,
        era: &Era,
        request: &Request,
        entry: &Entry,
    ) -> Result<(), Trouble> {
        match (reply.status, era) {
            (StatusCode::NOT_FOUND, Era::Session(joined)) if joined.id.is_some() => {
                return Err(Trouble::SessionGone(joined.number));
            }
            (status, _) if status.is_success() => {}
            (status, _) => {
                let instance = reply.instance;
                let body = reply.whole().await?;
                // What a gateway says while it ends is about itself.
                if status.is_server_error() && self.http.running() != Some(instance) {
                    return Err(Trouble::Broken);
                }
                self.say(refusal(status, body, request)).await;
                return Ok(());
            }
        }
        if reply.is_events() {
            return self.events(reply, era, request, entry).await;
        }
        let body = message::on_one_line(reply.whole().await?);
        if body.is_empty() {
            let told = "AgentPort's gateway gave no answer";
            self.say(message::error(Some(&request.id), INTERNAL_ERROR, told)).await;
            return Ok(());
        }
        if !message::answers(&body, &request.id) {
            self.say(refusal(StatusCode::OK, body, request)).await;
            return Ok(());
        }
        self.learn(request, &body);
        self.say(body).await;
        Ok(())
    }

    /// Reads an event stream until the answer comes, and takes it up again where it broke off, if it can be.
    async fn events(
        &self,
        mut reply: Reply,
        era: &Era,
        request: &Request,
        entry: &Entry,
    ) -> Result<(), Trouble> {
        let instance = reply.instance;
        let mut last = Last::default();
        let mut resumptions = 0;
        loop {
            if self.read(&mut reply, request, &mut last).await? {
                return Ok(());
            }
            if entry.is_cancelled() {
                return Ok(());
            }
            let (Era::Session(joined), Some(id)) = (era, last.id.clone()) else {
                return Err(Trouble::Broken);
            };
            resumptions += 1;
            if resumptions > RESUMPTIONS || self.http.running() != Some(instance) {
                return Err(Trouble::Broken);
            }
            tokio::time::sleep(last.retry.unwrap_or_default().min(MOST_RETRY)).await;
            reply = match self.resume(joined, &id).await {
                Ok(reply) if reply.instance == instance && reply.is_events() => reply,
                _ => return Err(Trouble::Broken),
            };
        }
    }

    /// `true`: the answer has come. `false`: the stream has ended.
    async fn read(
        &self,
        reply: &mut Reply,
        request: &Request,
        last: &mut Last,
    ) -> Result<bool, Trouble> {
        let mut parser = sse::Parser::default();
        loop {
            let piece = match reply.piece().await {
                Ok(Some(piece)) => piece,
                Ok(None) | Err(Failure::Broken | Failure::Nobody) => return Ok(false),
            };
            let events = parser.feed(&piece).map_err(|error| {
                Trouble::Told(message::error(Some(&request.id), INTERNAL_ERROR, &error.to_string()))
            })?;
            for event in events {
                if !last.is_new(&event) {
                    continue;
                }
                let data = message::on_one_line(event.data);
                let answered = message::answers(&data, &request.id);
                if answered {
                    self.learn(request, &data);
                }
                self.say(data).await;
                if answered {
                    self.finish(reply).await;
                    return Ok(true);
                }
            }
        }
    }

    /// Reads what follows the answer, which is the end, so that the connection can be used again.
    async fn finish(&self, reply: &mut Reply) {
        let end = async { while let Ok(Some(_)) = reply.piece().await {} };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), end).await;
    }

    /// Asks for what followed an event (2025-11-25, Streamable HTTP, "resumability and redelivery").
    pub(super) async fn resume(&self, joined: &Joined, after: &str) -> Result<Reply, Trouble> {
        self.send(|key| {
            let mut headers = headers::of_stream(key);
            headers::put_session(&mut headers, joined);
            if let Ok(id) = HeaderValue::from_str(after) {
                headers.insert(headers::LAST_EVENT, id);
            }
            (Method::GET, headers, Bytes::new())
        })
        .await
    }

    fn learn(&self, request: &Request, answer: &[u8]) {
        if &*request.method == "tools/list" && request.modern.is_some() {
            self.params.learn(answer);
        }
    }

    /// The gateway misses headers that only the tool's definition tells of: looks it up. `true`: send it again.
    async fn learn_headers(&self, body: &[u8], text: &Bytes, request: &Request) -> bool {
        #[derive(Deserialize)]
        struct Code {
            code: i64,
        }
        let code =
            message::error_of(body).and_then(|error| serde_json::from_str::<Code>(error).ok());
        let (Some(version), Some(tool)) = (&request.modern, &request.name) else { return false };
        if code.is_none_or(|error| error.code != HEADER_MISMATCH) || self.params.knows(tool) {
            return false;
        }
        let Some(list) = list_like(text) else { return false };
        let era = Era::Modern { version: version.clone(), method: "tools/list".into(), name: None };
        if let Ok(reply) = self.post(&era, &list).await
            && let Ok(answer) = reply.whole().await
        {
            self.params.learn(&answer);
        }
        self.params.knows(tool)
    }
}

/// Once more? Not for ever: a gateway that is there and cannot answer is not mended by asking.
async fn again(tries: &mut u32) -> bool {
    *tries += 1;
    tokio::time::sleep(BEFORE_REPEATING * *tries).await;
    *tries <= REPETITIONS
}

/// Longest pause before a stream is taken up again.
const MOST_RETRY: std::time::Duration = std::time::Duration::from_secs(5);

/// Where a stream has got to.
#[derive(Debug, Default)]
pub(super) struct Last {
    pub(super) id: Option<String>,
    pub(super) retry: Option<std::time::Duration>,
    /// The event of this id brought a message.
    delivered: Option<String>,
    pub(super) instance: Option<Instance>,
}

impl Last {
    /// Before anything has come from this run of the gateway.
    pub(super) fn of(instance: Option<Instance>) -> Self {
        Self { instance, ..Self::default() }
    }

    /// Notes an event. `false`: it brings no message, or one that has come before.
    pub(super) fn is_new(&mut self, event: &sse::Event) -> bool {
        self.retry = event.retry.or(self.retry);
        if event.data.is_empty() {
            self.id = event.id.clone().or(self.id.take());
            return false;
        }
        if let Some(id) = &event.id {
            if self.delivered.as_ref() == Some(id) {
                return false;
            }
            self.delivered = Some(id.clone());
            self.id = Some(id.clone());
        }
        true
    }
}

/// `tools/list` with the `_meta` of this request.
fn list_like(text: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        params: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: &'a serde_json::value::RawValue,
    }
    let outer: Outer<'_> = serde_json::from_slice(text).ok()?;
    let meta = outer.params.meta;
    Some(
        format!(r#"{{"jsonrpc":"2.0","id":"agentport-bridge","method":"tools/list","params":{{"_meta":{meta}}}}}"#)
            .into(),
    )
}

/// A status other than success, as an answer to the request: the JSON-RPC error in the body, or what else it says.
pub(super) fn refusal(status: StatusCode, body: Bytes, request: &Request) -> Bytes {
    let body = message::on_one_line(body);
    if message::answers(&body, &request.id) {
        return body;
    }
    if let Some(error) = message::error_of(&body) {
        return message::failed(&request.id, error);
    }
    #[derive(Deserialize)]
    struct Told {
        detail: String,
    }
    let told = match serde_json::from_slice::<Told>(&body) {
        Ok(told) => told.detail,
        Err(_) if body.is_empty() => format!("AgentPort's gateway answered {status}"),
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned(),
    };
    message::error(Some(&request.id), INTERNAL_ERROR, &told)
}
