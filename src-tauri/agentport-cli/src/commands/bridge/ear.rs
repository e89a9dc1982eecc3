//! What the gateway says by itself: on the session's own stream in earlier revisions, on a subscription in the newest.
//! Both are kept open for as long as the client is there, and opened again after a restart.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use super::{
    exchange::{Last, refusal},
    headers,
    http::{Instance, Reply},
    message::{self, Request},
    relay::{Era, Relay, Trouble},
    session::Joined,
    sse,
};

/// Before a stream is opened anew.
const PAUSE: Duration = Duration::from_secs(1);
/// While there is nobody to open it to.
const LOOK: Duration = Duration::from_millis(250);
/// Where it was refused.
const REFUSED: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Relay {
    /// Hears the session's own stream, and opens the session first where there was no gateway before.
    pub(super) async fn hear(self: &Arc<Self>) {
        let mut last = Last::default();
        let mut number = None;
        loop {
            let pause = match self.ensure_session().await {
                Ok(Some(joined)) => {
                    if number.replace(joined.number) != Some(joined.number) {
                        last = Last::of(last.instance);
                    }
                    match self.hear_once(&joined, &mut last).await {
                        Some(pause) => pause,
                        None => return,
                    }
                }
                Ok(None) => REFUSED,
                Err(Trouble::NotLetIn(_) | Trouble::Told(_)) => REFUSED,
                Err(_) => LOOK,
            };
            self.pause(pause).await;
        }
    }

    /// How long to pause before the next time; `None`: there is no such stream.
    async fn hear_once(&self, joined: &Arc<Joined>, last: &mut Last) -> Option<Duration> {
        let running = self.http.running();
        let after = last.id.clone().filter(|_| last.instance.is_some() && last.instance == running);
        let mut reply = match self.open_stream(joined, after.as_deref()).await {
            Ok(reply) => reply,
            Err(Trouble::NotLetIn(_)) => return Some(REFUSED),
            Err(_) => return Some(LOOK),
        };
        match reply.status {
            StatusCode::NOT_FOUND => {
                if let Err(trouble) = self.renew(joined.number).await {
                    tracing::debug!(?trouble, "the session could not be opened again");
                }
                return Some(LOOK);
            }
            // A server need not have one.
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => return None,
            StatusCode::OK if reply.is_events() => {}
            status => {
                tracing::warn!(%status, "the gateway does not open its stream");
                return Some(REFUSED);
            }
        }
        let instance = reply.instance;
        if after.is_none() {
            last.id = None;
        }
        let before = last.instance.replace(instance);
        if before.is_some_and(|before| before != instance) {
            *last = Last::of(Some(instance));
            self.remind(joined).await;
            self.tell_of_changes().await;
        }
        self.read_stream(&mut reply, last).await;
        // One that ends while the gateway goes on is to be opened again no sooner than it wants.
        Some(last.retry.unwrap_or(PAUSE).min(LONGEST_PAUSE))
    }

    async fn open_stream(&self, joined: &Joined, after: Option<&str>) -> Result<Reply, Trouble> {
        match after {
            Some(id) => self.resume(joined, id).await,
            None => {
                self.send(|key| {
                    let mut headers = headers::of_stream(key);
                    headers::put_session(&mut headers, joined);
                    (http::Method::GET, headers, Bytes::new())
                })
                .await
            }
        }
    }

    async fn read_stream(&self, reply: &mut Reply, last: &mut Last) {
        let mut parser = sse::Parser::default();
        while let Ok(Some(piece)) = reply.piece().await {
            let Ok(events) = parser.feed(&piece) else { return };
            for event in events {
                if last.is_new(&event) {
                    self.say(message::on_one_line(event.data)).await;
                }
            }
        }
    }

    /// Waits, but not longer than until another gateway runs.
    async fn pause(&self, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        let before = self.http.running();
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            tokio::time::sleep(left.min(LOOK)).await;
            let now = self.http.running();
            if left <= LOOK || (now.is_some() && now != before) {
                return;
            }
        }
    }

    /// `subscriptions/listen` of revision 2026-07-28: a stream that outlives gateways. To the client it is one.
    pub(super) async fn listen(&self, text: &Bytes, request: &Request) {
        let Some(version) = request.modern.clone() else { return };
        let era = Era::Modern { version, method: request.method.clone(), name: None };
        let mut listening = Listening { acknowledged: false, late: false, instance: None };
        loop {
            let pause = match self.post(&era, text).await {
                Ok(reply) => match self.listen_once(reply, request, &mut listening, text).await {
                    Ok(()) => PAUSE,
                    Err(Some(answer)) if !listening.acknowledged => return self.say(answer).await,
                    Err(_) => return self.say(ended(request)).await,
                },
                Err(Trouble::NotLetIn(_)) => REFUSED,
                Err(_) => LOOK,
            };
            listening.late = true;
            self.pause(pause).await;
        }
    }

    /// Reads the stream to its end. `Err`: there will be no other, and why.
    async fn listen_once(
        &self,
        mut reply: Reply,
        request: &Request,
        listening: &mut Listening,
        text: &Bytes,
    ) -> Result<(), Option<Bytes>> {
        let (status, instance) = (reply.status, reply.instance);
        if !status.is_success() || !reply.is_events() {
            let body = reply.whole().await.map_err(|_| None)?;
            return match status {
                status if status.is_server_error() => Ok(()),
                StatusCode::OK => Err(Some(message::on_one_line(body))),
                status => Err(Some(refusal(status, body, request))),
            };
        }
        let mut parser = sse::Parser::default();
        while let Ok(Some(piece)) = reply.piece().await {
            let Ok(events) = parser.feed(&piece) else { return Ok(()) };
            for event in events {
                let data = message::on_one_line(event.data);
                if data.is_empty() {
                    continue;
                }
                if message::answers(&data, &request.id) {
                    // A gateway that ends well says so. The next one goes on.
                    return match message::error_of(&data) {
                        Some(_) => Err(Some(data)),
                        None => Ok(()),
                    };
                }
                if is_acknowledgement(&data) {
                    let again = std::mem::replace(&mut listening.acknowledged, true);
                    let before = listening.instance.replace(instance);
                    if !again {
                        self.say(data).await;
                    }
                    if listening.late && before != Some(instance) {
                        self.tell_subscription(request, text).await;
                    }
                } else {
                    self.say(data).await;
                }
            }
        }
        Ok(())
    }

    /// Whoever subscribed late, or to a gateway that is gone, may have missed changes.
    async fn tell_subscription(&self, request: &Request, text: &[u8]) {
        #[derive(Deserialize)]
        struct Asked {
            params: Params,
        }
        #[derive(Deserialize)]
        struct Params {
            notifications: Filter,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Filter {
            #[serde(default)]
            tools_list_changed: bool,
            #[serde(default)]
            prompts_list_changed: bool,
            #[serde(default)]
            resources_list_changed: bool,
        }
        let Ok(asked) = serde_json::from_slice::<Asked>(text) else { return };
        let wanted = asked.params.notifications;
        for (list, wanted) in [
            ("tools", wanted.tools_list_changed),
            ("prompts", wanted.prompts_list_changed),
            ("resources", wanted.resources_list_changed),
        ] {
            if wanted {
                let told = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}}}"#,
                    request.id
                );
                self.say(told.into()).await;
            }
        }
    }
}

/// How far a subscription has got.
struct Listening {
    /// The client has been told that it is subscribed.
    acknowledged: bool,
    /// It was not there from the beginning, or not all the time.
    late: bool,
    instance: Option<Instance>,
}

fn is_acknowledgement(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        method: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Head<'_>>(data)
        .is_ok_and(|head| head.method == "notifications/subscriptions/acknowledged")
}

/// On stdio a server ends a subscription by cancelling it (2026-07-28, `notifications/cancelled`).
fn ended(request: &Request) -> Bytes {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":"AgentPort ended the subscription"}}}}"#,
        request.id
    )
    .into()
}
