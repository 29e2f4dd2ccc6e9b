//! What the accounts of a room or a phone mean for the settings of the phone. Loaded for many phones at once.

use std::collections::{BTreeSet, HashMap};

use contract::Mac;
use contract::rest::Layer;
use provisioning::variables::Template;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::servers::address;
use crate::app::desired::targets::Target;
use crate::app::{App, Result};
use crate::db::entity::{room, sip_account, sip_assignment, sip_server};
use crate::domain::catalogue;

/// Phones in one statement at most; each names itself and its room.
const PHONES: usize = 10_000;

/// The accounts of a set of phones.
#[derive(Default)]
pub struct Accounts {
    by_room: HashMap<Uuid, Vec<Uuid>>,
    by_phone: HashMap<Uuid, Vec<Uuid>>,
    accounts: HashMap<Uuid, sip_account::Model>,
    servers: HashMap<Uuid, sip_server::Model>,
    /// Passwords in clear, by account; only where a value asks for them.
    passwords: HashMap<Uuid, String>,
}

impl Accounts {
    /// For many phones at once.
    pub async fn load(tx: &impl ConnectionTrait, phones: &[Target]) -> Result<Self> {
        let mut loaded = Self::default();
        for some in phones.chunks(PHONES) {
            loaded.take(tx, some).await?;
        }
        Ok(loaded)
    }

    async fn take(&mut self, tx: &impl ConnectionTrait, phones: &[Target]) -> Result<()> {
        let any = Condition::any()
            .add(sip_assignment::Column::RoomId.is_in(phones.iter().filter_map(|phone| phone.room_id)))
            .add(sip_assignment::Column::PhoneId.is_in(phones.iter().map(|phone| phone.id)));
        let mut ids = Vec::new();
        for one in sip_assignment::Entity::find().filter(any).all(tx).await? {
            ids.push(one.account_id);
            if let Some(room) = one.room_id {
                self.by_room.entry(room).or_default().push(one.account_id);
            }
            if let Some(phone) = one.phone_id {
                self.by_phone.entry(phone).or_default().push(one.account_id);
            }
        }
        let accounts = sip_account::Entity::find().filter(sip_account::Column::Id.is_in(ids)).all(tx).await?;
        let servers: BTreeSet<Uuid> = accounts.iter().map(|account| account.server_id).collect();
        let servers = sip_server::Entity::find().filter(sip_server::Column::Id.is_in(servers)).all(tx).await?;
        self.accounts.extend(accounts.into_iter().map(|account| (account.id, account)));
        self.servers.extend(servers.into_iter().map(|server| (server.id, server)));
        Ok(())
    }

    /// Opens the passwords, for `{sip.password}`.
    pub fn open_passwords(&mut self, app: &App) -> Result<()> {
        for account in self.accounts.values() {
            self.passwords.insert(account.id, super::open(app, account)?);
        }
        Ok(())
    }

    /// What a variable about the phone's first account stands for: that of the lowest slot, the phone's own before its
    /// room's.
    pub fn variable(&self, name: &str, phone: &Target, room: Option<&room::Model>) -> Option<String> {
        let of_phone = self.by_phone.get(&phone.id).into_iter().flatten();
        let of_room = room.and_then(|room| self.by_room.get(&room.id)).into_iter().flatten();
        let all = of_phone.chain(of_room).filter_map(|id| self.accounts.get(id));
        let mine = all.filter(|account| phone.property_id == Some(account.property_id));
        // Of equal ones the first is taken.
        let account = mine.min_by_key(|account| account.slot)?;
        let server = self.servers.get(&account.server_id)?;
        let value = match name {
            "sip.server" => address(server),
            "sip.host" => server.host.clone(),
            "sip.user" => account.user.clone(),
            "sip.auth_user" => account.auth_user.clone(),
            "sip.display_name" => cut(catalogue::SIP_DISPLAY_NAME, &display_name(account, phone, room)),
            "sip.password" => self.passwords.get(&account.id)?.clone(),
            _ => return None,
        };
        Some(value)
    }

    /// The settings that follow, as (layer, key, value with secrets sealed), on the layer of the room or of the phone itself. Values are final: what is in them is
    /// no template any more. A phone taken to another property has nothing of the accounts it had.
    pub fn entries(&self, phone: &Target, room: Option<&room::Model>) -> Vec<(Layer, String, String)> {
        let of_room = room.and_then(|room| self.by_room.get(&room.id)).into_iter().flatten();
        let of_phone = self.by_phone.get(&phone.id).into_iter().flatten();
        let all = of_room.map(|id| (Layer::Room, id)).chain(of_phone.map(|id| (Layer::Phone, id)));
        let mut entries = Vec::new();
        for (layer, id) in all {
            let account = self.accounts.get(id).filter(|account| phone.property_id == Some(account.property_id));
            let Some((account, server)) = account.and_then(|one| Some((one, self.servers.get(&one.server_id)?))) else {
                continue;
            };
            let values = of_account(account, server, phone, room).into_iter();
            entries.extend(values.map(|(key, value)| (layer, format!("account.{}.{key}", account.slot), value)));
        }
        entries
    }
}

