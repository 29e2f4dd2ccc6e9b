//! A change or task on its way to a phone: how far it is, what came of it, and what a person can do about it.

use contract::rest::{JobState, JobView, TaskResult};
use leptos::prelude::*;

use super::age::Ago;
use super::chip::Chip;
use super::icon::{Icon, Svg};
use super::job_result::JobResult;
use crate::state::use_shared;
use crate::time::in_zone;
use crate::words;

#[component]
pub fn JobCard(
    #[prop(into)] job: Signal<JobView>,
    #[prop(into)] zone: Signal<String>,
    /// Called after a retry or cancel was accepted.
    on_change: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let act = move |verb: &'static str, done: &'static str| {
        let id = job.get_untracked().id;
        shared.run(async move {
            shared.api.nudge(&format!("/jobs/{id}/{verb}")).await?;
            shared.say(done);
            on_change.try_run(());
            Ok(())
        });
    };
    let state = Memo::new(move |_| job.with(|job| job.state));
    let result = Memo::new(move |_| job.with(|job| job.result.clone()));
    // A refusal is shown with all that belongs to it; its note says the same in one sentence.
    let refused = move || result.with(|result| matches!(result, Some(TaskResult::Fault(_))));
    let tries = move || {
        let job = job.get();
        let next = job.run_at.filter(|_| job.state == JobState::Ready && job.attempts > 0);
        match next {
            Some(at) => {
                format!("try {} of {}, next at {}", job.attempts, job.max_attempts, in_zone(at, &zone.get(), false))
            }
            None if job.attempts > 1 => format!("{} of {} tries", job.attempts, job.max_attempts),
            None => String::new(),
        }
    };
    let author = move || {
        let by = job.with(|job| job.created_by.clone());
        (!by.is_empty()).then(|| format!(" by {by}"))
    };
    view! {
        <article class="job" data-testid="job" data-kind=move || job.with(|job| job.kind.clone()) data-job=move || job.with(|job| job.id.to_string()) data-state=move || state.get().as_str() data-fetched=move || job.with(|job| job.fetched.then_some("true"))>
            <div class="row between">
                <Chip look=Signal::derive(move || job.with(words::job))/>
                <span class="quiet-text">
                    <Ago at=Signal::derive(move || job.with(|job| job.done_at.unwrap_or(job.created_at))) zone=zone/>
                </span>
            </div>
            <p class="job-summary">{move || job.with(|job| job.summary.clone())}</p>
            <p class="job-note">{move || (!refused()).then(|| job.with(|job| job.note.clone()))}</p>
            {move || result.get().map(|result| view! { <JobResult result zone/> })}
            <p class="quiet-text">{tries} {author}</p>
            {move || match state.get() {
                JobState::Parked => Some(view! {
                    <button type="button" class="button" data-testid="job-retry" on:click=move |_| act("retry", "Trying again.")>
                        <Svg icon=Icon::Sync/>
                        "Retry"
                    </button>
                }.into_any()),
                JobState::Ready => Some(view! {
                    <button type="button" class="button quiet" data-testid="job-cancel" on:click=move |_| act("cancel", "Cancelled.")>
                        <Svg icon=Icon::Close/>
                        "Cancel"
                    </button>
                }.into_any()),
                _ => None,
            }}
        </article>
    }
}
