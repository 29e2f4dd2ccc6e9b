//! Throughput: how fast the phone fetches or sends a file.

use contract::rest::{Direction, JobView, Task, ThroughputRequest, ThroughputResult};
use leptos::prelude::*;

use super::scope::PhoneScope;
use super::start::{StartButton, Starter};
use crate::api::ApiError;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::number_field::{NumberField, whole};
use crate::units;

/// Megabytes to send.
const MEGABYTES: std::ops::RangeInclusive<u64> = 1..=100;

#[component]
pub fn ThroughputForm(scope: PhoneScope, busy: Memo<bool>, on_start: Callback<JobView>) -> impl IntoView {
    let sends = RwSignal::new(false);
    let (url, megabytes) = (RwSignal::new(String::new()), RwSignal::new("10".to_owned()));
    let starter = Starter::new(scope, on_start);
    let request = move || {
        let url = url.with_untracked(|url| url.trim().to_owned());
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
            let why = ApiError::local(
                "invalid",
                "This is no address",
                "Write an address that begins with http:// or https://, or leave it empty.",
            );
            starter.sending.refuse(why.of_field("url"));
            return None;
        }
        let (direction, bytes) = if sends.get_untracked() {
            (Direction::Upload, whole(&megabytes.get_untracked(), &MEGABYTES, "").ok()? * 1_000_000)
        } else {
            (Direction::Download, 0)
        };
        Some(Task::Throughput(ThroughputRequest { direction, url, bytes }))
    };
    view! {
        <form class="stack" novalidate on:submit=move |event| {
            event.prevent_default();
            starter.send(request());
        }>
            <fieldset class="choices">
                <legend>"Direction"</legend>
                <label class="check">
                    <input type="radio" name="direction" prop:checked=move || !sends.get() on:change=move |_| sends.set(false)/>
                    "The phone fetches"
                </label>
                <label class="check">
                    <input type="radio" name="direction" data-testid="throughput-sends" prop:checked=move || sends.get() on:change=move |_| sends.set(true)/>
                    "The phone sends"
                </label>
            </fieldset>
            <Show when=move || sends.get()>
                <NumberField id="throughput-size" label="How much" value=megabytes limits=MEGABYTES unit="MB"/>
            </Show>
            <TextField
                id="throughput-url" label="Where" placeholder="This server" kind="url"
                help="Empty: this server's own test file. Or an address the phone can reach." value=url error=starter.sending.at("url") testid="throughput-url"
            />
            <FormError error=starter.sending.error fields=&["url"]/>
            <StartButton starter busy word="Measure"/>
        </form>
    }
}

#[component]
pub fn Speed(result: ThroughputResult) -> impl IntoView {
    let speed = units::speed(result.bits_per_second);
    let (number, unit) = speed.split_once(' ').map_or((speed.clone(), String::new()), |(a, b)| (a.into(), b.into()));
    view! {
        <div class="speed" data-testid="speed">
            <p><b>{number}</b> " " {unit}</p>
            <p class="quiet-text">{format!("{} in {}", units::bytes(result.bytes), units::milliseconds(result.duration_ms))}</p>
        </div>
    }
}
