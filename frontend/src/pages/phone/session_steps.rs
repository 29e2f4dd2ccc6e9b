//! A session message by message: the phone on the left, the server on the right, and an arrow for who spoke.

use contract::rest::{SessionStep, SessionView};
use leptos::prelude::*;

use super::scope::PhoneScope;
use super::step_xml::Xml;
use crate::components::icon::{Icon, Svg};
use crate::time::in_zone;
use crate::units;

/// Whether a step tells of something that went wrong. A refusal for lack of credentials is how they are asked for.
pub fn bad(step: &SessionStep) -> bool {
    step.name.ends_with("Fault")
        || (step.name.starts_with("HTTP ") && step.name != "HTTP 401" && step.name != "HTTP 204")
}

#[component]
pub fn Steps(session: Memo<SessionView>, scope: PhoneScope) -> impl IntoView {
    let id = session.with_untracked(|session| session.id);
    let steps = Memo::new(move |_| session.with(|session| session.steps.clone()));
    let list = move || {
        let steps = steps.get();
        let slowest = steps.iter().filter_map(|step| step.took_ms).fold(0.0, f64::max);
        let step = |(index, step): (usize, SessionStep)| view! { <Step session=id index step slowest scope/> };
        steps.into_iter().enumerate().map(step).collect_view()
    };
    view! {
        <div class="lanes" aria-hidden="true"><span>"Phone"</span><span>"Server"</span></div>
        <ol class="steps">{list}</ol>
    }
}

#[component]
fn Step(session: i64, index: usize, step: SessionStep, slowest: f64, scope: PhoneScope) -> impl IntoView {
    let open = RwSignal::new(false);
    let wrong = bad(&step);
    let (side, who) =
        if step.from_phone { ("from-phone", "Phone to server: ") } else { ("from-server", "Server to phone: ") };
    let name = match step.name.as_str() {
        "empty" => "Empty message".to_owned(),
        name => name.to_owned(),
    };
    let at = step.at;
    let time = move || in_zone(at, &scope.zone.get(), true);
    let took = step.took_ms.map(|ms| {
        let share = if slowest > 0.0 { (ms / slowest * 100.0).clamp(2.0, 100.0) } else { 2.0 };
        view! {
            <span class="took" title="What the server took to answer">
                <span class="took-bar" aria-hidden="true"><span style:width=format!("{share:.1}%")></span></span>
                {units::milliseconds(ms)}
            </span>
        }
    });
    let toggle = step.xml.then(|| {
        view! {
            <button
                type="button"
                class="button quiet small"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=format!("XML of {name}")
                data-testid="step-xml"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                "XML"
            </button>
        }
    });
    view! {
        <li class=format!("step {side}") class:bad=wrong data-testid="step" data-name=step.name.clone()>
            <div class="step-box">
                <span class="sr">{who}</span>
                <p class="step-name">
                    {wrong.then(|| view! { <Svg icon=Icon::Alert/> })}
                    <b>{name.clone()}</b>
                </p>
                {(!step.summary.is_empty()).then(|| view! { <p class="step-summary">{step.summary.clone()}</p> })}
                <p class="step-foot">
                    <span title=time>{units::bytes(step.bytes)}</span>
                    {took}
                    {toggle}
                </p>
            </div>
            <span class="arrow" aria-hidden="true"></span>
            {move || open.get().then(|| view! { <Xml path=scope.path(&format!("sessions/{session}/steps/{index}"))/> })}
        </li>
    }
}
