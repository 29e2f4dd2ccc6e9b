//! One pass over a document, guarded: well-formed, within the limits, nothing of DTDs, names resolved to namespaces.
//!
//! It hands out borrowed pieces of the text as it goes. Every limit is checked on the way, so a refusal costs no more
//! than the bytes read so far. An error from here concerns the document as a whole and is final.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, Event};

use crate::encode::is_xml_char;
use crate::error::{CwmpError, ErrorKind};
use crate::guard::{Budget, Limits};
use crate::model::XsdType;
use crate::scope::{Ns, Scope};

pub(crate) struct Reader<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    budget: Budget<'a>,
    scope: Scope,
    /// All of it is ASCII: whatever encoding is declared is right.
    is_ascii: bool,
    /// The outermost element has begun.
    begun: bool,
    broken: bool,
}

/// The start of an element. Whoever gets one reads on to its end.
pub(crate) struct Element<'a> {
    start: BytesStart<'a>,
    pub(crate) ns: Ns,
    pub(crate) meant: Meant,
}

/// The attributes that mean something here.
#[derive(Default)]
pub(crate) struct Meant {
    /// `xsi:type`, by local name.
    pub(crate) xsi_type: Option<XsdType>,
    /// `soap:mustUnderstand="1"`.
    pub(crate) must_understand: bool,
}

impl Element<'_> {
    /// The local name.
    pub(crate) fn name(&self) -> &str {
        split(self.start.name().into_inner()).1
    }
}

enum Token<'a> {
    Start(Element<'a>),
    End,
    /// Text or CDATA as it came.
    Text(Cow<'a, str>),
    /// What a reference stands for.
    Reference(Cow<'a, str>),
    Eof,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, limits: &'a Limits) -> Self {
        let mut xml = quick_xml::Reader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        let budget = Budget::new(limits);
        Self { xml, budget, scope: Scope::default(), is_ascii: text.is_ascii(), begun: false, broken: false }
    }

    /// The outermost element.
    pub(crate) fn root(&mut self) -> Result<Element<'a>, CwmpError> {
        loop {
            match self.next()? {
                Token::Start(element) => return Ok(element),
                Token::Eof => return Err(self.broken(ill("there is no element"))),
                Token::End | Token::Text(_) | Token::Reference(_) => {}
            }
        }
    }

    /// The next element inside the one being read; `None`: its end. Text between is dropped.
    pub(crate) fn child(&mut self) -> Result<Option<Element<'a>>, CwmpError> {
        loop {
            match self.next()? {
                Token::Start(element) => return Ok(Some(element)),
                Token::Text(_) | Token::Reference(_) => {}
                Token::End | Token::Eof => return Ok(None),
            }
        }
    }

    /// The text of an element that has no others inside, to its end.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, CwmpError> {
        let mut text = Cow::Borrowed("");
        loop {
            let piece = match self.next()? {
                Token::Text(piece) => clean(piece),
                Token::Reference(piece) => piece,
                Token::End | Token::Eof => return Ok(text),
                Token::Start(_) => {
                    return Err(CwmpError::new(ErrorKind::Invalid, "holds elements where a value is expected"));
                }
            };
            if text.is_empty() {
                text = piece;
            } else {
                self.check(|reader| reader.budget.text(text.len() + piece.len()))?;
                text.to_mut().push_str(&piece);
            }
        }
    }

    /// Elements open.
    pub(crate) fn depth(&self) -> usize {
        self.budget.depth()
    }

    /// To the end of the element being read.
    pub(crate) fn skip(&mut self) -> Result<(), CwmpError> {
        self.skip_to(self.depth().saturating_sub(1))
    }

    /// On until no more elements than this are open.
    pub(crate) fn skip_to(&mut self, depth: usize) -> Result<(), CwmpError> {
        while self.depth() > depth {
            self.next()?;
        }
        Ok(())
    }

    /// The rest of the document. Nothing more to say after an error of ours.
    pub(crate) fn finish(&mut self) -> Result<(), CwmpError> {
        while !self.broken && !matches!(self.next()?, Token::Eof) {}
        Ok(())
    }

    /// The document itself is refused, not what it says.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    fn broken(&mut self, error: CwmpError) -> CwmpError {
        self.broken = true;
        error
    }

    fn check<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, CwmpError>) -> Result<T, CwmpError> {
        let result = work(self);
        self.broken |= result.is_err();
        result
    }

    fn next(&mut self) -> Result<Token<'a>, CwmpError> {
        self.check(Self::token)
    }

    fn token(&mut self) -> Result<Token<'a>, CwmpError> {
        loop {
            match self.xml.read_event().map_err(|_| ill("the message is not well-formed XML"))? {
                Event::Start(start) | Event::Empty(start) => return self.element(start).map(Token::Start),
                Event::End(_) => {
                    self.scope.close(self.budget.depth());
                    self.budget.close();
                    return Ok(Token::End);
                }
                Event::Text(part) if self.depth() > 0 => return self.piece(part.into_inner()),
                Event::Text(part) if part.trim().is_empty() => {}
                Event::CData(part) if self.depth() > 0 => return self.piece(part.into_inner()),
                Event::GeneralRef(name) if self.depth() > 0 => return resolve(&name).map(Token::Reference),
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(ill("there is text outside the outermost element"));
                }
                Event::Comment(_) => {}
                Event::Decl(declaration) => self.declaration(&declaration)?,
                Event::DocType(_) => return Err(CwmpError::new(ErrorKind::Doctype, "a DOCTYPE is not accepted")),
                Event::PI(_) => {
                    let reason = "a processing instruction is not accepted";
                    return Err(CwmpError::new(ErrorKind::ProcessingInstruction, reason));
                }
                Event::Eof if self.depth() > 0 => return Err(ill("the document ends inside an element")),
                Event::Eof => return Ok(Token::Eof),
            }
        }
    }

    fn element(&mut self, start: BytesStart<'a>) -> Result<Element<'a>, CwmpError> {
        if self.begun && self.depth() == 0 {
            return Err(ill("there is more than one outermost element"));
        }
        self.begun = true;
        self.budget.open()?;
        let mut element = Element { start, ns: Ns::None, meant: Meant::default() };
        let attributes = element.start.attributes_raw();
        if !attributes.is_empty() {
            // What an element declares holds for all of its own names.
            if attributes.as_bytes().windows(5).any(|name| name == b"xmlns") {
                self.declarations(&element.start)?;
            }
            self.attributes(&mut element)?;
        }
        element.ns = self.scope.element(split(element.start.name().into_inner()).0);
        Ok(element)
    }

    fn declarations(&mut self, start: &BytesStart<'_>) -> Result<(), CwmpError> {
        for (i, attribute) in start.attributes().with_checks(false).enumerate() {
            let attribute = attribute.map_err(|_| ill(ATTRIBUTE))?;
            self.budget.attributes(i + 1)?;
            let prefix = match attribute.key.into_inner() {
                "xmlns" => "",
                key => match key.strip_prefix("xmlns:") {
                    Some(prefix) => prefix,
                    None => continue,
                },
            };
            self.scope.bind(self.budget.depth(), prefix, &value(&attribute)?)?;
        }
        Ok(())
    }

    fn attributes(&self, element: &mut Element<'a>) -> Result<(), CwmpError> {
        let Element { start, meant, .. } = element;
        if let Some((key, value)) = only_attribute(start.attributes_raw()) {
            self.budget.text(value.len())?;
            self.attribute(key, value, meant);
            return Ok(());
        }
        for (i, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| ill(ATTRIBUTE))?;
            self.budget.attributes(i + 1)?;
            self.budget.text(attribute.value.len())?;
            self.attribute(attribute.key.into_inner(), &value(&attribute)?, meant);
        }
        Ok(())
    }

    fn attribute(&self, key: &str, value: &str, meant: &mut Meant) {
        let (prefix, name) = split(key);
        match name {
            // Undeclared: phones that forget xmlns:xsi.
            "type" if matches!(self.scope.attribute(prefix), Ns::Xsi | Ns::Undeclared) => {
                meant.xsi_type = Some(XsdType::from_name(value));
            }
            "mustUnderstand" if self.scope.attribute(prefix) == Ns::Soap => {
                meant.must_understand = value.trim() == "1";
            }
            _ => {}
        }
    }

    fn piece(&self, piece: Cow<'a, str>) -> Result<Token<'a>, CwmpError> {
        self.budget.text(piece.len())?;
        Ok(Token::Text(piece))
    }

    /// Another encoding declared is no harm as long as all is ASCII.
    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), CwmpError> {
        if self.begun {
            return Err(ill("the XML declaration is not at the start"));
        }
        let Some(encoding) = declaration.encoding() else {
            return Ok(());
        };
        let encoding = encoding.map_err(|_| ill("the XML declaration is malformed"))?;
        if encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("utf8") || self.is_ascii {
            return Ok(());
        }
        Err(CwmpError::new(ErrorKind::Encoding, "another encoding than UTF-8 is declared"))
    }
}

