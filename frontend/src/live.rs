//! The live stream: one `EventSource` for the whole application, resumed after the last id it saw. Pages subscribe
//! with [`use_live`]. A stream that could only be opened from "now" tells its subscribers to load again.

use std::rc::Rc;
use std::time::Duration;

use contract::PropertyId;
use contract::live::LiveChange;
use contract::rest::LiveTicket;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::api::{Api, quote};

/// A stream that lived this long was healthy: the next failure starts the back-off anew.
const HEALTHY_MS: f64 = 10_000.0;

#[derive(Clone, Copy)]
pub struct Live {
    api: Api,
    /// Whether the stream is open, for the indicator.
    pub on: RwSignal<bool>,
    inner: StoredValue<Inner, LocalStorage>,
}

type Listener = Rc<dyn Fn(&LiveChange)>;

#[derive(Default)]
struct Inner {
    running: bool,
    scope: Option<PropertyId>,
    last: Option<i64>,
    /// Counts attempts, so that a late callback of an old one is ignored.
    attempt: u32,
    failures: u32,
    opened_at: f64,
    stream: Option<Stream>,
    listeners: Vec<(u32, Listener)>,
    next_listener: u32,
}

/// An open stream with its callbacks; closed when dropped.
struct Stream {
    source: EventSource,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

pub fn use_live_stream() -> Live {
    expect_context()
}

/// Calls `on_change` with every change while the calling component lives.
pub fn use_live(on_change: impl Fn(&LiveChange) + 'static) {
    let live = use_live_stream();
    let mut id = 0;
    live.inner.update_value(|inner| {
        inner.next_listener += 1;
        id = inner.next_listener;
        inner.listeners.push((id, Rc::new(on_change)));
    });
    on_cleanup(move || {
        live.inner.try_update_value(|inner| inner.listeners.retain(|(other, _)| *other != id));
    });
}

impl Live {
    pub fn new(api: Api) -> Self {
        let live = Self { api, on: RwSignal::new(false), inner: StoredValue::new_local(Inner::default()) };
        // Back from sleep or from a dead network: no need to wait for the back-off.
        let wake = move |_| {
            let waiting = live.inner.with_value(|inner| inner.running && inner.stream.is_none());
            if waiting {
                live.connect();
            }
        };
        let handle = window_event_listener_untyped("online", wake);
        on_cleanup(move || handle.remove());
        live
    }

    /// Streams one property (or all there is to see), from `after` on where the caller has data as of then.
    pub fn watch(self, scope: Option<PropertyId>, after: Option<i64>) {
        let mut fits = false;
        self.inner.update_value(|inner| {
            fits = inner.running
                && inner.scope == scope
                && after.is_none_or(|after| inner.last.is_some_and(|last| last <= after));
            inner.running = true;
            inner.scope = scope;
            if !fits && after.is_some() {
                inner.last = after;
            }
        });
        if !fits {
            self.connect();
        }
    }

    /// Ends the stream, at sign-out.
    pub fn stop(self) {
        self.inner.update_value(|inner| {
            inner.running = false;
            inner.attempt += 1;
            inner.last = None;
            inner.failures = 0;
            inner.stream = None;
        });
        self.on.set(false);
    }

    fn connect(self) {
        let mut mine = 0;
        self.inner.update_value(|inner| {
            inner.attempt += 1;
            inner.stream = None;
            mine = inner.attempt;
        });
        spawn_local(async move {
            let ticket = self.api.ask::<LiveTicket>("/live/ticket").await;
            if !self.current(mine) {
                return;
            }
            match ticket {
                Ok(ticket) => self.open(&ticket.ticket, mine),
                Err(_) => self.fail(mine),
            }
        });
    }

    fn current(self, mine: u32) -> bool {
        self.inner.try_with_value(|inner| inner.running && inner.attempt == mine) == Some(true)
    }

    fn open(self, ticket: &str, mine: u32) {
        let (scope, after) = self.inner.with_value(|inner| (inner.scope, inner.last));
        let mut url = format!("/api/v1/live?ticket={}", quote(ticket));
        if let Some(after) = after {
            url.push_str(&format!("&after={after}"));
        }
        if let Some(property) = scope {
            url.push_str(&format!("&property={property}"));
        }
        let Ok(source) = EventSource::new(&url) else {
            return self.fail(mine);
        };
        let opened = Closure::<dyn FnMut()>::new(move || {
            if self.current(mine) {
                self.inner.update_value(|inner| inner.opened_at = js_sys::Date::now());
                self.on.set(true);
                if after.is_none() {
                    self.tell(&LiveChange { reload: true, ..LiveChange::default() });
                }
            }
        });
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if self.current(mine) {
                self.receive(&event);
            }
        });
        let error = Closure::<dyn FnMut()>::new(move || self.fail(mine));
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        source.set_onerror(Some(error.as_ref().unchecked_ref()));
        let stream = Stream { source, _open: opened, _message: message, _error: error };
        self.inner.update_value(|inner| inner.stream = Some(stream));
    }

    fn receive(self, event: &MessageEvent) {
        if let Ok(id) = event.last_event_id().parse() {
            self.inner.update_value(|inner| inner.last = Some(id));
        }
        let Some(text) = event.data().as_string() else { return };
        match serde_json::from_str::<LiveChange>(&text) {
            Ok(change) => self.tell(&change),
            Err(error) => leptos::logging::warn!("unreadable live change: {error}"),
        }
    }

    fn tell(self, change: &LiveChange) {
        let listeners: Vec<Listener> =
            self.inner.with_value(|inner| inner.listeners.iter().map(|(_, listener)| listener.clone()).collect());
        for listener in listeners {
            listener(change);
        }
    }

    /// Closes, waits (twice as long each time, at most 30 s, with jitter) and connects with a new ticket.
    fn fail(self, mine: u32) {
        if !self.current(mine) {
            return;
        }
        self.on.set(false);
        // Not dropped here: this may run inside one of its callbacks.
        let old = self.inner.try_update_value(|inner| {
            if inner.stream.is_some() && js_sys::Date::now() - inner.opened_at > HEALTHY_MS && inner.opened_at > 0.0 {
                inner.failures = 0;
            }
            inner.opened_at = 0.0;
            inner.failures = (inner.failures + 1).min(7);
            inner.attempt += 1;
            (inner.stream.take(), inner.failures, inner.attempt)
        });
        let Some((stream, failures, mine)) = old else { return };
        if let Some(stream) = &stream {
            stream.source.close();
        }
        let ceiling = (250.0 * f64::from(1_u32 << failures)).min(30_000.0);
        let wait = ceiling * (0.5 + js_sys::Math::random() / 2.0);
        set_timeout(
            move || {
                drop(stream);
                if self.current(mine) {
                    self.connect();
                }
            },
            Duration::from_millis(wait as u64),
        );
    }
}
