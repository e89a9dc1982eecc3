//! Whether the desktop shows tray icons: the owner of `org.kde.StatusNotifierWatcher` on the session bus
//! (StatusNotifierItem Specification). Without one the icon exists and nothing shows it.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::{sync::watch, time::sleep};
use zbus::{Connection, fdo::DBusProxy, names::BusName};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// Delay before a session bus that failed is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// Publishes whether there is a tray, for as long as it is polled.
pub(crate) async fn watch(available: watch::Sender<Option<bool>>) {
    loop {
        if let Err(error) = follow(&available).await {
            tracing::debug!(%error, "the tray host cannot be watched");
        }
        available.send_replace(Some(false));
        sleep(RETRY_DELAY).await;
    }
}

async fn follow(available: &watch::Sender<Option<bool>>) -> zbus::Result<()> {
    let connection = Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    // Subscribed before the first read, so that no change falls between the two.
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    let name = BusName::from_static_str(WATCHER)?;
    available.send_replace(Some(bus.name_has_owner(name).await?));
    while let Some(change) = changes.next().await {
        available.send_replace(Some(change.args()?.new_owner().is_some()));
    }
    Ok(())
}
