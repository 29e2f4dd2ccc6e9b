//! Setting one value: pick the setting, enter a value the catalogue allows, send it.

use std::collections::BTreeMap;

use contract::rest::{Accepted, LayerChange, SECRET_MASK};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::dial_plan_tester::DialPlanTester;
use super::empty::FormError;
use super::field::TextField;
use super::icon::{Icon, Svg};
use super::setting_input::SettingInput;
use super::setting_picker::SettingPicker;
use crate::api::ApiError;
use crate::catalogue;
use crate::state::use_shared;

/// What the editor starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Empty: to be picked.
    pub key: String,
    pub value: String,
    pub locked: bool,
    pub reason: String,
}

#[component]
pub fn SettingEditor(
    /// Where the change goes, for example `/phones/{id}/settings`.
    #[prop(into)]
    path: String,
    draft: Draft,
    /// Whether values of this layer can be locked.
    lockable: bool,
    /// The setting is not to be swapped for another.
    #[prop(optional)]
    fixed: bool,
    on_accepted: Callback<Accepted>,
    on_cancel: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let path = StoredValue::new(path);
    let key = RwSignal::new(draft.key);
    let value = RwSignal::new(match draft.value {
        value if value == SECRET_MASK => String::new(),
        value if value.is_empty() => catalogue::initial(&key.get_untracked()),
        value => value,
    });
    let (locked, reason) = (RwSignal::new(draft.locked), RwSignal::new(draft.reason));
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let wrong = RwSignal::new(None::<String>);
    // Once refused, the hint follows what is typed.
    Effect::new(move |_| {
        let (key, value) = (key.get(), value.get());
        if wrong.with_untracked(Option::is_some) {
            wrong.set(refusal(&key, &value));
        }
    });
    let pick = Callback::new(move |picked: String| {
        value.set(catalogue::initial(&picked));
        error.set(None);
        wrong.set(None);
        key.set(picked);
    });
    let save = move || {
        let (key, text) = (key.get_untracked(), value.get_untracked());
        let canonical = match settings::validate(&key, &text) {
            Ok(canonical) => canonical,
            Err(_) => return wrong.set(refusal(&key, &text)),
        };
        let body = LayerChange {
            values: BTreeMap::from([(key, Some(canonical))]),
            locked: locked.get_untracked(),
            reason: if locked.get_untracked() { reason.get_untracked().trim().to_owned() } else { String::new() },
            ..LayerChange::default()
        };
        if body.locked && body.reason.is_empty() {
            let mut problem =
                ApiError::local("required", "Something is missing.", "Say why: people who are refused will read it.");
            problem.0.field = Some("reason".into());
            return error.set(Some(problem));
        }
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = shared.api.put::<_, Accepted>(&path.get_value(), &body).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(accepted) => drop(on_accepted.try_run(accepted)),
                Err(problem) => drop(error.try_set(Some(problem))),
            }
        });
    };
    let reason_error = Signal::derive(move || error.get().and_then(|error| error.at("reason")));
    let lock = move || {
        lockable.then(|| {
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        data-testid="setting-lock"
                        prop:checked=move || locked.get()
                        on:change:target=move |event| locked.set(event.target().checked())
                    />
                    "Lock: rooms and phones cannot override it"
                </label>
                <Show when=move || locked.get()>
                    <TextField id="lock-reason" label="Why it is locked" help="Shown to whoever tries to change it." value=reason error=reason_error testid="lock-reason"/>
                </Show>
            }
        })
    };
    let form = move || {
        let found = catalogue::find(&key.get())?;
        Some(view! {
            <form
                class="stack"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    if !busy.get_untracked() {
                        save();
                    }
                }
            >
                <div>
                    <h3>{catalogue::title(found)}</h3>
                    <p class="quiet-text">{found.setting.page.clone()} " · " <span class="mono">{found.key()}</span></p>
                    <p>{found.setting.help.clone()} " " {catalogue::effect(found)}</p>
                    {found.setting.unsupported.clone().map(|why| view! { <p class="note"><Svg icon=Icon::Alert/> {why}</p> })}
                </div>
                <SettingInput found value on_value=Callback::new(move |text| value.set(text)) error=wrong/>
                {found.key().ends_with(".call.dialplan").then(|| view! { <DialPlanTester plan=value/> })}
                {lock()}
                <FormError error fields=&["reason"]/>
                <div class="row">
                    <button type="submit" class="button primary" data-testid="setting-save" disabled=move || busy.get()>
                        {move || if busy.get() { "Saving…" } else { "Save" }}
                    </button>
                    <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
                    {(!fixed).then(|| view! { <button type="button" class="button quiet" on:click=move |_| key.set(String::new())>"Another setting"</button> })}
                </div>
            </form>
        })
    };
    let picker = move || {
        key.with(String::is_empty).then(|| {
            view! {
                <div class="stack">
                    <SettingPicker on_pick=pick/>
                    <div class="row">
                        <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
                    </div>
                </div>
            }
        })
    };
    view! {
        <section
            class="card editor"
            aria-label="Set a value"
            data-testid="setting-editor"
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_cancel.run(());
                }
            }
        >
            {picker}
            {form}
        </section>
    }
}

/// Why the value cannot be set, without repeating the key the person is looking at.
fn refusal(key: &str, value: &str) -> Option<String> {
    match settings::validate(key, value) {
        Ok(_) => None,
        Err(settings::SettingError::Invalid { reason, .. }) => Some(format!("This value {reason}.")),
        Err(error) => Some(format!("{error}.")),
    }
}
