//! Errors by row and column, and what the rows would change.

use contract::rest::{Finding, FindingPage, Import, ImportRow, ImportRowPage, RowAction, Severity};
use leptos::prelude::*;

use crate::catalogue;
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::load::use_load;
use crate::state::use_shared;

const LIMIT: u64 = 50;

#[component]
pub fn Findings(import: RwSignal<Import>) -> impl IntoView {
    let shared = use_shared();
    let offset = RwSignal::new(0_u64);
    begin_anew(import, offset);
    let total = Memo::new(move |_| import.with(|import| import.errors + import.warnings));
    let id = import.with_untracked(|import| import.id);
    // Tried anew: other findings.
    let key = move || (offset.get(), import.with(|import| (import.errors, import.warnings, import.columns.clone())));
    let page = use_load(key, move |(offset, _)| async move {
        shared.api.get_owned::<FindingPage>(format!("/imports/{id}/findings?offset={offset}&limit={LIMIT}")).await
    });
    let list = move |page: RwSignal<FindingPage>| {
        let count = Signal::derive(move || u64::from(page.with(|page| page.total)));
        view! {
            <div class="table-wrap">
                <table class="table cards">
                    <caption class="sr">"Errors and warnings"</caption>
                    <thead><tr><th scope="col">"Row"</th><th scope="col">"Column"</th><th scope="col">"What is wrong"</th><th scope="col">"What to do"</th></tr></thead>
                    <tbody>{move || page.with(|page| page.items.clone()).into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
            <Show when=move || { count.get() > LIMIT }>
                <Pager offset limit=LIMIT total=count on_move=Callback::new(move |to| offset.set(to))/>
            </Show>
        }
        .into_any()
    };
    view! {
        <Show when=move || { total.get() > 0 }>
            <section class="stack" aria-labelledby="findings-title">
                <h2 id="findings-title">"Errors and warnings"</h2>
                {page.view(skeleton_list, list)}
            </section>
        </Show>
    }
}

/// Tried anew, it has other findings and rows, perhaps fewer: they are shown from the first one.
fn begin_anew(import: RwSignal<Import>, offset: RwSignal<u64>) {
    let tried = Memo::new(move |_| import.with(|import| (import.errors, import.warnings, import.columns.clone())));
    Effect::new(move |before: Option<()>| {
        tried.track();
        if before.is_some() {
            offset.set(0);
        }
    });
}

fn row(finding: Finding) -> impl IntoView {
    let (icon, tone, word) = match finding.severity {
        Severity::Error => (Icon::Alert, "red", "Error"),
        Severity::Warning => (Icon::Alert, "amber", "Warning"),
    };
    let at = if finding.row == 0 { "General".to_owned() } else { finding.row.to_string() };
    let no_place = finding.column.is_empty() && finding.value.is_empty();
    let value =
        (!finding.value.is_empty()).then(|| view! { " " <span class="value mono">{finding.value.clone()}</span> });
    view! {
        <tr data-testid="finding" data-row=finding.row data-column=finding.column.clone()>
            <th scope="row"><span class=format!("chip tone-{tone}")><Svg icon/><span class="sr">{word}" in row "</span>{at}</span></th>
            <td data-label="Column" class:blank=no_place>{finding.column.clone()} {value}</td>
            <td data-label="What is wrong">{finding.reason}</td>
            <td data-label="What to do" class:blank=finding.remedy.is_empty()>{finding.remedy.clone()}</td>
        </tr>
    }
}

const ACTIONS: [(Option<RowAction>, &str); 4] = [
    (None, "All"),
    (Some(RowAction::Make), "Make something"),
    (Some(RowAction::Change), "Change something"),
    (Some(RowAction::Refused), "With an error"),
];

#[component]
pub fn Rows(import: RwSignal<Import>) -> impl IntoView {
    let shared = use_shared();
    let (offset, action) = (RwSignal::new(0_u64), RwSignal::new(None::<RowAction>));
    begin_anew(import, offset);
    let id = import.with_untracked(|import| import.id);
    let key = move || (offset.get(), action.get(), import.with(|import| import.columns.clone()));
    let page = use_load(key, move |(offset, action, _)| async move {
        let only = action.map(|action| format!("&action={}", action.as_str())).unwrap_or_default();
        shared.api.get_owned::<ImportRowPage>(format!("/imports/{id}/rows?offset={offset}&limit={LIMIT}{only}")).await
    });
    let filters = ACTIONS.map(|(one, word)| {
        view! {
            <button type="button" class="filter" aria-pressed=move || if action.get() == one { "true" } else { "false" } on:click=move |_| {
                offset.set(0);
                action.set(one);
            }>{word}</button>
        }
    });
    let list = move |page: RwSignal<ImportRowPage>| {
        let count = Signal::derive(move || u64::from(page.with(|page| page.total)));
        view! {
            <div class="table-wrap">
                <table class="table cards">
                    <caption class="sr">"Rows and what they do"</caption>
                    <thead><tr><th scope="col">"Row"</th><th scope="col">"Room"</th><th scope="col">"Phone"</th><th scope="col">"Does"</th></tr></thead>
                    <tbody>{move || page.with(|page| page.items.clone()).into_iter().map(planned).collect_view()}</tbody>
                </table>
            </div>
            <Pager offset limit=LIMIT total=count on_move=Callback::new(move |to| offset.set(to))/>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="rows-title">
            <div class="row between wrap">
                <h2 id="rows-title">"Rows"</h2>
                <div class="row wrap" role="group" aria-label="Show rows that">{filters.into_iter().collect_view()}</div>
            </div>
            {page.view(skeleton_list, list)}
        </section>
    }
}

fn planned(row: ImportRow) -> impl IntoView {
    let word = match row.action {
        RowAction::Make => "Makes it",
        RowAction::Change => "Changes",
        RowAction::Same => "Is so already",
        RowAction::Refused => "Is left out: it has an error",
    };
    let changes = row.changes.into_iter().map(|change| {
        let name = catalogue::title_of(&change.field, &change.field);
        let text = if change.old.is_empty() {
            format!("{name}: {}", change.new)
        } else {
            format!("{name}: {} → {}", change.old, change.new)
        };
        view! { <li>{text}</li> }
    });
    view! {
        <tr data-testid="planned" data-action=row.action.as_str()>
            <th scope="row">{row.row}</th>
            <td data-label="Room">{row.room}</td>
            <td data-label="Phone" class="mono">{row.mac}</td>
            <td data-label="Does"><b>{word}</b><ul class="quiet-text">{changes.collect_view()}</ul></td>
        </tr>
    }
}
