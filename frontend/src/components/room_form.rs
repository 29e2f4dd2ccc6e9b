//! Number, extension, type and the guest's name of a room.

use contract::rest::{Accepted, RoomCard, RoomChange, RoomType};
use leptos::prelude::*;

use super::empty::FormError;
use super::field::TextField;
use super::form::Sending;
use super::select_field::SelectField;
use crate::api::ApiError;
use crate::load::use_load;
use crate::state::use_shared;

const FIELDS: &[&str] = &["number", "extension", "guest_name", "room_type"];

/// What is saved of a room, as its inputs hold it.
#[derive(Clone, PartialEq)]
struct Saved {
    number: String,
    extension: String,
    guest: String,
    /// Its id; empty = none.
    kind: String,
}

impl Saved {
    fn of(card: &RoomCard) -> Self {
        Self {
            number: card.number.clone(),
            extension: card.extension.clone(),
            guest: card.guest_name.clone(),
            kind: card.room_type.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

/// What a room may be; the type it is of also before the list has come.
fn kinds(card: &RoomCard, list: Option<Vec<RoomType>>) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "No type".to_owned())];
    all.extend(list.unwrap_or_default().into_iter().map(|kind| (kind.id.to_string(), kind.name)));
    if let (Some(id), Some(name)) = (card.room_type, &card.room_type_name)
        && !all.iter().any(|(known, _)| *known == id.to_string())
    {
        all.push((id.to_string(), name.clone()));
    }
    all
}

#[component]
pub fn RoomForm(#[prop(into)] card: Signal<RoomCard>, on_accepted: Callback<Accepted>) -> impl IntoView {
    let shared = use_shared();
    let saved = Memo::new(move |_| card.with(Saved::of));
    let property = Memo::new(move |_| card.with(|card| card.property));
    let types = use_load(
        move || property.get(),
        move |id| shared.api.get_owned::<Vec<RoomType>>(format!("/properties/{id}/room-types")),
    );
    let empty = || RwSignal::new(String::new());
    let (number, extension, guest, kind) = (empty(), empty(), empty(), empty());
    // What others change shows up here, unless this field is being edited.
    Effect::new(move |before: Option<Saved>| {
        let now = saved.get();
        let follow = |field: RwSignal<String>, before: Option<&String>, now: &String| {
            if before.is_none_or(|before| field.with_untracked(|text| text == before)) {
                field.set(now.clone());
            }
        };
        let before = before.as_ref();
        follow(number, before.map(|b| &b.number), &now.number);
        follow(extension, before.map(|b| &b.extension), &now.extension);
        follow(guest, before.map(|b| &b.guest), &now.guest);
        follow(kind, before.map(|b| &b.kind), &now.kind);
        now
    });
    let sending = Sending::new();
    // A type that is refused may be gone, and others there.
    Effect::new(move |_| {
        if sending.at("room_type").with(Option::is_some) {
            types.reload();
        }
    });
    let change = move || {
        let saved = saved.get();
        let new = |field: RwSignal<String>, old: &str| Some(field.get().trim().to_owned()).filter(|text| text != old);
        RoomChange {
            number: new(number, &saved.number),
            extension: new(extension, &saved.extension),
            guest_name: new(guest, &saved.guest),
            // No id: out of its type.
            room_type: new(kind, &saved.kind).map(|id| id.parse().ok()),
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
    let options = Signal::derive(move || card.with(|card| kinds(card, types.with(Clone::clone))));
    let none_yet = move || types.with(Vec::is_empty) == Some(true);
    let at_type = sending.at("room_type");
    let type_error = Signal::derive(move || {
        let missing = || types.failure().map(|why| format!("The room types could not be loaded. {}", why.sentence()));
        at_type.get().or_else(missing)
    });
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
            <SelectField
                id="room-type"
                label="Room type"
                help="Settings of the type hold for the room, unless the room or its phone has its own."
                options
                value=kind
                error=type_error
                testid="room-type-choice"
            />
            <Show when=none_yet>
                <p class="help">"This property has no room types yet. They are made "<a href="/layers">"with all layers"</a>"."</p>
            </Show>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" id="room-save" class="button primary" data-testid="save" disabled=move || sending.busy.get() || !changed.get()>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                <Show when=move || changed.get() && !sending.busy.get()>
                    <button
                        type="button"
                        class="button quiet"
                        on:click=move |_| {
                            let saved = saved.get_untracked();
                            number.set(saved.number);
                            extension.set(saved.extension);
                            guest.set(saved.guest);
                            kind.set(saved.kind);
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
