//! Cells that go out. A spreadsheet program takes a cell that begins with `=`, `+`, `-` or `@` for a formula and carries
//! it out, so such a cell gets an apostrophe in front, which is taken off when it comes back.

use std::borrow::Cow;

/// A cell as it may be written to a file.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell that [`guarded`] was given.
pub fn unguarded(mut cell: String) -> String {
    if cell.starts_with('\'') && is_formula(&cell) {
        cell.remove(0);
    }
    cell
}

/// Whether a formula begins here, apostrophes before it or not.
fn is_formula(cell: &str) -> bool {
    let bare = cell.trim_start_matches('\'');
    !bare.trim().is_empty() && bare.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Lines of RFC 4180, with a byte order mark, by which spreadsheet programs know UTF-8.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> anyhow::Result<Vec<u8>> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        writer.write_record(row.iter().map(|cell| guarded(cell).into_owned()))?;
    }
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+49 30 123", "-x", "@SUM(A1)", "\tx", "'=1", "''@"] {
            let out = guarded(cell);
            assert!(out.starts_with('\''), "{out}");
            assert_eq!(unguarded(out.into_owned()), cell);
        }
        for cell in ["", "1207", "O'Hara", "'quoted'", "a=b"] {
            assert_eq!(guarded(cell), cell);
        }
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(cell in "['=+@a-]{0,6}") {
            prop_assert_eq!(unguarded(guarded(&cell).into_owned()), cell);
        }
    }
}
