//! What phones told over MQTT, many messages at a time. Under load nearly all of it is events: they go to the database in
//! few statements, whoever they are from.

use std::collections::HashMap;

use contract::PhoneId;
use contract::event::{DeviceEvent, EventKind};
use contract::mqtt::{AccountState, AccountStatus, Presence, StateReport};
use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Heard, by_user, restate, save};
use crate::app::live::{Touched, touch};
use crate::app::tasks::{lane, restart};
use crate::app::{App, Result, claims, views};
use crate::clock::now_ms;
use crate::db::entity::{event, phone};
use crate::domain::phone_state::RECONNECT_GRACE_MS;

/// Events in one statement at most. Fewer go in powers of two, so that the database prepares few statements.
const ROWS: usize = 128;

/// An event's name: phone, boot, seq.
type Name = (Uuid, i32, i64);

/// Stores a batch in one transaction. What names no phone of ours is skipped: the broker lets nobody publish for another,
/// so it was removed meanwhile. Returns how many events were new.
pub async fn batch(app: &App, heard: &[(PhoneId, Heard)]) -> Result<usize> {
    // Phone by phone in the order of their ids, as everybody locks them; what one phone told stays in its order.
    let mut heard: Vec<&(PhoneId, Heard)> = heard.iter().collect();
    heard.sort_by_key(|(phone, _)| *phone);
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let now = now_ms();
    let mut phones = load(tx, &heard).await?;
    let mut stored = store_events(tx, &phones, &heard, now).await?;
    let fresh = stored.len();
    let (mut touched, mut only_seen, mut new_lines) = (Vec::new(), Vec::new(), Vec::new());
    let (mut to_read, mut hung_up) = (Vec::new(), Vec::new());
    for run in heard.chunk_by(|(one, _), (other, _)| one == other) {
        let Some(phone) = run.first().and_then(|(id, _)| phones.remove(&id.0)) else { continue };
        let mut row = phone.clone();
        for (_, heard) in run.iter().copied() {
            match heard {
                Heard::Event(event) => {
                    // A second time in the same batch it is not new any more.
                    if let Some(id) = stored.remove(&name(phone.id, event)) {
                        follow(&mut row, event);
                        claims::by_event(tx, &row, event).await?;
                        touched.push(Touched { event: Some(id), ..Touched::phone(&row) });
                    }
                    row.last_seen = Some(now);
                }
                Heard::State(report) => take_report(&mut row, report, now)?,
                Heard::Presence(presence) => {
                    take_presence(&mut row, presence, now);
                    if presence.online {
                        new_lines.push(row.id);
                    }
                }
            }
        }
        restate(&mut row, now);
        let shown = |row: &phone::Model| {
            let theirs = (row.set_by_user.clone(), row.user_protection);
            (row.state.clone(), row.connected, row.accounts.clone(), row.firmware.clone(), row.ip.clone(), theirs)
        };
        if shown(&row) != shown(&phone) {
            touched.push(Touched::phone(&row));
        }
        let seen = phone::Model { last_seen: Some(now), ..phone.clone() };
        if row == seen {
            only_seen.push(row.id);
        } else {
            save(tx, &phone, &row).await?;
        }
        if phone.off_hook && !row.off_hook {
            hung_up.push(row.id);
        }
        let set_there = (&row.set_by_user, row.user_changes) != (&phone.set_by_user, phone.user_changes);
        if set_there && by_user::news(app, tx, &phone, &row).await? {
            to_read.push(PhoneId(row.id));
        }
    }
    if !only_seen.is_empty() {
        phone::Entity::update_many()
            .col_expr(phone::Column::LastSeen, Expr::value(now))
            .filter(phone::Column::Id.is_in(padded(only_seen)))
            .exec(tx)
            .await?;
    }
    touch(tx, touched).await?;
    let mut asked_again = lane::lines_are_new(tx, &new_lines).await?;
    asked_again.extend(claims::lines_are_new(tx, &new_lines).await?);
    asked_again.extend(restart::hung_up(tx, &hung_up).await?);
    asked_again.extend(to_read);
    write.commit().await?;
    app.live.wake();
    app.nudge(asked_again);
    Ok(fresh)
}

fn name(phone: Uuid, event: &DeviceEvent) -> Name {
    (phone, event.boot as i32, event.seq as i64)
}

/// Rounded up to a power of two by repeating the last.
fn padded(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    ids
}

