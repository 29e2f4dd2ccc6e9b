//! The panel of one room: what it is called, which phone stands in it, and what is happening to it.

use contract::RoomId;
use contract::rest::{Accepted, JobState, Layer, RoomDetail, SipAccount, SipAccountPage, SyncState};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::board_keys::focus_cell;
use super::property::use_scope;
use super::room_live::apply;
use crate::api::quote;
use crate::app::{focus, use_title};
use crate::components::age::Ago;
use crate::components::assign::Assign;
use crate::components::chip::{AgedChip, Chip};
use crate::components::confirm::ConfirmButton;
use crate::components::empty::skeleton_panel;
use crate::components::icon::{Icon, Svg};
use crate::components::job_card::JobCard;
use crate::components::room_form::RoomForm;
use crate::components::setting_editor::SettingEditor;
use crate::components::timeline::Timeline;
use crate::layer_at::LayerAt;
use crate::live::use_live;
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use crate::words;

/// Each room registers with its own.
const SIP_PASSWORD: &str = "account.1.sip.subscriber.password";

#[component]
pub fn RoomPanel() -> impl IntoView {
    let shared = use_shared();
    let params = use_params_map();
    let navigate = use_navigate();
    let Some(scope) = use_scope() else { return ().into_any() };
    let id = Memo::new(move |_| params.read().get("room").unwrap_or_default());
    let detail = use_load(move || id.get(), move |id| shared.api.get_owned::<RoomDetail>(format!("/rooms/{id}")));
    use_live(move |change| apply(detail, change));
    let number = Memo::new(move |_| detail.with(|detail| detail.card.number.clone()));
    use_title(move || format!("Room {}", number.get().unwrap_or_default()));
    Effect::new(move |_| {
        id.track();
        request_animation_frame(|| focus("panel-title"));
    });
    let close = StoredValue::new_local(move || {
        let board = format!("/p/{}/rooms", scope.0.get_untracked());
        let cell = format!("{board}/{}", id.get_untracked());
        navigate(&board, NavigateOptions { scroll: false, ..Default::default() });
        request_animation_frame(move || focus_cell(&cell));
    });
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && !event.default_prevented() {
            close.with_value(|close| close());
        }
    });
    on_cleanup(move || keys.remove());
    view! {
        <aside
            class="panel"
            role="dialog"
            aria-labelledby="panel-title"
            aria-modal=move || shared.narrow.get().then_some("true")
            data-testid="panel"
        >
            <header class="panel-head">
                <h2 id="panel-title" tabindex="-1">"Room " {move || number.get()}</h2>
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Close"
                    title="Close (Esc)"
                    data-testid="panel-close"
                    on:click=move |_| close.with_value(|close| close())
                >
                    <Svg icon=Icon::Close/>
                </button>
            </header>
            <div class="panel-body">
                {detail.view(skeleton_panel, move |value| view! { <Room value detail/> }.into_any())}
            </div>
        </aside>
    }
    .into_any()
}

