//! What the rules say to a change: what it would break, mend, and leave broken.

use contract::rest::{LintGroup, LintSeverity, PreviewLint};
use leptos::prelude::*;

use crate::components::icon::{Icon, Svg};
use crate::words::{phones, sentence};

/// `changed`: phones the change is about.
#[component]
pub fn LintView(lint: PreviewLint, changed: u32) -> impl IntoView {
    let PreviewLint { looked_at, brings, mends, stays } = lint;
    let quiet = brings.is_empty() && mends.is_empty() && stays.is_empty();
    let sample = (looked_at < changed).then(|| {
        let text = format!("Looked at {looked_at} of the {}; the counts are of these.", phones(changed));
        view! { <p class="quiet-text" data-testid="lint-sample">{text}</p> }
    });
    let none = quiet.then(|| view! { <p class="quiet-text" data-testid="lint-none">"No rule speaks against it."</p> });
    let list = |title: &'static str, testid: &'static str, groups: Vec<LintGroup>| {
        (!groups.is_empty()).then(|| {
            view! {
                <h3>{title}</h3>
                <ul class="plain stack" data-testid=testid>
                    {groups.into_iter().map(|group| view! { <Group group/> }).collect_view()}
                </ul>
            }
        })
    };
    let mended = (!mends.is_empty()).then(|| {
        let all = mends.into_iter().map(|group| {
            let text = format!("{}: {}", group.rule.title, whom(group.phones));
            view! { <li class="chip tone-green"><Svg icon=Icon::Check/>{text}</li> }
        });
        view! { <h3>"This puts right"</h3><ul class="row wrap" data-testid="lint-mends">{all.collect_view()}</ul> }
    });
    view! {
        <div class="stack" data-testid="preview-lint">
            {list("This would break", "lint-brings", brings)}
            {list("Stays wrong", "lint-stays", stays)}
            {mended}
            {none}
            {sample}
        </div>
    }
}

/// How many phones break a rule. With none it is the layer's values that would, on any phone.
pub fn whom(count: u32) -> String {
    if count == 0 { "no phone yet, but every one that comes".to_owned() } else { phones(count) }
}

/// A severity's word and tone.
pub fn severity(severity: LintSeverity) -> (&'static str, &'static str) {
    match severity {
        LintSeverity::Danger => ("Danger", "red"),
        LintSeverity::Warning => ("Warning", "orange"),
        LintSeverity::Hint => ("Hint", "blue"),
    }
}

#[component]
fn Group(group: LintGroup) -> impl IntoView {
    let LintGroup { rule, phones: count, examples, general } = group;
    let (word, tone) = severity(rule.severity);
    let example = examples.first().map(|one| &one.what).or(general.first().map(|one| &one.what));
    let example = example.cloned().unwrap_or_default();
    let rooms: Vec<String> = examples
        .into_iter()
        .map(|one| one.room_number.map_or_else(|| one.mac.to_string(), |number| format!("room {number}")))
        .collect();
    let more = if count as usize > rooms.len() { " and others" } else { "" };
    let who = if count == 0 { sentence(&whom(0)) } else { format!("{}: {}{more}.", phones(count), rooms.join(", ")) };
    view! {
        <li data-testid="lint-group" data-rule=rule.id data-severity=rule.severity.as_str()>
            <p><span class=format!("chip tone-{tone}")><Svg icon=Icon::Alert/>{word}</span> " " <b>{rule.title}</b></p>
            <p>{example} " " <span class="quiet-text">{who}</span></p>
            <p class="help">{rule.why}</p>
            <p><b>"What to do: "</b>{rule.remedy}</p>
        </li>
    }
}
