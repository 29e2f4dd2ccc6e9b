//! What handlers take: who asks, the body, the idempotency key. A handler that takes a [`Caller`] cannot be reached
//! without a valid token.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Method, Uri, header, request::Parts};
use contract::rest::Me;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
        value.and_then(serde_json::from_value).map(Self).map_err(|error| {
            // "missing field `number`", "unknown field `numbr`, expected …": the name stands between back quotes.
            let text = error.to_string();
            let field = text.split('`').nth(1).unwrap_or("body").to_owned();
            invalid(&field, format!("The request body does not read: {text}."))
        })
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

/// Method, path and idempotency key of a request.
pub struct Operation {
    name: String,
    key: Option<String>,
}

impl Operation {
    pub fn once(&self, app: &App, caller: &Caller, body: &impl Serialize) -> Result<Once> {
        Once::new(app, &caller.actor, self.key.as_deref(), &self.name, body)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operation {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self { name: name(&parts.method, &parts.uri), key: key(&parts.headers)? })
    }
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
