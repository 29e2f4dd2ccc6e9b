//! What is wrong with this phone's configuration.

use std::time::Duration;

use contract::rest::{LintFinding, PhoneLint};
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use crate::catalogue;
use crate::components::checks::{BrokenRule, ChecksHead};
use crate::components::empty::skeleton_panel;
use crate::live::use_live;
use crate::load::use_load;

#[component]
pub fn PhoneChecks() -> impl IntoView {
    let PhoneScope { shared, id, value, .. } = use_phone();
    let lint = use_load(|| (), move |()| shared.api.get_owned::<PhoneLint>(format!("/phones/{id}/lint")));
    let later = move || lint.reload_after(Duration::from_millis(400));
    let versions = Memo::new(move |_| value.with(|value| (value.values.clone(), value.desired_version)));
    Effect::new(move |before: Option<()>| {
        versions.track();
        if before.is_some() {
            later();
        }
    });
    use_live(move |change| {
        if change.reload || change.job.as_ref().is_some_and(|job| job.phone == id) {
            later();
        }
    });
    let finding = |one: LintFinding| {
        let keys: Vec<String> = one.keys.iter().map(|key| catalogue::title_of(key, key)).collect();
        view! {
            <BrokenRule rule=one.rule>
                <p>{one.what}</p>
                {(!keys.is_empty()).then(|| view! { <p class="quiet-text">{format!("About: {}", keys.join(", "))}</p> })}
            </BrokenRule>
        }
    };
    let body = move |lint: RwSignal<PhoneLint>| {
        view! {
            <ChecksHead broken=Signal::derive(move || lint.with(|lint| lint.findings.len())) well=Signal::stored("This phone breaks no rule.".to_owned())/>
            <ul class="checks-list">
                <For each=move || lint.with(|lint| lint.findings.clone()) key=|one| (one.rule.id.clone(), one.keys.clone(), one.what.clone()) children=finding/>
            </ul>
        }
        .into_any()
    };
    view! {
        <section class="card stack" aria-labelledby="checks-title" data-testid="checks">
            <h3 id="checks-title">"Checks"</h3>
            {lint.view(skeleton_panel, body)}
        </section>
    }
}
