//! The tray's icons, rendered by `cargo xtask icons`.

use tauri::image::Image;

use super::model::TrayIconState;

/// Highest number on a badge.
const MAX_BADGE_COUNT: usize = 9;

/// The icons for one kind of panel.
pub(super) struct TrayIcons(&'static IconFamily);

struct IconFamily {
    normal: &'static [u8],
    paused: &'static [u8],
    trouble: &'static [u8],
    /// 1 to 9.
    waiting: [&'static [u8]; MAX_BADGE_COUNT],
    more: &'static [u8],
}

macro_rules! family {
    ($panel:literal) => {
        IconFamily {
            normal: family!($panel, "normal"),
            paused: family!($panel, "paused"),
            trouble: family!($panel, "trouble"),
            waiting: [
                family!($panel, "waiting-1"),
                family!($panel, "waiting-2"),
                family!($panel, "waiting-3"),
                family!($panel, "waiting-4"),
                family!($panel, "waiting-5"),
                family!($panel, "waiting-6"),
                family!($panel, "waiting-7"),
                family!($panel, "waiting-8"),
                family!($panel, "waiting-9"),
            ],
            more: family!($panel, "waiting-more"),
        }
    };
    ($panel:literal, $name:literal) => {
        include_bytes!(concat!("../../../icons/tray/", $panel, "/", $name, ".png"))
    };
}

/// A template image: the menu bar colours it.
#[cfg(target_os = "macos")]
static TEMPLATE: IconFamily = family!("template");
#[cfg(not(target_os = "macos"))]
static ON_DARK: IconFamily = family!("dark");
#[cfg(any(windows, all(test, target_os = "linux")))]
static ON_LIGHT: IconFamily = family!("light");
/// In a middle tone, for panels that may be light or dark.
#[cfg(target_os = "linux")]
static ON_ANY: IconFamily = family!("any");

impl TrayIcons {
    #[cfg(target_os = "macos")]
    pub(super) fn for_this_desktop() -> Self {
        Self(&TEMPLATE)
    }

    /// The panel follows the theme, except on these desktops, whose bar is always dark.
    #[cfg(target_os = "linux")]
    pub(super) fn for_this_desktop() -> Self {
        const DARK: [&str; 4] = ["GNOME", "Unity", "Pantheon", "COSMIC"];
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let dark = desktop.split(':').any(|name| DARK.contains(&name));
        Self(if dark { &ON_DARK } else { &ON_ANY })
    }

    #[cfg(windows)]
    pub(super) fn for_this_desktop() -> Self {
        Self(if taskbar_is_light() { &ON_LIGHT } else { &ON_DARK })
    }

    pub(super) fn image(&self, icon: TrayIconState) -> Image<'static> {
        let family = self.0;
        let bytes = match icon {
            TrayIconState::Normal => family.normal,
            TrayIconState::Paused => family.paused,
            TrayIconState::Trouble => family.trouble,
            TrayIconState::Pending(count) => match count.checked_sub(1) {
                Some(at) => family.waiting.get(at).copied().unwrap_or(family.more),
                None => family.normal,
            },
        };
        Image::from_bytes(bytes).expect("an embedded icon, checked by a test")
    }
}

/// The colour setting of the taskbar, which is another than that of programs.
#[cfg(windows)]
fn taskbar_is_light() -> bool {
    windows_registry::CURRENT_USER
        .open(r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize")
        .and_then(|key| key.get_u32("SystemUsesLightTheme"))
        .is_ok_and(|light| light == 1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn every_picture_can_be_read() {
        for family in [&ON_DARK, &ON_LIGHT, &ON_ANY] {
            let icons = TrayIcons(family);
            let counted = (0..=11).map(TrayIconState::Pending);
            for icon in [TrayIconState::Normal, TrayIconState::Paused, TrayIconState::Trouble]
                .into_iter()
                .chain(counted)
            {
                let image = icons.image(icon);
                assert_eq!((image.width(), image.height()), (48, 48), "{icon:?}");
            }
        }
        let icons = TrayIcons(&ON_DARK);
        let picture = |icon| icons.image(icon).rgba().to_vec();
        assert_eq!(picture(TrayIconState::Pending(10)), picture(TrayIconState::Pending(500)), "9+");
        assert_ne!(picture(TrayIconState::Pending(9)), picture(TrayIconState::Pending(10)));
    }
}
