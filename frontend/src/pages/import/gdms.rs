//! Reading a GDMS account: who signs in, which organisation and site, and then the import's steps as with a file.

use contract::PropertyId;
use contract::rest::{GdmsImport, GdmsLogin, GdmsOrganisation, ImportSummary};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::ApiError;
use crate::app::focus;
use crate::components::empty::{FormError, skeleton_panel};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::select_field::SelectField;
use crate::load::use_load;
use crate::state::use_shared;

const FIELDS: &[&str] = &["base_url", "client_id", "client_secret", "user", "password"];

/// `https://eu.gdms.cloud` with its region.
fn place(address: &str) -> String {
    let host = address.trim_start_matches("https://").trim_start_matches("http://");
    match host {
        "www.gdms.cloud" => format!("{host} (United States)"),
        "eu.gdms.cloud" => format!("{host} (Europe)"),
        _ => host.to_owned(),
    }
}

/// What was typed. It lives as long as the page, so whoever has to sign in again does not type it all again; nothing of
/// it is ever answered by the server.
#[derive(Clone, Copy)]
pub struct Typed {
    address: RwSignal<String>,
    user: RwSignal<String>,
    password: RwSignal<String>,
    client_id: RwSignal<String>,
    client_secret: RwSignal<String>,
}

impl Typed {
    pub fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self { address: empty(), user: empty(), password: empty(), client_id: empty(), client_secret: empty() }
    }

    fn login(self) -> GdmsLogin {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        GdmsLogin {
            base_url: self.address.get_untracked(),
            user: trimmed(self.user),
            password: self.password.get_untracked(),
            client_id: trimmed(self.client_id),
            client_secret: trimmed(self.client_secret),
        }
    }

    /// They were used: the server has them as long as it reads.
    fn forget_secrets(self) {
        for secret in [self.password, self.client_secret] {
            secret.try_set(String::new());
        }
    }
}

/// The first input that is empty, as the form shows them.
fn missing(login: &GdmsLogin) -> Option<ApiError> {
    let inputs = [
        ("client_id", &login.client_id),
        ("client_secret", &login.client_secret),
        ("user", &login.user),
        ("password", &login.password),
    ];
    let (field, _) = inputs.into_iter().find(|(_, text)| text.is_empty())?;
    Some(ApiError::local("required", "Something is missing.", "Fill this in.").of_field(field))
}

#[component]
pub fn Gdms(property: Memo<PropertyId>, typed: Typed) -> impl IntoView {
    let shared = use_shared();
    let addresses = use_load(|| (), move |()| shared.api.get::<Vec<String>>("/gdms/addresses"));
    let form = move |addresses: RwSignal<Vec<String>>| {
        match addresses.with_untracked(Vec::is_empty) {
        true => view! { <p class="help">"This server reads no GDMS accounts. Whoever runs it names their addresses in its configuration (import.gdms)."</p> }.into_any(),
        false => view! { <Account property addresses typed/> }.into_any(),
    }
    };
    view! {
        <section class="card stack" aria-labelledby="gdms-title">
            <h2 id="gdms-title">"From a GDMS account"</h2>
            {addresses.view(skeleton_panel, form)}
        </section>
    }
}

#[component]
fn Account(property: Memo<PropertyId>, addresses: RwSignal<Vec<String>>, typed: Typed) -> impl IntoView {
    let shared = use_shared();
    let Typed { address, user, password, client_id, client_secret } = typed;
    let known = addresses.with_untracked(|list| list.contains(&address.get_untracked()));
    if !known {
        address.set(addresses.with_untracked(|list| list.first().cloned()).unwrap_or_default());
    }
    let sending = Sending::new();
    let found = RwSignal::new(None::<Vec<GdmsOrganisation>>);
    let look = move || {
        let login = typed.login();
        if let Some(why) = missing(&login) {
            return sending.refuse(why);
        }
        let ask = async move { shared.api.post::<_, Vec<GdmsOrganisation>>("/gdms/sites", &login).await };
        sending.run(ask, move |list| {
            found.try_set(Some(list));
            request_animation_frame(|| focus("gdms-organisation"));
        });
    };
    let options =
        Signal::derive(move || addresses.get().into_iter().map(|one| (one.clone(), place(&one))).collect::<Vec<_>>());
    let change = Callback::new(move |()| {
        found.set(None);
        request_animation_frame(|| focus("gdms-client-id"));
    });
    let login = move || {
        view! {
            <form class="stack" novalidate data-testid="gdms-login" on:submit=move |event| {
                event.prevent_default();
                look();
            }>
                <p class="help">"Reads the phones of the vendor's cloud, with their rooms and accounts. API ID and secret are in GDMS under API Developer. User, password and secret are used for this and then forgotten."</p>
                <SelectField id="gdms-address" label="Address" options value=address error=sending.at("base_url") testid="gdms-address"/>
                <div class="pair">
                    <TextField id="gdms-client-id" label="API ID (client ID)" value=client_id error=sending.at("client_id") testid="gdms-client-id"/>
                    <TextField id="gdms-client-secret" label="API secret (client secret)" kind="password" autocomplete="new-password" value=client_secret error=sending.at("client_secret") testid="gdms-client-secret"/>
                </div>
                <div class="pair">
                    <TextField id="gdms-user" label="User" value=user error=sending.at("user") testid="gdms-user"/>
                    <TextField id="gdms-password" label="Password" kind="password" autocomplete="new-password" value=password error=sending.at("password") testid="gdms-password"/>
                </div>
                <FormError error=sending.error fields=FIELDS/>
                <div class="row">
                    <button type="submit" class="button primary" data-testid="gdms-sign-in" disabled=move || sending.busy.get()>
                        {move || if sending.busy.get() { "Asking GDMS…" } else { "Sign in" }}
                    </button>
                </div>
            </form>
        }
        .into_any()
    };
    move || match found.get() {
        Some(organisations) => view! { <Choice property typed organisations on_back=change/> }.into_any(),
        None => login(),
    }
}

