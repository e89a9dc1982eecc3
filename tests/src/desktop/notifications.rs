//! A notification daemon controlled by the test: it records notifications, presses buttons, leaves the bus and returns.
//!
//! Desktop Notifications Specification 1.3. A [`Stranger`] is another program on the bus that sends
//! the daemon's signals.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use tokio::sync::watch;
use zbus::{
    Connection,
    message::Header,
    names::{BusName, UniqueName, WellKnownName},
    zvariant::OwnedValue,
};

use super::{Session, session::NOTIFICATIONS};
use crate::soon;

const PATH: &str = "/org/freedesktop/Notifications";
const INTERFACE: &str = NOTIFICATIONS;

/// What a daemon that draws everything says it can do.
pub const EVERYTHING: [&str; 4] = ["actions", "body", "body-markup", "persistence"];

/// Why a notification is gone (specification, `NotificationClosed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Expired = 1,
    Dismissed = 2,
    /// The app took it back.
    Withdrawn = 3,
}

/// A notification, as the app sent it last.
#[derive(Debug, Clone)]
pub struct Note {
    pub id: u32,
    pub summary: String,
    pub body: String,
    /// Keys and labels, in order.
    pub actions: Vec<(String, String)>,
    /// `urgency` of the hints: 0 low, 1 normal, 2 critical.
    pub urgency: Option<u8>,
    /// Milliseconds; 0: never, -1: as the daemon likes.
    pub expires: i32,
    /// When it was sent.
    pub at: Instant,
    /// How often it was sent: above one, it was replaced in place.
    pub sent: usize,
    /// The app's unique name on the bus.
    pub from: String,
}

/// Everything a daemon has seen since it started.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// What is on the screen, by id.
    pub open: BTreeMap<u32, Note>,
    /// What was, and how it went.
    pub closed: Vec<(u32, Closed)>,
    /// Calls of `Notify`.
    pub sent: usize,
    /// The most that were open at once, without those that say that a tool is no longer asked for.
    pub most: usize,
}

impl Note {
    pub fn keys(&self) -> Vec<&str> {
        self.actions.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// Labels of what is drawn as a button: `default` is the click on the body.
    pub fn buttons(&self) -> Vec<&str> {
        let drawn = self.actions.iter().filter(|(key, _)| key != "default");
        drawn.map(|(_, label)| label.as_str()).collect()
    }

    /// The key of the action with this label.
    #[track_caller]
    pub fn key(&self, label: &str) -> &str {
        let found = self.actions.iter().find(|(_, shown)| shown == label);
        found.map_or_else(|| panic!("no button {label:?} in {self:?}"), |(key, _)| key)
    }
}

impl Seen {
    /// The one notification on the screen.
    pub fn only(&self) -> Option<&Note> {
        if self.open.len() == 1 { self.open.values().next() } else { None }
    }
}

/// The double. Dropped, it leaves the bus, as a daemon that died.
pub struct NotificationDaemon {
    connection: Connection,
    seen: Arc<watch::Sender<Seen>>,
    answers: watch::Sender<bool>,
}

struct Server {
    capabilities: Vec<String>,
    /// The first number it gives.
    first: u32,
    seen: Arc<watch::Sender<Seen>>,
    answers: watch::Receiver<bool>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    async fn notify(
        &self,
        #[zbus(header)] header: Header<'_>,
        _app_name: String,
        replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        let at = Instant::now();
        let from = header.sender().map(ToString::to_string).unwrap_or_default();
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
        let pairs = actions.chunks(2);
        let actions =
            pairs.map(|pair| (pair[0].clone(), pair.get(1).cloned().unwrap_or_default())).collect();
        let mut id = replaces_id;
        self.seen.send_modify(|seen| {
            seen.sent += 1;
            let before = seen.open.get(&replaces_id).map_or(0, |note| note.sent);
            if before == 0 {
                id = self.first + u32::try_from(seen.sent).expect("not that many") - 1;
            }
            let note = Note {
                id,
                summary,
                body,
                actions,
                urgency,
                expires: expire_timeout,
                at,
                sent: before + 1,
                from,
            };
            seen.open.insert(id, note);
            let notices = seen.open.values().filter(|note| note.summary == "Not asked any more");
            let requests = seen.open.len() - notices.count();
            seen.most = seen.most.max(requests);
        });
        // Ends when the daemon goes away: then nobody waits for the answer either.
        let _ = self.answers.clone().wait_for(|answers| *answers).await;
        id
    }

