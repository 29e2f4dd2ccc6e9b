//! An address that DHCP named. There may be a user, a password or a token in it, so it is shown without.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

/// See the module. Derefs to all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    fn shown(&self) -> String {
        let plain = self.0.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = plain.split_at(plain.find("://").map_or(0, |at| at + 3));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        format!("{scheme}{host}{path}")
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Deref for Address {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}
