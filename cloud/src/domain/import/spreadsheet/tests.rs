//! Files as real programs write them (by openpyxl and odfpy), and files made to do harm.

use std::io::Write;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

const XLSX: &[u8] = include_bytes!("../../../../tests/import/rooms.xlsx");
const ODS: &[u8] = include_bytes!("../../../../tests/import/rooms.ods");

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn xlsx_of(sheet: &str, strings: &str) -> Vec<u8> {
    zipped(&[
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\"/></sheets></workbook>"),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>")),
        ("xl/sharedStrings.xml", strings),
    ])
}

fn ods_of(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table>{rows}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[("content.xml", &content)])
}

#[test]
fn reads_what_spreadsheet_programs_write() {
    for (bytes, kind) in [(XLSX, Kind::Xlsx), (ODS, Kind::Ods)] {
        let (read, sheet) = read(bytes).unwrap();
        assert_eq!(read, kind);
        assert_eq!(sheet.headings, ["Zimmer", "Durchwahl", "Gast", "MAC", "Seriennummer", "Active", "", "Key 1"]);
        assert_eq!(
            sheet.rows[0].cells,
            ["1207", "1207", "Müller; \"Jörg\"", "C0:74:AD:12:07:01", "SN001", "yes", "", "9"]
        );
        assert_eq!(sheet.rows[1].cells, ["0308", "4711", "<O'Hara> & Söhne", "c074ad120702", "123456789012", "no"]);
        assert_eq!(sheet.rows[2].cells[0], "1209", "{kind:?}");
        assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 5], "{kind:?}");
        let several = kind == Kind::Xlsx;
        assert_eq!(
            sheet.notes.iter().any(|note| note.contains("only \"Zimmer\" is read")),
            several,
            "{:?}",
            sheet.notes
        );
    }
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let million = "number-columns-repeated=\"1000000000\"";
    let cell = |attributes: &str| format!("<table-cell {attributes} value-type=\"string\"><p>x</p></table-cell>");
    let row = |attributes: &str| format!("<table-row {attributes}>{}</table-row>", cell(""));
    let wide = format!("<table-row>{}</table-row>", cell(million));
    let blanks = "<table-row><table-cell><p><s c=\"4000000000\"/><s c=\"4000000000\"/></p></table-cell></table-row>";
    // One text, a million times.
    let text = "x".repeat(MAX_CELL);
    let heavy = format!(
        "<table-row number-rows-repeated=\"5000\"><table-cell number-columns-repeated=\"200\"><p>{text}</p></table-cell></table-row>"
    );
    let named = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(200)).repeat(5_000);
    let letters = "x".repeat(MAX_UNPACKED as usize + 1);
    for (bytes, reason) in [
        (ods_of(&wide), "more than 2000 columns"),
        (ods_of(&row("number-rows-repeated=\"1048576\"")), "repeated 1048576 times"),
        (ods_of(&row("number-rows-repeated=\"20000\"").repeat(3)), "more than 20000 rows"),
        (ods_of(&heavy), "more than 16 MiB of text"),
        (xlsx_of(&named, &format!("<sst><si><t>{text}</t></si></sst>")), "more than 16 MiB of text"),
        (xlsx_of("<row><c r=\"XFD1\"><v>1</v></c></row>", ""), "more than 2000 columns"),
        (xlsx_of(&letters, ""), "larger than 64 MiB"),
        (
            xlsx_of("", &format!("<sst uniqueCount=\"9000000000000000000\">{}</sst>", "<si/>".repeat(MAX_CELLS + 1))),
            "texts",
        ),
        (xlsx_of("<row><c t=\"s\"><v>7</v></c></row>", "<sst uniqueCount=\"9000000000000000000\"/>"), "damaged"),
        (xlsx_of("<!DOCTYPE x [<!ENTITY a \"b\">]><row/>", ""), "damaged"),
        (xlsx_of("<row><c><v>&a;</v></c></row>", ""), "damaged"),
        (zipped(&[("hello.txt", "x")]), "neither"),
        (OLD.to_vec(), "old .xls"),
        (b"PK\x03\x04 and no more".to_vec(), "damaged"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
    // Blanks cut at the limit make an empty file.
    assert!(read(&ods_of(blanks)).is_err());
}

#[test]
fn cells_without_places_follow_each_other() {
    let sheet = "<row><c t=\"inlineStr\"><is><t>Room</t></is></c><c t=\"str\"><v>Floor</v></c></row>\
                 <row r=\"7\"><c><v>4.711E3</v></c><c r=\"C7\"><f>1+1</f><v>2</v></c></row>";
    let (_, sheet) = read(&xlsx_of(sheet, "<sst/>")).unwrap();
    assert_eq!(sheet.headings, ["Room", "Floor"]);
    assert_eq!((sheet.rows[0].line, sheet.rows[0].cells.clone()), (7, vec!["4711".into(), String::new(), "2".into()]));
}

#[test]
fn what_is_shown_is_read_and_what_cannot_be_shown_is_marked() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"0000\"/></numFmts>\
                  <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"16\"/></cellXfs></styleSheet>";
    let sheet = "<row><c t=\"str\"><v>Room</v></c><c t=\"str\"><v>Floor</v></c></row>\
                 <row><c s=\"1\"><v>7</v></c><c s=\"2\"><v>46368</v></c><c s=\"0\"><v>7</v></c></row>\
                 <row><c><f>A1</f><v></v></c><c t=\"str\"><f>A1</f><v></v></c><c t=\"str\"><f>A1</f><v>x</v></c></row>";
    let bytes = zipped(&[
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\"/></sheets></workbook>"),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>")),
    ]);
    let (_, sheet) = read(&bytes).unwrap();
    assert_eq!(sheet.rows[0].cells, ["0007", "46368", "7"]);
    assert_eq!(sheet.rows[0].odd, [(1, Odd::Date)]);
    assert_eq!(sheet.rows[1].cells, ["=A1", "", "x"]);
    assert_eq!(sheet.rows[1].odd, [(0, Odd::NoResult)]);

    let cell = |attributes: &str, text: &str| format!("<table-cell {attributes}><p>{text}</p></table-cell>");
    let rows = [
        cell("value-type=\"string\"", "Room"),
        cell("value-type=\"string\"", "Floor"),
        "</table-row><table-row>".to_owned(),
        cell("value-type=\"float\" value=\"7\"", "0007"),
        cell("value-type=\"float\" value=\"1207\"", "1,207"),
        cell("value-type=\"date\" date-value=\"2026-12-01\"", "01.12.26"),
        "<table-cell formula=\"of:=[.A1]\"/>".to_owned(),
    ];
    let (_, sheet) = read(&ods_of(&format!("<table-row>{}</table-row>", rows.concat()))).unwrap();
    assert_eq!(sheet.rows[0].cells, ["0007", "1207", "01.12.26", "of:=[.A1]"]);
    assert_eq!(sheet.rows[0].odd, [(2, Odd::Date), (3, Odd::NoResult)]);
}

proptest! {
    #[test]
    fn a_damaged_file_breaks_nothing(at in 0..XLSX.len(), byte in any::<u8>(), ods in any::<bool>()) {
        let mut bytes = if ods { ODS } else { XLSX }.to_vec();
        let length = bytes.len();
        bytes[at % length] = byte;
        let _ = read(&bytes);
    }

    #[test]
    fn no_sheet_breaks_it(sheet in "(<row r=\"[0-9]{0,9}\">|</row>|<c r=\"[A-Z]{0,5}[0-9]{0,3}\" t=\"(s|b|n)\">|</c>|<v>|</v>|[0-9]{1,3}|&amp;){0,20}") {
        let _ = read(&xlsx_of(&sheet, "<sst><si><t>a</t></si></sst>"));
    }

    #[test]
    fn no_table_breaks_it(rows in "(<table-row number-rows-repeated=\"[0-9]{0,12}\">|</table-row>|<table-cell number-columns-repeated=\"[0-9]{0,12}\">|</table-cell>|<p>|</p>|x){0,20}") {
        let _ = read(&ods_of(&rows));
    }
}
