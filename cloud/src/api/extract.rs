//! What handlers take: who asks, the body, the idempotency key. A handler that takes a [`Caller`] cannot be reached
//! without a valid token.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::{HeaderMap, Method, Uri, header, request::Parts};
use contract::rest::Me;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::error::{invalid, unauthorized};
use crate::app::idempotency::Once;
use crate::app::{Actor, App, AppError, Result, people};

/// Who asks.
pub struct Caller {
    pub actor: Actor,
    pub me: Me,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        if parts.method == Method::DELETE && is_dry_run(&parts.uri)? {
            return Err(no_dry_run());
        }
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| {
                unauthorized("token-missing", "Sign in first: send Authorization: Bearer <access token>.")
            })?;
        let (actor, me) = people::authenticate(app, token.trim(), "api").await?;
        Ok(Self { actor, me })
    }
}

/// A JSON body; what is wrong with it is said by field.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        let bytes = Bytes::from_request(request, app)
            .await
            .map_err(|_| invalid("body", "The request body is larger than 1 MiB, or was cut off."))?;
        // Otherwise a list would be read as the fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(invalid("body", "The request body must be a JSON object."));
        }
        let value = serde_json::from_slice::<serde_json::Value>(&bytes);
        if value.as_ref().is_ok_and(holds_nul) {
            return Err(invalid("body", "A text holds the character U+0000, which nothing can be named with."));
        }
        let refuse = |field: &str, text: &str| invalid(field, format!("The request body does not read: {text}."));
        let value = value.map_err(|error| refuse("body", &error.to_string()))?;
        T::deserialize(&value).map(Self).map_err(|error| {
            let text = error.to_string();
            refuse(field_of(&text, &value), &text)
        })
    }
}

/// The field an error of serde is about. "missing field `number`", "unknown field `numbr`, expected …": the name stands
/// between back quotes. "invalid value: integer `300`", "invalid type: string "x"", "unknown variant `x`": the value does.
fn field_of<'a>(error: &'a str, body: &'a serde_json::Value) -> &'a str {
    let quoted = error.find(['`', '"']).and_then(|at| error[at + 1..].split(&error[at..=at]).next());
    let found = match error.starts_with("missing field") || error.starts_with("unknown field") {
        true => quoted,
        false => quoted.and_then(|text| holder(body, text)),
    };
    found.unwrap_or("body")
}

/// The name under which a body holds a value.
fn holder<'a>(body: &'a serde_json::Value, text: &str) -> Option<&'a str> {
    use serde_json::Value;
    let inside = |value: &'a Value| if value.is_object() || value.is_array() { holder(value, text) } else { None };
    match body {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(held) if held == text => Some(name.as_str()),
            Value::Number(held) if held.to_string() == text => Some(name.as_str()),
            Value::Bool(held) if held.to_string() == text => Some(name.as_str()),
            value => inside(value),
        }),
        Value::Array(items) => items.iter().find_map(inside),
        _ => None,
    }
}

/// PostgreSQL takes no U+0000 in a text.
fn holds_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Rows of a page of which nobody said how many it is to have.
pub fn fifty() -> u32 {
    50
}

/// Method, path and idempotency key of a request, and whether it is only tried.
pub struct Operation {
    name: String,
    key: Option<String>,
    dry_run: bool,
}

#[derive(Deserialize)]
struct DryRun {
    #[serde(default)]
    dry_run: bool,
}

impl Operation {
    /// Of a request that cannot be tried.
    pub fn once(&self, app: &App, caller: &Caller, body: &impl Serialize) -> Result<Once> {
        match self.dry_run {
            true => Err(no_dry_run()),
            false => Once::new(app, &caller.actor, self.key.as_deref(), &self.name, body),
        }
    }

    /// Of one that ends with [`close`](crate::app::close::close), which knows what to do with one that is tried.
    pub fn once_or_tried(&self, app: &App, caller: &Caller, body: &impl Serialize) -> Result<Once> {
        if self.dry_run { Ok(Once::dry_run()) } else { self.once(app, caller, body) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operation {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let dry_run = is_dry_run(&parts.uri)?;
        Ok(Self { name: name(&parts.method, &parts.uri), key: key(&parts.headers)?, dry_run })
    }
}

fn is_dry_run(uri: &Uri) -> Result<bool> {
    let asked = Query::<DryRun>::try_from_uri(uri).map_err(|_| invalid("dry_run", "dry_run is true or false."))?;
    Ok(asked.0.dry_run)
}

fn no_dry_run() -> AppError {
    invalid("dry_run", "This request has no dry run. Nothing was changed.")
}

fn name(method: &Method, uri: &Uri) -> String {
    format!("{method} {}", uri.path())
}

fn key(headers: &HeaderMap) -> Result<Option<String>> {
    match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(key.to_owned())),
        Some(Err(_)) => Err(invalid("Idempotency-Key", "Idempotency-Key must be 1 to 128 printable characters.")),
    }
}

#[cfg(test)]
mod tests {
    use contract::rest::Task;
    use serde::Deserialize;
    use serde_json::json;

    use super::field_of;

    #[test]
    fn names_the_field_that_does_not_read() {
        for (body, field) in [
            (json!({ "kind": "dance" }), "kind"),
            (json!({ "kind": "reboot", "x": 1 }), "x"),
            (json!({ "kind": "upload" }), "file_type"),
            (json!({ "kind": "ping", "host": "a", "count": "many", "size": 1, "timeout_ms": 100 }), "count"),
            (json!({ "kind": "ping", "host": "a", "count": 1, "size": 1, "timeout_ms": 100, "dscp": 300 }), "dscp"),
            (json!({ "kind": "set-attributes", "attributes": [{ "path": "D.", "notification": -1 }] }), "notification"),
        ] {
            let error = Task::deserialize(&body).unwrap_err().to_string();
            assert_eq!(field_of(&error, &body), field, "{error}");
        }
    }
}