/// Keys below `account.N.` with their values.
fn of_account(
    account: &sip_account::Model,
    server: &sip_server::Model,
    phone: &Target,
    room: Option<&room::Model>,
) -> Vec<(&'static str, String)> {
    let shown = display_name(account, phone, room);
    let mut values = vec![
        ("enable", "yes".to_owned()),
        ("name", cut(catalogue::ACCOUNT_NAME, &shown)),
        ("sip.server.1.address", address(server)),
        ("sip.transport", server.transport.clone()),
        ("sip.userid", account.user.clone()),
        ("sip.subscriber.userid", account.auth_user.clone()),
        ("sip.subscriber.password", account.password.clone()),
        ("sip.subscriber.name", cut(catalogue::SIP_DISPLAY_NAME, &shown)),
    ];
    // What the server says nothing of is left to the settings.
    for (key, value) in
        [("sip.outboundproxy.1.address", &server.outbound_proxy), ("sip.server.2.address", &server.second_server)]
    {
        if !value.is_empty() {
            values.push((key, value.clone()));
        }
    }
    if server.register_expiry > 0 {
        values.push(("sip.registerexpiration", server.register_expiry.to_string()));
    }
    values
}

/// The display name with its variables filled in. Without one of its own: the guest's name, the room's number, the user.
pub fn display_name(account: &sip_account::Model, phone: &Target, room: Option<&room::Model>) -> String {
    let mac = || phone.mac.parse::<Mac>().ok();
    name_of(account, room, |name| match name {
        "device.mac" => Some(phone.mac.clone()),
        "device.mac_colons" => mac().map(|mac| mac.to_string()),
        "device.model" => Some(phone.model.clone()),
        "device.serial" => Some(phone.serial.clone()),
        _ => None,
    })
}

/// The same, of whatever phone.
pub fn name_of(
    account: &sip_account::Model,
    room: Option<&room::Model>,
    device: impl Fn(&str) -> Option<String>,
) -> String {
    let lookup = |name: &str| match name {
        "room.number" => room.map(|room| room.number.clone()),
        "room.extension" | "sip.user" => Some(account.user.clone()),
        "guest.name" => room.map(|room| room.guest_name.clone()),
        other => device(other),
    };
    let template = Template::parse(&account.display_name).ok();
    // A variable without a value here, such as the room of a phone in none: as if there were no template.
    let own = template.and_then(|template| template.expand(lookup).ok());
    let own = own.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    own.unwrap_or_else(|| match room {
        Some(room) if !room.guest_name.is_empty() => room.guest_name.clone(),
        Some(room) => format!("Room {}", room.number),
        None => account.user.clone(),
    })
}

/// Names of all accounts are as long as the first one's.
fn cut(key: &str, text: &str) -> String {
    catalogue::cut(key, text).to_owned()
}

#[cfg(test)]
mod tests {
    use contract::rest::Enrolment;

    use super::*;
    use crate::app::announce::blank;

    const PROPERTY: Uuid = Uuid::from_u128(1);

    fn account(slot: i32, display_name: &str) -> sip_account::Model {
        sip_account::Model {
            id: Uuid::from_u128(slot as u128 + 10),
            property_id: PROPERTY,
            server_id: Uuid::from_u128(2),
            user: "6314".into(),
            auth_user: "auth6314".into(),
            password: "sealed:1:x".into(),
            display_name: display_name.into(),
            slot,
            shared: false,
        }
    }

    fn server() -> sip_server::Model {
        sip_server::Model {
            id: Uuid::from_u128(2),
            property_id: PROPERTY,
            name: "Main".into(),
            host: "pbx.example".into(),
            port: 5061,
            transport: "tls".into(),
            outbound_proxy: "edge.example".into(),
            second_server: "b.example".into(),
            register_expiry: 30,
        }
    }

    fn room(guest: &str) -> room::Model {
        room::Model {
            id: Uuid::from_u128(3),
            property_id: PROPERTY,
            floor_id: Uuid::from_u128(4),
            number: "314".into(),
            extension: "6314".into(),
            guest_name: guest.into(),
            room_type_id: None,
        }
    }

    fn phone() -> Target {
        let mut phone = blank(Mac::new([0xc0, 0x74, 0xad, 1, 2, 3]), "S1", Enrolment::Enrolled);
        phone.property_id = Some(PROPERTY);
        phone.room_id = Some(Uuid::from_u128(3));
        Target::of(&phone)
    }

