//! The arrows of the design: who may know whom.

use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 900;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file below a folder of the workspace.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with("target") && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

/// Lines of code that name `crate::part`, alone or in a list.
fn uses(text: &str, part: &str) -> Vec<String> {
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let joined: String = code.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (start, _) in joined.match_indices("crate::") {
        let rest = &joined[start + "crate::".len()..];
        let named = |text: &str| {
            let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            name == part
        };
        let listed = rest
            .strip_prefix('{')
            .and_then(|list| list.split(';').next())
            .is_some_and(|list| list.split(',').any(named));
        if named(rest) || listed {
            found.push(rest.lines().next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[track_caller]
fn never(folder: &str, parts: &[&str]) {
    for (path, text) in sources(folder) {
        for part in parts {
            let found = uses(&text, part);
            assert!(found.is_empty(), "{} uses crate::{part}: {found:?}", path.display());
        }
    }
}

#[test]
fn the_search_for_arrows_finds_them() {
    assert_eq!(uses("use crate::db::Db;", "db").len(), 1);
    assert_eq!(uses("use crate::{app, db};", "db").len(), 1);
    assert_eq!(uses("use crate::{\n    app::App,\n    db::entity,\n};", "db").len(), 1);
    assert_eq!(uses("let x = crate::db::is_duplicate(y);", "db").len(), 1);
    assert!(uses("// use crate::db;\nuse crate::dbx::y;\nuse crate::{app::db};", "db").is_empty());
}

#[test]
fn the_api_knows_use_cases_and_no_database() {
    never("cloud/src/api", &["db", "acs", "ingest", "pnp", "worker"]);
    for (path, text) in sources("cloud/src/api") {
        assert!(!text.contains("sea_orm"), "{}", path.display());
    }
}

#[test]
fn the_rules_know_neither_database_nor_use_cases_nor_clock() {
    never("cloud/src/domain", &["db", "app", "api", "acs", "ingest", "worker", "clock", "broker", "secrets"]);
    for (path, text) in sources("cloud/src/domain") {
        for word in ["SystemTime", "Instant::now", "sea_orm", "tokio", "std::fs", "std::net"] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn the_database_knows_nobody_above_it() {
    never("cloud/src/db", &["app", "api", "acs", "ingest", "worker", "broker", "domain", "startup"]);
}

#[test]
fn use_cases_know_no_transport() {
    never("cloud/src/app", &["api", "acs", "ingest", "worker", "startup", "serve"]);
    // Not `app::pnp`, which decides, but the sockets.
    never("cloud/src/pnp", &["db", "api", "acs", "ingest", "worker"]);
}

/// What a member depends on at run time, of the workspace.
fn members_of(manifest: &Path) -> Vec<String> {
    let table: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let dependencies = table.get("dependencies").and_then(|found| found.as_table()).cloned().unwrap_or_default();
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let all = workspace["workspace"]["dependencies"].as_table().unwrap();
    let is_member = |name: &String| all.get(name).is_some_and(|one| one.get("path").is_some());
    dependencies.keys().filter(|name| is_member(name)).cloned().collect()
}

#[test]
fn members_depend_downwards_only() {
    for (member, allowed) in [
        ("crates/audio", &[][..]),
        ("crates/auth-digest", &[]),
        ("crates/codecs", &[]),
        ("crates/contract", &[]),
        ("crates/cwmp", &[]),
        ("crates/dial-plan", &[]),
        ("crates/media", &["audio", "codecs", "rtp"]),
        ("crates/provisioning", &["contract", "settings"]),
        ("crates/rtp", &[]),
        ("crates/settings", &["dial-plan"]),
        ("migrations", &[]),
        ("phone-core", &["audio", "auth-digest", "codecs", "dial-plan", "media", "rtp"]),
        ("device-agent", &["audio", "auth-digest", "contract", "cwmp", "provisioning", "settings", "phone-core"]),
        ("cloud", &["auth-digest", "contract", "cwmp", "provisioning", "settings", "migrations"]),
        ("frontend", &["contract", "dial-plan", "provisioning", "settings"]),
    ] {
        for used in members_of(&root().join(member).join("Cargo.toml")) {
            assert!(allowed.contains(&used.as_str()), "{member} depends on {used}");
        }
    }
}

#[test]
fn pure_crates_touch_neither_files_nor_network_nor_clock() {
    for member in [
        "crates/contract/src",
        "crates/settings/src",
        "crates/cwmp/src",
        "crates/auth-digest/src",
        "crates/dial-plan/src",
        "crates/provisioning/src",
    ] {
        for (path, text) in sources(member) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in [
                "std::fs",
                "std::net::Tcp",
                "std::net::Udp",
                "SystemTime::now",
                "Instant::now",
                "Utc::now",
                "tokio::",
                "std::thread",
            ] {
                assert!(!code.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let members = ["cloud", "crates", "device-agent", "frontend", "migrations", "phone-core", "tests", "xtask"];
    for (path, text) in members.into_iter().flat_map(sources) {
        let lines = text.lines().count();
        // Tables of a standard are not read but looked up.
        if path.ends_with("tables.rs") {
            continue;
        }
        assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
    }
}
