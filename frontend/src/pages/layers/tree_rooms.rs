//! The room types of a property in the tree, and which rooms are in them.

use contract::rest::{Board, Layer, RoomType, RoomsOfType};
use contract::{PropertyId, RoomTypeId};
use leptos::prelude::*;

use super::tree::{LayerLine, reach};
use crate::api::{ApiError, Method};
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{FormError, skeleton_list};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::name_form::NameForm;
use crate::layer_at::LayerAt;
use crate::load::{Loaded, use_load};
use crate::ranges;
use crate::state::use_shared;

#[component]
pub fn RoomTypes(property: PropertyId) -> impl IntoView {
    let shared = use_shared();
    let path = format!("/properties/{property}/room-types");
    let load_path = path.clone();
    let types = use_load(|| (), move |()| shared.api.get_owned::<Vec<RoomType>>(load_path.clone()));
    let adding = RwSignal::new(false);
    let stop = Callback::new(move |()| adding.set(false));
    let made = Callback::new(move |()| {
        adding.set(false);
        shared.say("The room type is made. Now put its rooms into it.");
        types.reload();
    });
    let list = move |list: RwSignal<Vec<RoomType>>| {
        view! {
            <ul>
                <For each=move || list.get() key=|kind| (kind.id, kind.name.clone(), kind.rooms) let:kind><TypeNode kind types/></For>
            </ul>
            {move || list.with(Vec::is_empty).then(|| view! {
                <p class="quiet-text layer-none">"No room types yet. With types such as \u{201c}Suite\u{201d}, one value holds for all rooms of a kind."</p>
            })}
        }
        .into_any()
    };
    view! {
        <div class="layer-rooms" data-testid="room-types">
            {types.view(skeleton_list, list)}
            {move || if adding.get() {
                view! { <NameForm id="room-type-name" label="Name of the room type" path=path.clone() on_done=made on_cancel=stop/> }.into_any()
            } else {
                view! {
                    <button type="button" class="button small" data-testid="room-type-new" on:click=move |_| adding.set(true)><Svg icon=Icon::Plus/>"New room type"</button>
                }.into_any()
            }}
        </div>
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Nothing,
    Renaming,
    Filling,
}

#[component]
fn TypeNode(kind: RoomType, types: Loaded<Vec<RoomType>>) -> impl IntoView {
    let shared = use_shared();
    let RoomType { id, property, name, rooms } = kind;
    let doing = RwSignal::new(Doing::Nothing);
    let stop = Callback::new(move |()| doing.set(Doing::Nothing));
    let done = Callback::new(move |()| {
        doing.set(Doing::Nothing);
        types.reload();
    });
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&format!("/room-types/{id}")).await?;
            shared.say("The room type and its values are gone. Its rooms stay.");
            types.reload();
            Ok(())
        });
    });
    let at = LayerAt::new(Layer::RoomType, id.0);
    let kept = StoredValue::new(name.clone());
    view! {
        <li data-testid="room-type" data-name=name.clone()>
            <div class="row between wrap">
                <LayerLine at name=name.clone() property=Some(property.0) reach=reach(rooms, "room", "rooms")/>
                <Show when=move || doing.get() == Doing::Nothing>
                    <span class="row wrap">
                        <button type="button" class="button small" data-testid="room-type-fill" on:click=move |_| doing.set(Doing::Filling)><Svg icon=Icon::Door/>"Put rooms in"</button>
                        <button type="button" class="button small quiet" on:click=move |_| doing.set(Doing::Renaming)><Svg icon=Icon::Edit/>"Rename"</button>
                        <ConfirmButton label="Remove" icon=Icon::Trash question="Remove the room type with the values it sets?" yes="Remove" on_yes=remove/>
                    </span>
                </Show>
            </div>
            {move || match doing.get() {
                Doing::Nothing => ().into_any(),
                Doing::Renaming => view! {
                    <NameForm id=format!("rename-{id}") label="Name of the room type" name=kept.get_value() path=format!("/room-types/{id}") on_done=done on_cancel=stop/>
                }.into_any(),
                Doing::Filling => view! { <Fill id property on_done=done on_cancel=stop/> }.into_any(),
            }}
        </li>
    }
}

/// Rooms by number, as people write them.
#[component]
fn Fill(id: RoomTypeId, property: PropertyId, on_done: Callback<()>, on_cancel: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let text = RwSignal::new(String::new());
    let (sending, wrong) = (Sending::new(), RwSignal::new(None::<String>));
    let save = move || {
        let typed = text.get_untracked();
        let numbers = match ranges::parse(&typed) {
            Ok(numbers) => numbers,
            Err(why) => return wrong.set(Some(why)),
        };
        wrong.set(None);
        let put = async move {
            let board: Board = shared.api.get_owned(format!("/properties/{property}/board")).await?;
            let known = || board.buildings.iter().flat_map(|one| &one.floors).flat_map(|floor| &floor.rooms);
            let found: Vec<_> = known().filter(|room| numbers.contains(&room.number)).map(|room| room.id).collect();
            let here = |number: &&str| known().any(|room| room.number == **number);
            let missing: Vec<&str> = ranges::singles(&typed).filter(|number| !here(number)).collect();
            if !missing.is_empty() || found.is_empty() {
                let detail = match missing.is_empty() {
                    true => "This property has none of these rooms. Check the numbers.".to_owned(),
                    false => format!("This property has no room {}. Nothing was changed.", missing.join(", ")),
                };
                return Err(ApiError::local("no-rooms", "No such rooms", detail).of_field("rooms"));
            }
            let count = found.len();
            let body = RoomsOfType { rooms: found, room_type: Some(id) };
            shared.api.tell_by(Method::PUT, &format!("/properties/{property}/rooms/type"), &body).await?;
            Ok(count)
        };
        sending.run(put, move |count| {
            shared.say(format!("{} of this type now.", crate::words::counted(count, "room is", "rooms are")));
            on_done.try_run(());
        });
    };
    let refused = sending.at("rooms");
    let error = Signal::derive(move || wrong.get().or_else(|| refused.get()));
    let field = format!("rooms-{id}");
    let input = field.clone();
    request_animation_frame(move || crate::app::focus(&input));
    view! {
        <form class="name-form" novalidate on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <TextField id=field label="Rooms" help="Numbers and ranges, for example 1201-1210, 1301." value=text error testid="room-type-rooms"/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="room-type-put" disabled=move || sending.busy.get()>"Put them in"</button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
            <FormError error=sending.error fields=&["rooms"]/>
        </form>
    }
}
