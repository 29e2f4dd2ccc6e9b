//! What each row wants: its cells checked one by one, without knowing what is there. No `Debug`: rows have passwords.

use std::collections::{HashMap, HashSet};

use contract::Mac;
use contract::rest::{Finding, Layer, SECRET_MASK, Severity};

use super::mapping::{Column, Field, Word};
use super::{Odd, Row, Sheet, mapping};
use crate::domain::value::kept;
use crate::domain::{account, catalogue};

/// A row that was read. What is `None` is left as it is.
#[derive(Clone, Default)]
pub struct Wanted {
    pub line: u32,
    pub building: Option<String>,
    pub floor: Option<String>,
    pub level: Option<i32>,
    pub room: Option<String>,
    pub room_type: Option<String>,
    pub extension: Option<String>,
    pub guest_name: Option<String>,
    pub mac: Option<Mac>,
    pub serial: Option<String>,
    pub model: Option<String>,
    /// The SIP account of its room.
    pub account: WantedAccount,
    /// Values by layer and key.
    pub values: Vec<(Layer, String, String)>,
    /// Those of them that no cell holds: they follow from another one.
    pub implied: HashSet<(Layer, String)>,
    /// It has an error.
    pub refused: bool,
}

/// A SIP account as a row has it.
#[derive(Clone, Default)]
pub struct WantedAccount {
    /// The name of a server.
    pub server: Option<String>,
    pub user: Option<String>,
    pub auth_user: Option<String>,
    pub display_name: Option<String>,
    pub password: Option<String>,
    /// The first column that says something of it.
    pub first: Option<Word>,
    /// One of its cells has an error.
    pub broken: bool,
}

/// Columns by what they were taken for, to say where a finding is.
pub struct Headings<'a> {
    sheet: &'a Sheet,
    columns: &'a [Option<Column>],
    words: HashMap<Word, usize>,
    settings: HashMap<(Layer, String), usize>,
}

impl<'a> Headings<'a> {
    pub fn new(sheet: &'a Sheet, columns: &'a [Option<Column>]) -> Self {
        let words = columns.iter().enumerate().filter_map(|(at, column)| match column {
            Some(Column { field: Field::Word(word), .. }) => Some((*word, at)),
            _ => None,
        });
        let settings = columns.iter().enumerate().filter_map(|(at, column)| Some((setting(column)?, at)));
        Self { sheet, columns, words: words.collect(), settings: settings.collect() }
    }

    /// A finding about the cell of a field; about the row if no column is the field's.
    pub fn finding(&self, row: usize, field: Word, found: Found) -> Finding {
        self.at(row, self.words.get(&field).copied(), field.name().to_owned(), found)
    }

    /// A finding about a setting's cell.
    pub fn setting(&self, row: usize, layer: Layer, key: &str, found: Found) -> Finding {
        let column = self.settings.get(&(layer, key.to_owned())).copied();
        self.at(row, column, key.to_owned(), found)
    }

    fn at(&self, row: usize, column: Option<usize>, field: String, found: Found) -> Finding {
        let there = self.sheet.rows.get(row);
        let heading =
            column.map(|at| self.sheet.headings.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1)));
        let secret =
            column.and_then(|at| self.columns.get(at)?.as_ref()).is_some_and(|column| column.field.is_secret());
        let value = column.and_then(|at| there.map(|row| row.cell(at))).unwrap_or_default();
        Finding {
            severity: found.severity,
            row: there.map_or(0, |row| row.line),
            column: heading.unwrap_or_default(),
            field,
            value: if secret && !value.is_empty() { SECRET_MASK.to_owned() } else { value.chars().take(80).collect() },
            kind: found.kind.to_owned(),
            reason: found.reason,
            remedy: found.remedy.to_owned(),
        }
    }
}

/// What is wrong, where the place is known elsewhere.
pub struct Found {
    pub severity: Severity,
    pub kind: &'static str,
    pub reason: String,
    pub remedy: &'static str,
}

impl Found {
    pub fn error(kind: &'static str, reason: impl Into<String>, remedy: &'static str) -> Self {
        Self { severity: Severity::Error, kind, reason: reason.into(), remedy }
    }

