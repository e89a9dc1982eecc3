//! Checks of notifications and the tray over the D-Bus session bus. Without a session there are neither, as on a headless
//! machine.

use std::{env, time::Duration};

use zbus::{Connection, fdo::DBusProxy, names::BusName};

use super::finding::DoctorReport;

const BUS_TIMEOUT: Duration = Duration::from_secs(3);
/// Desktop Notifications Specification 1.2.
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const NOTIFICATIONS_PATH: &str = "/org/freedesktop/Notifications";
/// The name trays are found under (StatusNotifierItem).
const TRAY: &str = "org.kde.StatusNotifierWatcher";
const TRAY_PATH: &str = "/StatusNotifierWatcher";

pub(super) async fn check(report: &mut DoctorReport) {
    let asked = tokio::time::timeout(BUS_TIMEOUT, async {
        let bus = Connection::session().await?;
        notifications(&bus, report).await?;
        tray(&bus, report).await
    });
    let why = match asked.await {
        Ok(Ok(())) => return,
        Ok(Err(error)) if is_wanted() => format!(" ({error})"),
        Ok(Err(_)) => String::new(),
        Err(_) => format!(" (no answer within {} seconds)", BUS_TIMEOUT.as_secs()),
    };
    report.info(
        "desktop",
        format!("There is no session bus here{why}, so there are no notifications and no tray."),
        Some("requests wait in AgentPort's pages, and for `agentport approvals`"),
    );
}

/// Should there be a session bus?
fn is_wanted() -> bool {
    env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
}

async fn notifications(bus: &Connection, report: &mut DoctorReport) -> zbus::Result<()> {
    const ABOUT: &str = "notifications";
    if !is_there(bus, NOTIFICATIONS, true).await? {
        report.warn(
            ABOUT,
            "Nothing here shows notifications; AgentPort's window opens instead.",
            "install a notification daemon, such as the desktop's own, dunst or mako",
        );
        return Ok(());
    }
    let call = async |method: &str| {
        bus.call_method(Some(NOTIFICATIONS), NOTIFICATIONS_PATH, Some(NOTIFICATIONS), method, &())
            .await
    };
    let said = call("GetServerInformation").await?;
    let (name, _, version, _): (String, String, String, String) = said.body().deserialize()?;
    let capabilities: Vec<String> = call("GetCapabilities").await?.body().deserialize()?;
    if capabilities.iter().any(|capability| capability == "actions") {
        report.ok(ABOUT, format!("{name} {version} shows notifications with buttons."));
    } else {
        report.warn(
            ABOUT,
            format!("{name} {version} shows notifications without buttons; AgentPort's window opens instead."),
            "use a notification daemon that has buttons, if you want to decide from the notification",
        );
    }
    Ok(())
}

async fn tray(bus: &Connection, report: &mut DoctorReport) -> zbus::Result<()> {
    const ABOUT: &str = "tray";
    const MEND: &str = "open AgentPort again to see its window; on GNOME, the extension \"AppIndicator and \
                        KStatusNotifierItem Support\" adds a tray";
    if !is_there(bus, TRAY, false).await? {
        report.warn(ABOUT, "This desktop has no tray.", MEND);
        return Ok(());
    }
    let proxy = zbus::Proxy::new(bus, TRAY, TRAY_PATH, TRAY).await?;
    match proxy.get_property::<bool>("IsStatusNotifierHostRegistered").await {
        Ok(false) => report.warn(ABOUT, "Nothing on this desktop shows the tray's icons.", MEND),
        // Some watchers do not have the property.
        Ok(true) | Err(_) => report.ok(ABOUT, "This desktop has a tray."),
    }
    Ok(())
}

/// Does the bus name have an owner, or (if `or_startable`) would the bus start one?
async fn is_there(bus: &Connection, name: &'static str, or_startable: bool) -> zbus::Result<bool> {
    let proxy = DBusProxy::new(bus).await?;
    let name = BusName::try_from(name)?;
    if proxy.name_has_owner(name.clone()).await? {
        return Ok(true);
    }
    let startable = proxy.list_activatable_names().await?;
    Ok(or_startable && startable.iter().any(|known| known.as_str() == name.as_str()))
}
