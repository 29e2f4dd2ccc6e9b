//! Messages that could not be read: counted and kept with their reason, bounded.

use contract::Timestamp;
use contract::rest::{QuarantinePage, Quarantined};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::quarantine;

/// Bytes kept of a message.
const SAMPLE: usize = 2048;
/// Messages kept; the oldest go first.
const KEPT: i64 = 10_000;

/// Keeps a message that could not be read.
pub async fn keep(app: &App, source: &str, reason: &str, message: &[u8]) -> Result<()> {
    tracing::warn!(source, reason, bytes = message.len(), "quarantined a message");
    let sample: String = String::from_utf8_lossy(&message[..message.len().min(SAMPLE)])
        .chars()
        .map(|character| if character.is_control() && character != '\n' { '·' } else { character })
        .collect();
    let write = app.db.write().await?;
    let row = quarantine::ActiveModel {
        at: Set(now_ms()),
        source: Set(source.chars().take(200).collect()),
        reason: Set(reason.chars().take(500).collect()),
        sample: Set(sample),
        ..Default::default()
    };
    let id = quarantine::Entity::insert(row).exec(&write.tx).await?.last_insert_id;
    quarantine::Entity::delete_many().filter(quarantine::Column::Id.lte(id - KEPT)).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

/// The newest first.
pub async fn list(app: &App, limit: u64) -> Result<QuarantinePage> {
    let total = quarantine::Entity::find().count(app.db.read()).await?;
    let rows = quarantine::Entity::find().order_by_desc(quarantine::Column::Id).limit(limit).all(app.db.read()).await?;
    let items = rows
        .into_iter()
        .map(|row| Quarantined {
            id: row.id,
            at: Timestamp(row.at),
            source: row.source,
            reason: row.reason,
            sample: row.sample,
        })
        .collect();
    Ok(QuarantinePage { total, items })
}
