//! What the phone finds out about its network when it is asked: ping, traceroute, throughput.

use contract::JobId;
use contract::rest::{JobView, TaskResult};
use leptos::prelude::*;

use super::ping::{PingChart, PingForm};
use super::scope::{PhoneScope, under_way, use_phone};
use super::throughput::{Speed, ThroughputForm};
use super::traceroute::{HopList, TraceForm};
use crate::components::age::Ago;
use crate::components::chip::Chip;
use crate::components::fault::Fault;
use crate::components::job_card::JobCard;
use crate::words;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ping,
    Traceroute,
    Throughput,
}

const ALL: [Kind; 3] = [Kind::Ping, Kind::Traceroute, Kind::Throughput];

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Kind::Ping => "Ping",
            Kind::Traceroute => "Traceroute",
            Kind::Throughput => "Throughput",
        }
    }

    /// As in `job.kind`.
    const fn job(self) -> &'static str {
        match self {
            Kind::Ping => "ping",
            Kind::Traceroute => "traceroute",
            Kind::Throughput => "throughput",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Kind::Ping => "Whether the phone reaches a host, how long an answer takes and how many are lost.",
            Kind::Traceroute => "Which routers lie between the phone and a host, and how far each of them is.",
            Kind::Throughput => {
                "How fast the phone fetches or sends a file. It fills the line for some seconds: not during calls."
            }
        }
    }
}

#[component]
pub fn Diagnostics() -> impl IntoView {
    let scope = use_phone();
    let kind = RwSignal::new(Kind::Ping);
    // The run that is looked at: one of the list, or else the newest.
    let picked = RwSignal::new(None::<JobId>);
    let runs = Memo::new(move |_| {
        let kind = kind.get().job();
        scope.jobs.with(|jobs| jobs.iter().filter(|job| job.kind == kind).cloned().collect::<Vec<_>>())
    });
    let shown = Memo::new(move |_| {
        let picked = picked.get();
        runs.with(|runs| runs.iter().find(|job| Some(job.id) == picked).or_else(|| runs.first()).cloned())
    });
    let busy = Memo::new(move |_| runs.with(|runs| runs.iter().any(|job| under_way(job.state))));
    let started = Callback::new(move |job: JobView| picked.set(Some(job.id)));
    let choices = ALL.map(|one| {
        view! {
            <button
                type="button"
                class="filter"
                aria-pressed=move || if kind.get() == one { "true" } else { "false" }
                data-testid=format!("diagnostic-{}", one.job())
                on:click=move |_| {
                    picked.set(None);
                    kind.set(one);
                }
            >
                {one.word()}
            </button>
        }
    });
    let form = move || match kind.get() {
        Kind::Ping => view! { <PingForm scope busy on_start=started/> }.into_any(),
        Kind::Traceroute => view! { <TraceForm scope busy on_start=started/> }.into_any(),
        Kind::Throughput => view! { <ThroughputForm scope busy on_start=started/> }.into_any(),
    };
    view! {
        <div class="row wrap" role="group" aria-label="What to find out">{choices.into_iter().collect_view()}</div>
        <div class="diagnostics">
            <section class="card stack" aria-label=move || kind.get().word()>
                <p class="help">{move || kind.get().help()}</p>
                {form}
            </section>
            <section class="card stack" aria-label="Result" aria-live="polite" data-testid="diagnostic-result">
                {move || if shown.with(Option::is_some) {
                    view! { <Run job=shown scope/> }.into_any()
                } else {
                    view! { <p class="quiet-text">"Nothing was run yet. The result appears here while it comes in."</p> }.into_any()
                }}
            </section>
        </div>
        {move || runs.with(|runs| runs.len() > 1).then(|| view! { <History runs shown picked scope/> })}
    }
}

/// One run, as far as it is.
#[component]
fn Run(job: Memo<Option<JobView>>, scope: PhoneScope) -> impl IntoView {
    let result = Memo::new(move |_| job.with(|job| job.as_ref().and_then(|job| job.result.clone())));
    let reload = Callback::new(move |()| scope.detail.reload());
    let chart = move || match result.get()? {
        TaskResult::Ping(result) => {
            let asked = job.with_untracked(|job| match job.as_ref().and_then(|job| job.task.as_ref()) {
                Some(contract::rest::Task::Ping(request)) => u32::from(request.count),
                _ => 0,
            });
            Some(view! { <PingChart result asked narrow=scope.shared.narrow.get()/> }.into_any())
        }
        TaskResult::Traceroute(result) => Some(view! { <HopList result/> }.into_any()),
        TaskResult::Throughput(result) => Some(view! { <Speed result/> }.into_any()),
        TaskResult::Fault(fault) => Some(view! { <Fault fault/> }.into_any()),
        _ => None,
    };
    // The chart tells of the result: the card of the job is without.
    let bare = Memo::new(move |_| job.get().map(|job| JobView { result: None, ..job }));
    view! {
        {chart}
        {move || bare.get_untracked().map(|first| {
            let job = Memo::new(move |_| bare.get().unwrap_or_else(|| first.clone()));
            view! { <JobCard job zone=scope.zone on_change=reload/> }
        })}
    }
}

#[component]
fn History(
    runs: Memo<Vec<JobView>>,
    shown: Memo<Option<JobView>>,
    picked: RwSignal<Option<JobId>>,
    scope: PhoneScope,
) -> impl IntoView {
    let run = move |job: JobView| {
        let id = job.id;
        let here = move || shown.with(|shown| shown.as_ref().is_some_and(|shown| shown.id == id));
        view! {
            <li>
                <button
                    type="button"
                    class="run"
                    aria-pressed=move || if here() { "true" } else { "false" }
                    data-testid="run"
                    on:click=move |_| picked.set(Some(id))
                >
                    <span class="grow">
                        <b>{job.summary.clone()}</b>
                        <span class="quiet-text"><Ago at=job.created_at zone=scope.zone/> {format!(" by {}", job.created_by)}</span>
                    </span>
                    <Chip look=words::job(&job)/>
                </button>
            </li>
        }
    };
    view! {
        <section class="card stack" aria-labelledby="runs-title">
            <h2 id="runs-title">"Runs of this phone"</h2>
            <ul class="runs">
                <For each=move || runs.get() key=|job| (job.id, job.state) children=run/>
            </ul>
        </section>
    }
}
