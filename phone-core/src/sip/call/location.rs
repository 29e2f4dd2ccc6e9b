//! Where the phone stands, in emergency calls (RFC 6442): by reference, or as a PIDF-LO document (RFC 5491) beside the
//! session description.

use crate::sip::message::Name;
use crate::sip::outgoing::Outgoing;

const BOUNDARY: &str = "bellhop-location";
const MULTIPART: &str = "multipart/mixed;boundary=bellhop-location";
/// Largest document that goes out, bytes.
const MOST: usize = 32_768;

/// The request with `sdp` and, if it is known, the location: a URI, or a document. One that cannot be sent is left out:
/// the call matters more.
pub(super) fn with_location(mut request: Outgoing, location: Option<&str>, sdp: String) -> Outgoing {
    let location = location.map(str::trim).filter(|location| !location.is_empty());
    let reference = match location {
        Some(document) if document.starts_with('<') => {
            if document.len() > MOST || document.contains(BOUNDARY) {
                return request.body("application/sdp", sdp);
            }
            let id = format!("location.{}@phone.invalid", request.call_id);
            request.body = Some((MULTIPART, multipart(&sdp, document, &id).into_bytes()));
            Some(format!("cid:{id}"))
        }
        other => {
            request.body = Some(("application/sdp", sdp.into_bytes()));
            let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"');
            other.filter(|uri| uri.chars().all(plain)).map(str::to_owned)
        }
    };
    if let Some(reference) = reference {
        request.push(Name::Geolocation, format_args!("<{reference}>"));
        request.push(Name::GeolocationRouting, "yes");
    }
    request
}

fn multipart(sdp: &str, document: &str, id: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n\
         --{BOUNDARY}\r\nContent-Type: application/pidf+xml\r\nContent-ID: <{id}>\r\n\r\n{document}\r\n--{BOUNDARY}--\r\n"
    )
}
