//! The built packages: their content and dependencies, and that they run on a clean system.
//!
//! They are made first: `cargo xtask test`, or `cargo xtask bundle --try` for these alone.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use agentport_clients::types::PlanView;
use agentport_tests::{
    Owner, SOON,
    desktop::{Panel, Session, app::AppSetup, until},
    gateway::{PASSWORD, Setup},
    process::Process,
    programs,
};
use http::Method;
use serde_json::json;

const NAME: &str = "agentport-desktop";

/// Everything a package puts on a system, but for the pages of single commands. What would start something by itself is
/// not among it.
const FILES: [&str; 20] = [
    "/usr/bin/agentport",
    "/usr/bin/agentport-desktop",
    "/usr/bin/ap",
    "/usr/share/applications/agentport-desktop.desktop",
    "/usr/share/bash-completion/completions/agentport",
    "/usr/share/bash-completion/completions/ap",
    "/usr/share/doc/agentport-desktop/copyright",
    "/usr/share/doc/agentport-desktop/third-party.txt.gz",
    "/usr/share/fish/vendor_completions.d/agentport.fish",
    "/usr/share/fish/vendor_completions.d/ap.fish",
    "/usr/share/icons/hicolor/128x128/apps/agentport-desktop.png",
    "/usr/share/icons/hicolor/256x256/apps/agentport-desktop.png",
    "/usr/share/icons/hicolor/32x32/apps/agentport-desktop.png",
    "/usr/share/icons/hicolor/512x512/apps/agentport-desktop.png",
    "/usr/share/icons/hicolor/scalable/apps/agentport-desktop.svg",
    "/usr/share/man/man1/agentport.1.gz",
    "/usr/share/man/man1/ap.1.gz",
    "/usr/share/metainfo/dev.agentport.desktop.metainfo.xml",
    "/usr/share/zsh/vendor-completions/_agentport",
    "/usr/share/zsh/vendor-completions/_ap",
];

/// How the file of a page for a single command begins.
const PAGE: &str = "/usr/share/man/man1/agentport-";

/// The package of a kind, in the folder where `cargo xtask` has put them.
fn package(ending: &str) -> PathBuf {
    let folder = std::env::var_os("AGENTPORT_PACKAGES")
        .expect("AGENTPORT_PACKAGES says where the packages are: run `cargo xtask test`");
    let entries = std::fs::read_dir(folder).expect("the folder of the packages");
    let mut found = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension() == Some(OsStr::new(ending)));
    let one = found.next().unwrap_or_else(|| panic!("there is no .{ending}"));
    assert_eq!(found.next(), None, "there is one .{ending}");
    one
}

/// What a tool says, both ways, if it ends well.
fn said(tool: &str, words: &[&str], file: &Path) -> String {
    let output = Command::new(tool).args(words).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{tool} does not start: {error}"));
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert!(output.status.success(), "{tool} {words:?}: {}", said.concat());
    said.concat()
}

