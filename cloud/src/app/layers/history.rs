//! Change sets: what was changed on which layer, and how far it has come.

use std::collections::HashMap;

use contract::rest::{
    ChangeProgress, ChangeSet, ChangeSetDetail, ChangedValue, History, JobState, Layer, SECRET_MASK, SetValue,
    SyncState,
};
use contract::{ChangeSetId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Scope, locks};
use crate::app::error::{invalid, not_found};
use crate::app::jobs::FETCHED;
use crate::app::tasks::restart;
use crate::app::{App, Result};
use crate::db::entity::{change_set, change_set_value, job, phone};
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
    let progress = progress(db, &row).await?;
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

/// A phone is done once it has applied the version the change made, by whichever job. Jobs that are done are removed
/// after a while; so are phones.
async fn progress(tx: &impl ConnectionTrait, row: &change_set::Model) -> Result<ChangeProgress> {
    let applied = Expr::col((phone::Entity, phone::Column::AppliedVersion));
    let has_it = Expr::case(applied.gte(Expr::col((job::Entity, job::Column::Version))), 1).finally(0);
    let by_file = Expr::case(Expr::col((job::Entity, job::Column::Step)).eq(FETCHED), 1).finally(0);
    let groups: Vec<(String, String, i32, i32, i64)> = job::Entity::find()
        .select_only()
        .join(
            JoinType::InnerJoin,
            job::Entity::belongs_to(phone::Entity).from(job::Column::PhoneId).to(phone::Column::Id).into(),
        )
        .column(job::Column::State)
        .column(phone::Column::Sync)
        .expr_as(has_it, "has_it")
        .expr_as(by_file, "by_file")
        .expr_as(Expr::col((job::Entity, job::Column::Id)).count(), "phones")
        .filter(job::Column::ChangeSetId.eq(row.id))
        .group_by(job::Column::State)
        .group_by(phone::Column::Sync)
        .group_by(Expr::col("has_it"))
        .group_by(Expr::col("by_file"))
        .into_tuple()
        .all(tx)
        .await?;
    let (mut pending, mut failed, mut fetched) = (0, 0, 0);
    for (state, sync, has_it, by_file, count) in groups {
        let count = count as u32;
        match state.parse() {
            _ if has_it == 1 => {}
            _ if by_file == 1 => fetched += count,
            Ok(JobState::Done) => {}
            Ok(JobState::Parked | JobState::Cancelled) => failed += count,
            Ok(JobState::Superseded) if sync == SyncState::Failed.as_str() => failed += count,
            _ => pending += count,
        }
    }
    let phones = u32::try_from(row.phones).unwrap_or_default();
    let done = phones.saturating_sub(pending + failed);
    let restarting = restart::to_come(tx, row.id).await?;
    Ok(ChangeProgress { phones, done, fetched, pending, failed, restarting })
}
