//! Naming something: a brand, a room type.

use contract::rest::Named;
use leptos::prelude::*;

use super::empty::FormError;
use super::field::TextField;
use super::form::Sending;
use crate::api::{ApiError, Method};
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
    let sending = Sending::new();
    let path = StoredValue::new(path);
    let input = id.clone();
    request_animation_frame(move || crate::app::focus(&input));
    let save = move || {
        let body = Named { name: value.get_untracked().trim().to_owned() };
        if body.name.is_empty() {
            let why = ApiError::local("required", "Something is missing.", "Write a name.");
            return sending.refuse(why.of_field("name"));
        }
        let (method, path) = (if renaming { Method::PATCH } else { Method::POST }, path.get_value());
        let tell = async move { shared.api.tell_by(method, &path, &body).await };
        sending.run(tell, move |()| {
            on_done.try_run(());
        });
    };
    view! {
        <form
            class="name-form"
            novalidate
            data-testid="name-form"
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_cancel.run(());
                }
            }
        >
            <TextField id label value error=sending.at("name") testid="name"/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="name-save" disabled=move || sending.busy.get()>
                    {if renaming { "Rename" } else { "Create" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
            <FormError error=sending.error fields=&["name"]/>
        </form>
    }
}
