//! The desired document of a phone: folded from its layers, versioned, and closed by a job when it differs from what
//! the phone is.
//!
//! | file | what it is |
//! |---|---|
//! | `targets` | phones, as far as folding needs them |
//! | `layers` | the layers over them, and what they say |
//! | `derived` | what follows from room, property and account |
//! | `facts` | what variables stand for |
//! | `plan` | from layers to documents |
//! | `store` | documents, jobs and live rows, many at a time |

mod derived;
mod facts;
pub mod layers;
pub mod plan;
pub mod store;
pub mod targets;

use std::collections::BTreeSet;

use contract::PhoneId;
use contract::rest::{Accepted, Enrolment, JobState, Layer};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use self::layers::Layers;
use self::plan::Document;
use self::targets::Target;
use super::close::close;
use super::error::{conflict, not_found};
use super::idempotency::Once;
use super::jobs::{AGAIN, CONFIGURE, settle};
use super::{Actor, App, Result, audit, provision, views};
use crate::clock::now_ms;
use crate::db::entity::{job, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::layers::{Desired, Effective};

/// Why documents are made anew.
pub struct Change<'a> {
    pub actor: &'a Actor,
    /// What the job says it does, for example "Room 1207: number".
    pub summary: String,
}

/// Phones whose documents are read and written together.
const ROUND: usize = 5_000;

/// Folds the layers of `phones` anew. Where that changes the desired document, its version moves on and a job is made
/// that brings it to the phone; a job still waiting is superseded by it.
pub async fn refresh(
    app: &App,
    tx: &impl ConnectionTrait,
    phones: Vec<phone::Model>,
    change: &Change<'_>,
) -> Result<Vec<job::Model>> {
    // As they are now: another change may have been waited for.
    let ids: Vec<Uuid> = phones.iter().map(|phone| phone.id).collect();
    let targets = targets::by_id(tx, &ids).await?;
    refresh_targets(app, tx, &targets, change, None, None).await
}

/// The same for phones as they are now. With `keys`, only those are folded: the rest of each document stays as it is.
pub async fn refresh_targets(
    app: &App,
    tx: &impl ConnectionTrait,
    targets: &[Target],
    change: &Change<'_>,
    keys: Option<&BTreeSet<String>>,
    change_set: Option<Uuid>,
) -> Result<Vec<job::Model>> {
    let passwords = match keys {
        // What a phone is missing of its own, before it is told.
        None => Some(provision::equip(app, tx, targets).await?),
        Some(_) => None,
    };
    let layers = Layers::load(app, tx, targets, keys, passwords).await?;
    let mut jobs = Vec::new();
    for round in targets.chunks(ROUND) {
        let stored = store::documents(tx, round).await?;
        let (mut documents, mut changed) = (Vec::new(), Vec::new());
        for target in round {
            let text = stored.get(&target.id).map_or("{}", String::as_str);
            let document = Document::read(text)?;
            let entries = layers.entries(target, keys);
            let changes = plan::changes(&app.secrets, &entries, target, &document, keys)?;
            if changes.is_empty() {
                continue;
            }
            documents.push((target.id, document.with(&changes)?));
            // A value that only comes from elsewhere now is nothing to tell the phone.
            if changes.iter().any(|change| change.value) {
                changed.push(target);
            }
        }
        store::keep_documents(tx, documents).await?;
        let job = |target: &Target, version| {
            let job = job_of(app, target, change.actor, change.summary.clone(), version);
            job::Model { change_set_id: change_set, ..job }
        };
        jobs.extend(store::make_jobs(tx, &changed, job).await?);
    }
    Ok(jobs)
}

/// Makes a new attempt at what a phone should be, without any layer having changed: what the phone is now is read first.
/// The version moves on, so that the phone sees a reason to come.
pub async fn push(app: &App, actor: &Actor, id: PhoneId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let phone = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    accepted(&phone)?;
    let job = push_again(app, tx, actor, phone.id, format!("Phone {}: brought back", views::mac(&phone))).await?;
    audit::record(tx, actor, "phone.push", &id.to_string(), phone.mac.clone()).await?;
    let jobs = [job];
    close(app, write, &Once::default(), &jobs, views::accepted(&jobs, None)).await
}

