//! One phone: what it is, what it does, what it should be and what it says it is.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::rest::{Accepted, LayerChange, PhoneDetail, ValueState};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::phone_live::apply;
use crate::app::use_title;
use crate::components::age::Ago;
use crate::components::chip::{AgedChip, Chip};
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::job_card::JobCard;
use crate::components::setting_editor::{Draft, SettingEditor};
use crate::components::timeline::Timeline;
use crate::components::values_table::ValuesTable;
use crate::live::{use_live, use_live_stream};
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use crate::words::{self, counted};

#[component]
pub fn PhonePage() -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("phone").unwrap_or_default());
    let detail = use_load(move || id.get(), move |id| shared.api.get_owned::<PhoneDetail>(format!("/phones/{id}")));
    let gone = RwSignal::new(false);
    let waiting = StoredValue::new(false);
    use_live(move |change| {
        if apply(detail, gone, change) && !waiting.get_value() {
            // A changed document comes with several messages: the values are read again once they are through.
            waiting.set_value(true);
            set_timeout(
                move || {
                    waiting.try_set_value(false);
                    detail.reload();
                },
                Duration::from_millis(400),
            );
        }
    });
    let property = Memo::new(move |_| detail.with(|detail| detail.phone.property));
    Effect::new(move |_| {
        if let Some(property) = property.get() {
            live.watch(property, None);
        }
    });
    let mac = Memo::new(move |_| detail.with(|detail| detail.phone.mac.to_string()));
    use_title(move || format!("Phone {}", mac.get().unwrap_or_default()));
    view! {
        <div class="page" data-testid="phone-page" data-mac=move || mac.get()>
            <Show
                when=move || !gone.get()
                fallback=|| view! {
                    <Empty icon=Icon::Trash title="This phone was removed">
                        <p>"Somebody took it out of Bellhop while you looked at it."</p>
                        <a class="button primary" href="/phones">"See all phones"</a>
                    </Empty>
                }
            >
                {detail.view(skeleton_list, move |value| view! { <Phone value detail/> }.into_any())}
            </Show>
        </div>
    }
}

#[component]
fn Phone(value: RwSignal<PhoneDetail>, detail: Loaded<PhoneDetail>) -> impl IntoView {
    let shared = use_shared();
    let phone = Memo::new(move |_| value.with(|value| value.phone.clone()));
    let zone = Signal::derive(move || shared.zone(phone.with(|phone| phone.property)));
    let editing = RwSignal::new(None::<Draft>);
    let path = move || format!("/phones/{}/settings", phone.with_untracked(|phone| phone.id));
    let accepted = Callback::new(move |accepted: Accepted| {
        editing.set(None);
        shared.say("Saved. The change is on its way to the phone.");
        detail.touch(|detail| {
            for job in accepted.jobs {
                if detail.jobs.iter().all(|old| old.id != job.id) {
                    detail.jobs.insert(0, job);
                }
            }
        });
        detail.reload();
    });
    let remove = Callback::new(move |key: String| {
        let path = path();
        shared.run(async move {
            let body = LayerChange { values: BTreeMap::from([(key, None)]), ..LayerChange::default() };
            let answer = shared.api.put::<_, Accepted>(&path, &body).await?;
            accepted.try_run(answer);
            Ok(())
        });
    });
    let edit = Callback::new(move |draft: Draft| {
        editing.set(Some(draft));
        request_animation_frame(|| {
            if let Some(editor) = document().query_selector(".editor").ok().flatten() {
                editor.scroll_into_view();
            }
            crate::app::focus("setting-value");
        });
    });
    let drifted = Memo::new(move |_| {
        value.with(|value| value.values.iter().filter(|value| value.state == ValueState::Drift).count())
    });
    let push = move || {
        let id = phone.get_untracked().id;
        shared.run(async move {
            accepted.try_run(shared.api.ask::<Accepted>(&format!("/phones/{id}/push")).await?);
            Ok(())
        });
    };
    let jobs = Memo::new(move |_| value.with(|value| value.jobs.clone()));
    let reload = Callback::new(move |()| detail.reload());
    view! {
        <Head value zone/>
        <div class="columns">
            <section class="card stack scrolls" aria-labelledby="jobs-title">
                <h2 id="jobs-title">"Changes"</h2>
                <Show when=move || jobs.with(|jobs| !jobs.is_empty()) fallback=|| view! { <p class="quiet-text">"No change was made yet."</p> }>
                    <div class="jobs" aria-live="polite">
                        <For each=move || jobs.with(|jobs| jobs.iter().map(|job| job.id).collect::<Vec<_>>()) key=|id| *id let:id>
                            {
                                let first = jobs.with_untracked(|jobs| jobs.iter().find(|job| job.id == id).cloned());
                                first.map(|first| {
                                    let find = move || jobs.with(|jobs| jobs.iter().find(|job| job.id == id).cloned());
                                    let job = Memo::new(move |_| find().unwrap_or_else(|| first.clone()));
                                    view! { <JobCard job zone on_change=reload/> }
                                })
                            }
                        </For>
                    </div>
                </Show>
            </section>
            <section class="card stack scrolls" aria-labelledby="events-title">
                <h2 id="events-title">"Events"</h2>
                <Timeline events=Signal::derive(move || value.with(|value| value.events.clone())) zone/>
            </section>
        </div>
        <section class="stack" aria-labelledby="values-title">
            <div class="row between">
                <h2 id="values-title">"Configuration"</h2>
                <Show when=move || editing.with(Option::is_none)>
                    <button type="button" class="button" data-testid="set-value" on:click=move |_| editing.set(Some(Draft::default()))>
                        <Svg icon=Icon::Plus/>
                        "Set a value"
                    </button>
                </Show>
            </div>
            {move || (drifted.get() > 0).then(|| view! {
                <div class="banner tone-amber">
                    <Svg icon=Icon::Alert/>
                    <span>{format!("{} changed at the phone itself.", counted(drifted.get(), "value was", "values were"))}</span>
                    <button type="button" class="button" data-testid="push" on:click=move |_| push()>"Bring back what it should be"</button>
                </div>
            })}
            {move || editing.get().map(|draft| view! {
                <SettingEditor path=path() draft lockable=false on_accepted=accepted on_cancel=Callback::new(move |()| editing.set(None))/>
            })}
            <ValuesTable values=Signal::derive(move || value.with(|value| value.values.clone())) on_edit=edit on_remove=remove/>
        </section>
    }
}

