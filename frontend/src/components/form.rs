//! Sending a form: its button waits meanwhile, and what the server has against it is kept to be shown.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::KeyboardEvent;

use crate::api::ApiError;

#[derive(Clone, Copy)]
pub struct Sending {
    /// It is on its way.
    pub busy: RwSignal<bool>,
    /// Why it was refused when it was last sent.
    pub error: RwSignal<Option<ApiError>>,
}

impl Sending {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), error: RwSignal::new(None) }
    }

    /// What to say below the input of this field.
    pub fn at(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.get().and_then(|error| error.at(field)))
    }

    /// Not sent at all, for this reason.
    pub fn refuse(self, why: ApiError) {
        self.error.set(Some(why));
    }

    /// Whether a key leaves the form: Escape, while nothing is composed and nothing on its way.
    pub fn leaves(self, event: &KeyboardEvent) -> bool {
        event.key() == "Escape" && !event.is_composing() && !self.busy.get_untracked()
    }

    /// Sends it, unless it is on its way already; `done` is given the answer if it was taken.
    pub fn run<T, F>(self, answer: F, done: impl FnOnce(T) + 'static)
    where
        T: 'static,
        F: Future<Output = Result<T, ApiError>> + 'static,
    {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = answer.await;
            let _ = self.busy.try_set(false);
            match answer {
                Ok(answer) => done(answer),
                Err(why) => drop(self.error.try_set(Some(why))),
            }
        });
    }
}
