//! A file from the phone: its log or its configuration.

use contract::rest::Task;
use leptos::prelude::*;

use super::scope::PhoneScope;
use super::start::Starter;
use crate::components::empty::FormError;
use crate::components::icon::{Icon, Svg};
use crate::files::FROM_PHONE;

#[component]
pub fn Receive(scope: PhoneScope) -> impl IntoView {
    let starter = Starter::new(scope, Callback::new(move |_| scope.shared.say("The phone is asked for it.")));
    let fetch =
        move |file_type: &str| starter.send(Some(Task::Upload { file_type: file_type.to_owned(), delay_seconds: 0 }));
    let buttons = FROM_PHONE.map(|(word, label)| {
        view! {
            <button type="button" class="button" data-testid=format!("receive-{}", label.to_lowercase()) on:click=move |_| fetch(word)>
                <Svg icon=Icon::Upload/>
                {label}
            </button>
        }
    });
    view! {
        <section class="card stack" aria-labelledby="receive-title">
            <h2 id="receive-title">"Get a file from the phone"</h2>
            <p class="help">"The phone sends it to Bellhop. Save it from the list of what was ordered once it is there."</p>
            <div class="row wrap">{buttons.into_iter().collect_view()}</div>
            <FormError error=starter.sending.error fields=&[]/>
        </section>
    }
}
