//! Cutting header values apart where quoting allows it (RFC 3261 §25.1).

/// Linear white space, as it may surround separators (folds are blanks by now).
pub(crate) fn is_lws(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// RFC 3261 `token` character.
pub(crate) fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)
}

/// A non-empty RFC 3261 `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// The pieces of a value between separators that stand outside quotes, angle brackets and (if asked) comments.
/// Pieces are trimmed and may be empty.
pub(crate) struct Split<'a> {
    rest: Option<&'a str>,
    separator: char,
    comments: bool,
}

/// Splits at `separator`; parentheses mean nothing.
pub(crate) fn split(text: &str, separator: char) -> Split<'_> {
    Split { rest: Some(text), separator, comments: false }
}

/// Splits at `separator`, not inside comments.
pub(crate) fn split_with_comments(text: &str, separator: char) -> Split<'_> {
    Split { rest: Some(text), separator, comments: true }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (piece, remainder) = match find_outside(rest, self.separator, self.comments) {
            Some(at) => (rest.get(..at)?, rest.get(at + self.separator.len_utf8()..)),
            None => (rest, None),
        };
        self.rest = remainder;
        Some(piece.trim_matches(is_lws))
    }
}

/// Where `wanted` first stands outside quotes, angle brackets and (if asked) comments.
pub(crate) fn find_outside(text: &str, wanted: char, comments: bool) -> Option<usize> {
    let (mut quoted, mut escaped, mut angle, mut depth) = (false, false, false, 0u32);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted {
            match c {
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
        } else if depth > 0 {
            match c {
                '\\' => escaped = true,
                '(' => depth = depth.saturating_add(1),
                ')' => depth -= 1,
                _ => {}
            }
        } else if c == wanted && !angle {
            return Some(at);
        } else {
            match c {
                // Within <> a quote is no quote: URIs escape it, and broken ones must not swallow the rest.
                '"' if !angle => quoted = true,
                '<' => angle = true,
                '>' => angle = false,
                '(' if comments && !angle => depth = 1,
                _ => {}
            }
        }
    }
    None
}

/// Takes a quoted string off the front of `text` (which begins with `"`): its unescaped content and what follows.
/// `None` if it has no end.
pub(crate) fn take_quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut content = String::new();
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        if escaped {
            content.push(c);
            escaped = false;
        } else {
            match c {
                '\\' => escaped = true,
                '"' => return Some((content, inner.get(at + 1..)?)),
                _ => content.push(c),
            }
        }
    }
    None
}

/// Writes `text` as a quoted string. Control characters, which a quoted string may not hold, become blanks.
pub(crate) fn write_quoted(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    use std::fmt::Write;
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                f.write_char('\\')?;
                f.write_char(c)?;
            }
            c if c.is_control() => f.write_char(' ')?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// `text` without its comments, which become blanks.
pub(crate) fn strip_comments(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('(') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = find_outside(rest, '(', false) {
        plain.push_str(rest.get(..open).unwrap_or_default());
        plain.push(' ');
        rest = after_comment(rest.get(open..).unwrap_or_default());
    }
    plain.push_str(rest);
    plain.into()
}

/// What follows the comment `text` begins with; nothing if it has no end.
fn after_comment(text: &str) -> &str {
    let (mut depth, mut escaped) = (0u32, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth = depth.saturating_add(1),
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return text.get(at + 1..).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    ""
}
