//! The room types of a property in the tree, and which rooms are in them.

use contract::rest::{Accepted, Board, Layer, Preview, RoomCard, RoomType, RoomsOfType};
use contract::{PropertyId, RoomTypeId};
use leptos::prelude::*;

use super::tree::{LayerLine, reach};
use crate::api::{Api, ApiError};
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{FormError, skeleton_list};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::name_form::NameForm;
use crate::components::push::{PreviewView, dry_run};
use crate::layer_at::LayerAt;
use crate::load::{Loaded, use_load};
use crate::ranges;
use crate::state::use_shared;
use crate::words::{self, counted};

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
            let accepted: Accepted = shared.api.remove(&format!("/room-types/{id}")).await?;
            shared.say(words::on_its_way("The room type and its values are gone; its rooms stay.", accepted.phones));
            types.reload();
            Ok(())
        });
    });
    let question = match rooms {
        0 => "Remove the room type with the values it sets? No room is of it.".to_owned(),
        1 => "Remove the room type with the values it sets? The phone of its room falls back to what lies below."
            .to_owned(),
        count => format!(
            "Remove the room type with the values it sets? The phones of its {count} rooms fall back to what lies below."
        ),
    };
    let at = LayerAt::new(Layer::RoomType, id.0);
    let kept = StoredValue::new(name.clone());
    let question = StoredValue::new(question);
    view! {
        <li data-testid="room-type" data-name=name.clone()>
            <div class="row between wrap">
                <LayerLine at name=name.clone() property=Some(property.0) reach=reach(rooms, "room", "rooms")/>
                <Show when=move || doing.get() == Doing::Nothing>
                    <span class="row wrap">
                        <button type="button" class="button small" data-testid="room-type-fill" on:click=move |_| doing.set(Doing::Filling)><Svg icon=Icon::Door/>"Put rooms in"</button>
                        <button type="button" class="button small quiet" on:click=move |_| doing.set(Doing::Renaming)><Svg icon=Icon::Edit/>"Rename"</button>
                        <ConfirmButton label="Remove" icon=Icon::Trash question=question.get_value() yes="Remove" on_yes=remove testid="room-type-remove"/>
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

/// The rooms of a property that were written, and how many of them have a phone. One that was named alone must be there;
/// a range may hold numbers no door has.
async fn written(api: Api, property: PropertyId, text: String) -> Result<(Vec<RoomCard>, u32), ApiError> {
    let at_field = |why: String| ApiError::local("no-rooms", "No such rooms", why).of_field("rooms");
    let numbers = ranges::parse(&text).map_err(at_field)?;
    let board: Board = api.get_owned(format!("/properties/{property}/board")).await?;
    let all = board.buildings.into_iter().flat_map(|one| one.floors).flat_map(|floor| floor.rooms);
    let found: Vec<RoomCard> = all.filter(|room| numbers.contains(&room.number)).collect();
    let missing: Vec<&str> =
        ranges::singles(&text).filter(|number| !found.iter().any(|room| room.number == *number)).collect();
    if !missing.is_empty() {
        let which = missing.join(", ");
        return Err(at_field(format!("This property has no room {which}. Nothing was changed.")));
    }
    if found.is_empty() {
        return Err(at_field("This property has none of these rooms. Check the numbers.".into()));
    }
    let phones = found.iter().filter(|room| room.phone.is_some()).count();
    Ok((found, phones as u32))
}

/// Rooms that were written, the phones there, and what that would do to those that follow.
#[derive(Clone)]
struct Found {
    rooms: Vec<RoomCard>,
    phones: u32,
    would: Option<Preview>,
}

/// Rooms by number, as people write them; what that reaches is said before it is done.
#[component]
fn Fill(id: RoomTypeId, property: PropertyId, on_done: Callback<()>, on_cancel: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let text = RwSignal::new(String::new());
    let (sending, found) = (Sending::new(), RwSignal::new(None::<Found>));
    // Other rooms are another question.
    Effect::new(move |_| {
        text.track();
        found.set(None);
    });
    let path = move || format!("/properties/{property}/rooms/type");
    let body = move |rooms: &[RoomCard]| RoomsOfType {
        rooms: rooms.iter().map(|room| room.id).collect(),
        room_type: Some(id),
    };
    let field = format!("rooms-{id}");
    let input = field.clone();
    request_animation_frame(move || crate::app::focus(&input));
    let look = move || {
        let asked = text.get_untracked();
        let text_now = asked.clone();
        let look = async move {
            let (rooms, phones) = written(shared.api, property, text_now).await?;
            let answer: Accepted = shared.api.put(&dry_run(&path()), &body(&rooms)).await?;
            Ok(Found { rooms, phones, would: answer.preview.filter(|would| would.phones > 0) })
        };
        sending.run(look, move |rooms| {
            // What is typed since is another question.
            if text.try_get_untracked().as_ref() == Some(&asked) {
                found.try_set(Some(rooms));
                request_animation_frame(move || crate::app::focus(&format!("room-type-yes-{id}")));
            }
        });
    };
    let put = move || {
        let Some(Found { rooms, .. }) = found.get_untracked() else { return };
        let count = rooms.len();
        let put = async move { shared.api.put::<_, Accepted>(&path(), &body(&rooms)).await };
        sending.run(put, move |accepted| {
            let done = format!("{} of this type now.", counted(count, "room is", "rooms are"));
            shared.say(words::on_its_way(&done, accepted.phones));
            on_done.try_run(());
        });
    };
    let question = move || {
        found.with(|found| {
            found.as_ref().map(|Found { rooms, phones, .. }| {
                let rooms = counted(rooms.len(), "room", "rooms");
                match phones {
                    0 => format!("Put {rooms} into this type? No phone stands there yet."),
                    1 => format!("Put {rooms} into this type? The 1 phone there follows its values."),
                    many => format!("Put {rooms} into this type? The {many} phones there follow its values."),
                }
            })
        })
    };
    view! {
        <form class="name-form" novalidate on:submit=move |event| {
            event.prevent_default();
            if found.with_untracked(Option::is_some) { put() } else { look() }
        }>
            <TextField id=field label="Rooms" help="Numbers and ranges, for example 1201-1210, 1301." value=text error=sending.at("rooms") testid="room-type-rooms"/>
            <p role="status" data-testid="room-type-question">{question}</p>
            {move || found.with(|found| found.as_ref().and_then(|found| found.would.clone())).map(|preview| view! { <PreviewView preview/> })}
            <div class="row">
                {move || if found.with(Option::is_some) {
                    view! { <button type="submit" id=format!("room-type-yes-{id}") class="button primary" data-testid="room-type-yes" disabled=move || sending.busy.get()>"Yes, put them in"</button> }.into_any()
                } else {
                    view! { <button type="submit" class="button primary" data-testid="room-type-put" disabled=move || sending.busy.get()>"Put them in…"</button> }.into_any()
                }}
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
            <FormError error=sending.error fields=&["rooms"]/>
        </form>
    }
}