    async fn close_notification(&self, #[zbus(connection)] connection: &Connection, id: u32) {
        close(connection, &self.seen, id, Closed::Withdrawn).await;
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("agentport-test-daemon", "agentport", "1", "1.2")
    }
}

async fn close(connection: &Connection, seen: &watch::Sender<Seen>, id: u32, how: Closed) {
    let mut was_open = false;
    seen.send_modify(|seen| {
        was_open = seen.open.remove(&id).is_some();
        if was_open {
            seen.closed.push((id, how));
        }
    });
    if was_open {
        say(connection, "NotificationClosed", &(id, how as u32)).await;
    }
}

async fn say<B>(connection: &Connection, signal: &str, body: &B)
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    let nobody = None::<BusName<'_>>;
    connection
        .emit_signal(nobody, PATH, INTERFACE, signal, body)
        .await
        .expect("the bus carries it");
}

impl NotificationDaemon {
    /// Shows everything, buttons as well.
    pub async fn start(session: &Session) -> Self {
        Self::with(session, &EVERYTHING).await
    }

    pub async fn with(session: &Session, capabilities: &[&str]) -> Self {
        Self::serve(session.bus(), capabilities, 1, true).await
    }

    /// One that takes what it is given and never answers, until [`NotificationDaemon::answer`].
    pub async fn silent(session: &Session) -> Self {
        Self::serve(session.bus(), &EVERYTHING, 1, false).await
    }

    /// The same, with numbers that no other gives.
    pub async fn silent_from(session: &Session, first: u32) -> Self {
        Self::serve(session.bus(), &EVERYTHING, first, false).await
    }

    async fn serve(bus: &str, capabilities: &[&str], first: u32, answers: bool) -> Self {
        let seen = Arc::new(watch::Sender::new(Seen::default()));
        let answers = watch::Sender::new(answers);
        let server = Server {
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            first,
            seen: seen.clone(),
            answers: answers.subscribe(),
        };
        let build = async {
            zbus::connection::Builder::address(bus)?
                .serve_at(PATH, server)?
                .name(NOTIFICATIONS)?
                .allow_name_replacements(false)
                .build()
                .await
        };
        let connection = soon("the daemon's name", build).await.expect("the bus gives the name");
        Self { connection, seen, answers }
    }

