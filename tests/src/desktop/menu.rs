//! A menu as it is read over D-Bus (`com.canonical.dbusmenu`): what the user would see, without pixels.

use zbus::zvariant::{OwnedValue, Structure, Value};

/// A row of a menu, with the rows below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub id: i32,
    /// Without the marks of keyboard access.
    pub label: String,
    pub enabled: bool,
    pub visible: bool,
    pub separator: bool,
    /// Of a row that can be checked.
    pub checked: Option<bool>,
    pub rows: Vec<Row>,
}

/// `(ia{sv}av)` of `GetLayout`.
pub(crate) type Layout = (i32, std::collections::HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Row {
    pub(crate) fn of(layout: Layout) -> Self {
        let (id, properties, children) = layout;
        let text = |name: &str| {
            let value = properties.get(name)?;
            value.downcast_ref::<&str>().ok().map(ToOwned::to_owned)
        };
        let flag = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
        let state = properties.get("toggle-state").and_then(|value| i32::try_from(value).ok());
        let toggles = text("toggle-type").is_some_and(|kind| !kind.is_empty());
        Self {
            id,
            label: without_marks(&text("label").unwrap_or_default()),
            enabled: flag("enabled").unwrap_or(true),
            visible: flag("visible").unwrap_or(true),
            separator: text("type").as_deref() == Some("separator"),
            checked: toggles.then_some(state == Some(1)),
            rows: children.into_iter().map(|child| Self::of(layout_of(child))).collect(),
        }
    }

    /// Rows the user sees: no separators, nothing hidden.
    pub fn shown(&self) -> impl Iterator<Item = &Self> {
        self.rows.iter().filter(|row| row.visible && !row.separator)
    }

    pub fn labels(&self) -> Vec<&str> {
        self.shown().map(|row| row.label.as_str()).collect()
    }

    /// The row one gets to by these labels, each complete or, ending in `…*`, as it begins.
    pub fn find(&self, path: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let fits = |row: &&Self| match first.strip_suffix("…*") {
            Some(beginning) => row.label.starts_with(beginning),
            None => row.label == *first,
        };
        self.shown().find(fits)?.find(rest)
    }

    /// Every row, however deep, as text: for messages.
    pub fn drawn(&self) -> String {
        let mut text = String::new();
        self.draw(0, &mut text);
        text
    }

    fn draw(&self, depth: usize, text: &mut String) {
        for row in self.rows.iter().filter(|row| row.visible) {
            let mark = match (row.separator, row.checked, row.enabled) {
                (true, ..) => "—",
                (_, Some(true), _) => "☑ ",
                (_, Some(false), _) => "☐ ",
                (_, None, false) => "· ",
                (_, None, true) => "  ",
            };
            text.push_str(&format!("{}{mark}{} [{}]\n", "    ".repeat(depth), row.label, row.id));
            row.draw(depth + 1, text);
        }
    }
}

/// A child is a variant with a structure in it.
fn layout_of(child: OwnedValue) -> Layout {
    let mut value = Value::from(child);
    while let Value::Value(inner) = value {
        value = *inner;
    }
    let structure = Structure::try_from(value).expect("a row is a structure");
    structure.try_into().expect("a row of a menu")
}

/// One underscore marks the key of the row; two are one that is meant.
fn without_marks(label: &str) -> String {
    let mut plain = String::new();
    let mut letters = label.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '_' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_out() {
        for (label, plain) in [("_Quit", "Quit"), ("read__file", "read_file"), ("a_", "a")] {
            assert_eq!(without_marks(label), plain);
        }
    }
}
