//! The input that fits a setting's type.

use leptos::prelude::*;
use settings::{SettingRef, ValueType};

use super::field::FieldNotes;

#[component]
pub fn SettingInput(
    found: SettingRef,
    value: RwSignal<String>,
    #[prop(into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let kind = &found.setting.value_type;
    let input = match kind {
        ValueType::Bool => switch(value).into_any(),
        ValueType::Enum { .. } => choice(found, value).into_any(),
        ValueType::Multi { .. } => many(found, value).into_any(),
        ValueType::Pem => view! {
            <textarea
                id="setting-value"
                rows="6"
                spellcheck="false"
                data-testid="setting-value"
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            ></textarea>
        }
        .into_any(),
        _ => line(found, value, error).into_any(),
    };
    let mut help = String::new();
    if !matches!(kind, ValueType::Bool | ValueType::Enum { .. } | ValueType::Multi { .. }) {
        help = sentence(&kind.allowed());
        if !found.setting.extra.is_empty() {
            help.push_str(&format!(" Also {}.", found.setting.extra.join(", ")));
        }
    }
    if let Some(default) = found.setting.default.as_deref().filter(|default| !default.is_empty()) {
        help.push_str(&format!(" The factory's value is {default}."));
    }
    view! {
        <div class="field">
            <label for="setting-value">"Value"</label>
            {input}
            <FieldNotes help=help.trim().to_owned() help_id="setting-help".into() error error_id="setting-error".into()/>
        </div>
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

fn switch(value: RwSignal<String>) -> impl IntoView {
    let on = move || value.with(|value| value == "yes");
    if value.with_untracked(String::is_empty) {
        value.set("no".into());
    }
    view! {
        <button
            type="button"
            id="setting-value"
            class="switch"
            role="switch"
            data-testid="setting-value"
            aria-checked=move || if on() { "true" } else { "false" }
            on:click=move |_| value.update(|value| *value = if value == "yes" { "no".into() } else { "yes".into() })
        >
            <span class="knob" aria-hidden="true"></span>
            {move || if on() { "On" } else { "Off" }}
        </button>
    }
}

fn choice(found: SettingRef, value: RwSignal<String>) -> impl IntoView {
    let choices = found.setting.value_type.choices();
    if value.with_untracked(String::is_empty)
        && let Some(first) = choices.first()
    {
        value.set(found.setting.default.clone().unwrap_or_else(|| first.value.clone()));
    }
    let extra = found.setting.extra.iter().map(|extra| (extra.clone(), extra.clone()));
    let options =
        choices.iter().map(|choice| (choice.value.clone(), choice.label.clone())).chain(extra).map(|(word, label)| {
            let selected = value.with_untracked(|value| *value == word);
            view! { <option value=word selected=selected>{label}</option> }
        });
    view! {
        <select id="setting-value" data-testid="setting-value" on:change:target=move |event| value.set(event.target().value())>
            {options.collect_view()}
        </select>
    }
}

fn many(found: SettingRef, value: RwSignal<String>) -> impl IntoView {
    let boxes = found.setting.value_type.choices().iter().map(|choice| {
        let word = choice.value.clone();
        let mine = word.clone();
        let on = move || value.with(|value| value.split(',').any(|part| part == mine));
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=on
                    on:change:target=move |event| {
                        let add = event.target().checked();
                        value.update(|value| {
                            let mut parts: Vec<&str> = value.split(',').filter(|part| !part.is_empty() && *part != word).collect();
                            if add {
                                parts.push(&word);
                            }
                            *value = parts.join(",");
                        });
                    }
                />
                {choice.label.clone()}
            </label>
        }
    });
    view! { <div id="setting-value" class="checks" role="group" data-testid="setting-value">{boxes.collect_view()}</div> }
}

fn line(found: SettingRef, value: RwSignal<String>, error: Signal<Option<String>>) -> impl IntoView {
    let kind = &found.setting.value_type;
    let (low, high) = match kind {
        ValueType::Int { min, max, .. } | ValueType::Percent { min, max } | ValueType::Port { min, max } => {
            (Some(*min), Some(*max))
        }
        _ => (None, None),
    };
    // Values besides the range would not go into a number input.
    let number = low.is_some() && found.setting.extra.is_empty();
    let secret = found.setting.secret;
    let kind_word = if secret {
        "password"
    } else if number {
        "number"
    } else {
        "text"
    };
    view! {
        <div class="with-unit">
            <input
                id="setting-value"
                type=kind_word
                min=low.filter(|_| number)
                max=high.filter(|_| number)
                inputmode=low.map(|_| "numeric")
                autocomplete=if secret { "new-password" } else { "off" }
                autocapitalize="off"
                spellcheck="false"
                aria-describedby="setting-help setting-error"
                aria-invalid=move || error.get().is_some().then_some("true")
                data-testid="setting-value"
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
            {kind.unit().map(|unit| view! { <span class="unit">{unit.to_owned()}</span> })}
        </div>
    }
}
