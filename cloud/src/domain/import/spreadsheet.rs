//! Spreadsheets: .xlsx (ECMA-376) and .ods (OpenDocument 1.3), the first visible table of each. Read by ourselves, because
//! a few kilobytes may say "this cell, a million times": nothing is unpacked or repeated beyond the limits.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::number_format::{Format, formats};
use super::xml::{Element, Token, Xml, broken};
use super::{Collector, MAX_CELL, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, Odd, Row, Sheet, Unreadable};

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

/// What the cells of an .xlsx file name by number.
struct Book {
    strings: Vec<String>,
    formats: Vec<Format>,
}

/// What a cell holds.
type Cell = (String, Option<Odd>);

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
    let formats = match parts.get("xl/styles.xml")? {
        Some(styles) => formats(&styles)?,
        None => Vec::new(),
    };
    let sheet = parts.get(&path)?.ok_or_else(broken)?;
    cells(&sheet, &Book { strings, formats }, &mut rows)?;
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

fn cells(sheet: &str, book: &Book, rows: &mut Collector) -> Result<(), Unreadable> {
    let mut xml = Xml::new(sheet);
    let (mut row, mut next) = (Row::default(), 0);
    loop {
        match xml.next()? {
            Token::Start(element) if element.name == "row" => {
                let line = element.get("r").and_then(|number| number.parse().ok());
                row = Row { line: line.unwrap_or(row.line.saturating_add(1)), ..Row::default() };
                next = 0;
            }
            Token::Start(element) if element.name == "c" => {
                // Without a place it follows the one before, empty or not.
                let column = element.get("r").and_then(column_of).unwrap_or(next);
                next = column.saturating_add(1);
                let value = cell(&mut xml, &element, book)?;
                put(&mut row, column, value, 1)?;
            }
            Token::End(name) if name == "row" => {
                let line = row.line;
                rows.row(std::mem::replace(&mut row, Row { line, ..Row::default() }))?;
            }
            Token::End(name) if name == "sheetData" => return Ok(()),
            Token::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The value of a cell that has begun.
fn cell(xml: &mut Xml<'_>, element: &Element, book: &Book) -> Result<Cell, Unreadable> {
    let kind = element.get("t").unwrap_or("n");
    let (mut value, mut formula) = (None, None);
    loop {
        match xml.next()? {
            Token::Start(inner) if inner.name == "v" => value = Some(xml.text("")?),
            Token::Start(inner) if inner.name == "is" => value = Some(xml.text("rPh")?),
            Token::Start(inner) if inner.name == "f" => formula = Some(xml.text("")?),
            Token::Start(_) => xml.skip()?,
            Token::End(_) => break,
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
    }
    // Programs that write files without computing them leave the result out; an empty text is a result.
    if let Some(formula) = formula
        && value.as_ref().is_none_or(|value| kind != "str" && value.trim().is_empty())
    {
        return Ok((format!("={formula}"), Some(Odd::NoResult)));
    }
    let value = value.unwrap_or_default();
    let style = element.get("s").and_then(|style| style.parse::<usize>().ok());
    let format = style.and_then(|style| book.formats.get(style)).copied().unwrap_or(Format::Plain);
    Ok(match (kind, format) {
        ("s", _) => {
            let text = value.trim().parse::<usize>().ok().and_then(|at| book.strings.get(at));
            (text.cloned().ok_or_else(broken)?, None)
        }
        ("b", _) => (if value.trim() == "1" { "yes" } else { "no" }.to_owned(), None),
        ("d", _) | ("n", Format::Date) => (value, Some(Odd::Date)),
        ("n", Format::Zeros(digits)) => (padded(number(value.trim()), digits), None),
        ("n", Format::Plain) => (number(value.trim()), None),
        _ => (value, None),
    })
}

/// A whole number with zeros in front.
fn padded(number: String, digits: usize) -> String {
    let is_whole = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole { format!("{number:0>digits$}") } else { number }
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
fn put(row: &mut Row, column: usize, (value, odd): Cell, times: usize) -> Result<(), Unreadable> {
    let line = row.line;
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
    if row.cells.len() < end {
        row.cells.resize(end, String::new());
    }
    for slot in row.cells.iter_mut().take(end).skip(column) {
        slot.clone_from(&value);
    }
    row.odd.retain(|(at, _)| !(column..end).contains(at));
    row.odd.extend(odd.into_iter().flat_map(|odd| (column..end).map(move |at| (at, odd))));
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
                let row = table_cells(xml, line)?;
                if !row.cells.is_empty() {
                    if times as usize > MAX_ROWS {
                        return Err(Unreadable(format!(
                            "Line {line} is repeated {times} times; at most {MAX_ROWS} rows are read."
                        )));
                    }
                    for at in 0..times {
                        rows.row(Row { line: line.saturating_add(at), ..row.clone() })?;
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

fn table_cells(xml: &mut Xml<'_>, line: u32) -> Result<Row, Unreadable> {
    let (mut row, mut column) = (Row { line, ..Row::default() }, 0_usize);
    loop {
        match xml.next()? {
            Token::Start(cell) if cell.name == "table-cell" || cell.name == "covered-table-cell" => {
                let times: usize =
                    cell.get("number-columns-repeated").and_then(|times| times.parse().ok()).unwrap_or(1);
                let text = paragraphs(xml)?;
                let value = match (cell.get("value-type"), cell.get("value"), cell.get("boolean-value")) {
                    (Some("float" | "currency" | "percentage"), Some(value), _) => {
                        (as_shown(number(value), text), None)
                    }
                    (Some("boolean"), _, Some(value)) => (if value == "true" { "yes" } else { "no" }.to_owned(), None),
                    (Some("date" | "time"), ..) => (text, Some(Odd::Date)),
                    (None, ..) if text.is_empty() => match cell.get("formula") {
                        Some(formula) => (formula.to_owned(), Some(Odd::NoResult)),
                        None => (text, None),
                    },
                    _ => (text, None),
                };
                put(&mut row, column, value, times)?;
                column = column.saturating_add(times);
            }
            Token::Start(_) => xml.skip()?,
            Token::End(_) => return Ok(row),
            Token::Text(_) => {}
            Token::Eof => return Err(broken()),
        }
    }
}

/// A number as the cell shows it, if that has the same digits with zeros in front.
fn as_shown(number: String, text: String) -> String {
    let zeros = text.len() > number.len() && text.trim_start_matches('0') == number.trim_start_matches('0');
    if zeros && text.bytes().all(|byte| byte.is_ascii_digit()) { text } else { number }
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
