//! Findings about notifications and tray, on the test's own bus.

use std::process::Command;

use agentport_tests::{Gateway, process::Process};

use super::{As, found};

struct Daemon(Vec<String>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    fn get_server_information(&self) -> (String, String, String, String) {
        ["shower", "nobody", "7", "1.2"].map(str::to_owned).into()
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.0.clone()
    }
}

struct Watcher(bool);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        self.0
    }
}

#[tokio::test]
async fn the_desktop_session_is_described() {
    let gateway = Gateway::start().await;
    let files = gateway.place().files();
    let configuration = files.join("bus.conf");
    let text = format!(
        r#"<busconfig><type>session</type><listen>unix:path={}/bus</listen><policy context="default">
           <allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
        files.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let mut command = Command::new("dbus-daemon");
    command.args(["--nofork", "--nopidfile", "--print-address=1", "--config-file"]);
    command.arg(&configuration);
    if Command::new("dbus-daemon").arg("--version").output().is_err() {
        crate::client_file_crash::skipped("there is no dbus-daemon here");
        gateway.stop().await;
        return;
    }
    let mut bus = Process::start(command, &files.join("bus-stderr"));
    let address = bus.line().await.expect("the bus says its address");
    let setup = gateway.setup.clone().env("DBUS_SESSION_BUS_ADDRESS", &address);

    let bare = found(&setup, As::Nobody, &[]).await;
    assert_eq!(
        (bare.state("notifications"), bare.state("tray")),
        ("warn", "warn"),
        "{}",
        bare.text
    );
    assert_eq!(bare.code, Some(0), "neither is a failure");

    for (capabilities, has_host, notifications, tray) in
        [(vec![], false, "warn", "warn"), (vec!["body", "actions"], true, "ok", "ok")]
    {
        let capabilities = capabilities.into_iter().map(str::to_owned).collect();
        let desktop = zbus::connection::Builder::address(address.as_str())
            .and_then(|builder| {
                builder.serve_at("/org/freedesktop/Notifications", Daemon(capabilities))
            })
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(has_host)))
            .and_then(|builder| builder.name("org.freedesktop.Notifications"))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"))
            .expect("a desktop")
            .build()
            .await
            .expect("the bus lets it in");
        let seen = found(&setup, As::Nobody, &[]).await;
        assert_eq!(seen.state("notifications"), notifications, "{}", seen.text);
        assert!(seen.says("notifications").contains("shower 7"), "{}", seen.text);
        assert_eq!(seen.state("tray"), tray, "{}", seen.text);
        desktop.close().await.expect("it goes");
    }
    bus.stop().await;

    // An address that leads nowhere any more.
    let gone = found(&setup, As::Nobody, &[]).await;
    assert_eq!(gone.state("desktop"), "info", "{}", gone.text);
    assert!(gone.says("desktop").contains("no session bus here ("), "{}", gone.text);
    gateway.stop().await;
}
