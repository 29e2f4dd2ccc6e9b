//! Setting one value at once, where one looks at just that: a value the catalogue allows, checked while it is typed.

use std::collections::BTreeMap;

use contract::rest::{Accepted, LayerChange, SECRET_MASK};
use leptos::prelude::*;
use settings::ValueType;

use super::dial_plan_tester::DialPlanTester;
use super::empty::FormError;
use super::form::Sending;
use super::icon::{Icon, Svg};
use super::setting_input::SettingInput;
use super::template::refusal;
use crate::catalogue;
use crate::state::use_shared;

#[component]
pub fn SettingEditor(
    /// Where the change goes, for example `/phones/{id}/settings`.
    #[prop(into)]
    path: String,
    #[prop(into)] key: String,
    /// What it is now.
    #[prop(into, optional)]
    value: String,
    on_accepted: Callback<Accepted>,
    on_cancel: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let found = catalogue::find(&key)?;
    let (path, key) = (StoredValue::new(path), StoredValue::new(key));
    let value = RwSignal::new(match value {
        value if value == SECRET_MASK => String::new(),
        value if value.is_empty() => key.with_value(|key| catalogue::initial(key)),
        value => value,
    });
    let sending = Sending::new();
    let wrong = RwSignal::new(None::<String>);
    let refused = move |text: &str| key.with_value(|key| refusal(key, text));
    // Once refused, the hint follows what is typed.
    Effect::new(move |_| {
        let text = value.get();
        if wrong.with_untracked(Option::is_some) {
            wrong.set(refused(&text));
        }
    });
    let save = move || {
        let text = value.get_untracked();
        if let Some(why) = refused(&text) {
            return wrong.set(Some(why));
        }
        // As the catalogue writes it; one with variables as it is.
        let canonical = settings::validate(&key.get_value(), &text).unwrap_or(text);
        let body =
            LayerChange { values: BTreeMap::from([(key.get_value(), Some(canonical))]), ..LayerChange::default() };
        let keep = async move { shared.api.put::<_, Accepted>(&path.get_value(), &body).await };
        sending.run(keep, move |accepted| {
            on_accepted.try_run(accepted);
        });
    };
    Some(view! {
        <form
            class="card editor stack"
            novalidate
            aria-label="Set a value"
            data-testid="setting-editor"
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_cancel.run(());
                }
            }
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
        >
            <div>
                <h3>{catalogue::title(found)}</h3>
                <p class="quiet-text">{found.setting.page.clone()} " · " <span class="mono">{found.key()}</span></p>
                <p>{found.setting.help.clone()} " " {catalogue::effect(found)}</p>
                {found.setting.unsupported.clone().map(|why| view! { <p class="note"><Svg icon=Icon::Alert/> {why}</p> })}
            </div>
            <SettingInput found value on_value=Callback::new(move |text| value.set(text)) error=wrong/>
            {matches!(found.setting.value_type, ValueType::DialPlan).then(|| view! { <DialPlanTester plan=value/> })}
            <FormError error=sending.error fields=&[]/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="setting-save" disabled=move || sending.busy.get()>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
        </form>
    })
}
