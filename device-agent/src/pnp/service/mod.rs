//! The phone as the provisioning server of up to a hundred others.
//!
//! | file | what |
//! |---|---|
//! | `state` | the template, the values, the phones that were found and how far each is; no I/O |
//! | `view` | what of it people are shown |
//! | `answer` | hears the group, tells phones where to fetch |
//! | `files` | hands out the files over HTTP |
//! | `kept` | which phones were told, over a restart; and everything as a backup package carries it |
//!
//! Nobody proves anything in PnP: whoever is in the LAN and asks as a phone gets that phone's file. It is for a LAN of
//! phones alone, and off by default.

mod answer;
mod files;
mod kept;
mod state;
mod view;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::Mac;
use provisioning::pnp::profile::{MAX_TEMPLATE, ProfileError};
use provisioning::pnp::table::{CellError, MAX_TABLE};
use tokio::sync::Notify;

use crate::atomic::{self, Survive};
use crate::store::Storage;
use state::State;

pub(crate) use answer::{custom_url, run};
pub(crate) use kept::Files;
pub(crate) use view::{Effect, Status};

/// Keys of the settings, in the order enable, URL mode, URL.
pub(crate) const KEYS: [&str; 3] = ["provisioning.pnp.enable", "provisioning.pnp.urlmode", "provisioning.pnp.url"];
const TEMPLATE_FILE: &str = "pnp-template.xml";
/// Passwords may stand in it: for the owner alone, as all files of the state directory.
const TABLE_FILE: &str = "pnp-values.csv";

