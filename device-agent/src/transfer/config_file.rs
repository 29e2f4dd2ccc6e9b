//! Configuration as a file: one `key=value` a line, keys as in the catalogue, `#` for remarks. Also read is the flat XML
//! of the vendor, `<item name="key">value</item>` in any envelope; of anything richer only such items are taken.

use settings::{Catalogue, Model};

use crate::store::{Change, Document, intern};

/// A file with more lines than this is no configuration of a phone.
const MOST_LINES: usize = 20_000;

/// What a file would change.
#[derive(Debug, Default)]
pub struct Read {
    pub changes: Vec<Change>,
    /// Keys this phone does not have.
    pub unknown: usize,
}

/// Reads and checks a whole file.
///
/// # Errors
/// In words, with the line: a value that is not allowed, or nothing in it that this phone knows.
pub fn read(bytes: &[u8], model: Model) -> Result<Read, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let mut read = Read::default();
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if at >= MOST_LINES {
            return Err(format!("it has more than {MOST_LINES} lines"));
        }
        let Some((key, value)) = item(line) else { continue };
        let Some(found) = Catalogue::get().find(&key).filter(|found| found.on(model)) else {
            read.unknown += 1;
            continue;
        };
        let canonical =
            settings::validate_ref(found, &value).map_err(|error| format!("line {}: {key}: {error}", at + 1))?;
        read.changes.push((intern(&found.key()), Some(canonical)));
    }
    if read.changes.is_empty() {
        return Err("there is no setting of this phone in it".to_owned());
    }
    Ok(read)
}

fn item(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('<') {
        let rest = line.strip_prefix("<item name=\"")?;
        let (key, rest) = rest.split_once("\">")?;
        let value = rest.strip_suffix("</item>")?;
        return Some((key.to_owned(), unescape(value)));
    }
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    // `\n` stands for a line's end, in certificates.
    Some((key.trim().to_owned(), value.trim().replace("\\n", "\n")))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

/// Everything that has been set, without secrets.
pub fn write(document: &Document, about: &str) -> String {
    let mut text = format!("# {about}\n# Secrets are left out.\n");
    for (key, value) in &document.values {
        // What the catalogue does not know is not shown either.
        if Catalogue::get().find(key).is_some_and(|found| !found.setting.secret) {
            text += &format!("{key}={}\n", value.replace('\n', "\\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_items() {
        let text = "# a room\nhotel.room.number = 1207\n\nno.such.key=1\n<config version=\"2\">\n\
                    <item name=\"account.1.name\">Bar &amp; Grill</item>\n</config>\n";
        let read = read(text.as_bytes(), Model::Ghp620).unwrap();
        let changes: Vec<_> = read.changes.iter().map(|(key, value)| (&**key, value.as_deref().unwrap())).collect();
        assert_eq!(changes, [("hotel.room.number", "1207"), ("account.1.name", "Bar & Grill")]);
        assert_eq!(read.unknown, 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let wrong = |text: &str| read(text.as_bytes(), Model::Ghp620).unwrap_err();
        assert!(wrong("\ntr069.periodicinforminterval=often").starts_with("line 2: tr069.periodicinforminterval"));
        assert!(wrong("just text").contains("no setting"));
        assert!(read(&[0xff, 0xfe], Model::Ghp620).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn what_is_written_reads_back_without_secrets() {
        let mut document = Document::default();
        for (key, value) in
            [("hotel.room.number", "12"), ("tr069.password", "s3cret"), ("tr069.ssl.certificate", "a\nb")]
        {
            document.values.insert(intern(key), value.into());
        }
        let text = write(&document, "GHP620");
        assert!(text.contains("hotel.room.number=12\n") && text.contains("certificate=a\\nb\n"));
        assert!(!text.contains("s3cret") && !text.contains("tr069.password"));
    }
}
