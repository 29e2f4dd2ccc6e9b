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

/// Puts a claim as it is now into a list, in its place or first, or takes it out where it does not belong there any more.
fn put(list: &mut Vec<ClaimView>, claim: &ClaimView, belongs: bool) {
    let place = list.iter().position(|old| old.id == claim.id);
    match (place, belongs) {
        (Some(place), true) => list[place] = claim.clone(),
        (Some(place), false) => drop(list.remove(place)),
        (None, true) => list.insert(0, claim.clone()),
        (None, false) => {}
    }
}

#[component]
pub fn ClaimsPage() -> impl IntoView {
    let scope = use_scope()?;
    let shared = use_shared();
    let live = use_live_stream();
    let id = scope.0;
    use_title(|| "Rooms asked for".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    let claims = move |query: &'static str| {
        use_load(
            move || id.get(),
            move |id: PropertyId| shared.api.get_owned::<Vec<ClaimView>>(format!("/properties/{id}/claims{query}")),
        )
    };
    // By themselves: none of them is to be hidden by those that were decided since.
    let waiting = claims("?state=waiting&limit=500");
    let newest = claims("");
    let take = move |claim: ClaimView| {
        waiting.touch(|list| put(list, &claim, claim.state == ClaimState::Waiting));
        newest.touch(|list| put(list, &claim, true));
    };
    use_live(move |change| {
        if change.reload {
            waiting.reload();
            newest.reload();
        }
        if let Some(claim) = change.claim.clone().filter(|claim| claim.property == id.get_untracked()) {
            take(claim);
        }
    });
    let on_change = Callback::new(take);
    let zone = Signal::derive(move || shared.zone(Some(id.get())));
    let waiting_list = move |list: RwSignal<Vec<ClaimView>>| {
        view! {
            <Show when=move || list.with(|list| !list.is_empty()) fallback=|| view! {
                <Empty icon=Icon::Check title="Nobody waits">
                    <p>"When somebody dials **766*, a room number and # at a phone, and the rules below ask for an answer, it shows here at once."</p>
                </Empty>
            }>
                <ul class="stack">
                    <For each=move || list.get() key=|claim| (claim.id, claim.state, claim.replaces) let:claim><li><ClaimCard claim zone on_change/></li></For>
                </ul>
            </Show>
        }
        .into_any()
    };
    let decided_list = move |list: RwSignal<Vec<ClaimView>>| {
        let is_decided = |claim: &&ClaimView| claim.state != ClaimState::Waiting;
        let decided = Memo::new(move |_| list.with(|list| list.iter().filter(is_decided).cloned().collect::<Vec<_>>()));
        view! {
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
            <section class="stack" aria-labelledby="waiting-title">
                <h2 id="waiting-title">"Waiting for an answer"</h2>
                <div aria-live="polite">{waiting.view(skeleton_list, waiting_list)}</div>
            </section>
            <ClaimRules property=id/>
            {newest.view(|| ().into_any(), decided_list)}
        </div>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(number: u32, state: &str) -> ClaimView {
        let json = serde_json::json!({
            "id": uuid::Uuid::from_u128(number.into()), "kind": "room", "state": state,
            "property": uuid::Uuid::nil(), "phone": uuid::Uuid::nil(), "mac": "00:0b:82:00:00:01", "model": "",
            "number": number.to_string(), "room": null, "room_number": null, "from_room": null, "replaces": null,
            "at": "2026-11-29T12:00:00Z", "reason": null, "note": "", "decided_at": null, "decided_by": "",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_claim_is_put_in_its_place_and_leaves_those_that_wait_when_it_is_decided() {
        let mut list = vec![claim(1, "waiting"), claim(2, "waiting")];
        let decided = claim(2, "accepted");
        let states =
            |list: &[ClaimView]| list.iter().map(|claim| (claim.number.clone(), claim.state)).collect::<Vec<_>>();
        let mut newest = list.clone();
        put(&mut newest, &decided, true);
        put(&mut list, &decided, false);
        put(&mut list, &decided, false);
        put(&mut list, &claim(3, "waiting"), true);
        let waiting = |number: &str| (number.to_owned(), ClaimState::Waiting);
        assert_eq!(states(&list), [waiting("3"), waiting("1")]);
        assert_eq!(states(&newest), [waiting("1"), ("2".to_owned(), ClaimState::Accepted)]);
    }
}
