//! From bytes to an envelope (TR-069 §3.5): names are compared by namespace and local name, never by prefix.

use crate::error::{CwmpError, ErrorKind};
use crate::fault::Fault;
use crate::guard::{self, Limits};
use crate::message::{CwmpVersion, Envelope, Message};
use crate::tree::{self, Node, Ns};
use crate::wire::{Element, Res, child};

/// Headers we know; all but the first three are read over (TR-069 §3.5, table "SOAP header elements").
const HEADERS: [&str; 6] =
    ["ID", "HoldRequests", "NoMoreRequests", "SessionTimeout", "SupportedCWMPVersions", "UseCWMPVersion"];

/// A POST's body, inflated: nothing but white space is an empty POST (§3.7.1), `None`.
pub fn decode_post(bytes: &[u8], limits: &Limits) -> Result<Option<Envelope>, CwmpError> {
    if bytes.iter().all(u8::is_ascii_whitespace) { Ok(None) } else { decode(bytes, limits).map(Some) }
}

/// One envelope with exactly one RPC or fault. The error carries the message's ID as soon as that could be read.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Envelope, CwmpError> {
    let text = guard::utf8(bytes, limits)?;
    let root = tree::parse(text, limits)?;
    if root.name != "Envelope" || root.ns != Ns::Soap {
        let reason = match root.ns {
            Ns::Soap12 => "the envelope is SOAP 1.2, SOAP 1.1 is expected",
            _ => "the outermost element is not a SOAP 1.1 Envelope",
        };
        return Err(CwmpError::new(ErrorKind::NotSoap, reason));
    }
    let header = one(&root, "Header")?.map(read_header).transpose()?.unwrap_or_default();
    let body = one(&root, "Body")?.ok_or_else(|| CwmpError::new(ErrorKind::NotSoap, "there is no SOAP Body"))?;
    let content = read_body(body);
    let version = content.version.or(header.version);
    let body = content.message.map_err(|error| CwmpError { id: header.id.clone(), version, ..error })?;
    Ok(Envelope {
        id: header.id,
        hold_requests: header.hold_requests,
        no_more_requests: header.no_more_requests,
        version: version.unwrap_or_default(),
        body,
    })
}

#[derive(Default)]
struct Header {
    id: Option<String>,
    hold_requests: bool,
    no_more_requests: bool,
    version: Option<CwmpVersion>,
}

struct Content {
    version: Option<CwmpVersion>,
    message: Res<Message>,
}

/// The SOAP child of this name, of which there may be one.
fn one<'a>(root: &'a Node, name: &str) -> Res<Option<&'a Node>> {
    let mut named = root.children.iter().filter(|child| child.name == name && child.ns == Ns::Soap);
    let first = named.next();
    if named.next().is_some() {
        return Err(CwmpError::new(ErrorKind::NotSoap, format!("there is more than one SOAP {name}")));
    }
    Ok(first)
}

fn read_header(node: &Node) -> Res<Header> {
    let mut header = Header::default();
    for entry in &node.children {
        let Ns::Cwmp(version) = entry.ns else {
            if entry.must_understand {
                return Err(CwmpError::new(ErrorKind::MustUnderstand, "a header we must understand is not ours"));
            }
            continue;
        };
        header.version = Some(version);
        match entry.name.as_str() {
            "ID" => header.id = Some(read_entry(entry)?),
            "HoldRequests" => header.hold_requests = read_entry(entry)?,
            "NoMoreRequests" => header.no_more_requests = read_entry(entry)?,
            name if entry.must_understand && !HEADERS.contains(&name) => {
                return Err(CwmpError::new(ErrorKind::MustUnderstand, "a header we must understand is unknown"));
            }
            _ => {}
        }
    }
    Ok(header)
}

fn read_entry<T: Element>(entry: &Node) -> Res<T> {
    T::read(entry).map_err(|error| error.under(&entry.name).under("Header"))
}

fn read_body(body: &Node) -> Content {
    let refuse = |version, kind, reason: &str| Content { version, message: Err(CwmpError::new(kind, reason)) };
    let rpc = match body.children.as_slice() {
        [rpc] => rpc,
        [] => return refuse(None, ErrorKind::EmptyBody, "the SOAP Body is empty"),
        _ => return refuse(None, ErrorKind::ManyBodies, "the SOAP Body holds more than one element"),
    };
    match rpc.ns {
        Ns::Soap if rpc.name == "Fault" => read_fault(rpc),
        Ns::Cwmp(version) => {
            let message = Message::read(rpc).unwrap_or_else(|| {
                Err(CwmpError::new(
                    ErrorKind::UnknownMethod,
                    format!("the method {} is not known", printable(&rpc.name)),
                ))
            });
            let message = message.map_err(|error| match error.kind {
                ErrorKind::UnknownMethod => error,
                _ => error.under(&rpc.name),
            });
            Content { version: Some(version), message }
        }
        _ => refuse(None, ErrorKind::Namespace, "the method is in no CWMP namespace"),
    }
}

/// `soap:Fault/detail/cwmp:Fault`. A SOAP fault without detail says nothing we may guess from.
fn read_fault(node: &Node) -> Content {
    let read = || {
        let detail = child(node, "detail")?;
        let fault = detail.and_then(|detail| {
            detail.children.iter().find_map(|child| match child.ns {
                Ns::Cwmp(version) if child.name == "Fault" => Some((version, child)),
                _ => None,
            })
        });
        match fault {
            Some((version, fault)) => {
                Ok((version, Fault::read(fault).map_err(|error| error.under("Fault/detail/Fault"))))
            }
            None => {
                let said = child(node, "faultstring")?.map_or("", |said| said.text.trim());
                let reason = format!("a SOAP fault without CWMP detail: {}", printable(said));
                Err(CwmpError::new(ErrorKind::Missing, reason).under("Fault/detail"))
            }
        }
    };
    match read() {
        Ok((version, fault)) => Content { version: Some(version), message: fault.map(Message::Fault) },
        Err(error) => Content { version: None, message: Err(error) },
    }
}

/// The peer's words, short enough and harmless enough for a log line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(100).collect()
}
