//! What all parts of the bridge share, and the order in which the client's messages leave.
//!
//! Messages leave in the order in which they came. Notifications and answers are delivered before the next message is;
//! a request gets a moment's start, in which the gateway usually answers it, and then the next one leaves beside it: a
//! slow call holds up nobody. Without that start two requests would race each other on two connections, and of two
//! calls an agent makes at once the second could run first.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    absent, headers,
    http::{Draft, Failure, Http, Reply},
    key::KeySource,
    lines::{Line, Lines},
    message::{self, INTERNAL_ERROR, INVALID_REQUEST, Kind, Malformed, Message, PARSE_ERROR},
    out::Out,
    params::ParamHeaders,
    presence::Presence,
    session::{Joined, Session},
    under_way::UnderWay,
};

/// The longest start of a request before the next message.
const START: Duration = Duration::from_millis(2);
/// Requests at once. The gateway takes 400 connections of everybody.
const MOST: usize = 256;
/// How long a message without an answer may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(10);

pub(super) struct Relay {
    pub(super) http: Arc<Http>,
    pub(super) out: Out,
    pub(super) session: Session,
    pub(super) presence: Presence,
    pub(super) params: ParamHeaders,
    pub(super) under_way: UnderWay,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// The client has been offered the tool that explains what is missing.
    pub(super) explains: AtomicBool,
    source: KeySource,
    key: Mutex<Option<HeaderValue>>,
}

/// Why a request has no answer of the gateway's.
#[derive(Debug)]
pub(super) enum Trouble {
    Nobody,
    /// It may have been carried out.
    Broken,
    /// There is no key, or the gateway does not know it: a sentence.
    NotLetIn(String),
    /// The session with this number is gone.
    SessionGone(u64),
    /// What to tell the client, as a whole message.
    Told(Bytes),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Nobody => Self::Nobody,
            Failure::Broken => Self::Broken,
        }
    }
}

/// What kind of message goes out, as far as its headers depend on it.
#[derive(Debug, Clone)]
pub(super) enum Era {
    /// Outside any session, as `initialize` is.
    Plain,
    Session(Arc<Joined>),
    Modern {
        version: Box<str>,
        method: Box<str>,
        name: Option<Box<str>>,
    },
}

impl Relay {
    pub(super) fn new(
        http: Arc<Http>,
        out: Out,
        presence: Presence,
        source: KeySource,
        stop: CancellationToken,
    ) -> Self {
        Self {
            http,
            out,
            presence,
            source,
            stop,
            session: Session::default(),
            params: ParamHeaders::default(),
            under_way: UnderWay::default(),
            tasks: TaskTracker::new(),
            explains: AtomicBool::new(false),
            key: Mutex::default(),
        }
    }

    /// Relays lines until there are no more.
    pub(super) async fn run(self: &Arc<Self>, lines: &mut Lines) {
        while let Some(line) = lines.next().await {
            match line {
                Line::Text(text) => self.take(text).await,
                Line::TooLong(found) => {
                    let told = "The message is larger than 4 MiB; send less at once.";
                    match found.id {
                        Some(id) if found.is_request => {
                            self.say(message::error(Some(&id), INVALID_REQUEST, told)).await;
                        }
                        Some(_) => tracing::warn!("an answer larger than 4 MiB was dropped"),
                        None => self.say(message::error(None, INVALID_REQUEST, told)).await,
                    }
                }
            }
        }
    }

    /// Writes a message to the client.
    pub(super) async fn say(&self, message: Bytes) {
        self.out.send(message).await;
    }

    async fn take(self: &Arc<Self>, text: Bytes) {
        match Message::read(text) {
            Ok(message) => self.dispatch(message).await,
            Err(Malformed::Batch(messages))
                if self.session.has_batches() && !messages.is_empty() =>
            {
                for text in messages {
                    match Message::read(text) {
                        Ok(message) => self.dispatch(message).await,
                        Err(malformed) => self.refuse(malformed).await,
                    }
                }
            }
            Err(malformed) => self.refuse(malformed).await,
        }
    }

    async fn refuse(&self, malformed: Malformed) {
        let answer = match malformed {
            Malformed::NotJson => {
                message::error(None, PARSE_ERROR, "Parse error: the line is not a JSON-RPC message")
            }
            Malformed::Batch(_) => message::error(
                None,
                INVALID_REQUEST,
                "Invalid request: batches are not part of this revision; send one message per line",
            ),
            Malformed::NotAMessage { id, why } => {
                message::error(id.as_deref(), INVALID_REQUEST, &format!("Invalid request: {why}"))
            }
        };
        self.say(answer).await;
    }

