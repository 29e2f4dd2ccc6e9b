//! Configuration files from outside: round trips of generated configurations, golden files, openssl, and bytes that
//! are none.
#![allow(clippy::unwrap_used)]

mod fuzz;
mod generate;
mod golden;
mod openssl;
mod round_trip;
