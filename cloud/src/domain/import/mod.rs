//! Rooms and phones from a file: read into cells, columns taken for fields, and compared with what is there. Pure; what
//! is carried out is in `app::imports`.

pub mod export;
pub mod gdms;
pub mod mapping;
mod number_format;
pub mod parse;
pub mod plan;
pub mod spreadsheet;
pub mod text;
mod xml;

use serde::{Deserialize, Serialize};

/// Rows below the headings.
pub const MAX_ROWS: usize = 20_000;
/// An export has one for each setting that any room or phone has; a phone may have some hundreds.
pub const MAX_COLUMNS: usize = 2_000;
/// Characters in one cell.
pub const MAX_CELL: usize = 4_096;
/// Cells altogether: many columns and many rows at once are no list of rooms.
pub const MAX_CELLS: usize = 2_000_000;
/// Bytes of all cells: a spreadsheet of a few kilobytes may say "this text, a million times".
pub const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Rows among which the headings are looked for: a title may stand above them.
const HEAD: usize = 10;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub headings: Vec<String>,
    pub rows: Vec<Row>,
    /// What a person should know of how it was read.
    pub notes: Vec<String>,
}

/// A row below the headings. Cells at its end that are empty are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its line in the file; the headings are usually line 1.
    pub line: u32,
    pub cells: Vec<String>,
    /// Cells that do not hold what a person sees, by column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub odd: Vec<(usize, Odd)>,
}

/// What a cell of a spreadsheet holds instead of what a person typed or sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Odd {
    /// "1-12" becomes the first of December.
    Date,
    /// A formula nobody has computed yet.
    NoResult,
}

impl Row {
    /// A cell without the blanks around it; empty if there is none.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }
}

/// Why a file cannot be read at all, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Takes rows one by one within the limits.
#[derive(Default)]
pub(crate) struct Collector {
    rows: Vec<Row>,
    notes: Vec<String>,
    cells: usize,
    text: usize,
}

impl Collector {
    /// The next row; empty ones are left out.
    pub(crate) fn row(&mut self, mut row: Row) -> Result<(), Unreadable> {
        let line = row.line;
        while row.cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            row.cells.pop();
        }
        if row.cells.is_empty() {
            return Ok(());
        }
        if row.cells.len() > MAX_COLUMNS {
            return Err(Unreadable(format!(
                "Line {line} has {} columns; at most {MAX_COLUMNS} are read.",
                row.cells.len()
            )));
        }
        if let Some(at) = row.cells.iter().position(|cell| cell.len() > MAX_CELL && cell.chars().count() > MAX_CELL) {
            return Err(Unreadable(format!(
                "Line {line}, column {} has more than {MAX_CELL} characters. Is a quotation mark missing?",
                at + 1
            )));
        }
        if row.cells.iter().any(|cell| cell.contains('\0')) {
            return Err(Unreadable(format!("Line {line} holds the character U+0000: this is no text file.")));
        }
        self.cells += row.cells.len();
        self.text += row.cells.iter().map(String::len).sum::<usize>();
        // The headings are a row, too.
        if self.rows.len() > MAX_ROWS || self.cells > MAX_CELLS {
            return Err(Unreadable(format!(
                "The file has more than {MAX_ROWS} rows or {MAX_CELLS} cells. Split it into several files."
            )));
        }
        if self.text > MAX_TEXT {
            return Err(Unreadable(format!(
                "The file has more than {} MiB of text. Split it into several files.",
                MAX_TEXT / (1024 * 1024)
            )));
        }
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The sheet. Its headings are the first row that looks like headings; if none does, the first row.
    pub(crate) fn finish(mut self) -> Result<Sheet, Unreadable> {
        let looks = |row: &Row| mapping::recognised(row.cells.iter().map(String::as_str)) >= 2;
        let at = self.rows.iter().take(HEAD).position(looks).unwrap_or_default();
        if at > 0 {
            self.notes.push(format!("What stands above the headings is left out: {}.", rows_in_words(at)));
        }
        let mut rows = self.rows.into_iter().skip(at);
        let Some(head) = rows.next() else {
            return Err(Unreadable("The file is empty. Its first line holds the headings of the columns.".to_owned()));
        };
        let unguarded = |row: Row| Row { cells: row.cells.into_iter().map(export::unguarded).collect(), ..row };
        Ok(Sheet {
            headings: head.cells.iter().map(|cell| cell.trim().to_owned()).collect(),
            rows: rows.map(unguarded).collect(),
            notes: self.notes,
        })
    }
}

fn rows_in_words(count: usize) -> String {
    if count == 1 { "one row".to_owned() } else { format!("{count} rows") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use settings::{Catalogue, Model};

    use super::*;

    #[test]
    fn an_export_of_every_setting_of_rooms_and_phones_is_read() {
        let catalogue = Catalogue::get();
        let keys: BTreeSet<_> =
            Model::ALL.into_iter().flat_map(|model| catalogue.concrete(model)).map(|setting| setting.key()).collect();
        assert!(20 + 2 * keys.len() <= MAX_COLUMNS, "{} settings", keys.len());
    }
}
