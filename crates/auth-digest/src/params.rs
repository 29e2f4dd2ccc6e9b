//! The header grammar: `Scheme name=token, name="quoted", Scheme ...` (RFC 9110 §11.2-11.6).

use crate::{AuthError, MAX_HEADER, MAX_PARAMETERS};

/// One scheme with its parameters; names in lower case, values without quotes and escapes.
pub(crate) struct Scheme<'a> {
    pub(crate) name: &'a str,
    params: Vec<(String, String)>,
}

impl Scheme<'_> {
    pub(crate) fn is_digest(&self) -> bool {
        self.name.eq_ignore_ascii_case("Digest")
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Result<Option<String>, AuthError> {
        let Some(at) = self.params.iter().position(|(param, _)| param == name) else {
            return Ok(None);
        };
        let value = self.params.swap_remove(at).1;
        if self.params.iter().any(|(param, _)| param == name) {
            Err(AuthError::Duplicate(name))
        } else {
            Ok(Some(value))
        }
    }

    pub(crate) fn require(&mut self, name: &'static str) -> Result<String, AuthError> {
        self.take(name)?.ok_or(AuthError::Missing(name))
    }
}

/// Reads a header value in one pass.
pub(crate) fn schemes(value: &str) -> Result<Vec<Scheme<'_>>, AuthError> {
    if value.len() > MAX_HEADER {
        return Err(AuthError::TooLong);
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(AuthError::Malformed);
    }
    let mut schemes: Vec<Scheme<'_>> = Vec::new();
    let mut count = 0;
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(schemes);
        }
        count += 1;
        if count > MAX_PARAMETERS {
            return Err(AuthError::TooManyParameters);
        }
        let (name, after) = rest.split_at(rest.find(|c| !is_token(c)).unwrap_or(rest.len()));
        let spaced = after.trim_start_matches([' ', '\t']);
        if name.is_empty() {
            // Another scheme's token68 may hold a slash; in a Digest this is an error.
            match schemes.last() {
                Some(scheme) if !scheme.is_digest() => {
                    rest = rest.split_once(',').map_or("", |(_, rest)| rest);
                    continue;
                }
                _ => return Err(AuthError::Malformed),
            }
        }
        if let Some(raw) = spaced.strip_prefix('=') {
            let scheme = schemes.last_mut().ok_or(AuthError::Malformed)?;
            let (value, after) = parameter_value(raw.trim_start_matches([' ', '\t']))?;
            scheme.params.push((name.to_ascii_lowercase(), value));
            rest = after;
        } else {
            schemes.push(Scheme { name, params: Vec::new() });
            rest = after;
        }
    }
}

fn parameter_value(raw: &str) -> Result<(String, &str), AuthError> {
    let Some(quoted) = raw.strip_prefix('"') else {
        let end = raw.find([',', ' ', '\t', '"']).unwrap_or(raw.len());
        return Ok((raw[..end].to_owned(), &raw[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next().ok_or(AuthError::Malformed)?.1),
            c => value.push(c),
        }
    }
    Err(AuthError::Malformed)
}

/// RFC 9110 §5.6.2 `tchar`.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Writes a header value. Control characters are left out, so nothing can start a new header.
pub(crate) struct Printer {
    text: String,
    first: bool,
}

impl Printer {
    pub(crate) fn new(scheme: &str) -> Self {
        Self { text: scheme.to_owned(), first: true }
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(if self.first { " " } else { ", " });
        self.first = false;
        self.text.push_str(name);
        self.text.push('=');
    }

    pub(crate) fn quoted(&mut self, name: &str, value: &str) {
        self.name(name);
        self.text.push('"');
        for c in value.chars().filter(|c| !c.is_control()) {
            if matches!(c, '"' | '\\') {
                self.text.push('\\');
            }
            self.text.push(c);
        }
        self.text.push('"');
    }

    pub(crate) fn token(&mut self, name: &str, value: &str) {
        self.name(name);
        self.text.extend(value.chars().filter(|c| is_token(*c)));
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
