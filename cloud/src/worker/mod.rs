//! What goes on without anybody asking: phones are nudged to fetch their changes, the silent are marked offline, and
//! what is over is removed. Every tick looks at the database alone and may be repeated.

mod nudge;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::{App, cleanup, heard};

pub use nudge::{run as run_nudges, run_wakes};

const SWEEP: Duration = Duration::from_secs(5);
/// Sweeps until cancelled.
pub async fn run_sweeps(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let swept = match heard::sweep_silent(&app).await {
            Ok(_) => cleanup::run(&app).await,
            Err(error) => Err(error),
        };
        if let Err(error) = swept {
            tracing::error!(%error, "a sweep failed");
        }
    }
}
