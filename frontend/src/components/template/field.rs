//! One setting in the editor of a layer: its value here, where it would come from otherwise, its lock, and what is
//! wrong with it.

use contract::rest::{Layer, LayerValue};
use leptos::prelude::*;

use super::below::Below;
use super::draft::{Said, refusal, wrong};
use super::lock::Lock;
use super::scope::EditorScope;
use super::variables::VariablePicker;
use crate::app::focus;
use crate::catalogue;
use crate::components::age::Ago;
use crate::components::chip::Chip;
use crate::components::dial_plan_tester::DialPlanTester;
use crate::components::icon::{Icon, Svg};
use crate::components::setting_input::SettingInput;
use crate::words;

#[component]
pub fn SettingField(key: String, scope: EditorScope) -> impl IntoView {
    let found = catalogue::find(&key)?;
    let EditorScope { layer, here, ground, draft, notes, .. } = scope;
    let name = StoredValue::new(key.clone());
    let key = move || name.get_value();
    let set = Memo::new(move |_| here.with(|here| here.get(&key()).cloned()));
    let now = Memo::new(move |_| set.with(|set: &Option<LayerValue>| set.as_ref().map(Said::of).unwrap_or_default()));
    let edit = Memo::new(move |_| draft.with(|draft| draft.get(&key()).cloned()));
    let said = Memo::new(move |_| edit.get().unwrap_or_else(|| now.get()));
    let below = Memo::new(move |_| ground.with(|ground| ground.value(&key())));
    let barred = Memo::new(move |_| below.get().filter(|below| below.locked));
    let secret = found.setting.secret;
    let value = Signal::derive(move || {
        let said = said.get();
        match said.value {
            Some(_) if said.masked() => String::new(),
            Some(value) => value,
            None if secret => String::new(),
            None => below.get().map(|below| below.value).unwrap_or_default(),
        }
    });
    let wish = move |change: &dyn Fn(&mut Said)| {
        let now = now.get_untracked();
        let mut said = said.get_untracked();
        change(&mut said);
        draft.update(|draft| draft.wish(&key(), said, &now));
    };
    let on_value = Callback::new(move |text: String| {
        // An emptied password field means the password that is there, not none.
        if secret && text.is_empty() {
            return wish(&|said| said.value.clone_from(&now.get_untracked().value));
        }
        wish(&|said| said.value = Some(text.clone()));
    });
    let error = Signal::derive(move || {
        let said = edit.get()?;
        let value = said.value.as_deref().filter(|_| !said.masked())?;
        refusal(&key(), value)
    });
    let id = format!("value-{}", key());
    let placeholder = move || {
        let set = now.with_untracked(Said::masked);
        if set { "Set; type to replace it" } else { "" }
    };
    let control = move || {
        match barred.get() {
        Some(below) => view! { <Barred below id=id.clone()/> }.into_any(),
        None => view! {
            <SettingInput found value on_value error id=id.clone() label="Value" placeholder=if secret { placeholder() } else { "" }/>
            {catalogue::takes_variables(&found.setting.value_type).then(|| view! {
                <VariablePicker id=id.clone() secret value on_value/>
            })}
        }
        .into_any(),
    }
    };
    // The button that was pressed goes away.
    let back = move || {
        let id = format!("value-{}", key());
        request_animation_frame(move || focus(&id));
    };
    let pin = move |_| {
        let below = below.get_untracked().map(|below| below.value).unwrap_or_default();
        let value = if below.is_empty() { catalogue::initial(&key()) } else { below };
        wish(&|said| said.value = Some(value.clone()));
        back();
    };
    let offered = Memo::new(move |_| {
        let here = said.with(|said| said.value.is_some());
        (barred.with(Option::is_some), edit.with(Option::is_some), here, set.with(Option::is_some))
    });
    let actions = move || {
        let (barred, edited, said_here, was) = offered.get();
        // Under a lock nothing can be set; what stands here can still be taken away.
        view! {
            <div class="row wrap">
                {edited.then(|| view! {
                    <button type="button" class="button small" data-testid="revert" on:click=move |_| {
                        draft.update(|draft| draft.forget(&key()));
                        back();
                    }>"Undo this change"</button>
                })}
                {(!barred && !edited && !said_here && !secret).then(|| view! {
                    <button type="button" class="button small quiet" data-testid="pin" on:click=pin>{format!("Set it {}", here_word(layer))}</button>
                })}
                {(was && said_here).then(|| view! {
                    <button type="button" class="button small quiet" data-testid="remove" on:click=move |_| {
                        wish(&|said| *said = Said::default());
                        back();
                    }>
                        <Svg icon=Icon::Trash/>
                        {format!("Remove {}", here_word(layer))}
                    </button>
                })}
            </div>
        }
    };
    let lockable = layer != Layer::Phone;
    let can_lock =
        Memo::new(move |_| lockable && said.with(|said| said.value.is_some()) && barred.with(Option::is_none));
    let lock = move || {
        can_lock.get().then(|| {
            view! { <Lock key=key() said on_change=Callback::new(move |(locked, reason): (bool, String)| {
                wish(&|said| { said.locked = locked; said.reason.clone_from(&reason); });
            })/> }
        })
    };
    let lock_error = move || {
        let said = edit.get()?;
        let about_value = error.get().is_some();
        wrong(&key(), &said).filter(|_| !about_value).map(|why| view! { <p class="field-error" role="alert">{why}</p> })
    };
    let try_plan = RwSignal::new(false);
    let tester = matches!(found.setting.value_type, settings::ValueType::DialPlan).then(|| {
        let tester_id = format!("try-{}", key());
        view! {
            <button type="button" class="button small quiet" data-testid="try-plan" aria-expanded=move || try_plan.get().to_string()
                on:click=move |_| try_plan.update(|open| *open = !*open)>"Try the plan"</button>
            {move || try_plan.get().then(|| view! { <DialPlanTester plan=value id=tester_id.clone()/> })}
        }
    });
    let notes = move || {
        let notes = notes.with(|notes| notes.get(&key()).cloned().unwrap_or_default());
        notes
            .into_iter()
            .map(|note| view! { <p class="note" data-testid="lint"><Svg icon=Icon::Alert/> <span>{note}</span></p> })
            .collect_view()
    };
    let state = move || match (edit.get(), now.with(|now| now.value.is_some())) {
        (Some(said), _) if said.value.is_none() => "removed",
        (Some(_), _) => "changed",
        (None, true) => "set",
        (None, false) => "inherited",
    };
    let title = catalogue::title(found);
    Some(view! {
        <li class="template-field" data-testid="field" data-key=key() data-state=state>
            <div class="template-about">
                <h4>{title.clone()}</h4>
                <p class="mono quiet-text">{key()}</p>
                <p class="help">{found.setting.help.clone()}</p>
                <p class="quiet-text">{catalogue::effect(found)}</p>
                {found.setting.unsupported.clone().map(|why| view! { <p class="note"><Svg icon=Icon::Alert/> <span>{why}</span></p> })}
            </div>
            <div class="template-control" role="group" aria-label=title>
                <Source scope key=key() said set below/>
                {control}
                {tester}
                {lock}
                {lock_error}
                {notes}
                {actions}
            </div>
        </li>
    })
}

