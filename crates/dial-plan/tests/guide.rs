//! The guide's plans, numbers they take and numbers they do not.
#![allow(clippy::unwrap_used)]

use dial_plan::{DialPlan, MAX_KEYS, RuleState, Verdict};

const HOME: &str = "{ ^1900x. | <=1617>[2-9]xxxxxx | 1[2-9]xx[2-9]xxxxxx | 011[2-9]x. | [3469]11 }";
const DEFAULT: &str = "{x+|\\+x+|*x+|*xx*x+}";

fn dial(plan: &str, keys: &str) -> Verdict {
    DialPlan::parse(plan).unwrap().dial(keys)
}

/// Sent at once.
fn now(number: &str, rule: usize) -> Verdict {
    Verdict::Dial { number: number.into(), rule, more: false }
}

/// Sent when no further key is pressed.
fn later(number: &str, rule: usize) -> Verdict {
    Verdict::Dial { number: number.into(), rule, more: true }
}

fn check(plan: &str, cases: &[(&str, Verdict)]) {
    for (keys, verdict) in cases {
        assert_eq!(dial(plan, keys), *verdict, "{plan}: {keys}");
    }
}

#[test]
fn example_1_short_numbers_or_eleven_digits() {
    check(
        "{[369]11 | 1617xxxxxxx}",
        &[
            ("311", now("311", 0)),
            ("611", now("611", 0)),
            ("911", now("911", 0)),
            ("16171234567", now("16171234567", 1)),
            ("", Verdict::Incomplete),
            ("9", Verdict::Incomplete),
            ("1617123456", Verdict::Incomplete),
            ("411", Verdict::Refused),
            ("9111", Verdict::Refused),
            ("161712345678", Verdict::Refused),
            ("1618", Verdict::Refused),
        ],
    );
}

#[test]
fn example_2_blocked_or_with_a_prefix() {
    check(
        "{^1900x+ | <=1617>xxxxxxx}",
        &[
            ("5551234", now("16175551234", 1)),
            ("1234567", now("16171234567", 1)),
            ("19005", Verdict::Blocked { rule: 0, more: false }),
            ("1900555", Verdict::Blocked { rule: 0, more: false }),
            ("19005551234", Verdict::Blocked { rule: 0, more: false }),
            ("1900", Verdict::Incomplete),
            ("555123", Verdict::Incomplete),
            ("55512345", Verdict::Refused),
        ],
    );
}

#[test]
fn example_3_a_digit_replaced() {
    check(
        "{1xxx[2-9]xxxxxx | <2=011>x+}",
        &[
            ("16172345678", now("16172345678", 0)),
            ("24930123", later("0114930123", 1)),
            ("22", later("0112", 1)),
            ("2", Verdict::Incomplete),
            ("16171", Verdict::Refused),
            ("3", Verdict::Refused),
        ],
    );
}

#[test]
fn the_plan_of_a_home_or_office() {
    check(
        HOME,
        &[
            ("1900", Verdict::Blocked { rule: 0, more: false }),
            ("19005551234", Verdict::Blocked { rule: 0, more: false }),
            ("5551234", now("16175551234", 1)),
            ("16175551234", now("16175551234", 2)),
            ("0114", later("0114", 3)),
            ("01149301234", later("01149301234", 3)),
            ("911", later("911", 4)),
            ("311", later("311", 4)),
            ("190", Verdict::Incomplete),
            ("011", Verdict::Incomplete),
            ("211", Verdict::Incomplete),
            ("0111", Verdict::Refused),
            ("11", Verdict::Refused),
            ("55512345", Verdict::Refused),
            ("*", Verdict::Refused),
        ],
    );
}

#[test]
fn the_default_plan_takes_every_number_and_feature_code() {
    check(
        DEFAULT,
        &[
            ("1", later("1", 0)),
            ("004930123", later("004930123", 0)),
            ("+4930123", later("+4930123", 1)),
            ("*97", later("*97", 2)),
            ("*21*555", later("*21*555", 3)),
            ("", Verdict::Incomplete),
            ("+", Verdict::Incomplete),
            ("*", Verdict::Incomplete),
            ("*21*", Verdict::Incomplete),
            ("#", Verdict::Refused),
            ("**", Verdict::Refused),
            ("1*", Verdict::Refused),
            ("*1*", Verdict::Refused),
            ("A", Verdict::Refused),
        ],
    );
}

#[test]
fn the_grammar_of_the_guide() {
    check("{xx}", &[("12", now("12", 0)), ("1", Verdict::Incomplete), ("123", Verdict::Refused)]);
    check("{xx+}", &[("1", Verdict::Incomplete), ("12", later("12", 0)), ("1234", later("1234", 0))]);
    check("{XX}", &[("AA", now("AA", 0)), ("Ab", now("Ab", 0)), ("1C", now("1C", 0)), ("f5", now("f5", 0))]);
    check("{XX}", &[("68", now("68", 0)), ("6*", Verdict::Refused)]);
    check("{[3-5]}", &[("3", now("3", 0)), ("4", now("4", 0)), ("5", now("5", 0)), ("6", Verdict::Refused)]);
    check("{[147]}", &[("1", now("1", 0)), ("4", now("4", 0)), ("7", now("7", 0)), ("2", Verdict::Refused)]);
    check("{*x+}", &[("*123", later("*123", 0)), ("123", Verdict::Refused)]);
    check("{[x*]+}", &[("*98*1", later("*98*1", 0)), ("#1", Verdict::Refused)]);
    check("{\\#\\*\\+1}", &[("#*+1", now("#*+1", 0))]);
}

