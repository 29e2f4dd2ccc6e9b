//! What goes on without anybody asking: phones are nudged to fetch their changes, the silent are marked offline, and
//! what is over is removed. Every tick looks at the database alone and may be repeated.

mod connection_request;
mod nudge;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tokio_util::sync::CancellationToken;

use crate::acs;
use crate::app::{App, Result, heard};
use crate::clock::now_ms;
use crate::db::entity::{idempotency, live, refresh_token};

pub use nudge::run as run_nudges;

const SWEEP: Duration = Duration::from_secs(5);
/// Live entries older than this are gone; a stream that was away longer loads everything again.
const LIVE_KEPT_MS: i64 = 3_600_000;
const IDEMPOTENCY_KEPT_MS: i64 = 24 * 3_600_000;

/// Sweeps until cancelled.
pub async fn run_sweeps(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(error) = sweep(&app).await {
            tracing::error!(%error, "a sweep failed");
        }
    }
}

async fn sweep(app: &App) -> Result<()> {
    heard::sweep_silent(app).await?;
    let now = now_ms();
    let write = app.db.write().await?;
    let tx = &write.tx;
    acs::sweep(tx).await?;
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
    write.commit().await?;
    Ok(())
}
