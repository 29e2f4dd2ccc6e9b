//! `Idempotency-Key`: the row is written in the change's own transaction, so a repeated request finds either nothing or
//! the answer. The same key with another body is refused.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::error::{conflict, invalid};
use super::{Actor, App, Result};
use crate::clock::now_ms;
use crate::db::entity::idempotency;

/// A request that may be repeated. Without a key it is carried out each time.
#[derive(Clone, Debug, Default)]
pub struct Once {
    key: Option<String>,
    hash: String,
    /// It is not carried out at all: what it would do is worked out, and taken back.
    pub dry_run: bool,
}

impl Once {
    pub fn dry_run() -> Self {
        Self { dry_run: true, ..Self::default() }
    }

    /// `operation` names method and path; `key` is the header as it came.
    pub fn new(app: &App, actor: &Actor, key: Option<&str>, operation: &str, body: &impl Serialize) -> Result<Self> {
        let Some(key) = key else { return Ok(Self::default()) };
        if key.is_empty() || key.len() > 128 || !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(invalid("Idempotency-Key", "Idempotency-Key must be 1 to 128 printable characters."));
        }
        let body = serde_json::to_vec(body)?;
        let hash = hex::encode(
            Sha256::new()
                // Keyed: a body may hold a password, which its bare hash would give away to whoever guesses.
                .chain_update(app.secrets.derive("idempotency"))
                .chain_update(operation)
                .chain_update([0])
                .chain_update(body)
                .finalize(),
        );
        Ok(Self { key: Some(format!("{}\n{key}", actor.0)), hash, dry_run: false })
    }

    /// The answer given before, if any. Nothing is claimed by asking: for what has to be worked out before the transaction.
    pub async fn given<T: DeserializeOwned>(&self, db: &impl ConnectionTrait) -> Result<Option<T>> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(row) = idempotency::Entity::find_by_id(key).one(db).await? else { return Ok(None) };
        if row.request_hash != self.hash {
            return Err(conflict(
                "idempotency-key-reused",
                "Idempotency-Key",
                "This Idempotency-Key was used for another request. Use a new one for each change.",
            ));
        }
        Ok(Some(serde_json::from_str(&row.response)?))
    }

    /// The same, and where there is none the key is this transaction's.
    pub async fn replay<T: DeserializeOwned>(&self, tx: &impl ConnectionTrait) -> Result<Option<T>> {
        let Some(key) = &self.key else { return Ok(None) };
        // Claimed first: a request with the same key that comes at the same moment waits here for this transaction.
        let claim = idempotency::ActiveModel {
            key: Set(key.clone()),
            request_hash: Set(self.hash.clone()),
            response: Set(String::new()),
            created_at: Set(now_ms()),
        };
        let claimed = idempotency::Entity::insert(claim)
            .on_conflict(OnConflict::column(idempotency::Column::Key).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
        if claimed == 1 { Ok(None) } else { self.given(tx).await }
    }

    /// Keeps the answer for 24 hours.
    pub async fn keep<T: Serialize>(&self, tx: &impl ConnectionTrait, answer: &T) -> Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        idempotency::Entity::update_many()
            .col_expr(idempotency::Column::Response, Expr::value(serde_json::to_string(answer)?))
            .filter(idempotency::Column::Key.eq(key))
            .exec(tx)
            .await?;
        Ok(())
    }
}
