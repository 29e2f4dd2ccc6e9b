//! What is known of one parameter or object, and what one can do with it.

use contract::JobId;
use contract::rest::{Accepted, AttributeEdit, JobView, ParameterEdit, ParameterNode, SECRET_MASK, Task};
use leptos::prelude::*;

use super::parameter_value::{ParameterInput, refusal};
use super::parameters::paths;
use super::scope::{PhoneScope, use_phone};
use super::tree::name;
use super::tree_keys::focus_row;
use crate::catalogue;
use crate::components::confirm::ConfirmButton;
use crate::components::copy::CopyButton;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::job_card::JobCard;
use crate::components::setting_editor::SettingEditor;
use crate::time::in_zone;

/// Off, passive and active (TR-069 A.3.2.5), in words.
const NOTIFICATIONS: [&str; 3] = ["Off", "Passive: told with the next session", "Active: told at once"];

#[component]
pub fn Pane(
    node: Memo<Option<ParameterNode>>,
    chosen: RwSignal<Option<String>>,
    waits: Memo<Vec<(JobId, Vec<String>)>>,
) -> impl IntoView {
    let scope = use_phone();
    let path = Memo::new(move |_| node.with(|node| node.as_ref().map(|node| node.path.clone())).unwrap_or_default());
    let close = move || {
        let path = path.get_untracked();
        chosen.set(None);
        focus_row(&path);
    };
    let keys = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close();
        }
    };
    let body = move || {
        let path = path.get();
        (!path.is_empty()).then(|| view! { <Chosen path node waits scope/> })
    };
    view! {
        <aside class="pane card stack" aria-labelledby="pane-title" data-testid="pane" data-path=move || path.get() on:keydown=keys>
            <div class="row between">
                <h2 id="pane-title">{move || name(&path.get()).trim_end_matches('.').to_owned()}</h2>
                <button type="button" class="icon-button" aria-label="Close" title="Close (Esc)" data-testid="pane-close" on:click=move |_| close()>
                    <Svg icon=Icon::Close/>
                </button>
            </div>
            {body}
        </aside>
    }
}

