//! Rooms and phones from a file, in steps: the file, what its columns are, what it would do, doing it, what came of it.

mod columns;
mod findings;
mod gdms;
mod run;
mod start;

use std::time::Duration;

use contract::ImportId;
use contract::rest::{Import, ImportState};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::property::use_scope;
use crate::app::use_title;
use crate::components::empty::skeleton_panel;
use crate::components::form::Sending;
use crate::components::property_tabs::PropertyTabs;
use crate::live::use_live_stream;
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use crate::time::every;
use columns::Columns;
use findings::{Findings, Rows};
use gdms::Typed;
use run::Run;
use start::Start;

/// How often an import that works is looked at.
const LOOK: Duration = Duration::from_millis(700);

#[component]
pub fn ImportPage() -> impl IntoView {
    let scope = use_scope()?;
    let live = use_live_stream();
    let id = scope.0;
    let query = use_query_map();
    let chosen = Memo::new(move |_| query.read().get("import").and_then(|id| id.parse::<ImportId>().ok()));
    let typed = Typed::new();
    use_title(|| "Import".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    Some(view! {
        <div class="page" data-testid="import-page">
            <header class="page-head">
                <div>
                    <h1>"Import and export"</h1>
                    <p class="quiet-text">"Rooms, phones, extensions and keys from a spreadsheet or another system. Nothing is changed before you have seen what it would do."</p>
                </div>
            </header>
            <PropertyTabs id/>
            {move || match chosen.get() {
                None => view! { <Start property=id typed/> }.into_any(),
                Some(import) => view! { <One import/> }.into_any(),
            }}
        </div>
    })
}

/// Whether the server works on it.
fn working(state: ImportState) -> bool {
    matches!(state, ImportState::Fetching | ImportState::Applying)
}

#[component]
fn One(import: ImportId) -> impl IntoView {
    let shared = use_shared();
    let loaded: Loaded<Import> = use_load(|| (), move |()| shared.api.get_owned(format!("/imports/{import}")));
    every(LOOK, move || {
        if loaded.with_untracked(|import| working(import.state)) == Some(true) {
            loaded.reload();
        }
    });
    // While columns are tried, what would be applied is not what is shown.
    let columns = Sending::new();
    let body = move |import: RwSignal<Import>| {
        let state = Memo::new(move |_| import.with(|import| import.state));
        // None: an account that could not be read.
        let any = Memo::new(move |_| import.with(|import| !import.columns.is_empty()));
        view! {
            <div class="stack" data-testid="import" data-state=move || state.get().as_str()>
                <div class="row between wrap">
                    <h2>{move || import.with(|import| import.name.clone())}</h2>
                    <a class="button" href=move || format!("/p/{}/import", import.with(|import| import.property))>"Another import"</a>
                </div>
                <Run import loaded trying=columns.busy/>
                <Show when=move || matches!(state.get(), ImportState::Ready | ImportState::Failed)>
                    <Findings import/>
                    <Show when=move || any.get()><Columns import loaded sending=columns/></Show>
                </Show>
                <Show when=move || state.get() == ImportState::Ready><Rows import/></Show>
                <Show when=move || state.get() == ImportState::Done><Findings import/></Show>
            </div>
        }
        .into_any()
    };
    loaded.view(skeleton_panel, body)
}
