//! Reviewing what was gathered for a layer, and pushing it: what it would do, a comment, then how far it is. `trial` is for
//! changes of other things.

mod lint;
mod preview;
mod progress;
mod trial;

use std::collections::BTreeMap;

use contract::rest::{Accepted, LayerChange, LayerValue, Preview};
use leptos::prelude::*;
use leptos::task::spawn_local;

pub use lint::{severity, whom};
pub use preview::PreviewView;
pub use progress::PushProgress;
pub use trial::{Trial, TrialDialog, dry_run};

use super::dialog::Dialog;
use super::empty::FormError;
use super::field::TextField;
use super::template::Draft;
use crate::api::ApiError;
use crate::layer_at::LayerAt;
use crate::state::use_shared;
use crate::words;

/// The layer's own values, by key.
type Here = BTreeMap<String, LayerValue>;

/// The draft as one request, and so one change set. It says what was seen of the layer, so that nobody's change of the same
/// values is taken away unseen.
fn change(draft: &Draft, here: &Here, comment: &str) -> LayerChange {
    let seen = draft.iter().map(|(key, _)| (key.clone(), here.get(key).map(|value| value.changed_at)));
    let values = draft.iter().map(|(key, said)| (key.clone(), said.value.clone())).collect();
    let locked = draft.iter().filter(|(_, said)| said.locked && said.value.is_some());
    let locks = locked.map(|(key, said)| (key.clone(), said.reason.trim().to_owned())).collect();
    LayerChange { values, locks, comment: comment.to_owned(), expected: seen.collect(), ..LayerChange::default() }
}

/// Somebody else changed the same values since they were loaded.
const CHANGED_SINCE: &str = "changed-since";

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Preview,
    Pushing,
    Pushed,
}

#[component]
pub fn PushDialog(
    at: LayerAt,
    /// What the layer belongs to.
    #[prop(into)]
    name: Signal<String>,
    draft: RwSignal<Draft>,
    /// The layer's own values, as they are shown.
    here: Signal<Here>,
    open: RwSignal<bool>,
    /// The layer's values are others than those shown: everything was taken by the server, or somebody else was faster.
    on_changed: Callback<()>,
) -> impl IntoView {
    let title = Signal::derive(move || format!("Push to {}", name.get()));
    view! {
        <Dialog open title testid="push-dialog" wide=true after="template-page">
            <Steps at draft here open on_changed/>
        </Dialog>
    }
}

