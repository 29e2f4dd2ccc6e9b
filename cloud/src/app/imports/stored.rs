//! An import as it is stored.

use contract::ImportId;
use contract::rest::*;
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::known;
use crate::app::error::{invalid, not_found};
use crate::app::{App, Result};
use crate::db::entity::import;
use crate::domain::import::mapping::{self, Column};
use crate::domain::import::parse::{self, Headings, MOST_FINDINGS, Wanted};
use crate::domain::import::plan::{self, Plan};
use crate::domain::import::{Sheet, mapping::seems_secret};

/// How long an import is kept.
pub const KEPT_MS: i64 = 24 * 3_600_000;
const FINDINGS_SHOWN: usize = 200;
const ROWS_SHOWN: usize = 20;

/// What the dry run said.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    pub columns: Vec<ImportColumn>,
    pub rows: Vec<ImportRow>,
    pub findings: Vec<Finding>,
    pub errors: u32,
    pub warnings: u32,
    #[serde(default)]
    pub reach: ImportReach,
}

impl Report {
    /// What is shown of it at once: the beginnings of its lists.
    pub fn head(mut self) -> Self {
        self.findings.truncate(FINDINGS_SHOWN);
        self.rows.truncate(ROWS_SHOWN);
        self
    }
}

/// What is imported: its cells, and what they were taken for.
pub struct Content {
    pub sheet: Sheet,
    pub columns: Vec<Option<Column>>,
    pub wanted: Vec<Wanted>,
    pub findings: Vec<Finding>,
}

impl Content {
    /// Takes `choices` for the columns.
    ///
    /// # Errors
    /// A choice is wrong.
    pub fn new(sheet: Sheet, choices: &[ColumnChoice]) -> Result<Self> {
        let columns = mapping::columns(choices, sheet.headings.len()).map_err(|(field, why)| invalid(field, why))?;
        let (wanted, mut findings) = parse::rows(&sheet, &columns);
        let whole = |severity, kind: &str, reason: String, remedy: &str| Finding {
            severity,
            row: 0,
            column: String::new(),
            field: String::new(),
            value: String::new(),
            kind: kind.to_owned(),
            reason,
            remedy: remedy.to_owned(),
        };
        let nothing = columns.iter().all(Option::is_none);
        if nothing {
            // One reason for all rows.
            findings.clear();
        }
        for note in &sheet.notes {
            findings.push(whole(Severity::Warning, "file", note.clone(), ""));
        }
        if nothing {
            let reason = "No heading was recognised.".to_owned();
            let remedy = "Say what the columns are, and look whether the first line holds headings.";
            findings.push(whole(Severity::Error, "no-columns", reason, remedy));
        }
        Ok(Self { sheet, columns, wanted, findings })
    }

    /// Held against what is there.
    pub async fn plan(
        &self,
        app: &App,
        tx: &impl ConnectionTrait,
        property: uuid::Uuid,
    ) -> Result<(plan::Known, Plan)> {
        let known = known::load(app, tx, property, &self.wanted).await?;
        let headings = Headings::new(&self.sheet, &self.columns);
        let plan = plan::make(&known, &self.wanted, &headings, self.findings.clone());
        Ok((known, plan))
    }

    pub fn report(&self, choices: &[ColumnChoice], plan: Plan, reach: ImportReach) -> Report {
        let count = |severity| plan.findings.iter().filter(|finding| finding.severity == severity).count() as u32;
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let mut findings = plan.findings;
        findings.truncate(MOST_FINDINGS);
        Report { columns: self.shown(choices), rows: plan.rows, findings, errors, warnings, reach }
    }

    fn shown(&self, choices: &[ColumnChoice]) -> Vec<ImportColumn> {
        let of = |column: usize| choices.iter().find(|choice| choice.column as usize == column);
        let shown = |(at, heading): (usize, &String)| {
            let secret = match self.columns.get(at).and_then(Option::as_ref) {
                Some(column) => column.field.is_secret(),
                None => seems_secret(heading),
            };
            let cells = self.sheet.rows.iter().map(|row| row.cell(at)).filter(|cell| !cell.is_empty());
            let sample = |cell: &str| match secret {
                true => SECRET_MASK.to_owned(),
                false => cell.chars().take(80).collect(),
            };
            ImportColumn {
                column: at as u32,
                heading: heading.clone(),
                field: of(at).and_then(|choice| choice.field.clone()),
                layer: of(at).and_then(|choice| choice.layer),
                samples: cells.take(3).map(sample).collect(),
            }
        };
        self.sheet.headings.iter().enumerate().map(shown).collect()
    }
}

pub async fn find(tx: &impl ConnectionTrait, id: ImportId) -> Result<import::Model> {
    import::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("import"))
}

/// The whole report of an import.
pub async fn report(app: &App, id: ImportId) -> Result<Report> {
    let report = import::Entity::find_by_id(id.0).select_only().column(import::Column::Report);
    let report: Option<String> = report.into_tuple().one(app.db.read()).await?;
    open(app, &report.ok_or_else(|| not_found("import"))?)
}

/// Puts a report into `row`, and what is shown of it, which is returned.
pub fn keep(app: &App, row: &mut import::Model, report: Report) -> Result<Report> {
    row.report = seal(app, &report)?;
    let head = report.head();
    row.shown = seal(app, &head)?;
    Ok(head)
}

pub fn state(text: &str) -> ImportState {
    text.parse().unwrap_or(ImportState::Failed)
}

/// What was sealed into a column of the import's row.
pub fn open<T: DeserializeOwned + Default>(app: &App, text: &str) -> Result<T> {
    if text.is_empty() {
        return Ok(T::default());
    }
    Ok(serde_json::from_str(&app.secrets.open("import", text)?)?)
}

pub fn seal(app: &App, value: &impl Serialize) -> Result<String> {
    Ok(app.secrets.seal("import", &serde_json::to_string(value)?)?)
}

pub fn choices(row: &import::Model) -> Result<Vec<ColumnChoice>> {
    if row.mapping.is_empty() {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_str(&row.mapping)?)
}

pub fn counts(text: &str) -> ImportCounts {
    serde_json::from_str(text).unwrap_or_default()
}
