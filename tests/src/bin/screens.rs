//! `cargo xtask screens`: pictures of every page into `target/screens`, or the directory named.

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
    Ok(())
}
