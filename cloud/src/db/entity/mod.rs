//! One file per table. Entities hold rows and nothing else; rules live in `domain`, use cases in `app`.

pub mod audit;
pub mod building;
pub mod chain;
pub mod cwmp_session;
pub mod cwmp_trace;
pub mod event;
pub mod file;
pub mod file_chunk;
pub mod floor;
pub mod idempotency;
pub mod import;
pub mod job;
pub mod layer_value;
pub mod live;
pub mod model_batch;
pub mod pbx;
pub mod person;
pub mod phone;
pub mod phone_document;
pub mod phone_parameter;
pub mod property;
pub mod quarantine;
pub mod refresh_token;
pub mod room;
pub mod telemetry;
pub mod trust_profile;