/// The same within a transaction.
pub async fn push_again(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    phone: Uuid,
    summary: String,
) -> Result<job::Model> {
    let phone = phone::Entity::find_by_id(phone).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    supersede(tx, vec![phone.id], now_ms()).await?;
    let version = phone.desired_version + 1;
    phone::Entity::update_many()
        .col_expr(phone::Column::DesiredVersion, Expr::value(version))
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    let mut job = new_job(app, &phone, actor, summary, version);
    job.step = AGAIN.to_owned();
    job::Entity::insert(job.clone().into_active_model()).exec(tx).await?;
    settle(tx, phone.id, Some(job.id)).await?;
    Ok(job)
}

/// The same for many phones, each of which was accepted, for the sake of a change set.
pub async fn push_all_again(
    app: &App,
    tx: &impl ConnectionTrait,
    targets: &[Target],
    change: &Change<'_>,
    change_set: Uuid,
) -> Result<Vec<job::Model>> {
    let job = |target: &Target, version| {
        let job = job_of(app, target, change.actor, change.summary.clone(), version);
        job::Model { step: AGAIN.to_owned(), change_set_id: Some(change_set), ..job }
    };
    let mut jobs = Vec::new();
    for round in targets.chunks(ROUND) {
        jobs.extend(store::make_jobs(tx, &round.iter().collect::<Vec<_>>(), job).await?);
    }
    Ok(jobs)
}

/// The same for one phone, and a key that no layer sets, and none ever has, goes back to the catalogue's default.
pub async fn push_default(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    key: &str,
    change: &Change<'_>,
) -> Result<()> {
    let mut desired = wanted(tx, phone.id).await?;
    if !desired.contains_key(key) && catalogue::exists_on(key, &phone.model) {
        let value = catalogue::default_value(key);
        desired.insert(key.to_owned(), Effective { value, layer: Layer::ModelDefault, locked: false });
        store::keep_documents(tx, vec![(phone.id, serde_json::to_string(&desired)?)]).await?;
    }
    push_again(app, tx, change.actor, phone.id, change.summary.clone()).await.map(drop)
}

/// A phone that waits to be accepted is told nothing.
pub fn accepted(phone: &phone::Model) -> Result<()> {
    if views::enrolment(phone) == Enrolment::New {
        return Err(conflict(
            "phone-new",
            "phone",
            "This phone was not accepted yet. Accept it under \"New phones\" first.",
        ));
    }
    Ok(())
}

/// Jobs that wait are covered by the one that is made now.
async fn supersede(tx: &impl ConnectionTrait, phones: Vec<Uuid>, now: i64) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Superseded.as_str()))
        .col_expr(job::Column::Note, Expr::value("A newer change covers this one."))
        .col_expr(job::Column::DoneAt, Expr::value(now))
        .filter(job::Column::PhoneId.is_in(phones))
        .filter(job::Column::Kind.eq(CONFIGURE))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Parked.as_str()]))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) fn new_job(app: &App, phone: &phone::Model, actor: &Actor, summary: String, version: i64) -> job::Model {
    job_of(app, &Target::of(phone), actor, summary, version)
}

fn job_of(app: &App, phone: &Target, actor: &Actor, summary: String, version: i64) -> job::Model {
    let now = now_ms();
    job::Model {
        id: Uuid::now_v7(),
        phone_id: phone.id,
        kind: CONFIGURE.to_owned(),
        state: JobState::Ready.as_str().to_owned(),
        step: String::new(),
        summary,
        note: phone.note().to_owned(),
        version,
        attempts: 0,
        max_attempts: app.config.jobs.max_attempts,
        run_at: now,
        lease_until: 0,
        fence: 0,
        created_at: now,
        created_by: actor.0.clone(),
        done_at: None,
        detail: String::new(),
        result: String::new(),
        command_key: String::new(),
        memo: String::new(),
        change_set_id: None,
    }
}

/// What a phone is to be, secrets sealed; empty where nobody has said anything yet.
pub async fn wanted(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Desired> {
    Ok(match of(tx, phone).await? {
        Some(row) => serde_json::from_str(&row.desired)?,
        None => Desired::new(),
    })
}

/// A phone's documents as they are stored.
pub async fn of(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Option<phone_document::Model>> {
    Ok(phone_document::Entity::find_by_id(phone).one(tx).await?)
}
