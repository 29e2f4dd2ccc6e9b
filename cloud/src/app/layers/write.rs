//! Layers as rows: values written and removed, and the change sets that remember it. Of one room, or of many at once.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::app::Result;
use crate::db::entity::{change_set, change_set_value, layer_value};
use crate::db::insert::insert_all;

/// Rows in one statement, with at most ten parameters each; keeps it below the databases' limits.
const ROWS: usize = 1_000;

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Sealed, if the setting is a secret.
    pub value: String,
    pub locked: bool,
    pub reason: String,
}

/// What becomes of one key of a layer.
pub struct Written {
    pub key: String,
    /// The row there is.
    pub old: Option<layer_value::Model>,
    pub new: Option<Stored>,
}

/// Writes what change sets say of their layers, and keeps them.
pub async fn write(tx: &impl ConnectionTrait, sets: &[(change_set::Model, Vec<Written>)]) -> Result<()> {
    let (mut set, mut removed, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (of, values) in sets {
        for Written { key, old, new } in values {
            kept.push(change_set_value::ActiveModel {
                change_set_id: Set(of.id),
                key: Set(key.clone()),
                old_value: Set(old.as_ref().map(|old| old.value.clone())),
                old_locked: Set(old.as_ref().is_some_and(|old| old.locked)),
                old_reason: Set(old.as_ref().map(|old| old.reason.clone()).unwrap_or_default()),
                new_value: Set(new.as_ref().map(|new| new.value.clone())),
                new_locked: Set(new.as_ref().is_some_and(|new| new.locked)),
                new_reason: Set(new.as_ref().map(|new| new.reason.clone()).unwrap_or_default()),
                ..Default::default()
            });
            let Some(Stored { value, locked, reason }) = new.clone() else {
                removed.extend(old.as_ref().map(|old| old.id));
                continue;
            };
            set.push(layer_value::ActiveModel {
                layer: Set(of.layer.clone()),
                scope_id: Set(of.scope_id),
                key: Set(key.clone()),
                value: Set(value),
                locked: Set(locked),
                reason: Set(reason),
                changed_at: Set(of.at),
                changed_by: Set(of.actor.clone()),
                ..Default::default()
            });
        }
    }
    for ids in removed.chunks(ROWS) {
        let rows = layer_value::Entity::delete_many();
        rows.filter(layer_value::Column::Id.is_in(ids.iter().copied())).exec(tx).await?;
    }
    use layer_value::Column::{ChangedAt, ChangedBy, Key, Layer, Locked, Reason, ScopeId, Value};
    for rows in set.chunks(ROWS) {
        let there = OnConflict::columns([ScopeId, Layer, Key])
            .update_columns([Value, Locked, Reason, ChangedAt, ChangedBy])
            .to_owned();
        layer_value::Entity::insert_many(rows.to_vec()).on_conflict(there).exec_without_returning(tx).await?;
    }
    insert_all(tx, sets.iter().map(|(of, _)| of.clone().into_active_model()).collect()).await?;
    insert_all(tx, kept).await?;
    Ok(())
}
