//! One audit row per change, in the change's transaction.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};

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
