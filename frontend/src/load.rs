//! Loading one answer of the API into a page: skeleton first, then the data, or an error with "try again".
//! Live changes are applied with [`Loaded::touch`]; an answer that was on its way meanwhile is asked for anew,
//! so it never overwrites something newer. One that was on its way when a reload was asked for is shown, and asked for
//! again: however often one reloads, something comes.

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

/// Which request's answer counts.
#[derive(Default)]
struct Asking {
    run: u32,
    under_way: bool,
    /// What was asked for since the request under way began.
    once_more: bool,
}

impl Asking {
    /// The number of a request that is to begin; `None` where the same is under way, which is then followed by another.
    fn begin(&mut self, same: bool) -> Option<u32> {
        if same && self.under_way {
            self.once_more = true;
            return None;
        }
        self.run += 1;
        self.under_way = true;
        Some(self.run)
    }

    /// Whether to ask again, now that an answer is there.
    fn answered(&mut self) -> bool {
        self.under_way = std::mem::take(&mut self.once_more);
        self.under_way
    }
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
    let asking = StoredValue::new(Asking::default());
    Effect::new(move |before: Option<K>| {
        let key = key();
        loaded.again.track();
        let same = before.is_none_or(|before| before == key);
        if !same {
            loaded.slot.set(None);
            loaded.error.set(None);
        }
        let Some(mine) = asking.try_update_value(|asking| asking.begin(same)).flatten() else { return key };
        let (wanted, fetch) = (key.clone(), fetch.clone());
        spawn_local(async move {
            let mut overtaken = 0;
            while let Some(touched) = loaded.touched.try_get_value() {
                asking.try_update_value(|asking| asking.once_more = false);
                let answer = fetch(wanted.clone()).await;
                if asking.try_with_value(|asking| asking.run) != Some(mine) {
                    return;
                }
                match answer {
                    Ok(_) if overtaken < 2 && loaded.touched.try_get_value() != Some(touched) => {
                        overtaken += 1;
                        continue;
                    }
                    Ok(value) => loaded.fill(value),
                    Err(error) => loaded.error.set(Some(error)),
                }
                overtaken = 0;
                if asking.try_update_value(Asking::answered) != Some(true) {
                    return;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_follows_the_request_under_way_and_another_key_replaces_it() {
        let mut asking = Asking::default();
        assert_eq!(asking.begin(true), Some(1));
        assert_eq!((asking.begin(true), asking.begin(true)), (None, None), "it is under way");
        assert_eq!(asking.run, 1, "its answer counts");
        assert!(asking.answered(), "asked once more");
        assert_eq!(asking.begin(false), Some(2), "for another key at once");
        assert!(!asking.answered(), "nothing more");
        assert_eq!(asking.begin(true), Some(3));
    }
}