    pub fn warning(kind: &'static str, reason: impl Into<String>, remedy: &'static str) -> Self {
        Self { severity: Severity::Warning, kind, reason: reason.into(), remedy }
    }
}

const CORRECT: &str = "Correct the cell, or empty it to leave the field as it is.";
const AS_TEXT: &str = "Format the column as text, and write the cell again.";

/// So many are found before of further rows only the first error is said.
pub const MOST_FINDINGS: usize = 20_000;

/// Checks every cell.
pub fn rows(sheet: &Sheet, columns: &[Option<Column>]) -> (Vec<Wanted>, Vec<Finding>) {
    let headings = Headings::new(sheet, columns);
    let modes = modes(sheet, columns);
    let mut findings = Vec::new();
    let read = |(at, row): (usize, &Row)| {
        let mut wanted = Wanted { line: row.line, ..Wanted::default() };
        for (column, taken) in columns.iter().enumerate() {
            let Some(taken) = taken else { continue };
            let text = row.cell(column);
            if text.is_empty() {
                continue;
            }
            let odd = row.odd.iter().find(|(at, _)| *at == column).map(|(_, odd)| *odd);
            if let Err(found) = as_typed(text, odd).and_then(|()| take(&mut wanted, taken, text)) {
                let is_first = !wanted.refused && found.severity == Severity::Error;
                wanted.refused |= is_first;
                wanted.account.broken |= matches!(taken.field, Field::Word(word) if word.is_account());
                if findings.len() < MOST_FINDINGS || is_first {
                    findings.push(headings.at(at, Some(column), taken.field.name(), found));
                }
            } else if let Some(mode) = &modes[column] {
                wanted.values.push((taken.layer, mode.clone(), mapping::SPEED_DIAL.to_owned()));
                wanted.implied.insert((taken.layer, mode.clone()));
            }
        }
        if row.cells.len() > columns.len() {
            let reason = format!("The row has {} cells; there are {} headings.", row.cells.len(), columns.len());
            let remedy = "What has no heading is left out. Quote cells that hold a separator, or add the heading.";
            findings.push(headings.at(
                at,
                None,
                String::new(),
                Found::warning("cells-beyond-headings", reason, remedy),
            ));
        }
        if wanted.room.is_none() && wanted.mac.is_none() && !wanted.refused {
            wanted.refused = true;
            let found = Found::error(
                "names-nothing",
                "The row names neither a room nor a phone.",
                "Give a room number or a MAC address, or delete the row.",
            );
            findings.push(headings.at(at, None, String::new(), found));
        }
        wanted
    };
    let wanted = sheet.rows.iter().enumerate().map(read).collect();
    (wanted, findings)
}

/// The setting a column is taken for.
fn setting(column: &Option<Column>) -> Option<(Layer, String)> {
    match column {
        Some(Column { field: Field::Setting { setting, .. }, layer }) => Some((*layer, setting.key())),
        _ => None,
    }
}

/// The modes that columns set along with their values: "Speed dial 1" says what the key does, unless a column has its mode.
fn modes(sheet: &Sheet, columns: &[Option<Column>]) -> Vec<Option<String>> {
    let mode = |(at, column): (usize, &Option<Column>)| {
        let (layer, key) = setting(column).filter(|_| mapping::says_speed_dial(&sheet.headings[at]))?;
        let mode = (layer, catalogue::mode_of(&key)?);
        let has_column = columns.iter().filter_map(setting).any(|other| other == mode);
        (!has_column).then_some(mode.1)
    };
    columns.iter().enumerate().map(mode).collect()
}

/// Errors spreadsheet programs show in cells they cannot compute, in English and in German.
const CELL_ERRORS: [&str; 13] = [
    "#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#NV", "#BEZUG!",
    "#WERT!", "#ZAHL!",
];

/// Whether a cell holds what somebody typed, as far as can be told.
fn as_typed(text: &str, odd: Option<Odd>) -> Result<(), Found> {
    let (kind, reason, remedy) = match odd {
        Some(Odd::Date) => {
            ("cell-is-date", "The cell holds a date: the spreadsheet program took what was typed for one.", AS_TEXT)
        }
        Some(Odd::NoResult) => (
            "cell-not-computed",
            "The cell has a formula, and the file does not hold its result.",
            "Open the file in a spreadsheet program and save it again.",
        ),
        None if CELL_ERRORS.contains(&text) || is_calc_error(text) => (
            "cell-error",
            "The cell has a formula that could not be computed.",
            "Correct the formula, or write the value itself.",
        ),
        None => return Ok(()),
    };
    Err(Found::error(kind, reason, remedy))
}

