//! Moving a property into another brand: chosen, asked about with what it does to the phones, then done.

use contract::rest::{Accepted, Brand, Property, PropertyChange};
use leptos::prelude::*;

use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::push::{Trial, TrialDialog, dry_run};
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
    let path = move || format!("/properties/{id}");
    let change =
        move || PropertyChange { brand: Some(wanted.get_untracked().parse().ok()), ..PropertyChange::default() };
    // It is where it was.
    let stay = move || drop(wanted.try_set(now.try_get_value().unwrap_or_default()));
    let sending = Sending::new();
    let trial = Trial::new(sending);
    let ask = move |_| {
        let change = change();
        trial.ask_always(async move {
            let tried = shared.api.patch::<_, Accepted>(&dry_run(&path()), &change).await;
            if tried.is_err() {
                stay();
            }
            tried
        });
    };
    let put = Callback::new(move |()| {
        let change = change();
        shared.run(async move {
            match shared.api.patch::<_, Accepted>(&path(), &change).await {
                Ok(accepted) => {
                    shared.say(words::on_its_way("Moved.", accepted.phones));
                    shared.properties.reload();
                    on_moved.try_run(());
                    Ok(())
                }
                Err(why) => {
                    stay();
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
                <select class="small" disabled=move || sending.busy.get() aria-label=format!("Brand of {}", name.get_value()) data-testid="property-brand" on:change:target=move |event| wanted.set(event.target().value())>
                    <option value="" prop:selected=move || wanted.with(String::is_empty)>"No brand"</option>
                    {options}
                </select>
                {move || moved.get().then(|| view! {
                    <button type="button" class="button quiet" data-testid="property-move" on:click=ask><Svg icon=Icon::Swap/>"Move…"</button>
                })}
                <FormError error=sending.error fields=&[]/>
                <TrialDialog trial title=question yes="Move" on_yes=put testid="property-moving"/>
            </span>
        </Show>
    }
}
