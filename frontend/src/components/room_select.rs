//! Choosing a property and, if wanted, a room of it.

use contract::rest::Board;
use contract::{PropertyId, RoomId};
use leptos::prelude::*;

use crate::api::ApiError;
use crate::load::use_load;
use crate::state::use_shared;

#[component]
pub fn PlaceSelect(
    /// Makes the ids of the inputs unique.
    #[prop(into)]
    id: String,
    property: RwSignal<Option<PropertyId>>,
    room: RwSignal<Option<RoomId>>,
) -> impl IntoView {
    let shared = use_shared();
    if property.get_untracked().is_none() {
        property.set(untrack(|| shared.chosen()));
    }
    let board = use_load(
        move || property.get(),
        move |property| async move {
            match property {
                Some(id) => shared.api.get::<Board>(&format!("/properties/{id}/board")).await.map(Some),
                None => Ok::<_, ApiError>(None),
            }
        },
    );
    let (property_id, room_id) = (format!("{id}-property"), format!("{id}-room"));
    let properties = move || {
        let chosen = property.get();
        let option = |p: &contract::rest::Property| {
            view! { <option value=p.id.to_string() selected=Some(p.id) == chosen>{p.name.clone()}</option> }
        };
        shared.properties.with(|list| list.iter().map(option).collect_view()).unwrap_or_default()
    };
    let rooms = move || {
        let floors = board.with(|board| {
            let buildings = board.as_ref().map(|board| board.buildings.clone()).unwrap_or_default();
            buildings
                .into_iter()
                .flat_map(|b| b.floors.into_iter().map(move |f| (format!("{} · {}", b.name, f.name), f.rooms)))
                .collect::<Vec<_>>()
        });
        let group = |(name, rooms): (String, Vec<contract::rest::RoomCard>)| {
            let options = rooms.into_iter().map(|card| {
                let text = if card.phone.is_some() { format!("{} (has a phone)", card.number) } else { card.number };
                view! { <option value=card.id.to_string() disabled=card.phone.is_some()>{text}</option> }
            });
            view! { <optgroup label=name>{options.collect_view()}</optgroup> }
        };
        floors.unwrap_or_default().into_iter().map(group).collect_view()
    };
    view! {
        <div class="pair">
            <div class="field">
                <label for=property_id.clone()>"Property"</label>
                <select
                    id=property_id.clone()
                    on:change:target=move |event| {
                        room.set(None);
                        property.set(event.target().value().parse().ok());
                    }
                >
                    {properties}
                </select>
            </div>
            <div class="field">
                <label for=room_id.clone()>"Room"</label>
                <select
                    id=room_id.clone()
                    data-testid="room-select"
                    prop:value=move || room.get().map(|id| id.to_string()).unwrap_or_default()
                    on:change:target=move |event| room.set(event.target().value().parse().ok())
                >
                    <option value="">"No room yet"</option>
                    {rooms}
                </select>
            </div>
        </div>
    }
}
