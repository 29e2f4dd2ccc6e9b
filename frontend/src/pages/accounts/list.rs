//! The SIP accounts of a property, and who has them.

use std::time::Duration;

use contract::SipAccountId;
use contract::rest::{Accepted, AccountUse, ExportAccounts, SipAccount, SipAccountPage};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::account_form::AccountForm;
use super::{Sip, closing, latest, opener};
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
    // What stands in the address is looked for at first: other pages lead here.
    let text = RwSignal::new(use_query_map().read_untracked().get("q").unwrap_or_default());
    let (wanted, offset) = (RwSignal::new(text.get_untracked()), RwSignal::new(0_u64));
    let mut search = debounce(Duration::from_millis(250), move |text: String| {
        offset.set(0);
        wanted.set(text);
    });
    let editing = RwSignal::new(None::<Option<SipAccount>>);
    let close = closing(editing, |account| opener("account", account.map(|account| account.id)));
    let key = move || (sip.property.get(), wanted.get(), offset.get());
    let page = use_load(key, move |(id, text, offset)| async move {
        let query = format!("q={}&offset={offset}&limit={LIMIT}", quote(text.trim()));
        shared.api.get_owned::<SipAccountPage>(format!("/properties/{id}/sip-accounts?{query}")).await
    });
    Effect::new(move |before: Option<u32>| {
        let now = sip.changes.get();
        if before.is_some_and(|before| before != now) {
            page.reload();
        }
        now
    });
    // Kept while another page is on its way, with the pager and its focus.
    let total = Memo::new(move |last: Option<&u64>| page.with(|page| page.total).or(last.copied()).unwrap_or(0));
    // The last page may be gone since.
    Effect::new(move |_| {
        let Some(total) = page.with(|page| page.total) else { return };
        if (1..=offset.get_untracked()).contains(&total) {
            offset.set((total - 1) / LIMIT * LIMIT);
        }
    });
    let export = move |_| {
        shared.run(async move {
            let path = sip.path("sip-accounts/export");
            let bytes = shared.api.post_for_bytes(&path, &ExportAccounts::default()).await?;
            hand_over(&bytes, "sip-accounts.csv")
        });
    };
    let list = move |page: RwSignal<SipAccountPage>| {
        view! {
            <Show when=move || page.with(|page| page.total > 0) fallback=move || view! {
                <p class="quiet-text">{move || if wanted.with(String::is_empty) { "No accounts yet. Give every room one from a pool, or add one by hand." } else { "No account matches." }}</p>
            }>
                <div class="table-wrap">
                    <table class="table cards">
                        <caption class="sr">"SIP accounts"</caption>
                        <thead><tr>
                            <th scope="col">"User"</th><th scope="col">"Server"</th><th scope="col">"Shown as"</th><th scope="col">"Used by"</th>
                            <th scope="col"><span class="sr">"Actions"</span></th>
                        </tr></thead>
                        <tbody>
                            <For each=move || page.with(|page| page.items.clone()) key=|one| one.id let:account>
                                {
                                    let id = account.id;
                                    let now = move || page.with(|page| page.items.iter().find(|one| one.id == id).cloned());
                                    view! { <Row id account=latest(account, now) sip editing/> }
                                }
                            </For>
                        </tbody>
                    </table>
                </div>
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
                        <button type="button" class="button" id="account-new" data-testid="account-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add an account"</button>
                    </Show>
                </span>
            </div>
            {move || editing.get().map(|account| view! { <AccountForm sip account on_close=close/> })}
            <div class="search-box">
                <Svg icon=Icon::Search/>
                <input type="search" aria-label="Find an account" placeholder="User, name or room" autocomplete="off" data-testid="account-search"
                    prop:value=move || text.get() on:input:target=move |event| {
                        text.set(event.target().value());
                        search(event.target().value());
                    }/>
            </div>
            {page.view(skeleton_list, list)}
            <Show when=move || { total.get() > 0 }>
                <Pager offset limit=LIMIT total on_move=Callback::new(move |to| offset.set(to))/>
            </Show>
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
fn Row(
    id: SipAccountId,
    account: Memo<SipAccount>,
    sip: Sip,
    editing: RwSignal<Option<Option<SipAccount>>>,
) -> impl IntoView {
    let shared = use_shared();
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
    let text = move |read: fn(&SipAccount) -> String| move || account.with(read);
    let user = text(|account| account.user.clone());
    let used = text(|account| used_by(&account.used_by));
    let removed = Signal::derive(move || match account.with(|account| account.used_by.is_empty()) {
        true => "Remove this account?".to_owned(),
        false => format!("Remove this account, and take it away from {}?", used()),
    });
    view! {
        <tr data-testid="account" data-user=user>
            <th scope="row"><span class="cell-title mono">{user}</span></th>
            <td data-label="Server">{text(|account| account.server_name.clone())}</td>
            <td data-label="Shown as">{text(|account| account.display_name.clone())}</td>
            <td data-label="Used by">{used}</td>
            <td>
                <span class="row wrap">
                    <button type="button" class="icon-button" id=opener("account", Some(id)) title="Change" aria-label=move || format!("Change account {}", user()) on:click=move |_| editing.set(Some(Some(account.get_untracked())))><Svg icon=Icon::Edit/></button>
                    <ConfirmButton label="New password" icon=Icon::Lock question="Give it a new password? Its phone cannot register until the PBX knows it." yes="New password" on_yes=renew/>
                    <ConfirmButton label="Remove" icon=Icon::Trash question=removed yes="Remove" on_yes=remove/>
                </span>
            </td>
        </tr>
    }
}
