//! The tray's model on the screen. Handles of what is shown are kept; a new state changes what differs, in place. The
//! menu as a whole is never made anew, for that would close it under the owner's pointer.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tauri::{
    AppHandle, Wry,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{TrayIcon, TrayIconBuilder},
};

use super::{
    Choose, Show,
    icons::Icons,
    model::{Action, Kind, Life, Row, TrayState, TrayView, view},
    order::{Step, steps},
};

/// The icon and the menu.
pub(crate) struct Tray {
    app: AppHandle,
    shown: Arc<Mutex<Shown>>,
    actions: Actions,
}

/// What each row does, by its key.
type Actions = Arc<Mutex<HashMap<String, Action>>>;

/// What is on the screen. Touched on the main thread only, as the platforms want it.
struct Shown {
    icon: TrayIcon,
    icons: Icons,
    view: TrayView,
    menu: Menu<Wry>,
    nodes: Vec<Node>,
}

struct Node {
    key: String,
    handle: Handle,
}

enum Handle {
    Item(MenuItem<Wry>, Text),
    /// With its label.
    Menu(Submenu<Wry>, String, Vec<Node>),
    Separator(PredefinedMenuItem<Wry>),
}

/// What a row reads like at present.
#[derive(Clone, PartialEq)]
struct Text {
    label: String,
    enabled: bool,
}

