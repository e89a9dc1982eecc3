//! Against a real bus, with the test as the notification daemon.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{
    gateway::state::{PendingRequest, WaitingRequests},
    notify::{Intent, NotificationSettings, Notifications, text::pending_request},
};
use double::{ALL, Double, Notified, Sent, say};
use session::Session;

mod double;
mod session;

const PATIENCE: Duration = Duration::from_secs(20);
/// For tests in which the daemon does not hang: never reached.
const LONG: Duration = Duration::from_secs(20);

struct App {
    notifications: Notifications,
    intents: mpsc::Receiver<Intent>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl App {
    fn start(address: &str, limit: Duration) -> Self {
        let notifier = Arc::new(DbusNotifier::new(BusAddress::At(address.to_owned()), limit));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (notifications, intents) = Notifications::start(&tasks, stop.clone(), notifier);
        Self { notifications, intents, tasks, stop }
    }

    fn show(&self, pending: Vec<PendingRequest>) {
        self.notifications.show(
            WaitingRequests { calls: pending.into(), ..WaitingRequests::default() },
            NotificationSettings { on: true, ..NotificationSettings::default() },
        );
    }

    async fn intent(&mut self) -> Intent {
        timeout(PATIENCE, self.intents.recv()).await.expect("an intent is sent").unwrap()
    }

    /// The app has handled all earlier signals: the last one yields the last intent.
    async fn no_other_intent(&mut self, double: &mut Double) {
        self.show(vec![pending_request(1000)]);
        let last = loop {
            if let Sent::Notify(notified) = double.sent().await {
                break notified;
            }
        };
        double.press(last.number, "deny").await;
        assert_eq!(self.intent().await, Intent::Deny(pending_request(1000).id));
    }
}

async fn with_daemon() -> Option<(Session, Double, App)> {
    let session = Session::start()?;
    let double = Double::start(session.connect().await, ALL).await;
    let app = App::start(&session.address, LONG);
    Some((session, double, app))
}

#[tokio::test]
async fn shows_a_request_and_receives_the_answer() {
    let Some((_session, mut double, mut app)) = with_daemon().await else { return };
    let tricky = "1 < 2 & <b>x</b>";
    app.show(vec![PendingRequest {
        summary: tricky.to_owned(),
        additional_info: Some("a <i>b</i> & c\u{202e}".to_owned()),
        ..pending_request(1)
    }]);
    let notified = double.notified().await;
    assert_eq!(notified.title, "Claude wants to add a note");
    assert_eq!(notified.body, "1 &lt; 2 &amp; &lt;b&gt;x&lt;/b&gt;\nClaude says: “a b &amp; c”");
    assert_eq!(
        notified.actions,
        ["default", "", "approve", "Approve", "deny", "Deny", "always", "Always allow"]
    );
    assert_eq!((notified.urgency, notified.expires, notified.replaces), (1, 0, 0));
    assert_eq!((&*notified.app, &*notified.icon), ("AgentPort", icon::name()));
    assert_eq!(notified.hints, ["category", "desktop-entry", "transient", "urgency"]);
    let can = app.notifications.capabilities().await;
    assert_eq!((can.reachable, can.buttons, can.server.as_deref()), (true, true, Some("Double")));

    double.press(notified.number, "approve").await;
    assert_eq!(app.intent().await, Intent::Approve(pending_request(1).id));
    assert_eq!(double.sent().await, Sent::Close(notified.number));
}

#[tokio::test]
async fn a_daemon_without_markup_gets_plain_text() {
    let Some(session) = Session::start() else { return };
    let mut double = Double::start(session.connect().await, &["actions", "body"]).await;
    let app = App::start(&session.address, LONG);
    app.show(vec![PendingRequest { summary: "1 < 2 & 3".to_owned(), ..pending_request(1) }]);
    assert_eq!(double.notified().await.body, "1 < 2 & 3");
}

#[tokio::test]
async fn strangers_are_not_believed() {
    let Some((session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1)]);
    let number = double.notified().await.number;
    let stranger = session.connect().await;
    // As a broadcast, and to every connection on the bus.
    say(&stranger, "ActionInvoked", &(number, "approve")).await;
    let bus = DBusProxy::new(&stranger).await.unwrap();
    let mut reached = 0;
    for name in bus.list_names().await.unwrap() {
        if !name.starts_with(':')
            || Some(name.as_str()) == stranger.unique_name().map(|us| us.as_str())
        {
            continue;
        }
        reached += 1;
        for (path, interface) in
            [(wire::PATH, wire::NAME), ("/", wire::NAME), (wire::PATH, "org.freedesktop.DBus")]
        {
            let body = &(number, "approve");
            let to = Some(name.as_str());
            stranger.emit_signal(to, path, interface, "ActionInvoked", body).await.unwrap();
        }
        // It cannot claim the name either.
        let (to, us) = (Some(name.as_str()), stranger.unique_name().unwrap().as_str());
        let body = &(wire::NAME, double.connection.unique_name().unwrap().as_str(), us);
        let dbus = "org.freedesktop.DBus";
        let path = "/org/freedesktop/DBus";
        stranger.emit_signal(to, path, dbus, "NameOwnerChanged", body).await.unwrap();
        let (body, to) = (&(number, 2u32), Some(name.as_str()));
        stranger.emit_signal(to, wire::PATH, wire::NAME, "NotificationClosed", body).await.unwrap();
        stranger
            .emit_signal(to, wire::PATH, wire::NAME, "ActionInvoked", &(number, "approve"))
            .await
            .unwrap();
    }
    assert!(reached >= 2, "the app and the double");
    // All of it has gone through the bus by now.
    bus.get_id().await.unwrap();
    double.press(number, "deny").await;
    assert_eq!(app.intent().await, Intent::Deny(pending_request(1).id));
    assert_eq!(double.sent().await, Sent::Close(number));
    app.no_other_intent(&mut double).await;
}

