//! Trying a dial plan before it is saved: what the phone would do with a number, and which rule says so. The phone's own
//! code decides.

use dial_plan::{DialPlan, RuleState, Verdict};
use leptos::prelude::*;
use provisioning::variables::{Template, VARIABLES};

use super::field::TextField;

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
            Ok(plan) => outcome(plan, &typed),
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
                help="Emergency numbers go out whatever the plan says. The prefix of the account is added afterwards."
                value=keys
                inputmode="tel"
                testid="dial-plan-keys"
            />
            <p role="status" data-testid="dial-plan-verdict">{verdict}</p>
            <table class="table" aria-label="Rules in their order">{rules}</table>
        </fieldset>
    }
}
