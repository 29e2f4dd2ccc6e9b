//! Whatever arrives, validation answers, and its answer is a fixed point.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use settings::{Catalogue, Model, validate};

fn keys() -> Vec<String> {
    Catalogue::get().concrete(Model::Ghp621W).map(|found| found.key()).collect()
}

/// Text that is nearly something: pieces of real values, joined at random.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("f1=440@-13,"),
        Just("c=1/2-"),
        Just("{"),
        Just("}"),
        Just("x+|"),
        Just("<2=011>"),
        Just("[3-5]"),
        Just("^"),
        Just("\\+"),
        Just("224.0.1.75:5004"),
        Just("=ring1;"),
        Just(";"),
        Just(","),
        Just(" "),
        Just("::1"),
        Just("["),
        Just("]:"),
        Just("5060"),
        Just("pcmu,"),
        Just("sip:"),
        Just("@"),
        Just("http://"),
        Just("$mac"),
        Just("/24"),
        Just("10.0.0.1"),
        Just("yes"),
        Just("-"),
        Just("CET-1CEST"),
        Just(",M3.5.0"),
        Just("-----BEGIN A-----\n"),
        Just("TUlJ\n"),
        Just("-----END A-----\n"),
        Just("K: v\n"),
        Just("host."),
        Just("\u{a0}"),
        Just("00:0b:82:aa:bb:cc"),
        Just("+"),
        Just("0"),
        Just("é"),
        Just("23:59"),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_for_every_setting(value in prop_oneof![any::<String>(), pieces(), "[ -~]{0,40}", "-?[0-9]{1,6}"]) {
        for key in keys() {
            if let Ok(canonical) = validate(&key, &value) {
                prop_assert_eq!(validate(&key, &canonical), Ok(canonical.clone()), "{} from {:?}", key, value);
            }
        }
    }

    #[test]
    fn any_key(key in any::<String>(), value in any::<String>()) {
        let _ = validate(&key, &value).map_err(|error| error.to_string());
        let _ = settings::key_of_path(&key);
    }

    #[test]
    fn long_text(value in "[a-z{}|]{8193,9000}") {
        for key in keys() {
            prop_assert!(validate(&key, &value).is_err(), "{}", key);
        }
    }
}
