//! Backup packages of a phone and of a property: what was said on every layer, and what came of it.

use std::collections::{BTreeMap, HashMap};

use contract::rest::{BackupOrder, ConfigAudience, ConfigFormat, SECRET_MASK};
use contract::{PhoneId, PropertyId, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use uuid::Uuid;

use super::export::{Export, check_password, hide_secrets, load, make};
use super::package::{LAYERS, Value, layer_name, pack};
use crate::app::error::not_found;
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{layer_value, phone, property, room, room_type};
use crate::domain::catalogue;

/// Ids asked for in one statement.
const ROUND: usize = 500;

/// Layers by their ids: the layer's word, and what its owner is called in a package.
pub(super) type Scopes = HashMap<Uuid, (&'static str, String)>;

/// A phone's package: its configuration, its room, and all layers over it.
pub async fn of_phone(app: &App, actor: &Actor, id: PhoneId, order: &BackupOrder) -> Result<Export> {
    check(order)?;
    let (phone, mut document, _) = load(app, id).await?;
    hide_secrets(&mut document);
    let db = app.db.read();
    let room = match phone.room_id {
        Some(room) => room::Entity::find_by_id(room).one(db).await?,
        None => None,
    };
    let property = match phone.property_id {
        Some(property) => property::Entity::find_by_id(property).one(db).await?,
        None => None,
    };
    let mut scopes = Scopes::from([(phone.id, ("phone", phone.mac.clone()))]);
    scopes.extend(room.iter().map(|room| (room.id, ("room", room.number.clone()))));
    scopes.extend(property.iter().map(|property| (property.id, ("property", String::new()))));
    let about = json!({
        "mac": phone.mac,
        "serial": phone.serial,
        "model": phone.model,
        "firmware": phone.firmware,
        "property": property.as_ref().map(|property| &property.code),
        "room": room.as_ref().map(|room| &room.number),
        "desired_version": phone.desired_version,
        "applied_version": phone.applied_version,
    });
    let mut files = BTreeMap::from([("phone.json".to_owned(), serde_json::to_vec_pretty(&about)?)]);
    for (format, name) in [(ConfigFormat::Xml, "configuration.xml"), (ConfigFormat::Text, "configuration.txt")] {
        files.insert(name.to_owned(), make(&document, format, ConfigAudience::Bellhop)?.0);
    }
    finish(app, actor, ("phone", &phone.mac, &id.to_string()), &scopes, files, order).await
}

/// A property's package: its rooms, its phones, and all layers from it downwards. No guest is named in it.
pub async fn of_property(app: &App, actor: &Actor, id: PropertyId, order: &BackupOrder) -> Result<Export> {
    check(order)?;
    let db = app.db.read();
    let property = property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let Below { rooms, room_types, phones, scopes } = below(app, id.0).await?;
    let types: HashMap<Uuid, &str> = room_types.iter().map(|one| (one.id, one.name.as_str())).collect();
    let numbers: HashMap<Uuid, &str> = rooms.iter().map(|room| (room.id, room.number.as_str())).collect();
    let about = json!({
        "code": property.code,
        "name": property.name,
        "time_zone": property.time_zone,
        "rooms": rooms.iter().map(|room| json!({
            "number": room.number,
            "extension": room.extension,
            "room_type": room.room_type_id.and_then(|id| types.get(&id)),
        })).collect::<Vec<_>>(),
        "phones": phones.iter().map(|phone| json!({
            "mac": phone.mac,
            "serial": phone.serial,
            "model": phone.model,
            "room": phone.room_id.and_then(|room| numbers.get(&room)),
            "desired_version": phone.desired_version,
            "applied_version": phone.applied_version,
        })).collect::<Vec<_>>(),
    });
    let files = BTreeMap::from([("property.json".to_owned(), serde_json::to_vec_pretty(&about)?)]);
    finish(app, actor, ("property", &property.code, &id.to_string()), &scopes, files, order).await
}

/// What a property has, and every layer from it downwards.
pub(super) struct Below {
    rooms: Vec<room::Model>,
    room_types: Vec<room_type::Model>,
    phones: Vec<phone::Model>,
    pub scopes: Scopes,
}

pub(super) async fn below(app: &App, property: Uuid) -> Result<Below> {
    let db = app.db.read();
    let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property)).all(db).await?;
    let room_types = room_type::Entity::find().filter(room_type::Column::PropertyId.eq(property)).all(db).await?;
    let phones = phone::Entity::find().filter(phone::Column::PropertyId.eq(property)).all(db).await?;
    let mut scopes = Scopes::from([(property, ("property", String::new()))]);
    scopes.extend(room_types.iter().map(|one| (one.id, ("room-type", one.name.clone()))));
    scopes.extend(rooms.iter().map(|room| (room.id, ("room", room.number.clone()))));
    scopes.extend(phones.iter().map(|phone| (phone.id, ("phone", phone.mac.clone()))));
    Ok(Below { rooms, room_types, phones, scopes })
}

