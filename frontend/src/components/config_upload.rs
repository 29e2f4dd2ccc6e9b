//! Sending a configuration file or a backup package: first what it changes, then changing it.

use contract::rest::{Accepted, Aside, ConfigurationPreview, RestorePreview};
use leptos::prelude::*;

use super::empty::FormError;
use super::form::Sending;
use super::icon::{Icon, Svg};
use crate::api::ApiError;
use crate::catalogue;
use crate::files::Chooser;
use crate::state::use_shared;
use crate::words::{counted, phones};

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
    changes: bool,
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
        }
    }
}

impl From<RestorePreview> for Found {
    fn from(preview: RestorePreview) -> Self {
        let RestorePreview { set, removed, unchanged, aside, accepted, .. } = preview;
        Self {
            line: format!(
                "{}, {removed} removed, {unchanged} so already.",
                counted(set as usize, "value set", "values set")
            ),
            changes: set + removed > 0,
            taken: taken(accepted.as_ref()),
            edits: Vec::new(),
            warnings: Vec::new(),
            aside,
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
    on_change: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let chooser = Chooser::default();
    let sending = Sending::new();
    let found = RwSignal::new(None::<Found>);
    let (path, word, testid) = match kind {
        Kind::Configuration => ("configuration/file", "Send a configuration file", "config-upload"),
        Kind::Package => ("restore", "Restore a backup", "config-restore"),
    };
    let clear = move || {
        found.try_set(None);
        chooser.clear();
    };
    let send = move |apply: bool| {
        let Some(file) = chooser.file() else { return };
        let (path, password) = (format!("{}/{path}?apply={apply}", of.get_untracked()), password.get_untracked());
        let upload = async move {
            let answer: Result<Found, ApiError> = match kind {
                Kind::Configuration => {
                    shared.api.upload_locked::<ConfigurationPreview>(&path, &file, &password).await.map(Found::from)
                }
                Kind::Package => {
                    shared.api.upload_locked::<RestorePreview>(&path, &file, &password).await.map(Found::from)
                }
            };
            // Done with it, one way or the other.
            if apply || answer.is_err() {
                clear();
            }
            answer
        };
        sending.run(upload, move |preview| {
            if !apply {
                found.try_set(Some(preview));
                return;
            }
            shared.say(preview.taken);
            on_change.try_run(());
        });
    };
    let shown = move |found: Found| {
        let edits = found.edits.into_iter().map(|(title, before, after)| {
            view! {
                <li><b>{title}</b><span class="preview-group"><span class="value mono">{before}</span> <span aria-hidden="true">"→"</span><span class="sr">" becomes "</span> <span class="value mono">{after}</span></span></li>
            }
        });
        let aside = (!found.aside.is_empty()).then(|| {
            let row = |one: Aside| view! { <li>{format!("{} {}: {}", one.name, one.place, one.reason)}</li> };
            view! {
                <details class="more"><summary>{format!("{} not taken", counted(found.aside.len(), "entry is", "entries are"))}</summary>
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
                <div class="row">
                    {found.changes.then(|| view! {
                        <button type="button" class="button primary" data-testid=format!("{testid}-apply") disabled=move || sending.busy.get() on:click=move |_| send(true)>"Take it over"</button>
                    })}
                    <button type="button" class="button" on:click=move |_| clear()>"Leave it"</button>
                </div>
            </div>
        }
    };
    view! {
        <div class="stack">
            <input node_ref=chooser.0 type="file" class="sr" tabindex="-1" aria-label=word data-testid=testid on:change=move |_| send(false)/>
            <div class="row">
                <button type="button" class="button" disabled=move || sending.busy.get() on:click=move |_| chooser.open()>
                    <Svg icon=Icon::Upload/>{move || if sending.busy.get() { "Reading it…" } else { word }}
                </button>
                <span class="help">"You see what it changes before anything is changed."</span>
            </div>
            <FormError error=sending.error fields=&[]/>
            {move || found.get().map(shown)}
        </div>
    }
}
