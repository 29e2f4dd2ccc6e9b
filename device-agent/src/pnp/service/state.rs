//! What the service knows: template, values, and the phones that were found. No I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use contract::{Mac, Timestamp};
use provisioning::agent::Maker;
use provisioning::pnp::Asker;
use provisioning::pnp::profile::{Profile, ProfileError};
use provisioning::pnp::server::SessionId;
use provisioning::pnp::table::{MOST_PHONES, Table};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::Refused;

/// Refused phones that are named; further ones are counted.
const MOST_REFUSED: usize = 20;

/// How far a phone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It asked and was not told anything.
    Discovered,
    /// It was told where to fetch.
    Told,
    /// It acknowledged that. Where it is told another server, that is all.
    Acknowledged,
    /// It fetched its file, and has not acknowledged the URL (its answer was lost).
    Fetched,
    /// Both.
    Done,
    /// It refused the URL, or did not answer.
    Failed,
}

/// A phone that asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub ip: IpAddr,
    #[serde(skip)]
    pub maker: Option<Maker>,
    pub model: String,
    pub version: String,
    pub stage: Stage,
    /// Why it is where it is.
    pub note: String,
    pub at: Timestamp,
    /// Its subscription, while this phone runs.
    #[serde(skip)]
    pub session: Option<SessionId>,
}

impl Found {
    /// Whether it is told a folder, and appends the name of its file.
    pub fn appends(&self) -> bool {
        appends(self.maker)
    }
}

fn appends(maker: Option<Maker>) -> bool {
    matches!(maker, Some(Maker::Grandstream | Maker::Bellhop))
}

/// A phone there was no room for.
#[derive(Clone, Debug)]
pub(super) struct Turned {
    pub mac: Mac,
    pub ip: IpAddr,
    pub at: Timestamp,
}

/// How phones are pointed at files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At this phone, which serves them below this URL, with a `/` at the end.
    Local(String),
    /// At another server.
    Custom(String),
}

/// The template, with what was read of it.
#[derive(Clone, Debug)]
struct Template {
    text: String,
    profile: Profile,
    /// Of the text.
    hash: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    template: Option<Template>,
    /// With the hash of its text.
    table: Option<(Table, String)>,
    pub found: BTreeMap<Mac, Found>,
    pub turned: VecDeque<Turned>,
    pub turned_count: u64,
    pub way: Option<Way>,
    /// Why phones are told nothing, though the service is on.
    pub trouble: Option<String>,
    again: BTreeSet<Mac>,
    /// Rings when `found` has changed.
    pub changed: Arc<Notify>,
}

impl State {
    /// Phones keep their values, by the names of the variables. Returns variables that had a column, and have none now.
    pub fn set_template(&mut self, bytes: &[u8]) -> Result<Vec<String>, Refused> {
        let profile = Profile::read(bytes)?;
        let text = String::from_utf8_lossy(bytes).into_owned();
        let new = profile.variables();
        let mut unused = vec![];
        if let (Some((table, sum)), Some(old)) = (&mut self.table, &self.template)
            && old.profile.variables() != new
        {
            let old = old.profile.variables();
            unused.extend(old.iter().filter(|name| !new.contains(name)).cloned());
            *table = table.refit(old, new);
            *sum = hash(table.csv(&profile, &[]).as_bytes());
        }
        self.template = Some(Template { hash: hash(text.as_bytes()), text, profile });
        Ok(unused)
    }

    pub fn set_table(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let profile = self.profile().ok_or(Refused::NoTemplate)?;
        let table = Table::read(bytes, profile).map_err(Refused::Table)?;
        self.table = Some((table, hash(bytes)));
        Ok(())
    }

    pub fn clear(&mut self, template: bool) {
        self.table = None;
        if template {
            self.template = None;
        }
    }

    /// The values, for the template there is now.
    pub fn table_text(&self) -> Option<String> {
        self.table.as_ref().zip(self.profile()).map(|((table, _), profile)| table.csv(profile, &[]))
    }

    pub fn profile(&self) -> Option<&Profile> {
        self.template.as_ref().map(|template| &template.profile)
    }

    pub fn template_text(&self) -> Option<String> {
        self.template.as_ref().map(|template| template.text.clone())
    }

    /// Bytes and SHA-256 of the template.
    pub fn template_size(&self) -> Option<(usize, String)> {
        self.template.as_ref().map(|template| (template.text.len(), template.hash.clone()))
    }

    /// Rows and SHA-256 of the values.
    pub fn table_size(&self) -> Option<(usize, String)> {
        self.table.as_ref().map(|(table, hash)| (table.rows().len(), hash.clone()))
    }

