//! What a location server answers (RFC 5985 §6.5): references with the time they end, or a PIDF-LO document.

use cwmp::CwmpTime;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::HeldError;

/// Pieces read of an answer.
const MOST_PIECES: usize = 4096;
/// Longest reference, bytes.
const MOST_URI: usize = 1024;
/// What a reference may begin with (RFC 6442 §4.1).
const SCHEMES: [&str; 5] = ["https:", "http:", "sips:", "sip:", "pres:"];

/// Where the phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// A URI or a document.
    pub text: String,
    /// When it is of no use any more, milliseconds since 1970.
    pub ends: Option<i64>,
}

/// The reference an answer names, `https` before others; if it names none, the document it holds.
pub(super) fn location(body: &[u8]) -> Result<Location, HeldError> {
    let text = std::str::from_utf8(body).map_err(|_| HeldError::Nothing)?;
    let mut reader = Reader::from_str(text);
    let mut references: Vec<String> = Vec::new();
    let mut document = None;
    // Prefixes the elements around the document declare.
    let mut declared: Vec<(String, String)> = Vec::new();
    let (mut in_reference, mut depth, mut ends) = (false, 0usize, None);
    for _ in 0..MOST_PIECES {
        let at = position(&reader);
        match reader.read_event() {
            Ok(Event::Start(element)) => match element.local_name().as_ref() {
                "error" if depth == 0 => return Err(HeldError::Refused(code_of(&element))),
                "locationURI" => {
                    in_reference = true;
                    references.push(String::new());
                }
                "presence" => {
                    let name = element.name();
                    let tag_end = position(&reader);
                    reader.read_to_end(name).map_err(|_| HeldError::Nothing)?;
                    let start = text.get(at..tag_end).ok_or(HeldError::Nothing)?;
                    let rest = text.get(tag_end..position(&reader)).ok_or(HeldError::Nothing)?;
                    document.get_or_insert(on_its_own(start, rest, &declared));
                    continue;
                }
                name => {
                    if name == "locationUriSet" {
                        ends = attribute(&element, "expires").and_then(|text| CwmpTime::parse(&text).ok());
                    }
                    declared.extend(prefixes(&element));
                    depth += 1;
                }
            },
            Ok(Event::Empty(element)) if depth == 0 && element.local_name().as_ref() == "error" => {
                return Err(HeldError::Refused(code_of(&element)));
            }
            Ok(Event::Text(part)) if in_reference => {
                if let Some(reference) = references.last_mut() {
                    reference.push_str(&part.into_inner());
                }
            }
            // `&amp;` between the parts of a query.
            Ok(Event::GeneralRef(name)) if in_reference => {
                let meant = match &*name.into_inner() {
                    "amp" => "&",
                    "apos" => "'",
                    // The others have no place in a URI: it is not used then.
                    _ => "<",
                };
                if let Some(reference) = references.last_mut() {
                    reference.push_str(meant);
                }
            }
            Ok(Event::End(_)) if in_reference => in_reference = false,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::DocType(_)) | Err(_) => return Err(HeldError::Nothing),
            Ok(Event::Eof) => break,
            Ok(_) => {}
        }
    }
    let usable: Vec<&str> = references.iter().map(|one| one.trim()).filter(|one| is_usable(one)).collect();
    let best = SCHEMES.iter().find_map(|scheme| usable.iter().find(|one| begins(one, scheme)));
    let ends = ends.filter(|ends| !ends.is_unknown()).map(|ends| ends.at.timestamp_millis());
    let reference = best.map(|uri| Location { text: (*uri).to_owned(), ends });
    reference.or(document.map(|text| Location { text, ends: None })).ok_or(HeldError::Nothing)
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn begins(uri: &str, scheme: &str) -> bool {
    uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn is_usable(uri: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"');
    uri.len() <= MOST_URI && uri.chars().all(plain) && SCHEMES.iter().any(|scheme| begins(uri, scheme))
}

/// `locationUnknown` and the like.
fn code_of(element: &BytesStart<'_>) -> String {
    let code = attribute(element, "code").unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|one| one.key.as_ref() == name);
    found.map(|one| one.value.into_owned())
}

/// Namespace declarations with a prefix, as they stand.
fn prefixes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let of = |one: quick_xml::events::attributes::Attribute<'_>| {
        let name: &str = one.key.as_ref();
        name.starts_with("xmlns:").then(|| (name.to_owned(), one.value.into_owned()))
    };
    element.attributes().flatten().filter_map(of).take(16).collect()
}

/// The document without what was around it: prefixes that were declared there are declared in its first tag.
fn on_its_own(start: &str, rest: &str, declared: &[(String, String)]) -> String {
    let (name, attributes) = start.split_at(start.find([' ', '\t', '\r', '\n', '>']).unwrap_or(start.len()));
    let mut text = name.to_owned();
    let mut said: Vec<&str> = Vec::new();
    // The innermost declaration of a prefix counts.
    for (prefix, value) in declared.iter().rev() {
        if !attributes.contains(&format!("{prefix}=")) && !said.contains(&prefix.as_str()) && !value.contains('"') {
            said.push(prefix);
            text.push_str(&format!(" {prefix}=\"{value}\""));
        }
    }
    text + attributes + rest
}
