//! Rooms and phones from a file: read into cells, columns taken for fields, and compared with what is there. Pure; what
//! is carried out is in `app::imports`.

pub mod export;
pub mod gdms;
pub mod mapping;
pub mod parse;
pub mod plan;
pub mod spreadsheet;
pub mod text;
mod xml;

use serde::{Deserialize, Serialize};

/// Rows below the headings.
pub const MAX_ROWS: usize = 20_000;
pub const MAX_COLUMNS: usize = 200;
/// Characters in one cell.
pub const MAX_CELL: usize = 4_096;
/// Cells altogether: many columns and many rows at once are no list of rooms.
pub const MAX_CELLS: usize = 1_000_000;

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
    sheet: Sheet,
    cells: usize,
    begun: bool,
}

impl Collector {
    /// The next row. The first one with anything in it holds the headings; empty rows are left out.
    pub(crate) fn row(&mut self, line: u32, mut cells: Vec<String>) -> Result<(), Unreadable> {
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.is_empty() {
            return Ok(());
        }
        if cells.len() > MAX_COLUMNS {
            return Err(Unreadable(format!(
                "Line {line} has {} columns; at most {MAX_COLUMNS} are read.",
                cells.len()
            )));
        }
        if let Some(at) = cells.iter().position(|cell| cell.len() > MAX_CELL && cell.chars().count() > MAX_CELL) {
            return Err(Unreadable(format!(
                "Line {line}, column {} has more than {MAX_CELL} characters. Is a quotation mark missing?",
                at + 1
            )));
        }
        if cells.iter().any(|cell| cell.contains('\0')) {
            return Err(Unreadable(format!("Line {line} holds the character U+0000: this is no text file.")));
        }
        if !self.begun {
            self.begun = true;
            self.sheet.headings = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            return Ok(());
        }
        self.cells += cells.len();
        if self.sheet.rows.len() >= MAX_ROWS || self.cells > MAX_CELLS {
            return Err(Unreadable(format!(
                "The file has more than {MAX_ROWS} rows or {MAX_CELLS} cells. Split it into several files."
            )));
        }
        self.sheet.rows.push(Row { line, cells: cells.into_iter().map(export::unguarded).collect() });
        Ok(())
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.sheet.notes.push(note.into());
    }

    pub(crate) fn finish(self) -> Result<Sheet, Unreadable> {
        if !self.begun {
            return Err(Unreadable("The file is empty. Its first line holds the headings of the columns.".to_owned()));
        }
        Ok(self.sheet)
    }
}