    /// From now on a silent one answers, also what it was asked before.
    pub fn answer(&self) {
        self.answers.send_replace(true);
    }

    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until `look` finds something in what was seen.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Seen) -> Option<T>) -> T {
        let mut seen = self.seen.subscribe();
        let mut found = None;
        let wait = seen.wait_for(|seen| {
            found = look(seen);
            found.is_some()
        });
        match tokio::time::timeout(crate::SOON, wait).await {
            Ok(held) => drop(held.expect("the daemon is there")),
            Err(_) => panic!("{what}: not seen, but {:#?}", self.seen()),
        }
        found.expect("it was found")
    }

    /// Waits for one notification whose title or body has `words`, and nothing else on the screen.
    pub async fn one(&self, words: &str) -> Note {
        self.until(&format!("one notification with {words:?}"), |seen| {
            let note = seen.only()?;
            (note.summary.contains(words) || note.body.contains(words)).then(|| note.clone())
        })
        .await
    }

    /// Waits for a notification whose title or body has `words`, among others.
    pub async fn among(&self, words: &str) -> Note {
        self.until(&format!("a notification with {words:?}"), |seen| {
            let has = |note: &&Note| note.summary.contains(words) || note.body.contains(words);
            seen.open.values().find(has).cloned()
        })
        .await
    }

    /// Waits until nothing is on the screen.
    pub async fn none(&self) {
        self.until("an empty screen", |seen| seen.open.is_empty().then_some(())).await;
    }

    /// Waits until a notification is gone, and says how it went.
    pub async fn gone(&self, id: u32) -> Closed {
        self.until(&format!("notification {id} gone"), |seen| {
            seen.closed.iter().find(|(closed, _)| *closed == id).map(|(_, how)| *how)
        })
        .await
    }

    /// The user clicks a button. As daemons do, the notification goes with it.
    pub async fn press(&self, note: &Note, label: &str) -> Instant {
        self.invoke(note.id, note.key(label)).await
    }

    /// The user clicks the body.
    pub async fn click(&self, note: &Note) {
        self.invoke(note.id, "default").await;
    }

    async fn invoke(&self, id: u32, key: &str) -> Instant {
        let at = Instant::now();
        say(&self.connection, "ActionInvoked", &(id, key)).await;
        close(&self.connection, &self.seen, id, Closed::Dismissed).await;
        at
    }

    /// Says that an action was chosen, of whatever notification, and nothing else.
    pub async fn claim(&self, id: u32, key: &str) {
        say(&self.connection, "ActionInvoked", &(id, key)).await;
    }

    /// The user closes it, or its time is over.
    pub async fn close(&self, note: &Note, how: Closed) {
        close(&self.connection, &self.seen, note.id, how).await;
    }

    /// Its unique name on the bus.
    pub fn name(&self) -> String {
        self.connection.unique_name().expect("a name on the bus").to_string()
    }

    /// Leaves the bus. When this returns, nobody owns the name.
    pub async fn stop(self) {
        self.connection.release_name(NOTIFICATIONS).await.expect("the bus takes the name back");
        self.connection.close().await.expect("the connection closes");
    }
}

/// Somebody on the session bus who is not the daemon: another program of the same user.
pub struct Stranger {
    connection: Connection,
}

impl Stranger {
    pub async fn start(session: &Session) -> Self {
        Self { connection: session.connect().await }
    }

    /// Says to everybody, and to `app` alone, that an action was chosen.
    pub async fn claim(&self, app: &str, id: u32, key: &str) {
        self.say(app, PATH, INTERFACE, "ActionInvoked", &(id, key)).await;
    }

    /// Says that a notification was closed.
    pub async fn claim_closed(&self, app: &str, id: u32) {
        self.say(app, PATH, INTERFACE, "NotificationClosed", &(id, Closed::Dismissed as u32)).await;
    }

    /// Says in the bus's words that it has become the owner of the daemon's name.
    pub async fn claim_the_name(&self, app: &str, before: &str) {
        let own = self.connection.unique_name().expect("a name on the bus").to_string();
        let body = (NOTIFICATIONS, before, own.as_str());
        let bus = "org.freedesktop.DBus";
        self.say(app, "/org/freedesktop/DBus", bus, "NameOwnerChanged", &body).await;
    }

    /// Waits until the bus has passed on all that was said so far.
    pub async fn heard(&self) {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.expect("the bus");
        soon("the bus's answer", bus.get_id()).await.expect("the bus answers");
    }

    /// Waits in the queue for the daemon's name.
    pub async fn queue_for_the_name(&self) {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.expect("the bus");
        let name = WellKnownName::from_static_str(NOTIFICATIONS).expect("a name");
        // Without the flags that would take it from an owner who lets it go.
        let waits = zbus::fdo::RequestNameFlags::AllowReplacement.into();
        bus.request_name(name, waits).await.expect("the bus answers");
    }

    async fn say<B>(&self, app: &str, path: &str, interface: &str, signal: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let app = BusName::Unique(UniqueName::try_from(app).expect("a unique name"));
        for to in [None, Some(app)] {
            let sent = self.connection.emit_signal(to, path, interface, signal, body).await;
            sent.expect("the bus carries it");
        }
    }
}