#[component]
fn Room(value: RwSignal<RoomDetail>, detail: Loaded<RoomDetail>) -> impl IntoView {
    let shared = use_shared();
    let card = Memo::new(move |_| value.with(|value| value.card.clone()));
    let phone = Memo::new(move |_| value.with(|value| value.phone.clone()));
    let job = Memo::new(move |_| value.with(|value| value.job.clone()));
    let zone = Signal::derive(move || shared.zone(Some(card.with(|card| card.property))));
    let accepted = Callback::new(move |accepted: Accepted| {
        shared.say(match accepted.phones {
            0 => "Saved.",
            _ => "Saved. The change is on its way to the phone.",
        });
        let phone = card.with_untracked(|card| card.phone);
        if let Some(job) = accepted.jobs.into_iter().find(|job| Some(job.phone) == phone) {
            detail.touch(|detail| detail.job = Some(job));
        }
        detail.reload();
    });
    let assigning = RwSignal::new(false);
    let room = Memo::new(move |_| card.with(|card| card.id));
    let editing = RwSignal::new(false);
    let navigate = StoredValue::new_local(use_navigate());
    // Where the room has an account its password is the account's: one that is set here would hide that for good.
    let edit = move |_| {
        let card = card.get_untracked();
        shared.run(async move {
            let number = quote(&card.number);
            let path = format!("/properties/{}/sip-accounts?q={number}&limit=500", card.property);
            let found: SipAccountPage = shared.api.get(&path).await?;
            if room.try_get_untracked() != Some(card.id) {
                return Ok(());
            }
            let mine = |one: &SipAccount| one.slot == 1 && one.used_by.iter().any(|by| by.room == Some(card.id));
            if found.items.iter().any(mine) {
                let to = format!("/p/{}/accounts?q={number}", card.property);
                navigate.try_with_value(|navigate| navigate(&to, NavigateOptions::default()));
                shared.say("The room has a SIP account: give it a new password here.");
            } else {
                editing.set(true);
                request_animation_frame(|| focus("setting-value"));
            }
            Ok(())
        });
    };
    Effect::new(move |_| {
        // Read, not tracked: a memo's first value, when somebody else reads it, would count as a change.
        room.get();
        assigning.set(false);
        editing.set(false);
    });
    let remove = Callback::new(move |()| {
        let RoomId(id) = room.get_untracked();
        shared.run(async move {
            shared.api.delete(&format!("/rooms/{id}/phone")).await?;
            shared.say("The room has no phone now. It keeps its number, extension and guest.");
            detail.reload();
            Ok(())
        });
    });
    let job_id = Memo::new(move |_| job.with(|job| job.as_ref().map(|job| job.id)));
    let reload = Callback::new(move |()| detail.reload());
    let place = move || value.with(|value| format!("{} · {}", value.building, value.floor));
    view! {
        <div class="stack">
            <p class="quiet-text">{place}</p>
            <div class="row wrap">
                <AgedChip
                    look=Signal::derive(move || words::room(card.with(|card| card.state)))
                    since=Signal::derive(move || card.with(|card| card.since))
                />
                <SyncLine here=Signal::derive(move || card.with(|card| card.phone.is_some())) card_sync=Signal::derive(move || card.with(|card| card.sync)) job/>
            </div>
            <p class="help">{move || words::room_help(card.with(|card| card.state))}</p>
        </div>
        <section aria-label="Room data">
            <RoomForm card on_accepted=accepted/>
        </section>
        <section class="stack" aria-labelledby="phone-title">
            <h3 id="phone-title">"Phone"</h3>
            {move || phone.get().map(|row| view! {
                <div class="phone-card">
                    <span class="phone-icon"><Svg icon=Icon::Phone/></span>
                    <div>
                        <a href=format!("/phones/{}", row.id)><b>{if row.model.is_empty() { "Phone".to_owned() } else { row.model.clone() }}</b></a>
                        <p class="mono">{row.mac.to_string()}</p>
                        <p class="quiet-text">
                            {[row.firmware.clone(), row.ip.clone()].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ")}
                        </p>
                        <p class="quiet-text">
                            {match row.last_seen {
                                Some(at) => view! { "Last heard " <Ago at=at zone=zone/> }.into_any(),
                                None => "Never heard of".into_any(),
                            }}
                        </p>
                    </div>
                </div>
            })}
            {move || if assigning.get() {
                let done = Callback::new(move |answer: Accepted| {
                    assigning.set(false);
                    accepted.run(answer);
                });
                view! { <Assign card on_accepted=done on_cancel=Callback::new(move |()| assigning.set(false))/> }.into_any()
            } else {
                let has = card.with(|card| card.phone.is_some());
                view! {
                    <div class="row wrap">
                        <button type="button" class="button" class:primary=!has data-testid="assign-open" on:click=move |_| assigning.set(true)>
                            <Svg icon=if has { Icon::Swap } else { Icon::Plus }/>
                            {if has { "Swap the phone" } else { "Assign a phone" }}
                        </button>
                        {has.then(|| view! {
                            <ConfirmButton
                                label="Remove" icon=Icon::Trash question="Take the phone out of this room?" yes="Remove"
                                on_yes=remove testid="phone-remove"
                            />
                        })}
                    </div>
                }.into_any()
            }}
        </section>
        <section class="stack" aria-labelledby="settings-title">
            <h3 id="settings-title">"Settings of this room"</h3>
            {move || match editing.get() {
                true => {
                    let done = Callback::new(move |answer: Accepted| {
                        editing.set(false);
                        accepted.run(answer);
                    });
                    let path = format!("/rooms/{}/settings", room.get());
                    let cancel = Callback::new(move |()| editing.set(false));
                    view! { <SettingEditor path key=SIP_PASSWORD on_accepted=done on_cancel=cancel/> }.into_any()
                }
                false => view! {
                    <div class="row wrap">
                        <button type="button" class="button" data-testid="sip-password" on:click=edit>
                            <Svg icon=Icon::Lock/>
                            "SIP password"
                        </button>
                        <a class="button" data-testid="room-settings" href=move || LayerAt::new(Layer::Room, room.get().0).href(None)>
                            <Svg icon=Icon::Settings/>
                            "All settings of this room"
                        </a>
                    </div>
                }.into_any(),
            }}
        </section>
        {move || job_id.get().and_then(|_| job.get_untracked()).map(|first| {
            let latest = Memo::new(move |_| job.get().unwrap_or_else(|| first.clone()));
            view! {
                <section class="stack" aria-labelledby="job-title">
                    <h3 id="job-title">"Latest change"</h3>
                    <JobCard job=latest zone on_change=reload/>
                </section>
            }
        })}
        <section class="stack" aria-labelledby="events-title">
            <h3 id="events-title">"Last events"</h3>
            <Timeline events=Signal::derive(move || value.with(|value| value.events.clone())) zone/>
        </section>
    }
}

/// Pending, applied or failed; read out when it changes.
#[component]
fn SyncLine(
    /// Whether there is a phone to speak of.
    #[prop(into)]
    here: Signal<bool>,
    #[prop(into)] card_sync: Signal<SyncState>,
    #[prop(into)] job: Signal<Option<contract::rest::JobView>>,
) -> impl IntoView {
    let sync = Memo::new(move |_| card_sync.get());
    let applied = Memo::new(move |_| job.with(|job| job.as_ref().is_some_and(|job| job.state == JobState::Done)));
    let look = Signal::derive(move || {
        let mut look = words::sync(sync.get());
        if sync.get() == SyncState::InSync && applied.get() {
            look.word = "Applied";
        }
        look
    });
    view! {
        <span aria-live="polite" role="status" data-testid="sync-state" data-sync=move || sync.get().as_str()>
            {move || here.get().then(|| view! { <Chip look/> })}
        </span>
    }
}
