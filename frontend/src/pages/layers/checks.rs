//! What is wrong with the configurations of a property, rule by rule.

use std::time::Duration;

use contract::PropertyId;
use contract::rest::{LintGroup, PropertyLint};
use leptos::prelude::*;

use crate::components::checks::{BrokenBy, ChecksHead};
use crate::components::empty::skeleton_panel;
use crate::live::use_live;
use crate::load::use_load;
use crate::state::use_shared;

/// Every phone is looked at: not more often than this while a change goes out.
const BUSY: Duration = Duration::from_secs(5);
/// After something was changed here.
const SOON: Duration = Duration::from_millis(300);

/// A rule's group as it is now: what a person opened stays open while counts change.
fn now(lint: RwSignal<PropertyLint>, first: LintGroup) -> Memo<LintGroup> {
    Memo::new(move |last: Option<&LintGroup>| {
        let found = lint.with(|lint| lint.groups.iter().find(|group| group.rule.id == first.rule.id).cloned());
        found.or_else(|| last.cloned()).unwrap_or_else(|| first.clone())
    })
}

#[component]
pub fn PropertyChecks(
    id: PropertyId,
    /// Counts what was changed on this page.
    changes: RwSignal<u32>,
) -> impl IntoView {
    let shared = use_shared();
    let lint = use_load(|| (), move |()| shared.api.get_owned::<PropertyLint>(format!("/properties/{id}/lint")));
    Effect::new(move |before: Option<()>| {
        changes.track();
        if before.is_some() {
            lint.reload_after(SOON);
        }
    });
    use_live(move |change| {
        if change.reload || change.job.is_some() {
            lint.reload_after(BUSY);
        }
    });
    let body = move |lint: RwSignal<PropertyLint>| {
        let well = move || match lint.with(|lint| lint.phones) {
            1 => "The 1 phone breaks no rule.".to_owned(),
            count => format!("None of the {count} phones breaks a rule."),
        };
        let nobody = Memo::new(move |_| lint.with(|lint| lint.phones == 0));
        view! {
            {move || if nobody.get() {
                view! { <p class="quiet-text">"No phone is here yet to be looked at."</p> }.into_any()
            } else {
                view! { <ChecksHead broken=Signal::derive(move || lint.with(|lint| lint.groups.len())) well=Signal::derive(well)/> }.into_any()
            }}
            <ul class="checks-list">
                <For each=move || lint.with(|lint| lint.groups.clone()) key=|group| group.rule.id.clone() let:first>
                    <BrokenBy group=now(lint, first)/>
                </For>
            </ul>
        }
        .into_any()
    };
    view! {
        <section class="card stack" aria-labelledby="checks-title" data-testid="checks">
            <h2 id="checks-title">"Checks"</h2>
            {lint.view(skeleton_panel, body)}
        </section>
    }
}
