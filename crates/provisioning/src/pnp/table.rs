//! The CSV beside a profile template: a row a phone, a column a variable.

use std::collections::{HashMap, HashSet};

use contract::mac::Mac;

use super::profile::{MAC_VARIABLE, Profile};

/// Phones one service provisions, as in the guide.
pub const MOST_PHONES: usize = 100;
/// Largest file, in bytes.
pub const MAX_TABLE: usize = 256 << 10;
/// Longest value, in bytes.
pub const MAX_VALUE: usize = 512;
/// Errors listed; further ones are counted.
pub const MOST_ERRORS: usize = 50;

/// A wrong cell, row or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    /// As a spreadsheet counts, from 1 with the heading; 0 for the file as a whole.
    pub row: u64,
    /// The column's heading; empty for the row as a whole.
    pub column: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// Values of phones, in the order of the template's variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    rows: Vec<(Mac, Vec<String>)>,
}

impl Table {
    /// Phones and their values, in the order of the file.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Mac, &[String])> {
        self.rows.iter().map(|(mac, values)| (*mac, values.as_slice()))
    }

    /// A phone's values.
    pub fn values(&self, mac: Mac) -> Option<&[String]> {
        self.rows.iter().find(|(own, _)| *own == mac).map(|(_, values)| values.as_slice())
    }

    /// The same phones with the values of `new` variables, by name: what was not there before is empty.
    #[must_use]
    pub fn refit(&self, old: &[String], new: &[String]) -> Self {
        let from: Vec<Option<usize>> = new.iter().map(|name| old.iter().position(|own| own == name)).collect();
        let value =
            |values: &[String], at: &Option<usize>| at.and_then(|at| values.get(at)).cloned().unwrap_or_default();
        let row = |(mac, values): &(Mac, Vec<String>)| (*mac, from.iter().map(|at| value(values, at)).collect());
        Self { rows: self.rows.iter().map(row).collect() }
    }

    /// The CSV for a template: headings, what is known already, and a row for each further phone, as many as may come back.
    pub fn csv(&self, profile: &Profile, further: &[Mac]) -> String {
        let mut out = MAC_VARIABLE.to_owned();
        for name in profile.variables() {
            out.push(',');
            out.push_str(name);
        }
        out.push_str("\r\n");
        let empty = vec![String::new(); profile.variables().len()];
        let known = self.rows.iter().map(|(mac, values)| (*mac, values));
        let new = further.iter().filter(|mac| self.values(**mac).is_none()).map(|mac| (*mac, &empty));
        for (mac, values) in known.chain(new).take(MOST_PHONES) {
            out.push_str(&mac.compact());
            for value in values {
                out.push(',');
                out.push_str(&quoted(value));
            }
            out.push_str("\r\n");
        }
        out
    }

    /// Reads a CSV (RFC 4180; `;` and tabs between cells are taken too, and a first line `sep=` that names what is) for a
    /// template.
    ///
    /// # Errors
    /// Everything that is wrong, by row and column, at most [`MOST_ERRORS`] and how many more.
    pub fn read(bytes: &[u8], profile: &Profile) -> Result<Self, Vec<CellError>> {
        let whole = |why: &str| vec![CellError { row: 0, column: String::new(), why: why.to_owned() }];
        if bytes.len() > MAX_TABLE {
            return Err(whole("the file has more than 256 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| whole("the file is not UTF-8; save it as \"CSV UTF-8\""))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (said, text) = separator(text);
        let heading = text.lines().next().unwrap_or_default();
        let found = [b',', b';', b'\t'].into_iter().find(|sign| heading.as_bytes().contains(sign));
        let delimiter = said.or(found).unwrap_or(b',');
        // A spreadsheet counts that line too.
        let above = u64::from(said.is_some());
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let Some(Ok(heading)) = records.next() else { return Err(whole("the file has no heading")) };
        let columns = columns(&heading, profile, above + 1).map_err(cut)?;
        let (mut table, mut errors, mut seen) = (Self::default(), vec![], HashMap::new());
        for record in records {
            let Ok(record) = record else { return Err(whole("the file cannot be read as CSV")) };
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let row = record.position().map_or(0, csv::Position::line) + above;
            match read_row(&record, row, &columns, profile, &mut seen) {
                Ok(row) => table.rows.push(row),
                Err(wrong) => errors.extend(wrong),
            }
            if seen.len() > MOST_PHONES {
                let why = format!("this is phone {}; the service provisions at most {MOST_PHONES}", seen.len());
                errors.push(CellError { row, column: String::new(), why });
                break;
            }
        }
        if errors.is_empty() { Ok(table) } else { Err(cut(errors)) }
    }
}

