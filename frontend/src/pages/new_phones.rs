//! Phones that came unannounced and wait for a decision, and announcing phones beforehand.

use contract::rest::{AcceptPhone, AnnouncePhone, PhoneRow};
use contract::{Mac, PropertyId, RoomId};
use leptos::prelude::*;

use crate::app::use_title;
use crate::components::age::Ago;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{Empty, FormError, skeleton_list};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::room_select::PlaceSelect;
use crate::live::use_live_stream;
use crate::state::use_shared;

#[component]
pub fn NewPhonesPage() -> impl IntoView {
    use_title(|| "New phones".into());
    let shared = use_shared();
    use_live_stream().watch(None, None);
    shared.new_phones.reload();
    let announcing = RwSignal::new(false);
    let list = move |rows: RwSignal<Vec<PhoneRow>>| {
        view! {
            <Show
                when=move || rows.with(|rows| !rows.is_empty())
                fallback=move || view! {
                    <Empty icon=Icon::Inbox title="No new phones">
                        <p>"A phone that phones home without being announced waits here until you accept it. To skip the wait, announce it by the MAC address and serial number on its label."</p>
                        <Show when=move || !announcing.get()>
                            <button type="button" class="button primary" on:click=move |_| announcing.set(true)>"Announce a phone"</button>
                        </Show>
                    </Empty>
                }
            >
                <ul class="stack plain" aria-label="Phones waiting">
                    <For each=move || rows.get() key=|row| (row.id, row.last_seen, row.ip.clone()) let:row>
                        <Waiting row/>
                    </For>
                </ul>
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>"New phones"</h1>
                    <p class="quiet-text">"Accept only phones you know: compare the serial number with the label."</p>
                </div>
                <Show when=move || !announcing.get()>
                    <button type="button" class="button primary" data-testid="announce-open" on:click=move |_| announcing.set(true)>
                        <Svg icon=Icon::Plus/>
                        "Announce a phone"
                    </button>
                </Show>
            </header>
            <Show when=move || announcing.get()>
                <Announce on_close=Callback::new(move |()| announcing.set(false))/>
            </Show>
            {shared.new_phones.view(skeleton_list, list)}
        </div>
    }
}

#[component]
fn Waiting(row: PhoneRow) -> impl IntoView {
    let shared = use_shared();
    let (id, mac) = (row.id, row.mac);
    let accepting = RwSignal::new(false);
    let (property, room) = (RwSignal::new(None::<PropertyId>), RwSignal::new(None::<RoomId>));
    let sending = Sending::new();
    let accept = move |_| {
        let body = AcceptPhone { property: property.get_untracked(), room: room.get_untracked() };
        let tell = async move { shared.api.tell(&format!("/phones/{id}/accept"), &body).await };
        sending.run(tell, move |()| {
            shared.say(format!("{mac} is accepted. It gets its credentials when it next phones home."));
            shared.forget(id);
            shared.properties.reload();
        });
    };
    let reject = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&format!("/phones/{id}")).await?;
            shared.say(format!("{mac} was rejected."));
            shared.forget(id);
            Ok(())
        });
    });
    let model = [row.manufacturer, row.model].join(" ").trim().to_owned();
    let facts = [("serial number", row.serial), ("IP", row.ip), ("firmware", row.firmware)];
    let facts = facts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name} {text}"));
    let facts = facts.collect::<Vec<_>>().join(" · ");
    view! {
        <li class="card stack" data-testid="new-phone-row" data-mac=mac.to_string()>
            <div class="row between wrap">
                <div class="phone-card">
                    <span class="phone-icon"><Svg icon=Icon::Phone/></span>
                    <div>
                        <h2>{if model.is_empty() { "Unknown model".to_owned() } else { model }}</h2>
                        <p class="mono">{mac.to_string()}</p>
                        <p class="quiet-text">
                            {facts}
                            {row.last_seen.map(|at| view! { " · last heard " <Ago at=at/> })}
                        </p>
                    </div>
                </div>
                <Show when=move || !accepting.get()>
                    <div class="row wrap">
                        <button type="button" class="button primary" data-testid="accept-open" on:click=move |_| accepting.set(true)>"Accept…"</button>
                        <ConfirmButton label="Reject" icon=Icon::Trash question="Reject this phone?" yes="Reject" on_yes=reject testid="reject"/>
                    </div>
                </Show>
            </div>
            <Show when=move || accepting.get()>
                <div class="stack">
                    <PlaceSelect id=format!("accept-{id}") property room/>
                    <FormError error=sending.error fields=&[]/>
                    <div class="row">
                        <button
                            type="button"
                            class="button primary"
                            data-testid="accept-confirm"
                            disabled=move || sending.busy.get() || property.get().is_none()
                            on:click=accept
                        >
                            {move || if sending.busy.get() { "Accepting…" } else { "Accept" }}
                        </button>
                        <button type="button" class="button" on:click=move |_| accepting.set(false)>"Cancel"</button>
                        {move || property.get().is_none().then_some(view! { <span class="quiet-text">"Create a property first."</span> })}
                    </div>
                </div>
            </Show>
        </li>
    }
}