/// "Err:502", as LibreOffice has it.
fn is_calc_error(text: &str) -> bool {
    text.strip_prefix("Err:").is_some_and(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()))
}

/// "1.23457E+11": a number of which digits are lost.
fn is_rounded(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    power.strip_prefix('+').is_some_and(digits) && number.split(['.', ',']).all(digits)
}

fn take(wanted: &mut Wanted, column: &Column, text: &str) -> Result<(), Found> {
    let may_be_number = match column.field {
        Field::Word(word) => {
            matches!(word, Word::Room | Word::Extension | Word::Serial | Word::SipUser | Word::SipAuthUser)
        }
        Field::Setting { setting, .. } => !setting.setting.secret,
    };
    if may_be_number && is_rounded(text) {
        let reason = "The spreadsheet program took it for a large number: some of its digits are lost.";
        return Err(Found::error("digits-lost", reason, AS_TEXT));
    }
    let word = match column.field {
        Field::Word(word) => word,
        Field::Setting { setting, by_p } => {
            // The export's mask: whoever exported does not know it, so it stays.
            if setting.setting.secret && text.chars().all(|c| SECRET_MASK.contains(c)) {
                return Ok(());
            }
            let key = setting.key();
            let value = kept(&key, text, |text| Field::setting_value(setting, by_p, text))
                .map_err(|error| Found::error("value-not-allowed", format!("{error}."), CORRECT))?;
            wanted.values.push((column.layer, key, value));
            return Ok(());
        }
    };
    let by_setting = |key: &str| {
        settings::validate(key, text).map_err(|error| Found::error("value-not-allowed", format!("{error}."), CORRECT))
    };
    match word {
        Word::Building => wanted.building = Some(name(text)?),
        Word::Floor => wanted.floor = Some(name(text)?),
        Word::RoomType => wanted.room_type = Some(name(text)?),
        Word::Level => {
            let level = text.parse().ok().filter(|level| (-20..=200).contains(level));
            let reason = "A level is a whole number from -20 to 200; the ground floor is usually 0.";
            wanted.level = Some(level.ok_or_else(|| Found::error("level", reason, CORRECT))?);
        }
        Word::Room => wanted.room = Some(by_setting(catalogue::ROOM_NUMBER)?),
        Word::Extension => wanted.extension = Some(by_setting(catalogue::SIP_USER)?),
        Word::GuestName => wanted.guest_name = Some(by_setting(catalogue::SIP_DISPLAY_NAME)?),
        Word::Mac => {
            let remedy = "Copy it from the phone's label. Spreadsheet programs turn digits into numbers: format the column as text.";
            wanted.mac = Some(text.parse().map_err(|error| Found::error("mac", format!("{error}."), remedy))?);
        }
        Word::Serial => {
            let good = text.len() <= 64 && text.chars().all(|c| c.is_ascii_graphic());
            let reason = "A serial number is 1 to 64 letters and digits, as printed on the label.";
            wanted.serial = Some(good.then(|| text.to_owned()).ok_or_else(|| Found::error("serial", reason, CORRECT))?);
        }
        Word::Model => {
            let good = text.chars().count() <= 40 && !text.chars().any(char::is_control);
            let reason = "A model's name has at most 40 characters.";
            wanted.model = Some(good.then(|| text.to_owned()).ok_or_else(|| Found::error("model", reason, CORRECT))?);
        }
        Word::SipServer | Word::SipUser | Word::SipAuthUser | Word::SipDisplayName | Word::SipPassword => {
            return of_account(&mut wanted.account, word, text);
        }
    }
    Ok(())
}

