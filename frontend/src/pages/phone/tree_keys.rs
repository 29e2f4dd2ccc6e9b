//! The keyboard in the tree: arrows move, open and close; Home and End jump; letters find the next name that begins so.

use leptos::prelude::*;

use super::tree::{Row, Rows, name, parent};

/// Letters typed within this time belong together, in milliseconds.
const TOGETHER: f64 = 700.0;

/// What has been typed of a name.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    text: String,
    at: f64,
}

impl Typed {
    pub fn add(&mut self, key: &str, now: f64) -> &str {
        if now - self.at > TOGETHER {
            self.text.clear();
        }
        self.at = now;
        self.text.push_str(&key.to_lowercase());
        &self.text
    }
}

/// What a key does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    To(String),
    Open(String),
    Close(String),
    /// Enter or space.
    Act(String),
}

/// What `key` does at the row `here`; `None`: nothing, and the browser may have it.
pub fn step(rows: &Rows, here: &str, key: &str, typed: &mut Typed, now: f64) -> Option<Step> {
    let at = rows.order.iter().position(|key| key == here)?;
    let to = |index: usize| rows.order.get(index).cloned().map(Step::To);
    let node = match rows.by_key.get(here) {
        Some(Row::Node { node, open, .. }) => Some((node, *open)),
        _ => None,
    };
    match key {
        "ArrowDown" => to(at + 1),
        "ArrowUp" => at.checked_sub(1).and_then(to),
        "Home" => to(0),
        "End" => to(rows.order.len() - 1),
        "Enter" | " " => Some(Step::Act(here.to_owned())),
        "ArrowRight" => match node {
            Some((node, Some(false))) => Some(Step::Open(node.path.clone())),
            Some((_, Some(true))) => to(at + 1),
            _ => None,
        },
        "ArrowLeft" => match node {
            Some((node, Some(true))) => Some(Step::Close(node.path.clone())),
            Some((node, _)) => {
                rows.by_key.contains_key(parent(&node.path)).then(|| Step::To(parent(&node.path).into()))
            }
            None => None,
        },
        letter if letter.chars().count() == 1 => {
            let text = typed.add(letter, now);
            // One letter again and again goes through all that begin with it; more letters stay where they fit.
            let first = if text.chars().count() == 1 { at + 1 } else { at };
            let fits = |key: &&String| {
                let node = matches!(rows.by_key.get(*key), Some(Row::Node { .. }));
                node && name(key).to_lowercase().starts_with(text)
            };
            let (before, after) = rows.order.split_at(first.min(rows.order.len()));
            after.iter().chain(before).find(fits).cloned().map(Step::To)
        }
        _ => None,
    }
}

/// The id of a row's element.
pub fn element(key: &str) -> String {
    format!("node-{key}")
}

/// Moves the focus to a row, once it is there.
pub fn focus_row(key: &str) {
    let id = element(key);
    request_animation_frame(move || crate::app::focus(&id));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        for (path, open) in
            [("Device.", Some(true)), ("Device.Alpha.", Some(false)), ("Device.Beta", None), ("Device.Bravo", None)]
        {
            let node = serde_json::json!({ "path": path, "object": open.is_some(), "children": 0, "writable": false, "type": "" });
            let node = serde_json::from_value(node).unwrap();
            rows.push(Row::Node { node, level: 1, position: 1, of: 1, open });
        }
        rows
    }

    fn press(here: &str, key: &str) -> Option<Step> {
        step(&rows(), here, key, &mut Typed::default(), 1e6)
    }

    #[test]
    fn arrows_move_open_and_close() {
        assert_eq!(press("Device.", "ArrowDown"), Some(Step::To("Device.Alpha.".into())));
        assert_eq!(press("Device.", "ArrowUp"), None);
        assert_eq!(press("Device.", "ArrowLeft"), Some(Step::Close("Device.".into())));
        assert_eq!(press("Device.Alpha.", "ArrowRight"), Some(Step::Open("Device.Alpha.".into())));
        assert_eq!(press("Device.Beta", "ArrowLeft"), Some(Step::To("Device.".into())));
        assert_eq!(press("Device.Beta", "End"), Some(Step::To("Device.Bravo".into())));
        assert_eq!(press("Device.Beta", "Tab"), None);
        assert_eq!(press("gone", "ArrowDown"), None);
    }

    #[test]
    fn letters_find_names() {
        assert_eq!(press("Device.", "b"), Some(Step::To("Device.Beta".into())));
        assert_eq!(press("Device.Beta", "b"), Some(Step::To("Device.Bravo".into())));
        assert_eq!(press("Device.Bravo", "a"), Some(Step::To("Device.Alpha.".into())));
        let (rows, mut typed) = (rows(), Typed::default());
        step(&rows, "Device.", "b", &mut typed, 1e6);
        assert_eq!(step(&rows, "Device.Beta", "r", &mut typed, 1e6 + 100.0), Some(Step::To("Device.Bravo".into())));
        assert_eq!(step(&rows, "Device.Beta", "x", &mut typed, 1e6 + 200.0), None);
    }
}
