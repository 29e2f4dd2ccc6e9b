//! What holds for every phone of a property, and how far the last change has come.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::rest::{Accepted, LayerChange, LayerValue, LayerValues, Progress, SECRET_MASK};
use leptos::prelude::*;

use super::property::use_scope;
use crate::app::use_title;
use crate::catalogue;
use crate::components::age::Ago;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::progress::ProgressBar;
use crate::components::setting_editor::{Draft, SettingEditor};
use crate::live::{use_live, use_live_stream};
use crate::load::use_load;
use crate::state::use_shared;

#[component]
pub fn PropertySettingsPage() -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let Some(scope) = use_scope() else { return ().into_any() };
    let id = scope.0;
    let name = move || shared.property(id.get()).map(|p| p.name);
    use_title(move || format!("Settings of {}", name().unwrap_or_default()));
    Effect::new(move |_| live.watch(Some(id.get()), None));
    let values =
        use_load(move || id.get(), move |id| shared.api.get_owned::<LayerValues>(format!("/properties/{id}/settings")));
    let progress =
        use_load(move || id.get(), move |id| shared.api.get_owned::<Progress>(format!("/properties/{id}/progress")));
    let waiting = StoredValue::new(false);
    use_live(move |change| {
        if change.reload {
            values.reload();
        }
        // Counted by the server; asked for at most every second while changes come in.
        let concerns = change.reload || change.room.is_some() || change.phone.is_some() || change.job.is_some();
        if concerns && !waiting.get_value() {
            waiting.set_value(true);
            set_timeout(
                move || {
                    waiting.try_set_value(false);
                    progress.reload();
                },
                Duration::from_secs(1),
            );
        }
    });
    let zone = Signal::derive(move || shared.zone(Some(id.get())));
    let editing = RwSignal::new(None::<Draft>);
    let accepted = Callback::new(move |accepted: Accepted| {
        editing.set(None);
        shared.say(match accepted.phones {
            0 => "Saved.".to_owned(),
            1 => "Saved. The change is on its way to 1 phone.".to_owned(),
            many => format!("Saved. The change is on its way to {many} phones."),
        });
        values.reload();
        progress.reload();
    });
    let path = move || format!("/properties/{}/settings", id.get_untracked());
    let remove = Callback::new(move |key: String| {
        let path = path();
        shared.run(async move {
            let body = LayerChange { values: BTreeMap::from([(key, None)]), ..LayerChange::default() };
            accepted.try_run(shared.api.put::<_, Accepted>(&path, &body).await?);
            Ok(())
        });
    });
    let edit = Callback::new(move |draft: Draft| {
        editing.set(Some(draft));
        request_animation_frame(|| {
            window().scroll_to_with_x_and_y(0.0, 0.0);
            crate::app::focus("setting-value");
        });
    });
    let list = move |layer: RwSignal<LayerValues>| {
        let pages = Memo::new(move |_| {
            let mut pages: BTreeMap<String, Vec<LayerValue>> = BTreeMap::new();
            for value in layer.get().values {
                pages.entry(value.page.clone()).or_default().push(value);
            }
            pages
        });
        view! {
            <Show
                when=move || pages.with(|pages| !pages.is_empty())
                fallback=move || view! {
                    <Show when=move || editing.with(Option::is_none)>
                        <Empty icon=Icon::Settings title="Nothing set for this property">
                            <p>"All phones follow the chain and their model's defaults. Values set here hold for every phone of this property."</p>
                            <button type="button" class="button primary" on:click=move |_| editing.set(Some(Draft::default()))>"Add a setting"</button>
                        </Empty>
                    </Show>
                }
            >
                {move || pages.get().into_iter().map(|(page, values)| view! {
                    <section class="card settings" aria-label=page.clone()>
                        <h2>{page.clone()}</h2>
                        <ul class="plain">
                            {values.into_iter().map(|value| view! { <Value value zone on_edit=edit on_remove=remove/> }).collect_view()}
                        </ul>
                    </section>
                }).collect_view()}
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>"Settings"</h1>
                    <p class="quiet-text">{move || name().map(|name| format!("For every phone of {name}"))}</p>
                </div>
                <Show when=move || editing.with(Option::is_none)>
                    <button type="button" class="button primary" data-testid="set-value" on:click=move |_| editing.set(Some(Draft::default()))>
                        <Svg icon=Icon::Plus/>
                        "Add a setting"
                    </button>
                </Show>
            </header>
            {progress.view(|| ().into_any(), |progress| view! { <ProgressBar progress/> }.into_any())}
            {move || editing.get().map(|draft| view! {
                <SettingEditor path=path() draft lockable=true on_accepted=accepted on_cancel=Callback::new(move |()| editing.set(None))/>
            })}
            {values.view(skeleton_list, list)}
        </div>
    }
    .into_any()
}

#[component]
fn Value(
    value: LayerValue,
    zone: Signal<String>,
    on_edit: Callback<Draft>,
    on_remove: Callback<String>,
) -> impl IntoView {
    let title = catalogue::find(&value.key).map_or_else(|| value.title.clone(), catalogue::title);
    let shown = if value.secret { SECRET_MASK.to_owned() } else { catalogue::shown(&value.key, &value.value) };
    let draft = Draft {
        key: value.key.clone(),
        value: value.value.clone(),
        locked: value.locked,
        reason: value.reason.clone(),
    };
    let (key, reason) = (value.key.clone(), value.reason.clone());
    let lock = value.locked.then(|| {
        let why = if reason.is_empty() { "Locked".to_owned() } else { format!("Locked: {reason}") };
        view! { <span class="chip tone-violet"><Svg icon=Icon::Lock/>{why}</span> }
    });
    view! {
        <li class="setting" data-testid="value-row" data-key=value.key.clone()>
            <div class="grow">
                <b>{title.clone()}</b>
                <p class="mono quiet-text">{value.key.clone()}</p>
                <p class="quiet-text">"Changed " <Ago at=value.changed_at zone=zone/> " by " {value.changed_by.clone()}</p>
            </div>
            <div class="row wrap">
                {lock}
                <span class="value mono">{if shown.is_empty() { "empty".to_owned() } else { shown }}</span>
                <button type="button" class="icon-button" title="Change" aria-label=format!("Change {title}") on:click=move |_| on_edit.run(draft.clone())>
                    <Svg icon=Icon::Edit/>
                </button>
                <ConfirmButton
                    label="Remove"
                    icon=Icon::Trash
                    question="Remove it here? Each phone falls back to the layer below."
                    yes="Remove"
                    on_yes=Callback::new(move |()| on_remove.run(key.clone()))
                />
            </div>
        </li>
    }
}