    pub fn csv(&self) -> Option<String> {
        let found: Vec<Mac> = self.found.keys().copied().collect();
        let empty = Table::default();
        let table = self.table.as_ref().map_or(&empty, |(table, _)| table);
        Some(table.csv(self.profile()?, &found))
    }

    /// A phone's values; none are needed where the template has no variables.
    pub fn values(&self, mac: Mac) -> Option<Vec<String>> {
        let row = self.table.as_ref().and_then(|(table, _)| table.values(mac)).map(<[_]>::to_vec);
        row.or_else(|| self.profile()?.variables().is_empty().then(Vec::new))
    }

    /// A phone's file. `None`: it has no values.
    pub fn file(&self, mac: Mac) -> Option<Result<String, ProfileError>> {
        Some(self.profile()?.fill(mac, &self.values(mac)?))
    }

    /// Phones in the values, in their order.
    pub fn listed(&self) -> Vec<Mac> {
        self.table.iter().flat_map(|(table, _)| table.rows().map(|(mac, _)| mac)).collect()
    }

    /// A phone asked: the URL it is told, if any.
    pub fn asked(&mut self, now: Timestamp, id: SessionId, asker: &Asker, ip: IpAddr) -> Option<String> {
        let mac = asker.mac;
        if !self.found.contains_key(&mac) && self.found.len() >= MOST_PHONES && !self.make_room(mac) {
            self.turned_count += 1;
            self.turned.retain(|turned| turned.mac != mac);
            self.turned.push_back(Turned { mac, ip, at: now });
            if self.turned.len() > MOST_REFUSED {
                self.turned.pop_front();
            }
            return None;
        }
        let (url, note) = match self.url(mac, asker.maker) {
            Ok(url) => (Some(url), String::new()),
            Err(note) => (None, note),
        };
        let stage = if url.is_some() { Stage::Told } else { Stage::Discovered };
        let found = Found {
            ip,
            maker: asker.maker,
            model: asker.model.clone(),
            version: asker.version.clone(),
            stage,
            note,
            at: now,
            session: Some(id),
        };
        self.found.insert(mac, found);
        self.changed.notify_one();
        url
    }

    /// A phone that has values takes the place of one that has none and was found first.
    fn make_room(&mut self, mac: Mac) -> bool {
        let listed = self.listed();
        if !listed.contains(&mac) {
            return false;
        }
        let others = self.found.iter().filter(|(mac, _)| !listed.contains(mac));
        let first = others.min_by_key(|(_, found)| found.at).map(|(mac, _)| *mac);
        first.is_some_and(|first| self.found.remove(&first).is_some())
    }

    /// Where a phone is pointed, or why nowhere.
    fn url(&self, mac: Mac, maker: Option<Maker>) -> Result<String, String> {
        let appends = appends(maker);
        match &self.way {
            None => Err("the service is not ready".to_owned()),
            // With a query it is no folder that names could be appended to.
            Some(Way::Custom(url)) if appends && !url.ends_with('/') && !url.contains(['?', '#']) => {
                Ok(format!("{url}/"))
            }
            Some(Way::Custom(url)) => Ok(url.clone()),
            Some(Way::Local(folder)) => {
                let profile = self.profile().ok_or("there is no template")?;
                if self.values(mac).is_none() {
                    return Err("there is no row for it in the CSV".to_owned());
                }
                Ok(if appends { folder.clone() } else { format!("{folder}{}", profile.name_for(mac)) })
            }
        }
    }

    /// What became of a NOTIFY.
    pub fn answered(&mut self, now: Timestamp, id: SessionId, outcome: Result<(), String>) {
        let Some(found) = self.found.values_mut().find(|found| found.session == Some(id)) else { return };
        found.at = now;
        self.changed.notify_one();
        match outcome {
            Ok(()) if matches!(found.stage, Stage::Fetched | Stage::Done) => found.stage = Stage::Done,
            Ok(()) => found.stage = Stage::Acknowledged,
            // It has its file: whatever it answers.
            Err(_) if matches!(found.stage, Stage::Fetched | Stage::Done) => {}
            Err(why) => (found.stage, found.note) = (Stage::Failed, why),
        }
    }

