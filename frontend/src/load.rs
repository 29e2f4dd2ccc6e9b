//! Loading one answer of the API into a page: skeleton first, then the data, or an error with "try again".
//! Live changes are applied with [`Loaded::touch`]; an answer that was on its way meanwhile is asked for anew,
//! so it never overwrites something newer.

use std::future::Future;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::ApiError;
use crate::components::empty::{Failed, Stale};

pub struct Loaded<T: Send + Sync + 'static> {
    slot: RwSignal<Option<ArcRwSignal<T>>>,
    error: RwSignal<Option<ApiError>>,
    again: RwSignal<u32>,
    touched: StoredValue<u32>,
    /// It is loaded anew in a moment.
    soon: StoredValue<bool>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

/// Loads whenever `key` changes, and on [`Loaded::reload`].
pub fn use_load<K, T, F>(key: impl Fn() -> K + 'static, fetch: impl Fn(K) -> F + Clone + 'static) -> Loaded<T>
where
    K: Clone + PartialEq + 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let loaded = Loaded {
        slot: RwSignal::new(None),
        error: RwSignal::new(None),
        again: RwSignal::new(0),
        touched: StoredValue::new(0),
        soon: StoredValue::new(false),
    };
    let run = StoredValue::new(0_u32);
    Effect::new(move |before: Option<K>| {
        let key = key();
        loaded.again.track();
        if before.is_some_and(|before| before != key) {
            loaded.slot.set(None);
            loaded.error.set(None);
        }
        run.update_value(|run| *run += 1);
        let (mine, wanted, fetch) = (run.get_value(), key.clone(), fetch.clone());
        spawn_local(async move {
            for attempt in 0..3 {
                let Some(touched) = loaded.touched.try_get_value() else {
                    return;
                };
                let answer = fetch(wanted.clone()).await;
                if run.try_get_value() != Some(mine) {
                    return;
                }
                match answer {
                    Ok(_) if attempt < 2 && loaded.touched.try_get_value() != Some(touched) => {}
                    Ok(value) => return loaded.fill(value),
                    Err(error) => return loaded.error.set(Some(error)),
                }
            }
        });
        key
    });
    loaded
}

impl<T: Send + Sync + 'static> Loaded<T> {
    fn fill(self, value: T) {
        self.error.set(None);
        match self.slot.get_untracked() {
            Some(signal) => signal.set(value),
            None => self.slot.set(Some(ArcRwSignal::new(value))),
        }
    }

    pub fn reload(self) {
        let _ = self.again.try_update(|again| *again += 1);
    }

    /// Loads anew after `wait`: once, however often it is called until then.
    pub fn reload_after(self, wait: Duration) {
        if self.soon.try_get_value() != Some(false) {
            return;
        }
        self.soon.set_value(true);
        let load = move || {
            self.soon.try_set_value(false);
            self.reload();
        };
        set_timeout(load, wait);
    }

    /// Changes what is shown, because something newer than the last answer is known.
    pub fn touch(self, change: impl FnOnce(&mut T)) {
        self.touched.try_update_value(|touched| *touched += 1);
        if let Some(Some(signal)) = self.slot.try_get_untracked() {
            signal.update(change);
        }
    }

    /// Reads the data, reactively; `None` while there is none.
    pub fn with<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.slot.get().map(|signal| signal.with(read))
    }

    pub fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.slot.try_get_untracked().flatten().map(|signal| signal.with_untracked(read))
    }

    /// Why it could not be loaded; read reactively.
    pub fn failure(self) -> Option<ApiError> {
        self.error.get()
    }

    /// The page's body: `ready` is built once per key and given the data as a signal.
    pub fn view(
        self,
        skeleton: impl Fn() -> AnyView + Send + 'static,
        ready: impl Fn(RwSignal<T>) -> AnyView + Send + 'static,
    ) -> impl IntoView {
        let retry = Callback::new(move |()| {
            self.error.set(None);
            self.reload();
        });
        let stale = move || match (self.slot.with(Option::is_some), self.error.get()) {
            (true, Some(error)) => Some(view! { <Stale error retry/> }),
            _ => None,
        };
        let failed = Memo::new(move |_| self.error.get());
        let body = move || match self.slot.get() {
            Some(signal) => ready(RwSignal::from(signal)),
            None => match failed.get() {
                Some(error) => view! { <Failed error retry/> }.into_any(),
                None => skeleton(),
            },
        };
        view! {
            {stale}
            {body}
        }
    }
}
