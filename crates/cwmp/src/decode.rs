//! From bytes to an envelope (TR-069 §3.5): names are compared by namespace and local name, never by prefix.

use crate::error::{CwmpError, ErrorKind};
use crate::fault::Fault;
use crate::guard::{self, Limits};
use crate::message::{CwmpVersion, Envelope, Message};
use crate::reader::{Element, Reader};
use crate::scope::Ns;
use crate::wire::{Field, Res};

/// A POST's body, inflated: nothing but white space is an empty POST (§3.7.1), `None`.
pub fn decode_post(bytes: &[u8], limits: &Limits) -> Result<Option<Envelope>, CwmpError> {
    if bytes.iter().all(u8::is_ascii_whitespace) { Ok(None) } else { decode(bytes, limits).map(Some) }
}

/// One envelope with exactly one RPC or fault. The error carries the message's ID and version where what is wrong is
/// inside the RPC; an error of the document itself (limits, form, encoding) comes before any other and has neither.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Envelope, CwmpError> {
    let text = guard::utf8(bytes, limits)?;
    let mut reader = Reader::new(text, limits);
    let envelope = read_envelope(&mut reader);
    if !reader.is_broken() {
        reader.finish()?;
    }
    envelope
}

#[derive(Default)]
struct Header {
    id: Option<String>,
    hold_requests: bool,
    no_more_requests: bool,
    session_timeout: Option<u32>,
    supported_versions: Option<Vec<CwmpVersion>>,
    use_version: Option<CwmpVersion>,
    version: Option<CwmpVersion>,
}

struct Content {
    version: Option<CwmpVersion>,
    message: Res<Message>,
}

fn not_soap(reason: impl Into<String>) -> CwmpError {
    CwmpError::new(ErrorKind::NotSoap, reason)
}

fn read_envelope(reader: &mut Reader<'_>) -> Res<Envelope> {
    let root = reader.root()?;
    if root.name() != "Envelope" || root.ns != Ns::Soap {
        return Err(not_soap(match root.ns {
            Ns::Soap12 => "the envelope is SOAP 1.2, SOAP 1.1 is expected",
            _ => "the outermost element is not a SOAP 1.1 Envelope",
        }));
    }
    let mut header = None;
    let mut content = None;
    while let Some(child) = reader.child()? {
        match child.name() {
            "Header" if child.ns == Ns::Soap => once(&mut header, "Header", || read_header(reader))?,
            "Body" if child.ns == Ns::Soap => {
                let id = header.as_ref().and_then(|header: &Header| header.id.clone());
                once(&mut content, "Body", || {
                    read_body(reader).map_err(|error| CwmpError { id: id.filter(|_| error.version.is_some()), ..error })
                })?;
            }
            _ => reader.skip()?,
        }
    }
    let header = header.unwrap_or_default();
    let content = content.ok_or_else(|| not_soap("there is no SOAP Body"))?;
    let version = content.version.or(header.version);
    let body = content.message.map_err(|error| CwmpError { id: header.id.clone(), version, ..error })?;
    Ok(Envelope {
        id: header.id,
        hold_requests: header.hold_requests,
        no_more_requests: header.no_more_requests,
        session_timeout: header.session_timeout,
        supported_versions: header.supported_versions,
        use_version: header.use_version,
        version: version.unwrap_or_default(),
        body,
    })
}

fn once<T>(slot: &mut Option<T>, name: &str, read: impl FnOnce() -> Res<T>) -> Res<()> {
    if slot.is_some() {
        return Err(not_soap(format!("there is more than one SOAP {name}")));
    }
    *slot = Some(read()?);
    Ok(())
}

fn read_header(reader: &mut Reader<'_>) -> Res<Header> {
    let mut header = Header::default();
    while let Some(entry) = reader.child()? {
        let Ns::Cwmp(version) = entry.ns else {
            if entry.meant.must_understand {
                return Err(CwmpError::new(ErrorKind::MustUnderstand, "a header we must understand is not ours"));
            }
            reader.skip()?;
            continue;
        };
        header.version = Some(version);
        read_entry(reader, &entry, &mut header)
            .map_err(|error| error.under(&printable(entry.name())).under("Header"))?;
    }
    Ok(header)
}

