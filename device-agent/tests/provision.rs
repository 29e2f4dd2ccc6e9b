//! The phone fetches its configuration from ordinary servers of Debian: nginx, lighttpd, vsftpd, tftpd-hpa. Each
//! test starts its own, on loopback, in a folder of its own.

#![allow(clippy::unwrap_used)]

#[path = "provision/bad.rs"]
mod bad;
#[path = "provision/bench.rs"]
mod bench;
#[path = "provision/dhcp.rs"]
mod dhcp;
#[path = "provision/effects.rs"]
mod effects;
#[path = "provision/line.rs"]
mod line;
#[path = "provision/page.rs"]
mod page;
#[path = "provision/protocols.rs"]
mod protocols;
#[path = "provision/servers.rs"]
mod servers;
mod support;
#[path = "provision/table.rs"]
mod table;
