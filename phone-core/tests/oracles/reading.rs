//! What a message says, in a form that does not depend on who read it.

use std::collections::BTreeMap;

/// Field and value; what is not in the message is not here.
pub type Reading = BTreeMap<&'static str, String>;

/// The value of a field that is there and could not be read.
pub const UNREADABLE: &str = "unreadable";

/// A message nobody could take apart.
pub fn unreadable() -> Reading {
    BTreeMap::from([("message", UNREADABLE.to_owned())])
}

/// Puts in a value, or that there is none that could be read.
pub fn put<E>(reading: &mut Reading, field: &'static str, value: Result<String, E>) {
    reading.insert(field, value.unwrap_or_else(|_| UNREADABLE.to_owned()));
}

/// Puts in a value if there is one.
pub fn put_some(reading: &mut Reading, field: &'static str, value: Option<String>) {
    if let Some(value) = value {
        reading.insert(field, value);
    }
}

/// A URI from its parts; `user` with escapes undone, parameters as `;name=value`. Blanks keep user and address apart.
pub fn uri(scheme: &str, user: Option<&str>, password: Option<&str>, address: &str, params: &str) -> String {
    let word = password.map(|word| format!(":{word}")).unwrap_or_default();
    let user = user.map(|user| format!("{user}{word} @ ")).unwrap_or_default();
    format!("{scheme}:{user}{}{params}", address.to_ascii_lowercase())
}

/// Parameters as `;name=value`, names and transports in lower case, in order.
pub fn params<N: AsRef<str>, V: AsRef<str>>(list: impl IntoIterator<Item = (N, Option<V>)>) -> String {
    let one = |(name, value): (N, Option<V>)| match value {
        Some(value) if name.as_ref().eq_ignore_ascii_case("transport") => {
            format!(";transport={}", value.as_ref().to_ascii_lowercase())
        }
        Some(value) => format!(";{}={}", name.as_ref().trim().to_ascii_lowercase(), value.as_ref().trim()),
        None => format!(";{}", name.as_ref().trim().to_ascii_lowercase()),
    };
    list.into_iter().map(one).collect()
}

/// Undoes `%hh`.
pub fn unescape(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A display name without its quotes; nothing if it is empty.
pub fn display(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let (mut plain, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        if c == '\\' && !escaped && inner.len() != text.len() {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    Some(plain).filter(|plain| !plain.is_empty())
}
