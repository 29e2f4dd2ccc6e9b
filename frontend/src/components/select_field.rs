//! A choice with its label, help and error.

use leptos::prelude::*;

use super::field::FieldNotes;

#[component]
pub fn SelectField(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    /// Values and what they are called.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    value: RwSignal<String>,
    #[prop(into, optional)] help: String,
    #[prop(into, optional)] error: Signal<Option<String>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let list =
        move || {
            options.get().into_iter().map(|(word, label)| {
            let mine = word.clone();
            view! { <option value=word prop:selected=move || value.with(|value| *value == mine)>{label}</option> }
        }).collect_view()
        };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id.clone() data-testid=(!testid.is_empty()).then_some(testid)
                aria-describedby=format!("{id}-help {id}-error") aria-invalid=move || error.get().is_some().then_some("true")
                on:change:target=move |event| value.set(event.target().value())>
                {list}
            </select>
            <FieldNotes help help_id=format!("{id}-help") error error_id=format!("{id}-error")/>
        </div>
    }
}

/// Fixed options.
pub fn options(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
}
