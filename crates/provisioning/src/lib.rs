//! Configuration files, as the vendor's phones fetch them and ours do: alias XML, P-value XML, text, binary, encrypted.
//!
//! [`read`] makes a [`Document`] of any of them, [`write`](write()) the file of a document. Names and values are
//! translated by the catalogue (`settings`); nothing lists settings here. Beside them: file names and their order
//! ([`names`]), who asks ([`agent`]), variables in templates ([`variables`]), and how a new phone is told where its file is
//! ([`pnp`]).
//!
//! Pure: no files, clock, network or randomness, so it runs unchanged in the phone, the server and the browser.
//!
//! ```
//! use provisioning::{Audience, Document, Format, ReadOptions, WriteOptions, read, write};
//! let mut document = Document::default();
//! document.set("account.1.sip.transport", "TLS")?;
//! let file = write(&document, Format::PValueText, &WriteOptions::new(Audience::Vendor))?;
//! assert_eq!(file.bytes, b"P130=2\n");
//! assert_eq!(read(&file.bytes, &ReadOptions::default())?.get("account.1.sip.transport"), Some("tls"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agent;
mod binary;
pub mod crypt;
mod document;
mod entries;
mod error;
mod express;
mod format;
mod limits;
pub mod names;
pub mod pnp;
mod text;
pub mod variables;
mod xml;

pub use contract::mac::Mac;
pub use document::{Aside, Document, Reason, Warning};
pub use error::{ErrorKind, Place, ReadError, WriteError};
pub use express::{Audience, LeftOut};
pub use format::{Format, ReadOptions, Shape, WriteOptions, Written, detect, read, write};
pub use limits::Limits;
