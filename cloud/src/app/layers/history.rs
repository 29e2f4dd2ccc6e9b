//! Change sets: what was changed on which layer, and how far it has come.

use std::collections::HashMap;

use contract::rest::{ChangeSet, ChangeSetDetail, ChangedValue, History, Layer, SECRET_MASK, SetValue};
use contract::{ChangeSetId, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Scope, locks, reach};
use crate::app::error::{invalid, not_found};
use crate::app::{App, Result};
use crate::db::entity::{change_set, change_set_value};
use crate::domain::catalogue;

/// Change sets one page may have.
const MAX_PAGE: u32 = 100;

/// The change sets of a layer, the newest first; of a phone, those of every layer over it.
pub async fn history(app: &App, scope: Scope, before: Option<ChangeSetId>, limit: u32) -> Result<History> {
    if limit == 0 || limit > MAX_PAGE {
        return Err(invalid("limit", format!("limit must be 1 to {MAX_PAGE}.")));
    }
    let db = app.db.read();
    locks::exists(db, scope).await?;
    let mut scopes = vec![scope.id()];
    if let Scope::Phone(_) = scope {
        scopes.extend(locks::above(db, scope).await?.iter().map(|above| above.id()));
    }
    let mut query = change_set::Entity::find().filter(change_set::Column::ScopeId.is_in(scopes));
    if let Some(before) = before {
        query = query.filter(change_set::Column::Id.lt(before.0));
    }
    let query = query.order_by_desc(change_set::Column::Id).limit(u64::from(limit) + 1);
    let mut rows = query.all(db).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| ChangeSetId(row.id));
    Ok(History { items: views_of(db, rows).await?, next })
}

/// A change set, and how far it has come.
pub async fn detail(app: &App, id: ChangeSetId) -> Result<ChangeSetDetail> {
    let db = app.db.read();
    let row = find(db, id).await?;
    let progress = reach::progress(db, &row).await?;
    let change = views_of(db, vec![row]).await?.pop().ok_or_else(|| not_found("change"))?;
    Ok(ChangeSetDetail { change, progress })
}

pub(super) async fn find(tx: &impl ConnectionTrait, id: ChangeSetId) -> Result<change_set::Model> {
    change_set::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("change"))
}

async fn views_of(tx: &impl ConnectionTrait, rows: Vec<change_set::Model>) -> Result<Vec<ChangeSet>> {
    let ids = rows.iter().map(|row| row.id);
    let query = change_set_value::Entity::find().filter(change_set_value::Column::ChangeSetId.is_in(ids));
    let mut values: HashMap<Uuid, Vec<ChangedValue>> = HashMap::new();
    for row in query.order_by_asc(change_set_value::Column::Key).all(tx).await? {
        let secret = catalogue::is_secret(&row.key);
        let shown = |value: String, locked: bool, reason: String| SetValue {
            value: if secret { SECRET_MASK.to_owned() } else { value },
            locked,
            reason,
        };
        values.entry(row.change_set_id).or_default().push(ChangedValue {
            title: catalogue::title_and_page(&row.key).0,
            secret,
            before: row.old_value.map(|value| shown(value, row.old_locked, row.old_reason)),
            after: row.new_value.map(|value| shown(value, row.new_locked, row.new_reason)),
            key: row.key,
        });
    }
    let view = |row: change_set::Model| ChangeSet {
        id: ChangeSetId(row.id),
        layer: row.layer.parse().unwrap_or(Layer::Phone),
        scope: row.scope_id,
        scope_name: row.scope_name,
        at: Timestamp(row.at),
        by: row.actor,
        comment: row.comment,
        phones: u32::try_from(row.phones).unwrap_or_default(),
        values: values.remove(&row.id).unwrap_or_default(),
        undoes: row.undoes.map(ChangeSetId),
        undone_by: row.undone_by.map(ChangeSetId),
    };
    Ok(rows.into_iter().map(view).collect())
}
