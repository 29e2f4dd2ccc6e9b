//! No text and no keys panic; what a plan says is what a plain reading of its rules says.
#![allow(clippy::unwrap_used)]

use dial_plan::{DialPlan, RuleState, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

/// The keys tried. Few, so that they often match; many, so that everything is met.
const FEW: &str = "12*";
const MANY: &str = "0123*#+aBx";
/// Sets as they are written, and all keys in them; the first few have only keys of [`FEW`] in common.
const SETS: &[(&str, &str)] = &[
    ("x", "0123456789"),
    ("1", "1"),
    ("2", "2"),
    ("*", "*"),
    ("[12]", "12"),
    ("[x*]", "0123456789*"),
    ("X", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("b", "bB"),
    ("\\+", "+"),
    ("\\#", "#"),
    ("[0-2#]", "012#"),
    ("[a-c]", "abcABC"),
];

/// An item as the test sees it: how it is written, what it takes.
#[derive(Debug, Clone)]
enum Item {
    Take { set: &'static str, most: usize, least: usize },
    Replace { from: String, to: String },
}

#[derive(Debug, Clone)]
struct Rule {
    text: String,
    blocks: bool,
    items: Vec<Item>,
}

fn item(sets: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = (String, Item)> {
    let repeat = prop::sample::select(vec![("", 1, 1), ("", 1, 1), ("+", 1, usize::MAX), (".", 0, usize::MAX)]);
    let take = (prop::sample::select(sets), repeat).prop_map(|((text, set), (sign, least, most))| {
        let item = Item::Take { set, most, least };
        (format!("{text}{sign}"), item)
    });
    let replace = ("[12*]{0,2}", "[0-9+]{0,2}")
        .prop_filter("one side says something", |(from, to)| !from.is_empty() || !to.is_empty())
        .prop_map(|(from, to)| (format!("<{from}={to}>"), Item::Replace { from, to }));
    prop_oneof![3 => take, 1 => replace]
}

fn rule(sets: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = Rule> {
    (prop::bool::weighted(0.3), vec(item(sets), 1..6)).prop_map(|(blocks, items)| {
        let (texts, items): (Vec<String>, Vec<Item>) = items.into_iter().unzip();
        let text = format!("{}{}", if blocks { "^" } else { "" }, texts.concat());
        Rule { text, blocks, items }
    })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop_oneof![3 => vec(rule(&SETS[..6]), 1..4), 1 => vec(rule(SETS), 1..4)]
}

/// Plans that begin with a rule such as `^1[12].`, which blocks what follows.
fn blocking() -> impl Strategy<Value = Vec<Rule>> {
    let first = (0..3_usize, prop::sample::select(&SETS[..6])).prop_map(|(ones, (text, set))| {
        let mut items = vec![Item::Take { set: "1", least: 1, most: 1 }; ones];
        items.push(Item::Take { set, least: 0, most: usize::MAX });
        Rule { text: format!("^{}{text}.", "1".repeat(ones)), blocks: true, items }
    });
    (first, vec(rule(&SETS[..6]), 1..3)).prop_map(|(first, rest)| [vec![first], rest].concat())
}

fn keys() -> impl Strategy<Value = String> {
    let some = |keys: &'static str| vec(prop::sample::select(keys.as_bytes()), 0..8);
    prop_oneof![3 => some(FEW), 1 => some(MANY)].prop_map(|keys| String::from_utf8(keys).unwrap())
}

fn plan(rules: &[Rule]) -> DialPlan {
    let texts: Vec<&str> = rules.iter().map(|rule| rule.text.as_str()).collect();
    DialPlan::parse(&format!("{{ {} }}", texts.join(" | "))).unwrap()
}

/// What is sent: every way is tried, the longest repeats first.
fn naive(items: &[Item], keys: &str) -> Option<String> {
    let Some((first, rest)) = items.split_first() else { return keys.is_empty().then(String::new) };
    match first {
        Item::Replace { from, to } => naive(rest, keys.strip_prefix(from)?).map(|tail| format!("{to}{tail}")),
        Item::Take { set, least, most } => {
            let run = keys.chars().take_while(|key| set.contains(*key)).count();
            (*least..=run.min(*most))
                .rev()
                .find_map(|taken| naive(rest, &keys[taken..]).map(|tail| format!("{}{tail}", &keys[..taken])))
        }
    }
}

/// Whether some longer keys would be taken.
fn alive(items: &[Item], keys: &str) -> bool {
    let Some((first, rest)) = items.split_first() else { return false };
    match first {
        Item::Replace { from, .. } => {
            (from.len() > keys.len() && from.starts_with(keys))
                || keys.strip_prefix(from.as_str()).is_some_and(|keys| alive(rest, keys))
        }
        Item::Take { set, least, most } => {
            let run = keys.chars().take_while(|key| set.contains(*key)).count();
            (run == keys.len() && run < *most) || (*least..=run.min(*most)).any(|taken| alive(rest, &keys[taken..]))
        }
    }
}

fn taken(rule: &Rule, keys: &str) -> Option<String> {
    if keys.is_empty() { None } else { naive(&rule.items, keys).filter(|number| rule.blocks || !number.is_empty()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_a_position(text in "\\PC{0,80}") {
        if let Err(error) = DialPlan::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.position));
        }
    }

    #[test]
    fn text_like_a_plan_is_read_or_refused(
        text in "\\{(\\PC|[-xX0-9a-c+.^|<>=\\[\\]{} \\\\*#]){0,40}\\}?",
        keys in "\\PC{0,70}",
    ) {
        match DialPlan::parse(&text) {
            Ok(plan) => {
                let canonical = plan.canonical();
                prop_assert_eq!(DialPlan::parse(&canonical).unwrap(), plan.clone());
                plan.dial(&keys);
                prop_assert_eq!(plan.trace(&keys).len(), plan.rules().count());
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }

    #[test]
    fn any_keys_have_a_verdict(rules in rules(), keys in "\\PC{0,80}", long in "[0-9*#+A-Da-d]{0,70}") {
        let plan = plan(&rules);
        for keys in [keys, long] {
            let verdict = plan.dial(&keys);
            let decided = plan.trace(&keys).iter().position(|rule| rule.decides);
            match verdict {
                Verdict::Dial { rule, .. } | Verdict::Blocked { rule, .. } => prop_assert_eq!(decided, Some(rule)),
                Verdict::Incomplete | Verdict::Refused => prop_assert_eq!(decided, None),
            }
        }
    }

    #[test]
    fn a_plain_reading_says_the_same(rules in rules(), keys in keys()) {
        let plan = plan(&rules);
        let first = rules.iter().enumerate().find_map(|(index, rule)| Some((index, rule, taken(rule, &keys)?)));
        match (plan.dial(&keys), first) {
            (Verdict::Dial { number, rule, .. }, Some((index, found, expected))) => {
                prop_assert_eq!((number, rule, false), (expected, index, found.blocks));
            }
            (Verdict::Blocked { rule, .. }, Some((index, found, _))) => {
                prop_assert_eq!((rule, true), (index, found.blocks));
            }
            (Verdict::Incomplete, None) => prop_assert!(rules.iter().any(|rule| alive(&rule.items, &keys))),
            (Verdict::Refused, None) => prop_assert!(!rules.iter().any(|rule| alive(&rule.items, &keys))),
            (verdict, first) => prop_assert!(false, "{verdict:?}, by a plain reading {first:?}"),
        }
        for (trace, rule) in plan.trace(&keys).iter().zip(&rules) {
            let state = match (taken(rule, &keys), alive(&rule.items, &keys)) {
                (Some(_), _) => RuleState::Matches,
                (None, true) => RuleState::MayMatch,
                (None, false) => RuleState::No,
            };
            prop_assert_eq!((&trace.text, trace.state, trace.blocks), (&rule.text, state, rule.blocks));
        }
    }

    #[test]
    fn the_phone_waits_wherever_a_further_key_can_dial(rules in prop_oneof![rules(), blocking()], keys in keys()) {
        let plan = plan(&rules);
        let waits = match plan.dial(&keys) {
            Verdict::Dial { more, .. } | Verdict::Blocked { more, .. } => more,
            Verdict::Incomplete => true,
            Verdict::Refused => false,
        };
        let one = MANY.chars().map(|key| format!("{keys}{key}"));
        let two = one.clone().flat_map(|keys| MANY.chars().map(move |key| format!("{keys}{key}")));
        let dials = one.chain(two).find(|keys| matches!(plan.dial(keys), Verdict::Dial { .. }));
        prop_assert!(waits || dials.is_none(), "{:?} is dialled", dials);
        // And it waits only where a rule that dials could go on.
        if matches!(plan.dial(&keys), Verdict::Dial { more: true, .. } | Verdict::Blocked { more: true, .. }) {
            prop_assert!(rules.iter().any(|rule| !rule.blocks && alive(&rule.items, &keys)));
        }
    }

    #[test]
    fn nothing_on_the_way_to_a_number_is_refused(rules in rules(), keys in keys()) {
        let plan = plan(&rules);
        if matches!(plan.dial(&keys), Verdict::Dial { .. } | Verdict::Blocked { .. }) {
            for end in 0..keys.len() {
                prop_assert_ne!(plan.dial(&keys[..end]), Verdict::Refused);
            }
        }
    }
}
