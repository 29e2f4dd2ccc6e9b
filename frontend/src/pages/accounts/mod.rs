//! SIP servers, extension pools and SIP accounts of a property.

mod account_form;
mod account_rooms;
mod list;
mod pool_form;
mod pools;
mod server_form;
mod servers;

use std::fmt::Display;

use contract::PropertyId;
use contract::rest::{Accepted, ExtensionPool, SipServer};
use leptos::prelude::*;
use serde::Serialize;

use super::property::use_scope;
use crate::api::{ApiError, Method};
use crate::app::{focus, use_title};
use crate::components::property_tabs::PropertyTabs;
use crate::components::push::dry_run;
use crate::live::use_live_stream;
use crate::load::{Loaded, use_load};
use crate::state::{Shared, use_shared};
use list::Accounts;
use pools::Pools;
use servers::Servers;

/// What the three parts share.
#[derive(Clone, Copy)]
struct Sip {
    shared: Shared,
    property: Memo<PropertyId>,
    servers: Loaded<Vec<SipServer>>,
    pools: Loaded<Vec<ExtensionPool>>,
    /// Counts changes that touch accounts, so that their list is read again.
    changes: RwSignal<u32>,
}

impl Sip {
    fn path(self, rest: &str) -> String {
        format!("/properties/{}/{rest}", self.property.get_untracked())
    }

    /// Changes the server, pool or account with this id, or makes one.
    async fn keep<I: Display, S: Serialize>(self, what: &str, id: Option<I>, spec: S) -> Result<(), ApiError> {
        let path = self.path(what);
        match id {
            Some(id) => self.shared.api.tell_by(Method::PUT, &format!("{path}/{id}"), &spec).await,
            None => self.shared.api.tell(&path, &spec).await,
        }
    }

    /// What a change of the one with this id would do.
    async fn tried<I: Display, S: Serialize>(self, what: &str, id: I, spec: S) -> Result<Accepted, ApiError> {
        self.shared.api.put(&dry_run(&self.path(&format!("{what}/{id}"))), &spec).await
    }

    /// What a form ends with.
    fn saved(self, on_close: Callback<()>) {
        self.shared.say("Saved.");
        self.changed();
        on_close.try_run(());
    }

    fn changed(self) {
        self.servers.reload();
        self.pools.reload();
        self.changes.update(|count| *count += 1);
    }

    /// The servers, for a choice.
    fn choices(self) -> Vec<(String, String)> {
        let one = |server: &SipServer| (server.id.to_string(), format!("{} ({})", server.name, server.host));
        self.servers.with(|servers| servers.iter().map(one).collect()).unwrap_or_default()
    }

    fn has_servers(self) -> bool {
        self.servers.with(|servers| !servers.is_empty()).unwrap_or(false)
    }
}

/// One of a list as it is now, or as it was last: its row stays when the list is read anew, and keeps the focus.
fn latest<T>(first: T, now: impl Fn() -> Option<T> + Send + Sync + 'static) -> Memo<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    Memo::new(move |before: Option<&T>| now().unwrap_or_else(|| before.unwrap_or(&first).clone()))
}

/// The id of the button that opens the form of one of these, or of a new one.
fn opener(what: &str, id: Option<impl Display>) -> String {
    id.map_or_else(|| format!("{what}-new"), |id| format!("{what}-change-{id}"))
}

/// Closes the form; the focus goes back to the button it was opened with.
fn closing<T>(
    editing: RwSignal<Option<Option<T>>>,
    opener: impl Fn(Option<T>) -> String + Send + Sync + 'static,
) -> Callback<()>
where
    T: Clone + Send + Sync + 'static,
{
    Callback::new(move |()| {
        let id = opener(editing.get_untracked().flatten());
        editing.set(None);
        request_animation_frame(move || focus(&id));
    })
}

#[component]
pub fn AccountsPage() -> impl IntoView {
    let scope = use_scope()?;
    let shared = use_shared();
    let live = use_live_stream();
    let property = scope.0;
    use_title(|| "SIP accounts".into());
    Effect::new(move |_| live.watch(Some(property.get()), None));
    let sip = Sip {
        shared,
        property,
        servers: use_load(
            move || property.get(),
            move |id| shared.api.get_owned(format!("/properties/{id}/sip-servers")),
        ),
        pools: use_load(
            move || property.get(),
            move |id| shared.api.get_owned(format!("/properties/{id}/extension-pools")),
        ),
        changes: RwSignal::new(0),
    };
    Some(view! {
        <div class="page" data-testid="accounts-page">
            <header class="page-head">
                <div>
                    <h1>"SIP accounts"</h1>
                    <p class="quiet-text">"Servers phones register with, the numbers a property gives out, and who has which."</p>
                </div>
            </header>
            <PropertyTabs id=property/>
            <Servers sip/>
            <Show when=move || sip.has_servers()>
                <Pools sip/>
                <Accounts sip/>
            </Show>
        </div>
    })
}
