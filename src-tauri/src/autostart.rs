//! The start at login, which the owner switches on: into the tray, with the same data as now.

use std::path::Path;

use tauri::{Wry, plugin::TauriPlugin};

pub(crate) fn plugin(home: Option<&Path>) -> TauriPlugin<Wry> {
    let mut builder = tauri_plugin_autostart::Builder::new().arg("--hidden");
    // A login begins in another folder than this start did.
    let home = home.and_then(|home| std::path::absolute(home).ok());
    if let Some(home) = home.as_deref().and_then(Path::to_str) {
        builder = builder.arg("--home").arg(written(home));
    }
    builder.build()
}

/// As an argument of a desktop entry (Desktop Entry Specification 1.5, "The Exec key"), which the plugin writes as it is.
#[cfg(target_os = "linux")]
fn written(argument: &str) -> String {
    let mut quoted = String::from("\"");
    for c in argument.chars() {
        match c {
            // Once for the quotes, and once more because it is a string of a desktop entry.
            '"' | '`' | '$' => quoted.push_str("\\\\"),
            '\\' => quoted.push_str("\\\\\\"),
            '%' => quoted.push('%'),
            // A line of its own would be an entry of its own.
            '\n' => {
                quoted.push_str("\\n");
                continue;
            }
            '\r' => {
                quoted.push_str("\\r");
                continue;
            }
            _ => {}
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// macOS keeps arguments apart.
#[cfg(target_os = "macos")]
fn written(argument: &str) -> String {
    argument.to_owned()
}

#[cfg(windows)]
fn written(argument: &str) -> String {
    format!("\"{argument}\"")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted() {
        for (argument, quoted) in [
            ("/home/a/b", r#""/home/a/b""#),
            ("/home/a b/100%", r#""/home/a b/100%%""#),
            (r#"/a"b$c`d"#, r#""/a\\"b\\$c\\`d""#),
            (r"/a\b", r#""/a\\\\b""#),
            ("/a\nHidden=true\r", r#""/a\nHidden=true\r""#),
        ] {
            assert_eq!(written(argument), quoted);
        }
    }
}
