//! The tray's pictures, made by `cargo xtask icons`.

use tauri::image::Image;

use super::model::Icon;

/// The most that a badge counts.
const MOST_COUNTED: usize = 9;

/// One family: for panels of one kind.
pub(super) struct Icons(&'static Family);

struct Family {
    normal: &'static [u8],
    paused: &'static [u8],
    trouble: &'static [u8],
    /// 1 to 9.
    waiting: [&'static [u8]; MOST_COUNTED],
    more: &'static [u8],
}

macro_rules! family {
    ($panel:literal) => {
        Family {
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

/// A stencil: the menu bar colours it.
#[cfg(target_os = "macos")]
static TEMPLATE: Family = family!("template");
#[cfg(not(target_os = "macos"))]
static ON_DARK: Family = family!("dark");
#[cfg(any(windows, all(test, target_os = "linux")))]
static ON_LIGHT: Family = family!("light");
/// In a tone between, for panels that may be either.
#[cfg(target_os = "linux")]
static ON_ANY: Family = family!("any");

impl Icons {
    #[cfg(target_os = "macos")]
    pub(super) fn for_this_desktop() -> Self {
        Self(&TEMPLATE)
    }

    /// Light or dark as the owner's theme has it on the rest; on these the bar is dark whatever the theme is.
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

    pub(super) fn image(&self, icon: Icon) -> Image<'static> {
        let family = self.0;
        let bytes = match icon {
            Icon::Normal => family.normal,
            Icon::Paused => family.paused,
            Icon::Trouble => family.trouble,
            Icon::Waiting(count) => match count.checked_sub(1) {
                Some(at) => family.waiting.get(at).copied().unwrap_or(family.more),
                None => family.normal,
            },
        };
        Image::from_bytes(bytes).expect("a picture of ours, read by a test")
    }
}

/// The owner's choice for the taskbar, which is not that for programs.
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
            let icons = Icons(family);
            let counted = (0..=11).map(Icon::Waiting);
            for icon in [Icon::Normal, Icon::Paused, Icon::Trouble].into_iter().chain(counted) {
                let image = icons.image(icon);
                assert_eq!((image.width(), image.height()), (48, 48), "{icon:?}");
            }
        }
        let icons = Icons(&ON_DARK);
        let picture = |icon| icons.image(icon).rgba().to_vec();
        assert_eq!(picture(Icon::Waiting(10)), picture(Icon::Waiting(500)), "9+");
        assert_ne!(picture(Icon::Waiting(9)), picture(Icon::Waiting(10)));
    }
}
