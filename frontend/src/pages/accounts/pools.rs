//! Extension pools, and giving every room an account from one.

use contract::ExtensionPoolId;
use contract::rest::{ExtensionPool, FillPool, PoolFilled};
use leptos::prelude::*;

use super::pool_form::PoolForm;
use super::{Sip, closing, latest, opener};
use crate::components::confirm::ConfirmButton;
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::state::use_shared;
use crate::words::{counted, phones};

#[component]
pub fn Pools(sip: Sip) -> impl IntoView {
    let editing = RwSignal::new(None::<Option<ExtensionPool>>);
    let close = closing(editing, |pool| opener("pool", pool.map(|pool| pool.id)));
    let list = move |pools: RwSignal<Vec<ExtensionPool>>| {
        view! {
            <Show when=move || pools.with(|pools| !pools.is_empty()) fallback=|| view! {
                <p class="quiet-text">"No pool yet. A pool is a span of numbers, such as 6000-6999, that rooms get their extensions from."</p>
            }>
                <ul class="card settings plain">
                    <For each=move || pools.get() key=|pool| pool.id let:pool>
                        {
                            let id = pool.id;
                            let now = move || pools.with(|all| all.iter().find(|one| one.id == id).cloned());
                            view! { <PoolRow id pool=latest(pool, now) sip editing/> }
                        }
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
                    <button type="button" class="button" id="pool-new" data-testid="pool-new" on:click=move |_| editing.set(Some(None))><Svg icon=Icon::Plus/>"Add a pool"</button>
                </Show>
            </div>
            {move || editing.get().map(|pool| view! { <PoolForm sip pool on_close=close/> })}
            {sip.pools.view(skeleton_list, list)}
        </section>
    }
}

#[component]
fn PoolRow(
    id: ExtensionPoolId,
    pool: Memo<ExtensionPool>,
    sip: Sip,
    editing: RwSignal<Option<Option<ExtensionPool>>>,
) -> impl IntoView {
    let shared = use_shared();
    let filled = RwSignal::new(None::<PoolFilled>);
    let busy = RwSignal::new(false);
    let fill = Callback::new(move |()| {
        busy.set(true);
        filled.set(None);
        shared.run(async move {
            let path = sip.path(&format!("extension-pools/{id}/fill"));
            let answer = shared.api.post::<_, PoolFilled>(&path, &FillPool::default()).await;
            busy.try_set(false);
            filled.try_set(Some(answer?));
            sip.changed();
            Ok(())
        });
    });
    let remove = Callback::new(move |()| {
        shared.run(async move {
            shared.api.delete(&sip.path(&format!("extension-pools/{id}"))).await?;
            shared.say("The pool was removed. Accounts made from it stay.");
            sip.changed();
            Ok(())
        });
    });
    let said = move || {
        let text = if busy.get() { Some("Giving accounts…".to_owned()) } else { filled.get().as_ref().map(told) };
        text.map(|text| view! { <p role="status" data-testid="pool-filled">{text}</p> })
    };
    let name = move || pool.with(|pool| pool.name.clone());
    let line = move || {
        pool.with(|pool| {
            let free = pool.size.saturating_sub(pool.used);
            let reserved =
                if pool.reserved.is_empty() { String::new() } else { format!(", never {}", pool.reserved.join(", ")) };
            format!("{} to {}{reserved}: {} used, {free} free", pool.first, pool.last, pool.used)
        })
    };
    view! {
        <li class="setting" data-testid="pool">
            <div class="grow"><b>{name}</b><p class="quiet-text">{line}</p>{said}</div>
            <div class="row wrap">
                <ConfirmButton
                    label="Give every room an account" icon=Icon::Plus yes="Give accounts" on_yes=fill disabled=busy testid="pool-fill"
                    question="Give every room that has none an account from this pool? Their phones follow at once."
                />
                <button type="button" class="icon-button" id=opener("pool", Some(id)) title="Change" aria-label=move || format!("Change {}", name()) on:click=move |_| editing.set(Some(Some(pool.get_untracked())))><Svg icon=Icon::Edit/></button>
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
