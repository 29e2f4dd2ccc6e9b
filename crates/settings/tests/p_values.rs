//! The P-values: none twice, and as the reference has them.
#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, path::PathBuf};

use settings::Catalogue;

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
fn every_p_value_is_used_once() {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut wrong = vec![];
    for setting in Catalogue::get().settings() {
        let instances = setting.instances.map_or(1, |range| usize::from(range.last - range.first) + 1);
        let all = std::iter::once(&setting.p).chain(setting.parts.iter().map(|part| &part.p));
        for list in all {
            if list.len() > instances {
                wrong.push(format!("{}: more P-values than instances", setting.key));
            }
            for p in list.iter().filter(|p| !p.is_empty()) {
                if p.strip_prefix('P').is_none_or(|n| n.parse::<u32>().is_err()) {
                    wrong.push(format!("{}: {p}", setting.key));
                }
                if let Some(other) = seen.insert(p.clone(), setting.key.clone()) {
                    wrong.push(format!("{p}: {other} and {}", setting.key));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn p_values_agree_with_the_reference() {
    let Some(table) = shared("reference/data/ghp6xx_settings.csv") else {
        return;
    };
    let mut rows = parse_csv(&table).into_iter();
    let head = rows.next().unwrap();
    let column = |name: &str| head.iter().position(|h| h == name).unwrap();
    let (alias, p1, p2, sense) =
        (column("alias"), column("p_account1_or_global"), column("p_account2"), column("p_sense"));
    let (mut wrong, mut checked) = (vec![], 0);
    for row in rows {
        // The reference writes N for the account.
        let places: Vec<(String, &String)> = if row[alias].contains(".N.") {
            vec![(row[alias].replace(".N.", ".1."), &row[p1]), (row[alias].replace(".N.", ".2."), &row[p2])]
        } else {
            vec![(row[alias].clone(), &row[p1])]
        };
        for (key, p) in places {
            let Some(found) = Catalogue::get().find(&key) else {
                continue;
            };
            checked += 1;
            if found.p_value() != Some(p.as_str()).filter(|p| !p.is_empty()) && !differs(&key) {
                wrong.push(format!("{key}: {:?}, the reference says {p:?}", found.p_value()));
            }
            if found.setting.p_inverted != (row[sense] == "inverted") {
                wrong.push(format!("{key}: p_inverted"));
            }
        }
    }
    assert!(checked > 400, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys that borrow an alias of several items and keep the numbers in their parts.
fn differs(key: &str) -> bool {
    Catalogue::get().find(key).is_some_and(|found| !found.setting.parts.is_empty())
}

fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    rows
}
