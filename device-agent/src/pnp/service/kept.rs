//! What the service keeps beside template and values: which phones were told, so that those find their files after a restart of
//! this one; and all of it as a backup package carries it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::Mac;
use provisioning::pnp::table::MOST_PHONES;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::state::{Found, Stage, State};
use super::{Refused, Service, TABLE_FILE, TEMPLATE_FILE, read};
use crate::atomic::{self, Survive};
use crate::pnp::Pnp;
use crate::store::Storage;

/// Beside the template.
const TOLD_FILE: &str = "pnp-told.json";
/// A hundred phones need some 20 KiB.
const MAX_TOLD: usize = 256 << 10;
/// Phones of a whole house ask within seconds: they are stored together.
const SOON: Duration = Duration::from_secs(1);

impl Service {
    fn told_file(&self) -> Option<PathBuf> {
        self.files.as_ref().map(|(template, _)| template.with_file_name(TOLD_FILE))
    }

    /// The phones that were told before this program started. What cannot be read is left out: they ask again when they start.
    pub(super) fn told(&self) -> BTreeMap<Mac, Found> {
        let Some(bytes) = self.told_file().and_then(|path| read(&path, MAX_TOLD)) else { return BTreeMap::new() };
        let told = serde_json::from_slice::<BTreeMap<Mac, Found>>(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, "the stored list of PnP phones cannot be read");
            BTreeMap::new()
        });
        told.into_iter().take(MOST_PHONES).collect()
    }

    /// Stores them. Blocking.
    pub(super) fn store_told(&self) -> io::Result<()> {
        let Some(path) = self.told_file() else { return Ok(()) };
        // Held while it is written: a reset in between would have it come back.
        let state = self.lock();
        let told = state.found.iter().filter(|(_, found)| found.stage != Stage::Discovered);
        let told: BTreeMap<Mac, &Found> = told.map(|(mac, found)| (*mac, found)).collect();
        if told.is_empty() {
            return self.forget_told();
        }
        atomic::replace(&path, &serde_json::to_vec(&told)?, Survive::PowerCut)
    }

    pub(super) fn forget_told(&self) -> io::Result<()> {
        match self.told_file().map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes what a backup package brought. Blocking.
    ///
    /// # Errors
    /// As [`Service::set_template`] and [`Service::set_table`].
    pub(crate) fn put_back(&self, files: &Files) -> Result<(), Refused> {
        self.clear(true)?;
        if let Some(template) = &files.template {
            self.set_template(template.as_bytes())?;
            if let Some(table) = &files.table {
                self.set_table(table.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Stores who was told, soon after each change, until `end`.
pub(super) async fn keep(pnp: Arc<Pnp>, end: CancellationToken) {
    let changed = pnp.service.lock().changed.clone();
    loop {
        let over = tokio::select! {
            () = changed.notified() => end.run_until_cancelled(tokio::time::sleep(SOON)).await.is_none(),
            () = end.cancelled() => return,
        };
        let pnp = pnp.clone();
        let stored = tokio::task::spawn_blocking(move || pnp.service.store_told());
        if let Ok(Err(error)) = stored.await {
            tracing::warn!(%error, "the list of PnP phones cannot be stored");
        }
        if over {
            return;
        }
    }
}

/// Template and values, as a backup package carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Files {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl Files {
    /// As they are stored. Blocking.
    pub(crate) fn stored(storage: &Storage) -> Self {
        let text = |name, most| {
            let bytes = storage.file(name).and_then(|path| read(&path, most))?;
            String::from_utf8(bytes).ok()
        };
        let template = text(TEMPLATE_FILE, super::MAX_TEMPLATE);
        let table = template.as_ref().and_then(|_| text(TABLE_FILE, super::MAX_TABLE));
        Self { template, table }
    }

    /// Whether the service will take them.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        let mut state = State::default();
        if let Some(template) = &self.template {
            state.set_template(template.as_bytes())?;
        }
        self.table.as_ref().map_or(Ok(()), |table| state.set_table(table.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use contract::Timestamp;
    use provisioning::agent::Maker;
    use provisioning::pnp::Asker;
    use provisioning::pnp::server::SessionId;

    use super::super::state::Way;
    use super::*;

    const TEMPLATE: &str = "<t><f filename=\"cfg%%mac_address%%.xml\"><data><![CDATA[<a>%%user%%</a>]]></data></f></t>";

    fn asker(mac: &str) -> Asker {
        let (mac, maker) = (mac.parse().unwrap(), Some(Maker::Yealink));
        Asker { mac, maker, vendor: String::new(), model: "T53W".into(), version: "96".into() }
    }

    fn fetch(service: &Service, mac: &str, from: IpAddr) -> Option<String> {
        service.lock().fetch(Timestamp(2), &format!("cfg{mac}.xml"), from, true)
    }

    #[tokio::test]
    async fn a_phone_that_was_told_finds_its_file_after_a_restart_and_no_other_address_does() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(dir.path().to_owned());
        let (own, other): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
        let pnp = Pnp::open(&storage);
        pnp.service.set_template(TEMPLATE.as_bytes()).unwrap();
        pnp.service.set_table(b"mac_address,user\nc074ad120701,a\nc074ad120702,b\n").unwrap();
        let end = CancellationToken::new();
        let kept = tokio::spawn(keep(pnp.clone(), end.clone()));
        let way = || Some(Way::Local("http://192.0.2.1:8089/pnp/".into()));
        pnp.service.lock().begin(way(), None);
        let told = pnp.service.lock().asked(Timestamp(1), SessionId::default(), &asker("c074ad120701"), own);
        assert_eq!(told.as_deref(), Some("http://192.0.2.1:8089/pnp/cfgc074ad120701.xml"));
        // One that has no row is told nothing, and is not kept.
        assert_eq!(pnp.service.lock().asked(Timestamp(1), SessionId::default(), &asker("c074ad120703"), other), None);
        tokio::task::yield_now().await;
        end.cancel();
        kept.await.unwrap();

        let again = Service::open(&storage);
        again.lock().begin(way(), None);
        assert_eq!(again.lock().found.len(), 1);
        assert_eq!(fetch(&again, "c074ad120701", other), None);
        assert_eq!(fetch(&again, "c074ad120702", own), None);
        assert_eq!(fetch(&again, "c074ad120701", own).as_deref(), Some("<a>a</a>\n"));
        again.forget().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing outlives a reset");
    }

    #[test]
    fn a_phone_taken_off_the_list_is_not_back_after_a_restart_also_while_the_service_is_off() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(dir.path().to_owned());
        let mac = "c074ad120701";
        let found = format!(
            r#"{{"{mac}":{{"ip":"192.0.2.7","model":"","version":"","stage":"Told","note":"","at":"2026-11-29T00:00:00Z"}}}}"#
        );
        std::fs::write(dir.path().join(TOLD_FILE), found).unwrap();
        let service = Service::open(&storage);
        service.drop_phone(mac.parse().unwrap()).unwrap();
        assert!(Service::open(&storage).lock().found.is_empty());
    }

    #[test]
    fn what_is_no_list_of_phones_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(TOLD_FILE), b"{\"c074ad120701\":1}").unwrap();
        assert!(Service::open(&Storage::Disk(dir.path().to_owned())).lock().found.is_empty());
    }
}
