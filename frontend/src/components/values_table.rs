//! Every setting of a phone: what it should be and why, what the phone says, and whether both agree.

use contract::rest::{ConfigurationValue, Layer, Overridden, SECRET_MASK, ValueOwner, ValueState};
use leptos::prelude::*;

use super::chip::Chip;
use super::icon::{Icon, Svg};
use crate::catalogue;
use crate::words;

/// Rows drawn before "show all": enough for every value somebody set.
const FIRST: usize = 150;

#[derive(Clone, Copy, PartialEq)]
enum Show {
    All,
    Set,
    Differs,
    Theirs,
}

const CHIPS: [(Show, &str); 4] =
    [(Show::All, "All"), (Show::Set, "Set by us"), (Show::Differs, "Not in sync"), (Show::Theirs, "Set at the phone")];

impl Show {
    fn holds(self, value: &ConfigurationValue) -> bool {
        match self {
            Show::All => true,
            Show::Set => set(value),
            Show::Differs => matches!(value.state, ValueState::Pending | ValueState::Drift | ValueState::Protected),
            Show::Theirs => value.owner != ValueOwner::Bellhop,
        }
    }
}

fn set(value: &ConfigurationValue) -> bool {
    value.layer.is_some_and(|layer| layer != Layer::ModelDefault)
}

#[component]
pub fn ValuesTable(#[prop(into)] values: Signal<Vec<ConfigurationValue>>) -> impl IntoView {
    let (text, show, all) = (RwSignal::new(String::new()), RwSignal::new(Show::All), RwSignal::new(false));
    let matching = Memo::new(move |_| {
        let words: Vec<String> = text.get().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let show = show.get();
        let fits = |value: &&ConfigurationValue| {
            let line = || {
                let desired = value.desired.as_deref().unwrap_or_default();
                format!("{} {} {} {desired}", value.key, value.title, value.page).to_lowercase()
            };
            show.holds(value)
                && (words.is_empty() || {
                    let line = line();
                    words.iter().all(|word| line.contains(word))
                })
        };
        let mut rows: Vec<ConfigurationValue> = values.with(|values| values.iter().filter(fits).cloned().collect());
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
    let hidden = move || if all.get() { 0 } else { matching.with(Vec::len).saturating_sub(FIRST) };
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
                    </tr>
                </thead>
                <tbody>
                    <For each=rows key=|value| serde_json::to_string(value).unwrap_or_default() children=row/>
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

fn row(value: ConfigurationValue) -> impl IntoView {
    let text = |text: &Option<String>| {
        match text.as_deref() {
        None => view! { <span class="quiet-text">"—"</span> }.into_any(),
        Some("") => view! { <span class="quiet-text">"empty"</span> }.into_any(),
        Some(_) if value.secret => {
            view! { <span class="mono"><span class="sr">"secret"</span><span aria-hidden="true">{SECRET_MASK}</span></span> }.into_any()
        }
        Some(text) => view! { <span class="mono">{catalogue::shown(&value.key, text)}</span> }.into_any(),
    }
    };
    let template = value.template.as_ref().filter(|_| !value.secret).map(|template| {
        view! { <span class="quiet-text">"from " <span class="mono">{template.clone()}</span></span> }
    });
    let owner = words::owner(value.owner).map(|word| {
        view! { <span class="quiet-text" data-testid="value-owner">{word}</span> }
    });
    view! {
        <tr data-testid="value-row" data-key=value.key.clone() data-state=value.state.as_str() data-layer=value.layer.map(Layer::as_str) data-owner=value.owner.as_str()>
            <th scope="row"><span class="cell-title">{value.title.clone()}</span><span class="mono quiet-text">{value.key.clone()}</span></th>
            <td data-label="Desired">{text(&value.desired)}{template}</td>
            <td data-label="From">{source(&value)}</td>
            <td data-label="Reported">{text(&value.reported)}</td>
            <td data-label="State"><Chip look=words::value(value.state)/>{owner}</td>
        </tr>
    }
}

/// The layer it comes from, and the values of others that do not count.
fn source(value: &ConfigurationValue) -> impl IntoView + use<> {
    let whose = [value.derived.then_some("by itself"), Some(value.scope_name.as_str())];
    let whose = whose.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let lock = value.locked.then(|| {
        let why = if value.reason.is_empty() { "Locked".to_owned() } else { format!("Locked: {}", value.reason) };
        view! { <span class="quiet-text"><Svg icon=Icon::Lock/> {why}</span> }
    });
    let key = value.key.clone();
    let others = value.overrides.iter().map(|other| {
        let why = match other.why {
            Overridden::Nearer => "",
            Overridden::Locked => ", locked out",
            Overridden::NotFilledIn => ", cannot be filled in",
        };
        let shown = catalogue::said(&key, &other.value);
        view! { <li>{format!("{}: {shown}{why}", words::layer(other.layer).word)}</li> }
    });
    let others = (!value.overrides.is_empty()).then(|| {
        view! { <ul class="quiet-text overrides" aria-label="Overridden values" data-testid="overrides">{others.collect_view()}</ul> }
    });
    view! {
        {value.layer.map(|layer| view! { <Chip look=words::layer(layer)/> })}
        {(!whose.is_empty()).then(|| view! { <span class="quiet-text">{whose}</span> })}
        {lock}
        {others}
    }
}
