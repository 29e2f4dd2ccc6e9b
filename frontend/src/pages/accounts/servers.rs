//! The SIP servers of a property.

use contract::SipServerId;
use contract::rest::SipServer;
use leptos::prelude::*;

use super::server_form::ServerForm;
use super::{Sip, closing, latest, opener};
use crate::components::confirm::ConfirmButton;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::state::use_shared;
use crate::words::counted;

#[component]
pub fn Servers(sip: Sip) -> impl IntoView {
    let editing = RwSignal::new(None::<Option<SipServer>>);
    let close = closing(editing, |server| opener("server", server.map(|server| server.id)));
    let list = move |servers: RwSignal<Vec<SipServer>>| {
        view! {
            <Show when=move || servers.with(|servers| !servers.is_empty()) fallback=move || view! {
                <Show when=move || editing.with(Option::is_none)>
                    <Empty icon=Icon::Phone title="Start with a SIP server">
                        <p>"Add the PBX the rooms register with. Then make a pool of extensions and give every room an account in one step."</p>
                        <button type="button" class="button primary" id="server-new" data-testid="server-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a SIP server"</button>
                    </Empty>
                </Show>
            }>
                <ul class="card settings plain">
                    <For each=move || servers.get() key=|server| server.id let:server>
                        {
                            let id = server.id;
                            let now = move || servers.with(|all| all.iter().find(|one| one.id == id).cloned());
                            view! { <ServerRow id server=latest(server, now) sip editing/> }
                        }
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
                    <button type="button" class="button" id="server-new" data-testid="server-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a SIP server"</button>
                </Show>
            </div>
            {move || editing.get().map(|server| view! { <ServerForm sip server on_close=close/> })}
            {sip.servers.view(skeleton_list, list)}
        </section>
    }
}

#[component]
fn ServerRow(
    id: SipServerId,
    server: Memo<SipServer>,
    sip: Sip,
    editing: RwSignal<Option<Option<SipServer>>>,
) -> impl IntoView {
    let shared = use_shared();
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&sip.path(&format!("sip-servers/{id}"))).await?;
            shared.say("The server was removed.");
            sip.changed();
            Ok(())
        });
    });
    let name = move || server.with(|server| server.name.clone());
    let line = move || {
        server.with(|server| {
            let port = server.port.map(|port| format!(":{port}")).unwrap_or_default();
            let transport = server.transport.as_str().to_uppercase();
            let accounts = counted(server.accounts as usize, "account", "accounts");
            format!("{}{port} over {transport}, {accounts}", server.host)
        })
    };
    view! {
        <li class="setting" data-testid="server">
            <div class="grow"><b>{name}</b><p class="quiet-text">{line}</p></div>
            <div class="row wrap">
                <button type="button" class="icon-button" id=opener("server", Some(id)) title="Change" aria-label=move || format!("Change {}", name()) on:click=move |_| editing.set(Some(Some(server.get_untracked())))><Svg icon=Icon::Edit/></button>
                <ConfirmButton label="Remove" icon=Icon::Trash question="Remove this server?" yes="Remove" on_yes=remove/>
            </div>
        </li>
    }
}