const ATTRIBUTE: &str = "an attribute is malformed or there twice";

/// Prefix, empty for none, and local name.
fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// ` key="value"` and nothing else, without anything to resolve: the one attribute of nearly every value. `None` is for
/// the thorough way.
fn only_attribute(attributes: &str) -> Option<(&str, &str)> {
    let (key, value) = attributes.strip_prefix(' ')?.split_once("=\"")?;
    let value = value.strip_suffix('"')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-' | b'.' | b'[' | b']');
    let is_name = !key.is_empty() && key.bytes().all(plain);
    (is_name && value.bytes().all(plain)).then_some((key, value))
}

fn value<'a>(attribute: &Attribute<'a>) -> Result<Cow<'a, str>, CwmpError> {
    if !attribute.value.contains('&') {
        return Ok(attribute.value.clone());
    }
    let text = attribute.normalized_value(XmlVersion::Implicit1_0);
    text.map_err(|_| CwmpError::new(ErrorKind::Entity, "an attribute holds an entity we do not know"))
}

/// Line ends become line feeds. Characters XML does not allow, which some phones send all the same, become U+FFFD:
/// databases refuse U+0000.
fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    // U+FFFE and U+FFFF begin with 0xEF. No early exit: this goes over all values there are.
    if !text.bytes().fold(false, |found, b| found | (b < b' ') | (b == 0xef)) {
        return text;
    }
    let allowed = |c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER };
    let ends = if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text };
    if ends.chars().all(is_xml_char) { ends } else { Cow::Owned(ends.chars().map(allowed).collect()) }
}

/// One of the five entities, or a character by number.
fn resolve<'a>(name: &str) -> Result<Cow<'a, str>, CwmpError> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        let c = code.ok().and_then(char::from_u32).ok_or_else(|| ill("a character reference names no character"))?;
        let c = if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER };
        return Ok(Cow::Owned(c.to_string()));
    }
    Ok(Cow::Borrowed(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(CwmpError::new(ErrorKind::Entity, "the text holds an entity we do not know")),
    }))
}

fn ill(reason: &str) -> CwmpError {
    CwmpError::new(ErrorKind::Malformed, reason)
}
