//! How the last calls of a phone sounded.

use contract::rest::CallView;
use leptos::prelude::*;

use super::age::Ago;
use super::chip::Chip;
use crate::{units, words};

#[component]
pub fn CallsTable(#[prop(into)] calls: Signal<Vec<CallView>>, #[prop(into)] zone: Signal<String>) -> impl IntoView {
    view! {
        <Show
            when=move || calls.with(|calls| !calls.is_empty())
            fallback=|| view! {
                <p class="quiet-text" data-testid="no-calls">
                    "No call has been measured yet. The phone tells how each call sounded once it is over."
                </p>
            }
        >
            <div class="table-wrap">
                <table class="table cards" data-testid="calls">
                    <caption class="sr">"How the last calls sounded"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Ended"</th>
                            <th scope="col">"Quality"</th>
                            <th scope="col"><abbr title="Mean opinion score, 1 to 5: heard here / heard there">"MOS"</abbr></th>
                            <th scope="col">"Lost"</th>
                            <th scope="col">"Jitter"</th>
                            <th scope="col">"Delay"</th>
                            <th scope="col">"Codec"</th>
                            <th scope="col">"Length"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || calls.get() key=|call| (call.at, call.account) children=move |call| row(call, zone)/>
                    </tbody>
                </table>
            </div>
        </Show>
    }
}

fn row(call: CallView, zone: Signal<String>) -> impl IntoView {
    let look = words::quality(call.mos);
    let mos = match call.remote_mos {
        Some(there) => format!("{:.1} / {there:.1}", call.mos),
        None => format!("{:.1}", call.mos),
    };
    let delay = call.delay_ms.map_or_else(|| "not known".to_owned(), |ms| units::milliseconds(f64::from(ms)));
    view! {
        <tr>
            <th scope="row"><Ago at=call.at zone/></th>
            <td data-label="Quality"><Chip look/></td>
            <td data-label="MOS">{mos}</td>
            <td data-label="Lost">{format!("{:.1} %", call.loss_percent)}</td>
            <td data-label="Jitter">{units::milliseconds(f64::from(call.jitter_ms))}</td>
            <td data-label="Delay">{delay}</td>
            <td data-label="Codec">{call.codec}</td>
            <td data-label="Length">{format!("{}:{:02}", call.duration_s / 60, call.duration_s % 60)}</td>
        </tr>
    }
}
