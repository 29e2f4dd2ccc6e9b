//! The answer to the phone: a command over MQTT, so that the phone says it to whoever dialled. Nothing depends on it: what
//! was decided reaches the phone as its settings, by MQTT or without.

use contract::mqtt::{Action, Command};
use contract::rest::ClaimState;
use contract::{PhoneId, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{reason, state};
use crate::app::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::claim;

/// Whoever dialled has gone after that.
const WORTH_MS: i64 = 120_000;

/// Answers a connected phone was not told yet. They count as told when they leave.
pub async fn due(app: &App, phone: PhoneId) -> Result<Vec<Command>> {
    let untold = Expr::col(claim::Column::Told).ne(Expr::col(claim::Column::State));
    let find = || {
        claim::Entity::find()
            .filter(claim::Column::PhoneId.eq(phone.0))
            .filter(
                claim::Column::ReceivedAt.gt(now_ms() - WORTH_MS).or(claim::Column::DecidedAt.gt(now_ms() - WORTH_MS)),
            )
            .filter(claim::Column::State.ne(ClaimState::New.as_str()))
            .filter(untold.clone())
    };
    if find().one(app.db.read()).await?.is_none() {
        return Ok(Vec::new());
    }
    let write = app.db.write_beside().await?;
    let rows = find().order_by_asc(claim::Column::ReceivedAt).limit(10).all(&write.tx).await?;
    claim::Entity::update_many()
        .col_expr(claim::Column::Told, Expr::col(claim::Column::State))
        .filter(claim::Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(&write.tx)
        .await?;
    write.commit().await?;
    let expires_at = Timestamp(now_ms() + WORTH_MS);
    Ok(rows.iter().map(|row| command(row, expires_at)).collect())
}

fn command(row: &claim::Model, expires_at: Timestamp) -> Command {
    let state = state(row);
    // Each answer has a name of its own; the first digits of an id are only the time.
    let id = row.id.simple().to_string();
    let id = format!("claim:{}-{}", id.get(10..).unwrap_or_default(), state.as_str().get(..1).unwrap_or_default());
    Command { id, expires_at, action: Action::Claim { number: row.number.clone(), state, reason: reason(row) } }
}

/// What went out over a line that broke may be lost: it is told once more over the new one. Returns whom it is for.
pub async fn lines_are_new(tx: &impl ConnectionTrait, phones: &[Uuid]) -> Result<Vec<PhoneId>> {
    if phones.is_empty() {
        return Ok(Vec::new());
    }
    let lately = claim::Column::ReceivedAt.gt(now_ms() - WORTH_MS).or(claim::Column::DecidedAt.gt(now_ms() - WORTH_MS));
    let theirs = claim::Column::PhoneId.is_in(phones.iter().copied()).and(lately);
    let found = claim::Entity::find().select_only().column(claim::Column::PhoneId).distinct();
    let found: Vec<Uuid> = found.filter(theirs.clone()).into_tuple().all(tx).await?;
    if !found.is_empty() {
        claim::Entity::update_many().col_expr(claim::Column::Told, Expr::value("")).filter(theirs).exec(tx).await?;
    }
    Ok(found.into_iter().map(PhoneId).collect())
}