const FIELDS: &[&str] = &["mac", "serial", "model"];

#[component]
fn Announce(on_close: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let (mac, serial, model) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (property, room) = (RwSignal::new(None::<PropertyId>), RwSignal::new(None::<RoomId>));
    let (sending, tried) = (Sending::new(), RwSignal::new(false));
    let server = move |field: &str| sending.error.get().and_then(|error| error.at(field));
    let mac_error = Signal::derive(move || {
        let text = mac.get();
        if tried.get() && text.trim().is_empty() {
            return Some("Copy it from the label, for example c0:74:ad:12:07:01.".to_owned());
        }
        let check = tried.get() || text.len() >= 17;
        check.then(|| text.parse::<Mac>().err().map(|error| format!("{error}."))).flatten().or_else(|| server("mac"))
    });
    let serial_error = Signal::derive(move || {
        let missing = tried.get() && serial.with(|serial| serial.trim().is_empty());
        missing
            .then(|| "Copy it from the label; it proves that you hold the phone.".to_owned())
            .or_else(|| server("serial"))
    });
    let submit = move || {
        tried.set(true);
        sending.error.set(None);
        let Ok(address) = mac.get_untracked().parse::<Mac>() else {
            return;
        };
        let number = serial.get_untracked().trim().to_owned();
        let Some(id) = property.get_untracked() else { return };
        if number.is_empty() {
            return;
        }
        let model = model.get_untracked().trim().to_owned();
        let body = AnnouncePhone { mac: address.to_string(), serial: number, model, room: room.get_untracked() };
        let tell = async move { shared.api.tell(&format!("/phones/announce?property={id}"), &body).await };
        sending.run(tell, move |()| {
            shared.say(format!("{address} is announced. Plug it in; it will be right within a minute."));
            shared.properties.reload();
            on_close.try_run(());
        });
    };
    let models = ["GHP610", "GHP610W", "GHP611", "GHP611W", "GHP620", "GHP620W", "GHP621", "GHP621W"];
    let models = models.map(|model| view! { <option value=model></option> }).collect_view();
    view! {
        <form
            class="card stack form"
            novalidate
            aria-label="Announce a phone"
            on:submit=move |event| {
                event.prevent_default();
                submit();
            }
        >
            <h2>"Announce a phone"</h2>
            <div class="pair">
                <TextField id="announce-mac" label="MAC address" value=mac error=mac_error placeholder="c0:74:ad:12:07:01" testid="announce-mac"/>
                <TextField id="announce-serial" label="Serial number" value=serial error=serial_error testid="announce-serial"/>
            </div>
            <TextField id="announce-model" label="Model" help="May stay empty; the phone says it itself." value=model error=sending.at("model") list="models" testid="announce-model"/>
            <datalist id="models">{models}</datalist>
            <PlaceSelect id="announce" property room/>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="announce-save" disabled=move || sending.busy.get() || property.get().is_none()>
                    {move || if sending.busy.get() { "Announcing…" } else { "Announce" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_close.run(())>"Cancel"</button>
                {move || property.get().is_none().then_some(view! { <span class="quiet-text">"Create a property first."</span> })}
            </div>
        </form>
    }
}
