//! Bellhop's server: the TR-069 ACS, MQTT ingest, the REST API with its live stream, and the job engine, in one binary
//! with roles.
//!
//! Transports (`api`, `acs`, `ingest`, `pnp`, `worker`) call use cases (`app`); use cases call `domain`, pure rules that know
//! neither clock nor database, and `db`. Nothing points back.

pub mod acs;
pub mod api;
pub mod app;
pub mod broker;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod files;
mod gdms;
pub mod ingest;
pub mod network;
pub mod once;
pub mod pnp;
pub mod provision;
pub mod secrets;
pub mod serve;
pub mod startup;
pub mod tls;
pub mod wake;
pub mod worker;
