//! What the phone still has to fetch or send, as it says itself.

use contract::JobId;
use contract::rest::{JobState, JobView, Task, TaskResult, TransferView, command_key};
use leptos::prelude::*;

use super::scope::{PhoneScope, under_way};
use crate::components::age::Ago;
use crate::components::icon::{Icon, Svg};
use crate::files::kind;
use crate::units;

#[component]
pub fn Transfers(scope: PhoneScope) -> impl IntoView {
    let latest = Memo::new(move |_| {
        scope.jobs.with(|jobs| {
            let listed = |job: &&JobView| {
                job.state == JobState::Done && matches!(job.result, Some(TaskResult::Transfers { .. }))
            };
            jobs.iter().find(listed).cloned()
        })
    });
    let busy = move || scope.jobs.with(|jobs| jobs.iter().any(|job| job.kind == "transfers" && under_way(job.state)));
    let list = move || {
        let job = latest.get()?;
        let Some(TaskResult::Transfers { transfers }) = job.result else { return None };
        let at = job.done_at.unwrap_or(job.created_at);
        let none = transfers.is_empty();
        Some(view! {
            <p class="quiet-text">"As of " <Ago at zone=scope.zone/></p>
            {none.then(|| view! { <p>"Nothing is waiting to be transferred."</p> })}
            <ul class="transfers">{transfers.into_iter().map(|transfer| view! { <Transfer transfer scope/> }).collect_view()}</ul>
        })
    };
    view! {
        <section class="card stack" aria-labelledby="transfers-title" data-testid="transfers">
            <h2 id="transfers-title">"Transfers"</h2>
            <p class="help">"What the phone still has to fetch or send, as it says itself."</p>
            {list}
            <div class="row">
                <button type="button" class="button" data-testid="list-transfers" disabled=busy on:click=move |_| scope.give(Task::Transfers, "The phone is asked.")>
                    <Svg icon=Icon::Sync/>
                    {move || if busy() { "Asking the phone…" } else { "Ask the phone" }}
                </button>
            </div>
        </section>
    }
}

#[component]
fn Transfer(transfer: TransferView, scope: PhoneScope) -> impl IntoView {
    let state = match transfer.state.as_str() {
        "not-started" => "not started",
        "in-progress" => "under way",
        "completed" => "completed",
        other => other,
    }
    .to_owned();
    let what = match (transfer.file_type.as_str(), transfer.download) {
        ("", Some(true)) => "A file for the phone".to_owned(),
        ("", _) => "A file".to_owned(),
        (known, _) => kind(known),
    };
    let size = (transfer.file_size > 0).then(|| units::bytes(transfer.file_size.into()));
    let line = [Some(state), size, Some(transfer.target_file_name).filter(|name| !name.is_empty())];
    let line = line.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    // Only a transfer that was ordered here can be named to the phone.
    let ours = scope
        .jobs
        .with_untracked(|jobs| jobs.iter().map(|job| job.id).find(|id| command_key(*id) == transfer.command_key));
    let cancel = move |job: JobId| scope.give(Task::CancelTransfer { job }, "The phone is asked to drop it.");
    view! {
        <li class="row between">
            <span class="grow"><b>{what}</b> <span class="quiet-text">{line}</span></span>
            {match ours {
                Some(job) => view! {
                    <button type="button" class="button quiet" data-testid="transfer-cancel" on:click=move |_| cancel(job)>
                        <Svg icon=Icon::Close/>
                        "Cancel"
                    </button>
                }.into_any(),
                None => view! { <span class="quiet-text">"not ordered here"</span> }.into_any(),
            }}
        </li>
    }
}
