//! The proof of the proofs: a phone that is not told a setting makes each test of the setting fail.

use std::process::{Command, Stdio};

use super::bench::IGNORE;

/// Rows of both tables with tests of this binary: the key for account 1, and the tests' names.
fn rows() -> Vec<(String, Vec<String>)> {
    let table = |name| {
        let path = format!("{}/../docs/{name}-SETTINGS.md", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let text = table("SIP") + &table("AUDIO");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [key, _, tests] = cells[..] else { return None };
        let key = key.split('`').nth(1)?.replace("{account}", "1");
        let name = |test: &str| {
            let (file, function) = test.strip_prefix("tests/effects/")?.split_once(".rs::")?;
            Some(format!("{file}::{function}"))
        };
        let tests: Vec<String> = tests.split('`').filter_map(name).collect();
        (!tests.is_empty()).then_some((key, tests))
    };
    text.lines().filter_map(row).collect()
}

fn passes(test: &str, ignored: &str) -> bool {
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", test]).env(IGNORE, ignored).env("RUST_BACKTRACE", "0");
    run.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// Tests that pass without their setting.
fn blind(pairs: &[(&str, &str)]) -> Vec<String> {
    let blind = pairs.iter().filter(|(key, test)| passes(test, key));
    blind.map(|(key, test)| format!("{test} without {key}")).collect()
}

#[test]
fn each_test_fails_when_its_setting_is_ignored() {
    if std::env::var_os(IGNORE).is_some() {
        return;
    }
    let rows = rows();
    assert!(rows.len() > 100, "the tables are read");
    let pairs: Vec<(&str, &str)> =
        rows.iter().flat_map(|(key, tests)| tests.iter().map(move |test| (key.as_str(), test.as_str()))).collect();
    let share = pairs.len().div_ceil(std::thread::available_parallelism().map_or(2, usize::from));
    let blind: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = pairs.chunks(share).map(|some| scope.spawn(move || blind(some))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(blind.is_empty(), "these tests do not notice that a setting is ignored: {blind:#?}");
    let (_, test) = pairs[0];
    assert!(passes(test, "no.such.key"), "and pass otherwise");
}