/// What the line `sep=` says, which some spreadsheet programs write and read, and the text behind it.
fn separator(text: &str) -> (Option<u8>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.strip_suffix('\r').unwrap_or(first).trim_matches('"');
    match first.strip_prefix("sep=").map(str::as_bytes) {
        Some([sign @ (b',' | b';' | b'\t')]) => (Some(*sign), rest),
        _ => (None, text),
    }
}

/// Where the address and each variable stand.
struct Columns {
    mac: usize,
    variables: Vec<usize>,
    count: usize,
}

fn columns(heading: &csv::StringRecord, profile: &Profile, row: u64) -> Result<Columns, Vec<CellError>> {
    let wrong = |column: &str, why: String| CellError { row, column: column.chars().take(40).collect(), why };
    let (mut errors, mut seen) = (vec![], HashSet::new());
    for name in heading.iter().map(str::trim) {
        if name != MAC_VARIABLE && !profile.variables().iter().any(|own| own == name) {
            errors.push(wrong(name, "the template has no such variable; remove the column, or name it there".into()));
        } else if !seen.insert(name) {
            errors.push(wrong(name, "the column is there twice; remove one".into()));
        }
    }
    let mut place = |name: &str| {
        let at = heading.iter().position(|own| own.trim() == name);
        if at.is_none() {
            errors.push(wrong(name, "the column is missing; download the CSV for this template".into()));
        }
        at.unwrap_or_default()
    };
    let mac = place(MAC_VARIABLE);
    let variables = profile.variables().iter().map(|name| place(name.as_str())).collect();
    if errors.is_empty() { Ok(Columns { mac, variables, count: heading.len() }) } else { Err(errors) }
}

fn read_row(
    record: &csv::StringRecord,
    row: u64,
    columns: &Columns,
    profile: &Profile,
    seen: &mut HashMap<Mac, u64>,
) -> Result<(Mac, Vec<String>), Vec<CellError>> {
    let wrong = |column: &str, why: String| CellError { row, column: column.to_owned(), why };
    let mut errors = vec![];
    if record.len() != columns.count {
        let why = format!(
            "it has {} cells, the heading {}; a value with a comma stands in quotes",
            record.len(),
            columns.count
        );
        errors.push(wrong("", why));
    }
    let text = record.get(columns.mac).unwrap_or_default().trim();
    let mac = text.parse::<Mac>();
    match mac {
        Ok(mac) => {
            if let Some(first) = seen.insert(mac, row) {
                errors.push(wrong(MAC_VARIABLE, format!("{mac} stands in row {first} already")));
            }
        }
        Err(ref error) => {
            let hint = if text.contains(['E', 'e', '+']) || text.len() < 12 {
                "; a spreadsheet may have made a number of it: format the column as text"
            } else {
                ""
            };
            errors.push(wrong(MAC_VARIABLE, format!("{error}{hint}")));
        }
    }
    let mut values = vec![];
    for (name, at) in profile.variables().iter().zip(&columns.variables) {
        let value = record.get(*at).unwrap_or_default();
        if value.len() > MAX_VALUE {
            errors.push(wrong(name, format!("the value has more than {MAX_VALUE} bytes")));
        } else if value.chars().any(char::is_control) {
            errors.push(wrong(name, "the value has a line break, a tab or another control character".into()));
        }
        values.push(value.to_owned());
    }
    match mac {
        Ok(mac) if errors.is_empty() => Ok((mac, values)),
        _ => Err(errors),
    }
}

fn cut(mut errors: Vec<CellError>) -> Vec<CellError> {
    if let Some(more) = errors.len().checked_sub(MOST_ERRORS).filter(|more| *more > 0) {
        errors.truncate(MOST_ERRORS);
        errors.push(CellError { row: 0, column: String::new(), why: format!("and {more} more") });
    }
    errors
}

