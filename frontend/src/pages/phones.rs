//! The list of phones, of one property or of all. Search, filter, order and page live in the address.

use std::time::Duration;

use contract::rest::{PhonePage, PhoneRow, PhoneSort, RoomState};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use super::phones_query::Query;
use super::property::use_scope;
use crate::app::use_title;
use crate::components::age::Ago;
use crate::components::chip::{AgedChip, Chip};
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::live::{use_live, use_live_stream};
use crate::load::use_load;
use crate::state::use_shared;
use crate::words::{self, ROOM_STATES};

const LIMIT: u64 = 50;

const COLUMNS: [(PhoneSort, &str); 6] = [
    (PhoneSort::Mac, "Phone"),
    (PhoneSort::Room, "Room"),
    (PhoneSort::Model, "Model"),
    (PhoneSort::Firmware, "Firmware"),
    (PhoneSort::State, "State"),
    (PhoneSort::LastSeen, "Last heard"),
];

#[component]
pub fn PhonesPage() -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let navigate = use_navigate();
    let (location, map) = (use_location(), use_query_map());
    let scope = use_scope();
    let property = Memo::new(move |_| scope.map(|scope| scope.0.get()));
    let name = move || property.get().and_then(|id| shared.property(id)).map(|p| p.name);
    use_title(move || match name() {
        Some(name) => format!("Phones of {name}"),
        None => "All phones".into(),
    });
    Effect::new(move |_| live.watch(property.get(), None));
    let query = Memo::new(move |_| Query::of(&map.read()));
    let go = StoredValue::new_local(move |query: Query, replace: bool| {
        let target = format!("{}?{}", location.pathname.get_untracked(), query.parts());
        navigate(target.trim_end_matches('?'), NavigateOptions { replace, scroll: false, ..Default::default() });
    });
    let change = move |replace: bool, edit: &dyn Fn(&mut Query)| {
        let mut query = query.get_untracked();
        query.offset = 0;
        edit(&mut query);
        go.with_value(|go| go(query, replace));
    };
    let list = use_load(
        move || (property.get(), query.get()),
        move |(property, query)| {
            let mut path = format!("/phones?limit={LIMIT}");
            if let Some(id) = property {
                path.push_str(&format!("&property={id}"));
            }
            let rest = query.parts();
            if !rest.is_empty() {
                path.push_str(&format!("&{rest}"));
            }
            shared.api.get_owned::<PhonePage>(path)
        },
    );
    use_live(move |change| {
        if change.reload {
            list.reload();
        }
        if let Some(phone) = &change.phone {
            let known = list.with_untracked(|page| page.items.iter().any(|row| row.id == phone.id)) == Some(true);
            if known {
                list.touch(|page| {
                    page.items.iter_mut().filter(|row| row.id == phone.id).for_each(|row| *row = phone.clone())
                });
            }
        }
        if let Some(gone) = change.gone {
            list.touch(|page| page.items.retain(|row| row.id != gone));
        }
    });
    // What is typed goes into the address a moment after the last key.
    let text = RwSignal::new(query.get_untracked().text);
    let waiting = StoredValue::new(0_u32);
    let typed = move |now: String| {
        text.set(now);
        waiting.update_value(|waiting| *waiting += 1);
        let mine = waiting.get_value();
        set_timeout(
            move || {
                if waiting.try_get_value() == Some(mine) {
                    let wanted = text.get_untracked().trim().to_owned();
                    change(true, &|query| query.text.clone_from(&wanted));
                }
            },
            Duration::from_millis(250),
        );
    };
    let chip = move |state: Option<RoomState>| {
        let word = state.map_or("All", |state| words::room(state).word);
        let class = state.map_or("filter".to_owned(), |state| format!("filter tone-{}", words::room(state).tone));
        view! {
            <button
                type="button"
                class=class
                data-testid="state-chip"
                data-state=state.map(RoomState::as_str)
                aria-pressed=move || if query.with(|query| query.state == state) { "true" } else { "false" }
                on:click=move |_| change(false, &|query| query.state = state)
            >
                {state.map(|state| view! { <Svg icon=words::room(state).icon/> })}
                {word}
            </button>
        }
    };
    let only_sync = move || {
        query.with(|query| query.sync).map(|sync| {
            view! {
                <button type="button" class="filter" aria-pressed="true" title="Show phones however far their change is" on:click=move |_| change(false, &|query| query.sync = None)>
                    <Svg icon=words::sync(sync).icon/>
                    {words::sync(sync).word}
                    <Svg icon=Icon::Close/>
                </button>
            }
        })
    };
    let only_change = move || {
        let (of, reach) = query.with(|query| (query.change, query.reach));
        of.map(|_| {
            view! {
                <button type="button" class="filter" aria-pressed="true" data-testid="only-change" title="Show all phones, not only those of one change" on:click=move |_| change(false, &|query| (query.change, query.reach) = (None, None))>
                    <Svg icon=Icon::Sync/>
                    {words::reach(reach)}
                    <Svg icon=Icon::Close/>
                </button>
            }
        })
    };
    let chips = std::iter::once(None).chain(ROOM_STATES.into_iter().map(Some)).map(chip).collect_view();
    let sort = Callback::new(move |column: PhoneSort| {
        change(false, &|query| {
            query.desc = query.sort == Some(column) && !query.desc;
            query.sort = Some(column);
        });
    });
    let filtered = move || {
        query.with(|query| {
            !query.text.is_empty() || query.state.is_some() || query.sync.is_some() || query.change.is_some()
        })
    };
    let table = move |page: RwSignal<PhonePage>| {
        view! {
            <Show
                when=move || page.with(|page| !page.items.is_empty())
                fallback=move || if filtered() {
                    view! {
                        <Empty icon=Icon::Search title="No phone matches">
                            <p>"No phone fits what you typed and chose."</p>
                            <button type="button" class="button primary" on:click=move |_| {
                                text.set(String::new());
                                change(false, &|query| *query = Query::default());
                            }>"Show all phones"</button>
                        </Empty>
                    }.into_any()
                } else {
                    view! {
                        <Empty icon=Icon::Phone title="No phones yet">
                            <p>"Plug in a phone that points to Bellhop, or announce one by the label on its box. It then appears here."</p>
                            <a class="button primary" href="/new-phones">"Go to new phones"</a>
                        </Empty>
                    }.into_any()
                }
            >
                <Table page query sort/>
                <Pager
                    offset=Signal::derive(move || query.get().offset)
                    limit=LIMIT
                    total=Signal::derive(move || page.with(|page| page.total))
                    on_move=Callback::new(move |offset| change(false, &|query| query.offset = offset))
                />
            </Show>
        }
        .into_any()
    };
    let other = move || match property.get() {
        Some(_) => view! { <a class="button" href="/phones">"All properties"</a> }.into_any(),
        None => shared
            .chosen()
            .and_then(|id| shared.property(id))
            .map(|p| view! { <a class="button" href=format!("/p/{}/phones", p.id)>{format!("Only {}", p.name)}</a> })
            .into_any(),
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>"Phones"</h1>
                    <p class="quiet-text" role="status">
                        {move || name().unwrap_or_else(|| "All properties".into())}
                        {move || list.with(|page| format!(" · {} phones", page.total))}
                    </p>
                </div>
                {other}
            </header>
            <div class="toolbar">
                <div class="search-box">
                    <Svg icon=Icon::Search/>
                    <input
                        type="search"
                        aria-label="Find a phone by MAC address, serial number, room or IP"
                        placeholder="MAC, serial, room or IP"
                        autocomplete="off"
                        data-testid="search"
                        prop:value=move || text.get()
                        on:input:target=move |event| typed(event.target().value())
                    />
                </div>
                <div class="legend" role="group" aria-label="Show only">{chips} {only_sync} {only_change}</div>
            </div>
            {list.view(skeleton_list, table)}
        </div>
    }
}

