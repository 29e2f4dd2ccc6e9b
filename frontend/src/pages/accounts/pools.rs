//! Extension pools, and giving every room an account from one.

use contract::rest::{ExtensionPool, FillPool, PoolFilled};
use leptos::prelude::*;

use super::Sip;
use super::pool_form::PoolForm;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::state::use_shared;
use crate::words::{counted, phones};

#[component]
pub fn Pools(sip: Sip) -> impl IntoView {
    let editing = RwSignal::new(None::<Option<ExtensionPool>>);
    let close = Callback::new(move |()| editing.set(None));
    let list = move |pools: RwSignal<Vec<ExtensionPool>>| {
        view! {
            <Show when=move || pools.with(|pools| !pools.is_empty()) fallback=|| view! {
                <p class="quiet-text">"No pool yet. A pool is a span of numbers, such as 6000-6999, that rooms get their extensions from."</p>
            }>
                <ul class="card settings plain">
                    <For each=move || pools.get() key=|pool| serde_json::to_string(pool).unwrap_or_default() let:pool>
                        <PoolRow pool sip editing/>
                    </For>
                </ul>
            </Show>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="pools-title">
            <div class="row between">
                <h2 id="pools-title">"Extension pools"</h2>
                <Show when=move || editing.with(Option::is_none)>
                    <button type="button" class="button" data-testid="pool-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a pool"</button>
                </Show>
            </div>
            {move || editing.get().map(|pool| view! { <PoolForm sip pool on_close=close/> })}
            {sip.pools.view(skeleton_list, list)}
        </section>
    }
}

#[component]
fn PoolRow(pool: ExtensionPool, sip: Sip, editing: RwSignal<Option<Option<ExtensionPool>>>) -> impl IntoView {
    let shared = use_shared();
    let id = pool.id;
    let filled = RwSignal::new(None::<PoolFilled>);
    let busy = RwSignal::new(false);
    let fill = move |_| {
        busy.set(true);
        shared.run(async move {
            let path = sip.path(&format!("extension-pools/{id}/fill"));
            let answer = shared.api.post::<_, PoolFilled>(&path, &FillPool::default()).await;
            busy.try_set(false);
            filled.try_set(Some(answer?));
            sip.changes.update(|count| *count += 1);
            sip.servers.reload();
            Ok(())
        });
    };
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&sip.path(&format!("extension-pools/{id}"))).await?;
            shared.say("The pool was removed. Accounts made from it stay.");
            sip.changed();
            Ok(())
        });
    });
    let said = move || {
        filled.get().map(|filled| {
            view! { <p role="status" data-testid="pool-filled">{told(&filled)}</p> }
        })
    };
    let free = pool.size.saturating_sub(pool.used);
    let reserved =
        if pool.reserved.is_empty() { String::new() } else { format!(", never {}", pool.reserved.join(", ")) };
    let line = format!("{} to {}{reserved}: {} used, {free} free", pool.first, pool.last, pool.used);
    let label = format!("Change {}", pool.name);
    view! {
        <li class="setting" data-testid="pool">
            <div class="grow"><b>{pool.name.clone()}</b><p class="quiet-text">{line}</p>{said}</div>
            <div class="row wrap">
                <button type="button" class="button primary" data-testid="pool-fill" disabled=move || busy.get() on:click=fill>
                    {move || if busy.get() { "Giving accounts…" } else { "Give every room an account" }}
                </button>
                <button type="button" class="icon-button" title="Change" aria-label=label on:click=move |_| editing.set(Some(Some(pool.clone())))><Svg icon=Icon::Edit/></button>
                <ConfirmButton label="Remove" icon=Icon::Trash question="Remove this pool?" yes="Remove" on_yes=remove/>
            </div>
        </li>
    }
}

/// What filling came to.
fn told(filled: &PoolFilled) -> String {
    let (given, left) = (filled.given.len(), filled.left_out.len());
    if given == 0 && left == 0 {
        return "Every room has an account already.".to_owned();
    }
    let mut said = Vec::new();
    if given > 0 {
        let rooms = counted(given, "room has", "rooms have");
        said.push(format!("{rooms} an account now; the change is on its way to {}.", phones(filled.phones)));
    }
    if left > 0 {
        let rooms = counted(left, "room", "rooms");
        said.push(format!("For {rooms} no number was left: make the pool larger, or add another."));
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use contract::rest::GivenAccount;

    use super::*;

    #[test]
    fn an_empty_pool_is_not_said_to_have_served_every_room() {
        let filled = |given: usize, left: usize| {
            let one = || GivenAccount {
                room: contract::RoomId(Default::default()),
                room_number: "1201".into(),
                account: contract::SipAccountId(Default::default()),
                extension: "6000".into(),
            };
            let left_out = vec![contract::RoomId(Default::default()); left];
            told(&PoolFilled { given: (0..given).map(|_| one()).collect(), left_out, phones: 2, jobs: Vec::new() })
        };
        assert_eq!(filled(0, 0), "Every room has an account already.");
        assert_eq!(filled(0, 5), "For 5 rooms no number was left: make the pool larger, or add another.");
        let both = filled(1, 1);
        assert!(both.starts_with("1 room has an account now") && both.contains("For 1 room no number"), "{both}");
    }
}
