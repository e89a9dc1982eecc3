//! Renders the tray's model with Tauri. A new state changes what differs, in place: rebuilding the menu would close it
//! under the pointer.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use tauri::{
    AppHandle, Wry,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{TrayIcon, TrayIconBuilder},
};

use super::model::{TrayState, TrayView, view};
use super::{
    TrayActions, TrayDisplay,
    diff::{RowChange, row_changes},
    icons::TrayIcons,
    model::{GatewayPhase, MenuRow, RowKind, TrayAction},
};

/// The icon and the menu.
pub(crate) struct Tray {
    app: AppHandle,
    shown: Arc<Mutex<ShownTray>>,
    actions: RowActions,
}

/// The action of each row, by its key.
type RowActions = Arc<Mutex<HashMap<String, TrayAction>>>;

/// What is on the screen. Used on the main thread only, as the platforms require.
struct ShownTray {
    icon: TrayIcon,
    icons: TrayIcons,
    view: TrayView,
    menu: Menu<Wry>,
    nodes: Vec<MenuNode>,
}

struct MenuNode {
    key: String,
    handle: NodeHandle,
}

enum NodeHandle {
    Item(MenuItem<Wry>, ItemText),
    /// With its label.
    Menu(Submenu<Wry>, String, Vec<MenuNode>),
    Separator(PredefinedMenuItem<Wry>),
}

/// Label and state of a row on the screen.
#[derive(Clone, PartialEq)]
struct ItemText {
    label: String,
    enabled: bool,
}

