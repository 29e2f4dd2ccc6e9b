//! A phone's documents while a session works on them.

use std::collections::BTreeMap;

use cwmp::ParameterValue;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::Step;
use crate::app::documents::{KeptValues, kept};
use crate::app::{Result, claims, desired};
use crate::clock::now_ms;
use crate::db::entity::{phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::{Applied, Reported};
use crate::domain::layers::Desired;

/// A phone's documents, with secrets opened.
#[derive(Clone, Default)]
pub struct Documents {
    pub desired: BTreeMap<String, String>,
    pub reported: Reported,
    pub applied: Applied,
    /// What somebody chose to leave on the phone.
    pub kept: KeptValues,
    pub changed: bool,
}

impl<C: ConnectionTrait> Step<'_, C> {
    /// Loaded when first needed.
    pub async fn documents(&mut self) -> Result<&mut Documents> {
        if self.documents.is_none() {
            let mut documents = Documents::default();
            if let Some(row) = desired::of(self.tx, self.phone.id).await? {
                let sealed: Desired = serde_json::from_str(&row.desired)?;
                for (key, effective) in sealed {
                    let plain = self.app.secrets.open_setting(&key, &effective.value)?.into_owned();
                    documents.desired.insert(key, plain);
                }
                documents.reported = serde_json::from_str(&row.reported)?;
                documents.applied = serde_json::from_str(&row.applied)?;
                documents.kept = kept(self.tx, &[self.phone.id]).await?.remove(&self.phone.id).unwrap_or_default();
            }
            self.documents = Some(documents);
        }
        Ok(self.documents.get_or_insert_default())
    }

    /// What the phone says it is. Of a secret it says nothing that counts.
    pub async fn reported(&mut self, values: &[ParameterValue]) -> Result<()> {
        let told = values.iter().filter_map(|one| catalogue::from_wire(&one.name, &one.value.text));
        let told: Reported = told.filter(|(key, _)| !catalogue::is_secret(key)).collect();
        if told.is_empty() {
            return Ok(());
        }
        let documents = self.documents().await?;
        let room = |reported: &Reported| reported.get(catalogue::ROOM_NUMBER).cloned();
        let before = room(&documents.reported);
        documents.reported.extend(told);
        documents.changed = true;
        // Dialled at the phone since it was last read. What it had when it first came is nobody's wish.
        let now = room(&documents.reported).filter(|now| before.as_ref().is_some_and(|before| before != now));
        match now {
            Some(number) => claims::by_value(self.tx, self.phone, &number).await,
            None => Ok(()),
        }
    }

    pub async fn save(&self) -> Result<()> {
        let Some(documents) = self.documents.as_ref().filter(|documents| documents.changed) else { return Ok(()) };
        phone_document::Entity::update_many()
            .col_expr(phone_document::Column::Reported, Expr::value(serde_json::to_string(&documents.reported)?))
            .col_expr(phone_document::Column::Applied, Expr::value(serde_json::to_string(&documents.applied)?))
            .col_expr(phone_document::Column::ReportedAt, Expr::value(now_ms()))
            .filter(phone_document::Column::PhoneId.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }

    /// The phone is what `version` wants it to be.
    pub async fn confirm(&mut self, version: i64) -> Result<()> {
        let secrets = &self.app.secrets;
        let documents = self.documents().await?;
        for (key, value) in &documents.desired {
            if !catalogue::is_secret(key) && documents.reported.get(key) == Some(value) {
                documents.applied.insert(key.clone(), secrets.fingerprint(value));
            }
        }
        documents.changed = true;
        phone::Entity::update_many()
            .col_expr(phone::Column::AppliedVersion, Expr::value(version))
            .filter(phone::Column::Id.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }
}
