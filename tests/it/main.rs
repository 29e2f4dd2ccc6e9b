//! The whole, from outside: server, phones and people over real sockets. Each test has its own server, database and
//! phones, on ports of its own.
//!
//! On SQLite by default; on PostgreSQL with `BELLHOP_TEST_DATABASE_URL` (of somebody who may create databases).
#![allow(clippy::unwrap_used)]

mod support;

mod architecture;
mod auth;
mod bad_acs;
mod bad_mqtt;
mod bad_rest;
mod browser_demo;
mod browser_keyboard;
mod browser_login;
mod browser_phones;
mod browser_rooms;
mod browser_screenshots;
mod browser_settings;
mod catalogue;
mod connection_request;
mod crash;
mod cwmp_by_hand;
mod enrolment;
mod enrolment_login;
mod events;
mod external_broker;
mod fleet;
mod live;
mod rooms;
mod rooms_refused;
mod settings_layers;
mod settings_secret;
