//! The conversations the phone had with the server, newest first.

use std::time::Duration;

use contract::rest::{SessionPage, SessionView};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use super::scope::{PhoneScope, use_phone};
use super::session_steps::{Steps, bad};
use crate::components::age::Ago;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::load::use_load;
use crate::time::in_zone;
use crate::units;
use crate::words::counted;

const LIMIT: u64 = 25;
/// Sessions are written down a moment after they end.
const WRITTEN_AFTER: Duration = Duration::from_millis(1500);

#[component]
pub fn Sessions() -> impl IntoView {
    let scope = use_phone();
    let (location, navigate, map) = (use_location(), use_navigate(), use_query_map());
    let offset = Memo::new(move |_| map.read().get("offset").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0));
    let go = Callback::new(move |offset: u64| {
        let path = location.pathname.get_untracked();
        let target = if offset == 0 { path } else { format!("{path}?offset={offset}") };
        navigate(&target, NavigateOptions { scroll: false, ..Default::default() });
    });
    let list = use_load(
        move || offset.get(),
        move |offset| {
            scope.shared.api.get_owned::<SessionPage>(scope.path(&format!("sessions?offset={offset}&limit={LIMIT}")))
        },
    );
    // The phone was heard of: a session began or ended.
    let heard = Memo::new(move |_| {
        let jobs = scope.jobs.with(|jobs| jobs.iter().map(|job| job.done_at).max());
        (scope.value.with(|value| value.phone.last_seen), jobs)
    });
    Effect::new(move |before: Option<()>| {
        heard.track();
        if before.is_some() {
            list.reload_after(WRITTEN_AFTER);
        }
    });
    let table = move |page: RwSignal<SessionPage>| {
        let ids = move || page.with(|page| page.items.iter().map(|session| session.id).collect::<Vec<_>>());
        let session = move |id: i64| {
            let find = move || page.with(|page| page.items.iter().find(|session| session.id == id).cloned());
            let first = untrack(find)?;
            let session = Memo::new(move |_| find().unwrap_or_else(|| first.clone()));
            Some(view! { <Session session scope/> })
        };
        view! {
            <Show
                when=move || page.with(|page| !page.items.is_empty())
                fallback=|| view! {
                    <Empty icon=Icon::Inbox title="No session yet">
                        <p>"The phone has not opened a TR-069 session since Bellhop keeps them. Wake it, or wait for its next one."</p>
                    </Empty>
                }
            >
                <ul class="sessions">
                    <For each=ids key=|id| *id children=session/>
                </ul>
                <Pager offset limit=LIMIT total=Signal::derive(move || page.with(|page| page.total)) on_move=go/>
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="toolbar">
            <p class="quiet-text grow">"What phone and server said to each other, newest first. Passwords are masked."</p>
            <button type="button" class="button" data-testid="sessions-reload" on:click=move |_| list.reload()>
                <Svg icon=Icon::Sync/>
                "Look again"
            </button>
        </div>
        {list.view(skeleton_list, table)}
    }
}

#[component]
fn Session(session: Memo<SessionView>, scope: PhoneScope) -> impl IntoView {
    let open = RwSignal::new(false);
    let id = session.with_untracked(|session| session.id);
    let faulty = move || session.with(|session| session.steps.iter().any(bad));
    let events = move || {
        let event = |event: &String| view! { <span class="chip tone-none">{event.clone()}</span> };
        session.with(|session| session.events.iter().map(event).collect_view())
    };
    let numbers = move || {
        session.with(|session| {
            let steps = counted(session.steps.len(), "message", "messages");
            let length = session
                .ended_at
                .map(|end| units::milliseconds((end.millis() - session.started_at.millis()).max(0) as f64));
            let (received, sent) = (units::bytes(session.bytes_in), units::bytes(session.bytes_out));
            let traffic = format!("{received} in, {sent} out");
            [Some(steps), length, Some(traffic)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
        })
    };
    let started = move || session.with(|session| session.started_at);
    view! {
        <li class="card session" data-testid="session" data-session=id>
            <button
                type="button"
                class="session-head"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-controls=format!("session-{id}")
                data-testid="session-open"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <span class="twist" aria-hidden="true"><Svg icon=Icon::ChevronRight/></span>
                <span class="session-when">
                    <b>{move || in_zone(started(), &scope.zone.get(), false)}</b>
                    <span class="quiet-text"><Ago at=Signal::derive(started) zone=scope.zone/></span>
                </span>
                <span class="session-what">
                    <span class="row wrap">{events}</span>
                    <span class="quiet-text">{numbers}</span>
                </span>
                <span class="session-outcome" class:bad=faulty>
                    {move || faulty().then(|| view! { <Svg icon=Icon::Alert/> })}
                    {move || session.with(|session| session.outcome.clone())}
                </span>
            </button>
            <div id=format!("session-{id}")>
                {move || open.get().then(|| view! { <Steps session scope/> })}
            </div>
        </li>
    }
}
