//! The facts rules need: how good secrets are, where the phone belongs, who else has its extension.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use settings::lint::{Facts, Finding, Secret, lint};
use uuid::Uuid;

use super::emergency;
use crate::app::accounts::SLOTS;
use crate::app::accounts::servers::address;
use crate::app::layers::Scope;
use crate::app::{App, Result};
use crate::db::entity::{phone, phone_document, property, room, sip_account, sip_server};
use crate::domain::catalogue;
use crate::domain::document::Reported;
use crate::domain::layers::Desired;

/// Documents looked at for one extension of one phone.
const MOST_NEIGHBOURS: u64 = 500;

/// A user on a server.
type Extension = (String, String);

/// What is known of a property, for any number of its phones.
#[derive(Clone, Default)]
pub struct Context {
    emergency: Vec<String>,
    acs_hosts: Vec<String>,
    /// Who has which extension: the phone, and how people call it.
    users: HashMap<Extension, Vec<(Uuid, String)>>,
    /// Extensions that many may have.
    shared: HashSet<Extension>,
}

impl Context {
    /// Without any phones; see [`Context::add`].
    pub async fn of_property(app: &App, db: &impl ConnectionTrait, property: Option<Uuid>) -> Result<Self> {
        let acs_hosts = acs_hosts(app);
        let Some(id) = property else { return Ok(Self { acs_hosts, ..Self::default() }) };
        let emergency = match property::Entity::find_by_id(id).one(db).await? {
            Some(property) => emergency::numbers(db, &property).await?.numbers,
            None => Vec::new(),
        };
        let servers = sip_server::Entity::find().filter(sip_server::Column::PropertyId.eq(id)).all(db).await?;
        let place = |server: &sip_server::Model| place(&address(server), &server.transport);
        let servers: HashMap<Uuid, String> = servers.iter().map(|server| (server.id, place(server))).collect();
        let shared = sip_account::Entity::find()
            .filter(sip_account::Column::PropertyId.eq(id))
            .filter(sip_account::Column::Shared.eq(true))
            .all(db)
            .await?
            .into_iter()
            .filter_map(|account| Some((servers.get(&account.server_id)?.clone(), account.user)))
            .collect();
        Ok(Self { emergency, acs_hosts, users: HashMap::new(), shared })
    }

    /// Of layers one above the other, whether phones stand below them or not: with the numbers of all properties there.
    pub async fn of_layers(app: &App, db: &impl ConnectionTrait, scopes: &[Scope]) -> Result<Self> {
        use property::Column::{BrandId, ChainId, Id};
        let of = |found: fn(&Scope) -> Option<Uuid>| scopes.iter().find_map(found);
        let property = of(|scope| if let Scope::Property(id) = scope { Some(*id) } else { None });
        let brand = of(|scope| if let Scope::Brand(id) = scope { Some(*id) } else { None });
        let chain = of(|scope| if let Scope::Chain(id) = scope { Some(*id) } else { None });
        let below = match (property, brand, chain) {
            (Some(id), ..) => Some(Id.eq(id)),
            (_, Some(id), _) => Some(BrandId.eq(id)),
            (.., Some(id)) => Some(ChainId.eq(id)),
            (None, None, None) => None,
        };
        let properties = match below {
            Some(below) => property::Entity::find().filter(below).all(db).await?,
            None => Vec::new(),
        };
        let emergency = emergency::of_several(db, &properties).await?;
        Ok(Self { emergency, acs_hosts: acs_hosts(app), ..Self::default() })
    }

    /// A phone of the property with what it is to be, and how people call it. Each phone once.
    pub fn add(&mut self, phone: Uuid, name: &str, wanted: &Desired) {
        for (_, extension) in extensions(wanted) {
            let held = self.users.entry(extension).or_default();
            if !held.iter().any(|(id, _)| *id == phone) {
                held.push((phone, name.to_owned()));
            }
        }
    }

    /// Adds the phones of the property that may have an extension of this one.
    pub async fn load_neighbours(
        &mut self,
        db: &impl ConnectionTrait,
        phone: &phone::Model,
        wanted: &Desired,
    ) -> Result<()> {
        let Some(property) = phone.property_id else { return Ok(()) };
        for (_, (_, user)) in extensions(wanted) {
            // Found by their text first: a property has thousands of documents.
            let of_property = phone::Entity::find()
                .select_only()
                .column(phone::Column::Id)
                .filter(phone::Column::PropertyId.eq(property))
                .into_query();
            let documents = phone_document::Entity::find()
                .filter(phone_document::Column::PhoneId.in_subquery(of_property))
                .filter(phone_document::Column::PhoneId.ne(phone.id))
                .filter(phone_document::Column::Desired.contains(format!("\"{user}\"")))
                .limit(MOST_NEIGHBOURS)
                .all(db)
                .await?;
            let ids = documents.iter().map(|document| document.phone_id);
            let others = phone::Entity::find().filter(phone::Column::Id.is_in(ids)).all(db).await?;
            let rooms = others.iter().filter_map(|phone| phone.room_id);
            let rooms: HashMap<Uuid, String> = room::Entity::find()
                .filter(room::Column::Id.is_in(rooms))
                .all(db)
                .await?
                .into_iter()
                .map(|room| (room.id, room.number))
                .collect();
            let others: HashMap<Uuid, phone::Model> = others.into_iter().map(|phone| (phone.id, phone)).collect();
            for document in documents {
                let Some(other) = others.get(&document.phone_id) else { continue };
                let number = other.room_id.and_then(|id| rooms.get(&id)).map(String::as_str);
                self.add(other.id, &name(&other.mac, number), &serde_json::from_str(&document.desired)?);
            }
        }
        Ok(())
    }

