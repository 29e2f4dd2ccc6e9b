//! `docs/PROVISION-SETTINGS.md` names every setting of its pages, and tests that are there.

use std::path::Path;

const PAGES: [&str; 3] = ["maintenance_config", "maintenance_provision", "maintenance_firmware"];
/// Of other pages.
const MORE: [&str; 8] = [
    "datetime.ntp.server.1",
    "datetime.ntp.server.2",
    "datetime.ntp.updateinterval",
    "datetime.ntp.enableauth",
    "datetime.override.dhcp.allowoption42",
    "datetime.override.dhcp.allowoption2",
    "provisioning.validatehostnameincertificate",
    "sip.notify.challenge",
];

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keys(page: &str) -> Vec<String> {
    let text = file(&format!("crates/settings/catalogue/{page}.toml"));
    let settings = text.split("[[").filter(|part| part.starts_with("setting]]"));
    let key = |part: &str| part.split("key = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    settings.map(key).collect()
}

fn rows() -> Vec<(String, String)> {
    let text = file("docs/PROVISION-SETTINGS.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
        let [key, effect, proof] = cells[..] else { panic!("{line}") };
        assert!(!effect.is_empty(), "{line}");
        Some((key.split('`').next()?.to_owned(), proof.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_setting_of_the_pages_has_one_row() {
    let mut known: Vec<String> = PAGES.iter().flat_map(|page| keys(page)).chain(MORE.map(str::to_owned)).collect();
    let mut told: Vec<String> = rows().into_iter().map(|(key, _)| key).collect();
    known.sort();
    told.sort();
    assert_eq!(told, known);
}

#[test]
fn every_row_names_a_test_that_is_there_or_says_why_not() {
    for (key, proof) in rows() {
        let tests: Vec<&str> = proof.split('`').filter(|test| test.contains("::")).collect();
        let excused = ["elsewhere: ", "open: "].iter().any(|word| proof.starts_with(word));
        assert!(excused == tests.is_empty(), "{key}: a test, or a reason, and not both: {proof}");
        for test in tests {
            let (path, function) = test.split_once("::").unwrap();
            let source = file(path);
            let at = source.find(&format!("fn {function}(")).unwrap_or_else(|| panic!("{key}: there is no {test}"));
            assert!(source[..at].lines().rev().take(4).any(|line| line.contains("test")), "{key}: {test}");
        }
    }
}
