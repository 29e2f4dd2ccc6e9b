//! Adding a SIP account, or changing one, and whose it is.

use contract::rest::{Board, SECRET_MASK, SipAccount, SipAccountSpec};
use leptos::prelude::*;

use super::Sip;
use super::account_rooms::{Rooms, RoomsField, find};
use crate::api::ApiError;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::select_field::{SelectField, options};

const FIELDS: &[&str] = &["user", "auth_user", "password", "display_name", "rooms"];
const SLOTS: [(&str, &str); 2] = [("1", "Account 1 of the phone"), ("2", "Account 2 of the phone")];

#[component]
pub fn AccountForm(sip: Sip, account: Option<SipAccount>, on_close: Callback<()>) -> impl IntoView {
    let id = account.as_ref().map(|account| account.id);
    let text = |read: fn(&SipAccount) -> String| RwSignal::new(account.as_ref().map(read).unwrap_or_default());
    let (user, display) = (text(|account| account.user.clone()), text(|account| account.display_name.clone()));
    let (auth, password) = (text(|account| account.auth_user.clone()), RwSignal::new(String::new()));
    let rooms = Rooms::of(account.as_ref());
    let slot = RwSignal::new(account.as_ref().map_or(1, |account| account.slot).to_string());
    let server = text(|account| account.server.to_string());
    if server.with_untracked(String::is_empty) {
        server.set(untrack(|| sip.choices()).into_iter().next().map(|(id, _)| id).unwrap_or_default());
    }
    let sending = Sending::new();
    request_animation_frame(|| crate::app::focus("account-user"));
    let save = move || {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        let Ok(server) = server.get_untracked().parse() else { return };
        let mut spec = SipAccountSpec {
            server,
            user: trimmed(user),
            auth_user: trimmed(auth),
            password: password.get_untracked(),
            display_name: trimmed(display),
            slot: slot.get_untracked().parse().unwrap_or(1),
            shared: rooms.shared.get_untracked(),
            rooms: None,
        };
        let numbers = rooms.changed();
        // The account and its rooms go in one request: what is refused is refused as a whole.
        let keep = async move {
            if let Some(numbers) = numbers {
                let board = match numbers.is_empty() {
                    true => None,
                    false => Some(sip.shared.api.get_owned::<Board>(sip.path("board")).await?),
                };
                let found = find(&numbers, board.as_ref())
                    .map_err(|detail| ApiError::local("no-room", "There is no such room", detail).of_field("rooms"))?;
                spec.rooms = Some(found);
            }
            sip.keep("sip-accounts", id, spec).await
        };
        sending.run(keep, move |()| sip.saved(on_close));
    };
    let password_help = if id.is_some() {
        format!("{SECRET_MASK} Empty: it stays as it is.")
    } else {
        "Empty: a random one is made.".to_owned()
    };
    view! {
        <form class="card stack form" novalidate aria-label="SIP account" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <h3>{if id.is_some() { "Change the account" } else { "New SIP account" }}</h3>
            <div class="pair">
                <TextField id="account-user" label="SIP user" help="Mostly the extension." value=user error=sending.at("user") testid="account-user"/>
                <SelectField id="account-server" label="On the server" options=Signal::derive(move || sip.choices()) value=server/>
            </div>
            <div class="pair">
                <TextField id="account-auth" label="Proves itself as" help="Empty: the SIP user." value=auth error=sending.at("auth_user")/>
                <TextField id="account-password" label="Password" help=password_help kind="password" autocomplete="new-password" value=password error=sending.at("password")/>
            </div>
            <div class="pair">
                <TextField id="account-display" label="Shown as" help="May hold variables, for example Room {room.number}. Empty: the guest's name, or the room's number." value=display error=sending.at("display_name")/>
                <SelectField id="account-slot" label="Place on the phone" options=options(&SLOTS) value=slot/>
            </div>
            <RoomsField rooms error=sending.at("rooms")/>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="account-save" disabled=move || sending.busy.get()>"Save"</button>
                <button type="button" class="button" on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}
