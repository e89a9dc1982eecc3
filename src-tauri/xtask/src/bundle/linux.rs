//! What the bundler is told of a `.deb` and a `.rpm`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{DESKTOP, Stage, cli_assets, dependencies, license_notices};
use crate::{paths, process};

const SUMMARY: &str = "decide what AI agents may do with your accounts";
const DESCRIPTION: &str = "AgentPort stands between the AI agents on this computer and your accounts.\n\
    Agents connect to one MCP endpoint on loopback. What they want to do passes\n\
    your policy, and what needs you waits for a click on a notification.\n\n\
    This package holds the tray app and the command line (agentport, or ap for\n\
    short). It starts nothing by itself.";

/// Where it keeps tokens; without one, in a file. And who shows its notifications; without one, it opens a window.
const RECOMMENDED_BY_DEBIAN: [&str; 2] = ["gnome-keyring | kwalletmanager", "notification-daemon"];
const RECOMMENDED_BY_RPM: [&str; 1] = ["gnome-keyring"];

pub(super) fn config(stage: &Stage) -> Result<Value> {
    let programs = stage.files();
    let mut files = files(stage)?;
    files.extend(cli_assets::files(stage)?);
    let entry = ours("agentport-desktop.desktop");
    Ok(json!({
        // The name of the packages and of the desktop file. The app itself was compiled with its own name in it.
        "productName": DESKTOP,
        "bundle": {
            "publisher": "AgentPort contributors",
            "license": "Apache-2.0",
            "shortDescription": SUMMARY,
            "longDescription": DESCRIPTION,
            "externalBin": stage.command_line(),
            "icon": ["../icons/32x32.png", "../icons/128x128.png"],
            "linux": {
                "deb": {
                    "section": "utils",
                    "depends": dependencies::debian(&stage.programs, &programs)?,
                    "recommends": RECOMMENDED_BY_DEBIAN,
                    "desktopTemplate": entry,
                    "files": files,
                },
                "rpm": {
                    "depends": dependencies::rpm(&stage.programs, &programs)?,
                    "recommends": RECOMMENDED_BY_RPM,
                    "desktopTemplate": entry,
                    "files": cli_assets::as_in_rpm(&files),
                },
            },
        },
    }))
}

/// What a package holds beside the programs, what they bring for the terminal, the entry in the menu and the smaller
/// icons.
fn files(stage: &Stage) -> Result<BTreeMap<String, PathBuf>> {
    let icons = paths::root().join("icons");
    let hicolor = |size: &str, ending: &str| {
        format!("/usr/share/icons/hicolor/{size}/apps/{DESKTOP}.{ending}")
    };
    let doc = format!("/usr/share/doc/{DESKTOP}");
    Ok(BTreeMap::from([
        // The bundler takes an `@2x` for a folder that the icon theme does not know.
        (hicolor("256x256", "png"), icons.join("128x128@2x.png")),
        (hicolor("512x512", "png"), icons.join("icon.png")),
        (hicolor("scalable", "svg"), icons.join("agentport.svg")),
        (
            "/usr/share/metainfo/dev.agentport.desktop.metainfo.xml".to_owned(),
            ours("dev.agentport.desktop.metainfo.xml"),
        ),
        (format!("{doc}/copyright"), ours("copyright")),
        (format!("{doc}/third-party.txt.gz"), compressed(&license_notices::file(stage)?)?),
    ]))
}

fn ours(name: &str) -> PathBuf {
    paths::root().join("src-tauri/bundle/linux").join(name)
}

fn compressed(file: &Path) -> Result<PathBuf> {
    process::run(
        Command::new("gzip").args(["--best", "--no-name", "--keep", "--force"]).arg(file),
    )?;
    Ok(file.with_extension("txt.gz"))
}
