//! An import without its cells and its whole report, which may be many megabytes: all that lists and looks at it need.

use contract::rest::*;
use contract::{ImportId, PropertyId, Timestamp};
use sea_orm::{ConnectionTrait, DerivePartialModel, EntityTrait};
use uuid::Uuid;

use super::stored::{KEPT_MS, Report, counts, state};
use crate::app::Result;
use crate::app::error::not_found;
use crate::db::entity::import;

#[derive(DerivePartialModel)]
#[sea_orm(entity = "import::Entity")]
pub struct Brief {
    pub id: Uuid,
    pub property_id: Uuid,
    pub name: String,
    pub source: String,
    pub state: String,
    pub note: String,
    pub rows_total: i32,
    pub rows_done: i32,
    pub counts: String,
    pub fence: i64,
    pub created_at: i64,
    pub created_by: String,
    pub applied_by: String,
}

/// The same with the beginning of its report, sealed.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "import::Entity")]
pub struct Shown {
    #[sea_orm(nested)]
    pub brief: Brief,
    pub shown: String,
}

impl Brief {
    pub async fn find(tx: &impl ConnectionTrait, id: ImportId) -> Result<Self> {
        let found = import::Entity::find_by_id(id.0).into_partial_model::<Self>().one(tx).await?;
        found.ok_or_else(|| not_found("import"))
    }

    pub fn summary(self) -> ImportSummary {
        ImportSummary {
            id: ImportId(self.id),
            source: self.source.parse().unwrap_or(ImportSource::Csv),
            state: state(&self.state),
            name: self.name,
            note: self.note,
            rows: self.rows_total.max(0) as u32,
            rows_done: self.rows_done.max(0) as u32,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
        }
    }

    /// As it is shown, with the beginning of its report.
    pub fn view(self, head: Report) -> Import {
        let (property, counts) = (PropertyId(self.property_id), counts(&self.counts));
        let ImportSummary { id, name, source, state, note, rows, rows_done, created_at, created_by } = self.summary();
        Import {
            id,
            property,
            name,
            source,
            state,
            note,
            columns: head.columns,
            rows,
            rows_done,
            counts,
            reach: head.reach,
            errors: head.errors,
            warnings: head.warnings,
            findings: head.findings,
            preview: head.rows,
            expires_at: Timestamp(created_at.0 + KEPT_MS),
            created_at,
            created_by,
        }
    }
}

impl Shown {
    pub async fn find(tx: &impl ConnectionTrait, id: ImportId) -> Result<Self> {
        let found = import::Entity::find_by_id(id.0).into_partial_model::<Self>().one(tx).await?;
        found.ok_or_else(|| not_found("import"))
    }
}

impl From<&import::Model> for Brief {
    fn from(row: &import::Model) -> Self {
        Self {
            id: row.id,
            property_id: row.property_id,
            name: row.name.clone(),
            source: row.source.clone(),
            state: row.state.clone(),
            note: row.note.clone(),
            rows_total: row.rows_total,
            rows_done: row.rows_done,
            counts: row.counts.clone(),
            fence: row.fence,
            created_at: row.created_at,
            created_by: row.created_by.clone(),
            applied_by: row.applied_by.clone(),
        }
    }
}
