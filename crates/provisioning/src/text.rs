//! Text: `P271=1` or `key = value`, one a line, `#` before comments.
//!
//! After a P-value comes the value as it is. After a key it may stand in quotes, with `\n`, `\r`, `\t`, `\"` and `\\`:
//! for values that begin or end with a blank, begin with a quote, or have several lines.

use std::borrow::Cow;

use settings::{Catalogue, Dialect};

use crate::{
    Document,
    entries::Collector,
    error::{ErrorKind, Place, ReadError},
    express::{Pair, Wish, express},
    format::{ReadOptions, WriteOptions, Written},
};

/// Reads the lines of a file.
pub(crate) fn read(text: &str, _: &ReadOptions<'_>, collector: &mut Collector<'_>) -> Result<(), ReadError> {
    for (i, line) in text.lines().enumerate() {
        let place = Place::Line(i + 1);
        let line = line.trim_start();
        if line.trim_end().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            let error = ReadError::new(ErrorKind::Malformed, place, "it is neither a comment nor NAME=VALUE");
            // Named only where it is a name: it may as well be a line of a private key.
            let word = line.split_whitespace().next().unwrap_or_default();
            let is_name = is_p(word) || Catalogue::get().find(word).is_some();
            return Err(if is_name { error.named(word) } else { error });
        };
        let (name, value) = (name.trim(), value.trim());
        let dialect = if is_p(name) { Dialect::P } else { Dialect::Alias };
        if name.is_empty() || name.contains(char::is_control) {
            return Err(ReadError::new(ErrorKind::Malformed, place, "there is no name before the ="));
        }
        let value = match dialect {
            Dialect::P => Cow::Borrowed(value),
            Dialect::Alias => unquote(value).ok_or_else(|| {
                ReadError::new(ErrorKind::Malformed, place, "the quotes of its value are wrong").named(name)
            })?,
        };
        collector.push(dialect, name, value.into_owned(), place)?;
    }
    Ok(())
}

/// Writes P-values, or names: to phones of ours our keys and values, which people read best.
pub(crate) fn write(document: &Document, dialect: Dialect, options: &WriteOptions) -> Written {
    let fits = match dialect {
        Dialect::P => plain_p,
        Dialect::Alias => plain_key,
    };
    let prefer_own = dialect == Dialect::Alias;
    let out = express(document, options, Wish { dialect, prefer_own, fits, own_fits: quotable });
    let mut text = String::new();
    lines(&mut text, &out.items, dialect);
    lines(&mut text, &out.own, Dialect::Alias);
    Written { bytes: text.into_bytes(), left_out: out.left_out }
}

fn lines(text: &mut String, pairs: &[Pair], dialect: Dialect) {
    for (name, value) in pairs {
        match dialect {
            Dialect::P => text.push_str(&format!("{name}={value}\n")),
            Dialect::Alias if value.is_empty() => text.push_str(&format!("{name} =\n")),
            Dialect::Alias => text.push_str(&format!("{name} = {}\n", quote(value))),
        }
    }
}

/// `P` and digits.
pub(crate) fn is_p(name: &str) -> bool {
    let digits = name.strip_prefix(['P', 'p']).unwrap_or_default();
    !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// As it is, it comes back as it was.
fn plain(value: &str) -> bool {
    value.trim() == value && !value.contains(char::is_control)
}

fn plain_p(name: &str, value: &str) -> bool {
    is_p(name) && plain(value)
}

/// Comes back as a name, also at the beginning of a file.
fn name_fits(name: &str) -> bool {
    let odd = |c: char| c == '=' || c.is_control();
    let taken = ["#", "<", "\u{feff}", "Salted__"].iter().any(|start| name.starts_with(start));
    !name.is_empty() && name.trim() == name && !taken && !name.contains(odd) && !is_p(name)
}

/// Nobody knows whether the vendor reads quotes, so its names get none.
fn plain_key(name: &str, value: &str) -> bool {
    name_fits(name) && plain(value) && !value.starts_with('"')
}

fn quotable(name: &str, _: &str) -> bool {
    name_fits(name)
}

fn quote(value: &str) -> Cow<'_, str> {
    if plain(value) && !value.starts_with('"') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() + 8);
    out.push('"');
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push('"');
    Cow::Owned(out)
}

/// `None`: it begins with a quote but does not end with the next one, or has an escape that means nothing.
fn unquote(value: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = value.strip_prefix('"') else {
        return Some(Cow::Borrowed(value));
    };
    let mut out = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(Cow::Owned(out)),
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audience, Format, read, write};

    #[test]
    fn comments_blanks_and_both_vocabularies() {
        let text = "# hotel\r\n\r\nP271 = 1\r\n  account.1.name = Room #101 = east\r\n\t# P47=x\r\nP47=\r\n";
        let document = read(text.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(document.get("account.1.enable"), Some("yes"));
        assert_eq!(document.get("account.1.name"), Some("Room #101 = east"));
        assert_eq!(document.get("account.1.sip.server.1.address"), Some(""));
        assert!(document.aside().is_empty());
    }

    #[test]
    fn errors_name_the_line() {
        let said = |text: &str| read(text.as_bytes(), &ReadOptions::default()).unwrap_err().to_string();
        assert_eq!(said("P271=1\n\nP47 pbx\n"), "line 3, P47: it is neither a comment nor NAME=VALUE");
        assert_eq!(said("\nMIIEpAIBAAK\n"), "line 2: it is neither a comment nor NAME=VALUE");
        for bad in ["= 1", "account.1.name = \"a", "account.1.name = \"a\"b", "account.1.name = \"\\x\""] {
            assert_eq!(read(bad.as_bytes(), &ReadOptions::default()).unwrap_err().kind, ErrorKind::Malformed, "{bad}");
        }
    }

    #[test]
    fn quotes_hold_what_a_line_cannot() {
        for value in ["", "a", " a ", "\"", "\"a\"", "a\"b", "a\nb\\n", "\t", "\\"] {
            assert_eq!(unquote(&quote(value)).as_deref(), Some(value));
        }
        let mut document = Document::default();
        document.set("account.1.name", "\"Front\" desk").unwrap();
        let text = |format, audience| write(&document, format, &WriteOptions::new(audience)).unwrap();
        assert_eq!(text(Format::PValueText, Audience::Vendor).bytes, b"P270=\"Front\" desk\n");
        assert_eq!(text(Format::Text, Audience::Bellhop).bytes, b"account.1.name = \"\\\"Front\\\" desk\"\n");
        assert_eq!(text(Format::Text, Audience::Vendor).left_out.len(), 1);
    }
}
