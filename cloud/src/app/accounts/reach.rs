//! Which phones an account, or a server with all its accounts, reaches.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::app::desired::targets::{self, Target};
use crate::app::desired::{Change, refresh_targets};
use crate::app::live::{Touched, touch};
use crate::app::{Actor, App, Result};
use crate::db::entity::{job, phone, room, sip_account, sip_assignment};

/// Phones with an account on a server.
pub async fn of_server(tx: &impl ConnectionTrait, server: Uuid) -> Result<Vec<Target>> {
    let accounts = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::Id)
        .filter(sip_account::Column::ServerId.eq(server))
        .into_query();
    by(tx, sip_assignment::Column::AccountId.in_subquery(accounts)).await
}

/// Phones with an account.
pub async fn of_account(tx: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Target>> {
    by(tx, sip_assignment::Column::AccountId.eq(account)).await
}

/// Asked with subqueries: there may be more phones than a statement may have parameters.
async fn by(tx: &impl ConnectionTrait, condition: sea_orm::sea_query::Expr) -> Result<Vec<Target>> {
    let pick = |column: sip_assignment::Column| {
        sip_assignment::Entity::find().select_only().column(column).filter(condition.clone()).into_query()
    };
    let any = Condition::any()
        .add(phone::Column::RoomId.in_subquery(pick(sip_assignment::Column::RoomId)))
        .add(phone::Column::Id.in_subquery(pick(sip_assignment::Column::PhoneId)));
    targets::load(tx, any).await
}

/// Phones of these assignments; few.
pub async fn of_uses(tx: &impl ConnectionTrait, uses: &[sip_assignment::Model]) -> Result<Vec<Target>> {
    let any = Condition::any()
        .add(phone::Column::RoomId.is_in(uses.iter().filter_map(|one| one.room_id)))
        .add(phone::Column::Id.is_in(uses.iter().filter_map(|one| one.phone_id)));
    targets::load(tx, any).await
}

/// Refolds the phones and shows the rooms. Returns the jobs that bring it to the phones.
pub async fn follow(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phones: Vec<Target>,
    rooms: &[room::Model],
    summary: String,
) -> Result<Vec<job::Model>> {
    let jobs = refresh_targets(app, tx, &phones, &Change { actor, summary }, None, None).await?;
    let shown =
        |room: &room::Model| Touched { property: Some(room.property_id), room: Some(room.id), ..Touched::default() };
    touch(tx, rooms.iter().map(shown)).await?;
    Ok(jobs)
}
