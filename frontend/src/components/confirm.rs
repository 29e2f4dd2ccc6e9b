//! A button for what cannot be undone: it asks once more, in place.

use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::app::focus_is_lost;

#[component]
pub fn ConfirmButton(
    #[prop(into)] label: String,
    icon: Icon,
    /// The question, for example "Remove the phone from this room?".
    #[prop(into)]
    question: Signal<String>,
    /// The word on the button that does it.
    #[prop(into)]
    yes: String,
    on_yes: Callback<()>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let asking = RwSignal::new(false);
    let (label, yes) = (StoredValue::new(label), StoredValue::new(yes));
    let (first, yes_ref) = (NodeRef::<leptos::html::Button>::new(), NodeRef::<leptos::html::Button>::new());
    // The focus goes back to the button that asked, unless it went somewhere else.
    let close = move || {
        asking.set(false);
        request_animation_frame(move || {
            if focus_is_lost()
                && let Some(button) = first.try_get_untracked().flatten()
            {
                let _ = button.focus();
            }
        });
    };
    Effect::new(move |_| {
        if asking.get()
            && let Some(button) = yes_ref.get()
        {
            let _ = button.focus();
        }
    });
    move || {
        if asking.get() {
            view! {
                <span
                    class="confirm"
                    role="group"
                    aria-label=move || question.get()
                    on:keydown=move |event| {
                        if event.key() == "Escape" {
                            event.stop_propagation();
                            close();
                        }
                    }
                >
                    <span>{move || question.get()}</span>
                    <button
                        type="button"
                        class="button danger"
                        node_ref=yes_ref
                        disabled=disabled
                        data-testid=(!testid.is_empty()).then(|| format!("{testid}-yes"))
                        on:click=move |_| {
                            close();
                            on_yes.run(());
                        }
                    >
                        {yes.get_value()}
                    </button>
                    <button type="button" class="button" on:click=move |_| close()>"Keep"</button>
                </span>
            }
            .into_any()
        } else {
            view! {
                <button type="button" class="button quiet" node_ref=first disabled=disabled data-testid=(!testid.is_empty()).then_some(testid) on:click=move |_| asking.set(true)>
                    <Svg icon/>
                    {label.get_value()}
                </button>
            }
            .into_any()
        }
    }
}