fn check(order: &BackupOrder) -> Result<()> {
    if order.password.is_empty() { Ok(()) } else { check_password(&order.password) }
}

/// The rows of these layers, in the order of their keys.
pub(super) async fn rows(app: &App, scopes: &Scopes) -> Result<Vec<layer_value::Model>> {
    let ids: Vec<Uuid> = scopes.keys().copied().collect();
    let mut rows = Vec::new();
    for round in ids.chunks(ROUND) {
        let found = layer_value::Entity::find()
            .filter(layer_value::Column::ScopeId.is_in(round.iter().copied()))
            .order_by_asc(layer_value::Column::Key);
        rows.extend(found.all(app.db.read()).await?);
    }
    Ok(rows)
}

async fn finish(
    app: &App,
    actor: &Actor,
    (kind, subject, target): (&str, &str, &str),
    scopes: &Scopes,
    mut files: BTreeMap<String, Vec<u8>>,
    order: &BackupOrder,
) -> Result<Export> {
    let (mut values, mut secrets) = (Vec::new(), BTreeMap::new());
    for row in rows(app, scopes).await? {
        let Some((layer, of)) = row.scope_id.and_then(|id| scopes.get(&id)) else { continue };
        let secret = catalogue::is_secret(&row.key);
        let value = Value {
            layer: (*layer).to_owned(),
            of: of.clone(),
            value: if secret { SECRET_MASK.to_owned() } else { row.value.clone() },
            key: row.key,
            locked: row.locked,
            reason: row.reason,
            changed_at: Timestamp(row.changed_at),
            changed_by: row.changed_by,
        };
        if secret && !order.password.is_empty() {
            secrets.insert(value.name(), app.secrets.open(&value.key, &row.value)?);
        }
        values.push(value);
    }
    values.sort_by_key(Value::name);
    files.insert(LAYERS.to_owned(), serde_json::to_vec_pretty(&values)?);
    let at = Timestamp(now_ms());
    let (name, by, password) = (subject.to_owned(), actor.0.clone(), order.password.clone());
    let what = kind.to_owned();
    // The password takes its time, on purpose.
    let layers = scopes.values().map(|(layer, of)| layer_name(layer, of)).collect();
    let packed = tokio::task::spawn_blocking(move || pack((&what, &name, &by, at), layers, files, &secrets, &password));
    let bytes = packed.await.map_err(anyhow::Error::from)??;
    let write = app.db.write_beside().await?;
    let detail = format!("{subject}, {} secrets", if order.password.is_empty() { "without" } else { "with sealed" });
    audit::record(&write.tx, actor, &format!("{kind}.backup"), target, detail).await?;
    write.commit().await?;
    Ok(Export { name: format!("bellhop-{kind}-{subject}.tar"), content_type: "application/x-tar", bytes })
}