    fn loaded(accounts: &[sip_account::Model]) -> Accounts {
        let (of_room, of_phone): (Vec<_>, Vec<_>) = accounts.iter().partition(|one| one.slot == 1);
        Accounts {
            by_room: HashMap::from([(Uuid::from_u128(3), of_room.iter().map(|one| one.id).collect())]),
            by_phone: HashMap::from([(phone().id, of_phone.iter().map(|one| one.id).collect())]),
            accounts: accounts.iter().map(|one| (one.id, one.clone())).collect(),
            servers: HashMap::from([(Uuid::from_u128(2), server())]),
            passwords: HashMap::from([(Uuid::from_u128(12), "hunter2".into())]),
        }
    }

    #[test]
    fn variables_stand_for_the_first_account_and_the_phones_own_comes_before_the_rooms() {
        let (phone, room) = (phone(), room("Mrs Silva"));
        let mut all = loaded(&[account(1, ""), sip_account::Model { user: "own".into(), ..account(2, "Lobby") }]);
        all.by_phone = HashMap::from([(phone.id, vec![Uuid::from_u128(12)])]);
        let get = |all: &Accounts, name: &str| all.variable(name, &phone, Some(&room));
        let expected = [
            ("sip.server", "pbx.example:5061"),
            ("sip.host", "pbx.example"),
            ("sip.user", "6314"),
            ("sip.auth_user", "auth6314"),
            ("sip.display_name", "Mrs Silva"),
        ];
        for (name, value) in expected {
            assert_eq!(get(&all, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(get(&all, "sip.password"), None, "nobody asked, and it was not opened");
        assert_eq!(get(&all, "sip.port"), None);
        // In the same slot the phone's own counts.
        all.accounts.get_mut(&Uuid::from_u128(12)).unwrap().slot = 1;
        assert_eq!(get(&all, "sip.user").as_deref(), Some("own"));
        assert_eq!(get(&all, "sip.password").as_deref(), Some("hunter2"));
        let elsewhere = Target { property_id: Some(Uuid::from_u128(9)), ..phone.clone() };
        assert_eq!(all.variable("sip.user", &elsewhere, Some(&room)), None, "taken to another house");
    }

    #[test]
    fn an_account_gives_values_the_catalogue_takes() {
        let mut phone = phone();
        let mut all = loaded(&[account(1, ""), account(2, "Lobby")]);
        all.by_phone = HashMap::from([(phone.id, vec![Uuid::from_u128(12)])]);
        let entries = all.entries(&phone, Some(&room("")));
        assert_eq!(entries.len(), 22);
        for (layer, key, value) in &entries {
            assert_eq!(settings::validate(key, value).as_ref(), Ok(value), "{key}");
            let of_room = key.starts_with("account.1.");
            assert_eq!(*layer, if of_room { Layer::Room } else { Layer::Phone }, "{key}");
        }
        let value = |key: &str| entries.iter().find(|one| one.1 == key).map(|one| one.2.as_str());
        assert_eq!(value("account.1.sip.server.1.address"), Some("pbx.example:5061"));
        assert_eq!(value("account.1.sip.subscriber.name"), Some("Room 314"));
        assert_eq!(value("account.2.sip.subscriber.name"), Some("Lobby"));
        assert_eq!(value(&catalogue::sip_password(1)), Some("sealed:1:x"));
        // It goes to another house.
        phone.property_id = Some(Uuid::from_u128(9));
        assert!(all.entries(&phone, None).is_empty());
    }

    #[test]
    fn a_display_name_is_filled_in_once_and_falls_back() {
        let name = |template: &str, room: Option<&room::Model>| display_name(&account(1, template), &phone(), room);
        assert_eq!(name("Room {room.number} ({sip.user})", Some(&room(""))), "Room 314 (6314)");
        assert_eq!(name("{guest.name}", Some(&room("Mrs Silva"))), "Mrs Silva");
        assert_eq!(name("{guest.name}", Some(&room(""))), "Room 314", "the room is vacant");
        assert_eq!(name("", Some(&room("Mrs Silva"))), "Mrs Silva");
        assert_eq!(name("Room {room.number}", None), "6314", "it stands nowhere");
        assert_eq!(name("{device.mac_colons}", None), "c0:74:ad:01:02:03");
        assert_eq!(name("{guest.name}", Some(&room("{sip.password}"))), "{sip.password}");
        for variable in crate::domain::account::IN_NAMES {
            let full = name(&format!("<{{{variable}}}>"), Some(&room("Mrs Silva")));
            assert!(full.starts_with('<'), "{variable}: {full}");
        }
    }
}
