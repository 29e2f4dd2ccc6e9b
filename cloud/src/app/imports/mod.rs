//! Imports: a file is read and tried without changing anything, its columns may be taken for something else, and then it
//! is applied. The same import applied again changes nothing.

mod accounts;
mod brief;
mod carry;
mod export;
mod gdms;
mod known;
mod reach;
mod run;
mod stored;
mod undo;
mod values;

use std::collections::HashMap;
use std::sync::Arc;

use contract::rest::*;
use contract::{ImportId, PropertyId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use self::brief::{Brief, Shown};
use self::stored::{Content, Report};
use super::error::{conflict, invalid, not_found, too_many};
use super::idempotency::Once;
use super::{Actor, App, AppError, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{import, property, sip_server};
use crate::domain::import::{Sheet, Unreadable, mapping, spreadsheet, text};

pub use export::csv;
pub use gdms::{addresses as gdms_addresses, create as create_from_gdms, sites as gdms_sites};
pub use run::resume;
pub use undo::undo;

/// Imports kept of one property; the oldest make room.
const MOST: u64 = 20;
/// Files read at once by one process: each may be some 10 MiB, and several times that while it is read.
const READERS: usize = 2;

/// Lets few files be read at once.
pub struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS)))
    }
}

/// A place among those whose file is read.
pub type Place = OwnedSemaphorePermit;

/// Takes a place among those whose file is read.
pub fn reader(app: &App) -> Result<Place> {
    let place = app.readers.0.clone().try_acquire_owned();
    place.map_err(|_| too_many("Other files are being read. Try again in some seconds."))
}

/// Reads a file and says what applying it would do.
pub async fn create(
    app: &App,
    actor: &Actor,
    to: PropertyId,
    name: &str,
    bytes: bytes::Bytes,
    place: Place,
) -> Result<Import> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(120).collect();
    if bytes.len() > MAX_IMPORT_BYTES {
        return Err(invalid("file", "The file is larger than 10 MiB. Split it."));
    }
    exists(app, to).await?;
    // Whoever asked may give up: the reading goes on to its end, and keeps its place until then.
    let read = tokio::task::spawn_blocking(move || (read(&bytes), place));
    let (read, _place) = read.await.map_err(anyhow::Error::from)?;
    let (source, sheet) = read.map_err(|error| invalid("file", error.to_string()))?;
    store(app, actor, to, name, source, sheet).await
}

fn read(bytes: &[u8]) -> std::result::Result<(ImportSource, Sheet), Unreadable> {
    if !spreadsheet::is_spreadsheet(bytes) {
        return Ok((ImportSource::Csv, text::read(bytes)?));
    }
    let (kind, sheet) = spreadsheet::read(bytes)?;
    let source = match kind {
        spreadsheet::Kind::Xlsx => ImportSource::Xlsx,
        spreadsheet::Kind::Ods => ImportSource::Ods,
    };
    Ok((source, sheet))
}

async fn exists(app: &App, id: PropertyId) -> Result<()> {
    property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    Ok(())
}

/// Keeps what was read, with what applying it would do.
async fn store(
    app: &App,
    actor: &Actor,
    to: PropertyId,
    name: String,
    source: ImportSource,
    sheet: Sheet,
) -> Result<Import> {
    let mut row = blank(actor, to, name, source, ImportState::Ready);
    let head = filled(app, &mut row, sheet).await?;
    let write = app.db.write_beside().await?;
    make_room(&write.tx, to.0).await?;
    import::Entity::insert(row.clone().into_active_model()).exec_without_returning(&write.tx).await?;
    let detail = format!("{}: {} rows", row.name, row.rows_total);
    audit::record(&write.tx, actor, "import.create", &to.to_string(), detail).await?;
    write.commit().await?;
    Ok(Brief::from(&row).view(head))
}

/// An import with nothing in it.
fn blank(actor: &Actor, to: PropertyId, name: String, source: ImportSource, state: ImportState) -> import::Model {
    import::Model {
        id: Uuid::now_v7(),
        property_id: to.0,
        name,
        source: source.as_str().to_owned(),
        state: state.as_str().to_owned(),
        note: String::new(),
        mapping: String::new(),
        content: String::new(),
        report: String::new(),
        shown: String::new(),
        rows_total: 0,
        rows_done: 0,
        counts: String::new(),
        skip_errors: false,
        lease_until: 0,
        fence: 0,
        created_at: now_ms(),
        created_by: actor.0.clone(),
        applied_by: String::new(),
        done_at: None,
    }
}

/// Puts what was read into `row`, its columns guessed, and tries it. Returns the beginning of the report.
async fn filled(app: &App, row: &mut import::Model, sheet: Sheet) -> Result<Report> {
    let servers = sip_server::Entity::find().filter(sip_server::Column::PropertyId.eq(row.property_id));
    let choices = mapping::guess(&sheet.headings, servers.count(app.db.read()).await? > 0);
    row.mapping = serde_json::to_string(&choices)?;
    row.content = stored::seal(app, &sheet)?;
    row.rows_total = sheet.rows.len() as i32;
    tried(app, row, sheet, &choices).await
}

