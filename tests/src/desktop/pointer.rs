//! A hand on the mouse and the keyboard, and an eye on the windows: what X11 knows, by `xdotool`.

use std::{path::Path, time::Duration};

use super::{Session, try_until};
use crate::SOON;

/// How long a user waits to see something happen.
const A_MOMENT: Duration = Duration::from_secs(2);
/// How often a user tries.
const TRIES: usize = 10;

/// A window on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub id: String,
    pub title: String,
    pub left: i32,
    pub top: i32,
    pub width: i32,
    pub height: i32,
}

impl Session {
    fn xdotool(&self, words: &[&str]) -> (bool, String) {
        let said = self.command(Path::new("xdotool")).args(words).output().expect("xdotool runs");
        (said.status.success(), String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// The windows on the screen whose class has `class` in it, small ones that only belong to a program left out.
    pub fn windows(&self, class: &str) -> Vec<Window> {
        // It fails when it finds none.
        let (_, ids) = self.xdotool(&["search", "--onlyvisible", "--class", class]);
        let found = ids.split_whitespace().filter_map(|id| self.window(id));
        found.filter(|window| window.width > 20 && window.height > 20).collect()
    }

    /// `None` for a window that is just gone.
    fn window(&self, id: &str) -> Option<Window> {
        let (there, shape) = self.xdotool(&["getwindowgeometry", "--shell", id]);
        let (named, title) = self.xdotool(&["getwindowname", id]);
        let number = |name: &str| {
            shape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        (there && named).then_some(())?;
        Some(Window {
            id: id.to_owned(),
            title: title.trim_end().to_owned(),
            left: number("X")?,
            top: number("Y")?,
            width: number("WIDTH")?,
            height: number("HEIGHT")?,
        })
    }

    /// Waits for so many windows of a class.
    pub async fn windows_until(&self, class: &str, count: usize) -> Vec<Window> {
        let look = async || Some(self.windows(class)).filter(|windows| windows.len() == count);
        let found = try_until(SOON, look).await;
        found.unwrap_or_else(|| panic!("not {count} windows of {class}: {:?}", self.windows(class)))
    }

    /// The window that has the keyboard.
    pub fn active_window(&self) -> Option<String> {
        let (found, id) = self.xdotool(&["getactivewindow"]);
        found.then(|| id.trim().to_owned())
    }

    /// Puts the pointer there, from somewhere else, and clicks.
    pub fn click(&self, left: i32, top: i32) {
        self.click_with("1", left, top);
    }

    /// The same with the other button, for what a thing can do.
    pub fn right_click(&self, left: i32, top: i32) {
        self.click_with("3", left, top);
    }

    fn click_with(&self, button: &str, left: i32, top: i32) {
        let (beside, left, top) = ((left - 3).to_string(), left.to_string(), top.to_string());
        let moves = ["mousemove", &beside, &top, "mousemove", &left, &top, "click", button];
        assert!(self.xdotool(&moves).0, "a click at {left}, {top}");
    }

    /// Presses a key in a window, after giving it the keyboard. `false` if it did not get it.
    pub fn press(&self, window: &Window, key: &str) -> bool {
        self.xdotool(&["windowactivate", &window.id]);
        let has_it = self.active_window().as_deref() == Some(&window.id);
        has_it && self.xdotool(&["key", "--clearmodifiers", key]).0
    }

    /// Moves a window and gives it a size.
    pub fn place(&self, window: &Window, at: (i32, i32), size: (i32, i32)) {
        let [left, top, width, height] =
            [at.0, at.1, size.0, size.1].map(|number| number.to_string());
        let moves =
            ["windowmove", &window.id, &left, &top, "windowsize", &window.id, &width, &height];
        assert!(self.xdotool(&moves).0, "{window:?} to {at:?}, {size:?}");
    }

    /// Presses a key, whoever has the keyboard.
    pub fn press_anywhere(&self, key: &str) {
        assert!(self.xdotool(&["key", key]).0, "{key}");
    }

    /// Asks a window once to close, and does not wait for what it does.
    pub fn ask_to_close(&self, window: &Window) -> bool {
        self.press(window, "alt+F4")
    }

    /// Takes a window off the screen, and the keyboard from it.
    pub fn minimize(&self, window: &Window) {
        assert!(self.xdotool(&["windowminimize", &window.id]).0, "{window:?}");
    }

    /// Closes a window as a user does, who tries again if nothing happens.
    pub async fn close(&self, window: &Window) {
        for _ in 0..TRIES {
            self.press(window, "alt+F4");
            let gone = async || self.window(&window.id).is_none().then_some(());
            if try_until(A_MOMENT, gone).await.is_some() {
                return;
            }
        }
        panic!("{window:?} cannot be closed");
    }
}
