//! Time as people see it: ages that tick, and points in time in the property's zone.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use contract::Timestamp;
use js_sys::{Date, Function, Intl, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    /// How far the server's clock is ahead of this computer's, in milliseconds.
    static AHEAD: Cell<f64> = const { Cell::new(0.0) };
    static FORMATS: RefCell<HashMap<(String, bool), Option<Function>>> = RefCell::new(HashMap::new());
}

/// Ages must be right even where this computer's clock is not: the server says what time it is with every answer.
pub fn learn_server_date(header: &str) {
    let server = Date::parse(header);
    if server.is_finite() {
        // The header has whole seconds.
        let ahead = server + 500.0 - Date::now();
        AHEAD.set(if ahead.abs() < 2_000.0 { 0.0 } else { ahead });
    }
}

/// Now, by the server's clock.
pub fn now() -> i64 {
    (Date::now() + AHEAD.get()) as i64
}

/// Does something again and again, until the part of the page it was begun in goes.
pub fn every(wait: Duration, again: impl Fn() + 'static) {
    if let Ok(handle) = set_interval_with_handle(again, wait) {
        on_cleanup(move || handle.clear());
    }
}

/// The moment pages are drawn for; it moves on every second.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<i64>);

impl Clock {
    pub fn start() -> Self {
        let moment = RwSignal::new(now());
        every(Duration::from_secs(1), move || {
            if document().visibility_state() == web_sys::VisibilityState::Visible {
                moment.set(now());
            }
        });
        Self(moment)
    }

    /// The age of `at`, read reactively.
    pub fn age(self, at: Timestamp) -> String {
        age(self.0.get(), at)
    }
}

pub fn use_clock() -> Clock {
    expect_context()
}

/// How long ago, in the largest unit that fits: `now`, `10 s`, `3 min`, `2 h`, `4 d`. Empty where it is not known
/// since when, which the API writes as 1970.
pub fn age(now: i64, at: Timestamp) -> String {
    if at.millis() <= 0 {
        return String::new();
    }
    span((now - at.millis()) / 1000)
}

/// A length of time in the largest unit that fits.
pub fn span(seconds: i64) -> String {
    match seconds {
        ..5 => "now".into(),
        5..60 => format!("{} s", seconds / 5 * 5),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `3 min` as `3 min ago`.
pub fn ago(age: &str) -> String {
    match age {
        "" => "never".into(),
        "now" => "just now".into(),
        age => format!("{age} ago"),
    }
}

/// A point in time in a zone (IANA name; empty = this computer's), with or without the year and seconds.
pub fn in_zone(at: Timestamp, zone: &str, full: bool) -> String {
    FORMATS.with_borrow_mut(|formats| {
        let format = formats
            .entry((zone.to_owned(), full))
            .or_insert_with(|| formatter(zone, full).or_else(|| formatter("", full)));
        format
            .as_ref()
            .and_then(|format| format.call1(&JsValue::NULL, &Date::new(&(at.millis() as f64).into())).ok())
            .and_then(|text| text.as_string())
            .unwrap_or_else(|| at.rfc3339())
    })
}

fn formatter(zone: &str, full: bool) -> Option<Function> {
    let options = Object::new();
    let set = |key: &str, value: &str| Reflect::set(&options, &key.into(), &value.into());
    set("month", "short").ok()?;
    set("day", "numeric").ok()?;
    set("hour", "2-digit").ok()?;
    set("minute", "2-digit").ok()?;
    set("hourCycle", "h23").ok()?;
    if full {
        set("year", "numeric").ok()?;
        set("second", "2-digit").ok()?;
        set("timeZoneName", "short").ok()?;
    }
    if !zone.is_empty() {
        set("timeZone", zone).ok()?;
    }
    // Called through Reflect: an unknown zone throws, and must not end the page.
    let constructor: Function = Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| Reflect::get(&intl, &"DateTimeFormat".into()))
        .ok()?
        .into();
    let arguments = js_sys::Array::of2(&"en-GB".into(), &options);
    let format = Reflect::construct(&constructor, &arguments).ok()?;
    Some(Intl::DateTimeFormat::from(format).format())
}

/// The zone of this computer, for example `Europe/Lisbon`.
pub fn own_zone() -> String {
    let options = Intl::DateTimeFormat::new(&js_sys::Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok().and_then(|zone| zone.as_string()).unwrap_or_else(|| "UTC".into())
}

/// Whether this browser can show times in a zone; it knows names of old, which its list leaves out.
pub fn is_zone(zone: &str) -> bool {
    !zone.is_empty() && formatter(zone, false).is_some()
}

/// The zones this browser knows.
pub fn all_zones() -> Vec<String> {
    let list = || {
        let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let values: Function = Reflect::get(&intl, &"supportedValuesOf".into()).ok()?.dyn_into().ok()?;
        values.call1(&intl, &"timeZone".into()).ok()
    };
    let list: Option<JsValue> = list();
    let mut zones: Vec<String> = list
        .map(|list| js_sys::Array::from(&list).iter().filter_map(|zone| zone.as_string()).collect())
        .unwrap_or_default();
    if !zones.iter().any(|zone| zone == "UTC") {
        zones.push("UTC".into());
    }
    zones
}

pub async fn sleep(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_well() {
        for (seconds, text) in [(-9, "now"), (4, "now"), (14, "10 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
        {
            assert_eq!(age(1_000_000 + seconds * 1000, Timestamp(1_000_000)), text);
        }
        assert_eq!(age(1_000_000, Timestamp(0)), "");
        assert_eq!(ago("now"), "just now");
        assert_eq!(ago("2 h"), "2 h ago");
    }
}
