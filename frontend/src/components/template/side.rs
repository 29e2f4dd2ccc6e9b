//! The guide's pages and sections beside the editor, with how much of each this layer sets.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::listing::{chapter, sections};
use super::scope::EditorScope;
use crate::catalogue;
use crate::state::use_shared;

/// How many settings a layer sets, and how many are changed, by page.
fn counts(scope: EditorScope) -> BTreeMap<String, (usize, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let page = |key: &str| catalogue::find(key).map(|found| found.setting.page.clone()).unwrap_or_default();
    scope.here.with(|here| here.keys().for_each(|key| counts.entry(page(key)).or_default().0 += 1));
    scope.draft.with(|draft| draft.iter().for_each(|(key, _)| counts.entry(page(key)).or_default().1 += 1));
    counts
}

/// The id of a section's heading.
pub fn section_id(section: &str) -> String {
    let dashed: String = section.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("section-{}", dashed.to_lowercase())
}

#[component]
pub fn Side(scope: EditorScope, page: RwSignal<String>, on_page: Callback<String>) -> impl IntoView {
    let shared = use_shared();
    let counts = Memo::new(move |_| counts(scope));
    let of = move |page: &str| counts.with(|counts| counts.get(page).copied().unwrap_or_default());
    let pages = catalogue::pages();
    let select = {
        let pages = pages.clone();
        move || {
            let options = pages.iter().map(|one| {
                let one = *one;
                let label = move || match of(one) {
                    (0, 0) => one.to_owned(),
                    (set, 0) => format!("{one} ({set} set)"),
                    (set, changed) => format!("{one} ({set} set, {changed} changed)"),
                };
                view! { <option value=one prop:selected=move || page.with(|page| page == one)>{label}</option> }
            });
            view! {
                <select aria-label="Page of settings" data-testid="page-select" on:change:target=move |event| on_page.run(event.target().value())>
                    {options.collect_view()}
                </select>
            }
        }
    };
    let list = move || {
        let mut last = "";
        let mut items = Vec::new();
        for one in pages.iter().copied() {
            let (part, name) = chapter(one);
            if part != last {
                items.push(view! { <li class="side-chapter">{part.to_owned()}</li> }.into_any());
                last = part;
            }
            let here = move || page.with(|page| page == one);
            let count = move || {
                let (set, changed) = of(one);
                view! {
                    {(changed > 0).then(|| view! { <span class="side-count changed">{changed}<span class="sr">" changed"</span></span> })}
                    {(set > 0).then(|| view! { <span class="side-count">{set}<span class="sr">" set"</span></span> })}
                }
            };
            let sections = move || {
                here().then(|| {
                    let all = sections(one);
                    (all.len() > 1).then(|| {
                        let link = |section: &'static str| {
                            view! {
                                <li><a href=format!("#{}", section_id(section)) on:click=move |event| {
                                    event.prevent_default();
                                    // Not there while one searches, or looks at some settings only.
                                    if document().get_element_by_id(&section_id(section)).is_none() {
                                        on_page.run(one.to_owned());
                                    }
                                    request_animation_frame(move || {
                                        if let Some(heading) = document().get_element_by_id(&section_id(section)) {
                                            heading.scroll_into_view();
                                        }
                                        crate::app::focus(&section_id(section));
                                    });
                                }>{section}</a></li>
                            }
                        };
                        view! { <ul class="side-sections">{all.into_iter().map(link).collect_view()}</ul> }
                    })
                })
            };
            items.push(
                view! {
                    <li>
                        <button type="button" class="side-page" data-testid="page" data-page=one aria-current=move || here().then_some("true") on:click=move |_| on_page.run(one.to_owned())>
                            <span class="grow">{name.to_owned()}</span>
                            {count}
                        </button>
                        {sections}
                    </li>
                }
                .into_any(),
            );
        }
        view! { <ul>{items}</ul> }
    };
    view! {
        <nav class="template-side" aria-label="Pages of settings">
            {move || if shared.narrow.get() { select().into_any() } else { list().into_any() }}
        </nav>
    }
}
