//! What needs a person, and the legend that counts and filters.

use std::collections::BTreeSet;

use contract::rest::{RoomState, SyncState};
use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::words::{self, ROOM_STATES};

/// How many rooms are in which state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub rooms: usize,
    pub attention: usize,
    /// With a phone that works and has what it should have.
    pub in_order: usize,
    pub by_state: Vec<(RoomState, usize)>,
    pub pending: usize,
    pub failed: usize,
}

impl Counts {
    pub fn of(cards: impl Iterator<Item = (RoomState, SyncState)>) -> Self {
        let mut counts = Self { by_state: ROOM_STATES.iter().map(|state| (*state, 0)).collect(), ..Self::default() };
        for (state, sync) in cards {
            counts.rooms += 1;
            counts.attention += usize::from(words::needs_person(state, sync));
            let works = matches!(state, RoomState::Idle | RoomState::OffHook | RoomState::FilesOnly);
            counts.in_order += usize::from(works && sync != SyncState::Failed);
            counts.pending += usize::from(sync == SyncState::Pending);
            counts.failed += usize::from(sync == SyncState::Failed);
            if let Some((_, count)) = counts.by_state.iter_mut().find(|(other, _)| *other == state) {
                *count += 1;
            }
        }
        counts
    }
}

/// What is shown; nothing chosen means everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    pub attention: bool,
    pub states: BTreeSet<RoomState>,
    pub syncs: BTreeSet<SyncState>,
}

impl Chosen {
    pub fn any(&self) -> bool {
        self.attention || !self.states.is_empty() || !self.syncs.is_empty()
    }

    pub fn shows(&self, state: RoomState, sync: SyncState) -> bool {
        !self.any()
            || (self.attention && words::needs_person(state, sync))
            || self.states.contains(&state)
            || self.syncs.contains(&sync)
    }
}

fn flip<T: Ord>(set: &mut BTreeSet<T>, item: T) {
    if !set.remove(&item) {
        set.insert(item);
    }
}

#[component]
pub fn Legend(#[prop(into)] counts: Signal<Counts>, chosen: RwSignal<Chosen>) -> impl IntoView {
    let attention = Memo::new(move |_| counts.with(|counts| counts.attention));
    let states = ROOM_STATES.map(|state| {
        let look = words::room(state);
        let count = Memo::new(move |_| {
            counts
                .with(|counts| counts.by_state.iter().find(|(other, _)| *other == state).map_or(0, |(_, count)| *count))
        });
        let on = Memo::new(move |_| chosen.with(|chosen| chosen.states.contains(&state)));
        let press = Callback::new(move |()| chosen.update(|chosen| flip(&mut chosen.states, state)));
        view! { <Filter word=look.word icon=look.icon tone=look.tone help=words::room_help(state) count on press/> }
    });
    let syncs = [SyncState::Failed, SyncState::Pending].map(|sync| {
        let look = words::sync(sync);
        let count = Memo::new(move |_| {
            counts.with(|counts| if sync == SyncState::Failed { counts.failed } else { counts.pending })
        });
        let on = Memo::new(move |_| chosen.with(|chosen| chosen.syncs.contains(&sync)));
        let press = Callback::new(move |()| chosen.update(|chosen| flip(&mut chosen.syncs, sync)));
        view! { <Filter word=look.word icon=look.icon tone=look.tone help="" count on press/> }
    });
    view! {
        <div class="legend" role="group" aria-label="Show only">
            <button
                type="button"
                class="filter attention"
                class:calm=move || attention.get() == 0
                data-testid="attention"
                aria-pressed=move || if chosen.with(|chosen| chosen.attention) { "true" } else { "false" }
                on:click=move |_| chosen.update(|chosen| chosen.attention = !chosen.attention)
            >
                {move || view! { <Svg icon=if attention.get() == 0 { Icon::Check } else { Icon::Alert }/> }}
                {move || match attention.get() {
                    0 => "Nothing needs a person".to_owned(),
                    1 => "1 room needs a person".to_owned(),
                    many => format!("{many} rooms need a person"),
                }}
            </button>
            {states.into_iter().collect_view()}
            {syncs.into_iter().collect_view()}
            <Show when=move || chosen.with(Chosen::any)>
                <button type="button" class="button quiet" on:click=move |_| chosen.set(Chosen::default())>
                    "Show all"
                </button>
            </Show>
        </div>
    }
}

#[component]
fn Filter(
    word: &'static str,
    icon: Icon,
    tone: &'static str,
    help: &'static str,
    count: Memo<usize>,
    on: Memo<bool>,
    press: Callback<()>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=format!("filter tone-{tone}")
            class:zero=move || count.get() == 0
            title=help
            aria-pressed=move || if on.get() { "true" } else { "false" }
            on:click=move |_| press.run(())
        >
            <Svg icon/>
            <span>{word}</span>
            <b>{move || count.get()}</b>
        </button>
    }
}
