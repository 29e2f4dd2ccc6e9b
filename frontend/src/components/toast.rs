//! Messages about what just happened. Read out politely; they leave by themselves.

use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::state::use_shared;

#[component]
pub fn Toasts() -> impl IntoView {
    let shared = use_shared();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || shared.toasts.get() key=|toast| toast.id let:toast>
                <div class="toast" class:bad=toast.bad>
                    <Svg icon=if toast.bad { Icon::Alert } else { Icon::Check }/>
                    <span>{toast.text.clone()}</span>
                    <button type="button" class="icon-button" aria-label="Dismiss" on:click=move |_| shared.dismiss(toast.id)>
                        <Svg icon=Icon::Close/>
                    </button>
                </div>
            </For>
        </div>
    }
}
