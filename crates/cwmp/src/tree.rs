//! A guarded document: well-formed, within the limits, nothing of DTDs, names resolved to namespaces.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::Error as XmlError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};
use quick_xml::reader::NsReader;

use crate::encode::is_xml_char;
use crate::error::{CwmpError, ErrorKind};
use crate::guard::{Budget, Limits};
use crate::message::CwmpVersion;

pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Declarations in force at once. Every name is looked up among them, so they are few; phones need about six.
const MAX_NAMESPACES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ns {
    /// No prefix, no default namespace: what TR-069 wants inside an RPC.
    None,
    Soap,
    Soap12,
    Cwmp(CwmpVersion),
    Xsi,
    /// A prefix nobody declared.
    Undeclared,
    Other,
}

impl Ns {
    /// For elements inside an RPC: those should have no namespace, but some phones qualify them with the RPC's, or let
    /// the envelope's default namespace leak in.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::None | Self::Cwmp(_) | Self::Soap)
    }

    fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Unbound => Self::None,
            ResolveResult::Unknown(_) => Self::Undeclared,
            ResolveResult::Bound(Namespace(SOAP)) => Self::Soap,
            ResolveResult::Bound(Namespace(XSI)) => Self::Xsi,
            ResolveResult::Bound(Namespace(SOAP_1_2)) => Self::Soap12,
            ResolveResult::Bound(Namespace(uri)) => CwmpVersion::from_namespace(uri).map_or(Self::Other, Self::Cwmp),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) ns: Ns,
    /// The local name.
    pub(crate) name: String,
    /// All text and CDATA directly inside, in order, entities resolved.
    pub(crate) text: String,
    pub(crate) xsi_type: Option<String>,
    /// `soap:mustUnderstand="1"`.
    pub(crate) must_understand: bool,
    pub(crate) children: Vec<Node>,
}

/// Reads the whole document, in time linear in its length.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Node, CwmpError> {
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
    let mut budget = Budget::new(limits);
    let mut open: Vec<Node> = Vec::new();
    let mut root = None;
    loop {
        let (resolved, event) = reader.read_resolved_event().map_err(malformed)?;
        let ns = Ns::of(&resolved);
        match event {
            Event::Start(start) => {
                let node = element(ns, &start, reader.resolver(), &mut budget, root.is_some())?;
                open.push(node);
            }
            Event::Empty(start) => {
                let node = element(ns, &start, reader.resolver(), &mut budget, root.is_some())?;
                budget.close();
                close(node, &mut open, &mut root);
            }
            Event::End(_) => {
                budget.close();
                if let Some(node) = open.pop() {
                    close(node, &mut open, &mut root);
                }
            }
            Event::Text(part) => add_text(&mut open, &part.xml10_content(), &budget)?,
            Event::CData(part) => add_text(&mut open, &part.xml10_content(), &budget)?,
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                add_text(&mut open, resolve(&reference)?.encode_utf8(&mut buffer), &budget)?;
            }
            Event::Comment(_) => {}
            Event::Decl(declaration) => check_declaration(&declaration, text)?,
            Event::DocType(_) => return Err(CwmpError::new(ErrorKind::Doctype, "a DOCTYPE is not accepted")),
            Event::PI(_) => {
                let reason = "a processing instruction is not accepted";
                return Err(CwmpError::new(ErrorKind::ProcessingInstruction, reason));
            }
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        Some(_) | None if !open.is_empty() => Err(ill("the document ends inside an element")),
        _ => Err(ill("there is no element")),
    }
}

fn element(
    ns: Ns,
    start: &BytesStart<'_>,
    resolver: &NamespaceResolver,
    budget: &mut Budget<'_>,
    after_root: bool,
) -> Result<Node, CwmpError> {
    if after_root {
        return Err(ill("there is more than one outermost element"));
    }
    budget.open()?;
    let name = start.local_name().into_inner().to_owned();
    let mut node = Node { ns, name, text: String::new(), xsi_type: None, must_understand: false, children: Vec::new() };
    let mut count = 0;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| ill("an attribute is malformed or there twice"))?;
        count += 1;
        budget.attributes(count)?;
        budget.text(attribute.value.len())?;
        let value = if attribute.value.contains('&') {
            let text = attribute.normalized_value(XmlVersion::Implicit1_0);
            text.map_err(|_| CwmpError::new(ErrorKind::Entity, "an attribute holds an entity we do not know"))?
        } else {
            Cow::Borrowed(&*attribute.value)
        };
        let (resolved, local) = resolver.resolve_attribute(attribute.key);
        match (Ns::of(&resolved), local.into_inner()) {
            // Undeclared: phones that forget xmlns:xsi.
            (Ns::Xsi | Ns::Undeclared, "type") => node.xsi_type = Some(value.into_owned()),
            (Ns::Soap, "mustUnderstand") => node.must_understand = value.trim() == "1",
            _ => {}
        }
    }
    Ok(node)
}

fn close(node: Node, open: &mut [Node], root: &mut Option<Node>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None => *root = Some(node),
    }
}

/// Characters XML does not allow, which some phones send all the same, become U+FFFD: databases refuse U+0000.
fn add_text(open: &mut [Node], text: &str, budget: &Budget<'_>) -> Result<(), CwmpError> {
    let Some(node) = open.last_mut() else {
        return if text.trim().is_empty() { Ok(()) } else { Err(ill("there is text outside the outermost element")) };
    };
    budget.text(node.text.len() + text.len())?;
    if text.chars().all(is_xml_char) {
        node.text.push_str(text);
    } else {
        node.text.extend(text.chars().map(|c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER }));
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, CwmpError> {
    let name: &str = reference;
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).ok_or_else(|| ill("a character reference names no character"));
    }
    Ok(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            return Err(CwmpError::new(ErrorKind::Entity, "the text holds an entity we do not know"));
        }
    })
}

/// Another encoding declared is no harm as long as all is ASCII.
fn check_declaration(declaration: &BytesDecl<'_>, text: &str) -> Result<(), CwmpError> {
    let Some(encoding) = declaration.encoding() else {
        return Ok(());
    };
    let encoding = encoding.map_err(|_| ill("the XML declaration is malformed"))?;
    if encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("utf8") || text.is_ascii() {
        return Ok(());
    }
    Err(CwmpError::new(ErrorKind::Encoding, "another encoding than UTF-8 is declared"))
}

fn ill(reason: &str) -> CwmpError {
    CwmpError::new(ErrorKind::Malformed, reason)
}

fn malformed(error: XmlError) -> CwmpError {
    match error {
        XmlError::Namespace(_) => {
            CwmpError::new(ErrorKind::TooMany, "namespace declarations are too many or not allowed")
        }
        _ => ill("the message is not well-formed XML"),
    }
}
