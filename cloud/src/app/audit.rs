//! One audit row per change, in the change's transaction.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::Actor;
use crate::clock::now_ms;
use crate::db::entity::audit;

/// `detail` names what changed, never a secret's value.
pub async fn record(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    action: &str,
    target: &str,
    detail: String,
) -> Result<(), DbErr> {
    let row = audit::ActiveModel {
        at: Set(now_ms()),
        actor: Set(actor.0.clone()),
        action: Set(action.to_owned()),
        target: Set(target.to_owned()),
        detail: Set(detail),
        ..Default::default()
    };
    audit::Entity::insert(row).exec(tx).await.map(drop)
}

/// Rows kept of one phone: it tells as often as it likes.
const KEPT_OF_PHONE: u64 = 100;

/// A row of a phone's own doing; its oldest make room for it. What the phone says is cut.
pub async fn record_by_phone(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    action: &str,
    target: &str,
    detail: &str,
) -> Result<(), DbErr> {
    record(tx, actor, action, target, detail.chars().take(200).collect()).await?;
    let oldest: Option<i64> = audit::Entity::find()
        .select_only()
        .column(audit::Column::Id)
        .filter(audit::Column::Actor.eq(&actor.0))
        .order_by_desc(audit::Column::Id)
        .offset(KEPT_OF_PHONE)
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    if let Some(oldest) = oldest {
        audit::Entity::delete_many()
            .filter(audit::Column::Actor.eq(&actor.0))
            .filter(audit::Column::Id.lte(oldest))
            .exec(tx)
            .await?;
    }
    Ok(())
}