    /// What is wrong with what a phone is to be. Where no layer says anything, what the phone says counts.
    pub fn check(&self, app: &App, phone: Uuid, wanted: &Desired, reported: &Reported) -> Result<Vec<Finding>> {
        let get = |key: &str| match wanted.get(key) {
            _ if catalogue::is_secret(key) => None,
            Some(effective) => Some(effective.value.clone()),
            None => reported.get(key).cloned(),
        };
        let mut secrets = BTreeMap::new();
        for (key, effective) in wanted.iter().filter(|(key, _)| catalogue::is_secret(key)) {
            let user = owner(key).and_then(|user| get(&user)).unwrap_or_default();
            secrets.insert(key.clone(), Secret::of(&app.secrets.open(key, &effective.value)?, &user));
        }
        // The address it calls us at is one of ours.
        let own = reported.get("tr069.url").and_then(|url| host(url));
        let facts = Facts {
            emergency: self.emergency.clone(),
            acs_hosts: self.acs_hosts.iter().cloned().chain(own).collect(),
            secrets,
            doubles: extensions(wanted).map(|(slot, extension)| (slot, self.others(phone, &extension))).collect(),
        };
        Ok(lint(&get, &facts))
    }

    fn others(&self, phone: Uuid, extension: &Extension) -> Vec<String> {
        if self.shared.contains(extension) {
            return Vec::new();
        }
        let held = self.users.get(extension).into_iter().flatten();
        held.filter(|(id, _)| *id != phone).map(|(_, name)| name.clone()).collect()
    }
}

/// How people call a phone.
pub fn name(mac: &str, room: Option<&str>) -> String {
    let phone = || mac.parse::<contract::Mac>().map_or_else(|_| mac.to_owned(), |mac| mac.to_string());
    room.map_or_else(|| format!("phone {}", phone()), |number| format!("room {number}"))
}

/// The accounts a phone is to register: slot, server and user.
fn extensions(wanted: &Desired) -> impl Iterator<Item = (u8, Extension)> {
    SLOTS.into_iter().filter_map(|slot| {
        let value = |rest: &str| wanted.get(&format!("account.{slot}.{rest}")).map(|held| held.value.clone());
        let is_on = value("enable").as_deref() == Some("yes");
        let user = value("sip.userid").filter(|user| is_on && !user.is_empty())?;
        let server = value("sip.server.1.address").unwrap_or_default();
        Some((u8::try_from(slot).ok()?, (place(&server, &value("sip.transport").unwrap_or_default()), user)))
    })
}

/// A server's address so that equal ones are equal: `PBX.example:5060` is `pbx.example` (RFC 3261, section 19.1.4). The
/// default port is that of the transport.
fn place(address: &str, transport: &str) -> String {
    let address = address.to_ascii_lowercase();
    let port = if transport == "tls" { ":5061" } else { ":5060" };
    // The last group of a bare IPv6 address is no port.
    let has_port = address.starts_with('[') || address.matches(':').count() == 1;
    let bare = if has_port { address.strip_suffix(port) } else { None };
    bare.unwrap_or(&address).trim_matches(['[', ']']).to_owned()
}

/// The setting with the user a password belongs to.
fn owner(key: &str) -> Option<String> {
    match key.strip_suffix(".sip.subscriber.password") {
        Some(account) => Some(format!("{account}.sip.userid")),
        None => key.strip_suffix("password").map(|rest| format!("{rest}username")),
    }
}

/// Where phones reach this server, as far as somebody said it.
fn acs_hosts(app: &App) -> Vec<String> {
    let config = &app.config;
    [&config.server.public_url, &config.provision.acs_url].into_iter().filter_map(|url| host(url)).collect()
}

fn host(url: &str) -> Option<String> {
    let host = url::Url::parse(url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned();
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_the_same_in_any_case_and_with_its_default_port() {
        for (one, transport) in [("pbx.example", "udp"), ("PBX.example:5060", "tcp"), ("pbx.EXAMPLE:5061", "tls")] {
            assert_eq!(place(one, transport), "pbx.example", "{one}");
        }
        assert_eq!(place("pbx.example:5061", "udp"), "pbx.example:5061");
        assert_eq!(place("[FD00::5]:5060", ""), "fd00::5");
        assert_eq!(place("fd00::5060", ""), "fd00::5060");
    }

    #[test]
    fn passwords_have_users_and_urls_hosts() {
        assert_eq!(owner("account.2.sip.subscriber.password").as_deref(), Some("account.2.sip.userid"));
        assert_eq!(owner("tr069.password").as_deref(), Some("tr069.username"));
        assert_eq!(owner("security.key"), None);
        assert_eq!(host("https://[fd00::1]:7548/acs").as_deref(), Some("fd00::1"));
        assert_eq!(host("http://u:p@ACS.example/x").as_deref(), Some("acs.example"));
        assert_eq!(host(""), None);
    }
}
