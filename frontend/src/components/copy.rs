//! Copying a text to the clipboard.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, Svg};
use crate::state::use_shared;

/// Not there where the browser gives pages no clipboard, as over plain HTTP from another machine.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Signal<String>,
    /// What is copied, for example "the path".
    what: &'static str,
) -> impl IntoView {
    let shared = use_shared();
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let written =
                wasm_bindgen_futures::JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            match written {
                Ok(_) => shared.say("Copied."),
                Err(_) => shared.say("The browser did not allow copying. Select the text and copy it yourself."),
            }
        });
    };
    let label = format!("Copy {what}");
    window().is_secure_context().then(|| {
        view! {
            <button type="button" class="icon-button" title=label.clone() aria-label=label.clone() data-testid="copy" on:click=copy>
                <Svg icon=Icon::Copy/>
            </button>
        }
    })
}
