//! Every row of the guide's parameter list is known to the phone's own program.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;

use tests::process::program;

/// Kind, page, section and parameter of each line of a table with a header.
fn rows(table: &str) -> Vec<(String, String, String, String)> {
    let cells = |line: &str| {
        let mut cells = line.split('\t').map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().unwrap_or_default();
        (next(), next(), next(), next())
    };
    table.lines().skip(1).filter(|line| !line.trim().is_empty()).map(cells).collect()
}

fn printed() -> Vec<(String, String, String, String)> {
    let program = program("device-agent", "BELLHOP_AGENT_BIN").unwrap();
    let output = Command::new(program).args(["settings", "--format", "tsv"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    rows(&String::from_utf8(output.stdout).unwrap())
}

fn count(rows: &[(String, String, String, String)]) -> [usize; 3] {
    ["setting", "status", "action"].map(|kind| rows.iter().filter(|row| row.0 == kind).count())
}

#[test]
fn the_phones_table_has_every_kind_of_row() {
    let printed = printed();
    // Eight settings are beyond the guide.
    assert_eq!(count(&printed), [355, 38, 21]);
    let different: HashSet<_> = printed.iter().collect();
    assert_eq!(different.len(), printed.len(), "no row is there twice");
}

/// The guide's list is not part of this repository; where it lies beside it, every row of it must be in the table.
#[test]
fn every_row_of_the_guides_list_is_in_the_phones_table() {
    let list = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/guide/parameters.tsv");
    let Ok(list) = std::fs::read_to_string(&list) else {
        eprintln!("{} is not there: nothing to compare with", list.display());
        return;
    };
    let wanted = rows(&list);
    assert_eq!(count(&wanted), [347, 38, 21]);
    let printed: HashSet<_> = printed().into_iter().collect();
    let missing: Vec<_> = wanted.iter().filter(|row| !printed.contains(*row)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:#?}", missing.len(), wanted.len());
}