/// Why something was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}")]
    Template(#[from] ProfileError),
    /// By row and column.
    #[error("the CSV has {} errors", .0.len())]
    Table(Vec<CellError>),
    #[error("there is no template; upload one first")]
    NoTemplate,
    #[error("no phone of this address was found, or its file is not there")]
    NoPhone,
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Service {
    state: Mutex<State>,
    files: Option<(PathBuf, PathBuf)>,
    /// Something is to be told again.
    wake: Notify,
}

impl Service {
    /// Reads template and values. What cannot be read any more is left out and said.
    pub(crate) fn open(storage: &Storage) -> Self {
        let files = storage.file(TEMPLATE_FILE).zip(storage.file(TABLE_FILE));
        let mut state = State::default();
        if let Some((template, table)) = &files {
            if let Some(bytes) = read(template, MAX_TEMPLATE)
                && let Err(error) = state.set_template(&bytes)
            {
                tracing::error!(%error, "the stored PnP template cannot be read");
            }
            if let Some(bytes) = read(table, MAX_TABLE)
                && let Err(error) = state.set_table(&bytes)
            {
                tracing::warn!(%error, "the stored PnP values do not fit the template");
            }
        }
        let service = Self { state: Mutex::new(state), files, wake: Notify::new() };
        let told = service.told();
        service.lock().found = told;
        service
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a template. Values stay, by the names of the variables; those it has no use for any more are returned. Blocking.
    ///
    /// # Errors
    /// What is wrong with it; the old one stays.
    pub(crate) fn set_template(&self, bytes: &[u8]) -> Result<Vec<String>, Refused> {
        let mut state = self.lock();
        let mut new = state.clone();
        let unused = new.set_template(bytes)?;
        self.store(0, Some(bytes))?;
        if new.table_size() != state.table_size() {
            self.store(1, new.table_text().as_deref().map(str::as_bytes))?;
        }
        *state = new;
        Ok(unused)
    }

    /// Takes values. Blocking.
    ///
    /// # Errors
    /// What is wrong with them, by row and column; the old ones stay.
    pub(crate) fn set_table(&self, bytes: &[u8]) -> Result<(), Refused> {
        let mut state = self.lock();
        let mut new = state.clone();
        new.set_table(bytes)?;
        self.store(1, Some(bytes))?;
        *state = new;
        Ok(())
    }

    /// Drops the values, and the template too if `template`. Blocking.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn clear(&self, template: bool) -> io::Result<()> {
        let mut state = self.lock();
        self.store(1, None)?;
        if template {
            self.store(0, None)?;
        }
        state.clear(template);
        Ok(())
    }

    /// Drops everything, as a factory reset does. Blocking.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.clear(true)?;
        let mut state = self.lock();
        let changed = state.changed.clone();
        *state = State::default();
        state.changed = changed;
        self.forget_told()
    }

    fn store(&self, which: usize, bytes: Option<&[u8]>) -> io::Result<()> {
        let Some((template, table)) = &self.files else { return Ok(()) };
        let path = if which == 0 { template } else { table };
        match bytes {
            Some(bytes) => atomic::replace(path, bytes, Survive::PowerCut),
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// The template as it was uploaded.
    pub(crate) fn template(&self) -> Option<String> {
        self.lock().template_text()
    }

    /// The CSV for the template, with what is known and a row for each phone that was found.
    pub(crate) fn csv(&self) -> Result<String, Refused> {
        self.lock().csv().ok_or(Refused::NoTemplate)
    }

    /// Which file each phone gets.
    pub(crate) fn effects(&self) -> Result<Vec<Effect>, Refused> {
        view::effects(&self.lock()).ok_or(Refused::NoTemplate)
    }

    /// A phone's file: its name and what is in it.
    pub(crate) fn file(&self, mac: Mac) -> Result<(String, String), Refused> {
        let state = self.lock();
        let profile = state.profile().ok_or(Refused::NoTemplate)?;
        Ok((profile.name_for(mac), state.file(mac).ok_or(Refused::NoPhone)??))
    }

    pub(crate) fn status(&self) -> Status {
        view::status(&self.lock())
    }

    /// Has phones told once more where to fetch: these, or all. How many will be, and who cannot because they asked before
    /// this phone started.
    pub(crate) fn redistribute(&self, macs: Option<&[Mac]>) -> (usize, Vec<Mac>) {
        let outcome = self.lock().redistribute(macs);
        self.wake.notify_one();
        outcome
    }

    /// Drops a phone from the list, to make room for another. Blocking.
    pub(crate) fn drop_phone(&self, mac: Mac) -> Result<(), Refused> {
        if !self.lock().drop_phone(mac) {
            return Err(Refused::NoPhone);
        }
        // Also while the service is off, and nobody else stores it.
        Ok(self.store_told()?)
    }
}

/// A file, if it is there and not larger than what would have been taken.
fn read(path: &std::path::Path, most: usize) -> Option<Vec<u8>> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > most as u64 {
        return None;
    }
    std::fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "<t><f filename=\"cfg%%mac_address%%.xml\"><data><![CDATA[<a>%%user%%</a>]]></data></f></t>";

    #[test]
    fn template_and_values_outlive_the_program_and_nothing_outlives_a_reset() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(dir.path().to_owned());
        let mac: Mac = "c074ad120701".parse().unwrap();
        let service = Service::open(&storage);
        assert!(matches!(service.csv(), Err(Refused::NoTemplate)));
        assert!(matches!(service.set_table(b"mac_address,user\n"), Err(Refused::NoTemplate)));
        service.set_template(TEMPLATE.as_bytes()).unwrap();
        service.set_table(b"mac_address,user\nc074ad120701,R&D\n").unwrap();
        assert!(service.set_table(b"mac_address\n").is_err());
        assert!(service.set_template(b"<t/>").is_err());
        let again = Service::open(&storage);
        assert_eq!(again.file(mac).unwrap(), ("cfgc074ad120701.xml".into(), "<a>R&amp;D</a>\n".into()));
        assert_eq!(again.csv().unwrap(), "mac_address,user\r\nc074ad120701,R&D\r\n");
        again.forget().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Service::open(&storage).template().is_none());
    }

    #[test]
    fn another_template_keeps_the_values_by_the_names_of_its_variables() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(dir.path().to_owned());
        let mac: Mac = "c074ad120701".parse().unwrap();
        let service = Service::open(&storage);
        service.set_template(TEMPLATE.as_bytes()).unwrap();
        service.set_table(b"mac_address,user\nc074ad120701,R&D\n").unwrap();
        let more = TEMPLATE.replace("<a>", "<a>%%first%%").replace("</a>", "</a>%%last%%");
        assert!(service.set_template(more.as_bytes()).unwrap().is_empty());
        let kept = "mac_address,first,user,last\r\nc074ad120701,,R&D,\r\n";
        assert_eq!(service.csv().unwrap(), kept);
        let again = Service::open(&storage);
        assert_eq!(again.csv().unwrap(), kept, "it is on the disk");
        let problems = again.effects().unwrap().remove(0).problems;
        assert!(problems.contains(&"first is empty".to_owned()), "{problems:?}");
        assert_eq!(again.set_template(TEMPLATE.replace("user", "name").as_bytes()).unwrap(), ["first", "user", "last"]);
        assert_eq!(again.file(mac).unwrap().1, "<a></a>\n");
    }
}