#[component]
fn Table(page: RwSignal<PhonePage>, query: Memo<Query>, sort: Callback<PhoneSort>) -> impl IntoView {
    let head = COLUMNS.map(|(column, word)| {
        let order = move || match query.with(|query| (query.sort == Some(column), query.desc)) {
            (true, false) => "ascending",
            (true, true) => "descending",
            _ => "none",
        };
        view! {
            <th scope="col" aria-sort=order>
                <button type="button" class="sort" on:click=move |_| sort.run(column)>
                    {word}
                    {move || match order() {
                        "ascending" => Some(view! { <Svg icon=Icon::SortUp/> }),
                        "descending" => Some(view! { <Svg icon=Icon::SortDown/> }),
                        _ => None,
                    }}
                </button>
            </th>
        }
    });
    view! {
        <div class="table-wrap">
            <table class="table cards" data-testid="phones-table">
                <caption class="sr">"Phones"</caption>
                <thead><tr>{head.into_iter().collect_view()}<th scope="col">"Configuration"</th></tr></thead>
                <tbody>
                    <For each=move || page.with(|page| page.items.iter().map(|row| row.id).collect::<Vec<_>>()) key=|id| *id let:id>
                        {
                            let row = Memo::new(move |before: Option<&Option<PhoneRow>>| {
                                let now = page.with(|page| page.items.iter().find(|row| row.id == id).cloned());
                                now.or_else(|| before.cloned().flatten())
                            });
                            move || row.get().map(|row| view! { <Row row/> })
                        }
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: PhoneRow) -> impl IntoView {
    let shared = use_shared();
    let property = row.property;
    let zone = Signal::derive(move || shared.zone(property));
    let room = match (&row.room_number, row.room, row.property) {
        (Some(number), Some(room), Some(property)) => {
            view! { <a class="above" href=format!("/p/{property}/rooms/{room}")>{number.clone()}</a> }.into_any()
        }
        _ => view! { <span class="quiet-text">"No room"</span> }.into_any(),
    };
    let enrolment = (row.enrolment == contract::rest::Enrolment::New)
        .then(|| view! { <Chip look=words::enrolment(row.enrolment)/> });
    view! {
        <tr data-testid="phone-row" data-mac=row.mac.to_string() data-state=row.state.as_str()>
            <th scope="row">
                <a class="stretched mono" href=format!("/phones/{}", row.id)>{row.mac.to_string()}</a>
                <span class="quiet-text">{row.serial.clone()} {enrolment}</span>
            </th>
            <td data-label="Room">{room} <span class="quiet-text">{row.property_name.clone()}</span></td>
            <td data-label="Model">{row.model.clone()}</td>
            <td data-label="Firmware"><span class="mono">{row.firmware.clone()}</span> <span class="quiet-text mono">{row.ip.clone()}</span></td>
            <td data-label="State"><AgedChip look=Signal::stored(words::room(row.state)) since=Signal::stored(row.since)/></td>
            <td data-label="Last heard">
                {match row.last_seen {
                    Some(at) => view! { <Ago at=at zone=zone/> }.into_any(),
                    None => view! { <span class="quiet-text">"never"</span> }.into_any(),
                }}
            </td>
            <td data-label="Configuration"><Chip look=words::sync(row.sync)/></td>
        </tr>
    }
}
