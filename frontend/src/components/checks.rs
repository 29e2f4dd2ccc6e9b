//! What the rules of `docs/LINT.md` find, for a person to work off: the rule in plain words, why it matters, what to
//! do, and whom it is about.

use contract::rest::{LintExample, LintGroup, LintRule};
use leptos::prelude::*;

use super::icon::{Icon, Svg};
use super::push::severity;
use crate::words::{counted, phones};

/// One rule that is broken; the children say by whom. What can hurt somebody is open from the start.
#[component]
pub fn BrokenRule(
    rule: LintRule,
    /// How many break it, where it is about more than one phone.
    #[prop(into, optional)]
    count: Signal<String>,
    children: Children,
) -> impl IntoView {
    let (word, tone) = severity(rule.severity);
    let danger = rule.severity == contract::rest::LintSeverity::Danger;
    view! {
        <li data-testid="check" data-rule=rule.id data-severity=rule.severity.as_str()>
            <details class="check-rule" open=danger>
                <summary>
                    <span class=format!("chip tone-{tone}")><Svg icon=Icon::Alert/>{word}</span>
                    <b class="grow">{rule.title}</b>
                    <span class="quiet-text">{count}</span>
                </summary>
                <div class="check-body">
                    {children()}
                    <p class="help">{rule.why}</p>
                    <p><b>"What to do: "</b>{rule.remedy}</p>
                </div>
            </details>
        </li>
    }
}

/// A rule and the phones that break it; each leads to its configuration.
#[component]
pub fn BrokenBy(group: Memo<LintGroup>) -> impl IntoView {
    let examples = Memo::new(move |_| group.with(|group| group.examples.clone()));
    // Where all say the same, it is said once.
    let same = Memo::new(move |_| {
        examples.with(|all| {
            let first = all.first().map(|first| first.what.clone());
            first.filter(|first| all.iter().all(|one| one.what == *first))
        })
    });
    let count = Memo::new(move |_| group.with(|group| group.phones));
    let more = move || (count.get() as usize).saturating_sub(examples.with(Vec::len));
    let place = move |one: LintExample| {
        let name = one.room_number.map_or_else(|| one.mac.to_string(), |number| format!("Room {number}"));
        let what = move || same.with(Option::is_none).then(|| format!(": {}", one.what));
        view! { <li><a href=format!("/phones/{}/configuration", one.phone)>{name}</a>{what}</li> }
    };
    let list = move || if same.with(Option::is_none) { "check-places long" } else { "check-places" };
    let key = |one: &LintExample| (one.phone, one.room_number.clone(), one.what.clone());
    view! {
        <BrokenRule rule=group.with_untracked(|group| group.rule.clone()) count=Signal::derive(move || phones(count.get()))>
            {move || same.get().map(|what| view! { <p>{what}</p> })}
            <ul class=list aria-label="Where">
                <For each=move || examples.get() key=key children=place/>
                {move || Some(more()).filter(|more| *more > 0).map(|more| view! { <li class="quiet-text">{format!("and {more} more")}</li> })}
            </ul>
        </BrokenRule>
    }
}

/// Above the list: how many rules are broken, or that all is well.
#[component]
pub fn ChecksHead(
    #[prop(into)] broken: Signal<usize>,
    /// Whom it was looked at.
    #[prop(into)]
    well: Signal<String>,
) -> impl IntoView {
    move || {
        match broken.get() {
        0 => view! {
            <p class="row" role="status" data-testid="checks-well"><span class="chip tone-green"><Svg icon=Icon::Check/>"All is well"</span> <span>{well}</span></p>
        }
        .into_any(),
        count => view! {
            <p class="quiet-text" role="status" data-testid="checks-count">{format!("{} broken, the worst first.", counted(count, "rule is", "rules are"))}</p>
        }
        .into_any(),
    }
    }
}
