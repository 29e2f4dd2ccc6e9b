//! What a property is called and how it is reached: shown above its settings, which say it with variables, and changed
//! in place.

use contract::PropertyId;
use contract::rest::{Accepted, Property, PropertyChange};
use leptos::prelude::*;

use super::emergency::Emergency;
use crate::api::ApiError;
use crate::app::focus;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::push::{Trial, TrialDialog, dry_run};
use crate::state::use_shared;
use crate::time::{all_zones, is_zone};
use crate::words;

const FIELDS: &[&str] = &["name", "phone", "front_desk", "time_zone"];

/// What is said, and the variable that stands for it.
fn facts(property: &Property) -> [(&'static str, String, &'static str); 4] {
    [
        ("Name", property.name.clone(), "{property.name}"),
        ("Telephone number", property.phone.clone(), "{property.phone}"),
        ("Front desk", property.front_desk.clone(), "{property.front_desk}"),
        ("Time zone", property.time_zone.clone(), "{property.time_zone}"),
    ]
}

#[component]
pub fn PropertyFacts(
    id: PropertyId,
    /// It was changed, perhaps its name.
    on_changed: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let property = Memo::new(move |_| shared.property(id));
    let editing = RwSignal::new(false);
    let edit = move |_| {
        editing.set(true);
        request_animation_frame(|| focus("facts-name"));
    };
    let close = Callback::new(move |()| {
        editing.set(false);
        request_animation_frame(|| focus("facts-change"));
    });
    let list = move || {
        let one = |(label, value, variable): (&'static str, String, &'static str)| {
            let value = match value.is_empty() {
                true => view! { <span class="quiet-text">"Not given"</span> }.into_any(),
                false => view! { <span>{value}</span> }.into_any(),
            };
            view! { <div><dt>{label}</dt><dd>{value}</dd><dd class="mono quiet-text">{variable}</dd></div> }
        };
        property.get().map(|property| facts(&property).into_iter().map(one).collect_view())
    };
    view! {
        <section class="card stack" aria-labelledby="facts-title" data-testid="property-facts">
            <div class="row between wrap">
                <h2 id="facts-title">"The property"</h2>
                <Show when=move || !editing.get() && property.with(Option::is_some)>
                    <button type="button" class="button small" id="facts-change" data-testid="facts-change" aria-label="Change name, numbers and time zone of the property" on:click=edit>
                        <Svg icon=Icon::Edit/>
                        "Change"
                    </button>
                </Show>
            </div>
            {move || match (editing.get(), property.get_untracked()) {
                (true, Some(old)) => view! { <Form old on_changed on_close=close/> }.into_any(),
                _ => view! { <dl class="facts">{list}</dl> }.into_any(),
            }}
            <Emergency id on_changed/>
        </section>
    }
}

/// What differs from what is kept.
fn change(old: &Property, name: &str, phone: &str, front_desk: &str, time_zone: &str) -> PropertyChange {
    let new = |text: &str, old: &str| Some(text.trim().to_owned()).filter(|text| text != old);
    PropertyChange {
        name: new(name, &old.name),
        time_zone: new(time_zone, &old.time_zone),
        phone: new(phone, &old.phone),
        front_desk: new(front_desk, &old.front_desk),
        ..PropertyChange::default()
    }
}

