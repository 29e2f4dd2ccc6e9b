//! The editor of a layer, made from the catalogue: one for chain, brand, property, room type, room and phone. What is
//! typed is gathered; it goes nowhere before it is reviewed.

mod below;
mod draft;
mod field;
mod listing;
mod lock;
mod scope;
mod side;
mod variables;

use std::collections::BTreeMap;

use leptos::prelude::*;

pub use below::{Ground, Stratum};
#[cfg(test)]
pub use draft::Said;
pub use draft::{Draft, refusal, wrong};
use field::SettingField;
use listing::{MOST, View, Wanted, instances, list};
pub use scope::EditorScope;
use side::{Side, section_id};

use crate::catalogue;
use crate::components::confirm::ConfirmButton;
use crate::components::icon::{Icon, Svg};

const VIEWS: [(View, &str, &str); 3] =
    [(View::All, "All", "all"), (View::Set, "Only set here", "set"), (View::Changed, "Only changed", "changed")];

#[component]
pub fn TemplateEditor(scope: EditorScope, on_review: Callback<()>) -> impl IntoView {
    let first = catalogue::pages().first().copied().unwrap_or_default().to_owned();
    let page = RwSignal::new(first);
    let (text, view, index, all) =
        (RwSignal::new(String::new()), RwSignal::new(View::All), RwSignal::new(1_u16), RwSignal::new(false));
    let on_page = Callback::new(move |wanted: String| {
        index.set(instances(&wanted).first().map_or(1, |instance| instance.index));
        page.set(wanted);
        text.set(String::new());
        view.set(View::All);
        all.set(false);
    });
    let chosen = move |view: View, key: &str| match view {
        View::All => true,
        View::Set => scope.here.with(|here| here.contains_key(key)),
        View::Changed => scope.draft.with(|draft| draft.get(key).is_some()),
    };
    let wanted =
        Memo::new(move |_| Wanted { page: page.get(), index: index.get(), view: view.get(), text: text.get() });
    let found = Memo::new(move |_| {
        let wanted = wanted.get();
        list(&wanted, |key| chosen(wanted.view, key))
    });
    // By page and section, in the guide's order.
    let groups = Memo::new(move |_| {
        let everywhere = wanted.with(Wanted::everywhere);
        let most = if all.get() { usize::MAX } else { MOST };
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for key in found.get().into_iter().take(most) {
            let Some(one) = catalogue::find(&key) else { continue };
            let parts = if everywhere {
                [one.setting.page.as_str(), one.setting.section.as_str()]
            } else {
                ["", one.setting.section.as_str()]
            };
            let title = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
            match groups.last_mut() {
                Some((last, keys)) if *last == title => keys.push(key),
                _ => groups.push((title, vec![key])),
            }
        }
        groups
    });
    let titles = Memo::new(move |_| groups.get().into_iter().map(|(title, _)| title).collect::<Vec<_>>());
    let group = move |title: String| {
        let keys = {
            let title = title.clone();
            Memo::new(move |_| {
                groups.with(|groups| {
                    groups
                        .iter()
                        .filter(|(one, _)| *one == title)
                        .flat_map(|(_, keys)| keys.clone())
                        .collect::<Vec<_>>()
                })
            })
        };
        let heading = (!title.is_empty()).then(|| {
            let id = section_id(&title);
            view! { <h3 id=id tabindex="-1">{title.clone()}</h3> }
        });
        view! {
            <section class="card template-group" aria-label=title.clone()>
                {heading}
                <ul class="plain"><For each=move || keys.get() key=|key| key.clone() let:key><SettingField key scope/></For></ul>
            </section>
        }
    };
    let heading = move || match (view.get(), text.with(|text| text.trim().is_empty())) {
        (View::All, true) => page.get(),
        (View::All, false) => "Found".to_owned(),
        (View::Set, _) => "Set here".to_owned(),
        (View::Changed, _) => "Changed, not pushed yet".to_owned(),
    };
    let shown_instances =
        Memo::new(move |_| if wanted.with(Wanted::everywhere) { Vec::new() } else { instances(&page.get()) });
    let nothing = move || {
        found.with(Vec::is_empty).then(|| {
            let why = match (view.get(), text.with(|text| text.trim().is_empty())) {
                (_, false) => "No setting matches. Try fewer words, or another view.",
                (View::Set, _) => {
                    "Nothing is set here yet. Choose a page and change a value: it is gathered until you push it."
                }
                (View::Changed, _) => "Nothing is changed. What you change is gathered here until you push it.",
                (View::All, _) => "This page has no settings.",
            };
            view! { <p class="quiet-text" data-testid="none-shown">{why}</p> }
        })
    };
    view! {
        <div class="template">
            <Side scope page on_page/>
            <div class="template-main">
                <div class="toolbar">
                    <div class="search-box grow">
                        <Svg icon=Icon::Search/>
                        <input
                            type="search"
                            aria-label="Search settings by title, key or help"
                            placeholder="Title, key or help, for example ring volume"
                            autocomplete="off"
                            data-testid="template-search"
                            prop:value=move || text.get()
                            on:input:target=move |event| text.set(event.target().value())
                        />
                    </div>
                    <Views scope view/>
                </div>
                <div class="row wrap between">
                    <h2 tabindex="-1" id="template-page">{heading}</h2>
                    <Instances shown=shown_instances index scope page/>
                </div>
                {nothing}
                <For each=move || titles.get() key=|title| title.clone() children=group/>
                <Show when=move || !all.get() && found.with(|found| found.len() > MOST)>
                    <button type="button" class="button" on:click=move |_| all.set(true)>
                        {move || format!("Show {} more", found.with(Vec::len).saturating_sub(MOST))}
                    </button>
                </Show>
            </div>
        </div>
        <Pending draft=scope.draft on_review/>
    }
}

