//! Reading a session description (RFC 8866), tolerantly: any line end, any order, lines missing or unknown. What must
//! be right is what an answer depends on: the media lines and the addresses.

use super::session::{Attribute, Connection, Media, Origin, Session};

/// Longest description, bytes.
pub const MAX_LEN: usize = 16 * 1024;
/// Most media lines.
pub const MAX_MEDIA: usize = 64;
/// Most attributes of the session, and of each of its media.
pub const MAX_ATTRIBUTES: usize = 256;
/// Most formats of a media line.
pub const MAX_FORMATS: usize = 64;

/// Why a description cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Longer than [`MAX_LEN`].
    #[error("longer than {MAX_LEN} bytes")]
    TooLong,
    /// More media, attributes or formats than we take.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// `v=` is not 0.
    #[error("not version 0")]
    Version,
    /// It has neither `v=` nor `m=`.
    #[error("not a session description")]
    Nothing,
    /// An `m=` that cannot be read.
    #[error("unreadable media line")]
    Media,
    /// A `c=` that cannot be read.
    #[error("unreadable connection line")]
    Connection,
}

impl Session {
    /// Reads a description.
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_LEN {
            return Err(ParseError::TooLong);
        }
        let text = String::from_utf8_lossy(bytes);
        let mut session = Self {
            origin: Origin {
                username: "-".to_owned(),
                id: "0".to_owned(),
                version: "0".to_owned(),
                address: Connection { v6: false, host: "0.0.0.0".to_owned() },
            },
            name: "-".to_owned(),
            connection: None,
            attributes: Vec::new(),
            media: Vec::new(),
        };
        let mut known = false;
        for line in text.split(['\r', '\n']) {
            let Some((kind, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim();
            match kind.trim() {
                "v" if value == "0" => known = true,
                "v" => return Err(ParseError::Version),
                "o" => {
                    if let Some(origin) = origin(value) {
                        session.origin = origin;
                    }
                }
                "s" if !value.is_empty() => value.clone_into(&mut session.name),
                "c" => session.take_connection(value)?,
                "a" => session.take_attribute(value)?,
                "m" => {
                    known = true;
                    if session.media.len() == MAX_MEDIA {
                        return Err(ParseError::TooMany("media"));
                    }
                    session.media.push(media(value)?);
                }
                _ => {}
            }
        }
        if known { Ok(session) } else { Err(ParseError::Nothing) }
    }

    fn take_connection(&mut self, value: &str) -> Result<(), ParseError> {
        let parsed = connection(value).ok_or(ParseError::Connection)?;
        let place = match self.media.last_mut() {
            Some(media) => &mut media.connection,
            None => &mut self.connection,
        };
        // Several are layers of a multicast; the first is the base (RFC 8866 §5.7).
        place.get_or_insert(parsed);
        Ok(())
    }

    fn take_attribute(&mut self, value: &str) -> Result<(), ParseError> {
        let attribute = match value.split_once(':') {
            Some((name, value)) => Attribute::new(name.trim(), value.trim()),
            None => Attribute::flag(value),
        };
        if attribute.name.is_empty() {
            return Ok(());
        }
        let place = match self.media.last_mut() {
            Some(media) => &mut media.attributes,
            None => &mut self.attributes,
        };
        if place.len() == MAX_ATTRIBUTES {
            return Err(ParseError::TooMany("attributes"));
        }
        place.push(attribute);
        Ok(())
    }
}

/// Without blanks and control characters: what may be repeated in an answer.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())
}

/// `IN IP4 host[/ttl]`. The kind of the address follows from the address itself where it is one.
fn connection(value: &str) -> Option<Connection> {
    let mut words = value.split_whitespace();
    let (network, kind, host) = (words.next()?, words.next()?, words.next()?);
    let host = host.split('/').next().filter(|host| is_token(host))?;
    let v6 = match kind.to_ascii_uppercase().as_str() {
        "IP4" => false,
        "IP6" => true,
        _ => return None,
    };
    let connection = Connection { v6, host: host.to_owned() };
    let v6 = connection.ip().map_or(v6, |ip| ip.is_ipv6());
    network.eq_ignore_ascii_case("IN").then_some(Connection { v6, ..connection })
}

fn origin(value: &str) -> Option<Origin> {
    let mut words = value.splitn(4, char::is_whitespace);
    let mut word = || words.next().filter(|word| is_token(word)).map(str::to_owned);
    let (username, id, version) = (word()?, word()?, word()?);
    Some(Origin { username, id, version, address: connection(words.next()?)? })
}

/// `kind port[/ports] protocol format...`
fn media(value: &str) -> Result<Media, ParseError> {
    let mut words = value.split_whitespace();
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(ParseError::Media);
    };
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(ParseError::Media)?;
    let formats: Vec<_> = words.take(MAX_FORMATS + 1).map(str::to_owned).collect();
    if formats.len() > MAX_FORMATS {
        return Err(ParseError::TooMany("formats"));
    }
    if ![kind, protocol].into_iter().chain(formats.iter().map(String::as_str)).all(is_token) {
        return Err(ParseError::Media);
    }
    Ok(Media {
        kind: kind.to_owned(),
        port,
        protocol: protocol.to_owned(),
        formats,
        connection: None,
        attributes: Vec::new(),
    })
}
