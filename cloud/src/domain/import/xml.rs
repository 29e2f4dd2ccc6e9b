//! The little of XML that spreadsheets need: elements by their local names, and text. No DOCTYPE, so no entities of its own.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::Unreadable;

/// What comes next. Names are without their prefix.
pub(super) enum Token {
    Start(Element),
    /// The end of the element of this name.
    End(String),
    Text(String),
    Eof,
}

/// An element's name and attributes.
pub(super) struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute by its local name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(super) struct Xml<'a>(quick_xml::Reader<&'a [u8]>);

impl<'a> Xml<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut reader = quick_xml::Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self(reader)
    }

    pub fn next(&mut self) -> Result<Token, Unreadable> {
        loop {
            match self.0.read_event().map_err(|_| broken())? {
                Event::Start(start) | Event::Empty(start) => return element(&start).map(Token::Start),
                Event::End(end) => return Ok(Token::End(local(end.name().into_inner()).to_owned())),
                Event::Text(text) => return Ok(Token::Text(text.xml10_content().into_owned())),
                Event::CData(text) => return Ok(Token::Text(text.into_inner().into_owned())),
                Event::GeneralRef(name) => {
                    let char_ref = name.resolve_char_ref().map_err(|_| broken())?;
                    let known = || resolve_predefined_entity(&name).map(str::to_owned);
                    return char_ref.map(String::from).or_else(known).map(Token::Text).ok_or_else(broken);
                }
                Event::DocType(_) => return Err(broken()),
                Event::Eof => return Ok(Token::Eof),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    /// To the end of an element that has begun.
    pub fn skip(&mut self) -> Result<(), Unreadable> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Token::Start(_) => depth += 1,
                Token::End(_) => depth -= 1,
                Token::Text(_) => {}
                Token::Eof => return Err(broken()),
            }
        }
        Ok(())
    }

    /// All text to the end of an element that has begun, but for what is inside elements of the name `except`.
    pub fn text(&mut self, except: &str) -> Result<String, Unreadable> {
        let (mut text, mut depth) = (String::new(), 1);
        while depth > 0 {
            match self.next()? {
                Token::Start(element) if element.name == except => self.skip()?,
                Token::Start(_) => depth += 1,
                Token::End(_) => depth -= 1,
                Token::Text(piece) => text.push_str(&piece),
                Token::Eof => return Err(broken()),
            }
        }
        Ok(text)
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Unreadable> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| broken())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| broken())?;
        attributes.push((local(attribute.key.into_inner()).to_owned(), value.into_owned()));
        if attributes.len() > 64 {
            return Err(broken());
        }
    }
    Ok(Element { name: local(start.name().into_inner()).to_owned(), attributes })
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

pub(super) fn broken() -> Unreadable {
    Unreadable("The spreadsheet is damaged. Open it and save it again, or save it as CSV (UTF-8).".to_owned())
}
