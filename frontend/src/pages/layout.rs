//! Adding buildings, floors and rooms to a property.

use contract::rest::{Layout, LayoutBuilding, LayoutFloor, LayoutRoom};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::property::use_scope;
use crate::app::use_title;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::live::use_live_stream;
use crate::ranges;
use crate::state::use_shared;

#[derive(Clone, Copy, PartialEq)]
struct FloorDraft {
    id: u32,
    name: RwSignal<String>,
    level: RwSignal<String>,
    rooms: RwSignal<String>,
}

impl FloorDraft {
    fn new(id: u32, level: i32) -> Self {
        Self {
            id,
            name: RwSignal::new(floor_name(level)),
            level: RwSignal::new(level.to_string()),
            rooms: RwSignal::new(String::new()),
        }
    }
}

fn floor_name(level: i32) -> String {
    match level {
        0 => "Ground floor".into(),
        _ => format!("Floor {level}"),
    }
}

#[component]
pub fn LayoutPage() -> impl IntoView {
    use_title(|| "Add rooms".into());
    let shared = use_shared();
    let navigate = use_navigate();
    let Some(scope) = use_scope() else { return ().into_any() };
    let live = use_live_stream();
    Effect::new(move |_| live.watch(Some(scope.0.get()), None));
    let building = RwSignal::new("Main building".to_owned());
    let floors = RwSignal::new(vec![FloorDraft::new(1, 1)]);
    let same = RwSignal::new(true);
    let (sending, tried) = (Sending::new(), RwSignal::new(false));
    let count = move || {
        floors
            .get()
            .iter()
            .filter_map(|floor| ranges::parse(&floor.rooms.get()).ok())
            .map(|rooms| rooms.len())
            .sum::<usize>()
    };
    let add = move |_| {
        floors.update(|floors| {
            let last = floors.last();
            let id = last.map_or(1, |floor| floor.id + 1);
            let level = last.and_then(|floor| floor.level.get_untracked().trim().parse::<i32>().ok()).unwrap_or(0) + 1;
            floors.push(FloorDraft::new(id, level));
        });
    };
    let layout = move || -> Option<Layout> {
        let extension = same.get_untracked();
        let floors = floors.get_untracked().into_iter().map(|floor| {
            let rooms = ranges::parse(&floor.rooms.get_untracked()).ok()?.into_iter().map(|number| {
                let digits = extension && number.chars().all(|c| c.is_ascii_digit());
                LayoutRoom { extension: if digits { number.clone() } else { String::new() }, number }
            });
            let level = floor.level.get_untracked().trim().parse().ok()?;
            let name = floor.name.get_untracked().trim().to_owned();
            (!name.is_empty()).then(|| LayoutFloor { name, level, rooms: rooms.collect() })
        });
        let name = building.get_untracked().trim().to_owned();
        let floors = floors.collect::<Option<Vec<_>>>()?;
        (!name.is_empty()).then(|| Layout { buildings: vec![LayoutBuilding { name, floors }] })
    };
    let submit = move || {
        tried.set(true);
        let Some(layout) = layout() else { return };
        let (id, rooms) = (scope.0.get_untracked(), untrack(count));
        let navigate = navigate.clone();
        let tell = async move { shared.api.tell(&format!("/properties/{id}/layout"), &layout).await };
        sending.run(tell, move |()| {
            shared.properties.reload();
            shared.say(format!("{rooms} rooms are on the board."));
            navigate(&format!("/p/{id}/rooms"), Default::default());
        });
    };
    let name = move || shared.property(scope.0.get()).map(|p| p.name);
    let empty = |text: RwSignal<String>, tried: RwSignal<bool>| {
        Signal::derive(move || {
            (tried.get() && text.with(|text| text.trim().is_empty())).then(|| "Fill this in.".to_owned())
        })
    };
    let floor = move |floor: FloorDraft| {
        let FloorDraft { id, name, level, rooms } = floor;
        let level_error = Signal::derive(move || {
            level
                .with(|level| level.trim().parse::<i32>().is_err())
                .then(|| "A whole number; the ground floor is 0.".to_owned())
        });
        let rooms_error = Signal::derive(move || {
            let text = rooms.get();
            (tried.get() || !text.is_empty()).then(|| ranges::parse(&text).err()).flatten()
        });
        let preview = move || {
            let rooms = ranges::parse(&rooms.get()).ok()?;
            let (first, last) = (rooms.first()?.clone(), rooms.last()?.clone());
            Some(if rooms.len() == 1 {
                format!("1 room: {first}")
            } else {
                format!("{} rooms: {first} … {last}", rooms.len())
            })
        };
        view! {
            <fieldset class="floor">
                <legend>{move || name.get()}</legend>
                <div class="floor-fields">
                    <TextField id=format!("floor-{id}") label="Floor" value=name error=empty(name, tried)/>
                    <TextField id=format!("level-{id}") label="Level" value=level error=level_error inputmode="numeric"/>
                    <TextField id=format!("rooms-{id}") label="Rooms" value=rooms error=rooms_error placeholder="1201-1210, 1215" testid="layout-rooms"/>
                </div>
                <div class="row between">
                    <span class="quiet-text" role="status">{preview}</span>
                    <Show when=move || { floors.with(Vec::len) > 1 }>
                        <button type="button" class="button quiet" on:click=move |_| floors.update(|floors| floors.retain(|other| other.id != id))>
                            <Svg icon=Icon::Trash/>
                            "Remove floor"
                        </button>
                    </Show>
                </div>
            </fieldset>
        }
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>"Add rooms"</h1>
                    <p class="quiet-text">{name}</p>
                </div>
            </header>
            <form
                class="card stack form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <p class="quiet-text">
                    "Write rooms one by one or as ranges. Rooms that exist already stay as they are, so you can come back and add more."
                </p>
                <TextField id="building" label="Building" value=building error=empty(building, tried)/>
                <For each=move || floors.get() key=|floor| floor.id children=floor/>
                <div class="row">
                    <button type="button" class="button" on:click=add>
                        <Svg icon=Icon::Plus/>
                        "Another floor"
                    </button>
                </div>
                <label class="check">
                    <input type="checkbox" prop:checked=move || same.get() on:change:target=move |event| same.set(event.target().checked())/>
                    "Each room's extension is its number"
                </label>
                <FormError error=sending.error fields=&[]/>
                <div class="row">
                    <button type="submit" class="button primary" data-testid="layout-save" disabled=move || sending.busy.get()>
                        {move || match (sending.busy.get(), count()) {
                            (true, _) => "Adding…".to_owned(),
                            (_, 0) => "Add rooms".to_owned(),
                            (_, 1) => "Add 1 room".to_owned(),
                            (_, many) => format!("Add {many} rooms"),
                        }}
                    </button>
                    <a class="button" href=move || format!("/p/{}/rooms", scope.0.get())>"Cancel"</a>
                </div>
            </form>
        </div>
    }
    .into_any()
}
