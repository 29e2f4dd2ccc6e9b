//! How far a property-wide change has come.

use contract::rest::Progress;
use leptos::prelude::*;

#[component]
pub fn ProgressBar(#[prop(into)] progress: Signal<Progress>) -> impl IntoView {
    let share = move |part: fn(&Progress) -> u32| {
        let progress = progress.get();
        let share =
            if progress.phones == 0 { 0.0 } else { f64::from(part(&progress)) * 100.0 / f64::from(progress.phones) };
        format!("{share:.2}%")
    };
    let text = move || {
        let Progress { phones, in_sync, fetched, pending, failed } = progress.get();
        let done = match (phones, fetched) {
            (0, _) => return "No phones in this property yet".to_owned(),
            (1, 0) if in_sync == 1 => "The 1 phone is in sync".into(),
            (1, 1) => "The 1 phone fetched it as a file, not verified".into(),
            (_, 0) if in_sync == phones => format!("All {phones} phones are in sync"),
            (_, 0) => format!("{in_sync} of {phones} phones in sync"),
            // Nobody has seen that a phone runs with what it fetched.
            (_, some) if in_sync == phones => format!("All {phones} phones have it, {some} as a file, not verified"),
            (_, some) => format!("{in_sync} of {phones} phones have it, {some} as a file, not verified"),
        };
        match (pending, failed) {
            (0, 0) => done,
            (_, 0) => format!("{done}, {pending} pending"),
            _ => format!("{done}, {pending} pending, {failed} failed"),
        }
    };
    view! {
        <div class="progress" data-testid="progress">
            <div
                class="bar"
                role="progressbar"
                aria-label="Phones that have it"
                aria-valuemin="0"
                aria-valuemax=move || progress.get().phones.max(1)
                aria-valuenow=move || progress.get().in_sync
                aria-valuetext=text
            >
                <span class="part in-sync" style:width=move || share(|p| p.in_sync)></span>
                <span class="part pending" style:width=move || share(|p| p.pending)></span>
                <span class="part failed" style:width=move || share(|p| p.failed)></span>
            </div>
            <p aria-live="polite">{text}</p>
        </div>
    }
}
