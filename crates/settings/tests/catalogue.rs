//! The catalogue as a whole: complete, consistent, and every value of its own valid.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use settings::{Catalogue, Filter, Model, Scope, ValueType, markdown, tsv, validate, validate_for};

/// A file of the shared reference beside the repository, where there is one.
fn shared(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: {} is absent", path.display());
    }
    text
}

#[test]
fn counts() {
    let catalogue = Catalogue::get();
    assert_eq!((catalogue.settings().len(), catalogue.statuses().len(), catalogue.actions().len()), (355, 38, 21));
}

#[test]
fn every_row_of_the_guide_is_there_once() {
    let Some(table) = shared("guide/parameters.tsv") else {
        return;
    };
    let listed = tsv(&Filter::default());
    let mut ours: HashMap<String, usize> = HashMap::new();
    for line in listed.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').take(4).collect();
        if !cells[2].ends_with("(beyond the guide)") {
            *ours.entry(cells.join("\t")).or_default() += 1;
        }
    }
    let mut wrong = vec![];
    let rows: Vec<&str> = table.lines().skip(1).filter(|line| !line.is_empty()).collect();
    for row in &rows {
        let times = ours.get(*row).copied().unwrap_or(0);
        if times != 1 {
            wrong.push(format!("{times} times: {row}"));
        }
    }
    let known: HashSet<&str> = rows.iter().copied().collect();
    wrong.extend(ours.keys().filter(|row| !known.contains(row.as_str())).map(|row| format!("not in the guide: {row}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_default_is_valid_and_canonical() {
    let mut wrong = vec![];
    for found in concrete() {
        if let Some(default) = &found.setting.default {
            match validate(&found.key(), default) {
                Ok(canonical) if canonical == *default => {}
                Ok(canonical) => wrong.push(format!("{}: default {default} should be {canonical}", found.key())),
                Err(error) => wrong.push(format!("default: {error}")),
            }
        }
        for extra in &found.setting.extra {
            if validate(&found.key(), extra).as_ref() != Ok(extra) {
                wrong.push(format!("{}: extra {extra}", found.key()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn choices_are_several_and_distinct() {
    let mut wrong = vec![];
    for setting in Catalogue::get().settings() {
        let choices = setting.value_type.choices();
        if matches!(setting.value_type, ValueType::Enum { .. } | ValueType::Multi { .. }) && choices.len() < 2 {
            wrong.push(format!("{}: fewer than two choices", setting.key));
        }
        let values: HashSet<String> = choices.iter().map(|c| c.value.to_lowercase()).collect();
        if values.len() != choices.len() {
            wrong.push(format!("{}: a value twice", setting.key));
        }
        // A label or vendor word that is another choice's value would be read as that one.
        for choice in choices {
            if !matches!(setting.value_type, ValueType::Enum { .. }) {
                continue;
            }
            let key = setting.key_at(setting.instances.map(|range| range.first));
            for word in [Some(&choice.label), choice.wire.as_ref()].into_iter().flatten() {
                if validate(&key, word).as_ref() != Ok(&choice.value) && !ambiguous(&key) {
                    wrong.push(format!("{key}: {word} is not read as {}", choice.value));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Settings whose vendor words are numbers or the opposite words; files translate them by `wire`, people never type them.
fn ambiguous(key: &str) -> bool {
    ["account.1.sip.sessiontimer.refresher.uasspecify", "sip.escapeurl"].contains(&key)
}

#[test]
fn every_entry_is_described() {
    let catalogue = Catalogue::get();
    let settings = catalogue.settings().iter().map(|s| (&s.key, &s.help));
    let statuses = catalogue.statuses().iter().map(|s| (&s.key, &s.help));
    let actions = catalogue.actions().iter().map(|a| (&a.key, &a.help));
    for (key, help) in settings.chain(statuses).chain(actions) {
        assert!(help.len() > 15 && help.ends_with(['.', '?', '!', ')']), "{key}: {help}");
        assert!(help.len() < 400, "{key}: too long");
    }
    assert!(catalogue.statuses().iter().all(|s| s.key.starts_with("status.") && !s.source.is_empty()));
    assert!(catalogue.actions().iter().all(|a| a.key.starts_with("action.") && !a.starts.is_empty()));
}

#[test]
fn scopes_and_models() {
    for setting in Catalogue::get().settings() {
        if setting.scope == Scope::Account {
            let range = setting.instances.unwrap();
            assert_eq!((range.first, range.last), (1, 2), "{}", setting.key);
        }
        if setting.page.contains("Wi-Fi") {
            assert!(setting.models.iter().all(|m| m.has_wifi()) && setting.models.len() == 4, "{}", setting.key);
        }
    }
    let keys = |model| {
        Catalogue::get()
            .concrete(model)
            .filter(|s| s.setting.page.ends_with("Multi-Purpose Keys") && s.key().ends_with("keymode"))
            .count()
    };
    assert_eq!((keys(Model::Ghp611), keys(Model::Ghp621W)), (3, 6));
    assert!(validate_for(Model::Ghp611, "pks.mpk.16.keymode", "none").is_err());
    assert!(validate_for(Model::Ghp621, "pks.mpk.16.keymode", "none").is_ok());
    assert!(validate_for(Model::Ghp610, "network.wifi.enable", "no").is_err());
}

#[test]
fn secrets_are_never_shown() {
    for found in concrete().into_iter().filter(|found| found.setting.secret) {
        let error = validate(&found.key(), "hunter2\u{7}").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn everything_that_looks_secret_is_secret() {
    for setting in Catalogue::get().settings() {
        if setting.title.contains("Password") || setting.title.contains("Private Key") {
            assert!(setting.secret, "{}", setting.key);
        }
    }
}

#[test]
fn errors_say_what_is_allowed() {
    let message = |key: &str, value: &str| validate(key, value).unwrap_err().to_string();
    assert_eq!(
        message("account.1.sip.timer.t1", "9"),
        "account.1.sip.timer.t1: \"9\" is not allowed; choose one of 0.5, 1, 2"
    );
    assert_eq!(
        message("account.2.network.maxnumofretries", "11"),
        "account.2.network.maxnumofretries: \"11\" is not allowed; must be 1 to 10 (times)"
    );
    assert_eq!(
        message("account.1.rtp.timeout", "5"),
        "account.1.rtp.timeout: \"5\" is not allowed; must be 6 to 600 (s), or 0"
    );
    assert_eq!(
        message("network.rtp.local.port", "5005"),
        "network.rtp.local.port: \"5005\" is not allowed; must be 1024 to 65400 and a multiple of 2"
    );
    assert_eq!(
        message("account.1.sip.usrid", "1"),
        "unknown setting account.1.sip.usrid; did you mean account.1.sip.userid?"
    );
    assert_eq!(
        message("completely.different.thing.altogether", "1"),
        "unknown setting completely.different.thing.altogether"
    );
    assert!(message("account.1.call.dialplan", "{x+").contains("the closing } is missing at character 4"));
}

#[test]
fn the_reference_page_names_every_key() {
    let page = markdown(&Filter::default());
    for setting in Catalogue::get().settings() {
        assert!(page.contains(&format!("`{}`", setting.key)), "{}", setting.key);
    }
}

/// Every setting at its every index.
fn concrete() -> Vec<settings::SettingRef> {
    let mut seen = HashSet::new();
    Model::ALL.into_iter().flat_map(|m| Catalogue::get().concrete(m)).filter(|found| seen.insert(found.key())).collect()
}