/// Tries it: what it says is put into `row`. Returns the beginning of the report.
async fn tried(app: &App, row: &mut import::Model, sheet: Sheet, choices: &[ColumnChoice]) -> Result<Report> {
    let content = Content::new(sheet, choices)?;
    let (known, plan) = content.plan(app, app.db.read(), row.property_id).await?;
    row.counts = serde_json::to_string(&plan.counts)?;
    let reach = reach::of(app.db.read(), &known, &plan.steps).await?;
    stored::keep(app, row, content.report(choices, plan, reach))
}

/// States in which somebody works on an import.
const WORKED_ON: [&str; 2] = [ImportState::Applying.as_str(), ImportState::Fetching.as_str()];

async fn make_room(tx: &impl ConnectionTrait, property: Uuid) -> Result<()> {
    let old: Vec<Uuid> = import::Entity::find()
        .select_only()
        .column(import::Column::Id)
        .filter(import::Column::PropertyId.eq(property))
        .filter(import::Column::State.is_not_in(WORKED_ON))
        .order_by_desc(import::Column::CreatedAt)
        .offset(MOST - 1)
        .limit(1_000)
        .into_tuple()
        .all(tx)
        .await?;
    if !old.is_empty() {
        let still = import::Column::State.is_not_in(WORKED_ON);
        import::Entity::delete_many().filter(import::Column::Id.is_in(old)).filter(still).exec(tx).await?;
    }
    Ok(())
}

/// Imports of a property, the newest first.
pub async fn list(app: &App, of: PropertyId) -> Result<Vec<ImportSummary>> {
    exists(app, of).await?;
    let rows = import::Entity::find()
        .filter(import::Column::PropertyId.eq(of.0))
        .order_by_desc(import::Column::CreatedAt)
        .into_partial_model::<Brief>()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(Brief::summary).collect())
}

/// One import.
pub async fn one(app: &App, id: ImportId) -> Result<Import> {
    let Shown { brief, shown } = Shown::find(app.db.read(), id).await?;
    // One of before this column was there has its whole report only.
    let head = if shown.is_empty() { stored::report(app, id).await?.head() } else { stored::open(app, &shown)? };
    Ok(brief.view(head))
}

/// A page of its errors and warnings.
pub async fn findings(app: &App, id: ImportId, offset: u32, limit: u32) -> Result<FindingPage> {
    let report = stored::report(app, id).await?;
    let total = report.findings.len() as u32;
    let items = report.findings.into_iter().skip(offset as usize).take(page(limit)?).collect();
    Ok(FindingPage { items, total, offset })
}

/// A page of its rows; only those with this action, if one is given.
pub async fn rows(app: &App, id: ImportId, only: Option<RowAction>, offset: u32, limit: u32) -> Result<ImportRowPage> {
    let mut rows = stored::report(app, id).await?.rows;
    rows.retain(|row| only.is_none_or(|only| row.action == only));
    let total = rows.len() as u32;
    let items = rows.into_iter().skip(offset as usize).take(page(limit)?).collect();
    Ok(ImportRowPage { items, total, offset })
}

fn page(limit: u32) -> Result<usize> {
    if limit == 0 || limit > MAX_PAGE {
        return Err(invalid("limit", format!("A page has 1 to {MAX_PAGE} rows.")));
    }
    Ok(limit as usize)
}

/// Takes columns for something else, and tries it again.
pub async fn remap(app: &App, actor: &Actor, id: ImportId, wanted: ImportMapping) -> Result<Import> {
    let mut row = stored::find(app.db.read(), id).await?;
    idle(&row.state)?;
    let sheet: Sheet = stored::open(app, &row.content)?;
    let mut choices = stored::choices(&row)?;
    for choice in wanted.columns {
        match choices.iter_mut().find(|there| there.column == choice.column) {
            Some(there) => *there = choice,
            None => choices.push(choice),
        }
    }
    row.mapping = serde_json::to_string(&choices)?;
    let head = tried(app, &mut row, sheet, &choices).await?;
    let write = app.db.write_beside().await?;
    let kept = keep_tried(&write.tx, &mut row).await?;
    if !kept {
        idle(&Brief::find(&write.tx, id).await?.state)?;
        return Err(conflict(
            "import-changed",
            "import",
            "Somebody else has just changed its columns. Look at it again.",
        ));
    }
    audit::record(&write.tx, actor, "import.mapping", &row.property_id.to_string(), row.name.clone()).await?;
    write.commit().await?;
    Ok(Brief::from(&row).view(head))
}

