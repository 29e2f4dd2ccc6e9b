//! The SIP accounts of a property, and who has them.

use contract::rest::{Accepted, AccountUse, ExportAccounts, SipAccount, SipAccountPage};
use leptos::prelude::*;

use super::Sip;
use super::account_form::AccountForm;
use crate::api::quote;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::components::pager::Pager;
use crate::files::hand_over;
use crate::load::use_load;
use crate::state::use_shared;

const LIMIT: u64 = 50;

#[component]
pub fn Accounts(sip: Sip) -> impl IntoView {
    let shared = use_shared();
    let (text, offset) = (RwSignal::new(String::new()), RwSignal::new(0_u64));
    let editing = RwSignal::new(None::<Option<SipAccount>>);
    let close = Callback::new(move |()| editing.set(None));
    let key = move || (sip.property.get(), text.get(), offset.get(), sip.changes.get());
    let page = use_load(key, move |(id, text, offset, _)| async move {
        let query = format!("q={}&offset={offset}&limit={LIMIT}", quote(text.trim()));
        shared.api.get_owned::<SipAccountPage>(format!("/properties/{id}/sip-accounts?{query}")).await
    });
    let export = move |_| {
        shared.run(async move {
            let path = sip.path("sip-accounts/export");
            let bytes = shared.api.post_for_bytes(&path, &ExportAccounts::default()).await?;
            hand_over(&bytes, "sip-accounts.csv")
        });
    };
    let list = move |page: RwSignal<SipAccountPage>| {
        let total = Signal::derive(move || page.with(|page| page.total));
        view! {
            <Show when=move || { total.get() > 0 } fallback=move || view! {
                <p class="quiet-text">{move || if text.with(String::is_empty) { "No accounts yet. Give every room one from a pool, or add one by hand." } else { "No account matches." }}</p>
            }>
                <div class="table-wrap">
                    <table class="table cards">
                        <caption class="sr">"SIP accounts"</caption>
                        <thead><tr>
                            <th scope="col">"User"</th><th scope="col">"Server"</th><th scope="col">"Shown as"</th><th scope="col">"Used by"</th>
                            <th scope="col"><span class="sr">"Actions"</span></th>
                        </tr></thead>
                        <tbody>
                            <For each=move || page.with(|page| page.items.clone()) key=|one| serde_json::to_string(one).unwrap_or_default() let:account>
                                <Row account sip editing/>
                            </For>
                        </tbody>
                    </table>
                </div>
                <Pager offset limit=LIMIT total on_move=Callback::new(move |to| offset.set(to))/>
            </Show>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="accounts-title">
            <div class="row between wrap">
                <h2 id="accounts-title">"Accounts"</h2>
                <span class="row wrap">
                    <button type="button" class="button" data-testid="accounts-export" title="With their passwords, for the PBX" on:click=export><Svg icon=Icon::Download/>"Export for the PBX"</button>
                    <Show when=move || editing.with(Option::is_none)>
                        <button type="button" class="button" data-testid="account-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add an account"</button>
                    </Show>
                </span>
            </div>
            {move || editing.get().map(|account| view! { <AccountForm sip account on_close=close/> })}
            <div class="search-box">
                <Svg icon=Icon::Search/>
                <input type="search" aria-label="Find an account" placeholder="User, name or room" autocomplete="off" data-testid="account-search"
                    prop:value=move || text.get() on:input:target=move |event| { offset.set(0); text.set(event.target().value()); }/>
            </div>
            {page.view(skeleton_list, list)}
        </section>
    }
}

fn used_by(all: &[AccountUse]) -> String {
    let one = |one: &AccountUse| match (&one.room_number, one.mac) {
        (Some(room), _) => format!("Room {room}"),
        (None, Some(mac)) => format!("Phone {mac}"),
        (None, None) => "a phone".to_owned(),
    };
    if all.is_empty() { "Nobody".to_owned() } else { all.iter().map(one).collect::<Vec<_>>().join(", ") }
}

#[component]
fn Row(account: SipAccount, sip: Sip, editing: RwSignal<Option<Option<SipAccount>>>) -> impl IntoView {
    let shared = use_shared();
    let id = account.id;
    let renew = Callback::new(move |()| {
        shared.run(async move {
            shared.api.ask::<Accepted>(&sip.path(&format!("sip-accounts/{id}/password"))).await?;
            shared.say("It has a new password. Give it to the PBX, too: export the accounts.");
            sip.changed();
            Ok(())
        });
    });
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&sip.path(&format!("sip-accounts/{id}"))).await?;
            shared.say("The account was removed.");
            sip.changed();
            Ok(())
        });
    });
    let label = format!("Change account {}", account.user);
    let kept = account.clone();
    view! {
        <tr data-testid="account" data-user=account.user.clone()>
            <th scope="row"><span class="cell-title mono">{account.user.clone()}</span></th>
            <td data-label="Server">{account.server_name.clone()}</td>
            <td data-label="Shown as">{account.display_name.clone()}</td>
            <td data-label="Used by">{used_by(&account.used_by)}</td>
            <td>
                <span class="row wrap">
                    <button type="button" class="icon-button" title="Change" aria-label=label on:click=move |_| editing.set(Some(Some(kept.clone())))><Svg icon=Icon::Edit/></button>
                    <ConfirmButton label="New password" icon=Icon::Lock question="Give it a new password? Its phone cannot register until the PBX knows it." yes="New password" on_yes=renew/>
                    <ConfirmButton label="Remove" icon=Icon::Trash question="Remove this account?" yes="Remove" on_yes=remove/>
                </span>
            </td>
        </tr>
    }
}