/// A menu that holds rows.
enum MenuParent<'a> {
    Menu(&'a Menu<Wry>),
    Submenu(&'a Submenu<Wry>),
}

impl Tray {
    /// Creates the tray icon. On the main thread. The panel, where it reads files, reads the icon from `icon_dir`.
    pub(crate) fn new(
        app: &AppHandle,
        icon_dir: Option<PathBuf>,
        row_actions: TrayActions,
    ) -> tauri::Result<Self> {
        let view = view(&TrayState { phase: GatewayPhase::Starting });
        let icons = TrayIcons::for_this_desktop();
        let menu = Menu::new(app)?;
        let mut nodes = Vec::new();
        update_rows(app, &MenuParent::Menu(&menu), &mut nodes, &view.rows)?;
        let actions = RowActions::default();
        let known = actions.clone();
        let mut builder = TrayIconBuilder::with_id("agentport")
            .icon(icons.image(view.icon))
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip(&view.tooltip)
            .menu(&menu)
            .on_menu_event(move |_, event| {
                let actions = known.lock();
                if let Some(action) = actions.get(event.id().as_ref()) {
                    row_actions.start(action.clone());
                }
            });
        if let Some(icon_dir) = icon_dir {
            builder = builder.temp_dir_path(icon_dir);
        }
        let icon = builder.build(app)?;
        replace_actions(&view.rows, &actions);
        let shown = Arc::new(Mutex::new(ShownTray { icon, icons, view, menu, nodes }));
        Ok(Self { app: app.clone(), shown, actions })
    }
}

impl TrayDisplay for Tray {
    fn show(&self, state: TrayState) {
        let wanted = view(&state);
        let (app, shown, actions) = (self.app.clone(), self.shown.clone(), self.actions.clone());
        let on_main = move || {
            let mut shown = shown.lock();
            if shown.view == wanted {
                return;
            }
            if let Err(error) = shown.update(&app, wanted) {
                tracing::error!(%error, "the tray could not be changed");
            }
            // Clicks are handled on this thread, so none falls between the two.
            replace_actions(&shown.view.rows, &actions);
        };
        // Fails only once the app has ended.
        let _ = self.app.run_on_main_thread(on_main);
    }
}

impl ShownTray {
    fn update(&mut self, app: &AppHandle, wanted: TrayView) -> tauri::Result<()> {
        if self.view.icon != wanted.icon {
            self.icon.set_icon_with_as_template(
                Some(self.icons.image(wanted.icon)),
                cfg!(target_os = "macos"),
            )?;
            // A template icon has no colours for a badge, so the count stands beside it.
            #[cfg(target_os = "macos")]
            self.icon.set_title(badge_text(wanted.icon))?;
        }
        if self.view.tooltip != wanted.tooltip {
            self.icon.set_tooltip(Some(&wanted.tooltip))?;
        }
        update_rows(app, &MenuParent::Menu(&self.menu), &mut self.nodes, &wanted.rows)?;
        self.view = wanted;
        Ok(())
    }
}

#[cfg(target_os = "macos")]
fn badge_text(icon: super::model::TrayIconState) -> Option<String> {
    match icon {
        super::model::TrayIconState::Pending(waiting) => Some(waiting.to_string()),
        _ => None,
    }
}

/// Replaces the actions of all rows.
fn replace_actions(rows: &[MenuRow], actions: &RowActions) {
    let mut actions = actions.lock();
    actions.clear();
    collect(rows, &mut actions);
}

fn collect(rows: &[MenuRow], actions: &mut HashMap<String, TrayAction>) {
    for row in rows {
        match &row.kind {
            RowKind::Item { action: Some(action), .. } => {
                actions.insert(row.key.clone(), action.clone());
            }
            RowKind::Menu { rows, .. } => collect(rows, actions),
            RowKind::Item { action: None, .. } | RowKind::Separator => {}
        }
    }
}

/// Changes the rows of a menu to the wanted ones.
fn update_rows(
    app: &AppHandle,
    place: &MenuParent<'_>,
    nodes: &mut Vec<MenuNode>,
    wanted: &[MenuRow],
) -> tauri::Result<()> {
    let shown: Vec<String> = nodes.iter().map(|node| node.key.clone()).collect();
    let keys: Vec<String> = wanted.iter().map(|row| row.key.clone()).collect();
    for change in row_changes(&shown, &keys) {
        match change {
            RowChange::Remove(at) => place.remove(&nodes.remove(at))?,
            RowChange::Insert { wanted: number, at } => {
                let node = MenuNode::new(app, &wanted[number])?;
                place.insert(&node, at)?;
                nodes.insert(at, node);
            }
            RowChange::Move { from, to } => {
                let node = nodes.remove(from);
                place.remove(&node)?;
                place.insert(&node, to)?;
                nodes.insert(to, node);
            }
        }
    }
    for (at, row) in wanted.iter().enumerate() {
        if nodes[at].needs_rebuild(row) {
            place.remove(&nodes[at])?;
            nodes[at] = MenuNode::new(app, row)?;
            place.insert(&nodes[at], at)?;
        } else {
            nodes[at].update(app, row)?;
        }
    }
    Ok(())
}

impl MenuNode {
    fn new(app: &AppHandle, row: &MenuRow) -> tauri::Result<Self> {
        let handle = match &row.kind {
            RowKind::Item { label, action } => {
                let text = ItemText { label: label.clone(), enabled: action.is_some() };
                let item =
                    MenuItem::with_id(app, &row.key, escaped(label), text.enabled, None::<&str>)?;
                NodeHandle::Item(item, text)
            }
            RowKind::Menu { label, rows } => {
                let menu = Submenu::with_id(app, &row.key, escaped(label), true)?;
                let mut nodes = Vec::new();
                update_rows(app, &MenuParent::Submenu(&menu), &mut nodes, rows)?;
                NodeHandle::Menu(menu, label.clone(), nodes)
            }
            RowKind::Separator => NodeHandle::Separator(PredefinedMenuItem::separator(app)?),
        };
        Ok(Self { key: row.key.clone(), handle })
    }

    /// On GTK, muda draws the label of a submenu once, and `set_text` has no visible effect.
    fn needs_rebuild(&self, row: &MenuRow) -> bool {
        match (&self.handle, &row.kind) {
            (NodeHandle::Menu(_, shown, _), RowKind::Menu { label, .. }) => shown != label,
            _ => false,
        }
    }

    fn update(&mut self, app: &AppHandle, row: &MenuRow) -> tauri::Result<()> {
        match (&mut self.handle, &row.kind) {
            (NodeHandle::Item(item, text), RowKind::Item { label, action }) => {
                let wanted = ItemText { label: label.clone(), enabled: action.is_some() };
                if text.label != wanted.label {
                    item.set_text(escaped(label))?;
                }
                if text.enabled != wanted.enabled {
                    item.set_enabled(wanted.enabled)?;
                }
                *text = wanted;
            }
            (NodeHandle::Menu(menu, _, nodes), RowKind::Menu { rows, .. }) => {
                update_rows(app, &MenuParent::Submenu(menu), nodes, rows)?;
            }
            // Rows of one key are of one kind.
            _ => {}
        }
        Ok(())
    }

    fn as_item(&self) -> &dyn IsMenuItem<Wry> {
        match &self.handle {
            NodeHandle::Item(item, _) => item,
            NodeHandle::Menu(menu, ..) => menu,
            NodeHandle::Separator(separator) => separator,
        }
    }
}

impl MenuParent<'_> {
    fn insert(&self, node: &MenuNode, at: usize) -> tauri::Result<()> {
        match self {
            Self::Menu(menu) => menu.insert(node.as_item(), at),
            Self::Submenu(menu) => menu.insert(node.as_item(), at),
        }
    }

    fn remove(&self, node: &MenuNode) -> tauri::Result<()> {
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
