//! Reviewing what was gathered for a layer, and pushing it: what it would do, a comment, then how far it is.

mod lint;
mod preview;
mod progress;

use contract::rest::{Accepted, LayerChange, Preview};
use leptos::prelude::*;
use leptos::task::spawn_local;

pub use lint::{severity, whom};
pub use preview::PreviewView;
pub use progress::PushProgress;

use super::dialog::Dialog;
use super::empty::FormError;
use super::field::TextField;
use super::template::Draft;
use crate::api::ApiError;
use crate::layer_at::LayerAt;
use crate::state::use_shared;
use crate::words;

/// The draft as one request, and so one change set.
fn change(draft: &Draft, comment: &str) -> LayerChange {
    let values = draft.iter().map(|(key, said)| (key.clone(), said.value.clone())).collect();
    let locked = draft.iter().filter(|(_, said)| said.locked && said.value.is_some());
    let locks = locked.map(|(key, said)| (key.clone(), said.reason.trim().to_owned())).collect();
    LayerChange { values, locks, comment: comment.to_owned(), ..LayerChange::default() }
}

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
    open: RwSignal<bool>,
    /// Everything was taken by the server.
    on_pushed: Callback<()>,
) -> impl IntoView {
    let title = Signal::derive(move || format!("Push to {}", name.get()));
    view! {
        <Dialog open title testid="push-dialog" wide=true>
            <Steps at draft open on_pushed/>
        </Dialog>
    }
}

#[component]
fn Steps(at: LayerAt, draft: RwSignal<Draft>, open: RwSignal<bool>, on_pushed: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let stage = RwSignal::new(Stage::Preview);
    let preview = RwSignal::new(None::<Preview>);
    let error = RwSignal::new(None::<ApiError>);
    let comment = RwSignal::new(String::new());
    let done = RwSignal::new(None::<Accepted>);
    // What is reviewed is what is pushed, whatever happens to the draft meanwhile.
    let reviewed = StoredValue::new(draft.get_untracked());
    spawn_local(async move {
        let wanted = reviewed.with_value(|draft| change(draft, ""));
        match shared.api.post::<_, Preview>(&format!("{}/preview", at.settings()), &wanted).await {
            Ok(found) => drop(preview.try_set(Some(found))),
            Err(problem) => drop(error.try_set(Some(problem))),
        }
    });
    let push = move || {
        stage.set(Stage::Pushing);
        error.set(None);
        let wanted = reviewed.with_value(|draft| change(draft, comment.get_untracked().trim()));
        spawn_local(async move {
            match shared.api.put::<_, Accepted>(&at.settings(), &wanted).await {
                Ok(accepted) => {
                    // Taken: it is no wish any more, unless something else was typed since.
                    let _ = draft.try_update(|draft| {
                        reviewed.with_value(|sent| sent.iter().for_each(|(key, said)| draft.forget_if(key, said)));
                    });
                    done.try_set(Some(accepted));
                    stage.try_set(Stage::Pushed);
                    on_pushed.try_run(());
                }
                Err(problem) => {
                    error.try_set(Some(problem));
                    stage.try_set(Stage::Preview);
                }
            }
        });
    };
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
        <div class="row end">
            {move || match stage.get() {
                Stage::Pushed => view! {
                    <button type="button" class="button primary" data-testid="push-close" on:click=move |_| open.set(false)>"Close"</button>
                }.into_any(),
                _ => view! {
                    <button type="button" class="button" on:click=move |_| open.set(false)>"Back to editing"</button>
                    <button
                        type="button"
                        class="button primary"
                        data-testid="push-confirm"
                        disabled=move || stage.get() == Stage::Pushing || preview.with(Option::is_none)
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
        let change = change(&draft, "why");
        assert_eq!((change.values.len(), change.locked, change.comment.as_str()), (4, false, "why"));
        assert_eq!(change.values["account.2.name"], None);
        let locks: Vec<_> = change.locks.iter().map(|(key, reason)| (key.as_str(), reason.as_str())).collect();
        assert_eq!(locks, [("audio.volume.handset", "Law"), ("audio.volume.ring", "Brand")]);
    }
}
