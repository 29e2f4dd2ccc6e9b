//! Trying a dial plan before it is saved: what the phone would do with a number, and which rule says so. The phone's own
//! code decides.

use contract::PropertyId;
use contract::rest::EmergencyNumbers;
use dial_plan::{ALWAYS_DIALLED, DialPlan, RuleState, Verdict};
use leptos::prelude::*;
use provisioning::variables::{Template, VARIABLES};

use super::field::TextField;
use super::icon::{Icon, Svg};
use crate::load::use_load;
use crate::state::use_shared;

/// Whose emergency numbers are tried: what a page provides for the testers on it.
#[derive(Clone, Copy)]
pub struct TriedFor(pub Signal<Option<PropertyId>>);

/// What the phone would do, in words.
fn outcome(plan: &DialPlan, keys: &str) -> String {
    match plan.dial(keys) {
        Verdict::Dial { number, more: false, .. } if number == keys => format!("Dials {number} at once."),
        Verdict::Dial { number, more: false, .. } => format!("Dials {number} at once, instead of {keys}."),
        Verdict::Dial { number, .. } => format!("Dials {number} after the no-key time-out, or with the send key."),
        Verdict::Incomplete => "Waits for more digits.".to_owned(),
        Verdict::Blocked { more: true, .. } => "Blocked, unless more digits follow.".to_owned(),
        Verdict::Blocked { .. } => "Blocked.".to_owned(),
        Verdict::Refused => "Refused: no rule takes this number.".to_owned(),
    }
}

/// Whether our own phone software dials this number whatever the plan says.
fn always(keys: &str) -> bool {
    ALWAYS_DIALLED.contains(&keys)
}

/// What becomes of a number, also where it does not go by the plan.
fn told(plan: &DialPlan, keys: &str) -> String {
    let by_plan = outcome(plan, keys);
    if always(keys) { format!("{by_plan} Bellhop's own phones dial {keys} at once all the same.") } else { by_plan }
}

/// Whether the plan lets a number out as it is.
fn dials(plan: &DialPlan, keys: &str) -> bool {
    matches!(plan.dial(keys), Verdict::Dial { number, .. } if number == keys)
}

/// The plan with its variables filled in with their examples; as it is, where they cannot be.
fn filled(plan: &str) -> String {
    let example = |name: &str| VARIABLES.iter().find(|one| one.name == name).map(|one| one.example.to_owned());
    Template::parse(plan).and_then(|plan| plan.expand(example)).unwrap_or_else(|_| plan.to_owned())
}

#[component]
pub fn DialPlanTester(
    /// The plan as it is being edited.
    #[prop(into)]
    plan: Signal<String>,
    #[prop(into, default = "dial-plan-keys".into())] id: String,
) -> impl IntoView {
    let keys = RwSignal::new(String::new());
    let compiled = Memo::new(move |_| DialPlan::parse(&filled(&plan.get())).map_err(|error| error.to_string()));
    let verdict = move || {
        let typed: String = keys.with(|keys| keys.chars().filter(|c| !c.is_whitespace()).collect());
        compiled.with(|plan| match plan {
            Err(error) => format!("The plan has a mistake: {error}."),
            Ok(_) if typed.is_empty() => "Enter a number as a guest would.".to_owned(),
            Ok(plan) => told(plan, &typed),
        })
    };
    let rules = move || {
        let typed: String = keys.with(|keys| keys.chars().filter(|c| !c.is_whitespace()).collect());
        let traces = compiled.with(|plan| plan.as_ref().map(|plan| plan.trace(&typed)).unwrap_or_default());
        let row = move |trace: dial_plan::RuleTrace| {
            let word = match (trace.state, trace.decides, trace.blocks) {
                (RuleState::Matches, true, true) => "blocks it",
                (RuleState::Matches, true, false) => "decides",
                (RuleState::Matches, false, _) => "matches as well",
                (RuleState::MayMatch, ..) => "may match with more digits",
                (RuleState::No, ..) => "does not match",
            };
            view! { <tr class:decides=trace.decides><td class="mono">{trace.text}</td><td>{word}</td></tr> }
        };
        (!typed.is_empty()).then(|| view! { <tbody>{traces.into_iter().map(row).collect_view()}</tbody> })
    };
    view! {
        <fieldset class="stack" data-testid="dial-plan-tester">
            <legend>"Try the plan"</legend>
            <TextField
                id=id
                label="Number"
                help="The prefix of the account is added afterwards."
                value=keys
                inputmode="tel"
                testid="dial-plan-keys"
            />
            <p role="status" data-testid="dial-plan-verdict">{verdict}</p>
            <table class="table" aria-label="Rules in their order">{rules}</table>
            <EmergencyCalls plan=compiled/>
        </fieldset>
    }
}

/// What the plan makes of the numbers help is called by.
#[component]
fn EmergencyCalls(plan: Memo<Result<DialPlan, String>>) -> impl IntoView {
    let shared = use_shared();
    let property = use_context::<TriedFor>().map(|one| one.0);
    let property = Memo::new(move |_| property.and_then(|property| property.get()));
    let numbers = use_load(
        move || property.get(),
        move |id: Option<PropertyId>| async move {
            let Some(id) = id else { return Ok(None) };
            shared.api.get_owned::<EmergencyNumbers>(format!("/properties/{id}/emergency-numbers")).await.map(Some)
        },
    );
    let row = move |number: String| {
        let (fine, text) = plan.with(|plan| match plan {
            Err(_) => (false, "The plan has a mistake.".to_owned()),
            Ok(plan) => (dials(plan, &number), told(plan, &number)),
        });
        let shown = number.clone();
        let (icon, tone, word) = if fine {
            (Icon::Check, "green", "goes out by the plan")
        } else {
            (Icon::Alert, "red", "is kept in by the plan")
        };
        view! {
            <li data-testid="emergency-verdict" data-number=shown data-dials=fine.to_string()>
                <span class=format!("chip tone-{tone}")><Svg icon/><b class="mono">{number}</b>" "{word}</span>
                " " <span class="quiet-text">{text}</span>
            </li>
        }
    };
    let list = move || match numbers.with(Clone::clone) {
        None => {
            numbers.failure().map(|why| view! { <p class="field-error" role="alert">{why.sentence()}</p> }).into_any()
        }
        Some(None) => view! {
            <p class="quiet-text">"Each property has its own; they are checked when the change is reviewed."</p>
        }
        .into_any(),
        Some(Some(found)) => {
            view! { <ul class="emergency-verdicts">{found.numbers.into_iter().map(row).collect_view()}</ul> }.into_any()
        }
    };
    let always = ALWAYS_DIALLED.join(" and ");
    view! {
        <div data-testid="emergency-verdicts">
            <h4>"Emergency numbers"</h4>
            {list}
            <p class="help">{format!("Bellhop's own phone software dials {always} whatever the plan says. Every other number, and these on phones of other makers, go by the plan.")}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_promised_that_the_plan_keeps_in() {
        let plan = DialPlan::parse("{[1-8]xxx}").unwrap();
        assert_eq!(told(&plan, "999"), "Refused: no rule takes this number.");
        assert!(!dials(&plan, "999") && !dials(&plan, "112"));
        assert!(told(&plan, "112").ends_with("dial 112 at once all the same."));
        let open = DialPlan::parse("{999|<9=>x+}").unwrap();
        assert!(dials(&open, "999"));
        assert!(!dials(&open, "9911"), "it goes out as 911");
    }
}