/// Built anew for each path, so that nothing typed for one is left for the next.
#[component]
fn Chosen(
    path: String,
    node: Memo<Option<ParameterNode>>,
    waits: Memo<Vec<(JobId, Vec<String>)>>,
    scope: PhoneScope,
) -> impl IntoView {
    let editing = RwSignal::new(false);
    let path = StoredValue::new(path);
    let busy = Memo::new(move |_| {
        path.with_value(|path| waits.with(|waits| waits.iter().any(|(_, paths)| paths.iter().any(|one| one == path))))
    });
    let latest = Memo::new(move |_| {
        path.with_value(|path| {
            let about =
                |job: &&JobView| job.task.as_ref().and_then(paths).is_some_and(|all| all.contains(&path.as_str()));
            scope.jobs.with(|jobs| jobs.iter().find(about).cloned())
        })
    });
    let give = move |task: Task, done: &'static str| scope.give(task, done);
    let refresh = move |_| give(Task::Refresh { path: path.get_value() }, "The phone is asked for it.");
    let setting = Memo::new(move |_| node.with(|node| node.as_ref().and_then(|node| node.setting.clone())));
    let help = move || {
        let found = catalogue::find(&setting.get()?)?;
        Some(view! { <p class="help"><b>{catalogue::title(found)}</b> ". " {found.setting.help.clone()}</p> })
    };
    let can = Memo::new(move |_| node.with(|node| node.as_ref().map(|node| (node.object, node.writable))));
    let leaf = move || can.get().is_some_and(|(object, _)| !object);
    let writable_leaf = move || can.get() == Some((false, true));
    let instance = path.with_value(|path| name(path).trim_end_matches('.').bytes().all(|byte| byte.is_ascii_digit()));
    let reload = Callback::new(move |()| scope.detail.reload());
    let saved = Callback::new(move |()| editing.set(false));
    view! {
        <p class="row path"><span class="mono grow">{path.get_value()}</span> <CopyButton text=Signal::derive(move || path.get_value()) what="the path"/></p>
        <Show when=move || !editing.get()>
            {help}
            {move || node.get().map(|node| view! { <Facts node zone=scope.zone/> })}
            <div class="row wrap">
                <Show when=writable_leaf>
                    <button type="button" class="button primary" data-testid="parameter-edit" on:click=move |_| {
                        editing.set(true);
                        request_animation_frame(|| {
                            crate::app::focus("parameter-value");
                            crate::app::focus("setting-value");
                        });
                    }>
                        <Svg icon=Icon::Edit/>
                        "Edit"
                    </button>
                </Show>
                <button type="button" class="button" data-testid="parameter-refresh" disabled=move || busy.get() on:click=refresh>
                    {move || view! { <span class="spin-box" class:spin=busy.get()><Svg icon=Icon::Sync/></span> }}
                    {move || if busy.get() { "Waits for the phone…" } else { "Refresh here" }}
                </button>
                {move || (can.get() == Some((true, true))).then(|| if instance {
                    view! {
                        <ConfirmButton
                            label="Delete" icon=Icon::Trash question="Delete this entry on the phone?" yes="Delete"
                            on_yes=Callback::new(move |()| give(Task::DeleteObject { object: path.get_value() }, "The phone is asked to delete it."))
                            testid="object-delete"
                        />
                    }.into_any()
                } else {
                    view! {
                        <button type="button" class="button" data-testid="object-add" on:click=move |_| give(Task::AddObject { object: path.get_value() }, "The phone is asked for a new entry.")>
                            <Svg icon=Icon::Plus/>
                            "Add an entry"
                        </button>
                    }.into_any()
                })}
            </div>
        </Show>
        {move || editing.get().then(|| node.get_untracked()).flatten().map(|node| match node.setting.clone().filter(|key| catalogue::find(key).is_some()) {
            Some(key) => view! { <ByCatalogue key node scope on_done=saved/> }.into_any(),
            None => view! { <ByType node scope on_done=saved/> }.into_any(),
        })}
        <Show when=move || leaf() && !editing.get()>
            <Notification path=path.get_value() node scope/>
        </Show>
        {move || latest.get().map(|first| {
            let job = Memo::new(move |_| latest.get().unwrap_or_else(|| first.clone()));
            view! {
                <section class="stack" aria-labelledby="pane-job">
                    <h3 id="pane-job">"Latest task"</h3>
                    <JobCard job zone=scope.zone on_change=reload/>
                </section>
            }
        })}
    }
}

#[component]
fn Facts(node: ParameterNode, #[prop(into)] zone: Signal<String>) -> impl IntoView {
    let secret = node.value.as_deref() == Some(SECRET_MASK);
    let text = |text: &str| if text.is_empty() { "empty".to_owned() } else { text.to_owned() };
    let value = (!node.object).then(|| match node.value.as_deref() {
        None => "not read yet; refresh it".to_owned(),
        Some(_) if secret => "secret; never shown".to_owned(),
        Some(value) => text(value),
    });
    let was = node.previous.as_deref().map(text);
    let (changed_at, read_at) = (node.changed_at, node.read_at);
    let when = move |at: Option<contract::Timestamp>| {
        at.map_or_else(|| "never".to_owned(), |at| in_zone(at, &zone.get(), true))
    };
    let access = match (node.object, node.writable) {
        (true, true) => Some("Entries can be added or deleted"),
        (true, false) => None,
        (false, true) => Some("Writable"),
        (false, false) => Some("Read-only"),
    };
    view! {
        <dl class="facts one">
            {value.map(|value| view! { <div><dt>"Value"</dt><dd class="mono" data-testid="pane-value">{value}</dd></div> })}
            {was.map(|was| view! { <div><dt>"Before"</dt><dd class="mono" data-testid="pane-was">{was}</dd></div> })}
            {changed_at.map(|_| view! { <div><dt>"Change found"</dt><dd>{move || when(changed_at)}</dd></div> })}
            {(!node.xsd_type.is_empty()).then(|| view! { <div><dt>"Type"</dt><dd>{node.xsd_type.clone()}</dd></div> })}
            {access.map(|access| view! { <div><dt>"Access"</dt><dd>{access}</dd></div> })}
            <div><dt>"Last read"</dt><dd data-testid="pane-read-at">{move || when(read_at)}</dd></div>
        </dl>
    }
}