fn quoted(value: &str) -> String {
    let plain = !value.contains([',', ';', '"', '\r', '\n']) && value.trim() == value;
    if plain { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(variables: &[&str]) -> Profile {
        let data: String = variables.iter().map(|name| format!("%%{name}%%")).collect();
        let text = format!("<t><f filename=\"%%mac_address%%\"><data><![CDATA[x{data}]]></data></f></t>");
        Profile::read(text.as_bytes()).unwrap()
    }

    fn mac(last: usize) -> Mac {
        format!("c074ad12{last:04x}").parse().unwrap()
    }

    fn errors(text: &str) -> Vec<(u64, String, String)> {
        let errors = Table::read(text.as_bytes(), &profile(&["user", "password"])).unwrap_err();
        errors.into_iter().map(|error| (error.row, error.column, error.why)).collect()
    }

    #[test]
    fn the_generated_csv_is_read_back_with_any_values() {
        let profile = profile(&["user", "password"]);
        let empty = Table::default().csv(&profile, &[mac(1)]);
        assert_eq!(empty, "mac_address,user,password\r\nc074ad120001,,\r\n");
        let text = "\u{feff}password;mac_address;user\n\"a;\"\"b\";C0:74:AD:12:00:01; x \n;;\n";
        let table = Table::read(text.as_bytes(), &profile).unwrap();
        assert_eq!(table.values(mac(1)), Some(&[" x ".to_owned(), "a;\"b".to_owned()][..]), "by name, not by place");
        let again = table.csv(&profile, &[mac(1), mac(2)]);
        let rows: Vec<_> = Table::read(again.as_bytes(), &profile).unwrap().rows().map(|(mac, _)| mac).collect();
        assert_eq!(rows, [mac(1), mac(2)]);
    }

    #[test]
    fn what_spreadsheets_save_is_read() {
        let profile = profile(&["user", "password"]);
        for text in [
            "sep=;\r\nmac_address;user;password\r\nc074ad120001;a,b;c\r\n",
            "\u{feff}\"sep=,\"\nmac_address,user,password\nc074ad120001,\"a,b\",c\n",
            "sep=\t\nmac_address\tuser\tpassword\nc074ad120001\ta,b\tc\n",
            "mac_address\tuser\tpassword\r\nc074ad120001\ta,b\tc\r\n",
        ] {
            let table = Table::read(text.as_bytes(), &profile).unwrap();
            assert_eq!(table.values(mac(1)), Some(&["a,b".to_owned(), "c".to_owned()][..]), "{text}");
        }
        assert_eq!(errors("sep=;\nmac_address;user;password\nc074ad120001;a;b\nx;a;b\n")[0].0, 4, "as it is shown");
        assert_eq!(errors("sep=;\nmac_address;user\n")[0].0, 2);
    }

    #[test]
    fn everything_wrong_is_named_by_row_and_column() {
        let found = errors("mac_address,user,pasword,user\nc074ad120001,a,b,c\n");
        let places: Vec<_> = found.iter().map(|(row, column, _)| (*row, column.as_str())).collect();
        assert_eq!(places, [(1, "pasword"), (1, "user"), (1, "password")]);

        let long = "x".repeat(MAX_VALUE + 1);
        let text = format!(
            "mac_address,user,password\nc074ad120001,a,b\nC0-74-AD-12-00-01,a,b\n1.2E+11,a,b\nc074ad120002,a\n\
             c074ad120003,{long},b\nc074ad120004,a,\"b\tc\"\n"
        );
        let found = errors(&text);
        let places: Vec<_> = found.iter().map(|(row, column, _)| (*row, column.as_str())).collect();
        assert_eq!(places, [(3, "mac_address"), (4, "mac_address"), (5, ""), (6, "user"), (7, "password")]);
        assert!(found[0].2.contains("row 2"), "{}", found[0].2);
        assert!(found[1].2.contains("format the column as text"), "{}", found[1].2);
        assert_eq!(errors("")[0].2, "the file has no heading");
        assert!(errors(&"x".repeat(MAX_TABLE + 1))[0].2.contains("256 KiB"));
    }

    #[test]
    fn the_hundred_and_first_phone_is_refused_with_the_reason() {
        let profile = profile(&["user"]);
        let rows = |count: usize| {
            let rows: String = (1..=count).map(|at| format!("{},u\n", mac(at))).collect();
            Table::read(format!("mac_address,user\n{rows}").as_bytes(), &profile)
        };
        assert_eq!(rows(100).unwrap().rows().len(), 100);
        let error = rows(101).unwrap_err();
        assert_eq!(
            (error[0].row, error[0].why.as_str()),
            (102, "this is phone 101; the service provisions at most 100")
        );
    }

    #[test]
    fn a_file_full_of_errors_is_answered_briefly() {
        let rows = "x,y,z\n".repeat(5000);
        let found = errors(&format!("mac_address,user,password\n{rows}"));
        assert_eq!(found.len(), MOST_ERRORS + 1);
        assert_eq!(found[MOST_ERRORS].2, "and 4950 more");
    }

    proptest! {
        #[test]
        fn any_table_survives_its_csv(values in proptest::collection::vec(("[^\\p{Cc}]{0,20}", "[^\\p{Cc}]{0,20}"), 0..10)) {
            let profile = profile(&["user", "password"]);
            let rows = values.into_iter().enumerate().map(|(at, (a, b))| (mac(at), vec![a, b])).collect();
            let table = Table { rows };
            prop_assert_eq!(Table::read(table.csv(&profile, &[]).as_bytes(), &profile), Ok(table));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = Table::read(format!("mac_address,user\n{text}").as_bytes(), &profile(&["user"]));
        }
    }
}
