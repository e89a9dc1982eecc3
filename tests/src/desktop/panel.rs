//! A panel controlled by the test: it hosts the app's tray icon, reads its menu and clicks in it.
//!
//! `org.kde.StatusNotifierWatcher` and `StatusNotifierItem` as the panels of today speak them.

use std::path::PathBuf;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use zbus::{
    Connection, MatchRule, MessageStream, Proxy,
    message::{Header, Type},
    object_server::SignalEmitter,
    proxy::CacheProperties,
    zvariant::{OwnedObjectPath, Value},
};

use super::{
    Session,
    menu::{Layout, Row},
    session::WATCHER,
    until,
};
use crate::{SOON, soon};

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// Where an item is: its owner on the bus and its path there.
type Place = (String, String);

/// The double of a panel. Its name stays on the bus as long as it or one of its [`Tray`]s is there.
pub struct Panel {
    serving: Connection,
    items: watch::Receiver<Vec<Place>>,
    connection: Connection,
}

struct Watcher {
    items: watch::Sender<Vec<Place>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        service: String,
    ) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // Some give the path of their item, others a name on the bus under which it has the usual path.
        let place = if service.starts_with('/') {
            (sender, service)
        } else {
            (service, "/StatusNotifierItem".to_owned())
        };
        let name = format!("{}{}", place.0, place.1);
        self.items.send_modify(|items| items.push(place));
        let _ = Self::status_notifier_item_registered(&emitter, &name).await;
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.items.borrow().iter().map(|(owner, path)| format!("{owner}{path}")).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(
        emitter: &SignalEmitter<'_>,
        service: &str,
    ) -> zbus::Result<()>;
}

impl Panel {
    pub async fn start(session: &Session) -> Self {
        let items = watch::Sender::new(Vec::new());
        let seen = items.subscribe();
        let serve = async {
            zbus::connection::Builder::address(session.bus())?
                .serve_at("/StatusNotifierWatcher", Watcher { items })?
                .name(WATCHER)?
                .build()
                .await
        };
        let serving = soon("the panel's name", serve).await.expect("the bus gives the name");
        Self { serving, items: seen, connection: session.connect().await }
    }

    /// The icon that came last; waits for the first.
    pub async fn tray(&self) -> Tray {
        let mut items = self.items.clone();
        let found = soon("a tray icon", items.wait_for(|items| !items.is_empty())).await;
        let place = found.expect("the panel is there").last().expect("an icon").clone();
        Tray::open(self, place).await
    }
}

/// How an icon looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icon {
    /// A name in the icon theme, or a file.
    pub name: String,
    /// What stands beside it.
    pub label: String,
    /// `Active`, `Passive` or `NeedsAttention`.
    pub status: String,
    pub title: String,
}

impl Icon {
    /// The picture, where it is a file.
    pub fn picture(&self) -> Option<Vec<u8>> {
        let path = PathBuf::from(&self.name);
        path.is_absolute().then(|| std::fs::read(&path).ok()).flatten()
    }
}

/// The app's icon and its menu.
pub struct Tray {
    _panel: Connection,
    item: Proxy<'static>,
    menu: Proxy<'static>,
    /// Whatever the item and its menu say of themselves.
    changes: MessageStream,
}

impl Tray {
    async fn open(panel: &Panel, (owner, path): Place) -> Self {
        let (connection, serving) = (&panel.connection, panel.serving.clone());
        let open = async {
            let item = proxy(connection, &owner, &path, ITEM).await?;
            let menu: OwnedObjectPath = item.get_property("Menu").await?;
            let menu = proxy(connection, &owner, menu.as_str(), MENU).await?;
            let rule = MatchRule::builder().msg_type(Type::Signal).sender(owner.clone())?.build();
            let changes = MessageStream::for_match_rule(rule, connection, Some(4096)).await?;
            zbus::Result::Ok(Self { _panel: serving, item, menu, changes })
        };
        let tray = soon("the tray icon", open).await.expect("the icon names its menu");
        // libayatana-appindicator registers the icon before it exports the menu's object.
        until("the tray icon's menu", async || tray.read_menu().await.ok().map(drop)).await;
        tray
    }

    async fn read_menu(&self) -> zbus::Result<Row> {
        let none: [&str; 0] = [];
        let whole = (0i32, -1i32, &none[..]);
        let (_, layout) = self.menu.call::<_, _, (u32, Layout)>("GetLayout", &whole).await?;
        Ok(Row::of(layout))
    }

    /// The menu as it is now.
    pub async fn menu(&self) -> Row {
        soon("the menu", self.read_menu()).await.expect("the menu is read")
    }

    /// Waits until `look` finds something in the menu, looking again whenever the app says that it changed.
    pub async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Row) -> Option<T>) -> T {
        let wait = async {
            loop {
                // What came before the look is in what is seen.
                while self.changes.next().now_or_never().is_some() {}
                if let Some(found) = look(&self.menu().await) {
                    return found;
                }
                self.changes.next().await;
            }
        };
        match tokio::time::timeout(SOON, wait).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not in the menu\n{}", self.menu().await.drawn()),
        }
    }

    /// Waits for a row.
    pub async fn row(&mut self, path: &[&str]) -> Row {
        self.until(&format!("{path:?}"), |menu| menu.find(path).cloned()).await
    }

    /// Waits until a row is not there any more.
    pub async fn no_row(&mut self, path: &[&str]) {
        self.until(&format!("no {path:?}"), |menu| menu.find(path).is_none().then_some(())).await;
    }

    /// Waits for a row that can be chosen, and chooses it.
    pub async fn choose(&mut self, path: &[&str]) {
        let ready = |menu: &Row| menu.find(path).filter(|row| row.enabled).map(|row| row.id);
        let id = self.until(&format!("{path:?} to choose"), ready).await;
        self.click(id).await;
    }

    async fn click(&self, id: i32) {
        self.try_click(id).await.expect("the menu takes it");
    }

    /// Chooses a row by its id, whatever has become of it.
    pub async fn try_click(&self, id: i32) -> zbus::Result<()> {
        let chosen = (id, "clicked", Value::from(""), 0u32);
        soon("a click in the menu", self.menu.call("Event", &chosen)).await
    }

    pub async fn icon(&self) -> Icon {
        let read = async {
            zbus::Result::Ok(Icon {
                name: self.item.get_property("IconName").await?,
                label: self.item.get_property("XAyatanaLabel").await?,
                status: self.item.get_property("Status").await?,
                title: self.item.get_property("Title").await?,
            })
        };
        soon("the icon", read).await.expect("the icon is read")
    }

    /// Waits until the icon looks as `fits` wants it.
    pub async fn icon_until(&mut self, what: &str, mut fits: impl FnMut(&Icon) -> bool) -> Icon {
        let wait = async {
            loop {
                while self.changes.next().now_or_never().is_some() {}
                let icon = self.icon().await;
                if fits(&icon) {
                    return icon;
                }
                self.changes.next().await;
            }
        };
        match tokio::time::timeout(SOON, wait).await {
            Ok(icon) => icon,
            Err(_) => panic!("{what}: the icon is {:?}", self.icon().await),
        }
    }
}

async fn proxy(
    connection: &Connection,
    owner: &str,
    path: &str,
    interface: &'static str,
) -> zbus::Result<Proxy<'static>> {
    zbus::proxy::Builder::new(connection)
        .destination(owner.to_owned())?
        .path(path.to_owned())?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
}
