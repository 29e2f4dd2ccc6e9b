//! The phone's parameters: a tree that is read level by level, a search through all of it, and what changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contract::JobId;
use contract::rest::{ParameterPage, Task};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use super::parameter_pane::Pane;
use super::scope::{PhoneScope, under_way, use_phone};
use super::tree::{Row, Rows, Tree};
use super::tree_list::RowList;
use crate::api::quote;
use crate::components::age::Ago;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::live::use_live;
use crate::load::{Loaded, use_load};

/// How many found parameters one page has.
const FOUND: u64 = 50;

/// What of all parameters is shown instead of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
struct Query {
    text: String,
    changed: bool,
    offset: u64,
    /// The parameter or object that is looked at.
    path: Option<String>,
}

impl Query {
    fn tree(&self) -> bool {
        self.text.is_empty() && !self.changed
    }

    /// As it stands in the address.
    fn parts(&self) -> String {
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(format!("q={}", quote(&self.text)));
        }
        if self.changed {
            parts.push("changed=true".to_owned());
        }
        if self.offset > 0 {
            parts.push(format!("offset={}", self.offset));
        }
        if let Some(path) = &self.path {
            parts.push(format!("path={}", quote(path)));
        }
        parts.join("&")
    }
}

/// The paths a task reads or writes; `None` for tasks that have nothing to do with parameters.
pub fn paths(task: &Task) -> Option<Vec<&str>> {
    match task {
        Task::Refresh { path } => Some(vec![path]),
        Task::SetParameters { values } => Some(values.iter().map(|edit| edit.path.as_str()).collect()),
        Task::SetAttributes { attributes } => Some(attributes.iter().map(|edit| edit.path.as_str()).collect()),
        Task::AddObject { object } | Task::DeleteObject { object } => Some(vec![object]),
        _ => None,
    }
}

/// The tasks under way: the paths each is about. A change of settings has none of its own.
fn waiting(scope: PhoneScope) -> Vec<(JobId, Vec<String>)> {
    scope.jobs.with(|jobs| {
        let active = jobs.iter().filter(|job| under_way(job.state));
        active
            .filter_map(|job| match &job.task {
                None => Some((job.id, Vec::new())),
                Some(task) => Some((job.id, paths(task)?.into_iter().map(str::to_owned).collect())),
            })
            .collect()
    })
}

