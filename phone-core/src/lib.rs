//! phone-core
