//! Adding a SIP account, or changing one, and whose it is.

use contract::rest::{AssignAccount, Board, SECRET_MASK, SipAccount, SipAccountSpec, UnassignAccount};
use leptos::prelude::*;

use super::Sip;
use crate::api::{ApiError, Method};
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::select_field::{SelectField, options};

const FIELDS: &[&str] = &["user", "auth_user", "password", "display_name", "room"];
const SLOTS: [(&str, &str); 2] = [("1", "Account 1 of the phone"), ("2", "Account 2 of the phone")];

fn no_room() -> ApiError {
    ApiError::local("no-room", "There is no such room", "Write the number of a room of this property.").of_field("room")
}

#[component]
pub fn AccountForm(sip: Sip, account: Option<SipAccount>, on_close: Callback<()>) -> impl IntoView {
    let id = account.as_ref().map(|account| account.id);
    let text = |read: fn(&SipAccount) -> String| RwSignal::new(account.as_ref().map(read).unwrap_or_default());
    let (user, display) = (text(|account| account.user.clone()), text(|account| account.display_name.clone()));
    let (auth, password) = (text(|account| account.auth_user.clone()), RwSignal::new(String::new()));
    let was = account.as_ref().and_then(|account| account.used_by.first()).and_then(|one| one.room_number.clone());
    let was = StoredValue::new(was.unwrap_or_default());
    let room = RwSignal::new(was.get_value());
    let slot = RwSignal::new(account.as_ref().map_or(1, |account| account.slot).to_string());
    let server = text(|account| account.server.to_string());
    let shared_account = account.as_ref().is_some_and(|account| account.shared);
    if server.with_untracked(String::is_empty) {
        server.set(untrack(|| sip.choices()).into_iter().next().map(|(id, _)| id).unwrap_or_default());
    }
    let sending = Sending::new();
    request_animation_frame(|| crate::app::focus("account-user"));
    let save = move || {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        let Ok(server) = server.get_untracked().parse() else { return };
        let spec = SipAccountSpec {
            server,
            user: trimmed(user),
            auth_user: trimmed(auth),
            password: password.get_untracked(),
            display_name: trimmed(display),
            slot: slot.get_untracked().parse().unwrap_or(1),
            shared: shared_account,
        };
        let wanted = trimmed(room);
        let keep = async move {
            let (api, path) = (sip.shared.api, sip.path("sip-accounts"));
            let target = if wanted.is_empty() {
                None
            } else {
                let board: Board = api.get_owned(sip.path("board")).await?;
                let mut rooms = board.buildings.into_iter().flat_map(|one| one.floors).flat_map(|floor| floor.rooms);
                Some(rooms.find(|one| one.number == wanted).map(|one| one.id).ok_or_else(no_room)?)
            };
            let id = match id {
                Some(id) => {
                    api.tell_by(Method::PUT, &format!("{path}/{id}"), &spec).await?;
                    id
                }
                None => api.post::<_, SipAccount>(&path, &spec).await?.id,
            };
            if wanted != was.get_value() {
                match target {
                    Some(room) => {
                        let body = AssignAccount { room: Some(room), phone: None, replace: true };
                        api.tell(&format!("{path}/{id}/assign"), &body).await?;
                    }
                    None => api.tell(&format!("{path}/{id}/unassign"), &UnassignAccount::default()).await?,
                }
            }
            Ok(())
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
            <TextField id="account-room" label="Room" help="Whose account it is; empty: nobody's. It is taken from whoever had it." value=room error=sending.at("room") testid="account-room"/>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="account-save" disabled=move || sending.busy.get()>"Save"</button>
                <button type="button" class="button" on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}
