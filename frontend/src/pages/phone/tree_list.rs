//! The rows of the tree, or of what was found in it, as one list.

use std::sync::Arc;

use contract::JobId;
use leptos::prelude::*;

use super::tree::{Row, Rows, Tree, parent};
use super::tree_keys::{Step, Typed, focus_row, step};
use super::tree_row::TreeRow;

/// The tree, or what was found: one row that the Tab key leads to, the others by arrows and letters.
#[component]
pub fn RowList(
    rows: Memo<Arc<Rows>>,
    waits: Memo<Vec<(JobId, Vec<String>)>>,
    chosen: RwSignal<Option<String>>,
    tree: Tree,
    whole: bool,
) -> impl IntoView {
    let current = RwSignal::new(None::<String>);
    // The row of the Tab key: where the focus was, or the first.
    let stop = Memo::new(move |_| {
        let rows = rows.get();
        current.get().filter(|key| rows.by_key.contains_key(key)).or_else(|| rows.order.first().cloned())
    });
    let act = Callback::new(move |key: String| {
        current.set(Some(key.clone()));
        let row = rows.with_untracked(|rows| rows.by_key.get(&key).cloned());
        match row {
            Some(Row::Node { node, open, .. }) => {
                if let Some(open) = open {
                    tree.set_open(&node.path, !open);
                }
                chosen.set(Some(node.path));
            }
            Some(Row::More { below, loading: false, .. } | Row::Failed { below, .. }) => tree.more(below),
            _ => {}
        }
    });
    let typed = StoredValue::new(Typed::default());
    let keys = move |event: web_sys::KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let Some(here) = stop.get_untracked() else { return };
        let mut what = None;
        typed.update_value(|typed| {
            what = rows.with_untracked(|rows| step(rows, &here, &event.key(), typed, event.time_stamp()));
        });
        let Some(what) = what else { return };
        event.prevent_default();
        match what {
            Step::To(key) => {
                current.set(Some(key.clone()));
                focus_row(&key);
            }
            Step::Open(path) => tree.set_open(&path, true),
            Step::Close(path) => tree.set_open(&path, false),
            Step::Act(key) => act.run(key),
        }
    };
    let row = move |key: String| {
        let path = key.clone();
        let row = {
            let key = key.clone();
            Memo::new(move |_| rows.with(|rows| rows.by_key.get(&key).cloned()))
        };
        let is_current = {
            let key = key.clone();
            move || stop.with(|stop| stop.as_deref() == Some(&*key))
        };
        let is_chosen = {
            let key = key.clone();
            move || chosen.with(|chosen| chosen.as_deref() == Some(&*key))
        };
        let is_busy =
            move || waits.with(|waits| waits.iter().flat_map(|(_, paths)| paths).any(|waits| covers(waits, &path)));
        view! {
            <TreeRow
                row key whole on_act=act
                current=Signal::derive(is_current) selected=Signal::derive(is_chosen) busy=Signal::derive(is_busy)
            />
        }
    };
    view! {
        <div class="tree" class:flat=whole role="tree" aria-label=if whole { "Parameters found" } else { "Parameters" } data-testid="tree" on:keydown=keys>
            <For each=move || rows.get().order.clone() key=|key| key.clone() children=row/>
        </div>
    }
}

/// Whether a task on `path` reads or writes what the row of `row` shows.
fn covers(path: &str, row: &str) -> bool {
    path == row || (path.ends_with('.') && row.starts_with(path)) || (path.is_empty() && parent(row).is_empty())
}
