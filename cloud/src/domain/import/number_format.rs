//! How an .xlsx file shows a number (ECMA-376, 18.8.30): the little of it that changes what a list of rooms means.

use std::collections::HashMap;

use super::xml::{Token, Xml};
use super::{MAX_CELLS, Unreadable};

/// What a cell's format makes of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// It is shown as it is, as far as we care.
    Plain,
    /// `0000`: with zeros in front, so many digits in all.
    Zeros(usize),
    /// A date or a time.
    Date,
}

/// Formats by the number a cell gives as its style.
pub(super) fn formats(styles: &str) -> Result<Vec<Format>, Unreadable> {
    let (mut xml, mut own, mut formats) = (Xml::new(styles), HashMap::new(), Vec::new());
    let mut of_cells = false;
    loop {
        match xml.next()? {
            Token::Start(one) if one.name == "numFmt" => {
                own.extend(Some((one.get("numFmtId").unwrap_or_default().to_owned(), of_code(one.get("formatCode")))));
            }
            Token::Start(one) if one.name == "cellXfs" => of_cells = true,
            Token::End(name) if name == "cellXfs" => return Ok(formats),
            Token::Start(one) if one.name == "xf" && of_cells => {
                let id = one.get("numFmtId").unwrap_or_default();
                formats.push(own.get(id).copied().unwrap_or_else(|| built_in(id)));
            }
            Token::Eof => return Ok(formats),
            _ => {}
        }
        if formats.len().max(own.len()) > MAX_CELLS {
            return Ok(formats);
        }
    }
}

/// Formats every program knows by number; those of East Asian dates among them.
fn built_in(id: &str) -> Format {
    match id.parse().unwrap_or(0_u32) {
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Format::Date,
        _ => Format::Plain,
    }
}

fn of_code(code: Option<&str>) -> Format {
    // The part for positive numbers, without what is shown as it stands.
    let (mut bare, mut chars) = (String::new(), code.unwrap_or_default().chars());
    while let Some(one) = chars.next() {
        match one {
            ';' => break,
            '"' => drop(chars.find(|one| *one == '"')),
            '[' => drop(chars.find(|one| *one == ']')),
            // The next character as it is, its width as a blank, or as often as it fits.
            '\\' | '_' | '*' => drop(chars.next()),
            _ => bare.push(one.to_ascii_lowercase()),
        }
    }
    match bare.as_str() {
        zeros if zeros.len() > 1 && zeros.len() <= 64 && zeros.bytes().all(|one| one == b'0') => {
            Format::Zeros(zeros.len())
        }
        "general" => Format::Plain,
        date if date.contains(['y', 'm', 'd', 'h', 's']) => Format::Date,
        _ => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_dates_and_zeros_from_other_numbers() {
        for (code, format) in [
            ("0000", Format::Zeros(4)),
            ("0000;[Red]-0000", Format::Zeros(4)),
            ("0", Format::Plain),
            ("General", Format::Plain),
            ("#,##0.00", Format::Plain),
            ("[Red]0", Format::Plain),
            ("\"room\" 0", Format::Plain),
            ("0\\d", Format::Plain),
            ("0.00E+00", Format::Plain),
            ("d-mmm", Format::Date),
            ("[$-407]dd/mm/yyyy;@", Format::Date),
            ("[h]:mm", Format::Date),
        ] {
            assert_eq!(of_code(Some(code)), format, "{code}");
        }
        let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"000\"/></numFmts>\
                      <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
                      <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"16\"/></cellXfs></styleSheet>";
        assert_eq!(formats(styles).unwrap(), [Format::Plain, Format::Zeros(3), Format::Date]);
    }
}
