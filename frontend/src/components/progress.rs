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
        let said = match (phones, pending, failed) {
            (0, ..) => "No phones in this property yet".to_owned(),
            (1, 0, 0) if in_sync == 1 => "The 1 phone is in sync".into(),
            (_, 0, 0) if in_sync == phones => format!("All {phones} phones are in sync"),
            (_, _, 0) => format!("{in_sync} of {phones} phones in sync, {pending} pending"),
            _ => format!("{in_sync} of {phones} phones in sync, {pending} pending, {failed} failed"),
        };
        match fetched {
            0 => said,
            count => format!("{said}; {count} of them fetched it as a file, not verified"),
        }
    };
    view! {
        <div class="progress" data-testid="progress">
            <div
                class="bar"
                role="progressbar"
                aria-label="Phones in sync"
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
