//! What goes on without anybody asking: phones are nudged to fetch their changes, the silent are marked offline, and
//! what is over is removed. Every tick looks at the database alone and may be repeated.

mod nudge;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::{App, Result, claims, cleanup, heard, imports, keep};

pub use nudge::{run as run_nudges, run_wakes};

const SWEEP: Duration = Duration::from_secs(5);
const LOOK_FOR_CLAIMS: Duration = Duration::from_secs(1);

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

/// Decides what phones ask for, until cancelled.
pub async fn run_claims(app: Arc<App>, stop: CancellationToken) {
    loop {
        if let Err(error) = claims::decide_new(&app).await {
            tracing::error!(%error, "what phones asked for could not be decided");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.claimed.notified() => {}
            // Another process may have heard of one.
            () = tokio::time::sleep(LOOK_FOR_CLAIMS) => {}
        }
    }
}

async fn sweep(app: &Arc<App>, sweeper: &mut keep::Sweeper) -> Result<()> {
    heard::sweep_silent(app).await?;
    claims::sweep(app).await?;
    cleanup::run(app).await?;
    imports::resume(app).await?;
    sweeper.sweep(&app.db, &app.config.keep).await
}
