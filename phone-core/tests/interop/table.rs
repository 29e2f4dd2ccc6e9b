//! `docs/INTEROP.md` says no more than is tested, and all that is.

use std::collections::BTreeSet;

/// `module::test`, by the sources.
fn tests() -> BTreeSet<String> {
    let sources = [
        ("baresip", include_str!("baresip.rs")),
        ("conference", include_str!("conference.rs")),
        ("failover", include_str!("failover.rs")),
        ("hostile", include_str!("hostile.rs")),
        ("linphone", include_str!("linphone.rs")),
        ("media_baresip", include_str!("media_baresip.rs")),
        ("media_digits", include_str!("media_digits.rs")),
        ("media_ffmpeg", include_str!("media_ffmpeg.rs")),
        ("media_linphone", include_str!("media_linphone.rs")),
        ("media_pjsip", include_str!("media_pjsip.rs")),
        ("proxy", include_str!("proxy.rs")),
        ("scenarios", include_str!("scenarios.rs")),
    ];
    let mut tests = BTreeSet::new();
    for (module, source) in sources {
        let named = source.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        for test in named {
            // What is not entered under its own name would not run at all.
            assert!(source.contains(&format!("enter!(\"{test}\"")), "{module}::{test} enters by another name");
            tests.insert(format!("{module}::{test}"));
        }
    }
    tests
}

#[test]
fn the_table_names_each_test_and_no_other() {
    let table = include_str!("../../../docs/INTEROP.md");
    let rows = table.lines().filter(|line| line.starts_with("| ") && line.contains("::"));
    let named: BTreeSet<String> = rows.filter_map(|row| row.split('`').rev().nth(1)).map(str::to_owned).collect();
    assert_eq!(named, tests());
}