/// `for this phone`, `in this room` and so on.
fn here_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Phone => "for this phone",
        Layer::Room => "in this room",
        _ => "here",
    }
}

/// Where the value comes from and what it overrides.
#[component]
fn Source(
    scope: EditorScope,
    key: String,
    said: Memo<Said>,
    set: Memo<Option<LayerValue>>,
    below: Memo<Option<Below>>,
) -> impl IntoView {
    let EditorScope { layer, ground, zone, .. } = scope;
    let name = StoredValue::new(key);
    let shown = move |below: &Below| {
        let value = name.with_value(|key| catalogue::shown(key, &below.value));
        if value.is_empty() { "nothing".to_owned() } else { value }
    };
    move || {
        let mine = said.with(|said| said.value.clone());
        // A lock further out counts, whatever is said here.
        let barred = below.get().filter(|below| below.locked);
        let here = mine.is_some() && barred.is_none();
        let idle = mine.filter(|_| barred.is_some()).map(|value| {
            let value = name.with_value(|key| catalogue::said(key, &value));
            let text = format!("{value} {} does not count", here_word(layer));
            view! { <span class="quiet-text" data-testid="idle">{text}</span> }
        });
        let under = ground.with(|ground| name.with_value(|key| ground.set(key).to_vec()));
        let chip = if here { layer } else { below.get().map_or(Layer::ModelDefault, |below| below.layer) };
        let from = (!here).then(|| below.get().map(|below| below.name)).flatten().filter(|name| !name.is_empty());
        let others: Vec<Below> = if here { under } else { under.into_iter().skip(1).collect() };
        let overridden = others.iter().map(|below| format!("{} ({})", words::layer(below.layer).word, shown(below)));
        let overridden = overridden.collect::<Vec<_>>().join(", ");
        let changed = set.get().filter(|_| here).map(|set| {
            view! { <span class="quiet-text">"changed " <Ago at=set.changed_at zone=zone/> " by " {set.changed_by}</span> }
        });
        view! {
            <p class="template-source" data-testid="source">
                <Chip look=words::layer(chip)/>
                {from.map(|from| view! { <span class="quiet-text">{from}</span> })}
                {changed}
                {(!overridden.is_empty()).then(|| view! { <span class="quiet-text" data-testid="overrides">{format!("instead of {overridden}")}</span> })}
                {idle}
            </p>
        }
    }
}

/// A layer further out locked it.
#[component]
fn Barred(
    below: Below,
    /// Where the focus goes that would go to the input.
    id: String,
) -> impl IntoView {
    let who = [words::layer(below.layer).word, below.name.as_str()].join(" ");
    let why = if below.reason.is_empty() { String::new() } else { format!(": {}", below.reason) };
    view! {
        <p><span class="value mono">{if below.value.is_empty() { "empty".to_owned() } else { below.value.clone() }}</span></p>
        <p class="note" tabindex="-1" id=id data-testid="barred"><Svg icon=Icon::Lock/> <span>{format!("Locked by {}{why}. Change it there.", who.trim())}</span></p>
    }
}
