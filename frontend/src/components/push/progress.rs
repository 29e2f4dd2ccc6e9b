//! How far a pushed change has come, live.

use std::time::Duration;

use contract::ChangeSetId;
use contract::rest::{ChangeProgress, ChangeReach, ChangeSet, ChangeSetDetail, Layer, Progress};
use leptos::prelude::*;

use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::progress::ProgressBar;
use crate::live::use_live;
use crate::load::use_load;
use crate::state::use_shared;
use crate::time::every;
use crate::words;

/// While phones are on their way and nothing is heard, it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// The list of the phones that are so far with a change.
fn phones_at(change: &ChangeSet, reach: ChangeReach) -> String {
    let list = match (change.layer, change.scope) {
        (Layer::Phone, Some(id)) => return format!("/phones/{id}"),
        (Layer::Property, Some(id)) => format!("/p/{id}/phones"),
        _ => "/phones".to_owned(),
    };
    format!("{list}?change={}&reach={}", change.id, reach.as_str())
}

#[component]
pub fn PushProgress(
    /// The change set that was made, if anything changed.
    set: Option<ChangeSetId>,
    /// How many phones it concerns.
    phones: u32,
) -> impl IntoView {
    let shared = use_shared();
    let (failed, waiting) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let loaded = use_load(
        || (),
        move |()| async move {
            let Some(id) = set else { return Ok(None) };
            let detail: ChangeSetDetail = shared.api.get_owned(format!("/change-sets/{id}")).await?;
            failed.try_set(phones_at(&detail.change, ChangeReach::Failed));
            waiting.try_set(phones_at(&detail.change, ChangeReach::Pending));
            Ok(Some(detail.progress))
        },
    );
    use_live(move |change| {
        if change.reload || change.job.is_some() {
            loaded.reload_after(Duration::from_millis(400));
        }
    });
    let progress = Signal::derive(move || {
        let now = loaded.with(Clone::clone).flatten();
        let count = |part: fn(&ChangeProgress) -> u32| now.as_ref().map_or(0, part);
        Progress {
            phones: count(|now| now.phones),
            in_sync: count(|now| now.done),
            fetched: count(|now| now.fetched),
            pending: count(|now| now.pending),
            failed: count(|now| now.failed),
        }
    });
    let restarting = Memo::new(move |_| loaded.with(Clone::clone).flatten().map_or(0, |now| now.restarting));
    every(AGAIN, move || {
        if loaded.with_untracked(|now| now.as_ref().is_none_or(|now| now.pending + now.restarting > 0)) != Some(false) {
            loaded.reload();
        }
    });
    let sending = Sending::new();
    let retry = move |_| {
        let Some(id) = set else { return };
        let again = async move { shared.api.nudge(&format!("/change-sets/{id}/retry")).await };
        sending.run(again, move |()| loaded.reload());
    };
    let first = match phones {
        0 => "Saved. No phone has to change for it.".to_owned(),
        count => format!("Saved. It is on its way to {}.", words::phones(count)),
    };
    view! {
        <div class="stack" data-testid="pushed">
            <p class="row" role="status"><Svg icon=Icon::Check/> <b>{first}</b></p>
            <Show when=move || { phones > 0 && loaded.with(|_| ()).is_some() }><ProgressBar progress/></Show>
            <Show when=move || { progress.with(|now| now.failed > 0) }>
                <p class="form-error" role="alert">
                    <Svg icon=Icon::Alert/>
                    <span>
                        "Some phones did not take it. "
                        <a href=failed data-testid="push-failed">"See which, and why"</a>
                        ", mend it, then try again; or undo this change in the history."
                    </span>
                    <button type="button" class="button small" data-testid="push-retry" disabled=move || sending.busy.get() on:click=retry>
                        <Svg icon=Icon::Sync/>
                        {move || format!("Try {} again", words::phones(progress.with(|now| now.failed)))}
                    </button>
                </p>
            </Show>
            <FormError error=sending.error fields=&[]/>
            <Show when=move || { restarting.get() > 0 }>
                <p class="quiet-text" data-testid="push-restarting">
                    {move || format!("{} still to restart; one that is in a call restarts after its call.", words::phones(restarting.get()))}
                </p>
            </Show>
            <Show when=move || { progress.with(|now| now.pending > 0) }>
                <p class="quiet-text">
                    "You may close this: phones that are not connected get it when they are back, and those with nothing but files when they next fetch. "
                    <a href=waiting data-testid="push-waiting">"See which are on their way"</a>
                </p>
            </Show>
        </div>
    }
}
