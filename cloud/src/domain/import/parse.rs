//! What each row wants: its cells checked one by one, without knowing what is there. No `Debug`: rows have passwords.

use std::collections::HashMap;

use contract::Mac;
use contract::rest::{Finding, Layer, SECRET_MASK, Severity};

use super::mapping::{Column, Field, Word};
use super::{Row, Sheet};
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
}

impl<'a> Headings<'a> {
    pub fn new(sheet: &'a Sheet, columns: &'a [Option<Column>]) -> Self {
        let words = columns.iter().enumerate().filter_map(|(at, column)| match column {
            Some(Column { field: Field::Word(word), .. }) => Some((*word, at)),
            _ => None,
        });
        Self { sheet, columns, words: words.collect() }
    }

    /// A finding about the cell of a field; about the row if no column is the field's.
    pub fn finding(&self, row: usize, field: Word, found: Found) -> Finding {
        self.at(row, self.words.get(&field).copied(), field.name().to_owned(), found)
    }

    /// A finding about a setting's cell.
    pub fn setting(&self, row: usize, layer: Layer, key: &str, found: Found) -> Finding {
        let column = self.columns.iter().position(|column| {
            matches!(column, Some(Column { field: Field::Setting { setting, .. }, layer: at }) if *at == layer && setting.key() == key)
        });
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

/// Checks every cell.
pub fn rows(sheet: &Sheet, columns: &[Option<Column>]) -> (Vec<Wanted>, Vec<Finding>) {
    let headings = Headings::new(sheet, columns);
    let mut findings = Vec::new();
    let read = |(at, row): (usize, &Row)| {
        let mut wanted = Wanted { line: row.line, ..Wanted::default() };
        for (column, taken) in columns.iter().enumerate() {
            let Some(taken) = taken else { continue };
            let text = row.cell(column);
            if text.is_empty() {
                continue;
            }
            if let Err(found) = take(&mut wanted, taken, text) {
                wanted.refused |= found.severity == Severity::Error;
                findings.push(headings.at(at, Some(column), taken.field.name(), found));
            }
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

fn take(wanted: &mut Wanted, column: &Column, text: &str) -> Result<(), Found> {
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
            let taken = of_account(&mut wanted.account, word, text);
            wanted.account.broken |= taken.is_err();
            return taken;
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
