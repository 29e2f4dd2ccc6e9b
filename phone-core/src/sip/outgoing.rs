//! A request before it is sent (RFC 3261 §8.1.1): everything but Via, which the transport it goes by adds.

use std::fmt::Display;

use super::message::{Method, Name, RequestBuilder, Uri, Via};

/// A request to be sent. It is kept until it is answered, so that it can go again with other credentials, to another
/// server or by another transport.
#[derive(Clone)]
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Request-URI.
    pub uri: Uri,
    /// Route values, topmost first.
    pub route: Vec<String>,
    /// From, with its tag.
    pub from: String,
    /// To.
    pub to: String,
    /// Call-ID.
    pub call_id: String,
    /// Number of CSeq.
    pub cseq: u32,
    /// Max-Forwards.
    pub max_forwards: u8,
    /// Everything else, in order.
    pub headers: Vec<(Name, String)>,
    /// Type and bytes.
    pub body: Option<(&'static str, Vec<u8>)>,
}

/// Headers are left out: they may carry a digest proof.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} {} {} {})", self.method, self.uri, self.call_id, self.cseq)
    }
}

impl Outgoing {
    /// A request with nothing but what every request has.
    pub fn new(method: Method, uri: Uri, from: String, to: String, call_id: String, cseq: u32) -> Self {
        let (route, headers) = (Vec::new(), Vec::new());
        Self { method, uri, route, from, to, call_id, cseq, max_forwards: 70, headers, body: None }
    }

    /// Adds a header.
    pub fn with(mut self, name: Name, value: impl Display) -> Self {
        self.push(name, value);
        self
    }

    /// Adds a header.
    pub fn push(&mut self, name: Name, value: impl Display) {
        self.headers.push((name, value.to_string()));
    }

    /// Sets the body.
    pub fn body(mut self, kind: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some((kind, bytes.into()));
        self
    }

    /// Takes answers to challenges, in place of earlier ones.
    pub fn authorize(&mut self, answers: Vec<(Name, String)>) {
        self.headers.retain(|(name, _)| !matches!(name, Name::Authorization | Name::ProxyAuthorization));
        self.headers.extend(answers);
    }

    /// The message as it goes out.
    pub fn bytes(&self, via: &Via) -> Vec<u8> {
        let mut request = RequestBuilder::new(&self.method, &self.uri).header(Name::Via, via);
        for route in &self.route {
            request = request.header(Name::Route, route);
        }
        request = request
            .header(Name::MaxForwards, self.max_forwards)
            .header(Name::From, &self.from)
            .header(Name::To, &self.to)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{} {}", self.cseq, self.method));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.body {
            Some((kind, bytes)) => request.header(Name::ContentType, kind).finish(bytes),
            None => request.finish(&[]),
        }
    }

    /// The ACK to a final response other than 2xx (RFC 3261 §17.1.1.3): it belongs to the INVITE's transaction, so it
    /// has the same branch, and goes where the INVITE went.
    pub fn ack(&self, via: &Via, to: &str) -> Vec<u8> {
        let mut ack =
            Self::new(Method::Ack, self.uri.clone(), self.from.clone(), to.to_owned(), self.call_id.clone(), self.cseq);
        ack.route.clone_from(&self.route);
        ack.bytes(via)
    }

    /// The CANCEL of this INVITE (RFC 3261 §9.1).
    pub fn cancel(&self, via: &Via) -> Vec<u8> {
        let (from, to, call_id) = (self.from.clone(), self.to.clone(), self.call_id.clone());
        let mut cancel = Self::new(Method::Cancel, self.uri.clone(), from, to, call_id, self.cseq);
        cancel.route.clone_from(&self.route);
        cancel.bytes(via)
    }
}
