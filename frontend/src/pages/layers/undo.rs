//! Taking a change set back, with a look at what that would do first.

use contract::rest::{Accepted, ChangeSet, Preview, Undo};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::history::Changed;
use crate::api::ApiError;
use crate::components::dialog::Dialog;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::push::{PreviewView, PushProgress};
use crate::state::use_shared;

#[component]
pub fn UndoDialog(undoing: RwSignal<Option<ChangeSet>>, on_done: Callback<()>) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if undoing.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            undoing.set(None);
        }
        now
    });
    view! {
        <Dialog open title="Take this change back?" testid="undo-dialog" wide=true after="history">
            {move || undoing.get_untracked().map(|set| view! { <Steps set open on_done/> })}
        </Dialog>
    }
}

#[component]
fn Steps(set: ChangeSet, open: RwSignal<bool>, on_done: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let id = set.id;
    let (preview, error) = (RwSignal::new(None::<Preview>), RwSignal::new(None::<ApiError>));
    let (busy, force, done) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(None::<Accepted>));
    let comment = RwSignal::new(String::new());
    let looked = RwSignal::new(false);
    // Values changed again since: the server names them, and a person decides. Nothing else is a matter of force.
    let conflict = move || error.with(|error| error.as_ref().is_some_and(|error| error.0.kind == "changed-since"));
    let asked = RwSignal::new(false);
    let look = move |force: bool| {
        looked.set(false);
        let body = Undo { force, ..Undo::default() };
        spawn_local(async move {
            match shared.api.post::<_, Preview>(&format!("/change-sets/{id}/undo/preview"), &body).await {
                Ok(found) => {
                    error.try_set(None);
                    preview.try_set(Some(found));
                }
                Err(problem) => {
                    let since = problem.0.kind == "changed-since";
                    asked.try_update(|asked| *asked |= since);
                    preview.try_set(None);
                    error.try_set(Some(problem));
                }
            }
            looked.try_set(true);
        });
    };
    look(false);
    let undo = move || {
        busy.set(true);
        let body = Undo { force: force.get_untracked(), comment: comment.get_untracked().trim().to_owned() };
        spawn_local(async move {
            match shared.api.post::<_, Accepted>(&format!("/change-sets/{id}/undo"), &body).await {
                Ok(accepted) => {
                    error.try_set(None);
                    done.try_set(Some(accepted));
                    on_done.try_run(());
                }
                Err(problem) => {
                    let since = problem.0.kind == "changed-since";
                    asked.try_update(|asked| *asked |= since);
                    error.try_set(Some(problem));
                }
            }
            busy.try_set(false);
        });
    };
    // Backwards: what is there now becomes what was there before.
    let back = set.values.into_iter().map(|mut value| {
        std::mem::swap(&mut value.before, &mut value.after);
        view! { <Changed value/> }
    });
    view! {
        <Show when=move || done.with(Option::is_none)>
            <p class="quiet-text">"The values go back to what they were. This is a change of its own: it stands in the history and can be undone, too."</p>
        </Show>
        <ul class="changes">{back.collect_view()}</ul>
        {move || preview.get().filter(|_| done.with(Option::is_none)).map(|preview| view! { <div class="scroll-y"><PreviewView preview/></div> })}
        {move || (!looked.get()).then(|| view! { <p role="status">"Working out what this would do…"</p> })}
        <FormError error fields=&[]/>
        {move || (asked.get() && done.with(Option::is_none)).then(|| view! {
            <label class="check">
                <input type="checkbox" data-testid="undo-force" aria-disabled=move || (!looked.get()).to_string() prop:checked=move || force.get() on:change:target=move |event| {
                    // It keeps the focus while the answer is on its way.
                    if !looked.get_untracked() {
                        return event.target().set_checked(force.get_untracked());
                    }
                    force.set(event.target().checked());
                    look(event.target().checked());
                }/>
                "Take it back all the same; what was set since is lost"
            </label>
        })}
        {move || done.get().map(|accepted| view! { <PushProgress set=accepted.change_set phones=accepted.phones/> })}
        <Show when=move || done.with(Option::is_none)>
            <TextField id="undo-comment" label="Comment" help="Why, shown in the history." value=comment/>
        </Show>
        <div class="row end">
            <button type="button" class="button" data-testid="undo-close" on:click=move |_| open.set(false)>
                {move || if done.with(Option::is_some) { "Close" } else { "Keep it" }}
            </button>
            <Show when=move || done.with(Option::is_none)>
                <button type="button" class="button primary" data-testid="undo-confirm"
                    disabled=move || busy.get() || !looked.get() || (conflict() && !force.get())
                    on:click=move |_| undo()>
                    {move || if busy.get() { "Taking it back…" } else { "Take it back" }}
                </button>
            </Show>
        </div>
    }
}
