//! What phones measure, kept for a while.

use std::collections::HashSet;

use contract::PhoneId;
use contract::mqtt::Telemetry;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::{phone, telemetry};

/// Rows in one statement, so that its parameters stay below SQLite's limit.
const ROWS: usize = 500;
/// Outdated rows removed at once: nobody waits long for the database because of it.
const REMOVED_AT_ONCE: u64 = 20_000;

/// Stores measurements in one transaction, each once. Those of phones that were removed meanwhile are skipped.
pub async fn store(app: &App, heard: &[(PhoneId, Telemetry)]) -> Result<()> {
    if heard.is_empty() {
        return Ok(());
    }
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let named: HashSet<Uuid> = heard.iter().map(|(phone, _)| phone.0).collect();
    let known: Vec<Uuid> = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::Id.is_in(named))
        .into_tuple()
        .all(tx)
        .await?;
    let known: HashSet<Uuid> = known.into_iter().collect();
    let now = now_ms();
    let mut rows = Vec::new();
    for (phone, telemetry) in heard.iter().filter(|(phone, _)| known.contains(&phone.0)) {
        for (item, measured) in telemetry.items.iter().enumerate() {
            let row = telemetry::ActiveModel {
                phone_id: Set(phone.0),
                boot: Set(telemetry.boot as i32),
                seq: Set(telemetry.seq as i64),
                item: Set(item as i32),
                at: Set(telemetry.at.millis()),
                received_at: Set(now),
                kind: Set(measured.kind().to_owned()),
                value: Set(serde_json::to_string(measured)?),
                ..Default::default()
            };
            rows.push(((phone.0, telemetry.boot, telemetry.seq, item), row));
        }
    }
    // Two processes with rows of the same phone wait for one another in the same order.
    rows.sort_by_key(|(name, _)| *name);
    let rows: Vec<telemetry::ActiveModel> = rows.into_iter().map(|(_, row)| row).collect();
    for rows in rows.chunks(ROWS) {
        telemetry::Entity::insert_many(rows.to_vec())
            .on_conflict(
                OnConflict::columns([
                    telemetry::Column::PhoneId,
                    telemetry::Column::Boot,
                    telemetry::Column::Seq,
                    telemetry::Column::Item,
                ])
                .do_nothing()
                .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    write.commit().await?;
    Ok(())
}

/// Removes what is older than `days`, the oldest first, a bounded number at once.
pub async fn sweep(tx: &impl ConnectionTrait, days: u32) -> Result<()> {
    let before = now_ms() - i64::from(days) * 24 * 3_600_000;
    let outdated: Vec<i64> = telemetry::Entity::find()
        .select_only()
        .column(telemetry::Column::Id)
        .filter(telemetry::Column::ReceivedAt.lt(before))
        .order_by_asc(telemetry::Column::Id)
        .limit(REMOVED_AT_ONCE)
        .into_tuple()
        .all(tx)
        .await?;
    if let Some(newest) = outdated.iter().max() {
        telemetry::Entity::delete_many()
            .filter(telemetry::Column::ReceivedAt.lt(before))
            .filter(telemetry::Column::Id.lte(*newest))
            .exec(tx)
            .await?;
    }
    Ok(())
}
