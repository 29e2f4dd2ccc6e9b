//! What a property lets its phones take at the keypad, and until when.

use contract::PropertyId;
use contract::rest::{ClaimMode, ClaimReplace, ClaimSettings, ClaimSettingsChange};
use leptos::prelude::*;

use crate::components::empty::{FormError, skeleton_panel};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::select_field::{SelectField, options};
use crate::load::use_load;
use crate::state::use_shared;
use crate::time::{in_zone, now};
use crate::windows::{WINDOWS, chosen};

const MODES: [(&str, &str); 3] = [
    ("off", "No: a dialled number shows as a change made at the phone"),
    ("confirm", "Yes, after the front desk accepted"),
    ("at-once", "Yes, at once"),
];
const REPLACES: [(&str, &str); 3] = [
    ("refuse", "Refuse: the room keeps its phone"),
    ("confirm", "Ask the front desk"),
    ("at-once", "Replace the other phone at once"),
];

#[component]
pub fn ClaimRules(property: Memo<PropertyId>) -> impl IntoView {
    let shared = use_shared();
    let rules = use_load(
        move || property.get(),
        move |id| shared.api.get_owned::<ClaimSettings>(format!("/properties/{id}/claim-settings")),
    );
    view! {
        <section class="stack" aria-labelledby="rules-title">
            <h2 id="rules-title">"Rules"</h2>
            {rules.view(skeleton_panel, move |rules| view! { <Form property rules/> }.into_any())}
        </section>
    }
}

#[component]
fn Form(property: Memo<PropertyId>, rules: RwSignal<ClaimSettings>) -> impl IntoView {
    let shared = use_shared();
    let first = rules.get_untracked();
    let mode = RwSignal::new(first.mode.as_str().to_owned());
    let replace = RwSignal::new(first.replace.as_str().to_owned());
    let rooms = RwSignal::new(first.rooms);
    let window = RwSignal::new("keep".to_owned());
    let sending = Sending::new();
    let now_until = move || match rules.with(|rules| rules.until) {
        None => "Always, as it is".to_owned(),
        Some(at) => {
            let when = in_zone(at, &shared.zone(Some(property.get())), true);
            let over = at.millis() < now();
            if over { format!("As it is: over since {when}") } else { format!("As it is: until {when}") }
        }
    };
    let windows = Signal::derive(move || {
        let mut all = vec![("keep".to_owned(), now_until())];
        all.extend(options(&WINDOWS));
        all
    });
    let save = move || {
        let old = rules.get_untracked();
        let body = ClaimSettingsChange {
            mode: mode.get_untracked().parse().unwrap_or(ClaimMode::Off),
            rooms: rooms.get_untracked().trim().to_owned(),
            replace: replace.get_untracked().parse().unwrap_or(ClaimReplace::Refuse),
            until: chosen(&window.get_untracked(), old.until),
        };
        let path = format!("/properties/{}/claim-settings", property.get_untracked());
        let keep = async move { shared.api.put::<_, ClaimSettings>(&path, &body).await };
        sending.run(keep, move |saved| {
            rules.try_set(saved);
            window.try_set("keep".to_owned());
            shared.say("Saved.");
        });
    };
    view! {
        <form class="card stack form" novalidate data-testid="claim-rules" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <SelectField id="claim-mode" label="May a phone take the room that is dialled at it?" options=options(&MODES) value=mode testid="claim-mode"/>
            <TextField id="claim-rooms" label="Which rooms" help="Numbers and ranges, for example 1201-1299, 1401. Empty: all." value=rooms error=sending.at("rooms") testid="claim-rooms"/>
            <div class="pair">
                <SelectField id="claim-replace-rule" label="Where another phone stands already" options=options(&REPLACES) value=replace/>
                <SelectField id="claim-until" label="Until when" help="In the property's time." options=windows value=window error=sending.at("until") testid="claim-until"/>
            </div>
            <FormError error=sending.error fields=&["rooms", "until"]/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="claim-rules-save" disabled=move || sending.busy.get()>"Save the rules"</button>
            </div>
        </form>
    }
}
