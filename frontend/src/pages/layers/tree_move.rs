//! Moving a property into another brand: chosen, asked about with the count of phones, then done.

use contract::rest::{Accepted, Brand, Property, PropertyChange};
use leptos::prelude::*;

use crate::components::confirm::ConfirmButton;
use crate::components::icon::Icon;
use crate::state::use_shared;
use crate::words;

#[component]
pub fn MoveToBrand(property: Property, brands: RwSignal<Vec<Brand>>, on_moved: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let id = property.id;
    let now = property.brand.map(|brand| brand.to_string()).unwrap_or_default();
    let wanted = RwSignal::new(now.clone());
    let (now, name) = (StoredValue::new(now), StoredValue::new(property.name.clone()));
    let phones = property.phones;
    let moved = Memo::new(move |_| wanted.with(|wanted| now.with_value(|now| wanted != now)));
    let put = Callback::new(move |()| {
        let change = PropertyChange { brand: Some(wanted.get_untracked().parse().ok()), ..PropertyChange::default() };
        shared.run(async move {
            match shared.api.patch::<_, Accepted>(&format!("/properties/{id}"), &change).await {
                Ok(accepted) => {
                    shared.say(words::on_its_way("Moved.", accepted.phones));
                    shared.properties.reload();
                    on_moved.try_run(());
                    Ok(())
                }
                Err(why) => {
                    // It is where it was.
                    wanted.try_set(now.try_get_value().unwrap_or_default());
                    Err(why)
                }
            }
        });
    });
    let brand_name = move || {
        let wanted = wanted.get();
        brands.with(|list| list.iter().find(|one| one.id.to_string() == wanted).map(|one| one.name.clone()))
    };
    let question = Signal::derive(move || {
        let who = format!("{} with {}", name.get_value(), words::its_phones(phones));
        match brand_name() {
            Some(brand) => format!("Move {who} into {brand}? They follow its values."),
            None => format!("Take {who} out of its brand? They lose its values."),
        }
    });
    let options = move || {
        let one = |brand: Brand| {
            let id = brand.id.to_string();
            let mine = id.clone();
            view! { <option value=id prop:selected=move || wanted.with(|wanted| *wanted == mine)>{brand.name}</option> }
        };
        brands.get().into_iter().map(one).collect_view()
    };
    view! {
        <Show when=move || brands.with(|brands| !brands.is_empty())>
            <span class="row wrap" data-testid="property-move-row">
                <select class="small" aria-label=format!("Brand of {}", name.get_value()) data-testid="property-brand" on:change:target=move |event| wanted.set(event.target().value())>
                    <option value="" prop:selected=move || wanted.with(String::is_empty)>"No brand"</option>
                    {options}
                </select>
                {move || moved.get().then(|| view! {
                    <ConfirmButton label="Move…" icon=Icon::Swap question yes="Move" on_yes=put testid="property-move"/>
                })}
            </span>
        </Show>
    }
}
