//! Which phones an account, or a server with all its accounts, reaches; and closing a change that did.

use contract::PhoneId;
use contract::rest::Accepted;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::app::desired::{Change, refresh};
use crate::app::live::{Touched, touch};
use crate::app::{Actor, App, Result, views};
use crate::db::WriteTx;
use crate::db::entity::{job, phone, room, sip_account, sip_assignment};

/// Jobs named in an answer; the others are followed by the property's progress.
const NAMED_JOBS: usize = 20;

/// Phones with an account on a server.
pub async fn of_server(tx: &impl ConnectionTrait, server: Uuid) -> Result<Vec<phone::Model>> {
    let accounts = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::Id)
        .filter(sip_account::Column::ServerId.eq(server))
        .into_query();
    by(tx, sip_assignment::Column::AccountId.in_subquery(accounts)).await
}

/// Phones with an account.
pub async fn of_account(tx: &impl ConnectionTrait, account: Uuid) -> Result<Vec<phone::Model>> {
    by(tx, sip_assignment::Column::AccountId.eq(account)).await
}

/// Asked with subqueries: there may be more phones than a statement may have parameters.
async fn by(tx: &impl ConnectionTrait, condition: sea_orm::sea_query::Expr) -> Result<Vec<phone::Model>> {
    let pick = |column: sip_assignment::Column| {
        sip_assignment::Entity::find().select_only().column(column).filter(condition.clone()).into_query()
    };
    let any = Condition::any()
        .add(phone::Column::RoomId.in_subquery(pick(sip_assignment::Column::RoomId)))
        .add(phone::Column::Id.in_subquery(pick(sip_assignment::Column::PhoneId)));
    Ok(phone::Entity::find().filter(any).all(tx).await?)
}

/// Phones of these assignments; few.
pub async fn of_uses(tx: &impl ConnectionTrait, uses: &[sip_assignment::Model]) -> Result<Vec<phone::Model>> {
    let any = Condition::any()
        .add(phone::Column::RoomId.is_in(uses.iter().filter_map(|one| one.room_id)))
        .add(phone::Column::Id.is_in(uses.iter().filter_map(|one| one.phone_id)));
    Ok(phone::Entity::find().filter(any).all(tx).await?)
}

/// Refolds the phones, shows the rooms, commits and asks the phones in.
pub async fn close(
    app: &App,
    write: WriteTx,
    actor: &Actor,
    phones: Vec<phone::Model>,
    rooms: &[room::Model],
    summary: String,
) -> Result<Vec<job::Model>> {
    let jobs = refresh(app, &write.tx, phones, &Change { actor, summary }).await?;
    let shown =
        |room: &room::Model| Touched { property: Some(room.property_id), room: Some(room.id), ..Touched::default() };
    touch(&write.tx, rooms.iter().map(shown)).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(jobs)
}

/// The answer to a change of any number of phones.
pub fn accepted(jobs: &[job::Model]) -> Accepted {
    Accepted { phones: jobs.len() as u32, jobs: named(jobs), change_set: None }
}

pub fn named(jobs: &[job::Model]) -> Vec<contract::rest::JobView> {
    jobs.iter().take(NAMED_JOBS).map(|job| views::job_view(job, None)).collect()
}
