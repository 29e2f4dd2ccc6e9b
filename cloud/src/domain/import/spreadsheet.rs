//! Spreadsheets: .xlsx (ECMA-376) and .ods (OpenDocument 1.3), the first visible table of each. Read by ourselves, because
//! a few kilobytes may say "this cell, a million times": nothing is unpacked or repeated beyond the limits.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::xml::{Element, Token, Xml, broken};
use super::{Collector, MAX_CELL, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, Sheet, Unreadable};

/// Bytes unpacked of one file, over all of its parts.
const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
/// Parts of one file.
const MAX_PARTS: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Xlsx,
    Ods,
}

/// Whether these bytes are a spreadsheet, or at least no text.
pub fn is_spreadsheet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK") || bytes.starts_with(&OLD)
}

/// The beginning of an .xls, and of an .xlsx with a password.
const OLD: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];

/// Reads a spreadsheet.
///
/// # Errors
/// It is none, damaged, or beyond the limits.
pub fn read(bytes: &[u8]) -> Result<(Kind, Sheet), Unreadable> {
    if bytes.starts_with(&OLD) {
        let reason =
            "This is an old .xls file, or one with a password. Save it as .xlsx without a password, or as CSV (UTF-8).";
        return Err(Unreadable(reason.to_owned()));
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    if archive.len() > MAX_PARTS {
        return Err(Unreadable(format!("The spreadsheet has more than {MAX_PARTS} parts. Save it as CSV (UTF-8).")));
    }
    let mut parts = Parts { archive, left: MAX_UNPACKED };
    if let Some(book) = parts.get("xl/workbook.xml")? {
        return Ok((Kind::Xlsx, xlsx(&mut parts, &book)?));
    }
    match parts.get("content.xml")? {
        Some(content) => Ok((Kind::Ods, ods(&content)?)),
        None => Err(Unreadable("This is neither an .xlsx nor an .ods file. Save the table as CSV (UTF-8).".to_owned())),
    }
}

struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

impl Parts<'_> {
    /// A part's text; what its entry says of its size is not believed.
    fn get(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        let Some(at) = self.archive.index_for_name(name) else { return Ok(None) };
        let part = self.archive.by_index(at).map_err(|_| broken())?;
        let mut bytes = Vec::new();
        let read = part.take(self.left + 1).read_to_end(&mut bytes).map_err(|_| broken())? as u64;
        self.left = self.left.checked_sub(read).ok_or_else(|| {
            Unreadable(format!(
                "The spreadsheet is larger than {} MiB unpacked. Split it.",
                MAX_UNPACKED / (1024 * 1024)
            ))
        })?;
        String::from_utf8(bytes).map(Some).map_err(|_| broken())
    }
}

fn xlsx(parts: &mut Parts<'_>, book: &str) -> Result<Sheet, Unreadable> {
    let mut rows = Collector::default();
    let mut visible = Vec::new();
    let mut xml = Xml::new(book);
    loop {
        match xml.next()? {
            Token::Start(sheet)
                if sheet.name == "sheet" && !matches!(sheet.get("state"), Some("hidden" | "veryHidden")) =>
            {
                visible.push((
                    sheet.get("name").unwrap_or_default().to_owned(),
                    sheet.get("id").unwrap_or_default().to_owned(),
                ));
            }
            Token::Eof => break,
            _ => {}
        }
    }
    let Some((name, id)) = visible.first() else { return Err(broken()) };
    if visible.len() > 1 {
        rows.note(format!("The file has {} sheets; only \"{name}\" is read.", visible.len()));
    }
    let mut target = "worksheets/sheet1.xml".to_owned();
    if let Some(relations) = parts.get("xl/_rels/workbook.xml.rels")? {
        let mut xml = Xml::new(&relations);
        loop {
            match xml.next()? {
                Token::Start(one) if one.name == "Relationship" && one.get("Id") == Some(id.as_str()) => {
                    target = one.get("Target").unwrap_or_default().to_owned();
                }
                Token::Eof => break,
                _ => {}
            }
        }
    }
    let path = match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("xl/{target}"),
    };
    let strings = match parts.get("xl/sharedStrings.xml")? {
        Some(text) => shared(&text)?,
        None => Vec::new(),
    };
    let sheet = parts.get(&path)?.ok_or_else(broken)?;
    cells(&sheet, &strings, &mut rows)?;
    rows.finish()
}

