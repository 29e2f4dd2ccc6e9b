//! The catalogue: everything a phone can be told, asked or made to do, declared once, as data.
//!
//! The data lives in `catalogue/*.toml`, one file per page of the guide. The device's web pages, the cloud's editor, validation,
//! the TR-069 tree, the configuration file formats and the reference documentation are all derived from it.
//!
//! Pure: no files, clock, threads or network, so it runs unchanged in the browser (`wasm32`).
//!
//! ```
//! let canonical = settings::validate("account.1.enable", "TRUE")?;
//! assert_eq!(canonical, "yes");
//! # Ok::<(), settings::SettingError>(())
//! ```

mod catalogue;
mod check;
mod data;
mod error;
mod found;
mod limits;
pub mod lint;
mod load;
mod model;
mod nearest;
mod render;
mod row;
mod together;
mod tr069;
mod types;
mod unwire;
mod validate;
mod wire;

pub use catalogue::Catalogue;
pub use check::dial_plan::check_dial_plan;
pub use data::{Action, Effect, Instances, Part, Scope, Setting, Status};
pub use dial_plan::DialPlanError;
pub use error::SettingError;
pub use found::{SettingRef, StatusRef};
pub use load::CatalogueError;
pub use model::{Model, UnknownModel};
pub use nearest::distance;
pub use render::{COLUMNS, Filter, markdown, tsv};
pub use together::{Conflict, check_together};
pub use tr069::{VENDOR_ROOT, key_of_path, value_from_path, value_to_path, vendor_path};
pub use types::{Choice, ValueType};
pub use unwire::Item;
pub use validate::{validate, validate_for, validate_ref};
pub use wire::Dialect;
