//! The page to use the phone by: what it shows, its keys, and its sound where that is the browser's.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, StatusCode};

use crate::serve::{Answer, with_type};

/// Nothing but what is served here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A file of the page, if it is one that is asked for.
pub(super) fn of<B>(request: &Request<B>) -> Option<Answer> {
    if request.method() != Method::GET {
        return None;
    }
    let (kind, text) = match request.uri().path() {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/common.js" => ("text/javascript; charset=utf-8", include_str!("page/common.js")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("page/page.js")),
        "/worklet.js" => ("text/javascript; charset=utf-8", include_str!("page/worklet.js")),
        "/pnp.html" => ("text/html; charset=utf-8", include_str!("page/pnp.html")),
        "/pnp.js" => ("text/javascript; charset=utf-8", include_str!("page/pnp.js")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("page/page.css")),
        _ => return None,
    };
    let mut answer = with_type(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(answer)
}
