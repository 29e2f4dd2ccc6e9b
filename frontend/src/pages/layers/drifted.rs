//! Values that were changed at phones of a property; each leads to its phone, where it is decided about.

use std::time::Duration;

use contract::PropertyId;
use contract::rest::{Drift, DriftPage};
use leptos::prelude::*;

use crate::catalogue;
use crate::components::chip::Chip;
use crate::components::empty::Failed;
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::live::use_live;
use crate::load::use_load;
use crate::state::use_shared;
use crate::words::{self, counted};

const LIMIT: u64 = 20;

#[component]
pub fn PropertyDrift(id: PropertyId) -> impl IntoView {
    let shared = use_shared();
    let offset = RwSignal::new(0_u64);
    let page = use_load(
        move || offset.get(),
        move |offset| {
            shared.api.get_owned::<DriftPage>(format!("/properties/{id}/drift?limit={LIMIT}&offset={offset}"))
        },
    );
    // The server looks at every phone of the property: calls and the like are no reason to hurry.
    use_live(move |change| match change.reload || change.job.is_some() {
        true => page.reload_after(Duration::from_secs(2)),
        false if change.phone.is_some() => page.reload_after(Duration::from_secs(15)),
        false => {}
    });
    // Kept while another page is on its way, with the pager and its focus.
    let total = Memo::new(move |last: Option<&u64>| page.with(|page| page.total).or(last.copied()).unwrap_or(0));
    // The last page may be gone since.
    Effect::new(move |_| {
        if page.with(|page| page.total).is_some_and(|total| total > 0 && total <= offset.get_untracked()) {
            offset.set((total.get_untracked() - 1) / LIMIT * LIMIT);
        }
    });
    let row = |one: Drift| {
        let place = one.room_number.map_or_else(|| one.mac.to_string(), |number| format!("Room {number}"));
        let title = catalogue::title_of(&one.key, &one.title);
        let reported = one.reported.map_or_else(
            || "has another value, which it does not show".to_owned(),
            |reported| format!("says {}", catalogue::said(&one.key, &reported)),
        );
        let desired = catalogue::said(&one.key, &one.desired);
        view! {
            <li data-testid="property-drift-row" data-key=one.key.clone()>
                <span><a href=format!("/phones/{}/configuration", one.phone)>{place}</a> " " <b>{title}</b></span>
                <span class="row wrap">{format!("should be {desired}, the phone {reported}")} <Chip look=words::value(one.state)/></span>
            </li>
        }
    };
    let key = |one: &Drift| (one.phone, one.key.clone(), one.reported.clone(), one.desired.clone(), one.state.as_str());
    let retry = Callback::new(move |()| page.reload());
    view! {
        {move || page.failure().map(|error| view! { <Failed error retry/> })}
        <Show when=move || { total.get() > 0 || offset.get() > 0 }>
            <section class="card stack" aria-labelledby="drifted-title" data-testid="property-drift">
                <h2 id="drifted-title" class="row">
                    <Svg icon=Icon::Alert/>
                    {move || format!("{} changed at phones", counted(total.get() as usize, "value was", "values were"))}
                </h2>
                <p class="help">"Open the phone to bring our value back, to take the phone's over, or to leave it."</p>
                <ul class="changes">
                    <For each=move || page.with(|page| page.items.clone()).unwrap_or_default() key=key children=row/>
                </ul>
                <Show when=move || { total.get() > LIMIT || offset.get() > 0 }>
                    <Pager offset limit=LIMIT total on_move=Callback::new(move |to| offset.set(to))/>
                </Show>
            </section>
        </Show>
    }
}
