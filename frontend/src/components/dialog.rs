//! A question that has to be answered before anything else: the browser's own modal dialog, which keeps the focus
//! inside and closes with Escape.

use leptos::html;
use leptos::prelude::*;

use crate::app::{focus, focus_is_lost};

/// Its children are there while it is open.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    testid: &'static str,
    /// For more than a question.
    #[prop(optional)]
    wide: bool,
    /// Id of what gets the focus where the button that opened it is gone.
    #[prop(default = "main")]
    after: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let heading = format!("{testid}-title");
    view! {
        <dialog node_ref=element class="dialog" class:wide=wide aria-labelledby=heading.clone() data-testid=testid on:close=move |_| {
            open.set(false);
            request_animation_frame(move || {
                if focus_is_lost() {
                    focus(after);
                }
            });
        }>
            <h2 id=heading.clone()>{move || title.get()}</h2>
            {move || open.get().then(|| children())}
        </dialog>
    }
}
