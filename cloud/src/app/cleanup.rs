//! Removes what is over: sessions of phones that fell silent, old live entries, old answers, spent refresh tokens.

use contract::rest::Enrolment;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{App, Result, claims, files, imports, jobs, provision, session, tasks, telemetry};
use crate::clock::now_ms;
use crate::db::entity::{idempotency, live, phone, refresh_token};

/// Live entries older than this are gone; a stream that was away longer loads everything again.
const LIVE_KEPT_MS: i64 = 3_600_000;
const NEW_KEPT_MS: i64 = 24 * 3_600_000;
const IDEMPOTENCY_KEPT_MS: i64 = 24 * 3_600_000;

pub async fn run(app: &App) -> Result<()> {
    let now = now_ms();
    let write = app.db.write().await?;
    let tx = &write.tx;
    session::sweep(tx).await?;
    jobs::release_expired(tx).await?;
    tasks::expire(tx, app.config.jobs.expire_days).await?;
    files::sweep(tx).await?;
    imports::sweep(tx).await?;
    session::trace::prune(tx).await?;
    provision::forget_old(tx).await?;
    // Who waited a day to be accepted and did not come back is nobody's phone, or will come again.
    phone::Entity::delete_many()
        .filter(phone::Column::Enrolment.eq(Enrolment::New.as_str()))
        .filter(phone::Column::LastSeen.lt(now - NEW_KEPT_MS))
        .exec(tx)
        .await?;
    // The newest entry stays: it tells a stream that comes back how much it missed.
    if let Some(newest) = live::Entity::find().order_by_desc(live::Column::Id).one(tx).await? {
        live::Entity::delete_many()
            .filter(live::Column::At.lt(now - LIVE_KEPT_MS))
            .filter(live::Column::Id.lt(newest.id))
            .exec(tx)
            .await?;
    }
    idempotency::Entity::delete_many()
        .filter(idempotency::Column::CreatedAt.lt(now - IDEMPOTENCY_KEPT_MS))
        .exec(tx)
        .await?;
    refresh_token::Entity::delete_many().filter(refresh_token::Column::ExpiresAt.lt(now)).exec(tx).await?;
    claims::prune(tx).await?;
    telemetry::sweep(tx, app.config.keep.telemetry_days).await?;
    write.commit().await?;
    Ok(())
}
