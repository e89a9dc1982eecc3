//! Autostart at login, if the owner switches it on: into the tray, with the same data directory.

use std::path::Path;

use tauri::{Wry, plugin::TauriPlugin};

pub(crate) fn plugin(home: Option<&Path>) -> TauriPlugin<Wry> {
    let mut builder = tauri_plugin_autostart::Builder::new().arg("--hidden");
    // At login the current directory is another one.
    let home = home.and_then(|home| std::path::absolute(home).ok());
    if let Some(home) = home.as_deref().and_then(Path::to_str) {
        builder = builder.arg("--home").arg(quoted(home));
    }
    builder.build()
}

/// Quotes an argument of a desktop entry (Desktop Entry Specification 1.5, "The Exec key"), which the plugin writes
/// unchanged.
#[cfg(target_os = "linux")]
fn quoted(argument: &str) -> String {
    let mut text = String::from("\"");
    for c in argument.chars() {
        match c {
            // Escaped for the quotes, and again as a string of a desktop entry.
            '"' | '`' | '$' => text.push_str("\\\\"),
            '\\' => text.push_str("\\\\\\"),
            '%' => text.push('%'),
            // A line break would begin another key of the entry.
            '\n' => {
                text.push_str("\\n");
                continue;
            }
            '\r' => {
                text.push_str("\\r");
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// A launch agent lists arguments one by one.
#[cfg(target_os = "macos")]
fn quoted(argument: &str) -> String {
    argument.to_owned()
}

#[cfg(windows)]
fn quoted(argument: &str) -> String {
    format!("\"{argument}\"")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted() {
        for (argument, expected) in [
            ("/home/a/b", r#""/home/a/b""#),
            ("/home/a b/100%", r#""/home/a b/100%%""#),
            (r#"/a"b$c`d"#, r#""/a\\"b\\$c\\`d""#),
            (r"/a\b", r#""/a\\\\b""#),
            ("/a\nHidden=true\r", r#""/a\nHidden=true\r""#),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}
