//! Adding a SIP server, or changing one.

use contract::rest::{SipServer, SipServerSpec, SipTransport};
use leptos::prelude::*;

use super::Sip;
use crate::api::ApiError;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::push::{Trial, TrialDialog};
use crate::components::select_field::{SelectField, options};

const FIELDS: &[&str] = &["name", "host", "port", "outbound_proxy", "second_server", "register_expiry"];
const TRANSPORTS: [(&str, &str); 3] = [("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")];

#[component]
pub fn ServerForm(
    sip: Sip,
    /// The one to be changed.
    server: Option<SipServer>,
    on_close: Callback<()>,
) -> impl IntoView {
    let id = server.as_ref().map(|server| server.id);
    let text = |read: fn(&SipServer) -> String| RwSignal::new(server.as_ref().map(read).unwrap_or_default());
    let (name, host) = (text(|server| server.name.clone()), text(|server| server.host.clone()));
    let port = text(|server| server.port.map(|port| port.to_string()).unwrap_or_default());
    let expiry = text(|server| server.register_expiry.map(|minutes| minutes.to_string()).unwrap_or_default());
    let (proxy, second) = (text(|server| server.outbound_proxy.clone()), text(|server| server.second_server.clone()));
    let transport = RwSignal::new(server.as_ref().map_or("udp", |server| server.transport.as_str()).to_owned());
    let sending = Sending::new();
    request_animation_frame(|| crate::app::focus("server-name"));
    let spec = move || {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        let number = |text: RwSignal<String>, field: &str, what: &str| match trimmed(text) {
            text if text.is_empty() => Ok(None),
            text => text.parse::<u32>().map(Some).map_err(|_| {
                ApiError::local("invalid", "This is no number", format!("Write {what}, or leave it empty."))
                    .of_field(field)
            }),
        };
        let spec = || {
            let port = number(port, "port", "a port from 1 to 65535")?;
            Ok(SipServerSpec {
                name: trimmed(name),
                host: trimmed(host),
                port: port.map(|port| u16::try_from(port).unwrap_or(0)),
                transport: transport.get_untracked().parse().unwrap_or(SipTransport::Udp),
                outbound_proxy: trimmed(proxy),
                second_server: trimmed(second),
                register_expiry: number(expiry, "register_expiry", "minutes")?,
            })
        };
        spec()
    };
    // What was looked at, whatever is typed meanwhile.
    let wanted = StoredValue::new(None::<SipServerSpec>);
    let make = Callback::new(move |()| {
        if let Some(spec) = wanted.get_value() {
            sending.run(sip.keep("sip-servers", id, spec), move |()| sip.saved(on_close));
        }
    });
    let trial = Trial::new(sending);
    let save = move || match spec() {
        Ok(spec) => {
            wanted.set_value(Some(spec.clone()));
            match id {
                Some(id) => trial.ask(sip.tried("sip-servers", id, spec), make),
                None => make.run(()),
            }
        }
        Err(why) => sending.refuse(why),
    };
    view! {
        <form class="card stack form" novalidate aria-label="SIP server" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <h3>{if id.is_some() { "Change the SIP server" } else { "New SIP server" }}</h3>
            <div class="pair">
                <TextField id="server-name" label="Name" help="For people, for example Main PBX." value=name error=sending.at("name") testid="server-name"/>
                <TextField id="server-host" label="Host" help="Host name or address, without a port." value=host error=sending.at("host") testid="server-host"/>
            </div>
            <div class="pair">
                <SelectField id="server-transport" label="Transport" options=options(&TRANSPORTS) value=transport/>
                <TextField id="server-port" label="Port" help="Empty: the transport's own, or what DNS says." value=port error=sending.at("port") inputmode="numeric"/>
            </div>
            <div class="pair">
                <TextField id="server-proxy" label="Outbound proxy" help="Host, or host:port. Empty: none." value=proxy error=sending.at("outbound_proxy")/>
                <TextField id="server-second" label="Second server" help="Asked when the first does not answer." value=second error=sending.at("second_server")/>
            </div>
            <TextField id="server-expiry" label="Registration lasts (minutes)" help="Empty: as the settings say." value=expiry error=sending.at("register_expiry") inputmode="numeric"/>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="server-save" disabled=move || sending.busy.get()>"Save"</button>
                <button type="button" class="button" on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
        <TrialDialog trial title="Change the SIP server?" yes="Change it" on_yes=make testid="server-trial"/>
    }
}
