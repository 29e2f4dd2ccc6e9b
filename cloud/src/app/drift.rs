//! Values phones have of their own, because somebody changed them there; and what a person decides about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::rest::{Accepted, Drift, DriftChoice, DriftDecision, DriftPage, MAX_PAGE, SECRET_MASK, ValueState};
use contract::{PhoneId, PropertyId, RoomId, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::desired::{self, accepted};
use super::documents::{Documents, kept};
use super::error::{conflict, invalid, not_found};
use super::idempotency::Once;
use super::layers::{Edit, New, Purpose, Scope, apply};
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, views};
use crate::clock::now_ms;
use crate::db::entity::{kept_value, phone, phone_document, property, room};
use crate::domain::catalogue;

/// What the phones of a property have of their own, by room and key. With `all`, also what was chosen to be left.
pub async fn of_property(app: &App, id: PropertyId, all: bool, offset: u64, limit: u32) -> Result<DriftPage> {
    if limit == 0 || limit > MAX_PAGE {
        return Err(invalid("limit", format!("limit must be 1 to {MAX_PAGE}.")));
    }
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let phones = phone::Entity::find().filter(phone::Column::PropertyId.eq(id.0)).all(db).await?;
    let ids: Vec<Uuid> = phones.iter().map(|phone| phone.id).collect();
    let rooms: HashMap<Uuid, String> = room::Entity::find()
        .filter(room::Column::PropertyId.eq(id.0))
        .all(db)
        .await?
        .into_iter()
        .map(|room| (room.id, room.number))
        .collect();
    let mut kept = kept(db, &ids).await?;
    let mut rows = HashMap::new();
    for ids in ids.chunks(5_000) {
        let query = phone_document::Entity::find();
        let part = query.filter(phone_document::Column::PhoneId.is_in(ids.iter().copied())).all(db).await?;
        rows.extend(part.into_iter().map(|row| (row.phone_id, row)));
    }
    let mut found = Vec::new();
    for phone in &phones {
        let Some(row) = rows.get(&phone.id) else { continue };
        let documents = Documents::read(phone, row, kept.remove(&phone.id).unwrap_or_default())?;
        let number = phone.room_id.and_then(|room| rooms.get(&room).cloned());
        let differs = |(key, reported): &(&String, &String)| {
            documents.desired.get(*key).is_some_and(|wanted| wanted.value != **reported)
        };
        let differing = documents.reported.iter().filter(differs).map(|(key, _)| key);
        let keys: BTreeSet<&String> = differing.chain(&documents.by_user).collect();
        for key in keys {
            let Some(wanted) = documents.desired.get(key) else { continue };
            let Some(state) = documents.state(&app.secrets, key)? else { continue };
            if !(is_drift(state) && (all || state != ValueState::Kept)) {
                continue;
            }
            let (title, page) = catalogue::title_and_page(key);
            found.push(Drift {
                phone: PhoneId(phone.id),
                mac: views::mac(phone),
                room: phone.room_id.map(RoomId),
                room_number: number.clone(),
                key: key.clone(),
                title,
                page,
                desired: if catalogue::is_secret(key) { SECRET_MASK.to_owned() } else { wanted.value.clone() },
                reported: documents.reported.get(key).cloned(),
                layer: wanted.layer,
                state,
                owner: documents.owner(key),
                reported_at: Timestamp(documents.reported_at),
            });
        }
    }
    found.sort_by(|a, b| (&a.room_number, a.mac, &a.key).cmp(&(&b.room_number, b.mac, &b.key)));
    let total = found.len() as u64;
    let items = found.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).take(limit as usize).collect();
    Ok(DriftPage { items, total })
}

fn is_drift(state: ValueState) -> bool {
    matches!(state, ValueState::Drift | ValueState::Protected | ValueState::Kept)
}

