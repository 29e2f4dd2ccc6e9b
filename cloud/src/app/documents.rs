//! The documents of a phone, held against each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::rest::{ValueOwner, ValueState};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{Result, views};
use crate::db::entity::{kept_value, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::{Applied, Held, Kept, Reported};
use crate::domain::layers::Desired;
use crate::secrets::Secrets;

/// Keys by what somebody chose to leave under them.
pub type KeptValues = BTreeMap<String, Kept>;

/// What a phone should be, is, and was told; secrets sealed.
#[derive(Default)]
pub struct Documents {
    pub desired: Desired,
    pub reported: Reported,
    pub applied: Applied,
    pub kept: KeptValues,
    pub reported_at: i64,
    /// Keys the phone's user set there, as the phone reports.
    pub by_user: BTreeSet<String>,
    /// The phone protects them.
    pub protected: bool,
}

impl Documents {
    pub fn read(phone: &phone::Model, row: &phone_document::Model, kept: KeptValues) -> Result<Self> {
        let desired: Desired = serde_json::from_str(&row.desired)?;
        let reported = serde_json::from_str(&row.reported)?;
        let protection = desired.get(catalogue::USER_PROTECTION).map(|effective| effective.value.as_str());
        Ok(Self {
            by_user: views::set_by_user(phone),
            protected: protects(phone, &reported, protection),
            desired,
            reported,
            applied: serde_json::from_str(&row.applied)?,
            kept,
            reported_at: row.reported_at,
        })
    }

    /// Of one phone; empty if it has none.
    pub async fn load(tx: &impl ConnectionTrait, phone: &phone::Model) -> Result<Self> {
        let Some(row) = phone_document::Entity::find_by_id(phone.id).one(tx).await? else { return Ok(Self::default()) };
        let kept = kept(tx, &[phone.id]).await?.remove(&phone.id).unwrap_or_default();
        Self::read(phone, &row, kept)
    }

    /// How the phone stands to what it should have under a key. `None`: nothing is wanted.
    pub fn state(&self, secrets: &Secrets, key: &str) -> Result<Option<ValueState>> {
        let Some(effective) = self.desired.get(key) else { return Ok(None) };
        let plain = secrets.open_setting(key, &effective.value)?;
        let held = Held {
            desired: &plain,
            reported: self.reported.get(key).map(String::as_str),
            applied: self.applied.get(key).map(String::as_str),
            secret: catalogue::is_secret(key),
            kept: self.kept.get(key),
            protected: self.protected,
            by_user: self.by_user.contains(key),
        };
        Ok(Some(held.state(&secrets.fingerprint(&plain))))
    }

    /// Who set what the phone runs with under a key.
    pub fn owner(&self, key: &str) -> ValueOwner {
        match (self.by_user.contains(key), self.protected) {
            (false, _) => ValueOwner::Bellhop,
            (true, false) => ValueOwner::User,
            (true, true) => ValueOwner::ProtectedUser,
        }
    }
}

/// Whether the phone protects what its user set: as its state report says, else as was read of it, else as it should have.
pub fn protects(phone: &phone::Model, reported: &Reported, desired: Option<&str>) -> bool {
    match phone.boot > 0 {
        true => phone.user_protection,
        false => reported.get(catalogue::USER_PROTECTION).map(String::as_str).or(desired) == Some("yes"),
    }
}

/// What somebody chose to leave on these phones.
pub async fn kept(tx: &impl ConnectionTrait, phones: &[Uuid]) -> Result<HashMap<Uuid, KeptValues>> {
    let mut all: HashMap<Uuid, KeptValues> = HashMap::new();
    for ids in phones.chunks(10_000) {
        let query = kept_value::Entity::find().filter(kept_value::Column::PhoneId.is_in(ids.iter().copied()));
        for row in query.all(tx).await? {
            let kept = Kept { value: row.value, desired: row.desired };
            all.entry(row.phone_id).or_default().insert(row.key, kept);
        }
    }
    Ok(all)
}
