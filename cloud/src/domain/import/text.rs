//! CSV (RFC 4180) as hotels have it: separated by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{Collector, HEAD, MAX_COLUMNS, Row, Sheet, Unreadable, mapping};

/// Reads a CSV file.
///
/// # Errors
/// The file is empty, no text, or beyond the limits of [`super`].
pub fn read(bytes: &[u8]) -> Result<Sheet, Unreadable> {
    let (mut text, note) = decode(bytes)?;
    if ends_lines_by_cr(&text) {
        text = Cow::Owned(text.replace('\r', "\n"));
    }
    let mut rows = Collector::default();
    if let Some(note) = note {
        rows.note(note);
    }
    // RFC 4180: quotation marks come in pairs.
    if text.matches('"').count() % 2 == 1 {
        rows.note("A quotation mark is opened and never closed: look whether rows are missing.");
    }
    let (separator, text, skipped) = match declared(&text) {
        Some((separator, rest)) => (separator, rest, 1),
        None => (guess(&text), &*text, 0),
    };
    let mut reader = reader(text, separator);
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(0, |position| line_of(text, position)) + skipped;
                let (line, cells) = (u32::try_from(line).unwrap_or(u32::MAX), record.iter().map(str::to_owned));
                rows.row(Row { line, cells: cells.collect(), ..Row::default() })?;
            }
            Err(error) => return Err(Unreadable(format!("The file does not read as CSV: {error}."))),
        }
    }
    rows.finish()
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes())
}

/// The line a record begins in. The crate's position is where the reader stood: before the empty lines it then left out.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ahead = text.as_bytes().get(at..).unwrap_or_default().iter();
    let empty = ahead.take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    position.line() + empty as u64
}

/// The text, and what to say about how it was read.
fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Option<String>), Unreadable> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(bytes.get(length..).unwrap_or_default());
        let note =
            broken.then(|| format!("Some characters do not read as {}; they are shown as \u{fffd}.", encoding.name()));
        return Ok((text, note));
    }
    let head = bytes.get(..bytes.len().min(2_000)).unwrap_or_default();
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    // Text of our alphabets in UTF-16 has a zero in nearly every other byte.
    if head.len() >= 4 && (zeros(0) > head.len() / 4 || zeros(1) > head.len() / 4) {
        let encoding = if zeros(1) > zeros(0) { UTF_16LE } else { UTF_16BE };
        return Ok((encoding.decode_without_bom_handling(bytes).0, None));
    }
    if bytes.contains(&0) {
        return Err(Unreadable("This is no text file. Save the table as CSV (UTF-8), .xlsx or .ods.".to_owned()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((Cow::Borrowed(text), None)),
        Err(_) => {
            let note = "The file is not UTF-8; it was read as Windows-1252. Look whether umlauts and accents are right, or \
                        save it as \"CSV UTF-8\".";
            Ok((WINDOWS_1252.decode_without_bom_handling(bytes).0, Some(note.to_owned())))
        }
    }
}

/// As spreadsheet programs on a Mac once ended lines. Within a cell there may be the other.
fn ends_lines_by_cr(text: &str) -> bool {
    let mut quoted = false;
    let first = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    });
    let at = |at: usize| text.as_bytes().get(at).copied();
    first.is_some_and(|first| at(first) == Some(b'\r') && at(first + 1) != Some(b'\n'))
}

/// `sep=;` in the first line, which some spreadsheet programs write and read.
fn declared(text: &str) -> Option<(u8, &str)> {
    let (first, rest) = text.split_once('\n')?;
    match first.trim().trim_matches('"').strip_prefix("sep=")?.as_bytes() {
        [separator @ (b',' | b';' | b'\t' | b'|')] => Some((*separator, rest)),
        _ => None,
    }
}

/// The separator that parts headings we know; without any, the one that stands most often in the first line.
fn guess(text: &str) -> u8 {
    let known = |separator: u8| {
        let records = reader(text, separator).into_records().take(HEAD).flatten();
        records.map(|record| mapping::recognised(record.iter().take(MAX_COLUMNS))).max().unwrap_or_default()
    };
    let known = [b'\t', b';', b','].map(|separator| (known(separator), separator));
    match known.into_iter().max() {
        Some((2.., separator)) => separator,
        _ => most_often(text),
    }
}

