//! The input that fits a setting's type.

use leptos::prelude::*;
use settings::{SettingRef, ValueType};

use super::field::FieldNotes;
use super::ordered::Ordered;
use crate::words::sentence;

/// What an input shows and where it says what was entered.
#[derive(Clone)]
struct Slot {
    id: String,
    value: Signal<String>,
    on_value: Callback<String>,
    placeholder: String,
    /// What it is called, where a `label` cannot say it.
    name: String,
    error: Signal<Option<String>>,
}

impl Slot {
    /// Ids of help and error.
    fn described(&self) -> String {
        format!("{0}-help {0}-error", self.id)
    }

    fn invalid(&self) -> impl Fn() -> Option<&'static str> + Send + Sync + use<> {
        let error = self.error;
        move || error.with(Option::is_some).then_some("true")
    }
}

#[component]
pub fn SettingInput(
    found: SettingRef,
    #[prop(into)] value: Signal<String>,
    on_value: Callback<String>,
    #[prop(into)] error: Signal<Option<String>>,
    #[prop(into, default = "setting-value".into())] id: String,
    #[prop(default = "Value")] label: &'static str,
    #[prop(into, optional)] placeholder: String,
) -> impl IntoView {
    let kind = &found.setting.value_type;
    let name = crate::catalogue::title(found);
    let slot = Slot { id: id.clone(), value, on_value, placeholder, name, error };
    let input = match kind {
        ValueType::Bool => switch(slot).into_any(),
        ValueType::Enum { .. } => choice(found, slot).into_any(),
        ValueType::Multi { .. } => many(found, slot).into_any(),
        ValueType::CodecList { choices } => {
            let choices = choices.iter().map(|choice| (choice.value.clone(), choice.label.clone())).collect();
            let described = slot.described();
            view! { <Ordered id=slot.id label=slot.name choices value on_value described/> }.into_any()
        }
        ValueType::Pem => view! {
            <textarea
                id=slot.id.clone()
                aria-describedby=slot.described()
                aria-invalid=slot.invalid()
                rows="6"
                spellcheck="false"
                data-testid="setting-value"
                prop:value=move || value.get()
                on:input:target=move |event| on_value.run(event.target().value())
            ></textarea>
        }
        .into_any(),
        _ => line(found, slot).into_any(),
    };
    let mut help = String::new();
    let picked = matches!(kind, ValueType::Multi { .. } | ValueType::CodecList { .. });
    if matches!(kind, ValueType::CodecList { .. }) {
        help = "The first that both sides can is taken.".to_owned();
    } else if !picked && !matches!(kind, ValueType::Bool | ValueType::Enum { .. }) {
        help = sentence(&kind.allowed());
        if !found.setting.extra.is_empty() {
            help.push_str(&format!(" Also {}.", found.setting.extra.join(", ")));
        }
    }
    if let Some(default) = found.setting.default.as_deref().filter(|default| !default.is_empty()) {
        help.push_str(&format!(" The factory's value is {}.", crate::catalogue::shown(&found.key(), default)));
    }
    view! {
        <div class="field">
            // A group has a name of its own; a label would be for no input.
            {(!picked).then(|| view! { <label for=id.clone()>{label}</label> })}
            {input}
            <FieldNotes help=help.trim().to_owned() help_id=format!("{id}-help") error error_id=format!("{id}-error")/>
        </div>
    }
}

fn switch(slot: Slot) -> impl IntoView {
    let (described, invalid) = (slot.described(), slot.invalid());
    let Slot { id, value, on_value, .. } = slot;
    let on = move || value.with(|value| value == "yes");
    view! {
        <button
            type="button"
            id=id
            class="switch"
            role="switch"
            aria-describedby=described
            aria-invalid=invalid
            data-testid="setting-value"
            aria-checked=move || if on() { "true" } else { "false" }
            on:click=move |_| on_value.run(if value.with_untracked(|value| value == "yes") { "no".into() } else { "yes".into() })
        >
            <span class="knob" aria-hidden="true"></span>
            {move || if on() { "On" } else { "Off" }}
        </button>
    }
}

fn choice(found: SettingRef, slot: Slot) -> impl IntoView {
    let (described, invalid) = (slot.described(), slot.invalid());
    let Slot { id, value, on_value, .. } = slot;
    let choices = found.setting.value_type.choices();
    let extra = found.setting.extra.iter().map(|extra| (extra.clone(), extra.clone()));
    let known: Vec<(String, String)> =
        choices.iter().map(|choice| (choice.value.clone(), choice.label.clone())).chain(extra).collect();
    let words: Vec<String> = known.iter().map(|(word, _)| word.clone()).collect();
    let options = known.into_iter().map(|(word, label)| {
        let mine = word.clone();
        view! { <option value=word prop:selected=move || value.with(|value| *value == mine)>{label}</option> }
    });
    // Something else stands there, or nothing at all.
    let other = move || {
        let value = value.get();
        (!words.contains(&value)).then(|| {
            let label = if value.is_empty() { "Not set".to_owned() } else { value.clone() };
            view! { <option value=value prop:selected=true>{label}</option> }
        })
    };
    view! {
        <select id=id data-testid="setting-value" aria-describedby=described aria-invalid=invalid on:change:target=move |event| on_value.run(event.target().value())>
            {other}
            {options.collect_view()}
        </select>
    }
}

fn many(found: SettingRef, slot: Slot) -> impl IntoView {
    let described = slot.described();
    let Slot { id, value, on_value, name, .. } = slot;
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
                        let now = value.get_untracked();
                        let mut parts: Vec<&str> = now.split(',').filter(|part| !part.is_empty() && *part != word).collect();
                        if event.target().checked() {
                            parts.push(&word);
                        }
                        on_value.run(parts.join(","));
                    }
                />
                {choice.label.clone()}
            </label>
        }
    });
    view! { <div id=id class="checks" role="group" tabindex="-1" aria-label=name aria-describedby=described data-testid="setting-value">{boxes.collect_view()}</div> }
}

fn line(found: SettingRef, slot: Slot) -> impl IntoView {
    let (described, invalid) = (slot.described(), slot.invalid());
    let Slot { id, value, on_value, placeholder, .. } = slot;
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
                id=id
                type=kind_word
                min=low.filter(|_| number)
                max=high.filter(|_| number)
                inputmode=low.map(|_| "numeric")
                autocomplete=if secret { "new-password" } else { "off" }
                autocapitalize="off"
                spellcheck="false"
                placeholder=(!placeholder.is_empty()).then_some(placeholder)
                aria-describedby=described
                aria-invalid=invalid
                data-testid="setting-value"
                prop:value=move || value.get()
                on:input:target=move |event| on_value.run(event.target().value())
            />
            {kind.unit().map(|unit| view! { <span class="unit">{unit.to_owned()}</span> })}
        </div>
    }
}