/// TR-069 §3.5, table "SOAP header elements".
fn read_entry(reader: &mut Reader<'_>, entry: &Element<'_>, header: &mut Header) -> Res<()> {
    match entry.name() {
        "ID" => header.id = Some(String::read(reader, entry)?),
        "HoldRequests" => header.hold_requests = bool::read(reader, entry)?,
        "NoMoreRequests" => header.no_more_requests = bool::read(reader, entry)?,
        "SessionTimeout" => header.session_timeout = Some(u32::read(reader, entry)?),
        "SupportedCWMPVersions" => {
            let labels = reader.text()?;
            header.supported_versions = Some(labels.split(',').filter_map(CwmpVersion::from_label).collect());
        }
        "UseCWMPVersion" => {
            let version = CwmpVersion::from_label(&reader.text()?);
            let unknown = || CwmpError::new(ErrorKind::MustUnderstand, "asks for a version we do not know");
            header.use_version = Some(version.ok_or_else(unknown)?);
        }
        _ if entry.meant.must_understand => {
            return Err(CwmpError::new(ErrorKind::MustUnderstand, "must be understood and is unknown"));
        }
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_body(reader: &mut Reader<'_>) -> Res<Content> {
    let mut only = None;
    let mut count = 0;
    while let Some(rpc) = reader.child()? {
        count += 1;
        if count > 1 {
            reader.skip()?;
            continue;
        }
        let outside = reader.depth() - 1;
        let content = read_rpc(reader, &rpc);
        // One that is over a limit is a message all the same, and is answered as one.
        let broken = |error: CwmpError| CwmpError { version: content.version.filter(|_| error.is_limit()), ..error };
        match content.message {
            Err(error) if reader.is_broken() => return Err(broken(error)),
            // The rest of the element decides nothing any more.
            Err(_) => reader.skip_to(outside).map_err(broken)?,
            Ok(_) => {}
        }
        only = Some(content);
    }
    let refuse = |kind, reason: &str| Content { version: None, message: Err(CwmpError::new(kind, reason)) };
    Ok(match only {
        Some(_) if count > 1 => refuse(ErrorKind::ManyBodies, "the SOAP Body holds more than one element"),
        Some(content) => content,
        None => refuse(ErrorKind::EmptyBody, "the SOAP Body is empty"),
    })
}

fn read_rpc(reader: &mut Reader<'_>, rpc: &Element<'_>) -> Content {
    match rpc.ns {
        Ns::Soap if rpc.name() == "Fault" => read_fault(reader),
        Ns::Cwmp(version) => {
            let message = match Message::read(reader, rpc) {
                Some(message) => message.map_err(|error| error.under(rpc.name())),
                None => {
                    let reason = format!("the method {} is not known", printable(rpc.name()));
                    Err(CwmpError::new(ErrorKind::UnknownMethod, reason))
                }
            };
            Content { version: Some(version), message }
        }
        _ => Content {
            version: None,
            message: Err(CwmpError::new(ErrorKind::Namespace, "the method is in no CWMP namespace")),
        },
    }
}

/// `soap:Fault/detail/cwmp:Fault`. A SOAP fault without detail says nothing we may guess from.
fn read_fault(reader: &mut Reader<'_>) -> Content {
    let mut version = None;
    let message = read_detail(reader, &mut version);
    Content { version, message: message.map_err(|error| error.under("Fault/detail")) }
}

fn read_detail(reader: &mut Reader<'_>, version: &mut Option<CwmpVersion>) -> Res<Message> {
    let mut fault = None;
    let mut said = String::new();
    while let Some(child) = reader.child()? {
        match child.name() {
            "detail" if child.ns.is_ours() => {
                while let Some(entry) = reader.child()? {
                    match entry.ns {
                        Ns::Cwmp(namespace) if entry.name() == "Fault" && fault.is_none() => {
                            *version = Some(namespace);
                            fault = Some(Fault::read(reader, &entry).map_err(|error| error.under("Fault"))?);
                        }
                        _ => reader.skip()?,
                    }
                }
            }
            "faultstring" => said = printable(reader.text()?.trim()),
            _ => reader.skip()?,
        }
    }
    fault
        .map(Message::Fault)
        .ok_or_else(|| CwmpError::new(ErrorKind::Missing, format!("a SOAP fault without CWMP detail: {said}")))
}

/// The peer's words, short enough and harmless enough for a log line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(100).collect()
}
