//! What a phone fetches its configuration file with for the first time, made for it alone and shown this once.

use contract::rest::FirstFetch;
use leptos::prelude::*;

use super::scope::{PhoneScope, use_phone};
use crate::components::confirm::ConfirmButton;
use crate::components::copy::CopyButton;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::Icon;
use crate::time::in_zone;

#[component]
pub fn FirstFetchPart() -> impl IntoView {
    let PhoneScope { shared, id, value, zone, .. } = use_phone();
    let made = RwSignal::new(None::<FirstFetch>);
    let sending = Sending::new();
    let hide = NodeRef::<leptos::html::Button>::new();
    // The button that made them is gone; who uses the keyboard goes on from here.
    Effect::new(move |_| {
        if let Some(button) = hide.get() {
            let _ = button.focus();
        }
    });
    let make = Callback::new(move |()| {
        let ask = async move { shared.api.post::<_, FirstFetch>(&format!("/phones/{id}/first-fetch"), &()).await };
        // Whatever comes of it, the ones before are worth nothing any more.
        made.set(None);
        sending.run(ask, move |fetch| drop(made.try_set(Some(fetch))));
    });
    // Its property may not serve files yet: that is set up there.
    let set_up = move || {
        let none = sending.error.with(|error| error.as_ref().is_some_and(|error| error.0.kind == "no-files"));
        let property = value.with(|value| value.phone.property).filter(|_| none)?;
        Some(
            view! { <p><a href=format!("/p/{property}/provisioning") data-testid="first-fetch-set-up">"Open the provisioning of its property"</a></p> },
        )
    };
    let line = |name: &'static str, text: String, what: &'static str, testid: &'static str| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd class="row wrap"><span class="value mono wide-value" data-testid=testid>{text.clone()}</span> <CopyButton text=Signal::stored(text) what/></dd>
            </div>
        }
    };
    let shown = move |fetch: FirstFetch| {
        view! {
            <div class="stack" data-testid="first-fetch">
                <dl class="facts">
                    {line("Configuration server", fetch.url, "the address", "first-fetch-url")}
                    {line("Or, without a token", fetch.server, "the server's address", "first-fetch-server")}
                    {line("with user name", fetch.user, "the user name", "first-fetch-user")}
                    {line("and password", fetch.password, "the password", "first-fetch-password")}
                </dl>
                <div class="row"><button type="button" class="button small" node_ref=hide data-testid="first-fetch-hide" on:click=move |_| made.set(None)>"Hide"</button></div>
                <p class="help" role="status">
                    {move || format!("Write it at the phone: the address with the token, or the server's address, user name and password. It works once, until {}. Shown only now.", in_zone(fetch.expires_at, &zone.get(), true))}
                </p>
            </div>
        }
    };
    view! {
        <div class="stack">
            <div class="row wrap">
                <ConfirmButton label="Credentials for the first fetch" icon=Icon::Lock question="Make new ones? Earlier ones for this phone stop working." yes="Make them" on_yes=make testid="first-fetch-make"/>
                <span class="help">"For a phone that is to fetch its file before it has phoned home."</span>
            </div>
            <FormError error=sending.error fields=&[]/>
            {set_up}
            {move || made.get().map(shown)}
        </div>
    }
}
