//! One pass over an XML file, within the limits: elements and text. No DTD, so no entities but XML's own five.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesStart, Event};

use super::is_xml_char;
use crate::{
    error::{ErrorKind, Place, ReadError},
    limits::Limits,
};

pub(crate) struct Cursor<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    text: &'a str,
    limits: &'a Limits,
    open: usize,
    begun: bool,
    /// Bytes of the text whose lines are counted already, and how many they were.
    counted: (usize, usize),
}

/// An element's start. Who gets one reads on to its end.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) place: Place,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) enum Token<'a> {
    Start(Element),
    End,
    /// A piece of text, references resolved.
    Text(Cow<'a, str>),
    /// Nothing is open and nothing follows.
    Eof,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, limits: &'a Limits) -> Self {
        let mut xml = quick_xml::Reader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        Self { xml, text, limits, open: 0, begun: false, counted: (0, 1) }
    }

    /// Where the cursor stands. Goes forward only, so that counting lines stays linear.
    pub(crate) fn place(&mut self) -> Place {
        let here = usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
        let (from, line) = self.counted;
        if let Some(new) = self.text.as_bytes().get(from..here) {
            self.counted = (here, line + new.iter().filter(|b| **b == b'\n').count());
        }
        Place::Line(self.counted.1)
    }

    pub(crate) fn error(&mut self, kind: ErrorKind, reason: impl Into<String>) -> ReadError {
        ReadError::new(kind, self.place(), reason)
    }

    fn ill(&mut self, reason: &str) -> ReadError {
        self.error(ErrorKind::Malformed, reason)
    }

    pub(crate) fn next(&mut self) -> Result<Token<'a>, ReadError> {
        loop {
            let event = match self.xml.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.ill(&format!("it is not well-formed XML: {}", plain(&error)))),
            };
            match event {
                Event::Start(start) | Event::Empty(start) => return self.start(&start).map(Token::Start),
                Event::End(_) => {
                    self.open = self.open.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(text) if self.open > 0 => return self.piece(text.into_inner()),
                Event::CData(text) if self.open > 0 => return self.piece(text.into_inner()),
                Event::GeneralRef(name) if self.open > 0 => return self.reference(&name),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.ill("there is text outside the outermost element"));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(declaration) => self.declaration(&declaration)?,
                Event::DocType(_) => return Err(self.error(ErrorKind::Doctype, "a DOCTYPE is not accepted")),
                Event::Eof if self.open > 0 => return Err(self.ill("the file ends inside an element")),
                Event::Eof => return Ok(Token::Eof),
            }
        }
    }

    /// The text of the element being read, to its end. `None` where elements are inside.
    pub(crate) fn value(&mut self) -> Result<Option<String>, ReadError> {
        let mut text = String::new();
        let mut plain = true;
        let depth = self.open;
        loop {
            match self.next()? {
                Token::Text(piece) => self.append(&mut text, &piece)?,
                Token::Start(_) => plain = false,
                Token::End if self.open < depth => return Ok(plain.then_some(text)),
                Token::End => {}
                Token::Eof => return Ok(None),
            }
        }
    }

    /// Adds a piece to a value, within its limit.
    pub(crate) fn append(&mut self, text: &mut String, piece: &str) -> Result<(), ReadError> {
        if text.len() + piece.len() > self.limits.value {
            let most = self.limits.value;
            return Err(self.error(ErrorKind::Limit, format!("a value has at most {most} bytes")));
        }
        text.push_str(piece);
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Element, ReadError> {
        if self.begun && self.open == 0 {
            return Err(self.ill("there is more than one outermost element"));
        }
        self.begun = true;
        self.open += 1;
        if self.open > self.limits.depth {
            let most = self.limits.depth;
            return Err(self.error(ErrorKind::Limit, format!("elements are inside each other more than {most} deep")));
        }
        let name = start.name().into_inner();
        let mut element = Element { name: self.name(name)?, place: self.place(), attributes: vec![] };
        for attribute in start.attributes().with_checks(false) {
            let Ok(attribute) = attribute else {
                return Err(self.ill("an attribute is malformed").named(name));
            };
            if element.attributes.len() >= self.limits.attributes {
                return Err(self.error(ErrorKind::Limit, "it has too many attributes").named(name));
            }
            if attribute.value.len() > self.limits.value {
                return Err(self.error(ErrorKind::Limit, "an attribute is too long").named(name));
            }
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else {
                return Err(self.error(ErrorKind::Doctype, "an attribute holds an entity we do not know").named(name));
            };
            let key = attribute.key.into_inner().to_owned();
            if element.attribute(&key).is_some() {
                return Err(self.ill("an attribute is there twice").named(name));
            }
            let value = value.into_owned();
            element.attributes.push((key, value));
        }
        Ok(element)
    }

    fn name(&mut self, name: &str) -> Result<String, ReadError> {
        if name.len() > self.limits.name {
            return Err(self.error(ErrorKind::Limit, "an element's name is too long").named(name));
        }
        Ok(name.to_owned())
    }

    /// Line ends become line feeds (§2.11).
    fn piece(&mut self, text: Cow<'a, str>) -> Result<Token<'a>, ReadError> {
        if !text.chars().all(is_xml_char) {
            return Err(self.ill("it holds a character XML does not allow"));
        }
        Ok(Token::Text(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text }))
    }

    fn reference(&mut self, name: &str) -> Result<Token<'a>, ReadError> {
        let known = match name {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => {
                let Some(number) = name.strip_prefix('#') else {
                    return Err(self.error(ErrorKind::Doctype, "it holds an entity we do not know").named(name));
                };
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                let c = code.ok().and_then(char::from_u32).filter(|c| is_xml_char(*c));
                let c = c.ok_or_else(|| self.ill("a character reference names no character XML allows"))?;
                return Ok(Token::Text(c.to_string().into()));
            }
        };
        Ok(Token::Text(known.into()))
    }

    /// Another encoding declared is no harm as long as all is ASCII.
    fn declaration(&mut self, declaration: &BytesDecl<'_>) -> Result<(), ReadError> {
        if self.begun {
            return Err(self.ill("the XML declaration is not at the start"));
        }
        let fine = match declaration.encoding() {
            None => true,
            Some(Ok(encoding)) => {
                encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("utf8") || self.text.is_ascii()
            }
            Some(Err(_)) => return Err(self.ill("the XML declaration is malformed")),
        };
        if fine { Ok(()) } else { Err(self.error(ErrorKind::Encoding, "another encoding than UTF-8 is declared")) }
    }
}

/// What the XML library says, without pieces of the file in it: they may be secret.
fn plain(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "something is not closed",
        quick_xml::Error::IllFormed(_) => "an end tag does not fit its start tag, or a name is missing",
        quick_xml::Error::InvalidAttr(_) => "an attribute is malformed",
        quick_xml::Error::Escape(_) => "an & is not written &amp;",
        _ => "it cannot be read",
    }
}
