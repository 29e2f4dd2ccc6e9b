//! Choosing the file; earlier imports; the export.

use contract::PropertyId;
use contract::rest::{Import, ImportState, ImportSummary};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::gdms::{Gdms, Typed};
use crate::api::quote;
use crate::components::age::Ago;
use crate::components::chip::Chip;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::files::{Chooser, hand_over};
use crate::load::use_load;
use crate::state::use_shared;
use crate::words::{Look, counted};

pub const fn look(state: ImportState) -> Look {
    let (word, icon, tone) = match state {
        ImportState::Fetching => ("Being read", Icon::Sync, "blue"),
        ImportState::Ready => ("Tried, not applied", Icon::Clock, "amber"),
        ImportState::Applying => ("Being applied", Icon::Sync, "blue"),
        ImportState::Done => ("Applied", Icon::Check, "green"),
        ImportState::Failed => ("Failed", Icon::Alert, "red"),
    };
    Look { word, icon, tone }
}

#[component]
pub fn Start(property: Memo<PropertyId>, typed: Typed) -> impl IntoView {
    let shared = use_shared();
    let navigate = use_navigate();
    let chooser = Chooser::default();
    let sending = Sending::new();
    let earlier = use_load(
        move || property.get(),
        move |id| shared.api.get_owned::<Vec<ImportSummary>>(format!("/properties/{id}/imports")),
    );
    let upload = move || {
        let Some(file) = chooser.file() else { return };
        let id = property.get_untracked();
        let path = format!("/properties/{id}/imports?name={}", quote(&file.name()));
        let navigate = navigate.clone();
        let upload = async move {
            let answer = shared.api.upload::<Import>(&path, &file).await;
            chooser.clear();
            answer
        };
        sending.run(upload, move |import| {
            // Whoever went on to another page stays there; the import is in the list.
            if sending.busy.try_get_untracked().is_none() {
                return;
            }
            navigate(&format!("/p/{id}/import?import={}", import.id), Default::default());
        });
    };
    let export = move |_| {
        let id = property.get_untracked();
        let code = shared.property(id).map_or_else(|| "rooms".to_owned(), |property| property.code);
        shared.run(async move {
            let bytes = shared.api.bytes(&format!("/properties/{id}/export.csv")).await?;
            hand_over(&bytes, &format!("{code}.csv"))
        });
    };
    let zone = Signal::derive(move || shared.zone(Some(property.get())));
    let list = move |list: RwSignal<Vec<ImportSummary>>| {
        let row = move |import: ImportSummary| {
            let href = format!("/p/{}/import?import={}", property.get_untracked(), import.id);
            view! {
                <li class="setting" data-testid="import-row">
                    <div class="grow">
                        <a href=href><b>{import.name.clone()}</b></a>
                        <p class="quiet-text">{counted(import.rows as usize, "row", "rows")} ", " <Ago at=import.created_at zone=zone/> " by " {import.created_by.clone()}</p>
                    </div>
                    <Chip look=look(import.state)/>
                </li>
            }
        };
        view! {
            <Show when=move || list.with(|list| !list.is_empty())>
                <section class="card settings" aria-labelledby="earlier-title">
                    <h2 id="earlier-title">"Imports of the last day"</h2>
                    <ul class="plain"><For each=move || list.get() key=|import| (import.id, import.state) children=row/></ul>
                </section>
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="columns">
            <section class="card stack" aria-labelledby="file-title">
                <h2 id="file-title">"From a file"</h2>
                <p class="help">"A CSV file with one room or phone a row and headings in the first line: room, floor, extension, MAC address, serial number, or any setting. At most 10 MiB."</p>
                <input node_ref=chooser.0 type="file" accept=".csv,.tsv,.txt,.xlsx,.ods,text/csv" class="sr" id="import-file" tabindex="-1" aria-label="File to import" data-testid="import-file" on:change=move |_| upload()/>
                <div class="row">
                    <button type="button" class="button primary" data-testid="import-choose" disabled=move || sending.busy.get() on:click=move |_| chooser.open()>
                        <Svg icon=Icon::Upload/>
                        {move || if sending.busy.get() { "Reading it…" } else { "Choose a file" }}
                    </button>
                </div>
                <FormError error=sending.error fields=&[]/>
            </section>
            <section class="card stack" aria-labelledby="export-title">
                <h2 id="export-title">"Export"</h2>
                <p class="help">"All rooms and phones of this property in the same shape: change the file and import it again. Secrets are left out."</p>
                <div class="row"><button type="button" class="button" data-testid="export" on:click=export><Svg icon=Icon::Download/>"Export as CSV"</button></div>
            </section>
        </div>
        <Gdms property typed/>
        {earlier.view(|| ().into_any(), list)}
    }
}