fn most_often(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let mut seen = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && seen => break,
            _ if quoted => {}
            _ => {
                seen |= !byte.is_ascii_whitespace();
                if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| *separator == byte) {
                    *count += 1;
                }
            }
        }
    }
    // The first of the best: a comma where there is nothing to tell them apart.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(sheet: &Sheet) -> Vec<Vec<&str>> {
        sheet.rows.iter().map(|row| row.cells.iter().map(String::as_str).collect()).collect()
    }

    #[test]
    fn reads_what_spreadsheet_programs_write() {
        for text in [
            "Room,Guest\r\n101,\"O'Hara, \"\"Bob\"\"\"\r\n",
            "Room;Guest\n101;\"O'Hara, \"\"Bob\"\"\"",
            "Room\tGuest\n\n101\t\"O'Hara, \"\"Bob\"\"\"\n\n",
            "sep=;\r\nRoom;Guest\r\n101;\"O'Hara, \"\"Bob\"\"\"",
            "\u{feff}Room,Guest\n101,\"O'Hara, \"\"Bob\"\"\",,,\n",
        ] {
            let sheet = read(text.as_bytes()).unwrap();
            assert_eq!(sheet.headings, ["Room", "Guest"], "{text:?}");
            assert_eq!(cells(&sheet), [["101", "O'Hara, \"Bob\""]], "{text:?}");
            assert!(sheet.notes.is_empty(), "{:?}", sheet.notes);
        }
    }

    #[test]
    fn reads_the_encodings_and_says_when_it_had_to_guess() {
        let text = "Zimmer;Gast\n12;Müller, Jörg\n";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let little = utf16(u16::to_le_bytes);
        let marked = [&[0xff, 0xfe][..], &little].concat();
        for bytes in [text.as_bytes().to_vec(), little, utf16(u16::to_be_bytes), marked] {
            let sheet = read(&bytes).unwrap();
            assert_eq!(cells(&sheet), [["12", "Müller, Jörg"]]);
            assert!(sheet.notes.is_empty());
        }
        let (old, _, _) = WINDOWS_1252.encode(text);
        let sheet = read(&old).unwrap();
        assert_eq!(cells(&sheet), [["12", "Müller, Jörg"]]);
        assert!(sheet.notes[0].contains("Windows-1252"), "{:?}", sheet.notes);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let sheet = read(b"Room,Guest\n\n101,a\n102,\"two\nlines\"\n103,b\n").unwrap();
        assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 6]);
        let sheet = read(b"sep=,\nRoom\n101\n").unwrap();
        assert_eq!(sheet.rows[0].line, 3);
    }

    #[test]
    fn lines_may_end_as_they_once_did_on_a_mac() {
        let sheet = read(b"sep=;\rRoom;Guest\r101;a\r102;b\r").unwrap();
        assert_eq!(cells(&sheet), [["101", "a"], ["102", "b"]]);
        assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4]);
        let sheet = read(b"Room;Guest\r101;\"a\nb\"\r102;c\r").unwrap();
        assert_eq!(cells(&sheet), [["101", "a\nb"], ["102", "c"]], "and other ones within a cell");
        assert_eq!(read(b"Room;Guest\r\n101;\"a\rb\"\r\n").unwrap().rows[0].cells, ["101", "a\rb"]);
    }

    #[test]
    fn a_title_may_stand_above_the_headings() {
        let sheet = read(b"Grand Hotel, rooms\n\nRoom;Floor;Guest\n101;1;Smith, Ann\n").unwrap();
        assert_eq!(sheet.headings, ["Room", "Floor", "Guest"]);
        assert_eq!((sheet.rows[0].line, cells(&sheet)), (4, vec![vec!["101", "1", "Smith, Ann"]]));
        assert_eq!(sheet.notes, ["What stands above the headings is left out: one row."]);
        // Without a heading we know, the first row it is.
        assert_eq!(read(b"Nummer X;Wo\n101;a\n").unwrap().headings, ["Nummer X", "Wo"]);
    }

    #[test]
    fn says_why_a_file_is_not_read() {
        let wide = ["x"; 2_001].join(",");
        let long = format!("Room\n{}", "y".repeat(super::super::MAX_CELL + 1));
        let many = format!("Room\n{}", "1\n".repeat(super::super::MAX_ROWS + 1));
        let heavy = format!("Room\n{}", format!("{}1\n", ",".repeat(1_999)).repeat(1_001));
        for (bytes, reason) in [
            (&b""[..], "empty"),
            (b"\n \n,,\n", "empty"),
            (b"PK\x03\x04\x01\0\0\x08", "no text file"),
            (b"\xef\xbb\xbfRoom\n1\0\n", "U+0000"),
            (wide.as_bytes(), "2001 columns"),
            (long.as_bytes(), "more than 4096 characters"),
            (many.as_bytes(), "more than 20000 rows"),
            (heavy.as_bytes(), "2000000 cells"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(read(b"Room\n\"1\n2\n").unwrap().notes[0].contains("quotation mark"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            rows in proptest::collection::vec(proptest::collection::vec("[ -~äöüß€\t\n\"',;=+@-]{0,12}", 1..5), 1..20),
            separator in proptest::sample::select(vec![b',', b';', b'\t']),
        ) {
            let headings = ["Room", "Guest name", "MAC", "Floor"];
            let mut writer = csv::WriterBuilder::new().flexible(true).delimiter(separator).from_writer(Vec::new());
            writer.write_record(headings).unwrap();
            for row in &rows {
                writer.write_record(row.iter().map(|cell| super::super::export::guarded(cell).into_owned())).unwrap();
            }
            let sheet = read(&writer.into_inner().unwrap()).unwrap();
            let wanted: Vec<Vec<String>> = rows.into_iter().filter_map(|mut row| {
                while row.last().is_some_and(|cell| cell.trim().is_empty()) { row.pop(); }
                (!row.is_empty()).then_some(row)
            }).collect();
            let read: Vec<Vec<String>> = sheet.rows.into_iter().map(|row| row.cells).collect();
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = read(&bytes);
        }
    }
}
