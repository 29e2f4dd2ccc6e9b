//! One phone that asks for a room or a number, with the answer one tap away.

use contract::rest::{ClaimAccept, ClaimKind, ClaimReject, ClaimState, ClaimView};
use leptos::prelude::*;

use crate::components::age::Ago;
use crate::components::chip::Chip;
use crate::components::confirm::ConfirmButton;
use crate::components::icon::{Icon, Svg};
use crate::state::use_shared;
use crate::words::Look;

const fn look(state: ClaimState) -> Look {
    let (word, icon, tone) = match state {
        ClaimState::New => ("Just came", Icon::Clock, "blue"),
        ClaimState::Waiting => ("Waits for an answer", Icon::Clock, "amber"),
        ClaimState::Accepted => ("Accepted", Icon::Check, "green"),
        ClaimState::Rejected => ("Rejected", Icon::Close, "none"),
        ClaimState::Refused => ("Refused by the rules", Icon::Alert, "red"),
        ClaimState::Expired => ("Expired", Icon::Clock, "none"),
    };
    Look { word, icon, tone }
}

/// What the phone asks for.
fn asked(claim: &ClaimView) -> String {
    if claim.kind == ClaimKind::Room {
        return format!("Room {}", claim.number);
    }
    // `**82#` in no room is for the room whose number or extension is set there; in a room it is for that one, also if
    // the phone was put into another one since.
    let waiting = claim.state == ClaimState::Waiting;
    match (claim.from_room.as_ref().filter(|_| waiting), &claim.room_number) {
        (Some(room), _) => format!("The number of room {room}"),
        (None, Some(room)) if waiting => format!("Room {room} and its number"),
        (None, Some(room)) => format!("Number of room {room}"),
        (None, None) => "A number of its own".to_owned(),
    }
}

#[component]
pub fn ClaimCard(claim: ClaimView, zone: Signal<String>, on_change: Callback<ClaimView>) -> impl IntoView {
    let shared = use_shared();
    let id = claim.id;
    let busy = RwSignal::new(false);
    let what = asked(&claim);
    let (said_yes, said_no) = (format!("{what}: accepted."), format!("{what}: rejected."));
    // `None`: no.
    let decide = Callback::new(move |accept: Option<ClaimAccept>| {
        busy.set(true);
        let said = if accept.is_some() { said_yes.clone() } else { said_no.clone() };
        shared.run(async move {
            let path = format!("/claims/{id}");
            let answer = match accept {
                Some(accept) => shared.api.post(&format!("{path}/accept"), &accept).await,
                None => shared.api.post(&format!("{path}/reject"), &ClaimReject::default()).await,
            };
            busy.try_set(false);
            on_change.try_run(answer?);
            shared.say(said);
            Ok(())
        });
    });
    let accept = move |replace: bool| decide.run(Some(ClaimAccept { replace }));
    let from = claim
        .from_room
        .as_ref()
        .filter(|_| claim.from_room != claim.room_number)
        .map(|room| format!(" It stands in room {room} now."));
    let replaces = claim.replaces.map(|mac| format!(" The phone {mac} stands there and would have to leave."));
    let waiting = claim.state == ClaimState::Waiting;
    let decided = claim.decided_at.filter(|_| !waiting);
    let label = what.clone();
    let yes = if claim.replaces.is_some() {
        view! {
            <ConfirmButton label="Accept" icon=Icon::Swap question="Take the other phone out of this room?" yes="Accept and replace"
                on_yes=Callback::new(move |()| accept(true)) testid="claim-replace"/>
        }
        .into_any()
    } else {
        view! {
            <button type="button" class="button primary" data-testid="claim-accept" aria-label=format!("Accept: {label}") disabled=move || busy.get() on:click=move |_| accept(false)>
                <Svg icon=Icon::Check/>"Accept"
            </button>
        }
        .into_any()
    };
    view! {
        <article class="card claim" data-testid="claim" data-state=claim.state.as_str() data-number=claim.number.clone()>
            <div class="grow">
                <p class="row wrap"><b class="claim-what">{what.clone()}</b> <Chip look=look(claim.state)/></p>
                <p>
                    <a href=format!("/phones/{}", claim.phone)><span class="mono">{claim.mac.to_string()}</span> " " {claim.model.clone()}</a>
                    <span class="quiet-text">" dialled " <Ago at=claim.at zone=zone/> "." {from} {replaces}</span>
                </p>
                {(!claim.note.is_empty()).then(|| view! { <p>{claim.note.clone()}</p> })}
                {decided.map(|at| view! { <p class="quiet-text">"Decided " <Ago at=at zone=zone/> " by " {claim.decided_by.clone()}</p> })}
            </div>
            {waiting.then(|| view! {
                <div class="row wrap">
                    {yes}
                    <button type="button" class="button" data-testid="claim-reject" aria-label=format!("Reject: {what}") disabled=move || busy.get() on:click=move |_| decide.run(None)>
                        <Svg icon=Icon::Close/>"Reject"
                    </button>
                </div>
            })}
        </article>
    }
}
