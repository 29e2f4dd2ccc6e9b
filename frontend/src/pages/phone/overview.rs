//! What the phone is, what was changed, and what happened.

use contract::rest::{FileFetch, PhoneDetail};
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use crate::components::calls_table::CallsTable;
use crate::components::chip::Chip;
use crate::components::job_list::JobList;
use crate::components::timeline::Timeline;
use crate::time::in_zone;
use crate::words;

#[component]
pub fn Overview() -> impl IntoView {
    let PhoneScope { value, detail, zone, jobs, .. } = use_phone();
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
    }
}

/// How far its configuration is. Of a phone that only fetched files no more is known than that it did.
fn version(detail: &PhoneDetail) -> String {
    let PhoneDetail { desired_version, applied_version, .. } = detail;
    match &detail.fetched {
        Some(file) if *applied_version == 0 && file.version == *desired_version => {
            format!("version {desired_version} fetched, not verified")
        }
        Some(file) if *applied_version == 0 => format!("version {} fetched, {desired_version} wanted", file.version),
        _ if desired_version == applied_version => format!("version {applied_version}, applied"),
        _ => format!("version {applied_version} applied, {desired_version} wanted"),
    }
}

/// Which file, when and from where.
fn fetched(file: &FileFetch, zone: &str) -> String {
    let name = if file.name.is_empty() { "its configuration" } else { &file.name };
    format!("{name}, version {}, {}, from {}", file.version, in_zone(file.at, zone, true), file.address)
}

/// What it is.
#[component]
fn Facts() -> impl IntoView {
    let PhoneScope { value, zone, .. } = use_phone();
    let facts = move || {
        let detail = value.get();
        let (version, last_file) = (version(&detail), detail.fetched.as_ref().map(|file| fetched(file, &zone.get())));
        let PhoneDetail { phone, uptime_s, .. } = detail;
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
            ("Last file fetched", last_file.unwrap_or_default()),
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