#[tokio::test]
async fn other_notifications_and_buttons_mean_nothing() {
    let Some((_session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![PendingRequest {
        effect: agentport_core::tool::ToolEffect::Destroys,
        ..pending_request(1)
    }]);
    let number = double.notified().await.number;
    double.press(number + 1, "approve").await;
    double.press(number, "approve").await;
    double.press(number, "always").await;
    say(&double.connection, "ActivationToken", &(number, "approve")).await;
    say(&double.connection, "ActionInvoked", &("nonsense", number)).await;
    double.press(number, "review").await;
    assert_eq!(app.intent().await, Intent::Open(pending_request(1).id.into()));
}

#[tokio::test]
async fn closing_decides_nothing() {
    let Some((_session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1), pending_request(2)]);
    let (first, second) = (double.notified().await.number, double.notified().await.number);
    double.close(first, 2).await;
    double.close(second, 1).await;
    // They stay pending, and are not shown again.
    app.show(vec![pending_request(1), pending_request(2), pending_request(3)]);
    let third = double.notified().await;
    double.press(first, "approve").await;
    double.press(third.number, "deny").await;
    assert_eq!(app.intent().await, Intent::Deny(pending_request(3).id));
}

#[tokio::test]
async fn fifty_at_once_are_four() {
    let Some((_session, mut double, app)) = with_daemon().await else { return };
    app.notifications.capabilities().await;
    app.show((1..=50).map(pending_request).collect());
    let mut titles = Vec::new();
    for _ in 0..4 {
        titles.push(double.notified().await.title);
    }
    let asks = "Claude wants to add a note";
    assert_eq!(titles, [asks, asks, asks, "47 more requests wait"]);
    // The summary changes in place, and what is decided goes.
    app.show((2..=50).map(pending_request).collect());
    let mut sent = Vec::new();
    for _ in 0..3 {
        sent.push(double.sent().await);
    }
    assert_eq!(sent[0], Sent::Close(1));
    let Sent::Notify(Notified { replaces, title, .. }) = &sent[2] else { panic!("{sent:?}") };
    assert_eq!((*replaces, &**title), (4, "46 more requests wait"));
    double.nothing_more();
}

#[tokio::test]
async fn another_daemon_is_shown_all_again() {
    let Some((session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1)]);
    let number = double.notified().await.number;
    double.end().await;
    assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    assert!(!app.notifications.capabilities().await.reachable);

    let connection = session.connect().await;
    let mut double = Double::nameless(connection, ALL);
    // Before it has the name it is not believed, though it knows the id.
    double.press(number, "approve").await;
    double.connection.request_name(wire::NAME).await.unwrap();
    let again = double.notified().await;
    assert_eq!((again.replaces, &*again.title), (0, "Claude wants to add a note"));
    assert!(app.notifications.capabilities().await.buttons);
    double.press(again.number, "always").await;
    assert_eq!(app.intent().await, Intent::Always(pending_request(1).id));
}

