//! The phone fetches its configuration (guide, "Upgrade and Provisioning").
//!
//! | file | what |
//! |---|---|
//! | `place` | addresses of servers, in every form the guide allows |
//! | `plan` | whom to ask for what, by the settings and by DHCP |
//! | `machine` | what to fetch next, and what an answer means; no socket, no clock |
//! | `fetch` | one file: HTTP, HTTPS, TFTP, FTP, FTPS |
//! | `file` | a file read and checked, to be taken as a whole |
//! | `firmware` | firmware beside the configuration |
//! | `when` | "Automatic Upgrade"; no clock |
//! | `lease` | what a DHCP client was told |
//! | `watch` | the lease file, looked at again and again |
//! | `export` | the settings as a file |
//! | `backup` | the backup package |
//! | `desk` | orders and status |
//! | `run` | the task that brings them together |

pub mod backup;
mod desk;
pub mod export;
pub mod fetch;
pub mod file;
mod firmware;
pub mod lease;
pub mod machine;
pub mod place;
pub mod plan;
mod run;
mod watch;
pub mod when;

pub(crate) use desk::Wish;
pub use desk::{Desk, Ended, Reason, Running, Status};
pub(crate) use run::{read, restart, run};
pub(crate) use watch::{load, watch};
