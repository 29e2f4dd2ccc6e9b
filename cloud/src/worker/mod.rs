//! What goes on without anybody asking: phones are nudged to fetch their changes, the silent are marked offline, and
//! what is over is removed. Every tick looks at the database alone and may be repeated.

mod nudge;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::{App, Result, cleanup, heard, imports, keep};

pub use nudge::{run as run_nudges, run_wakes};

const SWEEP: Duration = Duration::from_secs(5);

/// Sweeps until cancelled.
pub async fn run_sweeps(app: Arc<App>, stop: CancellationToken) {
    let mut sweeper = keep::Sweeper::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(error) = sweep(&app, &mut sweeper).await {
            tracing::error!(%error, "a sweep failed");
        }
    }
}

async fn sweep(app: &Arc<App>, sweeper: &mut keep::Sweeper) -> Result<()> {
    heard::sweep_silent(app).await?;
    cleanup::run(app).await?;
    imports::resume(app).await?;
    sweeper.sweep(&app.db, &app.config.keep).await
}
