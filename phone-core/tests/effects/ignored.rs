//! The proof of the proofs: a phone that is not told a setting makes the setting's test fail.

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

fn passes(tests: &[String], ignored: &str) -> bool {
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.arg("--exact").args(tests).env(IGNORE, ignored).env("RUST_BACKTRACE", "0");
    run.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn each_test_fails_when_its_setting_is_ignored() {
    if std::env::var_os(IGNORE).is_some() {
        return;
    }
    let rows = rows();
    assert!(rows.len() > 100, "the table is read");
    let blind: Vec<&String> = rows.iter().filter(|(key, tests)| passes(tests, key)).map(|(key, _)| key).collect();
    assert!(blind.is_empty(), "these tests do not notice that the setting is ignored: {blind:#?}");
    let (_, tests) = &rows[0];
    assert!(passes(tests, "no.such.key"), "and pass otherwise");
}
