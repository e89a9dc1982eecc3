//! Pictures of the desktop: the notification, the tray's menu, the windows; light and dark.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use super::{
    Session,
    accessible::Reader,
    app::{App, AppSetup, CLASS},
    pointer::Window,
    try_until, until,
};
use crate::{
    Gateway, SOON,
    gateway::Setup,
    oauth_agent::{AuthorizePage, OAuthAgent, fixtures},
    screens::{Happened, happen},
};

/// What X11 calls the windows of Xfce's notification daemon.
const DAEMON: &str = "Xfce4-notifyd";
/// Where the panel has its icons: how far down, and from where to where.
const PANEL: i32 = 13;
const ICONS: Range<i32> = 1_060..1_140;
/// What X11 calls the windows of the panel's plugins.
const PLUGIN: &str = "Wrapper-2.0";
/// Lower than the tray's menu, and higher than the panel.
const LOW: i32 = 150;
/// How long a menu takes to open.
const A_MOMENT: Duration = Duration::from_millis(300);
/// The part of the screen in which the notification and the menu are.
const CORNER: &str = "640x560+640+0";
/// The same, with room for three notifications.
const EDGE: &str = "640x720+640+0";

/// Takes them into `directory`.
pub async fn take(directory: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(directory).expect("a directory for pictures");
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    let happened = happen(&gateway, &owner).await;
    owner.settings(json!({"welcomed": true})).await;
    let mut setup = gateway.stop().await;
    let mut taken = Vec::new();
    for (name, theme) in [("light", "Adwaita"), ("dark", "Adwaita:dark")] {
        let session = Session::real().await;
        session.paint_background();
        let themed = Setup { environment: Vec::new(), ..setup }.env("GTK_THEME", theme);
        let app = AppSetup::hidden(themed).start(&session).await;
        let file = |what: &str| directory.join(format!("desktop-{what}-{name}.png"));
        taken.extend(photograph(&session, &app, &happened, file).await);
        app.owner().await.settings(json!({"notifications": true})).await;
        setup = app.stop().await.setup;
    }
    taken
}

async fn photograph(
    session: &Session,
    app: &App,
    happened: &Happened,
    file: impl Fn(&str) -> PathBuf,
) -> Vec<PathBuf> {
    let reader = Reader::start(session).await;
    reader
        .until("xfce4-notifyd", "the notification", |program| {
            program.all().iter().any(|part| part.name == "Approve").then_some(())
        })
        .await;
    let notification = file("notification");
    session.picture_of_part(CORNER, &notification);
    let consent = file("consent");
    ask_to_be_let_in(app).await;
    reader
        .until("xfce4-notifyd", "the notification of an agent that wants in", |program| {
            program.all().iter().any(|part| part.name == "Let in").then_some(())
        })
        .await;
    session.picture_of_part(EDGE, &consent);

    let owner = app.owner().await;
    // Nothing in the way of the windows and the menu.
    owner.settings(json!({"notifications": false})).await;
    session.windows_until(DAEMON, 0).await;
    open_menu(session).await;
    let menu = file("tray");
    session.picture_of_part(CORNER, &menu);
    session.press_anywhere("Escape");

    // Anybody may have a request shown; only the owner decides it.
    let url = format!("{}/approve/{}", app.base().await, happened.waiting);
    let shown = crate::http_client().get(url).send().await.expect("an answer");
    assert!(shown.status().is_success(), "{}", shown.status());
    let window = session.windows_until(CLASS, 1).await.remove(0);
    reads(&reader, "Approve").await;
    let approval = file("approval");
    session.picture(&window.id, &approval);
    session.close(&window).await;

    let again = app.setup.clone();
    let again = AppSetup { arguments: Vec::new(), ..again }.launch(session);
    again.ended(SOON).await;
    let window: Window = session.windows_until(CLASS, 1).await.remove(0);
    reads(&reader, "Inbox").await;
    let main = file("main");
    session.picture(&window.id, &main);
    vec![notification, consent, menu, approval, main]
}

/// An agent that was given nothing but the URL opens its page in the browser.
async fn ask_to_be_let_in(app: &App) {
    let url = format!("{}/mcp", app.base().await);
    let client = OAuthAgent::register_as(&url, &fixtures::of("cursor_app_scheme")).await;
    AuthorizePage::open(&client.request().url()).await.waits();
}

/// Waits until a window shows something with this name.
async fn reads(reader: &Reader, name: &str) {
    let what = format!("{name:?} in the window");
    reader
        .until(CLASS, &what, |program| {
            program.all().iter().any(|part| part.name == name).then_some(())
        })
        .await;
}

/// Clicks along the panel until the menu opens: icons in a panel have no names, and its menus are not in the tree.
async fn open_menu(session: &Session) {
    let open = async || {
        let windows = session.windows(PLUGIN);
        windows.iter().any(|window| window.height > LOW).then_some(())
    };
    until("the tray's menu", async || {
        for left in ICONS.rev().step_by(14) {
            session.right_click(left, PANEL);
            if try_until(A_MOMENT, open).await.is_some() {
                return Some(());
            }
            session.press_anywhere("Escape");
        }
        None
    })
    .await;
}
