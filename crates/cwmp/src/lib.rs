//! cwmp
