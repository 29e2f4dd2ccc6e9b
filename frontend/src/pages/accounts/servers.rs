//! The SIP servers of a property.

use contract::rest::SipServer;
use leptos::prelude::*;

use super::Sip;
use super::server_form::ServerForm;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::state::use_shared;
use crate::words::counted;

#[component]
pub fn Servers(sip: Sip) -> impl IntoView {
    let editing = RwSignal::new(None::<Option<SipServer>>);
    let close = Callback::new(move |()| editing.set(None));
    let list = move |servers: RwSignal<Vec<SipServer>>| {
        view! {
            <Show when=move || servers.with(|servers| !servers.is_empty()) fallback=move || view! {
                <Show when=move || editing.with(Option::is_none)>
                    <Empty icon=Icon::Phone title="Start with a SIP server">
                        <p>"Add the PBX the rooms register with. Then make a pool of extensions and give every room an account in one step."</p>
                        <button type="button" class="button primary" data-testid="server-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a SIP server"</button>
                    </Empty>
                </Show>
            }>
                <ul class="card settings plain">
                    <For each=move || servers.get() key=|server| serde_json::to_string(server).unwrap_or_default() let:server>
                        <ServerRow server sip editing/>
                    </For>
                </ul>
            </Show>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="servers-title">
            <div class="row between">
                <h2 id="servers-title">"SIP servers"</h2>
                <Show when=move || editing.with(Option::is_none) && sip.has_servers()>
                    <button type="button" class="button" data-testid="server-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a SIP server"</button>
                </Show>
            </div>
            {move || editing.get().map(|server| view! { <ServerForm sip server on_close=close/> })}
            {sip.servers.view(skeleton_list, list)}
        </section>
    }
}

#[component]
fn ServerRow(server: SipServer, sip: Sip, editing: RwSignal<Option<Option<SipServer>>>) -> impl IntoView {
    let shared = use_shared();
    let id = server.id;
    let port = server.port.map(|port| format!(":{port}")).unwrap_or_default();
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&sip.path(&format!("sip-servers/{id}"))).await?;
            shared.say("The server was removed.");
            sip.changed();
            Ok(())
        });
    });
    let label = format!("Change {}", server.name);
    let line = format!(
        "{}{port} over {}, {}",
        server.host,
        server.transport.as_str().to_uppercase(),
        counted(server.accounts as usize, "account", "accounts")
    );
    view! {
        <li class="setting" data-testid="server">
            <div class="grow"><b>{server.name.clone()}</b><p class="quiet-text">{line}</p></div>
            <div class="row wrap">
                <button type="button" class="icon-button" title="Change" aria-label=label on:click=move |_| editing.set(Some(Some(server.clone())))><Svg icon=Icon::Edit/></button>
                <ConfirmButton label="Remove" icon=Icon::Trash question="Remove this server?" yes="Remove" on_yes=remove/>
            </div>
        </li>
    }
}
