//! What one can order the phone to do besides its settings, and everything that was ordered.

use contract::rest::{JobView, Task};
use leptos::prelude::*;

use super::scope::{PhoneScope, under_way, use_phone};
use super::tasks_power::Power;
use super::tasks_receive::Receive;
use super::tasks_send::Send;
use super::tasks_transfers::Transfers;
use crate::components::icon::{Icon, Svg};
use crate::components::job_list::JobList;

#[derive(Clone, Copy, PartialEq)]
enum Show {
    All,
    Tasks,
    Changes,
    Open,
    Failed,
}

const CHIPS: [(Show, &str); 5] = [
    (Show::All, "All"),
    (Show::Open, "Under way"),
    (Show::Failed, "Failed"),
    (Show::Tasks, "Tasks"),
    (Show::Changes, "Changes of settings"),
];

impl Show {
    fn holds(self, job: &JobView) -> bool {
        match self {
            Show::All => true,
            Show::Tasks => job.task.is_some(),
            Show::Changes => job.task.is_none(),
            Show::Open => under_way(job.state),
            Show::Failed => job.state == contract::rest::JobState::Parked,
        }
    }
}

#[component]
pub fn Tasks() -> impl IntoView {
    let scope = use_phone();
    view! {
        <div class="columns">
            <div class="stack">
                <Power scope/>
                <Send scope/>
                <Receive scope/>
            </div>
            <div class="stack">
                <Jobs scope/>
                <Transfers scope/>
                <Methods scope/>
            </div>
        </div>
    }
}

#[component]
fn Jobs(scope: PhoneScope) -> impl IntoView {
    let show = RwSignal::new(Show::All);
    let jobs = Memo::new(move |_| {
        let show = show.get();
        scope.jobs.with(|jobs| jobs.iter().filter(|job| show.holds(job)).cloned().collect::<Vec<_>>())
    });
    let chip = |(one, word): (Show, &'static str)| {
        let count = move || scope.jobs.with(|jobs| jobs.iter().filter(|job| one.holds(job)).count());
        view! {
            <button
                type="button"
                class="filter"
                class:zero=move || count() == 0
                aria-pressed=move || if show.get() == one { "true" } else { "false" }
                on:click=move |_| show.set(one)
            >
                {word} <b>{count}</b>
            </button>
        }
    };
    let reload = Callback::new(move |()| scope.detail.reload());
    view! {
        <section class="card stack" aria-labelledby="jobs-title" data-testid="jobs">
            <h2 id="jobs-title">"Ordered so far"</h2>
            <div class="row wrap" role="group" aria-label="Show only">{CHIPS.map(chip).into_iter().collect_view()}</div>
            <div class="scrolls tall">
                <JobList jobs zone=scope.zone on_change=reload none="Nothing of this kind."/>
            </div>
        </section>
    }
}

/// What the phone's own software knows.
#[component]
fn Methods(scope: PhoneScope) -> impl IntoView {
    view! {
        <section class="card stack" aria-labelledby="methods-title">
            <h2 id="methods-title">"Methods"</h2>
            <p class="help">"Asks the phone which TR-069 methods it knows. The answer appears among what was ordered."</p>
            <div class="row">
                <button type="button" class="button" data-testid="methods" on:click=move |_| scope.give(Task::Methods, "The phone is asked.")>
                    <Svg icon=Icon::Search/>
                    "List methods"
                </button>
            </div>
        </section>
    }
}