#[tokio::test]
async fn a_daemon_that_takes_over_has_none_of_our_notifications() {
    let Some((session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1)]);
    let number = double.notified().await.number;
    let mut other = Double::nameless(session.connect().await, ALL);
    double.connection.release_name(wire::NAME).await.unwrap();
    other.connection.request_name(wire::NAME).await.unwrap();
    let again = other.notified().await;
    // The previous daemon is a stranger now.
    double.press(number, "approve").await;
    DBusProxy::new(&double.connection).await.unwrap().get_id().await.unwrap();
    other.press(again.number, "deny").await;
    let mut meant = app.intent().await;
    if let Intent::OpenWindow(id) = meant {
        // There may have been a moment without a daemon.
        assert_eq!(id, pending_request(1).id.into());
        meant = app.intent().await;
    }
    assert_eq!(meant, Intent::Deny(pending_request(1).id));
}

#[tokio::test]
async fn a_sleeping_daemon_is_started() {
    let Some(session) = Session::with_activation() else { return };
    let mut double = Double::nameless(session.connect().await, ALL);
    let mut app = App::start(&session.address, LONG);
    // It is probed once.
    double.connection.request_name(wire::NAME).await.unwrap();
    assert!(app.notifications.capabilities().await.buttons);

    double.connection.release_name(wire::NAME).await.unwrap();
    let bus = DBusProxy::new(&double.connection).await.unwrap();
    let mut owners = bus.receive_name_owner_changed().await.unwrap();
    app.show(vec![pending_request(1)]);
    double.connection.request_name(wire::NAME).await.unwrap();
    owners.next().await.unwrap();
    let number = double.notified().await.number;
    double.press(number, "deny").await;
    assert_eq!(app.intent().await, Intent::Deny(pending_request(1).id));
    // It was shown once, and no window was opened meanwhile.
    assert_eq!(double.sent().await, Sent::Close(number));
    double.nothing_more();
}

#[tokio::test]
async fn without_a_server_the_window_opens() {
    let Some(session) = Session::start() else { return };
    let mut app = App::start(&session.address, LONG);
    app.show(vec![pending_request(1), pending_request(2)]);
    assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    assert!(!app.notifications.capabilities().await.reachable);
}

#[tokio::test]
async fn without_a_bus_the_window_opens() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| format!("unix:path={}/{name}", folder.path().display());
    let _hangs = std::os::unix::net::UnixListener::bind(folder.path().join("hangs")).unwrap();
    for address in [at("nothing"), at("hangs")] {
        let mut app = App::start(&address, Duration::from_millis(300));
        app.show(vec![pending_request(1)]);
        assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    }
}

#[tokio::test]
async fn without_buttons_the_window_opens() {
    for capabilities in [&["body"][..], &["actions"], &[]] {
        let Some(session) = Session::start() else { return };
        let mut double = Double::start(session.connect().await, capabilities).await;
        let mut app = App::start(&session.address, LONG);
        app.show(vec![pending_request(1)]);
        assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
        let can = app.notifications.capabilities().await;
        assert_eq!((can.reachable, can.buttons), (true, false));
        double.nothing_more();
    }
}

#[tokio::test]
async fn a_hanging_daemon_is_given_up() {
    let Some(session) = Session::start() else { return };
    let mut double = Double::start(session.connect().await, ALL).await;
    let mut app = App::start(&session.address, Duration::from_millis(300));
    app.show(vec![pending_request(1)]);
    let first = double.notified().await;
    double.answers(false);
    app.show(vec![pending_request(1), pending_request(2)]);
    let dead = double.notified().await;
    assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    // It answers again, and shows a notification whose events would be lost: that is closed. The known one is replaced.
    double.answers(true);
    let mut closed = false;
    let mut shown = Vec::new();
    while !closed || shown.len() < 2 {
        match double.sent().await {
            Sent::Close(number) => {
                assert_eq!(number, dead.number);
                closed = true;
            }
            Sent::Notify(notified) => shown.push(notified),
        }
    }
    assert_eq!((shown[0].replaces, shown[1].replaces), (first.number, 0));
    double.press(dead.number, "approve").await;
    double.press(shown[1].number, "deny").await;
    assert_eq!(app.intent().await, Intent::Deny(pending_request(2).id));
}

#[tokio::test]
async fn without_its_bus_a_daemon_is_unreachable() {
    let Some((session, mut double, mut app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1)]);
    double.notified().await;
    drop(session);
    assert_eq!(app.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
}

#[tokio::test]
async fn stopping_takes_all_away() {
    let Some((_session, mut double, app)) = with_daemon().await else { return };
    app.show(vec![pending_request(1)]);
    let number = double.notified().await.number;
    app.stop.cancel();
    app.tasks.close();
    timeout(PATIENCE, app.tasks.wait()).await.unwrap();
    assert_eq!(double.sent().await, Sent::Close(number));
}
