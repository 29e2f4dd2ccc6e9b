//! The kinds of file, told apart by their first bytes.

use contract::mac::Mac;

use crate::{
    Document, binary,
    crypt::{self, Digest},
    entries::Collector,
    error::{ErrorKind, Place, ReadError, WriteError},
    express::{Audience, LeftOut},
    limits::Limits,
    text, xml,
};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `<config version="2">`, one `<item>` a setting.
    AliasXml,
    /// The same with `<part>`s: one `<item>` for all settings that share the beginning of their name.
    GroupedXml,
    /// `<config version="1">`, one `<P271>` a setting.
    PValueXml,
    /// `key = value`, one a line.
    Text,
    /// `P271=1`, one a line.
    PValueText,
    /// The old `cfg<mac>` with its header and checksum.
    Binary,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::AliasXml, Self::GroupedXml, Self::PValueXml, Self::Text, Self::PValueText, Self::Binary];
}

/// How to read. Not printable: it holds the password.
#[derive(Clone, Default)]
pub struct ReadOptions<'a> {
    /// The phone that reads: a file with another MAC inside is refused. A file with none is for all.
    pub mac: Option<Mac>,
    /// For encrypted files.
    pub password: Option<&'a str>,
    /// How much is taken.
    pub limits: Limits,
}

/// How to write.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Who is to read the file.
    pub audience: Audience,
    /// Also entries the catalogue does not know, as they were read. Off unless set: they may be anything.
    pub unknown: bool,
}

impl WriteOptions {
    /// Known settings only.
    pub const fn new(audience: Audience) -> Self {
        Self { audience, unknown: false }
    }
}

/// A file, and what is not in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// Settings the format cannot say, or not to this audience.
    pub left_out: Vec<LeftOut>,
}

/// What the first bytes say a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// [`Format::AliasXml`], [`Format::GroupedXml`] or [`Format::PValueXml`].
    Xml,
    /// [`Format::Text`] or [`Format::PValueText`].
    Text,
    /// [`Format::Binary`].
    Binary,
    /// Any of them behind a password.
    Encrypted,
}

/// The shape of a file.
pub fn detect(bytes: &[u8]) -> Shape {
    if crypt::is_encrypted(bytes) {
        Shape::Encrypted
    } else if binary::has_header(bytes) {
        Shape::Binary
    } else if without_bom(bytes).trim_ascii_start().starts_with(b"<") {
        Shape::Xml
    } else {
        Shape::Text
    }
}

/// Reads a file of any kind.
///
/// # Errors
/// [`ReadError`] where the file as a whole cannot be taken. A single entry that is wrong is put aside in the document.
pub fn read(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Document, ReadError> {
    if bytes.len() > options.limits.bytes {
        let most = options.limits.bytes;
        return Err(ReadError::new(ErrorKind::Limit, Place::Whole, format!("it has more than {most} bytes")));
    }
    match detect(bytes) {
        Shape::Encrypted => {
            let Some(password) = options.password else {
                return Err(ReadError::new(ErrorKind::NoPassword, Place::Whole, "it is encrypted; give its password"));
            };
            let (plain, _) = crypt::open(bytes, password)
                .map_err(|error| ReadError::new(ErrorKind::WrongPassword, Place::Whole, error.to_string()))?;
            read_plain(&plain, options)
        }
        _ => read_plain(bytes, options),
    }
}

fn read_plain(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Document, ReadError> {
    let mut collector = Collector::new(&options.limits);
    match detect(bytes) {
        Shape::Encrypted => {
            return Err(ReadError::new(ErrorKind::Malformed, Place::Whole, "it is encrypted twice"));
        }
        Shape::Binary => binary::read(bytes, options, &mut collector)?,
        Shape::Xml => xml::read(utf8(bytes)?, options, &mut collector)?,
        Shape::Text => text::read(utf8(bytes)?, options, &mut collector)?,
    }
    Ok(collector.finish())
}

/// Writes a document.
///
/// # Errors
/// [`WriteError`] where there is no such file at all. A setting that cannot be said is reported in [`Written`].
pub fn write(document: &Document, format: Format, options: &WriteOptions) -> Result<Written, WriteError> {
    let written = match format {
        Format::AliasXml | Format::GroupedXml | Format::PValueXml => xml::write(document, format, options),
        Format::Text => text::write(document, settings::Dialect::Alias, options),
        Format::PValueText => text::write(document, settings::Dialect::P, options),
        Format::Binary => binary::write(document, options)?,
    };
    let (size, most) = (written.bytes.len(), Limits::default().bytes);
    if size > most { Err(WriteError::TooLarge(size, most)) } else { Ok(written) }
}

impl Written {
    /// The file behind a password. `salt` is eight random bytes, new for each file.
    pub fn encrypt(&self, password: &str, salt: [u8; 8], digest: Digest) -> Vec<u8> {
        crypt::encrypt(&self.bytes, password, salt, digest)
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn utf8(bytes: &[u8]) -> Result<&str, ReadError> {
    let bytes = without_bom(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        ReadError::new(ErrorKind::Encoding, Place::Line(line), "it is not UTF-8; save the file as UTF-8")
    })
}
