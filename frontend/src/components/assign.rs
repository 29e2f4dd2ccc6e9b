//! Putting a phone into a room: a searchable pick list of all phones, new ones included.

use contract::rest::{Accepted, AssignPhone, PhonePage, PhoneRow, RoomCard};
use leptos::html::Input;
use leptos::prelude::*;

use super::chip::Chip;
use super::empty::FormError;
use super::form::Sending;
use super::icon::{Icon, Svg};
use crate::api::quote;
use crate::load::use_load;
use crate::state::use_shared;
use crate::words;

const LIMIT: u32 = 30;

#[component]
pub fn Assign(
    #[prop(into)] card: Signal<RoomCard>,
    on_accepted: Callback<Accepted>,
    on_cancel: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let (query, picked) = (RwSignal::new(String::new()), RwSignal::new(None::<PhoneRow>));
    let search = use_load(
        move || query.get().trim().to_owned(),
        move |text| async move { shared.api.get::<PhonePage>(&format!("/phones?q={}&limit={LIMIT}", quote(&text))).await },
    );
    // The phone that stands here already is no choice.
    let options = Memo::new(move |_| {
        let here = card.with(|card| card.phone);
        let keep = |page: &PhonePage| page.items.iter().filter(|row| Some(row.id) != here).cloned().collect::<Vec<_>>();
        search.with(keep).unwrap_or_default()
    });
    let input = NodeRef::<Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let sending = Sending::new();
    let replaces = Memo::new(move |_| card.with(|card| card.phone.is_some()));
    let confirm = move || {
        let Some(phone) = picked.get_untracked() else { return };
        let room = card.get_untracked().id;
        let body = AssignPhone { phone: phone.id.to_string(), replace: replaces.get_untracked() };
        let put = async move { shared.api.put::<_, Accepted>(&format!("/rooms/{room}/phone"), &body).await };
        sending.run(put, move |accepted| {
            shared.forget(phone.id);
            on_accepted.try_run(accepted);
        });
    };
    let step = move |by: isize| {
        let options = options.get_untracked();
        let at = picked.with_untracked(|p| p.as_ref().and_then(|p| options.iter().position(|row| row.id == p.id)));
        let last = options.len().saturating_sub(1);
        let next = at.map_or(if by > 0 { 0 } else { last }, |at| at.saturating_add_signed(by).min(last));
        picked.set(options.get(next).cloned());
    };
    let keys = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "ArrowDown" => {
            event.prevent_default();
            step(1);
        }
        "ArrowUp" => {
            event.prevent_default();
            step(-1);
        }
        "Enter" => {
            event.prevent_default();
            confirm();
        }
        "Escape" => {
            event.stop_propagation();
            on_cancel.run(());
        }
        _ => {}
    };
    let warning = move || {
        let picked = picked.get()?;
        let card = card.get();
        let mut parts = Vec::new();
        if let (true, Some(mac)) = (replaces.get(), card.mac) {
            parts.push(format!("{mac} is taken out of room {} and keeps nothing of it.", card.number));
        }
        if let Some(other) = picked.room_number.filter(|_| picked.room.is_some_and(|room| room != card.id)) {
            parts.push(format!("Room {other} is left without a phone."));
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let row = move |row: PhoneRow| {
        let (id, mac, place) = (row.id, row.mac, place(&row));
        let enrolment = row.enrolment;
        let model = if row.model.is_empty() { "Unknown model".to_owned() } else { row.model.clone() };
        let on = move || picked.with(|picked| picked.as_ref().is_some_and(|picked| picked.id == id));
        view! {
            <li
                role="option"
                class="option"
                id=format!("option-{id}")
                aria-selected=move || if on() { "true" } else { "false" }
                data-testid="assign-option"
                data-mac=mac.to_string()
                on:click=move |_| picked.set(Some(row.clone()))
            >
                <span class="mono">{mac.to_string()}</span>
                <span class="quiet-text">{format!("{model} · {place}")}</span>
                {(enrolment == contract::rest::Enrolment::New).then(|| view! { <Chip look=words::enrolment(enrolment)/> })}
            </li>
        }
    };
    let none = move || search.with(|_| ()).is_some() && options.with(Vec::is_empty);
    view! {
        <section class="assign stack" aria-labelledby="assign-title">
            <h3 id="assign-title">{move || if replaces.get() { "Swap the phone" } else { "Assign a phone" }}</h3>
            <div class="search-box grow">
                <Svg icon=Icon::Search/>
                <input
                    node_ref=input
                    type="search"
                    role="combobox"
                    aria-label="Find a phone by MAC address, serial number or room"
                    aria-expanded="true"
                    aria-controls="assign-list"
                    aria-activedescendant=move || picked.with(|p| p.as_ref().map(|p| format!("option-{}", p.id)))
                    placeholder="MAC, serial number or room"
                    autocomplete="off"
                    data-testid="assign-search"
                    prop:value=move || query.get()
                    on:input:target=move |event| query.set(event.target().value())
                    on:keydown=keys
                />
            </div>
            <ul id="assign-list" class="options" role="listbox" aria-label="Phones">
                <For each=move || options.get() key=|row| (row.id, row.room, row.enrolment) children=row/>
            </ul>
            <p class="quiet-text" role="status">
                {move || none().then_some("No phone matches. New phones appear here once they have phoned home; you can also announce one under New phones.")}
            </p>
            <p class="note" role="status">{warning}</p>
            <FormError error=sending.error fields=&[]/>
            <div class="row">
                <button
                    type="button"
                    class="button primary"
                    data-testid="assign-confirm"
                    disabled=move || sending.busy.get() || picked.with(Option::is_none)
                    on:click=move |_| confirm()
                >
                    {move || match (sending.busy.get(), replaces.get()) {
                        (true, _) => "Assigning…",
                        (_, true) => "Replace the phone",
                        _ => "Assign the phone",
                    }}
                </button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
        </section>
    }
}

fn place(row: &PhoneRow) -> String {
    match (&row.room_number, &row.property_name) {
        (Some(room), Some(property)) => format!("room {room}, {property}"),
        (None, Some(property)) => format!("no room, {property}"),
        _ => "no property yet".into(),
    }
}
