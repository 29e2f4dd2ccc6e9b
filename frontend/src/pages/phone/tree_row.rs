//! One line of the tree, or of what was found in it.

use contract::rest::{ParameterNode, SECRET_MASK};
use leptos::prelude::*;

use super::tree::{Row, name};
use super::tree_keys::element;
use crate::components::icon::{Icon, Svg};
use crate::words::counted;

#[component]
pub fn TreeRow(
    row: Memo<Option<Row>>,
    key: String,
    /// The row the Tab key leads to.
    #[prop(into)]
    current: Signal<bool>,
    #[prop(into)] selected: Signal<bool>,
    /// Whether a task is under way that reads or writes it.
    #[prop(into)]
    busy: Signal<bool>,
    /// The whole path instead of its last part: in lists of what was found.
    whole: bool,
    on_act: Callback<String>,
) -> impl IntoView {
    let level = move || match row.get() {
        Some(
            Row::Node { level, .. }
            | Row::More { level, .. }
            | Row::Failed { level, .. }
            | Row::Waiting { level, .. }
            | Row::Bare { level, .. },
        ) => level,
        None => 1,
    };
    let place = move || match row.get() {
        Some(Row::Node { position, of, .. }) => (Some(position), Some(of)),
        _ => (None, None),
    };
    let open = move || match row.get() {
        Some(Row::Node { open, .. }) => open,
        _ => None,
    };
    let body = move || match row.get()? {
        Row::Node { node, .. } => Some(view! { <Node node whole busy/> }.into_any()),
        Row::More { left, loading: false, .. } => Some(
            view! { <span class="node-more">{format!("Show {} more of {left}", left.min(super::tree::PAGE))}</span> }
                .into_any(),
        ),
        Row::More { .. } | Row::Waiting { .. } => Some(view! { <span class="quiet-text">"Loading…"</span> }.into_any()),
        Row::Failed { error, .. } => Some(
            view! {
                <span class="node-failed"><Svg icon=Icon::Alert/> {error.sentence()} " " <b>"Try again"</b></span>
            }
            .into_any(),
        ),
        Row::Bare { .. } => Some(
            view! { <span class="quiet-text">"Nothing is known here. Choose the object above and refresh it."</span> }
                .into_any(),
        ),
    };
    let act = key.clone();
    view! {
        <div
            role="treeitem"
            class="node"
            id=element(&key)
            style=move || format!("--level: {}", level())
            attr:aria-level=level
            aria-posinset=move || place().0
            aria-setsize=move || place().1
            aria-expanded=move || open().map(|open| open.to_string())
            aria-selected=move || if selected.get() { "true" } else { "false" }
            tabindex=move || if current.get() { "0" } else { "-1" }
            data-testid="node"
            data-path=key.clone()
            on:click=move |_| on_act.run(act.clone())
        >
            {move || open().map(|_| view! { <span class="twist" aria-hidden="true"><Svg icon=Icon::ChevronRight/></span> })}
            {body}
        </div>
    }
}

#[component]
fn Node(node: ParameterNode, whole: bool, #[prop(into)] busy: Signal<bool>) -> impl IntoView {
    let shown = if whole { node.path.clone() } else { name(&node.path).trim_end_matches('.').to_owned() };
    let value = match node.value.as_deref() {
        _ if node.object => {
            let many = node.children as usize;
            (many > 0).then(|| view! { <span class="quiet-text">{counted(many, "entry", "entries")}</span> }.into_any())
        }
        None => Some(view! { <span class="quiet-text">"not read"</span> }.into_any()),
        Some("") => Some(view! { <span class="quiet-text">"empty"</span> }.into_any()),
        Some(SECRET_MASK) => {
            Some(view! { <span class="sr">"secret"</span> <span aria-hidden="true">{SECRET_MASK}</span> }.into_any())
        }
        Some(value) => Some(view! { <span class="mono">{value.to_owned()}</span> }.into_any()),
    };
    let changed = node.previous.clone().map(|previous| {
        let was = if previous.is_empty() { "empty".to_owned() } else { previous };
        view! { <span class="node-was"><span class="sr">"was "</span><s>{was}</s><span aria-hidden="true">"→"</span></span> }
    });
    let notice = match node.notification {
        Some(1) => Some("passive notification"),
        Some(2) => Some("active notification"),
        _ => None,
    };
    view! {
        <span class="node-name" class:strong=node.object>{shown}</span>
        <span class="node-value">{changed} {value}</span>
        <span class="node-marks">
            {move || busy.get().then(|| view! { <span class="spin" title="Waits for the phone"><Svg icon=Icon::Sync/><span class="sr">"waits for the phone"</span></span> })}
            {notice.map(|notice| view! { <span title=notice><Svg icon=Icon::Bell/><span class="sr">{notice}</span></span> })}
            {(!node.writable && !node.object).then(|| view! { <span title="Read-only"><Svg icon=Icon::Lock/><span class="sr">"read-only"</span></span> })}
        </span>
    }
}
