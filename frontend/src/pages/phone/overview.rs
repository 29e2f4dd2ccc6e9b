//! What the phone should be and what it says it is, what was changed, and what happened.

use std::collections::BTreeMap;

use contract::rest::{Accepted, LayerChange, PhoneDetail, ValueState};
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use crate::components::calls_table::CallsTable;
use crate::components::chip::Chip;
use crate::components::icon::{Icon, Svg};
use crate::components::job_list::JobList;
use crate::components::setting_editor::{Draft, SettingEditor};
use crate::components::timeline::Timeline;
use crate::components::values_table::ValuesTable;
use crate::words::{self, counted};

#[component]
pub fn Overview() -> impl IntoView {
    let PhoneScope { shared, id, value, detail, zone, jobs } = use_phone();
    let editing = RwSignal::new(None::<Draft>);
    let path = move || format!("/phones/{id}/settings");
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
        shared.run(async move {
            accepted.try_run(shared.api.ask::<Accepted>(&format!("/phones/{id}/push")).await?);
            Ok(())
        });
    };
    let reload = Callback::new(move |()| detail.reload());
    view! {
        <Facts/>
        <div class="columns">
            <section class="card stack scrolls" aria-labelledby="jobs-title">
                <h2 id="jobs-title">"Changes and tasks"</h2>
                <JobList jobs zone on_change=reload none="Nothing was changed or asked yet."/>
            </section>
            <section class="card stack scrolls" aria-labelledby="events-title">
                <h2 id="events-title">"Events"</h2>
                <Timeline events=Signal::derive(move || value.with(|value| value.events.clone())) zone/>
            </section>
        </div>
        <section class="stack" aria-labelledby="calls-title">
            <h2 id="calls-title">"Call quality"</h2>
            <CallsTable calls=Signal::derive(move || value.with(|value| value.calls.clone())) zone/>
        </section>
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

/// What it is.
#[component]
fn Facts() -> impl IntoView {
    let PhoneScope { value, .. } = use_phone();
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
        <section class="card" aria-label="Identity">
            <dl class="facts">{facts} {accounts}</dl>
        </section>
    }
}
