//! A file for the phone: firmware, configuration, a ringtone.

use contract::FileId;
use contract::rest::{DownloadOrder, Task, WindowOrder};
use leptos::prelude::*;

use super::files::FilePick;
use super::scope::PhoneScope;
use super::start::Starter;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::icon::{Icon, Svg};
use crate::components::number_field::{NumberField, whole};
use crate::files::TO_PHONE;

/// Minutes until it begins, at most a day.
const MINUTES: std::ops::RangeInclusive<u64> = 0..=1440;

#[derive(Clone, Copy, PartialEq)]
enum When {
    Now,
    Later,
    /// When nobody uses the phone, within a window.
    Idle,
}

#[component]
pub fn Send(scope: PhoneScope) -> impl IntoView {
    let first = TO_PHONE.first().map_or("", |(word, _)| *word);
    let file_type = RwSignal::new(first.to_owned());
    let picked = RwSignal::new(None::<FileId>);
    let (elsewhere, url) = (RwSignal::new(false), RwSignal::new(String::new()));
    let when = RwSignal::new(When::Now);
    let (begin, end) = (RwSignal::new("5".to_owned()), RwSignal::new("240".to_owned()));
    let starter = Starter::new(scope, Callback::new(move |_| scope.shared.say("The phone is told to fetch it.")));
    let order = move || {
        let seconds = |text: RwSignal<String>| {
            whole(&text.get_untracked(), &MINUTES, "").ok().and_then(|minutes| u32::try_from(minutes * 60).ok())
        };
        let file_type = file_type.get_untracked();
        let (when, elsewhere) = (when.get_untracked(), elsewhere.get_untracked());
        if when == When::Idle {
            let (start, end) = (seconds(begin)?, seconds(end)?);
            let window =
                WindowOrder { start, end, mode: "3 When Idle".into(), user_message: String::new(), max_retries: -1 };
            return Some(Task::ScheduleDownload { file_type, file: picked.get_untracked()?, windows: vec![window] });
        }
        Some(Task::Download(DownloadOrder {
            file_type,
            file: picked.get_untracked().filter(|_| !elsewhere),
            url: elsewhere.then(|| url.get_untracked().trim().to_owned()),
            target_file_name: String::new(),
            delay_seconds: if when == When::Later { seconds(begin)? } else { 0 },
        }))
    };
    let wrong = move || {
        when.get() == When::Idle && {
            let minutes = |text: RwSignal<String>| text.with(|text| whole(text, &MINUTES, "").ok());
            matches!((minutes(begin), minutes(end)), (Some(begin), Some(end)) if begin >= end)
        }
    };
    let nothing =
        move || if elsewhere.get() { url.with(|url| url.trim().is_empty()) } else { picked.with(Option::is_none) };
    let choice = move |one: When, word: &'static str, testid: &'static str| {
        view! {
            <label class="check">
                <input
                    type="radio" name="send-when" data-testid=testid
                    prop:checked=move || when.get() == one
                    on:change=move |_| {
                        when.set(one);
                        // Only a stored file can wait for a quiet moment.
                        if one == When::Idle {
                            elsewhere.set(false);
                        }
                    }
                />
                {word}
            </label>
        }
    };
    view! {
        <section class="card stack" aria-labelledby="send-title">
            <h2 id="send-title">"Send a file to the phone"</h2>
            <form class="stack" novalidate on:submit=move |event| {
                event.prevent_default();
                if !wrong() && !nothing() {
                    starter.send(order());
                }
            }>
                <div class="field">
                    <label for="send-type">"What it is"</label>
                    <select id="send-type" data-testid="send-type" on:change:target=move |event| file_type.set(event.target().value())>
                        {TO_PHONE.map(|(word, label)| view! { <option value=word>{label}</option> }).into_iter().collect_view()}
                    </select>
                </div>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || elsewhere.get()
                        disabled=move || when.get() == When::Idle
                        on:change:target=move |event| elsewhere.set(event.target().checked())
                    />
                    "From another server"
                </label>
                {move || if elsewhere.get() {
                    view! { <TextField id="send-url" label="Address" kind="url" placeholder="https://" help="The phone fetches it there itself." value=url error=starter.sending.at("url") testid="send-url"/> }.into_any()
                } else {
                    view! { <FilePick file_type picked/> }.into_any()
                }}
                <fieldset class="choices">
                    <legend>"When"</legend>
                    {choice(When::Now, "At once", "send-now")}
                    {choice(When::Later, "Later", "send-later")}
                    {choice(When::Idle, "When nobody uses the phone", "send-idle")}
                </fieldset>
                <Show when=move || when.get() != When::Now>
                    <div class="pair">
                        <NumberField id="send-begin" label="Not before, in" value=begin limits=MINUTES unit="minutes"/>
                        <Show when=move || when.get() == When::Idle>
                            <NumberField id="send-end" label="Not after, in" value=end limits=MINUTES unit="minutes"/>
                        </Show>
                    </div>
                </Show>
                <p class="field-error" role="alert">{move || wrong().then_some("The end has to come after the beginning.")}</p>
                <FormError error=starter.sending.error fields=&["url"]/>
                <div class="row">
                    <button type="submit" class="button primary" data-testid="send-file" disabled=move || nothing() || wrong()>
                        <Svg icon=Icon::Download/>
                        "Send"
                    </button>
                </div>
            </form>
        </section>
    }
}
