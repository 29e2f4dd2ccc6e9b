//! Traceroute: the routers on the way to a host.

use contract::rest::{Hop, JobView, Task, TraceRequest, TraceResult};
use leptos::prelude::*;

use super::scope::PhoneScope;
use super::start::{StartButton, Starter, host_field};
use crate::components::empty::FormError;
use crate::components::icon::{Icon, Svg};
use crate::components::number_field::{NumberField, whole};
use crate::units::milliseconds;

const HOPS: std::ops::RangeInclusive<u64> = 1..=64;
const TRIES: std::ops::RangeInclusive<u64> = 1..=3;
const TIMEOUT: std::ops::RangeInclusive<u64> = 100..=10_000;

#[component]
pub fn TraceForm(scope: PhoneScope, busy: Memo<bool>, on_start: Callback<JobView>) -> impl IntoView {
    let text = |default: &str| RwSignal::new(default.to_owned());
    let (host, hops, tries, timeout) = (text(""), text("30"), text("3"), text("1000"));
    let starter = Starter::new(scope, on_start);
    let request = move || {
        let host = host.with_untracked(|host| host.trim().to_owned());
        let max_hops = whole(&hops.get_untracked(), &HOPS, "").ok()?.try_into().ok()?;
        let tries = whole(&tries.get_untracked(), &TRIES, "").ok()?.try_into().ok()?;
        let timeout_ms = whole(&timeout.get_untracked(), &TIMEOUT, "").ok()?.try_into().ok()?;
        Some(Task::Traceroute(TraceRequest { host, max_hops, tries, timeout_ms }))
    };
    view! {
        <form class="stack" novalidate on:submit=move |event| {
            event.prevent_default();
            starter.start(host, request());
        }>
            {host_field("trace-host", host, starter)}
            <div class="triple">
                <NumberField id="trace-hops" label="Hops at most" value=hops limits=HOPS/>
                <NumberField id="trace-tries" label="Tries for each" value=tries limits=TRIES/>
                <NumberField id="trace-timeout" label="Wait for each" value=timeout limits=TIMEOUT unit="ms"/>
            </div>
            <FormError error=starter.sending.error fields=&["host"]/>
            <StartButton starter busy word="Trace the route"/>
        </form>
    }
}

#[component]
pub fn HopList(result: TraceResult) -> impl IntoView {
    let trips = result.hops.iter().flat_map(|hop| hop.round_trips_ms.iter().flatten());
    let most = trips.copied().fold(0.0, f64::max);
    let hop = |(number, hop): (usize, &Hop)| {
        let back: Vec<f64> = hop.round_trips_ms.iter().flatten().copied().collect();
        let slowest = back.iter().copied().fold(0.0, f64::max);
        let share = if most > 0.0 { slowest / most * 100.0 } else { 0.0 };
        let times: Vec<String> =
            hop.round_trips_ms.iter().map(|trip| trip.map_or_else(|| "lost".to_owned(), milliseconds)).collect();
        let silent = hop.address.is_empty();
        view! {
            <li class:silent=silent data-testid="hop">
                <span class="hop-number">{number + 1}</span>
                <span class="hop-address mono">{if silent { "no answer".to_owned() } else { hop.address.clone() }}</span>
                <span class="hop-bar" aria-hidden="true"><span style:width=format!("{share:.1}%")></span></span>
                <span class="hop-times">{if back.is_empty() { "–".to_owned() } else { times.join(" · ") }}</span>
            </li>
        }
    };
    let (icon, tone, word) =
        if result.reached { (Icon::Check, "green", "Reached") } else { (Icon::Minus, "amber", "Not reached so far") };
    view! {
        <div class="stack" data-testid="trace-result" data-reached=result.reached.to_string()>
            <p><span class=format!("chip tone-{tone}")><Svg icon/>{word}</span> " " <span class="mono">{result.address.clone()}</span></p>
            <ol class="hops" aria-label="Hops">{result.hops.iter().enumerate().map(hop).collect_view()}</ol>
        </div>
    }
}