/// Texts that cells name by number.
fn shared(text: &str) -> Result<Vec<String>, Unreadable> {
    let (mut xml, mut strings) = (Xml::new(text), Vec::new());
    loop {
        match xml.next()? {
            // How the text is read aloud (`rPh`) is no part of it.
            Token::Start(element) if element.name == "si" => strings.push(xml.text("rPh")?),
            Token::Eof => return Ok(strings),
            _ => {}
        }
        if strings.len() > MAX_CELLS {
            return Err(Unreadable(format!("The spreadsheet has more than {MAX_CELLS} texts. Split it.")));
        }
    }
}

fn cells(sheet: &str, strings: &[String], rows: &mut Collector) -> Result<(), Unreadable> {
    let mut xml = Xml::new(sheet);
    let (mut line, mut row) = (0_u32, Vec::new());
    loop {
        match xml.next()? {
            Token::Start(element) if element.name == "row" => {
                line = element.get("r").and_then(|number| number.parse().ok()).unwrap_or(line.saturating_add(1));
                row = Vec::new();
            }
            Token::Start(element) if element.name == "c" => {
                let column = element.get("r").and_then(column_of).unwrap_or(row.len());
                let value = cell(&mut xml, &element, strings)?;
                put(&mut row, column, value, 1, line)?;
            }
            Token::End(name) if name == "row" => rows.row(line, std::mem::take(&mut row))?,
            Token::End(name) if name == "sheetData" => return Ok(()),
            Token::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The value of a cell that has begun.
fn cell(xml: &mut Xml<'_>, element: &Element, strings: &[String]) -> Result<String, Unreadable> {
    let kind = element.get("t").unwrap_or("n").to_owned();
    let mut value = String::new();
    loop {
        match xml.next()? {
            Token::Start(inner) if inner.name == "v" => value = xml.text("")?,
            Token::Start(inner) if inner.name == "is" => value = xml.text("rPh")?,
            // A formula's own text; its result is beside it.
            Token::Start(_) => xml.skip()?,
            Token::End(_) => break,
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
    }
    Ok(match kind.as_str() {
        "s" => value.trim().parse::<usize>().ok().and_then(|at| strings.get(at)).cloned().ok_or_else(broken)?,
        "b" => if value.trim() == "1" { "yes" } else { "no" }.to_owned(),
        "n" => number(value.trim()),
        _ => value,
    })
}

/// "C12": column 2.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters
        .take(4)
        .fold(0_usize, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1)
}

/// A whole number without point and exponent: spreadsheets keep 4711 as 4711.0 or 4.711E3.
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 && text.contains(['.', 'E', 'e']) => {
            format!("{value:.0}")
        }
        _ => text.to_owned(),
    }
}

/// Puts a value into `times` columns from `column` on.
fn put(row: &mut Vec<String>, column: usize, value: String, times: usize, line: u32) -> Result<(), Unreadable> {
    if value.trim().is_empty() {
        return Ok(());
    }
    if value.len() > MAX_CELL * 4 {
        return Err(Unreadable(format!("Line {line} has a cell of more than {MAX_CELL} characters.")));
    }
    let end = column.saturating_add(times);
    if end > MAX_COLUMNS {
        return Err(Unreadable(format!("Line {line} has more than {MAX_COLUMNS} columns.")));
    }
    if row.len() < end {
        row.resize(end, String::new());
    }
    for slot in row.iter_mut().take(end).skip(column) {
        slot.clone_from(&value);
    }
    Ok(())
}

fn ods(content: &str) -> Result<Sheet, Unreadable> {
    let hidden = hidden_styles(content)?;
    let mut xml = Xml::new(content);
    let mut rows = Collector::default();
    let mut read: Option<String> = None;
    let mut tables = 0;
    loop {
        match xml.next()? {
            Token::Start(table) if table.name == "table" => {
                let visible = table.get("style-name").is_none_or(|style| !hidden.contains_key(style));
                tables += u32::from(visible);
                if visible && read.is_none() {
                    read = Some(table.get("name").unwrap_or_default().to_owned());
                    table_rows(&mut xml, &mut rows)?;
                } else {
                    xml.skip()?;
                }
            }
            Token::Eof => break,
            _ => {}
        }
    }
    if let Some(name) = read.filter(|_| tables > 1) {
        rows.note(format!("The file has {tables} sheets; only \"{name}\" is read."));
    }
    rows.finish()
}

/// Styles of tables that are not shown.
fn hidden_styles(content: &str) -> Result<HashMap<String, ()>, Unreadable> {
    let (mut xml, mut hidden, mut style) = (Xml::new(content), HashMap::new(), String::new());
    loop {
        match xml.next()? {
            Token::Start(element) if element.name == "style" => {
                style = element.get("name").unwrap_or_default().to_owned()
            }
            Token::Start(element) if element.name == "table-properties" && element.get("display") == Some("false") => {
                hidden.insert(style.clone(), ());
            }
            Token::Start(element) if element.name == "body" => return Ok(hidden),
            Token::Eof => return Ok(hidden),
            _ => {}
        }
    }
}

fn table_rows(xml: &mut Xml<'_>, rows: &mut Collector) -> Result<(), Unreadable> {
    let (mut line, mut depth) = (1_u32, 1);
    while depth > 0 {
        match xml.next()? {
            Token::Start(row) if row.name == "table-row" => {
                let times: u32 = row.get("number-rows-repeated").and_then(|times| times.parse().ok()).unwrap_or(1);
                let cells = table_cells(xml, line)?;
                if !cells.is_empty() {
                    if times as usize > MAX_ROWS {
                        return Err(Unreadable(format!(
                            "Line {line} is repeated {times} times; at most {MAX_ROWS} rows are read."
                        )));
                    }
                    for at in 0..times {
                        rows.row(line.saturating_add(at), cells.clone())?;
                    }
                }
                line = line.saturating_add(times);
            }
            // Groups of rows; their rows are rows.
            Token::Start(_) => depth += 1,
            Token::End(_) => depth -= 1,
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
    }
    Ok(())
}

fn table_cells(xml: &mut Xml<'_>, line: u32) -> Result<Vec<String>, Unreadable> {
    let (mut row, mut column) = (Vec::new(), 0_usize);
    loop {
        match xml.next()? {
            Token::Start(cell) if cell.name == "table-cell" || cell.name == "covered-table-cell" => {
                let times: usize =
                    cell.get("number-columns-repeated").and_then(|times| times.parse().ok()).unwrap_or(1);
                let text = paragraphs(xml)?;
                let value = match (cell.get("value-type"), cell.get("value"), cell.get("boolean-value")) {
                    (Some("float" | "currency" | "percentage"), Some(value), _) => number(value),
                    (Some("boolean"), _, Some(value)) => if value == "true" { "yes" } else { "no" }.to_owned(),
                    _ => text,
                };
                put(&mut row, column, value, times, line)?;
                column = column.saturating_add(times);
            }
            Token::Start(_) => xml.skip()?,
            Token::End(_) => return Ok(row),
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
    }
}

/// The text of a cell that has begun, a line for each paragraph.
fn paragraphs(xml: &mut Xml<'_>) -> Result<String, Unreadable> {
    let (mut text, mut depth, mut begun) = (String::new(), 0, false);
    loop {
        match xml.next()? {
            // A note beside the cell.
            Token::Start(element) if element.name == "annotation" => xml.skip()?,
            Token::Start(element) => {
                match element.name.as_str() {
                    "p" if std::mem::replace(&mut begun, true) => text.push('\n'),
                    "s" => {
                        let times = element.get("c").and_then(|times| times.parse().ok()).unwrap_or(1);
                        text.extend(std::iter::repeat_n(' ', usize::min(times, MAX_CELL)));
                    }
                    "tab" => text.push('\t'),
                    "line-break" => text.push('\n'),
                    _ => {}
                }
                depth += 1;
            }
            Token::End(_) if depth == 0 => return Ok(text),
            Token::End(_) => depth -= 1,
            // Between paragraphs stands only what makes the file readable.
            Token::Text(piece) if depth > 0 => text.push_str(&piece),
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
        if text.len() > MAX_CELL * 8 {
            return Err(Unreadable(format!("A cell has more than {MAX_CELL} characters.")));
        }
    }
}

#[cfg(test)]
mod tests;
