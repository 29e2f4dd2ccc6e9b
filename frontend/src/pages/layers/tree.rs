//! The tree of layers: what each sets and locks, and which stands on which.

use contract::rest::{Chain, Layer, LayerValues};
use leptos::prelude::*;

use super::tree_brands::ChainNode;
use crate::app::use_title;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::layer_at::LayerAt;
use crate::live::use_live_stream;
use crate::load::use_load;
use crate::state::use_shared;
use crate::words::{self, counted};

#[component]
pub fn LayersPage() -> impl IntoView {
    use_title(|| "Layers of settings".into());
    let shared = use_shared();
    use_live_stream().watch(None, None);
    shared.properties.reload();
    let chains = use_load(|| (), move |()| shared.api.get::<Vec<Chain>>("/chains"));
    let tree = move |list: RwSignal<Vec<Chain>>| {
        view! {
            <Show when=move || list.with(|list| !list.is_empty()) fallback=|| view! {
                <Empty icon=Icon::Building title="Set up your first hotel">
                    <p>"Layers belong to a chain and its properties. Create a property first; its chain is made with it."</p>
                    <a class="button primary" href="/properties">"Create a property"</a>
                </Empty>
            }>
                <ul class="layers" data-testid="layers">
                    <For each=move || list.get() key=|chain| (chain.id, chain.name.clone(), chain.properties) let:chain>
                        <ChainNode chain/>
                    </For>
                </ul>
            </Show>
        }
        .into_any()
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>"Layers of settings"</h1>
                    <p class="quiet-text">"A value set further in counts more: chain, brand, property, room type, room, phone. A locked one counts whatever stands further in."</p>
                </div>
            </header>
            {chains.view(skeleton_list, tree)}
        </div>
    }
}

/// A layer's name with how much it sets, and the way to its settings.
#[component]
pub fn LayerLine(
    at: LayerAt,
    #[prop(into)] name: String,
    /// A room type's property.
    #[prop(optional_no_strip)]
    property: Option<uuid::Uuid>,
    /// What it reaches, for example `3 properties`.
    #[prop(into, optional)]
    reach: String,
) -> impl IntoView {
    let shared = use_shared();
    let look = words::layer(at.layer);
    let values = use_load(|| (), move |()| shared.api.get_owned::<LayerValues>(at.settings()));
    let sets = move || {
        values.with(|layer| {
            let locked = layer.values.iter().filter(|value| value.locked).count();
            let count = layer.values.len();
            view! {
                <span class="quiet-text" data-testid="layer-count">
                    {if count == 0 { "sets nothing".to_owned() } else { format!("sets {}", counted(count, "value", "values")) }}
                </span>
                {(locked > 0).then(|| view! { <span class="chip tone-violet"><Svg icon=Icon::Lock/>{format!("{locked} locked")}</span> })}
            }
        })
    };
    view! {
        <div class="layer-line" data-testid="layer" data-layer=at.layer.as_str()>
            <span class=format!("chip tone-{}", look.tone)><Svg icon=look.icon/>{look.word}</span>
            <a class="layer-name" href=at.href(property)>{name}</a>
            {(!reach.is_empty()).then(|| view! { <span class="quiet-text">{reach}</span> })}
            {sets}
        </div>
    }
}

/// Rooms, brands and the like, in words.
pub fn reach(count: u32, one: &str, many: &str) -> String {
    counted(count as usize, one, many)
}

pub fn chain_line(chain: &Chain) -> impl IntoView + use<> {
    let at = LayerAt::new(Layer::Chain, chain.id.0);
    view! { <LayerLine at name=chain.name.clone() reach=reach(chain.properties, "property", "properties")/> }
}
