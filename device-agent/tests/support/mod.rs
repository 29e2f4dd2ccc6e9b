//! A scripted ACS and a small broker, both over real sockets.
#![allow(dead_code, clippy::unwrap_used)]

pub mod acs;
pub mod broker;

use std::future::Future;
use std::time::{Duration, Instant};

pub const PHONE: &str = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";

/// Waits until `check` gives something; panics after ten seconds.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn within<T>(seconds: u64, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(seconds), future).await {
        Ok(done) => done,
        Err(_) => panic!("took longer than {seconds} s: {what}"),
    }
}