#[component]
fn Steps(
    at: LayerAt,
    draft: RwSignal<Draft>,
    here: Signal<Here>,
    open: RwSignal<bool>,
    on_changed: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let stage = RwSignal::new(Stage::Preview);
    let preview = RwSignal::new(None::<Preview>);
    let error = RwSignal::new(None::<ApiError>);
    let comment = RwSignal::new(String::new());
    let done = RwSignal::new(None::<Accepted>);
    // What is reviewed is what is pushed, whatever happens to the draft meanwhile.
    let reviewed = StoredValue::new(draft.get_untracked());
    let seen = StoredValue::new(here.get_untracked());
    let request =
        move |comment: &str| reviewed.with_value(|draft| seen.with_value(|here| change(draft, here, comment)));
    let refused = move |problem: ApiError| {
        if problem.0.kind == CHANGED_SINCE {
            on_changed.try_run(());
        }
        error.try_set(Some(problem));
    };
    spawn_local(async move {
        let wanted = request("");
        match shared.api.post::<_, Preview>(&format!("{}/preview", at.settings()), &wanted).await {
            Ok(found) => drop(preview.try_set(Some(found))),
            Err(problem) => refused(problem),
        }
    });
    let push = move || {
        stage.set(Stage::Pushing);
        error.set(None);
        let wanted = request(comment.get_untracked().trim());
        // Of its own: the dialog may be closed before the answer comes.
        let sent = reviewed.get_value();
        spawn_local(async move {
            match shared.api.put::<_, Accepted>(&at.settings(), &wanted).await {
                Ok(accepted) => {
                    // Taken: it is no wish any more, unless something else was typed since.
                    let _ = draft.try_update(|draft| sent.iter().for_each(|(key, said)| draft.forget_if(key, said)));
                    done.try_set(Some(accepted));
                    stage.try_set(Stage::Pushed);
                    on_changed.try_run(());
                }
                Err(problem) => {
                    refused(problem);
                    stage.try_set(Stage::Preview);
                }
            }
        });
    };
    let overtaken = move || error.with(|error| error.as_ref().is_some_and(|error| error.0.kind == CHANGED_SINCE));
    let phones = move || preview.with(|one| one.as_ref().map_or(0, |one| one.phones));
    let at_comment = Signal::derive(move || error.get().and_then(|error| error.at("comment")));
    let body = move || {
        match (stage.get(), preview.get()) {
        (Stage::Pushed, _) => done.get().map(|done| view! { <PushProgress set=done.change_set phones=done.phones/> }).into_any(),
        (_, None) if error.with(Option::is_some) => ().into_any(),
        (_, None) => view! { <p role="status">"Working out what this would do…"</p> }.into_any(),
        (_, Some(preview)) => view! {
            <div class="stack scroll-y"><PreviewView preview/></div>
            <TextField id="push-comment" label="Comment" help="What it is for, shown in the history." value=comment error=at_comment testid="push-comment"/>
        }
        .into_any(),
    }
    };
    view! {
        {body}
        <FormError error fields=&["comment"]/>
        <Show when=overtaken>
            <p class="quiet-text" data-testid="push-overtaken">
                "The values of this layer were loaded again, and your changes are kept. Go back to editing to see what is there now; \
                 what you then push counts."
            </p>
        </Show>
        <div class="row end">
            {move || match stage.get() {
                Stage::Pushed => view! {
                    <button type="button" class="button primary" data-testid="push-close" on:click=move |_| open.set(false)>"Close"</button>
                }.into_any(),
                _ => view! {
                    <button type="button" class="button" disabled=move || stage.get() == Stage::Pushing on:click=move |_| open.set(false)>"Back to editing"</button>
                    <button
                        type="button"
                        class="button primary"
                        data-testid="push-confirm"
                        disabled=move || stage.get() == Stage::Pushing || preview.with(Option::is_none) || overtaken()
                        on:click=move |_| push()
                    >
                        {move || match (stage.get(), phones()) {
                            (Stage::Pushing, _) => "Pushing…".to_owned(),
                            (_, 0) => "Save".to_owned(),
                            (_, count) => format!("Push to {}", words::phones(count)),
                        }}
                    </button>
                }.into_any(),
            }}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::template::Said;

    #[test]
    fn a_draft_is_one_change_with_a_reason_a_lock() {
        let mut draft = Draft::default();
        let now = Said::default();
        let value = |locked: bool, reason: &str| Said { value: Some("5".into()), locked, reason: reason.into() };
        draft.wish("audio.volume.ring", value(true, "Brand "), &now);
        draft.wish("audio.volume.handset", value(true, "Law"), &now);
        draft.wish("account.1.name", value(false, "left over"), &now);
        draft.wish("account.2.name", Said::default(), &value(true, ""));
        let there = LayerValue {
            key: "account.2.name".into(),
            title: String::new(),
            page: String::new(),
            value: "x".into(),
            locked: true,
            reason: String::new(),
            secret: false,
            changed_at: contract::Timestamp(7),
            changed_by: "anna".into(),
        };
        let here = Here::from([(there.key.clone(), there)]);
        let change = change(&draft, &here, "why");
        assert_eq!(change.expected.len(), 4);
        assert_eq!(change.expected["account.2.name"], Some(contract::Timestamp(7)));
        assert_eq!(change.expected["audio.volume.ring"], None, "nothing was there");
        assert_eq!((change.values.len(), change.locked, change.comment.as_str()), (4, false, "why"));
        assert_eq!(change.values["account.2.name"], None);
        let locks: Vec<_> = change.locks.iter().map(|(key, reason)| (key.as_str(), reason.as_str())).collect();
        assert_eq!(locks, [("audio.volume.handset", "Law"), ("audio.volume.ring", "Brand")]);
    }
}