fn of_account(wanted: &mut WantedAccount, word: Word, text: &str) -> Result<(), Found> {
    // The mask of a list of accounts: whoever wrote it does not know the password, so it stays.
    if word == Word::SipPassword && text.chars().all(|c| SECRET_MASK.contains(c)) {
        return Ok(());
    }
    wanted.first.get_or_insert(word);
    let refused = |why: String| Found::error("value-not-allowed", why, CORRECT);
    match word {
        Word::SipServer => wanted.server = Some(name(text)?),
        Word::SipUser => wanted.user = Some(account::user(text).map_err(refused)?),
        Word::SipAuthUser => wanted.auth_user = Some(account::auth_user(text).map_err(refused)?),
        // Held against the one that is there later on.
        Word::SipDisplayName => wanted.display_name = Some(text.trim().to_owned()),
        _ => {
            account::password(text).map_err(|why| refused(why.to_owned()))?;
            wanted.password = Some(text.to_owned());
        }
    }
    Ok(())
}

fn name(text: &str) -> Result<String, Found> {
    if text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err(Found::error("name", "A name must be 1 to 100 characters on one line.", CORRECT));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headings: &[&str], rows: Vec<Row>) -> (Vec<Wanted>, Vec<Finding>) {
        let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
        let columns = mapping::columns(&mapping::guess(&headings, true), headings.len()).unwrap();
        super::rows(&Sheet { headings, rows, notes: Vec::new() }, &columns)
    }

    fn row(cells: &[&str]) -> Row {
        Row { line: 2, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), odd: Vec::new() }
    }

    fn kinds(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.kind.as_str()).collect()
    }

    #[test]
    fn a_cell_that_does_not_hold_what_was_typed_is_an_error() {
        for (cell, odd, kind) in [
            ("#N/A", None, "cell-error"),
            ("Err:502", None, "cell-error"),
            ("46368", Some(Odd::Date), "cell-is-date"),
            ("=A1", Some(Odd::NoResult), "cell-not-computed"),
            ("1.23457E+11", None, "digits-lost"),
            ("1,2E+5", None, "digits-lost"),
        ] {
            let odd = odd.map(|odd| (1, odd)).into_iter().collect();
            let (wanted, findings) = read(&["Room", "Serial", "Note"], vec![Row { odd, ..row(&["101", cell]) }]);
            assert_eq!((kinds(&findings), wanted[0].refused), (vec![kind], true), "{cell}");
        }
        let harmless = row(&["2E5", "20EZ1207E+", "#N/A"]);
        assert!(kinds(&read(&["Room", "Serial", "Note"], vec![harmless]).1).is_empty(), "no column we take");
    }

    #[test]
    fn cells_without_a_heading_are_said() {
        let (wanted, findings) = read(&["Room", "Guest"], vec![row(&["101", "Smith", " Ann"]), row(&["102", "Bo"])]);
        let said: Vec<_> = findings.iter().map(|one| (one.kind.as_str(), one.reason.as_str())).collect();
        assert_eq!(said, [("cells-beyond-headings", "The row has 3 cells; there are 2 headings.")]);
        assert!(!wanted[0].refused);
    }

    #[test]
    fn a_speed_dial_says_what_its_key_does_unless_a_column_does() {
        let values = |headings: &[&str], cells: &[&str]| -> Vec<(String, String)> {
            let (wanted, findings) = read(headings, vec![row(cells)]);
            assert!(findings.is_empty(), "{findings:?}");
            wanted[0].values.iter().map(|(_, key, value)| (key.clone(), value.clone())).collect()
        };
        let pair = |key: &str, value: &str| (format!("pks.mpk.11.{key}"), value.to_owned());
        let set = [pair("value", "9"), pair("keymode", "speed_dial")];
        assert_eq!(values(&["Room", "Kurzwahl 1"], &["101", "9"]), set);
        assert_eq!(
            values(&["Room", "Speed dial 1", "Key 1 mode"], &["101", "9", "dtmf"]),
            [pair("value", "9"), pair("keymode", "dtmf")]
        );
        assert_eq!(values(&["Room", "Speed dial 1"], &["101", ""]), []);
        assert_eq!(values(&["Room", "Key 1"], &["101", "9"]), [pair("value", "9")]);
        let (_, findings) = read(&["Room", "Speed dial 1"], vec![row(&["101", "4.93012E+11"])]);
        assert_eq!(findings[0].kind, "digits-lost");
    }
}
