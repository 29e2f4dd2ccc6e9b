//! Inputs with everything that belongs to them: label, help, error.

use leptos::prelude::*;

#[component]
pub fn TextField(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(into, optional)] error: Signal<Option<String>>,
    #[prop(into, optional)] help: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional)] inputmode: &'static str,
    /// Id of a `datalist`.
    #[prop(optional)]
    list: Option<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let described = format!("{help_id} {error_id}");
    let input_id = id.clone();
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=input_id
                type=kind
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                placeholder=(!placeholder.is_empty()).then_some(placeholder)
                inputmode=(!inputmode.is_empty()).then_some(inputmode)
                list=list
                required=required
                data-testid=(!testid.is_empty()).then_some(testid)
                aria-describedby=described
                aria-invalid=move || error.get().is_some().then_some("true")
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
            <FieldNotes help help_id error error_id/>
        </div>
    }
}

/// Help and error below an input.
#[component]
pub fn FieldNotes(
    help: String,
    help_id: String,
    #[prop(into)] error: Signal<Option<String>>,
    error_id: String,
) -> impl IntoView {
    view! {
        {(!help.is_empty()).then(|| view! { <p class="help" id=help_id>{help}</p> })}
        <p class="field-error" id=error_id role="alert">{move || error.get()}</p>
    }
}
