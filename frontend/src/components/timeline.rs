//! The last events of a phone.

use contract::rest::EventView;
use leptos::prelude::*;

use super::age::Ago;
use super::icon::Svg;
use crate::time::in_zone;
use crate::words;

#[component]
pub fn Timeline(#[prop(into)] events: Signal<Vec<EventView>>, #[prop(into)] zone: Signal<String>) -> impl IntoView {
    view! {
        <Show
            when=move || events.with(|events| !events.is_empty())
            fallback=|| view! { <p class="quiet-text">"Nothing has happened yet."</p> }
        >
            <ol class="timeline">
                <For each=move || events.get() key=|event| event.id let:event>
                    {
                        let look = words::event(event.kind);
                        let at = event.at;
                        let account = event.account.map(|account| format!("Account {account}"));
                        let detail = [account, event.detail.clone()].into_iter().flatten().collect::<Vec<_>>().join(" · ");
                        view! {
                            <li>
                                <span class=format!("dot tone-{}", look.tone)><Svg icon=look.icon/></span>
                                <span class="what">
                                    <b>{look.word}</b>
                                    {(!detail.is_empty()).then(|| view! { <span class="quiet-text">{detail}</span> })}
                                </span>
                                <span class="when">
                                    <span>{move || in_zone(at, &zone.get(), false)}</span>
                                    <Ago at=at zone=zone/>
                                </span>
                            </li>
                        }
                    }
                </For>
            </ol>
        </Show>
    }
}
