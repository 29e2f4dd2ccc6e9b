//! Finding a setting of the catalogue by page, title or key.

use leptos::html::Input;
use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::catalogue;

#[component]
pub fn SettingPicker(on_pick: Callback<String>) -> impl IntoView {
    let (page, text, at) = (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(0_usize));
    let found = Memo::new(move |_| {
        let keys =
            catalogue::search(&page.get(), &text.get()).iter().map(settings::SettingRef::key).collect::<Vec<_>>();
        at.set(0);
        keys
    });
    let input = NodeRef::<Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        let last = found.with_untracked(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = (*at + 1).min(last)),
            "ArrowUp" => at.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                if let Some(key) = found.with_untracked(|found| found.get(at.get_untracked()).cloned()) {
                    on_pick.run(key);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let option = move |(index, key): (usize, String)| {
        let found = catalogue::find(&key)?;
        let title = catalogue::title(found);
        let (picked, shown) = (key.clone(), key.clone());
        Some(view! {
            <li
                role="option"
                class="option"
                id=format!("setting-option-{index}")
                aria-selected=move || if at.get() == index { "true" } else { "false" }
                data-testid="setting-option"
                data-key=key
                on:click=move |_| on_pick.run(picked.clone())
            >
                <span>{title}</span>
                <span class="quiet-text">{found.setting.page.clone()} " · " <span class="mono">{shown}</span></span>
            </li>
        })
    };
    let pages = catalogue::pages().into_iter().map(|page| view! { <option value=page>{page}</option> }).collect_view();
    view! {
        <div class="stack">
            <div class="row">
                <div class="search-box grow">
                    <Svg icon=Icon::Search/>
                    <input
                        node_ref=input
                        type="search"
                        role="combobox"
                        aria-label="Find a setting by name or key"
                        aria-expanded="true"
                        aria-controls="setting-list"
                        aria-activedescendant=move || format!("setting-option-{}", at.get())
                        placeholder="Name or key, for example ring volume"
                        autocomplete="off"
                        data-testid="setting-search"
                        prop:value=move || text.get()
                        on:input:target=move |event| text.set(event.target().value())
                        on:keydown=keys
                    />
                </div>
                <select aria-label="Page of the guide" on:change:target=move |event| page.set(event.target().value())>
                    <option value="">"All pages"</option>
                    {pages}
                </select>
            </div>
            <ul id="setting-list" class="options" role="listbox" aria-label="Settings">
                {move || found.get().into_iter().enumerate().map(option).collect_view()}
            </ul>
            <p class="quiet-text" role="status">
                {move || match found.with(Vec::len) {
                    0 => Some("No setting matches. Try fewer words."),
                    catalogue::SHOWN => Some("More settings match; type another word."),
                    _ => None,
                }}
            </p>
        </div>
    }
}
