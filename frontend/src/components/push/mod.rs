//! Reviewing what was gathered for a layer, and pushing it: what it would do, a comment, then how far it is.

mod lint;
mod preview;
mod progress;

use std::collections::BTreeMap;

use contract::ChangeSetId;
use contract::rest::{Accepted, LayerChange, Preview};
use leptos::prelude::*;
use leptos::task::spawn_local;

pub use lint::severity;
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

/// The draft as requests: one holds one lock for all its values.
fn changes(draft: &Draft, comment: &str) -> Vec<LayerChange> {
    let mut groups: BTreeMap<(bool, String), BTreeMap<String, Option<String>>> = BTreeMap::new();
    for (key, said) in draft.iter() {
        let locked = said.locked && said.value.is_some();
        let reason = if locked { said.reason.trim().to_owned() } else { String::new() };
        groups.entry((locked, reason)).or_default().insert(key.clone(), said.value.clone());
    }
    let change = |((locked, reason), values)| LayerChange { values, locked, reason, comment: comment.to_owned() };
    groups.into_iter().map(change).collect()
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
    let previews = RwSignal::new(None::<Vec<Preview>>);
    let error = RwSignal::new(None::<ApiError>);
    let comment = RwSignal::new(String::new());
    let sets = RwSignal::new(Vec::<ChangeSetId>::new());
    let total = RwSignal::new(0_u32);
    // What is reviewed is what is pushed, whatever happens to the draft meanwhile.
    let reviewed = StoredValue::new(draft.get_untracked());
    spawn_local(async move {
        let mut found = Vec::new();
        for change in reviewed.with_value(|draft| changes(draft, "")) {
            match shared.api.post::<_, Preview>(&format!("{}/preview", at.settings()), &change).await {
                Ok(preview) => found.push(preview),
                Err(problem) => {
                    error.try_set(Some(problem));
                    return;
                }
            }
        }
        previews.try_set(Some(found));
    });
    let push = move || {
        stage.set(Stage::Pushing);
        error.set(None);
        let list = reviewed.with_value(|draft| changes(draft, comment.get_untracked().trim()));
        spawn_local(async move {
            for change in list {
                match shared.api.put::<_, Accepted>(&at.settings(), &change).await {
                    Ok(accepted) => {
                        let _ = sets.try_update(|sets| sets.extend(accepted.change_set));
                        let _ = total.try_update(|total| *total = (*total).max(accepted.phones));
                        // Taken: it is no wish any more, also where the next one is refused.
                        let _ = draft.try_update(|draft| change.values.keys().for_each(|key| draft.forget(key)));
                    }
                    Err(problem) => {
                        error.try_set(Some(problem));
                        stage.try_set(Stage::Preview);
                        on_pushed.try_run(());
                        return;
                    }
                }
            }
            stage.try_set(Stage::Pushed);
            on_pushed.try_run(());
        });
    };
    let phones = move || previews.with(|all| all.iter().flatten().map(|one| one.phones).max().unwrap_or(0));
    let body = move || {
        match (stage.get(), previews.get()) {
        (Stage::Pushed, _) => view! { <PushProgress sets=sets.get() phones=total.get()/> }.into_any(),
        (_, None) if error.with(Option::is_some) => ().into_any(),
        (_, None) => view! { <p role="status">"Working out what this would do…"</p> }.into_any(),
        (_, Some(previews)) => view! {
            <div class="stack scroll-y">{previews.into_iter().map(|preview| view! { <PreviewView preview/> }).collect_view()}</div>
            <TextField id="push-comment" label="Comment" help="What it is for, shown in the history." value=comment testid="push-comment"/>
        }
        .into_any(),
    }
    };
    view! {
        {body}
        <FormError error fields=&[]/>
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
                        disabled=move || stage.get() == Stage::Pushing || previews.with(Option::is_none)
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
    fn values_with_one_lock_go_together() {
        let mut draft = Draft::default();
        let now = Said::default();
        let value = |locked: bool, reason: &str| Said { value: Some("5".into()), locked, reason: reason.into() };
        draft.wish("audio.volume.ring", value(true, "Brand "), &now);
        draft.wish("audio.volume.handset", value(true, "Brand"), &now);
        draft.wish("account.1.name", value(false, "left over"), &now);
        draft.wish("account.2.name", Said::default(), &value(false, ""));
        let all = changes(&draft, "why");
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].locked, all[0].reason.as_str(), all[0].values.len()), (false, "", 2));
        assert_eq!(all[0].values["account.2.name"], None);
        assert_eq!((all[1].locked, all[1].reason.as_str(), all[1].values.len()), (true, "Brand", 2));
        assert!(all.iter().all(|change| change.comment == "why"));
    }
}