/// Stores what a new try said. `false`: somebody has begun to apply it meanwhile, with columns that were checked, or taken
/// them for something else.
async fn keep_tried(tx: &impl ConnectionTrait, row: &mut import::Model) -> Result<bool> {
    row.state = ImportState::Ready.as_str().to_owned();
    (row.note, row.rows_done) = (String::new(), 0);
    let new = import::ActiveModel {
        mapping: Set(row.mapping.clone()),
        report: Set(row.report.clone()),
        shown: Set(row.shown.clone()),
        counts: Set(row.counts.clone()),
        state: Set(row.state.clone()),
        note: Set(row.note.clone()),
        rows_done: Set(row.rows_done),
        fence: Set(row.fence + 1),
        ..Default::default()
    };
    let own = import::Entity::update_many().set(new).filter(import::Column::Id.eq(row.id));
    Ok(own.filter(import::Column::Fence.eq(row.fence)).exec(tx).await?.rows_affected > 0)
}

/// Nobody works on it.
fn idle(state: &str) -> Result<()> {
    match stored::state(state) {
        ImportState::Fetching => Err(conflict("import-running", "import", "It is still being read. Wait until it is.")),
        ImportState::Applying => {
            Err(conflict("import-running", "import", "It is being applied. Look at it until it is done."))
        }
        ImportState::Ready | ImportState::Done | ImportState::Failed => Ok(()),
    }
}

/// Begins to carry it out. How far it is shows in the import.
pub async fn apply(
    app: &Arc<App>,
    actor: &Actor,
    once: &Once,
    id: ImportId,
    wanted: ApplyImport,
) -> Result<ImportSummary> {
    if let Some(answer) = once.given(app.db.read()).await? {
        return Ok(answer);
    }
    let mut row = stored::find(app.db.read(), id).await?;
    idle(&row.state)?;
    let choices = stored::choices(&row)?;
    let content = Content::new(stored::open(app, &row.content)?, &choices)?;
    // As things are now. Before the transaction: it takes seconds, and everybody else would wait. Whether the columns are
    // still the same is seen by the claim's fence.
    let (known, plan) = content.plan(app, app.db.read(), row.property_id).await?;
    let reach = reach::of(app.db.read(), &known, &plan.steps).await?;
    let seen: Report = stored::open(app, &row.report)?;
    let seen: HashMap<u32, &ImportRow> = seen.rows.iter().map(|row| (row.row, row)).collect();
    // What is done of an import that broke off is as it should be by now; one that was done was looked at then.
    let is_other = |row: &ImportRow| row.action != RowAction::Same && seen.get(&row.row) != Some(&row);
    if stored::state(&row.state) != ImportState::Done && plan.rows.iter().any(is_other) {
        row.counts = serde_json::to_string(&plan.counts)?;
        stored::keep(app, &mut row, content.report(&choices, plan, reach))?;
        return Err(seen_otherwise(app, row).await?);
    }
    let refused = plan.counts.refused;
    if refused > 0 && !wanted.skip_errors {
        return Err(conflict(
            "import-has-errors",
            "skip_errors",
            format!("{refused} rows have errors. Correct the file, or leave these rows out with skip_errors."),
        ));
    }
    stored::keep(app, &mut row, content.report(&choices, plan, reach))?;
    let write = app.db.write_beside().await?;
    if let Some(answer) = once.replay(&write.tx).await? {
        return Ok(answer);
    }
    let claim = run::Claim::take(&write.tx, &row, actor, wanted.skip_errors).await?;
    let detail = format!("{}: {} rows", row.name, row.rows_total);
    audit::record(&write.tx, actor, "import.apply", &row.property_id.to_string(), detail).await?;
    row.state = ImportState::Applying.as_str().to_owned();
    (row.note, row.rows_done) = (String::new(), 0);
    let answer = Brief::from(&row).summary();
    once.keep(&write.tx, &answer).await?;
    write.commit().await?;
    claim.start(app.clone());
    Ok(answer)
}

/// What would be done now is not what somebody has looked at: the new try in `row` is stored, to be looked at.
async fn seen_otherwise(app: &App, mut row: import::Model) -> Result<AppError> {
    let write = app.db.write_beside().await?;
    // Somebody else's is as new.
    keep_tried(&write.tx, &mut row).await?;
    write.commit().await?;
    let detail = "Rooms or phones were changed since this was tried, and it would now do something else. Nothing was \
                  applied. Look at the rows again, and apply it then.";
    Ok(conflict("import-changed", "import", detail))
}

/// Forgets an import. What it did stays.
pub async fn remove(app: &App, actor: &Actor, id: ImportId) -> Result<()> {
    let write = app.db.write_beside().await?;
    let row = Brief::find(&write.tx, id).await?;
    audit::record(&write.tx, actor, "import.remove", &row.property_id.to_string(), row.name).await?;
    import::Entity::delete_by_id(row.id).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

/// Forgets what is older than a day.
pub async fn sweep(tx: &impl ConnectionTrait) -> Result<()> {
    let now = now_ms();
    import::Entity::delete_many()
        .filter(import::Column::CreatedAt.lt(now - stored::KEPT_MS))
        .filter(import::Column::LeaseUntil.lt(now))
        .exec(tx)
        .await?;
    Ok(())
}