#[component]
pub fn Parameters() -> impl IntoView {
    let scope = use_phone();
    let tree = Tree::new(scope);
    let (location, navigate, map) = (use_location(), use_navigate(), use_query_map());
    let query = Memo::new(move |_| {
        let map = map.read();
        Query {
            text: map.get("q").unwrap_or_default(),
            changed: map.get("changed").as_deref() == Some("true"),
            offset: map.get("offset").and_then(|offset| offset.parse().ok()).unwrap_or(0),
            path: map.get("path").filter(|path| !path.is_empty()),
        }
    });
    let go = Callback::new(move |query: Query| {
        let target = format!("{}?{}", location.pathname.get_untracked(), query.parts());
        navigate(target.trim_end_matches('?'), NavigateOptions { replace: true, scroll: false, ..Default::default() });
    });
    let found = use_load(
        move || Query { path: None, ..query.get() },
        move |query| async move {
            if query.tree() {
                return Ok(ParameterPage {
                    path: String::new(),
                    read_at: None,
                    items: Vec::new(),
                    total: 0,
                    offset: 0,
                });
            }
            let (search, changed, offset) = (quote(&query.text), query.changed, query.offset);
            let rest = format!("parameters?search={search}&changed={changed}&offset={offset}&limit={FOUND}");
            scope.shared.api.get_owned::<ParameterPage>(scope.path(&rest)).await
        },
    );
    let waits = Memo::new(move |_| waiting(scope));
    // What a task of ours or anybody's changed is read again when it ends.
    Effect::new(move |before: Option<BTreeSet<JobId>>| {
        let now: BTreeSet<JobId> = waits.with(|waits| waits.iter().map(|(id, _)| *id).collect());
        if before.is_some_and(|before| before.difference(&now).next().is_some()) {
            tree.reload();
            found.reload();
        }
        now
    });
    // The phone was heard of: what it told then may be news for the tree.
    let soon = StoredValue::new(false);
    use_live(move |change| {
        let ours = change.phone.as_ref().is_some_and(|phone| phone.id == scope.id);
        if (change.reload || ours) && !soon.get_value() {
            soon.set_value(true);
            set_timeout(
                move || {
                    if soon.try_set_value(false).is_none() {
                        tree.reload();
                        found.reload();
                    }
                },
                Duration::from_millis(1000),
            );
        }
    });
    let flat = Memo::new(move |_| !query.with(Query::tree));
    let rows = Memo::new(move |_| if flat.get() { found_rows(found) } else { tree.rows() });
    let chosen = RwSignal::new(query.get_untracked().path);
    if let Some(path) = chosen.get_untracked() {
        tree.reveal(&path);
    }
    Effect::new(move |_| {
        let path = chosen.get();
        if query.with_untracked(|query| query.path != path) {
            go.run(Query { path, ..query.get_untracked() });
        }
    });
    let node = Memo::new(move |_| {
        let path = chosen.get()?;
        let found = found.with(|page| page.items.iter().find(|node| node.path == path).cloned()).flatten();
        found.or_else(|| tree.node(&path))
    });
    let never = Memo::new(move |_| {
        tree.branch("", |root| root.items.is_empty() && root.read_at.is_none() && !root.loading && root.error.is_none())
            == Some(true)
    });
    let reading =
        Memo::new(move |_| waits.with(|waits| waits.iter().any(|(_, paths)| paths.iter().any(|p| p.is_empty()))));
    let read_all = move || scope.give(Task::Refresh { path: String::new() }, "The phone is asked for its parameters.");
    let empty = move || {
        view! {
            <Empty icon=Icon::Inbox title="Nothing read yet">
                <p>"Bellhop does not know this phone's parameters yet. Read the tree once; it takes the phone some seconds. Afterwards each part can be refreshed by itself."</p>
                <button type="button" class="button primary" data-testid="read-tree" disabled=move || reading.get() on:click=move |_| read_all()>
                    <Svg icon=Icon::Sync/>
                    {move || if reading.get() { "Reading the tree…" } else { "Read the tree" }}
                </button>
            </Empty>
        }
    };
    let list = move || view! { <RowList rows waits chosen tree whole=flat.get()/> };
    let results = move |page: RwSignal<ParameterPage>| {
        let none = move || page.with(|page| page.items.is_empty());
        view! {
            <Show when=move || !none() fallback=move || view! { <NothingFound query=query.get() go/> }>
                {list()}
                <Pager
                    offset=Signal::derive(move || query.get().offset)
                    limit=FOUND
                    total=Signal::derive(move || page.with(|page| page.total))
                    on_move=Callback::new(move |offset| go.run(Query { offset, ..query.get_untracked() }))
                />
            </Show>
        }
        .into_any()
    };
    view! {
        <Show when=move || !never.get() fallback=empty>
            <div class="toolbar">
                <Search query go/>
                <button
                    type="button"
                    class="filter"
                    aria-pressed=move || if query.with(|query| query.changed) { "true" } else { "false" }
                    data-testid="changed-only"
                    on:click=move |_| go.run(Query { changed: !query.get_untracked().changed, offset: 0, ..query.get_untracked() })
                >
                    <Svg icon=Icon::Swap/>
                    "Changed since last time"
                </button>
                <span class="grow"></span>
                <span class="quiet-text" data-testid="tree-read-at">
                    {move || tree.branch("", |root| root.read_at).flatten().map(|at| view! { "Whole tree read " <Ago at=at zone=scope.zone/> })}
                </span>
                <button type="button" class="button" data-testid="read-tree" disabled=move || reading.get() on:click=move |_| read_all()>
                    <Svg icon=Icon::Sync/>
                    {move || if reading.get() { "Reading…" } else { "Read all again" }}
                </button>
            </div>
            <div class="tree-page" class:with-pane=move || node.with(Option::is_some)>
                <div class="stack">
                    {move || if flat.get() { found.view(skeleton_list, results).into_any() } else { list().into_any() }}
                </div>
                {move || node.with(Option::is_some).then(|| view! { <Pane node chosen waits/> })}
            </div>
        </Show>
    }
}

fn found_rows(found: Loaded<ParameterPage>) -> Arc<Rows> {
    let mut rows = Rows::default();
    found.with(|page| {
        for (position, node) in (page.offset + 1..).zip(&page.items) {
            rows.push(Row::Node { node: node.clone(), level: 1, position, of: page.total, open: None });
        }
    });
    Arc::new(rows)
}

/// The search box; what is typed goes into the address a moment after the last key.
#[component]
fn Search(query: Memo<Query>, go: Callback<Query>) -> impl IntoView {
    let text = RwSignal::new(query.get_untracked().text);
    let waiting = StoredValue::new(0_u32);
    // Cleared from elsewhere, as by "Show the tree".
    Effect::new(move |_| {
        let wanted = query.with(|query| query.text.clone());
        if wanted.is_empty() && !text.with_untracked(String::is_empty) {
            text.set(wanted);
        }
    });
    let typed = move |now: String| {
        text.set(now);
        waiting.update_value(|waiting| *waiting += 1);
        let mine = waiting.get_value();
        set_timeout(
            move || {
                if waiting.try_get_value() == Some(mine) {
                    let text = text.get_untracked().trim().to_owned();
                    go.run(Query { text, offset: 0, ..query.get_untracked() });
                }
            },
            Duration::from_millis(250),
        );
    };
    view! {
        <div class="search-box">
            <Svg icon=Icon::Search/>
            <input
                type="search"
                aria-label="Find a parameter by name or value"
                placeholder="Name or value"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                data-testid="parameter-search"
                prop:value=move || text.get()
                on:input:target=move |event| typed(event.target().value())
            />
        </div>
    }
}

#[component]
fn NothingFound(query: Query, go: Callback<Query>) -> impl IntoView {
    let (title, help) = if query.text.is_empty() {
        (
            "Nothing changed",
            "The last reading found every parameter as it was before. Read the tree again to compare with now.",
        )
    } else {
        (
            "No parameter matches",
            "Only what was read from the phone can be found. Try fewer letters, or refresh a part of the tree first.",
        )
    };
    view! {
        <Empty icon=Icon::Search title=title>
            <p>{help}</p>
            <button type="button" class="button primary" on:click=move |_| go.run(Query::default())>"Show the tree"</button>
        </Empty>
    }
}
