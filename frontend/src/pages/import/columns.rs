//! What the columns of a file are taken for; guessed, and changeable.

use contract::rest::{ColumnChoice, Import, ImportColumn, ImportMapping, Layer};
use leptos::prelude::*;

use crate::catalogue;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::load::Loaded;
use crate::state::use_shared;

/// What a column may be besides a setting.
const FIELDS: [(&str, &str); 15] = [
    ("building", "Building"),
    ("floor", "Floor"),
    ("level", "Level of the floor"),
    ("room", "Room number"),
    ("room-type", "Room type"),
    ("extension", "Extension"),
    ("guest-name", "Guest's name"),
    ("mac", "MAC address"),
    ("serial", "Serial number"),
    ("model", "Model"),
    ("sip-server", "SIP server"),
    ("sip-user", "SIP user"),
    ("sip-auth-user", "SIP auth user"),
    ("sip-display-name", "SIP display name"),
    ("sip-password", "SIP password"),
];

#[component]
pub fn Columns(import: RwSignal<Import>, loaded: Loaded<Import>, sending: Sending) -> impl IntoView {
    let shared = use_shared();
    let choose = Callback::new(move |choice: ColumnChoice| {
        let id = import.with_untracked(|import| import.id);
        let put = async move {
            let body = ImportMapping { columns: vec![choice] };
            let answer = shared.api.put::<_, Import>(&format!("/imports/{id}/mapping"), &body).await;
            if answer.is_err() {
                loaded.reload();
            }
            answer
        };
        sending.run(put, move |tried| loaded.touch(|import| *import = tried));
    });
    let columns = Memo::new(move |_| import.with(|import| import.columns.clone()));
    let key = |column: &ImportColumn| (column.column, column.field.clone(), column.layer);
    view! {
        <section class="stack" aria-labelledby="columns-title">
            <h2 id="columns-title">"Columns"</h2>
            <p class="quiet-text" role="status">{move || if sending.busy.get() { "Trying it again…" } else { "Guessed from the headings. What you change is tried at once, without changing anything else." }}</p>
            <FormError error=sending.error fields=&[]/>
            <div class="table-wrap">
                <table class="table cards">
                    <caption class="sr">"Columns of the file and what they are taken for"</caption>
                    <thead><tr><th scope="col">"Heading"</th><th scope="col">"Holds, for example"</th><th scope="col">"Is taken for"</th></tr></thead>
                    <tbody><For each=move || columns.get() key=key let:column><Row column choose busy=sending.busy/></For></tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Row(column: ImportColumn, choose: Callback<ColumnChoice>, busy: RwSignal<bool>) -> impl IntoView {
    let at = column.column;
    let field = column.field.clone().unwrap_or_default();
    let is_setting = !field.is_empty() && !FIELDS.iter().any(|(word, _)| *word == field);
    let layer = column.layer;
    let other = is_setting.then(|| {
        let label = catalogue::title_of(&field, &field);
        view! { <option value=field.clone() prop:selected=true>{format!("Setting: {label}")}</option> }
    });
    let options = FIELDS.map(|(word, label)| {
        let chosen = word == field;
        view! { <option value=word prop:selected=chosen>{label}</option> }
    });
    let none = field.is_empty();
    let label = format!("What {} is", column.heading);
    let kept = StoredValue::new(field.clone());
    let where_to = is_setting.then(|| {
        view! {
            <select class="small" aria-label="Where the value is set" prop:disabled=move || busy.get() on:change:target=move |event| {
                choose.run(ColumnChoice { column: at, field: Some(kept.get_value()), layer: event.target().value().parse().ok() });
            }>
                <option value="room" prop:selected={layer != Some(Layer::Phone)}>"in the room"</option>
                <option value="phone" prop:selected={layer == Some(Layer::Phone)}>"on the phone"</option>
            </select>
        }
    });
    // A setting nobody guessed is named by its key.
    let key = RwSignal::new(String::new());
    let by_key = move |_| {
        let wanted = key.get_untracked().trim().to_owned();
        if !wanted.is_empty() {
            choose.run(ColumnChoice { column: at, field: Some(wanted), layer: None });
        }
    };
    view! {
        <tr data-testid="column" data-heading=column.heading.clone() data-field=field.clone()>
            <th scope="row"><span class="cell-title">{column.heading.clone()}</span></th>
            <td data-label="Holds">{column.samples.join(", ")}</td>
            <td data-label="Is taken for">
                <span class="row wrap">
                    <select class="small" aria-label=label.clone() data-testid="column-field" prop:disabled=move || busy.get() on:change:target=move |event| {
                        let value = event.target().value();
                        choose.run(ColumnChoice { column: at, field: (!value.is_empty()).then_some(value), layer: None });
                    }>
                        <option value="" prop:selected=none>"Nothing: left out"</option>
                        {other}
                        {options.into_iter().collect_view()}
                    </select>
                    {where_to}
                    {none.then(|| view! {
                        <input class="key-input" type="text" aria-label=format!("{label}, by a setting's key") placeholder="or a setting's key" autocomplete="off" autocapitalize="off" spellcheck="false"
                            prop:value=move || key.get() on:input:target=move |event| key.set(event.target().value()) on:change=by_key/>
                    })}
                </span>
            </td>
        </tr>
    }
}