/// What a change means for the phones of the property, in words; nothing where nothing changes.
fn meaning(change: &PropertyChange, phones: u32) -> Option<String> {
    let all = [
        ("{property.name}", &change.name),
        ("{property.phone}", &change.phone),
        ("{property.front_desk}", &change.front_desk),
        ("{property.time_zone}", &change.time_zone),
    ];
    let (emptied, changed): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|(_, value)| value.is_some()).partition(|(_, value)| value.as_deref() == Some(""));
    let names = |list: &[(&str, &Option<String>)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let phones = words::phones(phones);
    let mut parts = Vec::new();
    if !changed.is_empty() {
        parts.push(format!("Settings that say {} change on up to {phones}.", names(&changed)));
    }
    if !emptied.is_empty() {
        parts.push(format!(
            "Settings that say {} are left out on up to {phones}: what lies below them counts.",
            names(&emptied)
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What may not be empty, and is.
fn missing(change: &PropertyChange) -> Option<ApiError> {
    let inputs = [
        ("name", &change.name, "Write what the property is called."),
        ("time_zone", &change.time_zone, "Write a time zone, for example Europe/Lisbon."),
    ];
    let (field, _, todo) = inputs.into_iter().find(|(_, value, _)| value.as_deref() == Some(""))?;
    Some(ApiError::local("required", "Something is missing.", todo).of_field(field))
}

#[component]
fn Form(old: Property, on_changed: Callback<()>, on_close: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let (name, phone) = (RwSignal::new(old.name.clone()), RwSignal::new(old.phone.clone()));
    let (desk, zone) = (RwSignal::new(old.front_desk.clone()), RwSignal::new(old.time_zone.clone()));
    let sending = Sending::new();
    let id = old.id;
    let old = StoredValue::new(old);
    let now =
        Memo::new(move |_| old.with_value(|old| change(old, &name.read(), &phone.read(), &desk.read(), &zone.read())));
    let wanted = move || now.get_untracked();
    let meaning = move || now.with(|now| old.with_value(|old| meaning(now, old.phones)));
    // Nothing that was typed is lost by a key.
    let same = move || wanted() == PropertyChange::default();
    // What was looked at, whatever is typed meanwhile.
    let tried = StoredValue::new(PropertyChange::default());
    let make = Callback::new(move |()| {
        let change = tried.get_value();
        let sent = change.clone();
        let keep = async move { shared.api.patch::<_, Accepted>(&format!("/properties/{id}"), &sent).await };
        sending.run(keep, move |accepted| {
            shared.properties.touch(|list| {
                let Some(one) = list.iter_mut().find(|one| one.id == id) else { return };
                let set = |to: &mut String, new: Option<String>| *to = new.unwrap_or_else(|| std::mem::take(to));
                set(&mut one.name, change.name);
                set(&mut one.phone, change.phone);
                set(&mut one.front_desk, change.front_desk);
                set(&mut one.time_zone, change.time_zone);
            });
            shared.properties.reload();
            shared.say(words::on_its_way("Saved.", accepted.phones));
            on_close.try_run(());
            on_changed.try_run(());
        });
    });
    let trial = Trial::new(sending);
    let save = move || {
        let change = wanted();
        if change == PropertyChange::default() {
            return on_close.run(());
        }
        if let Some(why) = missing(&change) {
            return sending.refuse(why);
        }
        if change.time_zone.as_deref().is_some_and(|zone| !is_zone(zone)) {
            let detail = "Write one such as Europe/Lisbon, or choose it from the list.";
            return sending.refuse(ApiError::local("no-zone", "This is no time zone", detail).of_field("time_zone"));
        }
        tried.set_value(change.clone());
        let asked =
            async move { shared.api.patch::<_, Accepted>(&dry_run(&format!("/properties/{id}")), &change).await };
        trial.ask(asked, make);
    };
    let zones = all_zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view();
    view! {
        <form
            class="stack"
            novalidate
            aria-labelledby="facts-title"
            data-testid="facts-form"
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
            on:keydown=move |event| {
                if sending.leaves(&event) && same() {
                    event.stop_propagation();
                    on_close.run(());
                }
            }
        >
            <p class="help">"Settings can say these with variables, here and in every layer. When one changes, phones follow."</p>
            <div class="pair">
                <TextField id="facts-name" label="Name" help="Stands where settings say {property.name}." value=name error=sending.at("name") testid="facts-name" required=true/>
                <TextField id="facts-zone" label="Time zone" help="Times are shown in it; {property.time_zone} in settings." value=zone error=sending.at("time_zone") list="facts-zones" testid="facts-zone" required=true/>
            </div>
            <div class="pair">
                <TextField id="facts-phone" label="Telephone number" help="With the country's code, as guests give it to others; {property.phone} in settings." value=phone error=sending.at("phone") inputmode="tel" placeholder="+351 215 550 100" testid="facts-phone"/>
                <TextField id="facts-front-desk" label="Front desk" help="As dialled from a room, for example 0; {property.front_desk} in settings." value=desk error=sending.at("front_desk") inputmode="tel" testid="facts-front-desk"/>
            </div>
            <datalist id="facts-zones">{zones}</datalist>
            {move || meaning().map(|text| view! { <p class="note" role="status" data-testid="facts-meaning"><Svg icon=Icon::Alert/> <span>{text}</span></p> })}
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="facts-save" disabled=move || sending.busy.get()>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                <button type="button" class="button" data-testid="facts-cancel" disabled=move || sending.busy.get() on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
        <TrialDialog trial title="Change the property?" yes="Change it" on_yes=make testid="facts-trial"/>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harbour() -> Property {
        let json = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "chain": "Meridian", "code": "harbour", "name": "Harbour",
            "time_zone": "Europe/Lisbon", "phone": "+351 1", "rooms": 1, "phones": 1, "online": 1, "attention": 0,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_what_differs_is_sent() {
        let old = harbour();
        assert_eq!(change(&old, " Harbour ", "+351 1", "", "Europe/Lisbon"), PropertyChange::default());
        let wanted = change(&old, "Harbour", "", "9", "Europe/Lisbon");
        let expected =
            PropertyChange { phone: Some(String::new()), front_desk: Some("9".into()), ..PropertyChange::default() };
        assert_eq!(wanted, expected);
        assert_eq!(missing(&wanted), None, "a property may have no number");
    }

    #[test]
    fn what_a_change_means_is_said_with_its_phones() {
        let old = harbour();
        let said = |name: &str, phone: &str| meaning(&change(&old, name, phone, "", "Europe/Lisbon"), 12);
        assert_eq!(said("Harbour", "+351 1"), None);
        assert_eq!(said("Port", "+351 1").unwrap(), "Settings that say {property.name} change on up to 12 phones.");
        let emptied = said("Harbour", "").unwrap();
        assert!(emptied.starts_with("Settings that say {property.phone} are left out on up to 12 phones"), "{emptied}");
    }

    #[test]
    fn name_and_time_zone_may_not_be_empty() {
        let field = |name: &str, zone: &str| missing(&change(&harbour(), name, "", "", zone))?.0.field;
        assert_eq!(field(" ", "UTC").as_deref(), Some("name"));
        assert_eq!(field("Harbour", "").as_deref(), Some("time_zone"));
        assert_eq!(field("Other", "UTC"), None);
    }
}
