//! A chain in the tree: its brands, and the properties in them.

use contract::rest::{Accepted, Brand, Chain, Layer, Property};
use leptos::prelude::*;

use super::tree::{LayerLine, chain_line, reach};
use super::tree_move::MoveToBrand;
use super::tree_rooms::RoomTypes;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::components::name_form::NameForm;
use crate::layer_at::LayerAt;
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use crate::words;

#[component]
pub fn ChainNode(chain: Chain) -> impl IntoView {
    let shared = use_shared();
    let id = chain.id;
    let brands = use_load(|| (), move |()| shared.api.get_owned::<Vec<Brand>>(format!("/chains/{id}/brands")));
    let adding = RwSignal::new(false);
    let stop = Callback::new(move |()| adding.set(false));
    let made = Callback::new(move |()| {
        adding.set(false);
        shared.say("The brand is made. Now put its properties into it.");
        brands.reload();
    });
    let of_brand = move |brand: Option<contract::BrandId>| {
        let list = shared.properties.with(|list| {
            list.iter()
                .filter(|property| property.chain_id == Some(id) && property.brand == brand)
                .cloned()
                .collect::<Vec<Property>>()
        });
        list.unwrap_or_default()
    };
    let nodes = move |list: RwSignal<Vec<Brand>>| {
        let brand = move |brand: Brand| {
            let mine = brand.id;
            view! {
                <li data-testid="brand" data-name=brand.name.clone()>
                    <BrandHead brand=brand.clone() brands/>
                    <ul>
                        <For each=move || of_brand(Some(mine)) key=|property| (property.id, property.name.clone(), property.phones) let:property>
                            <PropertyNode property brands=list on_moved=Callback::new(move |()| brands.reload())/>
                        </For>
                    </ul>
                    {move || of_brand(Some(mine)).is_empty().then(|| view! { <p class="quiet-text layer-none">"No property is in this brand yet: choose it at a property below."</p> })}
                </li>
            }
        };
        view! {
            <ul>
                <For each=move || list.get() key=|brand| (brand.id, brand.name.clone(), brand.properties) children=brand/>
                <For each=move || of_brand(None) key=|property| (property.id, property.name.clone(), property.phones) let:property>
                    <PropertyNode property brands=list on_moved=Callback::new(move |()| brands.reload())/>
                </For>
            </ul>
        }
        .into_any()
    };
    view! {
        <li class="card" data-testid="chain">
            <div class="row between wrap">
                {chain_line(&chain)}
                <Show when=move || !adding.get()>
                    <button type="button" class="button small" data-testid="brand-new" on:click=move |_| adding.set(true)><Svg icon=Icon::Plus/>"New brand"</button>
                </Show>
            </div>
            {move || adding.get().then(|| view! {
                <NameForm id="brand-name" label="Name of the brand" path=format!("/chains/{id}/brands") on_done=made on_cancel=stop/>
            })}
            {brands.view(skeleton_list, nodes)}
        </li>
    }
}

#[component]
fn BrandHead(brand: Brand, brands: Loaded<Vec<Brand>>) -> impl IntoView {
    let shared = use_shared();
    let renaming = RwSignal::new(false);
    let id = brand.id;
    let name = StoredValue::new(brand.name.clone());
    let stop = Callback::new(move |()| renaming.set(false));
    let done = Callback::new(move |()| {
        renaming.set(false);
        brands.reload();
        shared.properties.reload();
    });
    let remove = Callback::new(move |()| {
        shared.run(async move {
            let accepted: Accepted = shared.api.remove(&format!("/brands/{id}")).await?;
            shared.say(words::on_its_way("The brand and its values are gone; its properties stay.", accepted.phones));
            brands.reload();
            shared.properties.reload();
            Ok(())
        });
    });
    let phones = move || {
        shared
            .properties
            .with(|list| list.iter().filter(|one| one.brand == Some(id)).map(|one| one.phones).sum::<u32>())
            .unwrap_or(0)
    };
    let question = Signal::derive(move || match phones() {
        0 => "Remove the brand with the values it sets? No phone stands below it.".to_owned(),
        count => {
            let fall = if count == 1 { "falls" } else { "fall" };
            format!(
                "Remove the brand with the values it sets? {} {fall} back to what lies below.",
                words::phones(count)
            )
        }
    });
    let at = LayerAt::new(Layer::Brand, id.0);
    let reach = reach(brand.properties, "property", "properties");
    view! {
        <div class="row between wrap">
            <LayerLine at name=brand.name reach/>
            <Show when=move || !renaming.get()>
                <span class="row wrap">
                    <button type="button" class="button small quiet" data-testid="brand-rename" on:click=move |_| renaming.set(true)><Svg icon=Icon::Edit/>"Rename"</button>
                    <ConfirmButton label="Remove" icon=Icon::Trash question yes="Remove" on_yes=remove testid="brand-remove"/>
                </span>
            </Show>
        </div>
        {move || renaming.get().then(|| view! {
            <NameForm id=format!("rename-{id}") label="Name of the brand" name=name.get_value() path=format!("/brands/{id}") on_done=done on_cancel=stop/>
        })}
    }
}

/// A property, the brand it is in, and its room types once it is opened.
#[component]
fn PropertyNode(property: Property, brands: RwSignal<Vec<Brand>>, on_moved: Callback<()>) -> impl IntoView {
    let id = property.id;
    let open = RwSignal::new(false);
    let at = LayerAt::new(Layer::Property, id.0);
    let title = format!("Room types of {}", property.name);
    view! {
        <li data-testid="property" data-name=property.name.clone()>
            <div class="row between wrap">
                <LayerLine at name=property.name.clone() reach=reach(property.rooms, "room", "rooms")/>
                <span class="row wrap">
                    <MoveToBrand property=property.clone() brands on_moved/>
                    <button type="button" class="button small quiet" aria-expanded=move || open.get().to_string() aria-label=title.clone()
                        data-testid="property-open" on:click=move |_| open.update(|open| *open = !*open)>
                        "Room types"
                    </button>
                </span>
            </div>
            {move || open.get().then(|| view! { <RoomTypes property=id/> })}
        </li>
    }
}
