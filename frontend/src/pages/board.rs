//! The room board: every room of a property with the state of its phone, live.

use std::collections::HashMap;
use std::sync::Arc;

use contract::RoomId;
use contract::rest::{Board, RoomCard};
use leptos::html::Input;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_navigate, use_params_map, use_query_map};

use super::board_keys::{move_focus, show_cell, typing};
use super::board_query;
use super::property::use_scope;
use crate::app::use_title;
use crate::components::empty::{Empty, skeleton_cells};
use crate::components::icon::{Icon, Svg};
use crate::components::legend::{Chosen, Counts, Legend};
use crate::components::room_cell::RoomCell;
use crate::live::{use_live, use_live_stream};
use crate::load::use_load;
use crate::state::use_shared;
use crate::words::counted;

type Card = ArcRwSignal<RoomCard>;
/// Its name and its rooms.
type Floor = (String, Vec<Card>);

/// The board with one signal per room, so that a change redraws one cell.
#[derive(Clone)]
struct Model {
    buildings: Vec<(String, Vec<Floor>)>,
    rooms: HashMap<RoomId, Card>,
}

impl Model {
    fn of(board: &Board) -> Self {
        let mut rooms = HashMap::new();
        let mut card = |card: &RoomCard| {
            let signal = ArcRwSignal::new(card.clone());
            rooms.insert(card.id, signal.clone());
            signal
        };
        let mut buildings = Vec::new();
        for building in &board.buildings {
            let floors =
                building.floors.iter().map(|floor| (floor.name.clone(), floor.rooms.iter().map(&mut card).collect()));
            buildings.push((building.name.clone(), floors.collect()));
        }
        Self { buildings, rooms }
    }
}

fn matches(card: &RoomCard, text: &str) -> bool {
    let holds = |field: &str| field.to_lowercase().contains(text);
    text.is_empty()
        || holds(&card.number)
        || holds(&card.extension)
        || holds(&card.guest_name)
        || card
            .mac
            .is_some_and(|mac| mac.to_string().contains(text) || (text.len() > 3 && mac.compact().contains(text)))
}

#[derive(Clone, Copy)]
struct View {
    text: RwSignal<String>,
    chosen: RwSignal<Chosen>,
    /// The cell the Tab key leads to.
    current: RwSignal<Option<RoomId>>,
    open: Memo<Option<RoomId>>,
}

#[component]
pub fn BoardPage() -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let params = use_params_map();
    let Some(scope) = use_scope() else { return ().into_any() };
    let name = move || shared.property(scope.0.get()).map(|p| p.name);
    use_title(move || format!("Rooms of {}", name().unwrap_or_default()));
    let board =
        use_load(move || scope.0.get(), move |id| shared.api.get_owned::<Board>(format!("/properties/{id}/board")));
    let model = RwSignal::new(None::<Arc<Model>>);
    Effect::new(move |_| {
        let fresh = board.with(|board| (Arc::new(Model::of(board)), board.property.id, board.live_after));
        if let Some((_, id, after)) = &fresh {
            live.watch(Some(*id), Some(*after));
        }
        model.set(fresh.map(|(model, ..)| model));
    });
    use_live(move |change| {
        if change.reload {
            board.reload();
        }
        let Some(card) = change.room.as_ref().filter(|card| card.property == scope.0.get_untracked()) else {
            return;
        };
        let signal = model.with_untracked(|model| model.as_ref().and_then(|model| model.rooms.get(&card.id).cloned()));
        match signal {
            Some(signal) => signal.set(card.clone()),
            None => board.reload(),
        }
    });
    let map = use_query_map();
    let (text, chosen) = board_query::read(&map.read_untracked());
    let view = View {
        text: RwSignal::new(text),
        chosen: RwSignal::new(chosen),
        current: RwSignal::new(None),
        open: Memo::new(move |_| params.read().get("room").and_then(|id| id.parse().ok())),
    };
    // The address follows what is shown, also where a link to a room left it out.
    let (location, navigate) = (use_location(), use_navigate());
    Effect::new(move |_| {
        let shown = (view.text.get().trim().to_owned(), view.chosen.get());
        let path = location.pathname.get();
        let ours = path.starts_with(&format!("/p/{}/rooms", scope.0.get_untracked()));
        if ours && board_query::read(&map.read()) != shown {
            let target = format!("{path}{}", board_query::write(&shown.0, &shown.1));
            navigate(&target, NavigateOptions { replace: true, scroll: false, ..Default::default() });
        }
    });
    let search = NodeRef::<Input>::new();
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "/" && !typing() && !event.ctrl_key() && !event.meta_key() {
            if let Some(input) = search.get_untracked() {
                event.prevent_default();
                let _ = input.focus();
                input.select();
            }
        } else {
            move_focus(&event);
        }
    });
    on_cleanup(move || keys.remove());
    let counts = Memo::new(move |_| {
        let model = model.get();
        let cards = model.iter().flat_map(|model| model.rooms.values());
        Counts::of(cards.map(|card| card.with(|card| (card.state, card.sync))))
    });
    // Beside the panel the cells are laid out anew: keep the room's own in sight.
    Effect::new(move |_| {
        if let Some(id) = view.open.get()
            && model.with(Option::is_some)
        {
            let cell = format!("/p/{}/rooms/{id}", scope.0.get_untracked());
            request_animation_frame(move || show_cell(&cell));
        }
    });
    let sheet = move || shared.narrow.get() && view.open.get().is_some();
    view! {
        <div class="board-page" class:with-panel=move || view.open.get().is_some()>
            <div class="page board" inert=sheet>
                <header class="page-head">
                    <div>
                        <h1>{move || name().unwrap_or_else(|| "Rooms".into())}</h1>
                        <p class="quiet-text" aria-live="polite">{move || summary(&counts.get())}</p>
                    </div>
                    <div class="search-box">
                        <Svg icon=Icon::Search/>
                        <input
                            node_ref=search
                            type="search"
                            aria-label="Find a room by number, extension, guest or MAC address"
                            placeholder="Room, guest or MAC"
                            autocomplete="off"
                            data-testid="search"
                            prop:value=move || view.text.get()
                            on:input:target=move |event| view.text.set(event.target().value())
                            on:keydown=move |event| {
                                if event.key() == "Escape" {
                                    event.stop_propagation();
                                    view.text.set(String::new());
                                    if let Some(input) = search.get_untracked() { let _ = input.blur(); }
                                }
                            }
                        />
                        <kbd aria-hidden="true">"/"</kbd>
                    </div>
                </header>
                <Legend counts chosen=view.chosen/>
                {board.view(skeleton_cells, move |_| view! { <Floors model view scope=scope.0/> }.into_any())}
            </div>
            <Outlet/>
        </div>
    }
    .into_any()
}

