//! Name of the app's icon, where the icon theme has it.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Name of the desktop file and of the icon.
pub(super) const APP: &str = "agentport-desktop";

/// The icon of a notification: ours where it is installed, otherwise empty, for none. A name that the theme lacks would be
/// shown as a broken image.
pub(super) fn name() -> &'static str {
    if data_folders().any(|folder| is_in(&folder)) { APP } else { "" }
}

/// Base folders of icon themes (Icon Theme Specification, "Directory Layout"; Base Directory Specification).
fn data_folders() -> impl Iterator<Item = PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let own = set("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/share")));
    let shared = set("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    own.into_iter().chain(env::split_paths(&shared).collect::<Vec<_>>())
}

/// `folder` has the icon, in any size, in `hicolor`, the fallback of all themes.
fn is_in(folder: &Path) -> bool {
    let Ok(sizes) = folder.join("icons/hicolor").read_dir() else { return false };
    sizes.flatten().any(|size| {
        ["png", "svg"]
            .iter()
            .any(|kind| size.path().join("apps").join(APP).with_extension(kind).exists())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_named_only_where_it_is() {
        for (path, want) in [
            ("icons/hicolor/128x128/apps/agentport-desktop.png", true),
            ("icons/hicolor/scalable/apps/agentport-desktop.svg", true),
            ("icons/hicolor/128x128/apps/other.png", false),
            ("icons/hicolor/128x128/agentport-desktop.png", false),
            ("icons/other/128x128/apps/agentport-desktop.png", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
            assert_eq!(is_in(folder.path()), want, "{path}");
        }
        assert!(!is_in(Path::new("/nowhere")));
    }
}
