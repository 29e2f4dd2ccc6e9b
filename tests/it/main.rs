//! The whole, from outside: server, phones and people over real sockets. Each test has its own server, database and
//! phones, on ports of its own.
//!
//! On SQLite by default; on PostgreSQL with `BELLHOP_TEST_DATABASE_URL` (of somebody who may create databases).
#![allow(clippy::unwrap_used)]

mod support;

mod accounts;
mod accounts_refused;
mod acs_bodies;
mod architecture;
mod auth;
mod bad_acs;
mod bad_mqtt;
mod bad_rest;
mod big_hotel;
mod broker_loss;
mod browser_accounts;
mod browser_claims;
mod browser_demo;
mod browser_import;
mod browser_keyboard;
mod browser_layers;
mod browser_login;
mod browser_phone;
mod browser_phones;
mod browser_rooms;
mod browser_screenshots;
mod browser_settings;
mod catalogue;
mod claims;
mod connection_request;
mod crash;
mod cwmp_by_hand;
mod enrolment;
mod enrolment_login;
mod events;
mod external_broker;
mod faults_over_tls;
mod files;
mod fleet;
mod hostile_acs;
mod imports;
mod imports_gdms;
mod kill_sessions;
mod layers;
mod lint;
mod live;
mod mqtt_telemetry;
mod provision;
mod provision_packages;
mod provision_ways;
mod quiet_sessions;
mod rooms;
mod rooms_refused;
mod rpcs_over_tls;
mod session_trace;
mod settings_layers;
mod settings_secret;
mod sip_pnp;
mod tasks_agent;
mod tasks_measure;
mod tasks_orders;
mod tasks_refused;
mod tasks_transfer;
mod tasks_tree;
mod tasks_values;
mod tls_acs;
mod trust_profiles;
mod trust_proofs;
mod wake_by_http;
mod wake_by_kamailio;
mod wake_by_sip;
mod wake_by_udp;
mod wake_refused;
mod zero_touch;
