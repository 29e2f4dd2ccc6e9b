//! Every setting of a phone: what it should be and why, what the phone says, and whether both agree.

use contract::rest::{EffectiveValue, Layer, SECRET_MASK, ValueState};
use leptos::prelude::*;

use super::chip::Chip;
use super::icon::{Icon, Svg};
use super::setting_editor::Draft;
use crate::catalogue;
use crate::words;

/// Rows drawn before "show all": enough for every value somebody set.
const FIRST: usize = 150;

#[derive(Clone, Copy, PartialEq)]
enum Show {
    All,
    Set,
    Differs,
}

const CHIPS: [(Show, &str); 3] = [(Show::All, "All"), (Show::Set, "Set by us"), (Show::Differs, "Not in sync")];

impl Show {
    fn holds(self, value: &EffectiveValue) -> bool {
        match self {
            Show::All => true,
            Show::Set => set(value),
            Show::Differs => matches!(value.state, ValueState::Pending | ValueState::Drift),
        }
    }
}

fn set(value: &EffectiveValue) -> bool {
    value.layer.is_some_and(|layer| layer != Layer::ModelDefault)
}

#[component]
pub fn ValuesTable(
    #[prop(into)] values: Signal<Vec<EffectiveValue>>,
    on_edit: Callback<Draft>,
    /// Removes this phone's own value, so that the layer below shows through.
    on_remove: Callback<String>,
) -> impl IntoView {
    let (text, show, all) = (RwSignal::new(String::new()), RwSignal::new(Show::All), RwSignal::new(false));
    let matching = Memo::new(move |_| {
        let words: Vec<String> = text.get().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let show = show.get();
        let fits = |value: &&EffectiveValue| {
            let line = || {
                format!("{} {} {} {}", value.key, value.title, value.page, value.desired.as_deref().unwrap_or_default())
                    .to_lowercase()
            };
            show.holds(value)
                && (words.is_empty() || {
                    let line = line();
                    words.iter().all(|word| line.contains(word))
                })
        };
        let mut rows: Vec<EffectiveValue> = values.with(|values| values.iter().filter(fits).cloned().collect());
        // What differs first, then what somebody set, then the rest in the guide's order.
        rows.sort_by_key(|value| (!Show::Differs.holds(value), !set(value)));
        rows
    });
    let chips = CHIPS.map(|(chip, word)| {
        let count = move || values.with(|values| values.iter().filter(|value| chip.holds(value)).count());
        view! {
            <button
                type="button"
                class="filter"
                aria-pressed=move || if show.get() == chip { "true" } else { "false" }
                on:click=move |_| show.set(chip)
            >
                {word}
                <b>{count}</b>
            </button>
        }
    });
    let rows = move || {
        let most = if all.get() { usize::MAX } else { FIRST };
        matching.get().into_iter().take(most).collect::<Vec<_>>()
    };
    let hidden = move || {
        if all.get() { 0 } else { matching.with(Vec::len).saturating_sub(FIRST) }
    };
    view! {
        <div class="toolbar">
            <div class="search-box grow">
                <Svg icon=Icon::Search/>
                <input
                    type="search"
                    aria-label="Filter settings"
                    placeholder="Filter by name, key or value"
                    autocomplete="off"
                    data-testid="values-filter"
                    prop:value=move || text.get()
                    on:input:target=move |event| text.set(event.target().value())
                />
            </div>
            <div class="row" role="group" aria-label="Show">{chips.into_iter().collect_view()}</div>
        </div>
        <div class="table-wrap">
            <table class="table cards values">
                <caption class="sr">"Settings: desired and reported"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Setting"</th>
                        <th scope="col">"Desired"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Reported"</th>
                        <th scope="col">"State"</th>
                        <th scope="col"><span class="sr">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=rows
                        key=|value| (value.key.clone(), value.desired.clone(), value.reported.clone(), value.state.as_str(), value.layer, value.locked)
                        children=move |value| row(value, on_edit, on_remove)
                    />
                </tbody>
            </table>
        </div>
        <p class="quiet-text" role="status">{move || matching.with(Vec::is_empty).then_some("No setting matches.")}</p>
        <leptos::control_flow::Show when=move || { hidden() > 0 }>
            <button type="button" class="button" on:click=move |_| all.set(true)>
                {move || format!("Show {} more", hidden())}
            </button>
        </leptos::control_flow::Show>
    }
}

fn row(value: EffectiveValue, on_edit: Callback<Draft>, on_remove: Callback<String>) -> impl IntoView {
    let text = |text: &Option<String>| {
        match text.as_deref() {
        None => view! { <span class="quiet-text">"—"</span> }.into_any(),
        Some("") => view! { <span class="quiet-text">"empty"</span> }.into_any(),
        Some(_) if value.secret => view! { <span class="mono"><span class="sr">"secret"</span><span aria-hidden="true">{SECRET_MASK}</span></span> }.into_any(),
        Some(text) => view! { <span class="mono">{catalogue::shown(&value.key, text)}</span> }.into_any(),
    }
    };
    let known = catalogue::find(&value.key).is_some();
    let (remove_key, own) = (value.key.clone(), value.layer == Some(Layer::Phone));
    let draft = Draft { key: value.key.clone(), value: value.desired.clone().unwrap_or_default(), ..Draft::default() };
    let actions = if value.locked {
        view! { <span class="chip tone-none" title="Locked by the chain or property; change it there."><Svg icon=Icon::Lock/> "Locked"</span> }.into_any()
    } else {
        view! {
            {own.then(|| view! {
                <button type="button" class="icon-button" title="Remove this phone's own value"
                    aria-label=format!("Remove this phone's own value of {}", value.title)
                    on:click=move |_| on_remove.run(remove_key.clone())>
                    <Svg icon=Icon::Trash/>
                </button>
            })}
            {known.then(|| view! {
                <button type="button" class="icon-button" title="Set for this phone"
                    aria-label=format!("Set {} for this phone", value.title)
                    on:click=move |_| on_edit.run(draft.clone())>
                    <Svg icon=Icon::Edit/>
                </button>
            })}
        }
        .into_any()
    };
    view! {
        <tr data-testid="value-row" data-key=value.key.clone() data-state=value.state.as_str()>
            <th scope="row"><span class="cell-title">{value.title.clone()}</span><span class="mono quiet-text">{value.key.clone()}</span></th>
            <td data-label="Desired">{text(&value.desired)}</td>
            <td data-label="From">{value.layer.map(|layer| view! { <Chip look=words::layer(layer)/> })}</td>
            <td data-label="Reported">{text(&value.reported)}</td>
            <td data-label="State"><Chip look=words::value(value.state)/></td>
            <td class="actions">{actions}</td>
        </tr>
    }
}
