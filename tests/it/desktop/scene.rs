//! Setup of the desktop tests: a data directory with an agent and the integration `fx`, and the app on it.

use std::path::PathBuf;

use agentport_api::NewKey;
use agentport_core::{ApprovalId, policy::Origin};
use agentport_tests::{
    Answer, Owner, Wire,
    desktop::{
        App, Note, NotificationDaemon, Panel, Session, Tray,
        app::{AppSetup, CLASS},
        pointer::Window,
    },
    gateway::Setup,
    upstream::lines,
};
use serde_json::{Value, json};

/// A home that was used before: the welcome is done, an agent has a key, nothing is allowed.
pub(crate) struct Seeded {
    pub(crate) setup: Setup,
    pub(crate) key: NewKey,
}

impl Seeded {
    pub(crate) async fn new() -> Self {
        Self::with(async |_| ()).await
    }

    /// With whatever else the owner does before the app starts.
    pub(crate) async fn with(prepare: impl AsyncFnOnce(&Owner)) -> Self {
        let gateway = Setup::default().start().await;
        let owner = gateway.owner().await;
        let state = gateway.place().files().join("fx");
        std::fs::create_dir_all(&state).expect("a directory");
        owner.add_fixture("fx", &["--state", state.to_str().expect("a path in Unicode")]).await;
        let key = owner.create_key("tester").await;
        owner.settings(json!({"welcomed": true})).await;
        prepare(&owner).await;
        Self { setup: gateway.stop().await, key }
    }

    /// The app in the tray, in a session that is there already.
    pub(crate) async fn start(self, session: Session) -> Desk {
        let app = AppSetup::hidden(self.setup).start(&session).await;
        let (owner, wire) = (app.owner().await, app.wire(&self.key).await);
        Desk { app, owner, wire, key: self.key, session }
    }
}

/// The app, its owner, an agent, and the session around them. Dropped in this order.
pub(crate) struct Desk {
    pub(crate) app: App,
    /// The owner elsewhere: in a browser or a terminal.
    pub(crate) owner: Owner,
    /// The agent, over plain HTTP.
    pub(crate) wire: Wire,
    pub(crate) key: NewKey,
    pub(crate) session: Session,
}

/// A desk on which the test is the notification daemon and the panel.
pub(crate) struct Doubles {
    pub(crate) desk: Desk,
    pub(crate) daemon: NotificationDaemon,
    pub(crate) tray: Tray,
}

impl Doubles {
    pub(crate) async fn new() -> Self {
        Self::on(Seeded::new().await).await
    }

    pub(crate) async fn on(seeded: Seeded) -> Self {
        let session = Session::bare().await;
        let daemon = NotificationDaemon::start(&session).await;
        let (desk, tray) = with_tray(seeded, session).await;
        Self { desk, daemon, tray }
    }

    /// The agent asks, and the owner gets a notification.
    pub(crate) async fn asked(&self, tool: &str, arguments: Value) -> (ApprovalId, Note) {
        let id = self.desk.call(tool, arguments).await.request();
        (id, self.daemon.one(tool).await)
    }
}

/// The app where nobody shows notifications.
pub(crate) async fn without_notifications() -> (Desk, Tray) {
    with_tray(Seeded::new().await, Session::bare().await).await
}

pub(crate) async fn with_tray(seeded: Seeded, session: Session) -> (Desk, Tray) {
    let panel = Panel::start(&session).await;
    let desk = seeded.start(session).await;
    let mut tray = panel.tray().await;
    // From here on the app knows what is asked of it.
    tray.row(&["Activity"]).await;
    (desk, tray)
}

impl Desk {
    /// The agent calls a tool of `fx`.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.wire.call_tool("fx", tool, arguments).await
    }

    pub(crate) async fn awaited(&self, id: ApprovalId) -> Answer {
        self.wire.await_approval(&id.to_string()).await
    }

    /// Another agent, with a key of its own.
    pub(crate) async fn another(&self, name: &str) -> Wire {
        let key = self.owner.create_key(name).await;
        self.app.wire(&key).await
    }

    /// Rules that were made by a click on a request.
    pub(crate) async fn rules_by_click(&self) -> usize {
        let all = self.owner.policy().await;
        all.iter().filter(|view| matches!(view.rule.origin, Origin::Approval { .. })).count()
    }

    /// Where the fixture `fx` counts.
    pub(crate) fn state(&self) -> PathBuf {
        self.app.setup.setup.place.files().join("fx")
    }

    /// How often the tool of `fx` that writes to this file has run.
    pub(crate) fn runs(&self, file: &str) -> usize {
        lines(self.state().join(file))
    }

    /// Waits for so many windows of the app.
    pub(crate) async fn windows(&self, count: usize) -> Vec<Window> {
        self.session.windows_until(CLASS, count).await
    }

    /// Waits for the approval window, and for no other.
    pub(crate) async fn approval_window(&self) -> Window {
        let window = self.windows(1).await.remove(0);
        assert_eq!(window.title, "AgentPort: a request waits for you");
        window
    }

    /// Ends the app as the owner does, and expects it to leave nothing behind.
    pub(crate) async fn quit(self, tray: &mut Tray) -> Setup {
        let below = self.app.children();
        tray.choose(&["Quit AgentPort"]).await;
        let status = self.app.ended(agentport_tests::SOON).await;
        assert_eq!(status.code(), Some(0), "{}", self.app.stderr());
        for pid in below {
            let name = agentport_tests::desktop::tree::name(pid);
            let gone = agentport_tests::process::gone(pid, agentport_tests::SOON).await;
            assert!(gone, "{name} ({pid}) outlived the app");
        }
        self.app.setup.setup.clone()
    }
}
