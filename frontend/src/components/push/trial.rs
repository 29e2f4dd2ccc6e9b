//! A change of something else than a layer's values that phones follow, such as a SIP server's: what it would do is asked
//! first.

use std::future::Future;

use contract::rest::{Accepted, Preview};
use leptos::prelude::*;

use super::PreviewView;
use crate::api::ApiError;
use crate::components::dialog::Dialog;
use crate::components::form::Sending;
use crate::words;

/// The address that only tries what is sent there.
pub fn dry_run(path: &str) -> String {
    format!("{path}?dry_run=true")
}

#[derive(Clone, Copy)]
pub struct Trial {
    sending: Sending,
    found: RwSignal<Option<Preview>>,
}

impl Trial {
    /// Refusals are shown where those of the change itself are.
    pub fn new(sending: Sending) -> Self {
        Self { sending, found: RwSignal::new(None) }
    }

    /// Shows what `tried` says it would do. Where no phone follows there is nothing to ask, and `make` is called at once,
    /// unless its form was left meanwhile.
    pub fn ask<F>(self, tried: F, make: Callback<()>)
    where
        F: Future<Output = Result<Accepted, ApiError>> + 'static,
    {
        self.sending.run(tried, move |answer: Accepted| match answer.preview.filter(|would| would.phones > 0) {
            Some(would) => drop(self.found.try_set(Some(would))),
            None => {
                make.try_run(());
            }
        });
    }

    /// The same, and it is asked in any case.
    pub fn ask_always<F>(self, tried: F)
    where
        F: Future<Output = Result<Accepted, ApiError>> + 'static,
    {
        self.sending.run(tried, move |answer: Accepted| drop(self.found.try_set(answer.preview)));
    }
}

#[component]
pub fn TrialDialog(
    trial: Trial,
    #[prop(into)] title: Signal<String>,
    /// The word on the button that makes the change.
    yes: &'static str,
    on_yes: Callback<()>,
    testid: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let found = trial.found;
    Effect::new(move |_| open.set(found.with(Option::is_some)));
    Effect::new(move |was: Option<bool>| {
        let now = open.get();
        if was == Some(true) && !now {
            found.set(None);
        }
        now
    });
    let go = move |_| {
        open.set(false);
        on_yes.run(());
    };
    view! {
        <Dialog open title testid wide=true>
            {move || found.get().map(|would| {
                let phones = would.phones;
                let word = if phones > 0 { format!("{yes} on {}", words::phones(phones)) } else { yes.to_owned() };
                view! {
                    <div class="stack">
                        {if phones > 0 {
                            view! { <PreviewView preview=would/> }.into_any()
                        } else {
                            view! { <p role="status">"No phone has to change for it."</p> }.into_any()
                        }}
                        <div class="row">
                            <button type="button" class="button primary" id=format!("{testid}-yes") data-testid=format!("{testid}-yes") on:click=go>{word}</button>
                            <button type="button" class="button" on:click=move |_| open.set(false)>"Back"</button>
                        </div>
                    </div>
                }
            })}
        </Dialog>
    }
}
