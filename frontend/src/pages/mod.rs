//! One file per page.

pub mod accounts;
pub mod backup;
pub mod board;
pub mod board_keys;
pub mod board_query;
pub mod claims;
pub mod import;
pub mod layers;
pub mod layout;
pub mod login;
pub mod new_phones;
pub mod phone;
pub mod phones;
pub mod phones_query;
pub mod properties;
pub mod property;
pub mod provisioning;
pub mod room;
pub mod room_live;
