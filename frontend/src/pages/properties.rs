//! The hotels one may see, and making a new one.

use contract::rest::{NewProperty, Property};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::ApiError;
use crate::app::use_title;
use crate::components::empty::{Empty, FormError, skeleton_list};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::live::use_live_stream;
use crate::state::use_shared;
use crate::time::{all_zones, is_zone, own_zone};

#[component]
pub fn PropertiesPage() -> impl IntoView {
    use_title(|| "Properties".into());
    let shared = use_shared();
    use_live_stream().watch(None, None);
    shared.properties.reload();
    let adding = RwSignal::new(false);
    let cancel = Callback::new(move |()| adding.set(false));
    let body = move |list: RwSignal<Vec<Property>>| {
        view! {
            <Show
                when=move || list.with(|list| !list.is_empty())
                fallback=move || view! {
                    <Show when=move || !adding.get()>
                        <Empty icon=Icon::Building title="Set up your first hotel">
                            <p>"A property holds the rooms, and the rooms hold the phones. Create it, add its rooms, then plug in the phones."</p>
                            <button type="button" class="button primary" data-testid="property-new" on:click=move |_| adding.set(true)>
                                <Svg icon=Icon::Plus/>
                                "Create a property"
                            </button>
                        </Empty>
                    </Show>
                }
            >
                <ul class="property-grid">
                    <For each=move || list.get() key=|p| (p.id, p.rooms, p.phones, p.online, p.attention, p.name.clone()) let:property>
                        <PropertyCard property/>
                    </For>
                </ul>
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="page">
            <header class="page-head">
                <h1>"Properties"</h1>
                <Show when=move || !adding.get() && shared.properties.with(|list| !list.is_empty()).unwrap_or(false)>
                    <button type="button" class="button primary" data-testid="property-new" on:click=move |_| adding.set(true)>
                        <Svg icon=Icon::Plus/>
                        "New property"
                    </button>
                </Show>
            </header>
            <Show when=move || adding.get()><NewPropertyForm on_cancel=cancel/></Show>
            {shared.properties.view(skeleton_list, body)}
        </div>
    }
}

#[component]
fn PropertyCard(property: Property) -> impl IntoView {
    let Property { id, chain, name, time_zone, rooms, phones, online, attention, .. } = property;
    let silent = phones.saturating_sub(online);
    view! {
        <li class="card property" data-testid="property-card">
            <div class="row between">
                <h2><a class="stretched" href=format!("/p/{id}/rooms")>{name}</a></h2>
                {if attention > 0 {
                    view! { <span class="chip tone-red"><Svg icon=Icon::Alert/>{format!("{attention} {} a person", if attention == 1 { "needs" } else { "need" })}</span> }.into_any()
                } else if phones > 0 {
                    view! { <span class="chip tone-green"><Svg icon=Icon::Check/>"All good"</span> }.into_any()
                } else {
                    ().into_any()
                }}
            </div>
            <p class="quiet-text">{chain} " · " {time_zone}</p>
            <dl class="numbers">
                <div><dt>"Rooms"</dt><dd>{rooms}</dd></div>
                <div><dt>"Phones"</dt><dd>{phones}</dd></div>
                <div><dt>"Online"</dt><dd>{online}</dd></div>
                <div><dt>"Not online"</dt><dd>{silent}</dd></div>
            </dl>
            <div class="row above">
                {(rooms == 0).then(|| view! { <a class="button primary" href=format!("/p/{id}/layout")>"Add rooms"</a> })}
                {(rooms > 0).then(|| view! { <a class="button" href=format!("/p/{id}/layout")>"Add rooms"</a> })}
                <a class="button" href=format!("/p/{id}/settings")>"Settings"</a>
            </div>
        </li>
    }
}

const FIELDS: &[&str] = &["chain", "name", "code", "time_zone"];

/// `Harbour Hotel` as `harbour-hotel`.
fn code_of(name: &str) -> String {
    let dashed: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let code = dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    code.chars().take(32).collect()
}

#[component]
fn NewPropertyForm(on_cancel: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let navigate = use_navigate();
    let first_chain = shared.properties.with_untracked(|list| list.first().map(|p| p.chain.clone())).flatten();
    let chain = RwSignal::new(first_chain.unwrap_or_default());
    let (name, code, zone) = (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(own_zone()));
    // The code follows the name until somebody writes another.
    Effect::new(move |before: Option<String>| {
        let proposal = code_of(&name.get());
        if before.is_none_or(|before| code.with_untracked(|code| *code == before)) {
            code.set(proposal.clone());
        }
        proposal
    });
    let sending = Sending::new();
    let submit = move || {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        let body =
            NewProperty { chain: trimmed(chain), code: trimmed(code), name: trimmed(name), time_zone: trimmed(zone) };
        let missing =
            [("chain", &body.chain), ("name", &body.name), ("code", &body.code), ("time_zone", &body.time_zone)];
        if let Some((field, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
            return sending
                .refuse(ApiError::local("required", "Something is missing.", "Fill this in.").of_field(field));
        }
        if !is_zone(&body.time_zone) {
            let detail = format!("There is no time zone \"{}\". Take one of the list.", body.time_zone);
            return sending.refuse(ApiError::local("no-zone", "This is no time zone", detail).of_field("time_zone"));
        }
        let navigate = navigate.clone();
        let make = async move { shared.api.post::<_, Property>("/properties", &body).await };
        sending.run(make, move |property| {
            shared.properties.reload();
            shared.say(format!("{} is set up. Now add its rooms.", property.name));
            navigate(&format!("/p/{}/layout", property.id), Default::default());
        });
    };
    let zones = all_zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view();
    view! {
        <form
            class="card stack form"
            novalidate
            aria-label="New property"
            on:submit=move |event| {
                event.prevent_default();
                submit();
            }
        >
            <h2>"New property"</h2>
            <div class="pair">
                <TextField id="chain" label="Hotel chain" help="The owner of all properties; a new one is made if needed." value=chain error=sending.at("chain") testid="property-chain"/>
                <TextField id="name" label="Name of the hotel" value=name error=sending.at("name") placeholder="Harbour Hotel" testid="property-name"/>
            </div>
            <div class="pair">
                <TextField id="code" label="Code" help="Short and unique; used in file names and reports." value=code error=sending.at("code") testid="property-code"/>
                <TextField id="zone" label="Time zone" help="Times are shown in it." value=zone error=sending.at("time_zone") list="zones" testid="property-zone"/>
            </div>
            <datalist id="zones">{zones}</datalist>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="property-save" disabled=move || sending.busy.get()>
                    {move || if sending.busy.get() { "Creating…" } else { "Create" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_follows_from_the_name() {
        assert_eq!(super::code_of("Harbour Hotel & Spa"), "harbour-hotel-spa");
    }
}
