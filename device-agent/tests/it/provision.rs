//! The phone fetches its configuration from ordinary servers of Debian: nginx, lighttpd, vsftpd, tftpd-hpa. Each test starts
//! its own, on loopback, in a folder of its own.

mod bad;
mod bench;
mod dhcp;
mod effects;
mod line;
mod page;
mod protocols;
mod servers;
mod table;
