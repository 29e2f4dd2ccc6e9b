//! Configuration files for phones that fetch them: who is given which (`answer`), having shown what (`proof`), made of
//! what (`file`), and what is remembered of it (`record`). `settings` is what a property says about it, `credentials` what
//! each phone is given, `welcome` how phones nobody announced come in. For people: `export`, `import`, `backup`, `restore`
//! and their `package`. See docs/adr/0015-serving-files.md.

pub mod answer;
pub mod backup;
mod credentials;
pub mod export;
mod file;
pub mod handover;
mod import;
mod keys;
mod package;
mod proof;
pub mod record;
pub mod restore;
mod settings;
mod welcome;

use std::net::SocketAddr;
use std::sync::OnceLock;

use contract::Timestamp;
use contract::rest::FileFetch;
use sea_orm::{ConnectionTrait, EntityTrait};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{App, Result};
use crate::db::entity::phone_file;
use crate::once::PerMinute;

pub use credentials::{Passwords, entries, equip, first_fetch};
pub use export::Export;
pub use import::upload;
pub use package::MOST_BYTES as MOST_PACKAGE;
pub use settings::{of_property, set, token_base};
pub use welcome::{forget_old, take_in, welcomed};

/// What this process keeps for it.
#[derive(Default)]
pub struct State {
    /// Requests without a proof.
    by_address: PerMinute,
    /// Requests with one.
    by_phone: PerMinute,
    crowded: Crowded,
    pub record: record::Recorder,
    /// Where files are served and where the TR-069 server listens, once they do, and whether over TLS.
    files: OnceLock<(SocketAddr, bool)>,
    acs: OnceLock<(SocketAddr, bool)>,
}

/// Places for requests from addresses of which too many came without a proof. A phone may be among them, so they are looked
/// at all the same, but few at a time: those of other addresses do not wait for them.
struct Crowded(Semaphore);

impl Default for Crowded {
    fn default() -> Self {
        Self(Semaphore::new(8))
    }
}

impl State {
    /// Where this process serves files, if it does: over TLS if it can.
    pub fn set_files(&self, plain: Option<SocketAddr>, secure: Option<SocketAddr>) {
        set_first(&self.files, plain, secure);
    }

    /// The same for the TR-069 server.
    pub fn set_acs(&self, plain: Option<SocketAddr>, secure: Option<SocketAddr>) {
        set_first(&self.acs, plain, secure);
    }
}

fn set_first(slot: &OnceLock<(SocketAddr, bool)>, plain: Option<SocketAddr>, secure: Option<SocketAddr>) {
    if let Some(bound) = best(plain, secure) {
        let _ = slot.set(bound);
    }
}

fn best(plain: Option<SocketAddr>, secure: Option<SocketAddr>) -> Option<(SocketAddr, bool)> {
    secure.map(|address| (address, true)).or(plain.map(|address| (address, false)))
}

/// Scheme, host and port of files, as phones reach them; `None` if nobody said and no address says it.
pub fn base(app: &App) -> Option<String> {
    let own = &app.config.provision;
    if !own.public_url.is_empty() {
        return Some(own.public_url.clone());
    }
    let configured = || best(own.listen, own.listen_tls).filter(|(address, _)| address.port() != 0);
    let (address, tls) = app.provision.files.get().copied().or_else(configured)?;
    (!address.ip().is_unspecified()).then(|| format!("{}://{address}", scheme(tls)))
}

/// Where files send phones for TR-069, as far as it is known: the property's own address there.
fn acs_url(app: &App, base: &str, code: &str) -> Option<String> {
    if !app.config.provision.acs_url.is_empty() {
        return Some(format!("{}/{code}", app.config.provision.acs_url));
    }
    let acs = &app.config.acs;
    let configured = || best(acs.listen, acs.listen_tls).filter(|(address, _)| address.port() != 0);
    let (address, tls) = app.provision.acs.get().copied().or_else(configured)?;
    let base = url::Url::parse(base).ok()?;
    Some(format!("{}://{}:{}/acs/{code}", scheme(tls), base.host_str()?, address.port()))
}

const fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// The last file a phone fetched, having proved itself.
pub async fn fetched(db: &impl ConnectionTrait, phone: Uuid) -> Result<Option<FileFetch>> {
    let row = phone_file::Entity::find_by_id(phone).one(db).await?;
    Ok(row.and_then(|row| {
        Some(FileFetch {
            at: Timestamp(row.fetched_at?),
            name: row.name,
            version: row.version,
            address: row.address,
            user_agent: row.user_agent,
            model: row.model,
            firmware: row.firmware,
        })
    }))
}
