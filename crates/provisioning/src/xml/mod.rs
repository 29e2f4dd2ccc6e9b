//! `<gs_provision>`: aliases in `<config version="2">`, P-values in `<config version="1">`.

mod cursor;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use read::read;
pub(crate) use write::write;

/// Characters XML 1.0 allows (§2.2).
pub(crate) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}
