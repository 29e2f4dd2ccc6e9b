//! The numbers help is called by, which every dial plan of the property is checked for: shown, and named in place.

use contract::PropertyId;
use contract::rest::{EmergencyNumbers, EmergencyNumbersChange};
use leptos::prelude::*;

use crate::app::focus;
use crate::components::empty::{FormError, skeleton_panel};
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::load::{Loaded, use_load};
use crate::state::use_shared;

/// As the server takes them.
const MOST_NUMBERS: usize = 20;

/// What was written, number by number; or what is wrong with it and how to write it.
fn read(text: &str) -> Result<Vec<String>, String> {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|part| !part.is_empty());
    let mut numbers: Vec<String> = Vec::new();
    for part in parts {
        if !(2..=15).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!(
                "\u{201c}{part}\u{201d} is no such number: write 2 to 15 digits, as dialled in a room."
            ));
        }
        if !numbers.iter().any(|one| one == part) {
            numbers.push(part.to_owned());
        }
    }
    if numbers.len() > MOST_NUMBERS {
        return Err(format!("At most {MOST_NUMBERS} numbers; these are {}.", numbers.len()));
    }
    Ok(numbers)
}

#[component]
pub fn Emergency(
    id: PropertyId,
    /// Others are checked for now.
    on_changed: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let zone = Memo::new(move |_| shared.zone(Some(id)));
    // Another time zone may have others.
    let numbers = use_load(
        move || zone.get(),
        move |_| shared.api.get_owned::<EmergencyNumbers>(format!("/properties/{id}/emergency-numbers")),
    );
    let editing = RwSignal::new(false);
    let close = Callback::new(move |()| {
        editing.set(false);
        request_animation_frame(|| focus("emergency-change"));
    });
    let body = move |now: RwSignal<EmergencyNumbers>| {
        let source = move || match now.with(|now| (now.own, now.guess)) {
            (true, _) => "Named by the property".to_owned(),
            (false, false) => format!("Taken from the time zone {}", zone.get()),
            (false, true) => format!("A guess: those of {} are not known here. Name them.", zone.get()),
        };
        let inner = move || {
            if editing.get() {
                return view! { <Form id now=now.get_untracked() numbers on_changed on_close=close/> }.into_any();
            }
            view! {
                <div class="row between wrap">
                    <p><b class="mono" data-testid="emergency-list">{move || now.with(|now| now.numbers.join(", "))}</b> " " <span class="quiet-text" data-testid="emergency-source">{source}</span></p>
                    <button type="button" class="button small" id="emergency-change" data-testid="emergency-change" aria-label="Change the emergency numbers" on:click=move |_| {
                        editing.set(true);
                        request_animation_frame(|| focus("emergency-numbers"));
                    }>
                        <Svg icon=Icon::Edit/>
                        "Change"
                    </button>
                </div>
            }
            .into_any()
        };
        view! { {inner} }.into_any()
    };
    view! {
        <div class="stack small-gap" role="group" aria-labelledby="emergency-title" data-testid="emergency">
            <h3 id="emergency-title">"Emergency numbers"</h3>
            {numbers.view(skeleton_panel, body)}
        </div>
    }
}

#[component]
fn Form(
    id: PropertyId,
    now: EmergencyNumbers,
    numbers: Loaded<EmergencyNumbers>,
    on_changed: Callback<()>,
    on_close: Callback<()>,
) -> impl IntoView {
    let shared = use_shared();
    let text = RwSignal::new(now.numbers.join(", "));
    let wrong = Memo::new(move |_| text.with(|text| read(text)).err());
    let sending = Sending::new();
    let server = sending.at("numbers");
    let error = Signal::derive(move || wrong.get().or_else(|| server.get()));
    let save = move |wanted: Vec<String>| {
        let body = EmergencyNumbersChange { numbers: wanted };
        let path = format!("/properties/{id}/emergency-numbers");
        let put = async move { shared.api.put::<_, EmergencyNumbers>(&path, &body).await };
        sending.run(put, move |answer| {
            shared.say("Saved. Dial plans are checked for these now.");
            numbers.touch(|numbers| *numbers = answer);
            on_close.try_run(());
            on_changed.try_run(());
        });
    };
    let submit = move || {
        if let Ok(wanted) = text.with_untracked(|text| read(text)) {
            save(wanted);
        }
    };
    view! {
        <form
            class="stack"
            novalidate
            aria-labelledby="emergency-title"
            data-testid="emergency-form"
            on:submit=move |event| {
                event.prevent_default();
                submit();
            }
            on:keydown=move |event| {
                if sending.leaves(&event) {
                    event.stop_propagation();
                    on_close.run(());
                }
            }
        >
            <TextField
                id="emergency-numbers"
                label="Numbers"
                help="As dialled in a room, with commas between, for example 112, 9911. Every phone must be able to dial them. Empty: those of the time zone."
                value=text
                error
                inputmode="tel"
                testid="emergency-numbers"
            />
            <FormError error=sending.error fields=&["numbers"]/>
            <div class="row wrap">
                <button type="submit" class="button primary" data-testid="emergency-save" disabled=move || sending.busy.get() || wrong.with(Option::is_some)>
                    {move || if sending.busy.get() { "Saving…" } else { "Save" }}
                </button>
                {now.own.then(|| view! {
                    <button type="button" class="button" data-testid="emergency-zone" disabled=move || sending.busy.get() on:click=move |_| save(Vec::new())>"Use those of the time zone"</button>
                })}
                <button type="button" class="button" disabled=move || sending.busy.get() on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn numbers_are_read_however_they_are_parted() {
        assert_eq!(read(" 112, 9911;112 000 ").unwrap(), ["112", "9911", "000"]);
        assert_eq!(read("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_number_is_named() {
        assert!(read("112, 9-911").unwrap_err().starts_with("\u{201c}9-911\u{201d} is no such number"));
        assert!(read("1").is_err(), "too short");
        assert!(read("+44").is_err());
        let many: Vec<String> = (100..121).map(|number| number.to_string()).collect();
        assert_eq!(read(&many.join(" ")).unwrap_err(), "At most 20 numbers; these are 21.");
    }
}