/// Restores, adopts or keeps what a phone has of its own, key by key, all or nothing.
pub async fn decide(app: &App, actor: &Actor, once: &Once, id: PhoneId, wanted: DriftDecision) -> Result<Accepted> {
    if wanted.choices.is_empty() || wanted.choices.len() > 500 {
        return Err(invalid("choices", format!("{} choices; write 1 to 500.", wanted.choices.len())));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let phone = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    accepted(&phone)?;
    let documents = Documents::load(tx, &phone).await?;
    for key in wanted.choices.keys() {
        let state = documents.state(&app.secrets, key)?;
        // What its user set is the phone's own even where it is the same.
        let theirs = state.is_some() && documents.by_user.contains(key);
        if !theirs && !state.is_some_and(is_drift) {
            let detail = format!("The phone's own value of {key} is not known to differ from what it should have.");
            return Err(conflict("no-drift", key, detail));
        }
    }
    let of = |choice: DriftChoice| -> BTreeSet<&str> {
        wanted.choices.iter().filter(|(_, one)| **one == choice).map(|(key, _)| key.as_str()).collect()
    };
    let (restore, adopt, keep) = (of(DriftChoice::Restore), of(DriftChoice::Adopt), of(DriftChoice::Keep));
    let told = [("restore", &restore), ("adopt", &adopt), ("keep", &keep)];
    let told = told.iter().filter(|(_, keys)| !keys.is_empty());
    let said: Vec<String> =
        told.map(|(word, keys)| format!("{word} {}", keys.iter().copied().collect::<Vec<_>>().join(", "))).collect();
    audit::record(tx, actor, "drift.decide", &id.to_string(), said.join("; ")).await?;
    forget_kept(tx, phone.id, restore.union(&adopt).copied()).await?;
    remember_kept(app, tx, actor, phone.id, &documents, &keep).await?;

    let mut answer = views::accepted_many(&[]);
    if !adopt.is_empty() {
        let edits = adopt.iter().map(|key| adopted(&documents, key)).collect::<Result<Vec<Edit>>>()?;
        let purpose = Purpose { comment: "As it was set at the phone".to_owned(), ..Purpose::default() };
        answer = apply(app, tx, actor, Scope::Phone(phone.id), edits, purpose).await?.accepted;
    }
    // Adopted as it is ours already, it is still the user's until it is written once more.
    let same = |key: &&str| documents.state(&app.secrets, key).is_ok_and(|state| state == Some(ValueState::InSync));
    let again: BTreeSet<&str> = restore.iter().copied().chain(adopt.iter().copied().filter(same)).collect();
    if !again.is_empty() {
        // Not confirmed any more, so it is written, protected or not.
        let mut applied = documents.applied.clone();
        applied.retain(|key, _| !again.contains(key.as_str()));
        phone_document::Entity::update_many()
            .col_expr(phone_document::Column::Applied, Expr::value(serde_json::to_string(&applied)?))
            .filter(phone_document::Column::PhoneId.eq(phone.id))
            .exec(tx)
            .await?;
        let summary = format!("Phone {}: {} values brought back", views::mac(&phone), again.len());
        let job = desired::push_again(app, tx, actor, phone.id, summary).await?;
        answer = Accepted { change_set: answer.change_set, ..views::accepted(&[job], None) };
    }
    touch(tx, [Touched::phone(&phone)]).await?;
    once.keep(tx, &answer).await?;
    write.commit().await?;
    app.live.wake();
    if answer.phones > 0 {
        app.nudge([id]);
    }
    Ok(answer)
}

/// Why a value can be neither adopted nor kept: what was decided about would not be what the phone says next.
const NOT_SAID: &str = "The phone has not said what it is. Refresh it and try again, or restore ours.";

/// The phone's value, as one of its own layer.
fn adopted(documents: &Documents, key: &str) -> Result<Edit> {
    let Some(reported) = documents.reported.get(key).filter(|_| !catalogue::is_secret(key)) else {
        let detail = match catalogue::is_secret(key) {
            true => {
                "A phone does not show its secrets: set the value on the phone's own layer, restore ours, or leave it."
            }
            false => NOT_SAID,
        };
        return Err(invalid(key, detail));
    };
    let text = settings::validate(key, reported).map_err(|error| {
        invalid(key, format!("The phone's value cannot be adopted: {error}. Restore it, or leave it as it is."))
    })?;
    let text = provisioning::variables::literal(&text);
    Ok(Edit { key: key.to_owned(), value: Some(New { text, locked: false, reason: String::new() }) })
}

async fn forget_kept(tx: &impl ConnectionTrait, phone: Uuid, keys: impl Iterator<Item = &str>) -> Result<()> {
    kept_value::Entity::delete_many()
        .filter(kept_value::Column::PhoneId.eq(phone))
        .filter(kept_value::Column::Key.is_in(keys))
        .exec(tx)
        .await?;
    Ok(())
}

async fn remember_kept(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: Uuid,
    documents: &Documents,
    keys: &BTreeSet<&str>,
) -> Result<()> {
    let mut rows = BTreeMap::new();
    for key in keys {
        let Some(wanted) = documents.desired.get(*key) else { continue };
        let reported = match documents.reported.get(*key) {
            Some(reported) => reported.clone(),
            // Whatever it is.
            None if catalogue::is_secret(key) => String::new(),
            None => return Err(invalid(key, NOT_SAID)),
        };
        let plain = app.secrets.open_setting(key, &wanted.value)?;
        rows.insert(
            *key,
            kept_value::ActiveModel {
                phone_id: Set(phone),
                key: Set((*key).to_owned()),
                value: Set(reported),
                desired: Set(app.secrets.fingerprint(&plain)),
                at: Set(now_ms()),
                actor: Set(actor.0.clone()),
                ..Default::default()
            },
        );
    }
    if rows.is_empty() {
        return Ok(());
    }
    use kept_value::Column::{Actor as By, At, Desired, Key, PhoneId, Value};
    let again = OnConflict::columns([PhoneId, Key]).update_columns([Value, Desired, At, By]).to_owned();
    kept_value::Entity::insert_many(rows.into_values()).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