    async fn dispatch(self: &Arc<Self>, message: Message) {
        match message.kind.clone() {
            Kind::Request(request)
                if &*request.method == "initialize" && request.modern.is_none() =>
            {
                self.initialize(message.text, &request).await;
            }
            Kind::Request(request) => {
                if self.under_way.count() >= MOST {
                    let told = "Too many requests at once; wait for some of their answers.";
                    self.say(message::error(Some(&request.id), INTERNAL_ERROR, told)).await;
                    return;
                }
                if let Some(answer) = absent::explain(self, &request) {
                    self.say(answer).await;
                    return;
                }
                let (begun, start) = oneshot::channel();
                let entry = self.under_way.enter(&request);
                let relay = self.clone();
                self.tasks.spawn(async move {
                    tokio::select! {
                        () = relay.carry(&message.text, &request, &entry, begun) => {}
                        () = relay.stop.cancelled() => {}
                        () = entry.dropped() => {}
                    }
                    relay.under_way.leave(&request.id, &entry);
                });
                // Ended or timed out: either way it is the next message's turn.
                let _ = tokio::time::timeout(START, start).await;
            }
            Kind::Notification(notification) => match &*notification.method {
                "notifications/initialized" if notification.modern.is_none() => {
                    self.initialized(message.text).await;
                }
                "notifications/cancelled"
                    if notification
                        .cancels
                        .as_deref()
                        .is_some_and(|id| self.under_way.cancel(id)) => {}
                method => {
                    let era = match &notification.modern {
                        Some(version) => Era::Modern {
                            version: version.clone(),
                            method: method.into(),
                            name: None,
                        },
                        None => self.era_now(),
                    };
                    self.deliver(era, message.text).await;
                }
            },
            Kind::Response => self.deliver(self.era_now(), message.text).await,
        }
    }

    fn era_now(&self) -> Era {
        self.session.joined().map_or(Era::Plain, Era::Session)
    }

    /// Delivers a message that has no answer. Where it cannot be, nobody waits for it any more.
    pub(super) async fn deliver(&self, mut era: Era, text: Bytes) {
        let deliver = async {
            loop {
                match self.post(&era, &text).await {
                    Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
                        let Era::Session(joined) = &era else { return };
                        if self.renew(joined.number).await.is_err() {
                            return;
                        }
                        era = match self.session.joined() {
                            Some(now) if now.number != joined.number => Era::Session(now),
                            _ => return,
                        };
                    }
                    Ok(reply) => {
                        if !reply.status.is_success() {
                            tracing::debug!(status = %reply.status, "a message was not taken");
                        }
                        // Read to its end, so that the connection can be used again.
                        let _ = reply.whole().await;
                        return;
                    }
                    Err(trouble) => {
                        tracing::debug!(?trouble, "a message could not be delivered");
                        return;
                    }
                }
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(DELIVERY, deliver) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Sends a message, and begins to read its answer. A key that is refused is read anew once.
    pub(super) async fn post(&self, era: &Era, text: &Bytes) -> Result<Reply, Trouble> {
        self.send(|key| {
            let mut headers = headers::of_message(key);
            match era {
                Era::Plain => {}
                Era::Session(joined) => headers::put_session(&mut headers, joined),
                Era::Modern { version, method, name } => {
                    headers::put_modern(&mut headers, version, method, name.as_deref());
                    if &**method == "tools/call"
                        && let Some(tool) = name
                    {
                        self.params.put(&mut headers, tool, text);
                    }
                }
            }
            (Method::POST, headers, text.clone())
        })
        .await
    }

    pub(super) async fn send(
        &self,
        draft: impl Fn(&HeaderValue) -> (Method, HeaderMap, Bytes),
    ) -> Result<Reply, Trouble> {
        let mut key = self.key()?;
        loop {
            let (method, headers, body) = draft(&key);
            let reply = self.http.send(&Draft { method, headers, body }).await?;
            self.presence.met();
            if reply.status != StatusCode::UNAUTHORIZED {
                return Ok(reply);
            }
            let fresh = self.read_key()?;
            if fresh == key {
                return Err(Trouble::NotLetIn(super::key::REFUSED.into()));
            }
            key = fresh;
        }
    }

    fn key(&self) -> Result<HeaderValue, Trouble> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        key.map_or_else(|| self.read_key(), Ok)
    }

    fn read_key(&self) -> Result<HeaderValue, Trouble> {
        let secret = self.source.read().map_err(Trouble::NotLetIn)?;
        let mut key = HeaderValue::from_str(secret.expose())
            .map_err(|_| Trouble::NotLetIn(super::key::REFUSED.into()))?;
        key.set_sensitive(true);
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }

    pub(super) fn offers_explanation(&self) {
        self.explains.store(true, Ordering::Relaxed);
    }
}
