//! Ping: how many of a row of packets come back, and when.

use contract::rest::{JobView, PingRequest, PingResult, Task};
use leptos::prelude::*;

use super::scope::PhoneScope;
use super::start::{StartButton, Starter, host_field};
use crate::components::empty::FormError;
use crate::components::number_field::{NumberField, whole};
use crate::units::milliseconds;

const COUNT: std::ops::RangeInclusive<u64> = 1..=100;
const SIZE: std::ops::RangeInclusive<u64> = 0..=1472;
const TIMEOUT: std::ops::RangeInclusive<u64> = 100..=10_000;

#[component]
pub fn PingForm(scope: PhoneScope, busy: Memo<bool>, on_start: Callback<JobView>) -> impl IntoView {
    let text = |default: &str| RwSignal::new(default.to_owned());
    let (host, count, size, timeout) = (text(""), text("10"), text("56"), text("1000"));
    let starter = Starter::new(scope, on_start);
    let request = move || {
        let host = host.with_untracked(|host| host.trim().to_owned());
        let count = whole(&count.get_untracked(), &COUNT, "").ok()?.try_into().ok()?;
        let size = whole(&size.get_untracked(), &SIZE, "").ok()?.try_into().ok()?;
        let timeout_ms = whole(&timeout.get_untracked(), &TIMEOUT, "").ok()?.try_into().ok()?;
        Some(Task::Ping(PingRequest { host, count, size, timeout_ms, dscp: 0 }))
    };
    view! {
        <form class="stack" novalidate on:submit=move |event| {
            event.prevent_default();
            starter.start(host, request());
        }>
            {host_field("ping-host", host, starter)}
            <div class="triple">
                <NumberField id="ping-count" label="Packets" value=count limits=COUNT/>
                <NumberField id="ping-size" label="Bytes in each" value=size limits=SIZE/>
                <NumberField id="ping-timeout" label="Wait for each" value=timeout limits=TIMEOUT unit="ms"/>
            </div>
            <FormError error=starter.sending.error fields=&["host"]/>
            <StartButton starter busy word="Ping"/>
        </form>
    }
}

/// One number of the summary.
fn figure(name: &'static str, text: String) -> impl IntoView {
    view! { <div><dt>{name}</dt><dd>{text}</dd></div> }
}

// The chart's own units; it is scaled to the width there is.
const WIDTH: f64 = 560.0;
const WIDTH_NARROW: f64 = 340.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 60.0;
const BOTTOM: f64 = 18.0;
const TOP: f64 = 8.0;

/// A number at least as large, of the kind one writes on an axis: 1, 2 or 5 times a power of ten.
fn ceiling(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(0.01).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|limit| *limit >= most).unwrap_or(most)
}

#[component]
pub fn PingChart(
    result: PingResult,
    /// How many packets were ordered; the chart leaves room for those to come.
    asked: u32,
    /// For a narrow screen: less wide for its height.
    narrow: bool,
) -> impl IntoView {
    let (done, lost) = (result.sent as usize, result.sent.saturating_sub(result.received));
    let slots = (asked as usize).max(result.round_trips_ms.len()).max(1);
    let spread = result.round_trip_ms();
    let top = ceiling(spread.map_or(1.0, |(_, _, most)| most));
    let right = if narrow { WIDTH_NARROW } else { WIDTH };
    let (plot, tall) = (right - LEFT, HEIGHT - BOTTOM - TOP);
    let slot = plot / slots as f64;
    let width = (slot * 0.7).clamp(1.0, 28.0);
    let middle = move |index: usize| LEFT + slot * (index as f64 + 0.5);
    let mark = |(index, trip): (usize, &Option<f64>)| match trip {
        Some(ms) => {
            let height = (ms / top * tall).max(2.0);
            view! {
                <rect class="trip" x=middle(index) - width / 2.0 y=HEIGHT - BOTTOM - height width=width height=height rx=width.min(4.0) / 2.0>
                    <title>{format!("Packet {}: {}", index + 1, milliseconds(*ms))}</title>
                </rect>
            }
            .into_any()
        }
        None => {
            let (x, y, arm) = (middle(index), HEIGHT - BOTTOM - tall / 2.0, width.min(10.0) / 2.0);
            view! {
                <g class="lost">
                    <title>{format!("Packet {}: lost", index + 1)}</title>
                    <rect x=x - width / 2.0 y=TOP width=width height=tall/>
                    <path d=format!("M{} {}l{} {}m0 -{}l-{} {}", x - arm, y - arm, 2.0 * arm, 2.0 * arm, 2.0 * arm, 2.0 * arm, 2.0 * arm)/>
                </g>
            }
            .into_any()
        }
    };
    let line = move |share: f64| {
        let y = HEIGHT - BOTTOM - share * tall;
        let text = if share == 0.0 { "0".to_owned() } else { milliseconds(top * share) };
        view! {
            <line class="grid" x1=LEFT x2=right y1=y y2=y/>
            <text class="axis" x=LEFT - 8.0 y=y + 4.0 text-anchor="end">{text}</text>
        }
    };
    let share = if done == 0 { 0.0 } else { f64::from(lost) * 100.0 / done as f64 };
    let spoken = match spread {
        Some((least, mean, most)) => format!(
            "{} of {done} packets came back; least {}, average {}, most {}",
            result.received,
            milliseconds(least),
            milliseconds(mean),
            milliseconds(most),
        ),
        None => format!("None of {done} packets came back"),
    };
    view! {
        <div class="chart" data-testid="ping-chart" data-received=result.received data-sent=result.sent>
            <dl class="figures">
                {spread.map(|(least, mean, most)| view! {
                    {figure("Least", milliseconds(least))}
                    {figure("Average", milliseconds(mean))}
                    {figure("Most", milliseconds(most))}
                })}
                <div class:bad={lost > 0}><dt>"Lost"</dt><dd>{format!("{share:.0} %")} <span class="quiet-text">{format!(" {lost} of {done}")}</span></dd></div>
            </dl>
            {(!result.round_trips_ms.is_empty()).then(|| view! {
            <svg viewBox=format!("0 0 {right} {HEIGHT}") role="img" aria-label=spoken>
                {[0.0, 0.5, 1.0].map(line).into_iter().collect_view()}
                {result.round_trips_ms.iter().enumerate().map(mark).collect_view()}
                <text class="axis" x=LEFT y=HEIGHT - 3.0>"1"</text>
                <text class="axis" x=right y=HEIGHT - 3.0 text-anchor="end">{format!("packet {slots}")}</text>
            </svg>
            })}
            <p class="quiet-text">"To " <span class="mono">{result.address.clone()}</span></p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::ceiling;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, top) in [(0.03, 0.05), (0.9, 1.0), (1.0, 1.0), (1.4, 2.0), (37.0, 50.0), (64.0, 100.0)] {
            assert!((ceiling(most) - top).abs() < 1e-9, "{most}");
        }
    }
}
