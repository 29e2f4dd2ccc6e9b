//! Writing envelopes (TR-069 §3.5). Prefixes are the ones widespread servers use, so phones that look at prefixes cope.

use crate::fault::Fault;
use crate::message::{Envelope, Message};
use crate::model::XsdType;
use crate::wire::Field;

/// Always well-formed: characters XML 1.0 cannot hold are written as U+FFFD. A caller who would rather refuse them asks
/// [`illegal_char`] first.
pub fn encode(envelope: &Envelope) -> String {
    let mut out = Writer { text: String::with_capacity(1024), next_type: None };
    out.text.push_str(concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "\n",
        r#"<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/""#,
        r#" xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/""#,
        r#" xmlns:xsd="http://www.w3.org/2001/XMLSchema""#,
        r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp=""#,
    ));
    out.text.push_str(envelope.version.namespace());
    out.text.push_str("\">");
    header(envelope, &mut out);
    out.open("soap-env:Body");
    match &envelope.body {
        Message::Fault(fault) => soap_fault(fault, &mut out),
        message => message.write(&mut out),
    }
    out.close("soap-env:Body");
    out.close("soap-env:Envelope");
    out.text
}

/// The first character of `text` that no XML 1.0 document can hold, such as U+0000.
pub fn illegal_char(text: &str) -> Option<char> {
    text.chars().find(|&c| !is_xml_char(c))
}

/// XML 1.0 §2.2 `Char`.
pub(crate) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn header(envelope: &Envelope, out: &mut Writer) {
    let Envelope { id, hold_requests, no_more_requests, session_timeout, supported_versions, use_version, .. } =
        envelope;
    let timeout_or_versions = session_timeout.is_some() || supported_versions.is_some() || use_version.is_some();
    if id.is_none() && !hold_requests && !no_more_requests && !timeout_or_versions {
        return;
    }
    out.open("soap-env:Header");
    if let Some(id) = id {
        out.header("cwmp:ID", "1", id);
    }
    if *hold_requests {
        out.header("cwmp:HoldRequests", "1", "1");
    }
    if *no_more_requests {
        out.leaf("cwmp:NoMoreRequests", "1");
    }
    if let Some(seconds) = session_timeout {
        out.header("cwmp:SessionTimeout", "0", &seconds.to_string());
    }
    if let Some(versions) = supported_versions {
        let labels: Vec<&str> = versions.iter().map(|version| version.label()).collect();
        out.header("cwmp:SupportedCWMPVersions", "0", &labels.join(","));
    }
    if let Some(version) = use_version {
        out.header("cwmp:UseCWMPVersion", "1", version.label());
    }
    out.close("soap-env:Header");
}

/// SOAP §4.4; the strings are what TR-069 §3.5 prescribes.
fn soap_fault(fault: &Fault, out: &mut Writer) {
    out.open("soap-env:Fault");
    out.leaf("faultcode", fault.soap_code());
    out.leaf("faultstring", "CWMP fault");
    out.open("detail");
    fault.write("cwmp:Fault", out);
    out.close("detail");
    out.close("soap-env:Fault");
}

pub(crate) struct Writer {
    text: String,
    /// The `xsi:type` of the element opened next.
    next_type: Option<&'static str>,
}

impl Writer {
    pub(crate) fn set_type(&mut self, type_: &'static str) {
        self.next_type = Some(type_);
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.start(name);
        if let Some(type_) = self.next_type.take() {
            self.text.push_str(" xsi:type=\"");
            self.text.push_str(type_);
            self.text.push('"');
        }
        self.text.push('>');
    }

    /// An empty array is written whole: `false`, nothing to close.
    pub(crate) fn open_array(&mut self, name: &str, item_type: &str, count: usize) -> bool {
        self.start(name);
        self.text.push_str(" soap-enc:arrayType=\"");
        self.text.push_str(item_type);
        self.text.push('[');
        self.text.push_str(&count.to_string());
        self.text.push_str(if count == 0 { "]\"/>" } else { "]\">" });
        count > 0
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    pub(crate) fn empty(&mut self, name: &str) {
        self.start(name);
        self.text.push_str("/>");
    }

    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.start(name);
        self.rest(name, text);
    }

    pub(crate) fn typed(&mut self, name: &str, type_: &XsdType, text: &str) {
        self.start(name);
        self.text.push_str(" xsi:type=\"xsd:");
        self.text.extend(type_.name().chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
        self.text.push('"');
        self.rest(name, text);
    }

    fn header(&mut self, name: &str, must_understand: &str, text: &str) {
        self.start(name);
        self.text.push_str(" soap-env:mustUnderstand=\"");
        self.text.push_str(must_understand);
        self.text.push('"');
        self.rest(name, text);
    }

    fn start(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
    }

    fn rest(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.text.push_str("/>");
            return;
        }
        self.text.push('>');
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                // A bare one would be read as a line feed.
                '\r' => self.text.push_str("&#13;"),
                c if is_xml_char(c) => self.text.push(c),
                _ => self.text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.close(name);
    }
}
