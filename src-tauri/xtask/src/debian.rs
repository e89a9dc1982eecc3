//! What Debian has to provide. Installed where we may, named where we may not.

use std::{io::IsTerminal as _, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{paths, process};

/// What the tray app is compiled and linked with. The library behind the tray icon is loaded when the app runs.
const BUILD: [&str; 3] = ["build-essential", "pkg-config", "libwebkit2gtk-4.1-dev"];

/// What the tray app needs to show its icon, beyond what it is linked with.
const RUN: [&str; 1] = ["libayatana-appindicator3-1"];

/// A desktop session without a screen: display, bus, window manager, panel, notification daemon, secret service; and
/// what looks at it and clicks in it.
const SESSION: [&str; 15] = [
    "at-spi2-core",
    "dbus-daemon",
    "dbus-x11",
    "gnome-keyring",
    "imagemagick",
    "libayatana-appindicator3-1",
    "libglib2.0-bin",
    "libsecret-tools",
    "openbox",
    "webkit2gtk-driver",
    "x11-utils",
    "xdotool",
    "xfce4-notifyd",
    "xfce4-panel",
    "xvfb",
];

/// What nginx is linked with.
const NGINX_LIBRARIES: [&str; 4] = ["libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g"];

/// What looks at a package, and what makes the clean system it is tried on.
const PACKAGES: [&str; 7] = [
    "appstream",
    "desktop-file-utils",
    "dpkg-dev",
    // Tauri's bundler asks pkg-config which library draws the tray icon.
    "libayatana-appindicator3-dev",
    "lintian",
    "mmdebstrap",
    "rpm",
];

/// Chromium, in which the pages are tested.
pub(crate) fn chromium() -> Result<()> {
    if std::env::var_os("CHROMIUM").is_some() || Path::new("/usr/bin/chromium").exists() {
        return Ok(());
    }
    // Without a font the pictures show no words.
    install("Chromium, for the browser tests", &["chromium", "fonts-liberation"])
}

/// nginx, as the reverse proxy of an external URL: the program alone, in `target/tools/nginx`. Installing the package would
/// start a web server on this machine.
pub(crate) fn nginx() -> Result<()> {
    let place = paths::tools().join("nginx");
    if Path::new("/usr/sbin/nginx").exists() || place.join("usr/sbin/nginx").exists() {
        return Ok(());
    }
    ensure("The libraries of nginx, for the tests of the external URL", &NGINX_LIBRARIES)?;
    std::fs::create_dir_all(&place)?;
    process::run(Command::new("apt-get").args(["download", "nginx"]).current_dir(&place))?;
    for file in std::fs::read_dir(&place)? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            process::run(Command::new("dpkg-deb").arg("--extract").arg(file).arg(&place))?;
        }
    }
    Ok(())
}

/// What the tray app is built with and runs on.
pub(crate) fn webkit() -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    // On other distributions the packages have other names, and what counts is that the linker finds the libraries.
    if !Path::new("/usr/bin/apt-get").exists()
        && process::works(Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1"]))
    {
        return Ok(());
    }
    let packages: Vec<&str> = BUILD.into_iter().chain(RUN).collect();
    ensure("WebKit, for the windows of the tray app", &packages)
}

/// What the tests of the tray app, its notifications and its windows run in.
pub(crate) fn session() -> Result<()> {
    ensure("A desktop session without a screen, for the tests of the tray app", &SESSION)
}

/// What the tests of the packages use.
pub(crate) fn package_tools() -> Result<()> {
    ensure("What looks at packages and tries them", &PACKAGES)
}

fn ensure(what: &str, packages: &[&str]) -> Result<()> {
    let missing = missing(packages);
    if missing.is_empty() { Ok(()) } else { install(what, &missing) }
}

fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"]).args(packages);
    // It fails when it does not know one of them, and says the rest all the same.
    let said = query.output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let installed = |package: &str| {
        said.lines().any(|line| line.split_once(' ') == Some((package, "installed")))
    };
    packages.iter().copied().filter(|package| !installed(package)).collect()
}

/// Installs packages: as root, or with sudo, which asks for a password only where there is a terminal to ask on.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("{what}: please install {names}; this machine has no apt-get to do it with");
    }
    process::say(&format!("{what}: installing {names}"));
    let Some(as_root) = as_root() else {
        bail!(
            "{what}: please run `apt-get install {names}` as root; there is no sudo that works here"
        );
    };
    let apt_get = |words: &[&str]| {
        let mut line = as_root.clone();
        line.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        line.extend(words);
        process::run(Command::new(line[0]).args(&line[1..]))
    };
    apt_get(&["update"])?;
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages);
    apt_get(&words)
}

/// The words that make a command run as root.
fn as_root() -> Option<Vec<&'static str>> {
    if is_root() {
        return Some(Vec::new());
    }
    if process::works(Command::new("sudo").args(["-n", "true"])) {
        return Some(vec!["sudo", "-n"]);
    }
    (std::io::stdin().is_terminal() && process::works(Command::new("sudo").arg("--version")))
        .then(|| vec!["sudo"])
}

#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
pub(crate) fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_missing() {
        let none = "a-package-that-nobody-made";
        assert_eq!(missing(&[none]), [none]);
        // On Debian, dpkg has installed itself; elsewhere everything is missing.
        let dpkg = Path::new("/usr/bin/dpkg-query").exists();
        assert_eq!(missing(&["dpkg", none]), if dpkg { vec![none] } else { vec!["dpkg", none] });
    }
}
