//! Values that were changed at the phone itself: keep them, bring ours back, or make them this phone's own.

use std::collections::BTreeMap;

use contract::rest::{Accepted, ConfigurationValue, DriftChoice, DriftDecision, ValueOwner, ValueState};
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use crate::catalogue;
use crate::components::chip::Chip;
use crate::components::icon::{Icon, Svg};
use crate::words::{self, counted};

const CHOICES: [(DriftChoice, &str, &str, &str); 3] = [
    (DriftChoice::Restore, "Restore", "Bring back what it should be", "Our value is on its way to the phone."),
    (DriftChoice::Adopt, "Adopt", "Make the phone's value its own setting", "It is this phone's own value now."),
    (DriftChoice::Keep, "Keep", "Leave it as it is and stop showing it", "It is left as it is."),
];

/// Whose value it is, and what becomes of ours.
const fn help(state: ValueState, owner: ValueOwner) -> Option<&'static str> {
    match (owner, state) {
        (ValueOwner::ProtectedUser, _) => {
            Some("Set at the phone and protected there: files leave it as it is. Restore writes ours over it.")
        }
        (_, ValueState::Protected) => Some("The phone protects what its user set: bringing ours back may not last."),
        (ValueOwner::User, _) => Some("Set at the phone by a guest or a technician."),
        (ValueOwner::Bellhop, _) => None,
    }
}

#[component]
pub fn Drifted(values: Memo<Vec<ConfigurationValue>>, on_change: Callback<()>) -> impl IntoView {
    let PhoneScope { shared, id, detail, .. } = use_phone();
    let differs = |value: &ConfigurationValue| {
        matches!(value.state, ValueState::Drift | ValueState::Protected | ValueState::Kept)
    };
    let drifted = Memo::new(move |_| {
        values.with(|values| values.iter().filter(|value| differs(value)).cloned().collect::<Vec<_>>())
    });
    let open = Memo::new(move |_| {
        drifted.with(|values| values.iter().filter(|value| value.state != ValueState::Kept).count())
    });
    let decide = move |keys: Vec<String>, choice: DriftChoice, said: &'static str| {
        shared.run(async move {
            let body = DriftDecision { choices: keys.into_iter().map(|key| (key, choice)).collect::<BTreeMap<_, _>>() };
            shared.api.post::<_, Accepted>(&format!("/phones/{id}/drift"), &body).await?;
            shared.say(said);
            detail.reload();
            on_change.try_run(());
            Ok(())
        });
    };
    let row = move |value: ConfigurationValue| {
        let title = catalogue::title_of(&value.key, &value.title);
        let shown = |text: &Option<String>| match text.as_deref() {
            None => "not set".to_owned(),
            Some(text) => catalogue::said(&value.key, text),
        };
        let desired = shown(&value.desired);
        let reported = match (&value.reported, value.secret) {
            (Some(_), false) => {
                view! { ", the phone says " <span class="value mono">{shown(&value.reported)}</span> }.into_any()
            }
            (_, true) => ", the phone has another, which it does not show".into_any(),
            (None, false) => ", was set at the phone, which has not said to what".into_any(),
        };
        let help = help(value.state, value.owner);
        let key = value.key.clone();
        let kept = value.state == ValueState::Kept;
        // What the phone has not said can neither become its setting nor be kept.
        let offered = |choice: DriftChoice| match choice {
            DriftChoice::Keep => !kept && (value.reported.is_some() || value.secret),
            DriftChoice::Adopt => value.reported.is_some() && !value.secret,
            DriftChoice::Restore => true,
        };
        let buttons = CHOICES.into_iter().filter(|(choice, ..)| offered(*choice)).map(|(choice, word, help, said)| {
            let key = key.clone();
            view! {
                <button type="button" class="button small" title=help aria-label=format!("{word}: {title}") data-testid=format!("drift-{}", choice.as_str())
                    on:click=move |_| decide(vec![key.clone()], choice, said)>{word}</button>
            }
        });
        let buttons = buttons.collect_view();
        view! {
            <li class="setting" data-testid="drift" data-key=value.key.clone()>
                <div class="grow">
                    <p class="row wrap"><b>{title.clone()}</b> <Chip look=words::value(value.state)/></p>
                    <p>"Should be " <span class="value mono">{desired}</span> {reported}</p>
                    {help.map(|help| view! { <p class="help">{help}</p> })}
                </div>
                <div class="row wrap" role="group" aria-label=format!("What to do with {title}")>{buttons}</div>
            </li>
        }
    };
    let all = move |_| {
        let keys = drifted.with_untracked(|values| {
            values.iter().filter(|value| value.state != ValueState::Kept).map(|value| value.key.clone()).collect()
        });
        decide(keys, DriftChoice::Restore, "Our values are on their way to the phone.");
    };
    view! {
        <div aria-live="polite">
            <Show when=move || drifted.with(|values| !values.is_empty())>
                <section class="card settings" aria-labelledby="drift-title">
                    <div class="row between wrap drift-head">
                        <h3 id="drift-title">
                            <Svg icon=Icon::Alert/>" "
                            {move || match open.get() {
                                0 => "Left as the phone has it".to_owned(),
                                count => format!("{} changed at the phone itself", counted(count, "value was", "values were")),
                            }}
                        </h3>
                        <Show when=move || { open.get() > 1 }>
                            <button type="button" class="button small" data-testid="drift-all" on:click=all>"Restore all"</button>
                        </Show>
                    </div>
                    <ul class="plain"><For each=move || drifted.get() key=|value| (value.key.clone(), value.reported.clone(), value.desired.clone(), value.state.as_str()) children=row/></ul>
                </section>
            </Show>
        </div>
    }
}
