//! Sending a configuration file or a backup package: first what it changes, then changing it.

use contract::rest::{Accepted, Aside, ConfigurationPreview, Preview, RestorePreview, RestoredLayer};
use leptos::prelude::*;

use super::empty::FormError;
use super::form::Sending;
use super::icon::{Icon, Svg};
use super::push::PreviewView;
use crate::api::ApiError;
use crate::catalogue;
use crate::files::Chooser;
use crate::state::use_shared;
use crate::words::{self, counted, phones};

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Configuration,
    Package,
}

/// What a file would change.
#[derive(Clone)]
struct Found {
    line: String,
    /// Setting, before, after.
    edits: Vec<(String, String, String)>,
    warnings: Vec<String>,
    aside: Vec<Aside>,
    /// How many there are; `aside` are the first.
    aside_total: u32,
    changes: bool,
    /// Whom it reaches, and what it interrupts.
    would: Option<Preview>,
    /// What it was opened with; it is applied with the same.
    password: String,
    /// What to say once it is taken over.
    taken: String,
}

fn taken(accepted: Option<&Accepted>) -> String {
    match accepted.map_or(0, |accepted| accepted.phones) {
        0 => "Taken over. No phone has to change for it.".to_owned(),
        count => format!("Taken over. It is on its way to {}.", phones(count)),
    }
}

impl From<ConfigurationPreview> for Found {
    fn from(preview: ConfigurationPreview) -> Self {
        let edit = |one: contract::rest::ConfigurationEdit| {
            let title = catalogue::title_of(&one.key, &one.title);
            (title, one.before, one.after)
        };
        let count = preview.changes.len();
        Self {
            line: format!("{}, {} so already.", counted(count, "value changes", "values change"), preview.unchanged),
            changes: count > 0,
            taken: taken(preview.accepted.as_ref()),
            edits: preview.changes.into_iter().map(edit).collect(),
            warnings: preview.warnings,
            aside: preview.aside,
            aside_total: preview.aside_total,
            // Its values are listed already.
            would: preview.would.map(|would| Preview { keys: Vec::new(), ..would }),
            password: String::new(),
        }
    }
}

impl From<RestorePreview> for Found {
    fn from(preview: RestorePreview) -> Self {
        let RestorePreview { set, removed, unchanged, layers, aside, aside_total, would, accepted } = preview;
        let edit = |one: RestoredLayer| {
            let after = format!("{} set, {} removed", one.set, one.removed);
            (format!("{} {}", words::layer(one.layer).word, one.name), String::new(), after)
        };
        Self {
            line: format!(
                "{}, {removed} removed, {unchanged} so already.",
                counted(set as usize, "value set", "values set")
            ),
            changes: set + removed > 0,
            taken: taken(accepted.as_ref()),
            edits: layers.into_iter().map(edit).collect(),
            warnings: Vec::new(),
            aside,
            aside_total,
            would: would.filter(|would| would.phones > 0),
            password: String::new(),
        }
    }
}

