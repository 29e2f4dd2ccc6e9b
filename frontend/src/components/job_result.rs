//! What came of a task beyond what its job says in words: why the phone refused, a file to be saved, a list.

use contract::FileId;
use contract::rest::TaskResult;
use leptos::prelude::*;

use super::fault::Fault;
use super::icon::{Icon, Svg};
use crate::files;
use crate::state::use_shared;
use crate::time::in_zone;
use crate::words::counted;

#[component]
pub fn JobResult(result: TaskResult, #[prop(into)] zone: Signal<String>) -> impl IntoView {
    match result {
        TaskResult::Fault(fault) => view! { <Fault fault/> }.into_any(),
        TaskResult::Transfer { started_at, completed_at, file } => {
            let times = move || {
                let at = |at: Option<contract::Timestamp>| at.map(|at| in_zone(at, &zone.get(), false));
                match (at(started_at), at(completed_at)) {
                    (Some(from), Some(to)) if from == to => format!("Transferred {to}"),
                    (Some(from), Some(to)) => format!("Transferred {from} to {to}"),
                    (None, Some(to)) => format!("Transferred by {to}"),
                    (Some(from), None) => format!("Since {from}"),
                    _ => String::new(),
                }
            };
            view! { <p class="quiet-text">{times}</p> {file.map(|file| view! { <SaveFile file/> })} }.into_any()
        }
        TaskResult::Methods { methods } => view! {
            <details class="more">
                <summary>{counted(methods.len(), "method", "methods")}</summary>
                <ul class="tags">{methods.into_iter().map(|name| view! { <li class="mono">{name}</li> }).collect_view()}</ul>
            </details>
        }
        .into_any(),
        // The job's note says these.
        _ => ().into_any(),
    }
}

/// Hands a stored file to whoever looks at the page.
#[component]
pub fn SaveFile(file: FileId) -> impl IntoView {
    let shared = use_shared();
    let busy = RwSignal::new(false);
    let save = move |_| {
        busy.set(true);
        shared.run(async move {
            let answer = files::save(shared.api, file).await;
            let _ = busy.try_set(false);
            answer
        });
    };
    view! {
        <button type="button" class="button" data-testid="save-file" disabled=move || busy.get() on:click=save>
            <Svg icon=Icon::Download/>
            {move || if busy.get() { "Fetching…" } else { "Save the file" }}
        </button>
    }
}
