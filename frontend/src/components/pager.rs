//! Paging of a list that lives on the server.

use leptos::prelude::*;

use super::icon::{Icon, Svg};

#[component]
pub fn Pager(
    #[prop(into)] offset: Signal<u64>,
    limit: u64,
    #[prop(into)] total: Signal<u64>,
    on_move: Callback<u64>,
) -> impl IntoView {
    let range = move || {
        let (offset, total) = (offset.get(), total.get());
        let last = (offset + limit).min(total);
        if total == 0 { "Nothing".into() } else { format!("{}–{last} of {total}", (offset + 1).min(total)) }
    };
    view! {
        <nav class="pager" aria-label="Pages of the list">
            <span role="status">{range}</span>
            <button
                type="button"
                class="button"
                disabled=move || offset.get() == 0
                on:click=move |_| on_move.run(offset.get_untracked().saturating_sub(limit))
            >
                <Svg icon=Icon::ChevronLeft/>
                "Previous"
            </button>
            <button
                type="button"
                class="button"
                disabled=move || { offset.get() + limit >= total.get() }
                on:click=move |_| on_move.run(offset.get_untracked() + limit)
            >
                "Next"
                <Svg icon=Icon::ChevronRight/>
            </button>
        </nav>
    }
}
