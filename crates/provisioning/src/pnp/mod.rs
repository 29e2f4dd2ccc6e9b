//! SIP plug and play: a phone from the box asks by multicast where its configuration is, and is told a URL.
//!
//! A SUBSCRIBE for the event `ua-profile` goes to 224.0.1.75:5060; whoever knows the phone answers 200 and sends a NOTIFY
//! with `application/url`. It is a makers' custom beside RFC 6080. Nobody proves anything: a MAC address is a name.
//!
//! [`Client`] is the phone's side, [`Server`] the other; neither has sockets or a clock. [`profile`] and [`table`] are
//! what a phone that serves others makes their files of.

pub mod client;
mod message;
pub mod profile;
pub mod server;
mod subscribe;
pub mod table;
mod url;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

pub use client::Client;
pub use message::{MAX_PACKET, Refusal};
pub use server::Server;
pub use subscribe::Asker;
pub use url::{Forms, MAX_URL, UrlError, check_url};

/// Time since any fixed moment of the caller's; it only grows.
pub type Time = Duration;

/// Where phones ask.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 75);
/// The port beside it.
pub const PORT: u16 = 5060;

/// Group and port.
pub const fn group() -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(GROUP, PORT))
}

/// The first wait before a request is sent again (RFC 3261 §17.1.2.1, T1).
const T1: Duration = Duration::from_millis(500);
/// The longest such wait (T2).
const T2: Duration = Duration::from_secs(4);
/// When a request without an answer has failed (timer F, 64 T1).
pub const GIVE_UP: Duration = Duration::from_secs(32);

/// Waits of T1, doubling to T2.
fn wait(sent: u32) -> Duration {
    T1.saturating_mul(1 << sent.saturating_sub(1).min(3)).min(T2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_t1_to_t2() {
        let waits: Vec<_> = (1..7).map(|sent| wait(sent).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 4000, 4000]);
        assert_eq!((wait(1), wait(9)), (T1, T2));
    }
}
