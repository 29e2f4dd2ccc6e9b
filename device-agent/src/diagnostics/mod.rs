//! Tests a phone runs for whoever manages it: ping, route, throughput. Real packets, no privileges where the system
//! allows it. Each is one function that can be dropped at any time; requests and results are the contract's.

pub mod model;
pub mod ping;
pub mod throughput;
pub mod traceroute;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Resolving a name.
const RESOLVE_TIME: Duration = Duration::from_secs(10);
/// A DNS name's longest (RFC 1035), and the data model's.
const MOST_HOST: usize = 256;
/// What a probe may wait for its answer, ms.
pub const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 100..=10_000;

/// Why a test could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiagnosticError {
    #[error("{field}: {reason}")]
    Invalid { field: &'static str, reason: String },
    #[error("the name cannot be resolved: {0}")]
    CannotResolve(String),
    /// The operating system does not let the phone.
    #[error("not allowed: {0}")]
    NotAllowed(String),
    #[error("{0}")]
    Internal(String),
    /// The throughput test's other end.
    #[error("{0}")]
    Transfer(#[from] TransferError),
}

/// What a throughput test failed by (TR-143's words follow from it).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no answer in time")]
    Timeout,
    #[error("the server answered HTTP {0}")]
    Status(u16),
    #[error("the transfer broke off: {0}")]
    Broken(String),
}

fn invalid(field: &'static str, reason: impl Into<String>) -> DiagnosticError {
    DiagnosticError::Invalid { field, reason: reason.into() }
}

fn internal(error: impl ToString) -> DiagnosticError {
    DiagnosticError::Internal(error.to_string())
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
    field: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, DiagnosticError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(invalid(field, format!("{} to {}", range.start(), range.end())))
}

/// The address a name leads to, IPv4 before IPv6.
async fn resolve(host: &str) -> Result<IpAddr, DiagnosticError> {
    let host = host.trim().trim_matches(['[', ']']);
    if host.is_empty() || host.len() > MOST_HOST || host.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid("host", "a name or an address"));
    }
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let found = tokio::time::timeout(RESOLVE_TIME, tokio::net::lookup_host((host, 0)))
        .await
        .map_err(|_| DiagnosticError::CannotResolve("no answer in time".to_owned()))?
        .map_err(|error| DiagnosticError::CannotResolve(error.to_string()))?;
    let found: Vec<IpAddr> = found.map(|address: SocketAddr| address.ip()).collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    first.ok_or_else(|| DiagnosticError::CannotResolve("no address".to_owned()))
}

/// Milliseconds with microseconds behind the point.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_and_names() {
        assert_eq!(resolve("192.0.2.1").await, Ok("192.0.2.1".parse().unwrap()));
        assert_eq!(resolve(" [::1] ").await, Ok("::1".parse().unwrap()));
        assert!(resolve("localhost").await.is_ok());
        assert!(matches!(resolve("no such name").await, Err(DiagnosticError::Invalid { field: "host", .. })));
        assert!(matches!(resolve("nowhere.invalid").await, Err(DiagnosticError::CannotResolve(_))));
    }
}
