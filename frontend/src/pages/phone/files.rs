//! Picking a file kept by the server, or adding one to it.

use contract::FileId;
use contract::rest::FileView;
use leptos::prelude::*;

use crate::api::quote;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::files::{Chooser, kind};
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use crate::units;

#[component]
pub fn FilePick(
    /// The type of files to be picked from, as TR-069 writes it.
    #[prop(into)]
    file_type: Signal<String>,
    picked: RwSignal<Option<FileId>>,
) -> impl IntoView {
    let shared = use_shared();
    let files: Loaded<Vec<FileView>> = use_load(|| (), move |()| shared.api.get("/files"));
    let sending = Sending::new();
    let chooser = Chooser::default();
    let fitting = Memo::new(move |_| {
        let wanted = file_type.get();
        files
            .with(|files| files.iter().filter(|file| file.file_type == wanted).cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    });
    // What was picked has to be of the type that is chosen now.
    Effect::new(move |_| {
        let here = fitting.with(|files| files.iter().any(|file| Some(file.id) == picked.get_untracked()));
        if !here {
            picked.set(fitting.with(|files| files.first().map(|file| file.id)));
        }
    });
    let upload = move || {
        let Some(file) = chooser.file() else { return };
        let path = format!("/files?name={}&file_type={}", quote(&file.name()), quote(&file_type.get_untracked()));
        let upload = async move {
            let answer = shared.api.upload::<FileView>(&path, &file).await;
            chooser.clear();
            answer
        };
        sending.run(upload, move |file| {
            picked.try_set(Some(file.id));
            files.touch(|files| {
                files.retain(|old| old.id != file.id);
                files.insert(0, file);
            });
        });
    };
    let remove = move || {
        let Some(id) = picked.get_untracked() else { return };
        shared.run(async move {
            shared.api.delete(&format!("/files/{id}")).await?;
            shared.say("The file was removed from the server.");
            files.touch(|files| files.retain(|file| file.id != id));
            Ok(())
        });
    };
    let options = move || {
        fitting.get().into_iter().map(|file| {
            let text = format!("{} ({})", file.name, units::bytes(file.size));
            view! { <option value=file.id.to_string() selected=picked.get_untracked() == Some(file.id)>{text}</option> }
        }).collect_view()
    };
    let none = move || fitting.with(Vec::is_empty);
    view! {
        <div class="field">
            <label for="file-pick">"File"</label>
            <div class="row wrap">
                <select
                    id="file-pick"
                    class="grow"
                    data-testid="file-pick"
                    disabled=none
                    prop:value=move || picked.get().map(|id| id.to_string()).unwrap_or_default()
                    on:change:target=move |event| picked.set(event.target().value().parse().ok())
                >
                    {move || none().then(|| view! { <option value="">{format!("No {} stored yet", kind(&file_type.get()).to_lowercase())}</option> })}
                    {options}
                </select>
                <input node_ref=chooser.0 type="file" class="sr" id="file-upload" tabindex="-1" data-testid="file-upload" on:change=move |_| upload()/>
                <button type="button" class="button" disabled=move || sending.busy.get() on:click=move |_| chooser.open()>
                    <Svg icon=Icon::Upload/>
                    {move || if sending.busy.get() { "Uploading…" } else { "Add a file" }}
                </button>
                <Show when=move || !none()>
                    <button type="button" class="icon-button" title="Remove this file from the server" aria-label="Remove this file from the server" on:click=move |_| remove()>
                        <Svg icon=Icon::Trash/>
                    </button>
                </Show>
            </div>
            <FormError error=sending.error fields=&[]/>
        </div>
    }
}
