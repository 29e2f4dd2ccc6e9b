//! Which namespace a prefix means where (Namespaces in XML 1.0).

use crate::error::{CwmpError, ErrorKind};
use crate::message::CwmpVersion;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Declarations in force at once. Every name is looked up among them, so they are few; phones need about six.
const MAX_NAMESPACES: usize = 32;

/// A namespace, as far as it matters here.
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

    fn of(uri: &str) -> Self {
        match uri {
            "" => Self::None,
            SOAP => Self::Soap,
            XSI => Self::Xsi,
            SOAP_1_2 => Self::Soap12,
            uri => CwmpVersion::from_namespace(uri).map_or(Self::Other, Self::Cwmp),
        }
    }
}

struct Binding {
    depth: usize,
    /// Empty: the default namespace.
    prefix: Box<str>,
    ns: Ns,
}

/// The declarations in force, innermost last.
#[derive(Default)]
pub(crate) struct Scope {
    bindings: Vec<Binding>,
}

impl Scope {
    /// `xmlns="uri"` (an empty prefix) or `xmlns:prefix="uri"` on an element of this depth.
    pub(crate) fn bind(&mut self, depth: usize, prefix: &str, uri: &str) -> Result<(), CwmpError> {
        if prefix == "xml" && uri == XML {
            return Ok(());
        }
        if self.bindings.len() >= MAX_NAMESPACES {
            return Err(CwmpError::new(ErrorKind::TooMany, "there are too many namespace declarations"));
        }
        // A prefix cannot be undeclared in XML 1.0.
        if matches!(prefix, "xml" | "xmlns") || matches!(uri, XML | XMLNS) || (uri.is_empty() && !prefix.is_empty()) {
            return Err(CwmpError::new(ErrorKind::Malformed, "a namespace declaration is not allowed"));
        }
        self.bindings.push(Binding { depth, prefix: prefix.into(), ns: Ns::of(uri) });
        Ok(())
    }

    /// The element of this depth is over, and its declarations with it.
    pub(crate) fn close(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
    }

    /// Of an element with this prefix; empty for none.
    pub(crate) fn element(&self, prefix: &str) -> Ns {
        let bound = self.bindings.iter().rev().find(|binding| *binding.prefix == *prefix);
        match bound {
            Some(binding) => binding.ns,
            None if prefix.is_empty() => Ns::None,
            None if matches!(prefix, "xml" | "xmlns") => Ns::Other,
            None => Ns::Undeclared,
        }
    }

    /// Of an attribute: without prefix it has none, whatever the default is.
    pub(crate) fn attribute(&self, prefix: &str) -> Ns {
        if prefix.is_empty() { Ns::None } else { self.element(prefix) }
    }
}