/// Which settings are listed.
#[component]
fn Views(scope: EditorScope, view: RwSignal<View>) -> impl IntoView {
    let count = move |one: View| match one {
        View::All => None,
        View::Set => Some(scope.here.with(BTreeMap::len)),
        View::Changed => Some(scope.draft.with(Draft::len)),
    };
    let buttons = VIEWS.map(|(one, word, name)| {
        view! {
            <button
                type="button"
                class="filter"
                data-testid=format!("view-{name}")
                aria-pressed=move || if view.get() == one { "true" } else { "false" }
                on:click=move |_| view.set(one)
            >
                {word}
                {move || count(one).map(|count| view! { <b>{count}</b> })}
            </button>
        }
    });
    view! { <div class="row wrap" role="group" aria-label="Show">{buttons.into_iter().collect_view()}</div> }
}

/// The account or key whose settings are shown.
#[component]
fn Instances(
    shown: Memo<Vec<listing::Instance>>,
    index: RwSignal<u16>,
    scope: EditorScope,
    page: RwSignal<String>,
) -> impl IntoView {
    let count = move |wanted: u16| {
        let mine = |key: &String| {
            catalogue::find(key)
                .is_some_and(|found| found.instance == Some(wanted) && page.with(|page| found.setting.page == *page))
        };
        scope.here.with(|here| here.keys().filter(|key| mine(key)).count())
    };
    let button = move |instance: listing::Instance| {
        view! {
            <button
                type="button"
                class="filter"
                data-testid="instance"
                data-index=instance.index
                aria-pressed=move || if index.get() == instance.index { "true" } else { "false" }
                on:click=move |_| index.set(instance.index)
            >
                {instance.word()}
                {move || Some(count(instance.index)).filter(|count| *count > 0).map(|count| view! { <b>{count}</b> })}
            </button>
        }
    };
    move || {
        let all = shown.get();
        (!all.is_empty()).then(|| view! {
            <div class="row wrap" role="group" aria-label="Account or key">{all.into_iter().map(button).collect_view()}</div>
        })
    }
}

/// What is gathered, and what to do with it.
#[component]
fn Pending(draft: RwSignal<Draft>, on_review: Callback<()>) -> impl IntoView {
    let count = Memo::new(move |_| draft.with(Draft::len));
    let wrong = Memo::new(move |_| draft.with(|draft| draft.first_wrong().map(|(key, why)| (key.to_owned(), why))));
    view! {
        <div class="gathered" class:empty-bar=move || count.get() == 0 role="status" data-testid="pending">
            {move || match (count.get(), wrong.get()) {
                (0, _) => "No unsaved changes.".to_owned(),
                (count, Some((key, why))) => {
                    let title = catalogue::title_of(&key, &key);
                    format!("{}. {title}: {why}", words_changes(count))
                }
                (count, None) => format!("{}. Nothing is sent before you push.", words_changes(count)),
            }}
            <Show when=move || { count.get() > 0 }>
                <span class="row">
                    <ConfirmButton
                        label="Discard all" icon=Icon::Trash question="Throw all unsaved changes away?" yes="Discard"
                        on_yes=Callback::new(move |()| draft.update(Draft::clear)) testid="discard"
                    />
                    <button type="button" class="button primary" data-testid="review" disabled=move || wrong.with(Option::is_some) on:click=move |_| on_review.run(())>
                        "Review and push"
                    </button>
                </span>
            </Show>
        </div>
    }
}

fn words_changes(count: usize) -> String {
    crate::words::counted(count, "unsaved change", "unsaved changes")
}
