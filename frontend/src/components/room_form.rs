//! Number, extension and the guest's name of a room.

use contract::rest::{Accepted, RoomCard, RoomChange};
use leptos::prelude::*;

use super::empty::FormError;
use super::field::TextField;
use super::form::Sending;
use crate::api::ApiError;
use crate::state::use_shared;

const FIELDS: &[&str] = &["number", "extension", "guest_name"];

#[component]
pub fn RoomForm(#[prop(into)] card: Signal<RoomCard>, on_accepted: Callback<Accepted>) -> impl IntoView {
    let shared = use_shared();
    let saved =
        Memo::new(move |_| card.with(|card| (card.number.clone(), card.extension.clone(), card.guest_name.clone())));
    let (number, extension, guest) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    // What others change shows up here, unless this field is being edited.
    Effect::new(move |before: Option<(String, String, String)>| {
        let now = saved.get();
        let follow = |field: RwSignal<String>, before: Option<&String>, now: &String| {
            if before.is_none_or(|before| field.with_untracked(|text| text == before)) {
                field.set(now.clone());
            }
        };
        follow(number, before.as_ref().map(|b| &b.0), &now.0);
        follow(extension, before.as_ref().map(|b| &b.1), &now.1);
        follow(guest, before.as_ref().map(|b| &b.2), &now.2);
        now
    });
    let sending = Sending::new();
    let change = move || {
        let saved = saved.get();
        let new = |field: RwSignal<String>, old: &str| Some(field.get().trim().to_owned()).filter(|text| text != old);
        RoomChange {
            number: new(number, &saved.0),
            extension: new(extension, &saved.1),
            guest_name: new(guest, &saved.2),
            ..RoomChange::default()
        }
    };
    let changed = Memo::new(move |_| change() != RoomChange::default());
    let save = move || {
        let change = untrack(change);
        if change == RoomChange::default() {
            return;
        }
        if change.number.as_deref() == Some("") {
            let why =
                ApiError::local("required", "A room needs a number", "Write the room's number, for example 1207.");
            return sending.refuse(why.of_field("number"));
        }
        let id = card.get_untracked().id;
        let keep = async move { shared.api.patch::<_, Accepted>(&format!("/rooms/{id}"), &change).await };
        sending.run(keep, move |accepted| {
            on_accepted.try_run(accepted);
        });
    };
    view! {
        <form
            class="stack"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
        >
            <div class="pair">
                <TextField id="room-number" label="Room number" value=number error=sending.at("number") testid="room-number" required=true/>
                <TextField id="extension" label="Extension" value=extension error=sending.at("extension") testid="extension" inputmode="tel"/>
            </div>
            <TextField
                id="guest-name"
                label="Name the guest sees"
                help="Shown on the phone's display. Leave it empty when nobody is checked in."
                value=guest
                error=sending.at("guest_name")
                testid="guest-name"
            />
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="save" disabled=move || sending.busy.get() || !changed.get()>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                <Show when=move || changed.get() && !sending.busy.get()>
                    <button
                        type="button"
                        class="button quiet"
                        on:click=move |_| {
                            let saved = saved.get_untracked();
                            number.set(saved.0);
                            extension.set(saved.1);
                            guest.set(saved.2);
                            sending.error.set(None);
                        }
                    >
                        "Undo edits"
                    </button>
                </Show>
            </div>
        </form>
    }
}
