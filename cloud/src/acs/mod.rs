//! The TR-069 server: HTTP around `cwmp::AcsSession`, sessions in the database, jobs carried out in them.

mod auth;
mod drive;
mod http;
mod session;
mod work;

pub use http::router;
pub use session::sweep;
