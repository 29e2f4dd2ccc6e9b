//! Asking the phone to open a session now, and what was tried.

use contract::rest::{WakeAttempt, WakeResult};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::scope::PhoneScope;
use crate::components::icon::{Icon, Svg};
use crate::words;

#[derive(Clone, Copy)]
pub struct Wake {
    busy: RwSignal<bool>,
    attempts: RwSignal<Option<Vec<WakeAttempt>>>,
}

impl Wake {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), attempts: RwSignal::new(None) }
    }
}

#[component]
pub fn WakeButton(scope: PhoneScope, wake: Wake) -> impl IntoView {
    let start = move || {
        wake.busy.set(true);
        spawn_local(async move {
            let answer = scope.shared.api.ask::<WakeResult>(&scope.path("wake")).await;
            let _ = wake.busy.try_set(false);
            match answer {
                Ok(result) => drop(wake.attempts.try_set(Some(result.attempts))),
                Err(error) => scope.shared.complain(&error),
            }
        });
    };
    view! {
        <button
            type="button"
            class="button"
            title="Ask the phone to come to Bellhop now"
            data-testid="wake"
            disabled=move || wake.busy.get()
            on:click=move |_| start()
        >
            <Svg icon=Icon::Bell/>
            {move || if wake.busy.get() { "Waking…" } else { "Wake" }}
        </button>
    }
}

/// Each way that was tried, in order.
#[component]
pub fn WakeAttempts(wake: Wake) -> impl IntoView {
    let head = |attempts: &[WakeAttempt]| match attempts {
        [] => "There is no way to wake this phone yet",
        attempts if attempts.iter().any(|attempt| attempt.ok) => "The phone was asked to come",
        _ => "The phone could not be reached",
    };
    let line = |attempt: WakeAttempt| {
        let (tone, icon, word) = if attempt.ok { ("green", Icon::Check, "ok") } else { ("red", Icon::Alert, "failed") };
        view! {
            <li data-testid="wake-attempt" data-ok=attempt.ok.to_string()>
                <span class=format!("dot tone-{tone}")><Svg icon/></span>
                <span class="what">
                    <b>{words::wake(attempt.way)} <span class="quiet-text">" · " {word}</span></b>
                    <span class="quiet-text">{attempt.note}</span>
                </span>
            </li>
        }
    };
    let shown = move |attempts: Vec<WakeAttempt>| {
        let title = head(&attempts);
        let none = attempts.is_empty().then(|| view! {
            <p class="quiet-text">"Bellhop learns how to reach a phone when it first phones home. Plug it in, or restart it at its keypad."</p>
        });
        view! {
            <section class="card stack" aria-label="Waking the phone" data-testid="wake-result">
                <div class="row between">
                    <h2>{title}</h2>
                    <button type="button" class="icon-button" aria-label="Dismiss" on:click=move |_| wake.attempts.set(None)>
                        <Svg icon=Icon::Close/>
                    </button>
                </div>
                {none}
                <ol class="timeline">{attempts.into_iter().map(line).collect_view()}</ol>
            </section>
        }
    };
    view! { <div role="status" class="live-region">{move || wake.attempts.get().map(shown)}</div> }
}
