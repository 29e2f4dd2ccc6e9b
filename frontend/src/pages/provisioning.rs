//! How phones of a property find their configuration by themselves: its address for DHCP option 66 and by hand, the
//! time in which new phones are taken in, and SIP PnP.

use contract::PropertyId;
use contract::rest::{Provisioning, ProvisioningChange};
use leptos::prelude::*;

use super::property::use_scope;
use crate::app::use_title;
use crate::components::confirm::ConfirmButton;
use crate::components::copy::CopyButton;
use crate::components::empty::{FormError, skeleton_panel};
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::property_tabs::PropertyTabs;
use crate::components::select_field::{SelectField, options};
use crate::live::use_live_stream;
use crate::load::use_load;
use crate::state::use_shared;
use crate::time::{in_zone, now};
use crate::windows::{WINDOWS, chosen};
use crate::words::counted;

#[component]
pub fn ProvisioningPage() -> impl IntoView {
    let scope = use_scope()?;
    let shared = use_shared();
    let live = use_live_stream();
    let id = scope.0;
    use_title(|| "Provisioning".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    let state = use_load(
        move || id.get(),
        move |id| shared.api.get_owned::<Provisioning>(format!("/properties/{id}/provisioning")),
    );
    Some(view! {
        <div class="page" data-testid="provisioning-page">
            <header class="page-head">
                <div>
                    <h1>"Provisioning"</h1>
                    <p class="quiet-text">"Phones that fetch their configuration as a file, without anybody touching them."</p>
                </div>
            </header>
            <PropertyTabs id/>
            {state.view(skeleton_panel, move |state| view! { <Form id state/> }.into_any())}
        </div>
    })
}

/// What is there already, as a change that only says whether files are served: without what is over, and without what
/// needs files where none are served.
fn kept(state: &Provisioning, enabled: bool, now: i64) -> ProvisioningChange {
    ProvisioningChange {
        enabled,
        accept_until: state.accept_until.filter(|at| enabled && at.millis() > now),
        sip_pnp: enabled && state.sip_pnp,
        rotate_token: false,
    }
}

#[component]
fn Form(id: Memo<PropertyId>, state: RwSignal<Provisioning>) -> impl IntoView {
    let shared = use_shared();
    let first = state.get_untracked();
    let (enabled, pnp) = (RwSignal::new(first.enabled), RwSignal::new(first.sip_pnp));
    let window = RwSignal::new("keep".to_owned());
    let sending = Sending::new();
    let zone = move || shared.zone(Some(id.get()));
    let put = move |body: ProvisioningChange| {
        let path = format!("/properties/{}/provisioning", id.get_untracked());
        async move { shared.api.put::<_, Provisioning>(&path, &body).await }
    };
    let save = move || {
        let kept = state.with_untracked(|state| kept(state, enabled.get_untracked(), now()));
        let body = ProvisioningChange {
            accept_until: chosen(&window.get_untracked(), kept.accept_until),
            // Ticked just now it is sent, also where the server has something against it.
            sip_pnp: pnp.get_untracked() && (kept.sip_pnp || !state.with_untracked(|state| state.sip_pnp)),
            ..kept
        };
        sending.run(put(body), move |saved: Provisioning| {
            pnp.try_set(saved.sip_pnp);
            state.try_set(saved);
            window.try_set("keep".to_owned());
            shared.say("Saved.");
        });
    };
    // What is chosen in the form, and not saved, stays there.
    let rotate = Callback::new(move |()| {
        let kept = state.with_untracked(|state| kept(state, state.enabled, now()));
        sending.run(put(ProvisioningChange { rotate_token: true, ..kept }), move |saved: Provisioning| {
            state.try_set(saved);
            shared.say("There is a new address. Tell DHCP and the phones.");
        });
    });
    let windows = Signal::derive(move || {
        let keep = match state.with(|state| state.accept_until) {
            None => "Closed: every new phone waits for a person".to_owned(),
            Some(at) if at.millis() < now() => format!("Closed since {}", in_zone(at, &zone(), true)),
            Some(at) => format!("Open until {}", in_zone(at, &zone(), true)),
        };
        let mut all = vec![("keep".to_owned(), keep)];
        all.extend(options(&WINDOWS).into_iter().filter(|(word, _)| word != "always"));
        if state.with(|state| state.accept_until.is_some_and(|at| at.millis() > now())) {
            all.push(("close".to_owned(), "Close it now".to_owned()));
        }
        all
    });
    let check = move |value: RwSignal<bool>, testid: &'static str, word: &'static str| {
        view! {
            <label class="check">
                <input type="checkbox" data-testid=testid prop:checked=move || value.get() on:change:target=move |event| value.set(event.target().checked())/>
                {word}
            </label>
        }
    };
    let url = Signal::derive(move || state.with(|state| state.bootstrap_url.clone()));
    let has_address = move || url.with(|url| !url.is_empty());
    view! {
        <Show when=has_address>
            <section class="card stack" aria-labelledby="address-title">
                <h2 id="address-title">"Address for phones"</h2>
                <p class="row wrap"><span class="value mono wide-value" data-testid="bootstrap-url">{move || url.get()}</span> <CopyButton text=url what="the address"/></p>
                <p class="help">"Write it into DHCP option 66 of the phones' network, or as configuration server at a phone. Its token makes it unguessable: who has it learns only how to phone home, no passwords."</p>
                <p role="status">{move || match state.with(|state| state.waiting) {
                    0 => "No phone fetched through it within the last hour without phoning home since.".to_owned(),
                    count => format!("{} fetched through it within the last hour and did not phone home yet.", counted(count as usize, "phone has", "phones have")),
                }}</p>
                <div class="row"><ConfirmButton label="New token" icon=Icon::Sync question="Make a new address? The old one is worth nothing from then on." yes="New address" on_yes=rotate testid="rotate"/></div>
            </section>
        </Show>
        <form class="card stack form" novalidate data-testid="provisioning-form" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            {check(enabled, "provisioning-enabled", "Phones of this property fetch configuration files")}
            <SelectField id="accept-until" label="Take new phones in without a person" options=windows value=window
                help="Phones that fetch through the address in this time, and then phone home, belong to this property at once." testid="accept-until"/>
            {check(pnp, "sip-pnp", "Answer phones that ask by SIP PnP with this address (a site node has to run in their network)")}
            {move || (!enabled.get() && has_address()).then(|| view! { <p class="note"><Svg icon=Icon::Alert/> <span>"While this is off, phones that fetch are refused and keep what they have, and no new phone is taken in."</span></p> })}
            <FormError error=sending.error fields=&[]/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="provisioning-save" disabled=move || sending.busy.get()>"Save"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;

    use super::*;

    #[test]
    fn a_time_for_new_phones_that_is_over_is_not_sent_again() {
        let state = Provisioning {
            enabled: true,
            token: String::new(),
            bootstrap_url: String::new(),
            accept_until: Some(Timestamp(1_000)),
            sip_pnp: true,
            waiting: 0,
        };
        let on = ProvisioningChange { enabled: true, sip_pnp: true, ..ProvisioningChange::default() };
        assert_eq!(kept(&state, true, 1_000), on);
        assert_eq!(kept(&state, true, 999), ProvisioningChange { accept_until: state.accept_until, ..on });
        assert_eq!(kept(&state, false, 999), ProvisioningChange::default(), "without files there is neither");
    }
}
