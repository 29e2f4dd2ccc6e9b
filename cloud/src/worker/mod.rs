//! What goes on without anybody asking: phones are nudged to fetch their changes, the silent are marked offline, and
//! what is over is removed. Every tick looks at the database alone and may be repeated.

mod nudge;

use std::sync::Arc;
use std::time::Duration;

use contract::rest::ClaimState;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::app::live::Sent;
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
    let mut changes = app.live.subscribe();
    loop {
        if let Err(error) = claims::decide_new(&app).await {
            tracing::error!(%error, "what phones asked for could not be decided");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = comes(&mut changes) => {}
            // A process that has no live stream looks now and then.
            () = tokio::time::sleep(LOOK_FOR_CLAIMS) => {}
        }
    }
}

/// Waits until a claim may be there that nobody has decided about.
async fn comes(changes: &mut Receiver<Sent>) {
    let is_new = |sent: &Sent| sent.change.claim.as_ref().is_some_and(|claim| claim.state == ClaimState::New);
    loop {
        match changes.recv().await {
            Ok(sent) if !is_new(&sent) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => return std::future::pending().await,
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
