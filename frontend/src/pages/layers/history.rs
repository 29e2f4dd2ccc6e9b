//! What was changed on a layer, by whom and when, and taking it back.

use std::time::Duration;

use contract::rest::{ChangeSet, ChangedValue, History, SetValue};
use leptos::prelude::*;

use super::undo::UndoDialog;
use crate::catalogue;
use crate::components::age::Ago;
use crate::components::empty::{Empty, FormError, skeleton_list};
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::push::PushProgress;
use crate::layer_at::LayerAt;
use crate::live::use_live;
use crate::load::use_load;
use crate::state::use_shared;
use crate::time::in_zone;
use crate::words::{self, counted, phones};

#[component]
pub fn HistoryList(at: LayerAt, zone: Signal<String>, on_undone: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let path = move || format!("{}/history", at.settings());
    let first = use_load(|| (), move |()| shared.api.get_owned::<History>(path()));
    let (more, sending) = (RwSignal::new(None::<History>), Sending::new());
    let undoing = RwSignal::new(None::<ChangeSet>);
    let older = move |before: contract::ChangeSetId| {
        let next = shared.api.get_owned::<History>(format!("{}?before={before}", path()));
        sending.run(next, move |page| {
            more.try_update(|more| match more {
                Some(more) => {
                    more.items.extend(page.items);
                    more.next = page.next;
                }
                None => *more = Some(page),
            });
        });
    };
    let done = Callback::new(move |()| {
        more.set(None);
        first.reload();
        on_undone.run(());
    });
    // Others push, too. Older pages that were opened would not fit a newer first one.
    use_live(move |change| {
        if (change.reload || change.job.is_some()) && more.with_untracked(Option::is_none) {
            first.reload_after(Duration::from_secs(1));
        }
    });
    let list = move |history: RwSignal<History>| {
        let items = move || {
            let mut items = history.with(|history| history.items.clone());
            items.extend(more.with(|more| more.iter().flat_map(|more| more.items.clone()).collect::<Vec<_>>()));
            items
        };
        let newest = Memo::new(move |_| history.with(|history| history.items.first().map(|set| set.id)));
        let next = move || {
            more.with(|more| more.as_ref().map(|more| more.next))
                .unwrap_or_else(|| history.with(|history| history.next))
        };
        view! {
            <Show when=move || history.with(|history| !history.items.is_empty()) fallback=|| view! {
                <Empty icon=Icon::Clock title="Nothing was changed here yet">
                    <p>"Each push becomes one entry with who, when and what, and can be taken back from here."</p>
                </Empty>
            }>
                <ol class="history" id="history" tabindex="-1" aria-label="Changes, the newest first" data-testid="history">
                    <For each=items key=|set| (set.id, set.undone_by) let:set>
                        <Entry latest=newest.get_untracked() == Some(set.id) set zone undoing/>
                    </For>
                </ol>
                {move || next().map(|before| view! {
                    <button type="button" class="button" disabled=move || sending.busy.get() on:click=move |_| older(before)>"Show older changes"</button>
                })}
            </Show>
        }
        .into_any()
    };
    view! {
        <UndoDialog undoing on_done=done/>
        <FormError error=sending.error fields=&[]/>
        {first.view(skeleton_list, list)}
    }
}

#[component]
fn Entry(
    set: ChangeSet,
    zone: Signal<String>,
    undoing: RwSignal<Option<ChangeSet>>,
    /// How far it is, is open from the start.
    latest: bool,
) -> impl IntoView {
    let (id, reached) = (set.id, set.phones);
    let far = RwSignal::new(latest && reached > 0);
    let far_id = format!("far-{id}");
    let far_label = format!("How far is the change of {}", set.by);
    let (at, undone) = (set.at, set.undone_by.is_some());
    let what = match (set.undoes, set.values.len()) {
        (Some(_), count) => format!("Took back {}", counted(count, "value", "values")),
        (None, count) => counted(count, "value", "values"),
    };
    let values = set.values.clone();
    let chosen = set.clone();
    let look = words::layer(set.layer);
    view! {
        <li class="card stack" data-testid="change-set" data-undone=undone.to_string()>
            <div class="row between wrap">
                <p>
                    <b>{set.by.clone()}</b> " "
                    <span class="quiet-text">{move || in_zone(at, &zone.get(), true)} " · " <Ago at=at zone=zone/></span>
                </p>
                {if undone {
                    view! { <span class="chip tone-none"><Svg icon=Icon::Swap/>"Taken back"</span> }.into_any()
                } else {
                    view! {
                        <button type="button" class="button small" data-testid="undo" aria-label=format!("Undo the change of {}: {what}", set.by) on:click=move |_| undoing.set(Some(chosen.clone()))>
                            <Svg icon=Icon::Swap/>
                            "Undo…"
                        </button>
                    }.into_any()
                }}
            </div>
            {(!set.comment.is_empty()).then(|| view! { <p><q>{set.comment.clone()}</q></p> })}
            <p class="quiet-text">
                {format!("{} {}, {what}, reached {}", look.word, set.scope_name, phones(set.phones))}
            </p>
            {(reached > 0).then(|| view! {
                <div>
                    <button type="button" class="button small quiet" data-testid="how-far" aria-label=far_label aria-expanded=move || far.get().to_string() aria-controls=far_id.clone() on:click=move |_| far.update(|far| *far = !*far)>
                        <Svg icon=Icon::Sync/>
                        {move || if far.get() { "Hide how far it is" } else { "How far is it?" }}
                    </button>
                </div>
                <div id=far_id.clone()>
                    {move || far.get().then(|| view! { <PushProgress set=Some(id) phones=reached/> })}
                </div>
            })}
            <ul class="changes">{values.into_iter().map(|value| view! { <Changed value/> }).collect_view()}</ul>
        </li>
    }
}

/// One value before and after.
#[component]
pub fn Changed(value: ChangedValue) -> impl IntoView {
    let title = catalogue::title_of(&value.key, &value.title);
    let key = value.key.clone();
    let shown = move |set: Option<SetValue>| match set {
        None => view! { <span class="quiet-text">"not set"</span> }.into_any(),
        Some(set) => {
            let lock = set.locked.then(|| {
                view! {
                    <span class="chip tone-violet"><Svg icon=Icon::Lock/>"locked"</span>
                    {(!set.reason.is_empty()).then(|| view! { " " <q class="quiet-text" data-testid="lock-why">{set.reason.clone()}</q> })}
                }
            });
            view! { <span class="value mono">{catalogue::said(&key, &set.value)}</span> {lock} }.into_any()
        }
    };
    view! {
        <li>
            <span><b>{title}</b> " " <span class="mono quiet-text">{value.key.clone()}</span></span>
            <span class="preview-group">{shown(value.before)} <span aria-hidden="true">"→"</span><span class="sr">" became "</span> {shown(value.after)}</span>
        </li>
    }
}
