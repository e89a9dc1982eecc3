//! `cargo xtask screens`: pictures of every page into `target/screens`, or the directory named. Of the desktop as well,
//! where `AGENTPORT_DESKTOP_BIN` names the tray app.

use std::{io::Write as _, path::PathBuf};

use agentport_tests::{programs, screens};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| programs::target().join("screens"), PathBuf::from);
    for picture in screens::take(&directory).await {
        let note = if picture.overflows { "  (scrolls sideways)" } else { "" };
        writeln!(std::io::stdout(), "{}{note}", picture.path.display())?;
    }
    #[cfg(target_os = "linux")]
    if std::env::var_os("AGENTPORT_DESKTOP_BIN").is_some() {
        for path in agentport_tests::desktop::screens::take(&directory).await {
            writeln!(std::io::stdout(), "{}", path.display())?;
        }
    }
    Ok(())
}
