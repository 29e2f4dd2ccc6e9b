//! What a property's rules let through.

use proptest::prelude::*;

use super::*;

fn rules(mode: ClaimMode, rooms: &str, replace: ClaimReplace, until: Option<i64>) -> Rules {
    Rules { mode, rooms: Rooms::parse(rooms).unwrap(), replace, until }
}

#[test]
fn lists_hold_their_numbers_and_ranges_and_nothing_else() {
    let rooms = Rooms::parse(" 1201-1299, 1401,PH1 ,A-12,").unwrap();
    for number in ["1201", "1250", "1299", "1401", "PH1", "A-12"] {
        assert!(rooms.hold(number), "{number}");
    }
    for number in ["1200", "1300", "01250", "125", "", "ph1", "A-13", "12O1"] {
        assert!(!rooms.hold(number), "{number}");
    }
    assert!(Rooms::parse("").unwrap().hold("anything"));
    assert_eq!(rooms.numbers().collect::<Vec<_>>(), ["1401", "PH1", "A-12"]);
    assert!(Rooms::parse("1201–1299").unwrap().hold("1250"), "a word processor's dash");
}

#[test]
fn what_is_wrong_with_a_list_is_said() {
    for (text, word) in [("1299-1201", "smaller"), ("99-101", "digits")] {
        assert!(Rooms::parse(text).unwrap_err().contains(word), "{text}");
    }
    assert!(Rooms::parse(&"1,".repeat(MOST_ITEMS + 1)).unwrap_err().contains("200"));
    assert!(Rooms::parse(&"1".repeat(MOST_CHARACTERS + 1)).unwrap_err().contains("2000"));
}

#[test]
fn each_rule_says_no_for_its_own_reason() {
    use ClaimReason::*;
    use Standing::*;
    let open = rules(ClaimMode::AtOnce, "1200-1299", ClaimReplace::Refuse, Some(100));
    for (rules, number, standing, now, wanted) in [
        (&open, "1207", Nobody, 99, Verdict::Accept),
        (&open, "1207", Nobody, 100, Verdict::Refuse(Over)),
        (&open, "1307", Nobody, 99, Verdict::Refuse(OtherRoom)),
        (&open, "1207", NoRoom, 99, Verdict::Refuse(UnknownRoom)),
        (&open, "1207", Another, 99, Verdict::Refuse(Taken)),
        // What it has nobody takes from it.
        (&open, "1307", Itself, 200, Verdict::Accept),
        (&Rules::default(), "1207", Itself, 0, Verdict::Refuse(Off)),
    ] {
        assert_eq!(judge(rules, number, standing, now), wanted, "{number} {standing:?} at {now}");
    }
}

#[test]
fn the_front_desk_is_asked_where_the_property_wants_it() {
    for (mode, replace, standing, wanted) in [
        (ClaimMode::Confirm, ClaimReplace::AtOnce, Standing::Nobody, Verdict::Ask),
        (ClaimMode::Confirm, ClaimReplace::AtOnce, Standing::Another, Verdict::Ask),
        (ClaimMode::AtOnce, ClaimReplace::Confirm, Standing::Another, Verdict::Ask),
        (ClaimMode::AtOnce, ClaimReplace::Confirm, Standing::Nobody, Verdict::Accept),
        (ClaimMode::AtOnce, ClaimReplace::AtOnce, Standing::Another, Verdict::Accept),
    ] {
        assert_eq!(judge(&rules(mode, "", replace, None), "1207", standing, 0), wanted, "{mode:?} {replace:?}");
    }
}

proptest! {
    #[test]
    fn no_list_panics_and_a_range_holds_exactly_what_lies_in_it(
        text in ".{0,80}", first in 0u64..5000, count in 0u64..500, number in 0u64..10_000
    ) {
        let _ = Rooms::parse(&text).map(|rooms| rooms.hold(&text));
        let last = first + count;
        let rooms = Rooms::parse(&format!("{first:05}-{last:05}")).unwrap();
        prop_assert_eq!(rooms.hold(&format!("{number:05}")), (first..=last).contains(&number));
    }

    #[test]
    fn nobody_is_put_out_of_a_room_unless_the_rules_say_so(
        mode in prop::sample::select(ClaimMode::ALL), replace in prop::sample::select(ClaimReplace::ALL),
        until in prop::option::of(0i64..200), now in 0i64..200
    ) {
        let rules = Rules { mode, rooms: Rooms::default(), replace, until };
        let verdict = judge(&rules, "1207", Standing::Another, now);
        if verdict == Verdict::Accept {
            prop_assert!(mode == ClaimMode::AtOnce && replace == ClaimReplace::AtOnce);
            prop_assert!(until.is_none_or(|until| now < until));
        }
    }
}