/// What it is and what it does now.
#[component]
fn Head(value: RwSignal<PhoneDetail>, zone: Signal<String>) -> impl IntoView {
    let phone = Memo::new(move |_| value.with(|value| value.phone.clone()));
    let title = move || {
        phone.with(|phone| match &phone.room_number {
            Some(room) => format!("Room {room}"),
            None if phone.model.is_empty() => "Phone".to_owned(),
            None => phone.model.clone(),
        })
    };
    let back = move || {
        phone.with(|phone| match (phone.property, phone.room) {
            (Some(property), Some(room)) => Some(view! { <a class="button" href=format!("/p/{property}/rooms/{room}")><Svg icon=Icon::Door/>"Open the room"</a> }),
            _ => None,
        })
    };
    let connected = move || {
        let on = value.with(|value| value.connected);
        let (word, tone, icon) =
            if on { ("Connected", "green", Icon::Check) } else { ("Not connected", "none", Icon::Offline) };
        view! { <span class=format!("chip tone-{tone}") data-testid="connected" data-connected=on.to_string()><Svg icon/>{word}</span> }
    };
    let facts = move || {
        let PhoneDetail { phone, uptime_s, desired_version, applied_version, .. } = value.get();
        let version = if desired_version == applied_version {
            format!("version {applied_version}, applied")
        } else {
            format!("version {applied_version} applied, {desired_version} wanted")
        };
        let uptime = match uptime_s {
            Some(..60) => "under a minute".to_owned(),
            Some(seconds) => crate::time::span(seconds as i64),
            None => String::new(),
        };
        [
            ("MAC address", phone.mac.to_string()),
            ("Serial number", phone.serial),
            ("Model", [phone.manufacturer, phone.model].join(" ").trim().to_owned()),
            ("Firmware", phone.firmware),
            ("IP address", phone.ip),
            ("Property", phone.property_name.unwrap_or_default()),
            ("Running for", uptime),
            ("Configuration", version),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| view! { <div><dt>{name}</dt><dd>{text}</dd></div> })
        .collect_view()
    };
    let accounts = move || {
        let accounts = value.with(|value| value.accounts.clone());
        let account = |account: contract::mqtt::AccountState| {
            view! {
                <div>
                    <dt>{format!("Account {}", account.account)}</dt>
                    <dd><Chip look=words::account(account.status)/> " " {account.user} " " <span class="quiet-text">{account.reason}</span></dd>
                </div>
            }
        };
        accounts.into_iter().map(account).collect_view()
    };
    view! {
        <header class="page-head">
            <div>
                <h1>{title}</h1>
                <p class="quiet-text">
                    <span class="mono">{move || phone.with(|phone| phone.mac.to_string())}</span>
                    {move || phone.with(|phone| phone.last_seen).map(|at| view! { " · last heard " <Ago at=at zone=zone/> })}
                </p>
            </div>
            {back}
        </header>
        <section class="card stack" aria-label="Identity and state">
            <div class="row wrap" aria-live="polite">
                <AgedChip
                    look=Signal::derive(move || words::room(phone.with(|phone| phone.state)))
                    since=Signal::derive(move || phone.with(|phone| phone.since))
                />
                {connected}
                <span data-testid="sync-state" data-sync=move || phone.with(|phone| phone.sync.as_str())>
                    <Chip look=Signal::derive(move || words::sync(phone.with(|phone| phone.sync)))/>
                </span>
            </div>
            <dl class="facts">{facts} {accounts}</dl>
        </section>
    }
}
