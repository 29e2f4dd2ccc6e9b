//! `docs/SIP-SETTINGS.md` names every setting of the pages about signalling, `docs/AUDIO-SETTINGS.md` those about sound, and
//! both name tests that are there.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The tables, and the pages of the catalogue each is about.
const TABLES: [(&str, &[&str]); 2] = [
    (
        "SIP-SETTINGS.md",
        &[
            "account_basic",
            "account_sip",
            "account_call",
            "account_advanced",
            "phone_basic",
            "phone_call",
            "network_advanced",
            "application_e911",
            "system_certificates",
        ],
    ),
    ("AUDIO-SETTINGS.md", &["account_codec", "system_preferences", "phone_ringtone"]),
];

fn crate_file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Keys of a page's settings, in order.
fn keys(page: &str) -> Vec<String> {
    let text = crate_file(&format!("../crates/settings/catalogue/{page}.toml"));
    let mut in_setting = false;
    let mut keys = Vec::new();
    for line in text.lines() {
        if line.starts_with("[[") {
            in_setting = line == "[[setting]]";
        } else if let Some(key) = line.strip_prefix("key = \"").filter(|_| in_setting) {
            keys.push(key.split('"').next().unwrap().to_owned());
        }
    }
    assert!(!keys.is_empty(), "{page}");
    keys
}

/// Key, effect and proof of each row.
fn rows(table: &str) -> Vec<[String; 3]> {
    let text = crate_file(&format!("../docs/{table}"));
    let cells = |line: &str| {
        let cells: Vec<String> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").map(str::to_owned).collect();
        let [key, effect, proof]: [String; 3] = cells.try_into().ok()?;
        Some([key.strip_prefix('`')?.split('`').next()?.to_owned(), effect, proof])
    };
    text.lines().filter_map(cells).collect()
}

#[test]
fn every_setting_of_the_pages_has_one_row() {
    for (table, pages) in TABLES {
        let rows = rows(table);
        let told: Vec<&str> = rows.iter().map(|[key, ..]| key.as_str()).collect();
        let known: Vec<String> = pages.iter().flat_map(|page| keys(page)).collect();
        let missing: Vec<&String> = known.iter().filter(|key| !told.contains(&key.as_str())).collect();
        assert!(missing.is_empty(), "not in {table}: {missing:#?}");
        let strange: Vec<&&str> = told.iter().filter(|key| !known.iter().any(|known| known == *key)).collect();
        assert!(strange.is_empty(), "in {table}, but not in the catalogue: {strange:#?}");
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "a setting stands in {table} twice");
    }
}

#[test]
fn every_row_names_a_test_that_is_there_or_says_why_not() {
    for [key, effect, proof] in TABLES.iter().flat_map(|(table, _)| rows(table)) {
        assert!(!effect.trim().is_empty(), "{key}");
        let tests: Vec<&str> = proof.split('`').filter(|test| test.contains("::")).collect();
        let excused = ["elsewhere: ", "open: "].iter().any(|word| proof.starts_with(word));
        assert!(excused == tests.is_empty(), "{key}: a test, or a reason, and not both: {proof}");
        for test in tests {
            let (file, function) = test.split_once("::").unwrap();
            let source = crate_file(file);
            let at = source.find(&format!("fn {function}(")).unwrap_or_else(|| panic!("{key}: there is no {test}"));
            let head: Vec<&str> = source[..at].lines().rev().take(4).collect();
            assert!(head.iter().any(|line| line.contains("test]")), "{key}: {test} is no test");
        }
    }
}
