//! The jobs of a phone, each followed while it changes.

use contract::JobId;
use contract::rest::JobView;
use leptos::prelude::*;

use super::job_card::JobCard;

#[component]
pub fn JobList(
    #[prop(into)] jobs: Signal<Vec<JobView>>,
    #[prop(into)] zone: Signal<String>,
    /// What is said while there are none.
    none: &'static str,
    /// Called after a retry or cancel was accepted.
    on_change: Callback<()>,
) -> impl IntoView {
    let find = move |id: JobId| jobs.with(|jobs| jobs.iter().find(|job| job.id == id).cloned());
    let card = move |id: JobId| {
        let first = untrack(|| find(id))?;
        let job = Memo::new(move |_| find(id).unwrap_or_else(|| first.clone()));
        Some(view! { <JobCard job zone on_change/> })
    };
    view! {
        <Show when=move || jobs.with(|jobs| !jobs.is_empty()) fallback=move || view! { <p class="quiet-text">{none}</p> }>
            <div class="jobs" aria-live="polite">
                <For each=move || jobs.with(|jobs| jobs.iter().map(|job| job.id).collect::<Vec<_>>()) key=|id| *id children=card/>
            </div>
        </Show>
    }
}