async fn load(tx: &impl ConnectionTrait, heard: &[&(PhoneId, Heard)]) -> Result<HashMap<Uuid, phone::Model>> {
    let mut ids: Vec<Uuid> = heard.iter().map(|(phone, _)| phone.0).collect();
    ids.dedup();
    // Locked at once and in their order: a batch of another process, or who writes whom it heard, cannot hold what this waits for.
    let found = phone::Entity::find().filter(phone::Column::Id.is_in(padded(ids))).order_by_asc(phone::Column::Id);
    let rows = found.lock(LockType::NoKeyUpdate).all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Stores each event once. Returns the ids of those that were new.
async fn store_events(
    tx: &impl ConnectionTrait,
    phones: &HashMap<Uuid, phone::Model>,
    heard: &[&(PhoneId, Heard)],
    now: i64,
) -> Result<HashMap<Name, i64>> {
    let mut rows = Vec::new();
    for (id, heard) in heard.iter().copied() {
        let (Heard::Event(told), Some(phone)) = (heard, phones.get(&id.0)) else { continue };
        rows.push(event::ActiveModel {
            phone_id: Set(phone.id),
            property_id: Set(phone.property_id),
            boot: Set(told.boot as i32),
            seq: Set(told.seq as i64),
            kind: Set(told.kind.as_str().to_owned()),
            at: Set(told.at.millis()),
            received_at: Set(now),
            account: Set(told.account.map(i32::from)),
            detail: Set(told.detail.clone()),
            ..Default::default()
        });
    }
    let mut stored = HashMap::new();
    while !rows.is_empty() {
        // The largest power of two there is; 1 at least.
        let some = rows.len().min(ROWS);
        let rest = rows.split_off(1 << some.ilog2());
        let inserted = event::Entity::insert_many(std::mem::replace(&mut rows, rest))
            .on_conflict(
                OnConflict::columns([event::Column::PhoneId, event::Column::Boot, event::Column::Seq])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_with_returning(tx)
            .await;
        match inserted {
            Ok(inserted) => stored.extend(inserted.into_iter().map(|row| ((row.phone_id, row.boot, row.seq), row.id))),
            // All of them were there.
            Err(sea_orm::DbErr::RecordNotInserted) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(stored)
}

fn take_presence(row: &mut phone::Model, presence: &Presence, now: i64) {
    // A last will of an older boot says nothing about this one.
    if (presence.boot as i32) < row.boot && !presence.online {
        return;
    }
    row.connected = presence.online;
    if presence.boot as i32 > row.boot {
        row.boot = presence.boot as i32;
        row.state_seq = 0;
    }
    row.last_seen = Some(if presence.online { now } else { now - RECONNECT_GRACE_MS - 1 });
}

/// An event also says what the phone is now, unless a newer boot has spoken already.
fn follow(row: &mut phone::Model, event: &DeviceEvent) {
    if (event.boot as i32) < row.boot {
        return;
    }
    let mut accounts = views::accounts(row);
    let mut set = |status: AccountStatus| {
        let number = event.account.unwrap_or(1);
        match accounts.iter_mut().find(|account| account.account == number) {
            Some(account) => {
                account.status = status;
                account.reason.clone_from(&event.detail);
            }
            None => accounts.push(AccountState {
                account: number,
                status,
                user: String::new(),
                reason: event.detail.clone(),
            }),
        }
    };
    match event.kind {
        EventKind::OffHook => row.off_hook = true,
        EventKind::OnHook => row.off_hook = false,
        EventKind::Registered => set(AccountStatus::Registered),
        EventKind::Unregistered => set(AccountStatus::Unregistered),
        EventKind::RegisterFailed => set(AccountStatus::Failed),
        _ => return,
    }
    row.accounts = serde_json::to_string(&accounts).unwrap_or_else(|_| "[]".to_owned());
}

fn take_report(row: &mut phone::Model, report: &StateReport, now: i64) -> Result<()> {
    let (boot, seq) = (report.boot as i32, report.seq as i64);
    if (boot, seq) <= (row.boot, row.state_seq) {
        return Ok(());
    }
    row.boot = boot;
    row.state_seq = seq;
    row.firmware = report.firmware.chars().take(120).collect();
    row.ip = report.ip.chars().take(60).collect();
    row.uptime_s = i64::try_from(report.uptime_s).ok();
    row.off_hook = report.off_hook;
    row.accounts = serde_json::to_string(&report.accounts)?;
    row.set_by_user = by_user::kept(report)?;
    row.user_protection = report.user_protection;
    row.user_changes = i64::from(report.user_changes);
    row.last_seen = Some(now);
    Ok(())
}
