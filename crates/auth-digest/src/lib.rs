//! auth-digest