#[test]
fn letters_are_compared_without_case_and_sent_as_typed() {
    check("{test}", &[("test", now("test", 0)), ("TesT", now("TesT", 0)), ("tes", Verdict::Incomplete)]);
    check("{[a-c]1}", &[("B1", now("B1", 0)), ("d1", Verdict::Refused)]);
    check("{<a=Z>1}", &[("A1", now("Z1", 0))]);
}

#[test]
fn in_angle_brackets_x_is_a_letter() {
    check("{<x=0>1}", &[("X1", now("01", 0)), ("51", Verdict::Refused)]);
}

#[test]
fn the_first_rule_that_matches_decides() {
    check(
        "{^1900x.|1xxx}",
        &[("190", Verdict::Incomplete), ("1900", Verdict::Blocked { rule: 0, more: false }), ("1901", now("1901", 1))],
    );
    check("{x+|^1900x.}", &[("1900", later("1900", 0))]);
    check("{12|<1=9>2}", &[("12", now("12", 0))]);
    check("{<1=9>2|12}", &[("12", now("92", 0))]);
}

#[test]
fn a_blocked_number_may_begin_one_that_is_not() {
    check("{^19|1x+}", &[("19", Verdict::Blocked { rule: 0, more: true }), ("195", later("195", 1))]);
    check("{^1900x.|x+}", &[("1900", Verdict::Blocked { rule: 0, more: false }), ("190", later("190", 1))]);
    check("{^1x.|11*}", &[("1", Verdict::Blocked { rule: 0, more: true }), ("11*", now("11*", 1))]);
    check("{^1900x.|[x*]+}", &[("1900", Verdict::Blocked { rule: 0, more: true }), ("1900*", later("1900*", 1))]);
}

#[test]
fn nothing_waits_for_keys_that_could_only_be_blocked() {
    check("{^911x+|911}", &[("911", now("911", 1)), ("9112", Verdict::Blocked { rule: 0, more: false })]);
}

#[test]
fn replacements_stand_where_they_are_written() {
    check("{x+<*=#>x+}", &[("12*34", later("12#34", 0)), ("12*", Verdict::Incomplete)]);
    check("{<=00>xx<=99>}", &[("12", now("001299", 0))]);
    check("{<123=9>4}", &[("12", Verdict::Incomplete), ("1234", now("94", 0)), ("13", Verdict::Refused)]);
    check("{<9=>x+}", &[("9123", later("123", 0))]);
    check("{<=+49><0=>x+}", &[("0301", later("+49301", 0))]);
}

#[test]
fn a_repeat_takes_as_much_as_the_rest_leaves_it() {
    check("{x+<2=A>x.}", &[("12223", later("122A3", 0)), ("1222", later("122A", 0))]);
    check("{x.<=A>x.}", &[("123", later("123A", 0))]);
    check("{x+<=A>xx}", &[("12345", later("123A45", 0))]);
}

#[test]
fn nothing_is_dialled_for_nothing() {
    check("{<=1617>}", &[("", Verdict::Refused), ("1", Verdict::Refused)]);
    check("{x.}", &[("", Verdict::Incomplete)]);
    check("{<2=>x.}", &[("2", Verdict::Incomplete), ("23", later("3", 0))]);
    check("{<2=>|x}", &[("2", now("2", 1))]);
    check("{^<2=>|x}", &[("2", Verdict::Blocked { rule: 0, more: false })]);
}

#[test]
fn a_number_has_at_most_64_keys() {
    let most = "1".repeat(MAX_KEYS);
    check("{x+}", &[(&most, now(&most, 0)), (&most[1..], later(&most[1..], 0))]);
    assert_eq!(dial("{x+}", &"1".repeat(MAX_KEYS + 1)), Verdict::Refused);
    assert_eq!(dial("{x+#}", &most), Verdict::Refused);
    assert_eq!(dial("{X+}", "é"), Verdict::Refused);
    assert_eq!(dial("{X+}", "1 2"), Verdict::Refused);
}

#[test]
fn repeats_upon_repeats_cost_little() {
    let keys = "1".repeat(MAX_KEYS);
    let many = DialPlan::parse("{x+x+x+x+x+1}").unwrap();
    let most = DialPlan::parse(&format!("{{{}}}", "x.".repeat(511))).unwrap();
    let none = DialPlan::parse(&format!("{{{}*}}", "x.".repeat(510))).unwrap();
    for _ in 0..20 {
        assert_eq!(many.dial(&keys), now(&keys, 0));
        assert_eq!(most.dial(&keys), now(&keys, 0));
        assert_eq!(none.dial(&keys), Verdict::Refused);
        assert_eq!(none.dial(&keys[1..]), Verdict::Incomplete);
    }
}

#[test]
fn a_trace_shows_which_rule_decided() {
    use RuleState::{Matches, MayMatch, No};
    let plan = DialPlan::parse("{ ^1900x. | 19xxx | x+ | 2 }").unwrap();
    let seen = |keys: &str| -> Vec<_> {
        plan.trace(keys).into_iter().map(|rule| (rule.text, rule.state, rule.blocks, rule.decides)).collect()
    };
    let row = |text: &str, state, blocks, decides| (text.to_owned(), state, blocks, decides);
    assert_eq!(
        seen("1900"),
        [
            row("^1900x.", Matches, true, true),
            row("19xxx", MayMatch, false, false),
            row("x+", Matches, false, false),
            row("2", No, false, false),
        ]
    );
    assert!(seen("é").iter().all(|(_, state, _, decides)| *state == No && !decides));
    assert_eq!(plan.rules().collect::<Vec<_>>(), ["^1900x.", "19xxx", "x+", "2"]);
    assert_eq!(plan.canonical(), "{^1900x.|19xxx|x+|2}");
}