/// The `.deb` in a folder, as it would lie on a system.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let mut unpack = Command::new("dpkg-deb");
    let unpacked = unpack.arg("--extract").arg(package("deb")).arg(folder.path()).status();
    assert!(unpacked.expect("dpkg-deb starts").success());
    folder
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn both_hold_the_same_and_nothing_else() {
    let expected: BTreeSet<_> = FILES.into_iter().map(str::to_owned).collect();
    let deb: BTreeSet<_> = said("dpkg-deb", &["--contents"], &package("deb"))
        .lines()
        .filter(|line| !line.starts_with('d'))
        .map(|line| format!("/{}", line.split_whitespace().nth(5).expect("a path")))
        .collect();
    let rpm = said("rpm", &["--query", "--list", "--package"], &package("rpm"));
    // There zsh looks elsewhere.
    let rpm = rpm.replace("/zsh/site-functions/", "/zsh/vendor-completions/");
    assert_eq!(deb, rpm.lines().map(str::to_owned).collect());
    let (pages, rest): (BTreeSet<_>, BTreeSet<_>) =
        deb.into_iter().partition(|file| file.starts_with(PAGE));
    assert_eq!(rest, expected);
    assert!(pages.contains(&format!("{PAGE}tools-call.1.gz")), "{pages:?}");
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn neither_runs_anything_when_installed() {
    let deb = said("dpkg-deb", &["--info"], &package("deb"));
    for script in ["preinst", "postinst", "prerm", "postrm", "triggers"] {
        assert!(!deb.contains(script), "{deb}");
    }
    let rpm = said("rpm", &["--query", "--scripts", "--triggers", "--package"], &package("rpm"));
    assert_eq!(rpm, "");
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn the_deb_says_what_it_is_and_what_it_needs() {
    let deb = package("deb");
    let field = |name: &str| {
        let output = Command::new("dpkg-deb").arg("--field").arg(&deb).arg(name).output();
        String::from_utf8(output.expect("dpkg-deb starts").stdout).expect("text").trim().to_owned()
    };
    assert_eq!(field("Package"), NAME);
    assert_eq!(field("Version"), env!("CARGO_PKG_VERSION"));
    assert!(["amd64", "arm64"].contains(&field("Architecture").as_str()));
    let depends = field("Depends");
    let asks_for = |package: &str| {
        depends.split(", ").any(|one| one.split_whitespace().next() == Some(package))
    };
    for package in ["libc6", "libgtk-3-0", "libwebkit2gtk-4.1-0", "libayatana-appindicator3-1"] {
        assert!(asks_for(package), "{package} is not in {depends}");
    }
    // What it can do without is not forced on anybody: a keyring, and who shows notifications.
    let recommends = field("Recommends");
    assert!(recommends.contains("gnome-keyring") && recommends.contains("notification-daemon"));
    assert!(!asks_for("gnome-keyring") && !asks_for("notification-daemon"));
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn the_rpm_says_what_it_is_and_what_it_needs() {
    let rpm = package("rpm");
    let named = said("rpm", &["--query", "--queryformat", "%{NAME} %{VERSION}", "--package"], &rpm);
    assert_eq!(named, format!("{NAME} {}", env!("CARGO_PKG_VERSION")));
    let requires = said("rpm", &["--query", "--requires", "--package"], &rpm);
    for library in [
        "libc.so.6(",
        "libgtk-3.so.0(",
        "libwebkit2gtk-4.1.so.0(",
        "libayatana-appindicator3.so.1(",
    ] {
        assert!(
            requires.lines().any(|line| line.starts_with(library)),
            "{library} is not in {requires}"
        );
    }
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn desktops_and_software_centres_can_read_it() {
    let root = unpacked();
    let share = root.path().join("usr/share");
    let entry = share.join("applications").join(format!("{NAME}.desktop"));
    assert_eq!(said("desktop-file-validate", &[], &entry), "");
    said(
        "appstreamcli",
        &["validate", "--no-net"],
        &share.join("metainfo/dev.agentport.desktop.metainfo.xml"),
    );
    // The entry names programs and icons that are there.
    let text = std::fs::read_to_string(entry).expect("the entry");
    for line in [format!("Exec={NAME}"), format!("Icon={NAME}"), format!("StartupWMClass={NAME}")] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn lintian_finds_no_error() {
    let not_for_us = [
        // There is no list to write to; problems are reported where the sources are.
        "malformed-contact",
        // Not a package of the distribution: what changed is told with the release.
        "no-changelog",
    ];
    let suppressed = format!("--suppress-tags={}", not_for_us.join(","));
    said("lintian", &["--allow-root", "--fail-on=error", &suppressed], &package("deb"));
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn licences_of_others_come_with_it() {
    let root = unpacked();
    let file = root.path().join("usr/share/doc").join(NAME).join("third-party.txt.gz");
    let text = said("gzip", &["--decompress", "--stdout"], &file);
    // One that asks for its text with every copy, one that asks to say where its source is, one of the pages.
    for part in ["tokio 1", "selectors 0", "svelte 5"] {
        assert!(text.lines().any(|line| line.starts_with(part)), "{part} is missing");
    }
    assert!(text.contains("Permission is hereby granted, free of charge"));
    assert!(text.contains("Mozilla Public License Version 2.0"));
}

#[test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
fn the_programs_in_it_run() {
    let root = unpacked();
    for name in ["agentport", "ap", NAME] {
        let program = root.path().join("usr/bin").join(name);
        let version =
            said(program.to_str().expect("a path in Unicode"), &[], Path::new("--version"));
        assert!(version.trim().ends_with(env!("CARGO_PKG_VERSION")), "{name}: {version}");
    }
}

/// What a client is told to start is what was installed with the app, by a path that stays.
#[tokio::test]
#[ignore = "looks at finished packages: `cargo xtask test` makes them"]
async fn the_app_in_it_tells_clients_to_start_the_program_in_it() {
    let root = unpacked();
    let programs = root.path().join("usr/bin");
    let session = Session::bare().await;
    // With an owner password, which lets the test in.
    let setup = AppSetup::hidden(Setup::default().start().await.stop().await);
    let mut command = session.command(&programs.join(NAME));
    command.args(setup.words()).envs(setup.environment());
    let app = Process::start(command, &session.log("app"));
    let runtime = setup.runtime_of(|pid| pid == app.pid()).await;
    let owner = Owner::sign_in(&format!("http://127.0.0.1:{}", runtime.port), PASSWORD).await;
    let plan: PlanView = owner
        .ask(
            Method::POST,
            "/control/clients/claude-desktop/plan",
            Some(json!({ "what": "connect" })),
        )
        .await;
    let program = programs.join("agentport");
    let line = format!("\"command\": {}", json!(program));
    assert!(program.is_file() && plan.files[0].diff.contains(&line), "{}", plan.files[0].diff);
    assert_eq!(app.stop().await.code(), Some(0), "it ends well");
}

/// A Debian with the package, what it asks for, and nothing else: no keyring, no notification daemon, no desktop. The
/// bus, the display and the panel are the test's, outside; the app runs in there, with that system's libraries alone.
#[tokio::test]
#[ignore = "takes a clean Debian in a folder: `cargo xtask test` makes it, as root"]
async fn clean_system_shows_the_tray_icon() {
    let system = std::env::var_os("AGENTPORT_CLEAN_SYSTEM")
        .map(PathBuf::from)
        .expect("AGENTPORT_CLEAN_SYSTEM says where it is: run `cargo xtask test` as root");
    let session = Session::bare().await;
    let panel = Panel::start(&session).await;
    let outside = session.folder("home").parent().expect("the session's directory").to_owned();
    let mut command = session.command(Path::new("unshare"));
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", INSIDE, "sh"]);
    command.arg(&system).arg(&outside).args([NAME, "--port", "0"]);
    let app = Process::start(command, &session.log("app"));
    let ended = async || {
        let status = app.ended(SOON * 4).await;
        let stderr = std::fs::read_to_string(session.log("app")).unwrap_or_default();
        panic!("the app ended ({status:?}):\n{stderr}");
    };
    let mut tray = tokio::select! {
        tray = panel.tray() => tray,
        () = ended() => return,
    };
    tokio::select! {
        // It has found a place for its secrets without a keyring, and listens.
        _ = tray.row(&["Copy MCP URL"]) => {}
        () = ended() => return,
    }
    // The window of the first start, with its page in it: the middle of an empty one has one colour.
    let mut colours = session.command(Path::new("import"));
    colours.args(["-window", "root", "-crop", "800x400+240+250", "-format", "%k", "info:"]);
    until("a page in a window", async || {
        let said = colours.output().expect("import runs").stdout;
        let count: u32 = String::from_utf8_lossy(&said).trim().parse().ok()?;
        (count > 10).then_some(())
    })
    .await;
    session.picture("root", &programs::target().join("bundle/clean.png"));
    tray.choose(&["Quit AgentPort"]).await;
    let status = app.ended(SOON).await;
    assert_eq!(status.and_then(|status| status.code()), Some(0), "it ends well");
}

/// Run in namespaces of its own, so that nothing of it outlives the test: `$1` is the system, `$2` the folder of the
/// session outside, the rest the program in the system.
const INSIDE: &str = r#"
system=$1; session=$2; shift 2
mkdir -p "$system$session" "$system/tmp/.X11-unix"
mount --bind "$session" "$system$session"
mount --bind /tmp/.X11-unix "$system/tmp/.X11-unix"
mount --rbind /dev "$system/dev"
mount -t proc proc "$system/proc"
exec chroot "$system" "$@"
"#;