#[component]
pub fn Upload(
    /// What the file is for, as a path of the API: a phone or a property.
    #[prop(into)]
    of: Signal<String>,
    kind: Kind,
    password: RwSignal<String>,
    /// What to say below the password's input.
    error: RwSignal<Option<String>>,
    on_change: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let chooser = Chooser::default();
    let sending = Sending::new();
    let found = RwSignal::new(None::<Found>);
    let choose = NodeRef::<leptos::html::Button>::new();
    let (path, word, testid) = match kind {
        Kind::Configuration => ("configuration/file", "Send a configuration file", "config-upload"),
        Kind::Package => ("restore", "Restore a backup", "config-restore"),
    };
    let at_password = sending.at("password");
    Effect::new(move |_| error.set(at_password.get()));
    let clear = move || {
        found.try_set(None);
        chooser.clear();
    };
    let send = move |apply: bool| {
        let Some(file) = chooser.file() else { return };
        let shown = found.with_untracked(|found| found.as_ref().map(|found| found.password.clone()));
        let password = shown.filter(|_| apply).unwrap_or_else(|| password.get_untracked());
        let (path, opened) = (format!("{}/{path}?apply={apply}", of.get_untracked()), password.clone());
        let upload = async move {
            let answer: Result<Found, ApiError> = match kind {
                Kind::Configuration => {
                    shared.api.upload_locked::<ConfigurationPreview>(&path, &file, &password).await.map(Found::from)
                }
                Kind::Package => {
                    shared.api.upload_locked::<RestorePreview>(&path, &file, &password).await.map(Found::from)
                }
            };
            // Done with it, one way or the other; a wrong password is written anew, and the file is the same.
            if apply || answer.as_ref().is_err_and(|error| error.at("password").is_none()) {
                clear();
            }
            answer
        };
        sending.run(upload, move |preview| {
            if !apply {
                found.try_set(Some(Found { password: opened, ..preview }));
                return;
            }
            shared.say(preview.taken.clone());
            // What could not be put back stays in sight.
            if !preview.aside.is_empty() {
                found.try_set(Some(Found { changes: false, ..preview }));
            }
            on_change.try_run(());
        });
    };
    let shown = move |found: Found| {
        let edits = found.edits.into_iter().map(|(title, before, after)| {
            view! {
                <li><b>{title}</b><span class="preview-group">{(!before.is_empty()).then(|| view! { <span class="value mono">{before}</span> <span aria-hidden="true">"→"</span><span class="sr">" becomes "</span> })} <span class="value mono">{after}</span></span></li>
            }
        });
        let aside = (!found.aside.is_empty()).then(|| {
            let row = |one: Aside| view! { <li>{format!("{}: {}", [one.name, one.place].join(" ").trim_end(), one.reason)}</li> };
            view! {
                <details class="more"><summary>{format!("{} not taken", counted(found.aside_total as usize, "entry is", "entries are"))}</summary>
                    <ul>{found.aside.into_iter().map(row).collect_view()}</ul>
                </details>
            }
        });
        let warnings = found
            .warnings
            .into_iter()
            .map(|text| view! { <p class="note"><Svg icon=Icon::Alert/> <span>{text}</span></p> });
        view! {
            <div class="stack" data-testid=format!("{testid}-preview")>
                <p role="status"><b>{found.line}</b></p>
                {warnings.collect_view()}
                <ul class="changes">{edits.collect_view()}</ul>
                {aside}
                {found.would.map(|preview| view! { <PreviewView preview/> })}
                <div class="row">
                    {found.changes.then(|| view! {
                        <button type="button" class="button primary" data-testid=format!("{testid}-apply") disabled=move || sending.busy.get() on:click=move |_| send(true)>"Take it over"</button>
                    })}
                    <button type="button" class="button" on:click=move |_| {
                        clear();
                        if let Some(button) = choose.get_untracked() {
                            let _ = button.focus();
                        }
                    }>{if found.changes { "Leave it" } else { "Close" }}</button>
                </div>
            </div>
        }
    };
    view! {
        <div class="stack">
            <input node_ref=chooser.0 type="file" class="sr" tabindex="-1" aria-label=word data-testid=testid on:change=move |_| send(false)/>
            <div class="row">
                <button type="button" class="button" node_ref=choose disabled=move || sending.busy.get() on:click=move |_| chooser.open()>
                    <Svg icon=Icon::Upload/>{move || if sending.busy.get() { "Reading it…" } else { word }}
                </button>
                <span class="help">"You see what it changes before anything is changed."</span>
            </div>
            <FormError error=sending.error fields=&["password"]/>
            <Show when=move || at_password.with(Option::is_some)>
                <div class="row"><button type="button" class="button" data-testid=format!("{testid}-again") on:click=move |_| send(false)>"Try the same file again"</button></div>
            </Show>
            {move || found.get().map(shown)}
        </div>
    }
}