/// Which of the account's phones are read.
#[component]
fn Choice(
    property: Memo<PropertyId>,
    typed: Typed,
    organisations: Vec<GdmsOrganisation>,
    on_back: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let navigate = use_navigate();
    let first = organisations.first().map(|one| one.id.clone()).unwrap_or_default();
    let (organisation, site) = (RwSignal::new(first), RwSignal::new(String::new()));
    let names: Vec<_> = organisations.iter().map(|one| (one.id.clone(), one.name.clone())).collect();
    let none = names.is_empty();
    let sites = Signal::derive(move || {
        let chosen = organisation.get();
        let mut all = vec![(String::new(), "All sites".to_owned())];
        let of = organisations.iter().filter(|one| one.id == chosen).flat_map(|one| &one.sites);
        all.extend(of.map(|site| (site.id.clone(), site.name.clone())));
        all
    });
    Effect::new(move |before: Option<()>| {
        organisation.track();
        if before.is_some() {
            site.set(String::new());
        }
    });
    let sending = Sending::new();
    let begin = move || {
        let GdmsLogin { base_url, user, password, client_id, client_secret } = typed.login();
        let given = |id: RwSignal<String>| Some(id.get_untracked()).filter(|id| !id.is_empty());
        let (organisation, site) = (given(organisation), given(site));
        let body = GdmsImport { base_url, user, password, client_id, client_secret, organisation, site };
        let (id, navigate) = (property.get_untracked(), navigate.clone());
        let path = format!("/properties/{id}/imports/gdms");
        let ask = async move { shared.api.post::<_, ImportSummary>(&path, &body).await };
        sending.run(ask, move |import| {
            // Whoever went on to another page stays there; the import is in the list.
            if typed.address.try_get_untracked().is_none() {
                return;
            }
            typed.forget_secrets();
            navigate(&format!("/p/{id}/import?import={}", import.id), Default::default());
        });
    };
    view! {
        <form class="stack" novalidate data-testid="gdms-choice" on:submit=move |event| {
            event.prevent_default();
            begin();
        }>
            <p role="status">{if none { "Signed in, but this user sees no organisation in GDMS. Go back and sign in as another one, or have it given rights there." } else { "Signed in. Which phones are to be read?" }}</p>
            <div class="pair">
                <SelectField id="gdms-organisation" label="Organisation" options=names value=organisation error=sending.at("organisation") testid="gdms-organisation"/>
                <SelectField id="gdms-site" label="Site" options=sites value=site error=sending.at("site") testid="gdms-site"/>
            </div>
            <FormError error=sending.error fields=&["organisation", "site"]/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="gdms-read" disabled=move || none || sending.busy.get()><Svg icon=Icon::Download/>"Read the phones"</button>
                <button type="button" class="button" data-testid="gdms-back" disabled=move || sending.busy.get() on:click=move |_| on_back.run(())>"Back"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_addresses_say_their_region() {
        assert_eq!(place("https://eu.gdms.cloud"), "eu.gdms.cloud (Europe)");
        assert_eq!(place("http://127.0.0.1:80"), "127.0.0.1:80");
    }

    #[test]
    fn the_first_empty_input_is_named() {
        let mut login = GdmsLogin {
            base_url: "https://eu.gdms.cloud".into(),
            user: "it".into(),
            password: "p".into(),
            client_id: "101".into(),
            client_secret: String::new(),
        };
        let field = |login: &GdmsLogin| missing(login)?.0.field;
        assert_eq!(field(&login).as_deref(), Some("client_secret"));
        login.client_secret = "s3".into();
        assert_eq!(field(&login), None);
    }
}