/// Where rows are.
enum Place<'a> {
    Menu(&'a Menu<Wry>),
    Submenu(&'a Submenu<Wry>),
}

impl Tray {
    /// Puts the icon into the tray. On the main thread. `folder` is where the icon's picture is kept for the panel to
    /// read, where it reads files.
    pub(crate) fn new(
        app: &AppHandle,
        folder: Option<PathBuf>,
        choose: Choose,
    ) -> tauri::Result<Self> {
        let view = view(&TrayState { life: Life::Starting });
        let icons = Icons::for_this_desktop();
        let menu = Menu::new(app)?;
        let mut nodes = Vec::new();
        arrange(app, &Place::Menu(&menu), &mut nodes, &view.rows)?;
        let actions = Actions::default();
        let known = actions.clone();
        let mut builder = TrayIconBuilder::with_id("agentport")
            .icon(icons.image(view.icon))
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip(&view.tooltip)
            .menu(&menu)
            .on_menu_event(move |_, event| {
                let actions = known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(action) = actions.get(event.id().as_ref()) {
                    choose.choose(action.clone());
                }
            });
        if let Some(folder) = folder {
            builder = builder.temp_dir_path(folder);
        }
        let icon = builder.build(app)?;
        know(&view.rows, &actions);
        let shown = Arc::new(Mutex::new(Shown { icon, icons, view, menu, nodes }));
        Ok(Self { app: app.clone(), shown, actions })
    }
}

impl Show for Tray {
    fn show(&self, state: TrayState) {
        let wanted = view(&state);
        let (app, shown, actions) = (self.app.clone(), self.shown.clone(), self.actions.clone());
        let on_main = move || {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.view == wanted {
                return;
            }
            if let Err(error) = shown.become_like(&app, wanted) {
                tracing::error!(%error, "the tray could not be changed");
            }
            // Rows are drawn and clicked on this thread, so no click falls between the two.
            know(&shown.view.rows, &actions);
        };
        // Fails only once the app has ended.
        let _ = self.app.run_on_main_thread(on_main);
    }
}

impl Shown {
    fn become_like(&mut self, app: &AppHandle, wanted: TrayView) -> tauri::Result<()> {
        if self.view.icon != wanted.icon {
            self.icon.set_icon_with_as_template(
                Some(self.icons.image(wanted.icon)),
                cfg!(target_os = "macos"),
            )?;
            // Beside the icon, where the icon itself has no colours to tell with.
            #[cfg(target_os = "macos")]
            self.icon.set_title(count(wanted.icon))?;
        }
        if self.view.tooltip != wanted.tooltip {
            self.icon.set_tooltip(Some(&wanted.tooltip))?;
        }
        arrange(app, &Place::Menu(&self.menu), &mut self.nodes, &wanted.rows)?;
        self.view = wanted;
        Ok(())
    }
}

#[cfg(target_os = "macos")]
fn count(icon: super::model::Icon) -> Option<String> {
    match icon {
        super::model::Icon::Waiting(waiting) => Some(waiting.to_string()),
        _ => None,
    }
}

/// Takes over what rows do.
fn know(rows: &[Row], actions: &Actions) {
    let mut actions = actions.lock().unwrap_or_else(PoisonError::into_inner);
    actions.clear();
    collect(rows, &mut actions);
}

fn collect(rows: &[Row], actions: &mut HashMap<String, Action>) {
    for row in rows {
        match &row.kind {
            Kind::Item { action: Some(action), .. } => {
                actions.insert(row.key.clone(), action.clone());
            }
            Kind::Menu { rows, .. } => collect(rows, actions),
            Kind::Item { action: None, .. } | Kind::Separator => {}
        }
    }
}

/// Makes the rows of a menu what they are to be.
fn arrange(
    app: &AppHandle,
    place: &Place<'_>,
    nodes: &mut Vec<Node>,
    wanted: &[Row],
) -> tauri::Result<()> {
    let shown: Vec<String> = nodes.iter().map(|node| node.key.clone()).collect();
    let keys: Vec<String> = wanted.iter().map(|row| row.key.clone()).collect();
    for step in steps(&shown, &keys) {
        match step {
            Step::Remove(at) => place.remove(&nodes.remove(at))?,
            Step::Insert { wanted: number, at } => {
                let node = Node::new(app, &wanted[number])?;
                place.insert(&node, at)?;
                nodes.insert(at, node);
            }
            Step::Move { from, to } => {
                let node = nodes.remove(from);
                place.remove(&node)?;
                place.insert(&node, to)?;
                nodes.insert(to, node);
            }
        }
    }
    for (at, row) in wanted.iter().enumerate() {
        if nodes[at].is_redrawn_for(row) {
            place.remove(&nodes[at])?;
            nodes[at] = Node::new(app, row)?;
            place.insert(&nodes[at], at)?;
        } else {
            nodes[at].become_like(app, row)?;
        }
    }
    Ok(())
}

impl Node {
    fn new(app: &AppHandle, row: &Row) -> tauri::Result<Self> {
        let handle = match &row.kind {
            Kind::Item { label, action } => {
                let text = Text { label: label.clone(), enabled: action.is_some() };
                let item =
                    MenuItem::with_id(app, &row.key, escaped(label), text.enabled, None::<&str>)?;
                Handle::Item(item, text)
            }
            Kind::Menu { label, rows } => {
                let menu = Submenu::with_id(app, &row.key, escaped(label), true)?;
                let mut nodes = Vec::new();
                arrange(app, &Place::Submenu(&menu), &mut nodes, rows)?;
                Handle::Menu(menu, label.clone(), nodes)
            }
            Kind::Separator => Handle::Separator(PredefinedMenuItem::separator(app)?),
        };
        Ok(Self { key: row.key.clone(), handle })
    }

    /// On GTK, muda draws the label of a submenu once, and `set_text` changes nothing that can be seen.
    fn is_redrawn_for(&self, row: &Row) -> bool {
        match (&self.handle, &row.kind) {
            (Handle::Menu(_, shown, _), Kind::Menu { label, .. }) => shown != label,
            _ => false,
        }
    }

    fn become_like(&mut self, app: &AppHandle, row: &Row) -> tauri::Result<()> {
        match (&mut self.handle, &row.kind) {
            (Handle::Item(item, text), Kind::Item { label, action }) => {
                let wanted = Text { label: label.clone(), enabled: action.is_some() };
                if text.label != wanted.label {
                    item.set_text(escaped(label))?;
                }
                if text.enabled != wanted.enabled {
                    item.set_enabled(wanted.enabled)?;
                }
                *text = wanted;
            }
            (Handle::Menu(menu, _, nodes), Kind::Menu { rows, .. }) => {
                arrange(app, &Place::Submenu(menu), nodes, rows)?;
            }
            // A key stands for one kind of row.
            _ => {}
        }
        Ok(())
    }

    fn as_item(&self) -> &dyn IsMenuItem<Wry> {
        match &self.handle {
            Handle::Item(item, _) => item,
            Handle::Menu(menu, ..) => menu,
            Handle::Separator(separator) => separator,
        }
    }
}

impl Place<'_> {
    fn insert(&self, node: &Node, at: usize) -> tauri::Result<()> {
        match self {
            Self::Menu(menu) => menu.insert(node.as_item(), at),
            Self::Submenu(menu) => menu.insert(node.as_item(), at),
        }
    }

    fn remove(&self, node: &Node) -> tauri::Result<()> {
        match self {
            Self::Menu(menu) => menu.remove(node.as_item()),
            Self::Submenu(menu) => menu.remove(node.as_item()),
        }
    }
}

/// A single `&` would underline the letter after it.
fn escaped(label: &str) -> String {
    label.replace('&', "&&")
}