/// A setting of the catalogue: it becomes this phone's own value, checked by the catalogue's rule, and stays so. What the
/// phone then says is read into the tree.
#[component]
fn ByCatalogue(key: String, node: ParameterNode, scope: PhoneScope, on_done: Callback<()>) -> impl IntoView {
    let value = node.value.as_deref().unwrap_or_default();
    let plain = settings::value_from_path(&node.path, value);
    let value = settings::validate(&key, plain).unwrap_or_else(|_| plain.to_owned());
    let path = StoredValue::new(node.path.clone());
    let accepted = Callback::new(move |accepted: Accepted| {
        scope.give(Task::Refresh { path: path.get_value() }, "Saved. The change is on its way to the phone.");
        scope.detail.touch(|detail| {
            for job in accepted.jobs.into_iter().filter(|job| job.phone == scope.id) {
                if detail.jobs.iter().all(|old| old.id != job.id) {
                    detail.jobs.insert(0, job);
                }
            }
        });
        on_done.run(());
    });
    view! {
        <SettingEditor
            path=scope.path("settings") key value
            on_accepted=accepted on_cancel=on_done
        />
    }
}

/// Any other parameter: sent as it is, by its type.
#[component]
fn ByType(node: ParameterNode, scope: PhoneScope, on_done: Callback<()>) -> impl IntoView {
    let secret = node.value.as_deref() == Some(SECRET_MASK);
    let value = RwSignal::new(node.value.clone().filter(|_| !secret).unwrap_or_default());
    let (sending, wrong) = (Sending::new(), RwSignal::new(None::<String>));
    let (path, kind) = (StoredValue::new(node.path), StoredValue::new(node.xsd_type.clone()));
    // Once refused, the hint follows what is typed.
    Effect::new(move |_| {
        let now = value.get();
        if wrong.with_untracked(Option::is_some) {
            wrong.set(kind.with_value(|kind| refusal(kind, &now)));
        }
    });
    let save = move || {
        let text = value.get_untracked();
        wrong.set(kind.with_value(|kind| refusal(kind, &text)));
        if wrong.with_untracked(Option::is_some) {
            return;
        }
        let edit = ParameterEdit { path: path.get_value(), value: text, xsd_type: kind.get_value() };
        let order = async move { scope.order(&Task::SetParameters { values: vec![edit] }).await };
        sending.run(order, move |_| {
            scope.shared.say("The change is on its way to the phone.");
            on_done.try_run(());
        });
    };
    view! {
        <form class="stack" novalidate data-testid="parameter-editor" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <ParameterInput xsd_type=node.xsd_type value error=wrong/>
            <FormError error=sending.error fields=&[]/>
            <div class="row wrap">
                <button type="submit" class="button primary" data-testid="parameter-save" disabled=move || sending.busy.get()>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_done.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

/// Whether the phone tells of changes of this parameter by itself.
#[component]
fn Notification(path: String, node: Memo<Option<ParameterNode>>, scope: PhoneScope) -> impl IntoView {
    let now = Memo::new(move |_| node.with(|node| node.as_ref().and_then(|node| node.notification)));
    let path = StoredValue::new(path);
    let choose = move |notification: u32| {
        let attributes = vec![AttributeEdit { path: path.get_value(), notification }];
        scope.give(Task::SetAttributes { attributes }, "The phone is asked to change it.");
    };
    let options = move || {
        let unknown =
            now.get().is_none().then(|| view! { <option value="" selected=true disabled=true>"Not read yet"</option> });
        let words = NOTIFICATIONS.iter().zip(0_u32..).map(|(word, number)| {
            view! { <option value=number selected=now.get() == Some(number)>{*word}</option> }
        });
        view! { {unknown} {words.collect_view()} }
    };
    view! {
        <div class="field">
            <label for="parameter-notification">"When it changes at the phone"</label>
            <select
                id="parameter-notification"
                data-testid="parameter-notification"
                on:change:target=move |event| {
                    if let Ok(number) = event.target().value().parse() {
                        choose(number);
                    }
                }
            >
                {options}
            </select>
        </div>
    }
}