fn summary(counts: &Counts) -> String {
    let of = |state| counts.by_state.iter().find(|(other, _)| *other == state).map_or(0, |(_, count)| *count);
    use contract::rest::RoomState::NoPhone;
    if counts.rooms == 0 {
        return String::new();
    }
    let mut text = format!("{} · {} in order", counted(counts.rooms, "room", "rooms"), counts.in_order);
    if of(NoPhone) > 0 {
        text.push_str(&format!(" · {} without a phone", of(NoPhone)));
    }
    text
}

#[component]
fn Floors(model: RwSignal<Option<Arc<Model>>>, view: View, scope: Memo<contract::PropertyId>) -> impl IntoView {
    let shown = move |card: Card| {
        Memo::new(move |_| {
            let text = view.text.get().trim().to_lowercase();
            card.with(|card| view.chosen.with(|chosen| chosen.shows(card.state, card.sync)) && matches(card, &text))
        })
    };
    move || {
        let model = model.get()?;
        if model.rooms.is_empty() {
            return Some(
                view! {
                    <Empty icon=Icon::Rooms title="No rooms yet">
                        <p>"Add the building's floors and rooms first; phones are then assigned room by room."</p>
                        <a class="button primary" href=move || format!("/p/{}/layout", scope.get())>
                            <Svg icon=Icon::Plus/>
                            "Add rooms"
                        </a>
                    </Empty>
                }
                .into_any(),
            );
        }
        let first = model.buildings.iter().flat_map(|(_, floors)| floors).flat_map(|(_, rooms)| rooms).next();
        let first = first.map(|card| card.with_untracked(|card| card.id));
        if view.current.get_untracked().is_none_or(|id| !model.rooms.contains_key(&id)) {
            view.current.set(first);
        }
        let several = model.buildings.len() > 1;
        let mut all: Vec<Memo<bool>> = Vec::new();
        let buildings = model.buildings.iter().map(|(building, floors)| {
            let floors = floors.iter().map(|(floor, rooms)| {
                let rooms: Vec<(Card, Memo<bool>)> = rooms.iter().map(|card| (card.clone(), shown(card.clone()))).collect();
                let flags: Vec<Memo<bool>> = rooms.iter().map(|(_, shown)| *shown).collect();
                all.extend(&flags);
                let count = Memo::new(move |_| flags.iter().filter(|flag| flag.get()).count());
                let title = if several { format!("{building} · {floor}") } else { floor.clone() };
                let cells = rooms.into_iter().map(|(card, shown)| {
                    let id = card.with_untracked(|card| card.id);
                    let current = Signal::derive(move || view.current.get() == Some(id));
                    let open = Signal::derive(move || view.open.get() == Some(id));
                    view! { <RoomCell card=RwSignal::from(card) shown current open on:focusin=move |_| view.current.set(Some(id))/> }
                });
                view! {
                    <section class="floor-section" hidden=move || count.get() == 0>
                        <h2>{title} <span class="quiet-text">{move || count.get()}<span class="sr">" rooms"</span></span></h2>
                        <ul class="cells">{cells.collect_view()}</ul>
                    </section>
                }
            });
            floors.collect_view()
        });
        let buildings = buildings.collect_view();
        let none = Memo::new(move |_| all.iter().all(|flag| !flag.get()));
        let clear = move |_| {
            view.text.set(String::new());
            view.chosen.set(Chosen::default());
        };
        Some(
            view! {
                {buildings}
                <Show when=move || none.get()>
                    <Empty icon=Icon::Search title="No room matches">
                        <p>"No room fits what you typed and chose."</p>
                        <button type="button" class="button primary" on:click=clear>"Show all rooms"</button>
                    </Empty>
                </Show>
            }
            .into_any(),
        )
    }
}
