//! Naming something: a brand, a room type.

use contract::rest::Named;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::empty::FormError;
use super::field::TextField;
use crate::api::ApiError;
use crate::state::use_shared;

#[component]
pub fn NameForm(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    /// What it is called now; empty: it is made.
    #[prop(into, optional)]
    name: String,
    /// Where the name goes: `POST` to make, `PATCH` to rename.
    #[prop(into)]
    path: String,
    on_done: Callback<()>,
    on_cancel: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let renaming = !name.is_empty();
    let value = RwSignal::new(name);
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let path = StoredValue::new(path);
    let input = id.clone();
    request_animation_frame(move || crate::app::focus(&input));
    let save = move || {
        let body = Named { name: value.get_untracked().trim().to_owned() };
        if body.name.is_empty() {
            let mut problem = ApiError::local("required", "Something is missing.", "Write a name.");
            problem.0.field = Some("name".into());
            return error.set(Some(problem));
        }
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let path = path.get_value();
            let answer = if renaming {
                shared.api.patch::<_, serde::de::IgnoredAny>(&path, &body).await
            } else {
                shared.api.post::<_, serde::de::IgnoredAny>(&path, &body).await
            };
            let _ = busy.try_set(false);
            match answer {
                Ok(_) => drop(on_done.try_run(())),
                Err(problem) => drop(error.try_set(Some(problem))),
            }
        });
    };
    view! {
        <form
            class="name-form"
            novalidate
            data-testid="name-form"
            on:submit=move |event| {
                event.prevent_default();
                if !busy.get_untracked() {
                    save();
                }
            }
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_cancel.run(());
                }
            }
        >
            <TextField id label value error=Signal::derive(move || error.get().and_then(|error| error.at("name"))) testid="name"/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="name-save" disabled=move || busy.get()>
                    {if renaming { "Rename" } else { "Create" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
            <FormError error fields=&["name"]/>
        </form>
    }
}