    /// A file of this name for who asks from this address: a phone that was told so. Everybody else finds nothing. `counts`:
    /// it is really handed over.
    pub fn fetch(&mut self, now: Timestamp, name: &str, ip: IpAddr, counts: bool) -> Option<String> {
        let profile = self.profile()?;
        let told = |found: &Found| found.ip == ip && found.stage != Stage::Discovered;
        let mut told = self.found.iter().filter(|(_, found)| told(found)).map(|(mac, _)| *mac);
        let mac = told.find(|mac| profile.name_for(*mac) == name)?;
        let file = self.file(mac)?.ok()?;
        let found = self.found.get_mut(&mac).filter(|_| counts);
        let Some(found) = found else { return Some(file) };
        found.stage = match found.stage {
            Stage::Acknowledged | Stage::Done => Stage::Done,
            _ => Stage::Fetched,
        };
        (found.at, found.note) = (now, String::new());
        self.changed.notify_one();
        Some(file)
    }

    pub fn redistribute(&mut self, macs: Option<&[Mac]>) -> (usize, Vec<Mac>) {
        let wanted: Vec<Mac> = match macs {
            Some(macs) => macs.to_vec(),
            None => self.found.keys().copied().collect(),
        };
        let can = |mac: &Mac| self.found.get(mac).is_some_and(|found| found.session.is_some());
        let (known, unknown): (BTreeSet<Mac>, Vec<Mac>) = {
            let (known, unknown): (Vec<Mac>, Vec<Mac>) = wanted.into_iter().partition(can);
            (known.into_iter().collect(), unknown)
        };
        let count = known.len();
        self.again.extend(known);
        (count, unknown)
    }

    /// Phones to be told again, with their subscriptions and URLs. Who cannot be told says why in its note.
    pub fn take_again(&mut self, now: Timestamp) -> Vec<(SessionId, String)> {
        let mut out = vec![];
        for mac in std::mem::take(&mut self.again) {
            let Some(found) = self.found.get(&mac) else { continue };
            let url = self.url(mac, found.maker);
            let Some(found) = self.found.get_mut(&mac) else { continue };
            found.at = now;
            match (url, found.session) {
                (Ok(url), Some(id)) => {
                    (found.stage, found.note) = (Stage::Told, String::new());
                    out.push((id, url));
                }
                (Err(why), _) => found.note = why,
                (_, None) => {}
            }
        }
        out
    }

    /// A subscription that nobody remembers: the phone has to ask again, as it does when it starts.
    pub fn lost(&mut self, id: SessionId) {
        if let Some(found) = self.found.values_mut().find(|found| found.session == Some(id)) {
            found.session = None;
            (found.stage, found.note) = (Stage::Failed, "it does not listen any more; restart it".to_owned());
        }
    }

    /// The service starts anew: subscriptions of before are gone.
    pub fn begin(&mut self, way: Option<Way>, trouble: Option<String>) {
        (self.way, self.trouble) = (way, trouble);
        self.again.clear();
        for found in self.found.values_mut() {
            found.session = None;
        }
    }

    pub fn drop_phone(&mut self, mac: Mac) -> bool {
        self.again.remove(&mac);
        self.changed.notify_one();
        self.found.remove(&mac).is_some()
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_ends_with_a_slash_and_an_address_with_a_query_is_left_as_it_is() {
        let mac: Mac = "c074ad120701".parse().unwrap();
        for (custom, maker, told) in [
            ("http://h/p", Maker::Grandstream, "http://h/p/"),
            ("http://h/p/", Maker::Bellhop, "http://h/p/"),
            ("http://h/p", Maker::Yealink, "http://h/p"),
            ("http://h/p?x=1", Maker::Grandstream, "http://h/p?x=1"),
        ] {
            let state = State { way: Some(Way::Custom(custom.into())), ..State::default() };
            assert_eq!(state.url(mac, Some(maker)).as_deref(), Ok(told));
        }
    }

    #[test]
    fn effects_say_so_where_a_phone_asks_for_another_name() {
        let mac: Mac = "c074ad120701".parse().unwrap();
        for (name, maker, wrong) in [
            ("cfg%%mac_address%%.xml", Maker::Grandstream, false),
            ("%%mac_address%%.xml", Maker::Grandstream, true),
            ("%%mac_address%%.xml", Maker::Yealink, false),
        ] {
            let mut state = State { way: Some(Way::Local("http://h/pnp/".into())), ..State::default() };
            let template = format!("<t><f filename=\"{name}\"><data><![CDATA[x]]></data></f></t>");
            state.set_template(template.as_bytes()).unwrap();
            let asker =
                Asker { mac, maker: Some(maker), vendor: String::new(), model: String::new(), version: String::new() };
            state.asked(Timestamp(1), SessionId::default(), &asker, "192.0.2.7".parse().unwrap());
            let problems = super::super::view::effects(&state).unwrap().remove(0).problems;
            assert_eq!(!problems.is_empty(), wrong, "{name} {problems:?}");
        }
    }
}
