//! A session description (RFC 8866) as values, and how it is written.

use std::fmt;
use std::net::IpAddr;

/// `o=`: who made the description, which session, and which version of it (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// User name, `-` for none.
    pub username: String,
    /// Session id; digits, as long as they like.
    pub id: String,
    /// Version; digits.
    pub version: String,
    /// Address of its maker.
    pub address: Connection,
}

/// `c=`: an address (RFC 8866 §5.7). May be a host name, which we do not look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `IP6` (else `IP4`).
    pub v6: bool,
    /// Address or name, without a time to live.
    pub host: String,
}

impl Connection {
    /// Of an address.
    pub fn new(address: IpAddr) -> Self {
        Self { v6: address.is_ipv6(), host: address.to_string() }
    }

    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Nowhere: `0.0.0.0` (hold by RFC 2543), `::`, or a name below `invalid` (RFC 6157 §3.2).
    pub fn is_nowhere(&self) -> bool {
        self.ip().map_or_else(|| self.host.to_ascii_lowercase().ends_with(".invalid"), |ip| ip.is_unspecified())
    }
}

/// `a=name` or `a=name:value`. `Debug` does not print keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name, as it was written.
    pub name: String,
    /// Value, if there is a colon.
    pub value: Option<String>,
}

impl Attribute {
    /// `a=name`.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// `a=name:value`.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Some(value.into()) }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // The only place keys may stand; other spellings of it are hidden as well.
            Some(_) if self.name.to_ascii_lowercase().contains("crypto") => write!(f, "{}:***", self.name),
            Some(_) if self.name.eq_ignore_ascii_case("key-mgmt") => write!(f, "{}:***", self.name),
            Some(value) => write!(f, "{}:{value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// `m=` and what belongs to it (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image`...
    pub kind: String,
    /// Transport port; 0 for a stream that is refused or removed.
    pub port: u16,
    /// `RTP/AVP`...
    pub protocol: String,
    /// Payload types, or what the protocol has in their place.
    pub formats: Vec<String>,
    /// Its own `c=`.
    pub connection: Option<Connection>,
    /// In their order.
    pub attributes: Vec<Attribute>,
}

impl Media {
    /// The value of the first attribute of a name (any case); empty for a flag.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        values(&self.attributes, name).next()
    }

    /// The values of all attributes of a name (any case).
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        values(&self.attributes, name)
    }

    /// Whether it is audio.
    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// The same line, refused (RFC 3264 §6).
    pub fn refused(&self) -> Self {
        let formats = if self.formats.is_empty() { vec!["0".to_owned()] } else { self.formats.clone() };
        Self { port: 0, formats, connection: None, attributes: Vec::new(), ..self.clone() }
    }
}

/// A whole description. Lines that mean nothing to us (`i=`, `b=`, `k=`...) are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`.
    pub origin: Origin,
    /// `s=`, `-` for none.
    pub name: String,
    /// `c=` for all media without their own.
    pub connection: Option<Connection>,
    /// Attributes of the session.
    pub attributes: Vec<Attribute>,
    /// In their order.
    pub media: Vec<Media>,
}

impl Session {
    /// The value of the first session attribute of a name (any case); empty for a flag.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        values(&self.attributes, name).next()
    }

    /// The address that holds for one of its media.
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a Connection> {
        media.connection.as_ref().or(self.connection.as_ref())
    }
}

fn values<'a, 'n>(attributes: &'a [Attribute], name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
    attributes.iter().filter(|one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.as_deref().unwrap_or(""))
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN {} {}", if self.v6 { "IP6" } else { "IP4" }, self.host)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "a={}:{value}\r\n", self.name),
            None => write!(f, "a={}\r\n", self.name),
        }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {}", self.kind, self.port, self.protocol)?;
        self.formats.iter().try_for_each(|format| write!(f, " {format}"))?;
        f.write_str("\r\n")?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        self.attributes.iter().try_for_each(|one| one.fmt(f))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { username, id, version, address } = &self.origin;
        write!(f, "v=0\r\no={username} {id} {version} {address}\r\ns={}\r\n", self.name)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        self.attributes.iter().try_for_each(|one| one.fmt(f))?;
        self.media.iter().try_for_each(|one| one.fmt(f))
    }
}
