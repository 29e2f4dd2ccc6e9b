//! Rooms that phones ask for at their keypad: the front desk says yes or no, and a property says what may be taken.

mod card;
mod rules;

use contract::PropertyId;
use contract::rest::{ClaimState, ClaimView};
use leptos::prelude::*;

use super::property::use_scope;
use crate::app::use_title;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::Icon;
use crate::live::{use_live, use_live_stream};
use crate::load::use_load;
use crate::state::use_shared;
use card::ClaimCard;
use rules::ClaimRules;

#[component]
pub fn ClaimsPage() -> impl IntoView {
    let scope = use_scope()?;
    let shared = use_shared();
    let live = use_live_stream();
    let id = scope.0;
    use_title(|| "Rooms asked for".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    let claims = use_load(
        move || id.get(),
        move |id: PropertyId| shared.api.get_owned::<Vec<ClaimView>>(format!("/properties/{id}/claims")),
    );
    let take = move |claim: ClaimView| {
        claims.touch(|list| match list.iter_mut().find(|old| old.id == claim.id) {
            Some(old) => *old = claim,
            None => list.insert(0, claim),
        });
    };
    use_live(move |change| {
        if change.reload {
            claims.reload();
        }
        if let Some(claim) = change.claim.clone().filter(|claim| claim.property == id.get_untracked()) {
            take(claim);
        }
    });
    let on_change = Callback::new(take);
    let zone = Signal::derive(move || shared.zone(Some(id.get())));
    let body = move |list: RwSignal<Vec<ClaimView>>| {
        let part = move |waiting: bool| {
            let mine = move |claim: &ClaimView| (claim.state == ClaimState::Waiting) == waiting;
            Memo::new(move |_| list.with(|list| list.iter().filter(|claim| mine(claim)).cloned().collect::<Vec<_>>()))
        };
        let (waiting, decided) = (part(true), part(false));
        view! {
            <section class="stack" aria-labelledby="waiting-title">
                <h2 id="waiting-title">"Waiting for an answer"</h2>
                <div aria-live="polite">
                    <Show when=move || waiting.with(|list| !list.is_empty()) fallback=|| view! {
                        <Empty icon=Icon::Check title="Nobody waits">
                            <p>"When somebody dials **766*, a room number and # at a phone, and the rules below ask for an answer, it shows here at once."</p>
                        </Empty>
                    }>
                        <ul class="stack">
                            <For each=move || waiting.get() key=|claim| (claim.id, claim.state, claim.replaces) let:claim><li><ClaimCard claim zone on_change/></li></For>
                        </ul>
                    </Show>
                </div>
            </section>
            <ClaimRules property=id/>
            <Show when=move || decided.with(|list| !list.is_empty())>
                <section class="stack" aria-labelledby="decided-title">
                    <h2 id="decided-title">"Decided"</h2>
                    <ul class="stack">
                        <For each=move || decided.get() key=|claim| (claim.id, claim.state) let:claim><li><ClaimCard claim zone on_change/></li></For>
                    </ul>
                </section>
            </Show>
        }
        .into_any()
    };
    Some(view! {
        <div class="page" data-testid="claims-page">
            <header class="page-head">
                <div>
                    <h1>"Rooms asked for"</h1>
                    <p class="quiet-text">"An installer dials the room number at a phone; here it gets its room."</p>
                </div>
            </header>
            {claims.view(skeleton_list, body)}
        </div>
    })
}
