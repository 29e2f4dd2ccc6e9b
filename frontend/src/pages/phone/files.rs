//! Picking a file kept by the server, or adding one to it.

use contract::FileId;
use contract::rest::FileView;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{ApiError, quote};
use crate::components::empty::FormError;
use crate::components::icon::{Icon, Svg};
use crate::files::kind;
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
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let input = NodeRef::<Input>::new();
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
        let file = input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        let Some(file) = file else { return };
        busy.set(true);
        error.set(None);
        let path = format!("/files?name={}&file_type={}", quote(&file.name()), quote(&file_type.get_untracked()));
        spawn_local(async move {
            let answer = shared.api.upload::<FileView>(&path, &file).await;
            let _ = busy.try_set(false);
            if let Some(input) = input.try_get_untracked().flatten() {
                input.set_value("");
            }
            match answer {
                Ok(file) => {
                    picked.try_set(Some(file.id));
                    files.touch(|files| {
                        files.retain(|old| old.id != file.id);
                        files.insert(0, file);
                    });
                }
                Err(problem) => drop(error.try_set(Some(problem))),
            }
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
                <input node_ref=input type="file" class="sr" id="file-upload" tabindex="-1" data-testid="file-upload" on:change=move |_| upload()/>
                <button type="button" class="button" disabled=move || busy.get() on:click=move |_| {
                    if let Some(input) = input.get_untracked() {
                        input.click();
                    }
                }>
                    <Svg icon=Icon::Upload/>
                    {move || if busy.get() { "Uploading…" } else { "Add a file" }}
                </button>
                <Show when=move || !none()>
                    <button type="button" class="icon-button" title="Remove this file from the server" aria-label="Remove this file from the server" on:click=move |_| remove()>
                        <Svg icon=Icon::Trash/>
                    </button>
                </Show>
            </div>
            <FormError error fields=&[]/>
        </div>
    }
}
