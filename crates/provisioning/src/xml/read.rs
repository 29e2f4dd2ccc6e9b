//! From XML to entries.

use contract::mac::Mac;
use settings::Dialect;

use super::cursor::{Cursor, Element, Token};
use crate::{
    document::Reason,
    entries::Collector,
    error::{ErrorKind, ReadError},
    format::ReadOptions,
    text::is_p,
};

/// Reads `<gs_provision>` with any number of `<config>`s, or a single `<config>`.
pub(crate) fn read(text: &str, options: &ReadOptions<'_>, collector: &mut Collector<'_>) -> Result<(), ReadError> {
    let mut cursor = Cursor::new(text, &options.limits);
    let root = loop {
        match cursor.next()? {
            Token::Start(root) => break root,
            Token::Eof => return Err(cursor.error(ErrorKind::Malformed, "there is no element")),
            Token::End | Token::Text(_) => {}
        }
    };
    match root.name.as_str() {
        "gs_provision" => provision(&mut cursor, options, collector)?,
        "config" => config(&mut cursor, &root, collector)?,
        _ => {
            let reason = "the outermost element must be gs_provision or config";
            return Err(ReadError::new(ErrorKind::Malformed, root.place, reason).named(&root.name));
        }
    }
    match cursor.next()? {
        Token::Eof => Ok(()),
        _ => Err(cursor.error(ErrorKind::Malformed, "something follows the outermost element")),
    }
}

fn provision(cursor: &mut Cursor<'_>, options: &ReadOptions<'_>, c: &mut Collector<'_>) -> Result<(), ReadError> {
    let mut configs = 0;
    loop {
        match cursor.next()? {
            Token::Start(element) if element.name == "config" => {
                configs += 1;
                config(cursor, &element, c)?;
            }
            Token::Start(element) if element.name == "mac" => mac(cursor, &element, options, c)?,
            Token::Start(element) => {
                cursor.value()?;
                c.warn(element.place, format!("<{}> means nothing here", crate::error::printable(&element.name)));
            }
            Token::Text(text) => blank(cursor, &text, c),
            Token::End | Token::Eof => break,
        }
    }
    if configs == 0 {
        let place = cursor.place();
        c.warn(place, "there is no <config>");
    }
    Ok(())
}

/// Twelve hex digits; an empty element is none.
fn mac(
    cursor: &mut Cursor<'_>,
    at: &Element,
    options: &ReadOptions<'_>,
    c: &mut Collector<'_>,
) -> Result<(), ReadError> {
    let text = cursor.value()?.unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(());
    }
    let mac: Mac = text
        .parse()
        .map_err(|_| ReadError::new(ErrorKind::Malformed, at.place, "it is no MAC address").named("mac"))?;
    if let Some(expected) = options.mac.filter(|expected| *expected != mac) {
        return Err(ReadError::wrong_mac(at.place, &mac, &expected).named("mac"));
    }
    c.mac(mac);
    Ok(())
}

fn config(cursor: &mut Cursor<'_>, at: &Element, c: &mut Collector<'_>) -> Result<(), ReadError> {
    let dialect = match at.attribute("version").map(str::trim) {
        Some("1") => Dialect::P,
        Some("2") => Dialect::Alias,
        _ => {
            let reason = "its version must be 1 (P-values) or 2 (aliases)";
            return Err(ReadError::new(ErrorKind::Malformed, at.place, reason).named("config"));
        }
    };
    loop {
        match cursor.next()? {
            Token::Start(element) if element.name == "item" => item(cursor, &element, dialect, c)?,
            Token::Start(element) => p_value(cursor, &element, dialect, c)?,
            Token::Text(text) => blank(cursor, &text, c),
            Token::End | Token::Eof => return Ok(()),
        }
    }
}

/// `<P271>1</P271>`, which counts among P-values only.
fn p_value(cursor: &mut Cursor<'_>, at: &Element, inside: Dialect, c: &mut Collector<'_>) -> Result<(), ReadError> {
    let Some(value) = cursor.value()? else {
        let reason = Reason::Refused("elements are inside where a value is expected".into());
        return c.aside(Dialect::P, &at.name, String::new(), at.place, reason);
    };
    match inside {
        Dialect::P => c.push(Dialect::P, &at.name, value, at.place),
        Dialect::Alias => {
            let dialect = if is_p(&at.name) { Dialect::P } else { Dialect::Alias };
            c.aside(dialect, &at.name, value, at.place, Reason::NotHere)
        }
    }
}

/// `<item name="a.b">value</item>`, or `<part name="c">`s inside, which stand for `a.b.c`.
fn item(cursor: &mut Cursor<'_>, at: &Element, inside: Dialect, c: &mut Collector<'_>) -> Result<(), ReadError> {
    let name = named(at)?;
    let mut names = vec![name.to_owned()];
    let mut texts = vec![(String::new(), at.place, false)];
    while let Some((text, place, parts)) = texts.last_mut() {
        match cursor.next()? {
            Token::Text(piece) => {
                cursor.append(text, &piece)?;
            }
            Token::Start(element) if element.name == "part" => {
                *parts = true;
                names.push(named(&element)?.to_owned());
                texts.push((String::new(), element.place, false));
            }
            Token::Start(element) => {
                let reason = "only <part> may stand inside <item>";
                return Err(ReadError::new(ErrorKind::Malformed, element.place, reason).named(&element.name));
            }
            Token::End => {
                let name = names.join(".");
                // Blanks around parts are no value.
                if !*parts || !text.trim().is_empty() {
                    let (value, place) = (std::mem::take(text), *place);
                    match inside {
                        Dialect::Alias => c.push(Dialect::Alias, &name, value, place)?,
                        Dialect::P => c.aside(Dialect::Alias, &name, value, place, Reason::NotHere)?,
                    }
                }
                names.pop();
                texts.pop();
            }
            Token::Eof => return Ok(()),
        }
    }
    Ok(())
}

fn named(at: &Element) -> Result<&str, ReadError> {
    at.attribute("name")
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ReadError::new(ErrorKind::Malformed, at.place, "it has no name attribute").named(&at.name))
}

fn blank(cursor: &mut Cursor<'_>, text: &str, c: &mut Collector<'_>) {
    if !text.trim().is_empty() {
        let place = cursor.place();
        c.warn(place, "there is text between elements; it means nothing");
    }
}
