//! New phones: announced beforehand, accepted after they phoned home, or turned away.

use contract::rest::{AcceptPhone, AnnouncePhone, Enrolment, PhoneRow, RoomState, SyncState};
use contract::{Mac, PhoneId, PropertyId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use super::desired::{Change, refresh};
use super::error::{conflict, invalid, not_found, unavailable};
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, rooms, views};
use crate::clock::now_ms;
use crate::db::entity::{phone, property, room};

/// A phone row with nothing known but its names.
pub fn blank(mac: Mac, serial: &str, enrolment: Enrolment) -> phone::Model {
    let now = now_ms();
    phone::Model {
        id: Uuid::now_v7(),
        mac: mac.compact(),
        serial: serial.to_owned(),
        manufacturer: String::new(),
        oui: mac.oui(),
        model: String::new(),
        hardware: String::new(),
        firmware: String::new(),
        ip: String::new(),
        property_id: None,
        room_id: None,
        enrolment: enrolment.as_str().to_owned(),
        acs_ha1_md5: String::new(),
        acs_ha1_sha256: String::new(),
        mqtt_hash: String::new(),
        connection_request_url: String::new(),
        connection_request_user: String::new(),
        connection_request_password: String::new(),
        inform_from: String::new(),
        udp_address: String::new(),
        state: RoomState::Expected.as_str().to_owned(),
        state_since: now,
        sync: SyncState::Unknown.as_str().to_owned(),
        connected: false,
        off_hook: false,
        accounts: "[]".to_owned(),
        boot: 0,
        state_seq: 0,
        uptime_s: None,
        last_seen: None,
        last_inform: None,
        inform_interval_s: 0,
        desired_version: 0,
        applied_version: 0,
        created_at: now,
        set_by_user: String::new(),
        user_protection: false,
        user_changes: 0,
    }
}

/// Binds a phone to its property, and to its room if one is given, before it first phones home.
pub async fn announce(app: &App, actor: &Actor, to: PropertyId, wanted: AnnouncePhone) -> Result<PhoneRow> {
    let mac: Mac = wanted.mac.parse().map_err(|error: contract::mac::MacError| invalid("mac", error.to_string()))?;
    let serial = wanted.serial.trim();
    if serial.is_empty() || serial.len() > 64 || !serial.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid("serial", "The serial number is 1 to 64 letters and digits, as printed on the label."));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    property::Entity::find_by_id(to.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    if let Some(known) = phone::Entity::find().filter(phone::Column::Mac.eq(mac.compact())).one(tx).await? {
        let detail = match views::enrolment(&known) {
            Enrolment::New => "This phone has phoned home already. Accept it under \"New phones\".",
            Enrolment::Expected | Enrolment::Enrolled => "A phone with this MAC address is known already.",
        };
        return Err(conflict("phone-known", "mac", detail));
    }
    let mut row = blank(mac, serial, Enrolment::Expected);
    row.model = wanted.model.trim().chars().take(40).collect();
    row.property_id = Some(to.0);
    phone::Entity::insert(row.clone().into_active_model()).exec(tx).await?;
    let room = match wanted.room {
        Some(id) => Some(rooms::find(tx, id).await?),
        None => None,
    };
    finish(app, actor, write, row, room, to, "phone.announce").await
}

/// Takes a phone that phoned home unannounced into a property, and into a room if one is given. It gets its own
/// credentials when it next phones home.
pub async fn accept(app: &App, actor: &Actor, id: PhoneId, wanted: AcceptPhone) -> Result<PhoneRow> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let row = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    if views::enrolment(&row) != Enrolment::New {
        return Err(conflict("phone-known", "phone", "This phone was accepted already."));
    }
    let room = match wanted.room {
        Some(room) => Some(rooms::find(tx, room).await?),
        None => None,
    };
    let to = match (&room, wanted.property) {
        (Some(room), _) => PropertyId(room.property_id),
        (None, Some(property)) => property,
        (None, None) => return Err(invalid("property", "Say which property the phone belongs to.")),
    };
    property::Entity::find_by_id(to.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let mut active = row.into_active_model();
    active.enrolment = Set(Enrolment::Expected.as_str().to_owned());
    active.property_id = Set(Some(to.0));
    let row = active.update(tx).await?;
    let answer = finish(app, actor, write, row, room, to, "phone.accept").await?;
    app.nudge([id]);
    Ok(answer)
}

async fn finish(
    app: &App,
    actor: &Actor,
    write: crate::db::WriteTx,
    row: phone::Model,
    room: Option<room::Model>,
    to: PropertyId,
    action: &str,
) -> Result<PhoneRow> {
    let tx = &write.tx;
    let mut touched = vec![Touched::phone(&row)];
    let mut changed = vec![row];
    if let Some(room) = &room {
        if room.property_id != to.0 {
            return Err(invalid("room", "The room belongs to another property."));
        }
        let phone = changed.remove(0);
        (touched, changed) = rooms::put(app, tx, actor, phone, room, false).await?;
    }
    let row = changed[0].clone();
    audit::record(tx, actor, action, &row.id.to_string(), row.mac.clone()).await?;
    let place = room.as_ref().map_or_else(|| "the property".to_owned(), |room| format!("room {}", room.number));
    refresh(app, tx, changed, &Change { actor, summary: format!("First configuration for {place}") }).await?;
    touch(tx, touched).await?;
    let names = views::Names::load(tx).await?;
    let row = phone::Entity::find_by_id(row.id).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    let answer = views::phone_row(&row, room.as_ref(), &names);
    write.commit().await?;
    app.live.wake();
    Ok(answer)
}

/// Forgets a phone. One that is still there comes back under "New phones" when it next phones home.
pub async fn remove(app: &App, actor: &Actor, id: PhoneId) -> Result<()> {
    let before = phone::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("phone"))?;
    // First, and not below: the broker may take seconds, and later nobody would know of an account that is left.
    end_account(app, &before).await?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    let row = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    audit::record(tx, actor, "phone.remove", &row.id.to_string(), row.mac.clone()).await?;
    touch(tx, [Touched { gone: true, ..Touched::phone(&row) }]).await?;
    remove_row(tx, row.id).await?;
    write.commit().await?;
    app.live.wake();
    app.forget(id);
    if views::enrolment(&before) != Enrolment::Enrolled {
        // It may have got its account after the first look. A failure is logged; the phone is gone either way.
        let _ = end_account(app, &row).await;
    }
    Ok(())
}

/// Ends what account the phone may have on an external broker.
async fn end_account(app: &App, phone: &phone::Model) -> Result<()> {
    let Some(accounts) = &app.accounts else { return Ok(()) };
    if phone.mqtt_hash.is_empty() && views::enrolment(phone) != Enrolment::Expected {
        return Ok(());
    }
    accounts.remove(PhoneId(phone.id)).await.map_err(|error| {
        let error = format!("{error:#}");
        tracing::warn!(phone = %phone.id, error, "the MQTT broker did not end a phone's account");
        unavailable("The MQTT broker does not confirm that the phone's account ended, so the phone stays. Try again.")
    })
}

async fn remove_row(tx: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    use crate::db::entity::layer_value;
    layer_value::Entity::delete_many().filter(layer_value::Column::ScopeId.eq(id)).exec(tx).await?;
    phone::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}
