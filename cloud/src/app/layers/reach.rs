//! How far the phones of a change set are with it, and trying those again that did not take it.

use contract::ChangeSetId;
use contract::rest::{Accepted, ChangeProgress, ChangeReach, JobState, SyncState};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use super::history::find;
use crate::app::close::close;
use crate::app::desired::{self, Change, targets};
use crate::app::idempotency::Once;
use crate::app::jobs::FETCHED;
use crate::app::tasks::restart;
use crate::app::{Actor, App, Result, audit, views};
use crate::db::entity::{change_set, job, phone};

/// What the database calls it.
const REACH: &str = "reach";

/// A later change that the phone took covers this one.
const COVERED: &str = "EXISTS (SELECT 1 FROM job later WHERE later.phone_id = job.phone_id AND later.kind = 'configure' \
                       AND later.state = 'done' AND later.version >= job.version)";

/// How far the phone of a job is. It is done once it has applied the version the change made, by whichever job. A phone that
/// refused a value has that version, too: its newest change says that it failed.
fn reach() -> Expr {
    let job = |column: job::Column| Expr::col((job::Entity, column));
    let phone = |column: phone::Column| Expr::col((phone::Entity, column));
    let done = job(job::Column::State).eq(JobState::Done.as_str());
    let failed = phone(phone::Column::Sync).eq(SyncState::Failed.as_str());
    let refused = failed.and(done.clone().not()).and(Expr::cust(COVERED).not());
    Expr::case(refused, ChangeReach::Failed.as_str())
        .case(phone(phone::Column::AppliedVersion).gte(job(job::Column::Version)), ChangeReach::Done.as_str())
        .case(job(job::Column::Step).eq(FETCHED), ChangeReach::Fetched.as_str())
        .case(done, ChangeReach::Done.as_str())
        .finally(ChangeReach::Pending.as_str())
        .into()
}

/// The jobs of a change set, with their phones.
fn jobs_of(set: Uuid) -> Select<job::Entity> {
    let phones = job::Entity::belongs_to(phone::Entity).from(job::Column::PhoneId).to(phone::Column::Id);
    job::Entity::find().select_only().join(JoinType::InnerJoin, phones.into()).filter(job::Column::ChangeSetId.eq(set))
}

/// The ids of the phones that are this far, or of all. Done long ago, a phone is not among them: its job is removed.
pub fn phones(set: Uuid, far: Option<ChangeReach>) -> SelectStatement {
    let query = jobs_of(set).column(job::Column::PhoneId);
    match far {
        Some(far) => query.filter(reach().eq(far.as_str())).into_query(),
        None => query.into_query(),
    }
}

/// Jobs that are done are removed after a while; so are phones.
pub(super) async fn progress(tx: &impl ConnectionTrait, set: &change_set::Model) -> Result<ChangeProgress> {
    let query =
        jobs_of(set.id).expr_as(reach(), REACH).expr_as(Expr::col((job::Entity, job::Column::Id)).count(), "phones");
    let groups: Vec<(String, i64)> = query.group_by(Expr::col(REACH)).into_tuple().all(tx).await?;
    let count = |far: ChangeReach| {
        let found = groups.iter().find(|(is, _)| is == far.as_str());
        found.map_or(0, |(_, count)| u32::try_from(*count).unwrap_or(u32::MAX))
    };
    let [pending, failed] = [ChangeReach::Pending, ChangeReach::Failed].map(count);
    let phones = u32::try_from(set.phones).unwrap_or_default();
    Ok(ChangeProgress {
        phones,
        done: phones.saturating_sub(pending.saturating_add(failed)),
        fetched: count(ChangeReach::Fetched),
        pending,
        failed,
        restarting: restart::to_come(tx, set.id).await?,
    })
}

/// Tries again what phones of a change set did not take: what they are now is read first. Phones that have it, or are on
/// their way to it, are left alone, so that asking twice does it once.
pub async fn retry(app: &App, actor: &Actor, id: ChangeSetId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let set = find(tx, id).await?;
    let failed = phone::Column::Id.in_subquery(phones(set.id, Some(ChangeReach::Failed)));
    let targets = targets::load(tx, Condition::all().add(failed)).await?;
    let change = Change { actor, summary: format!("{}: tried again", set.scope_name) };
    // A phone has one job of a change set, and from now on that is the new one.
    job::Entity::update_many()
        .col_expr(job::Column::ChangeSetId, Expr::value(None::<Uuid>))
        .filter(job::Column::ChangeSetId.eq(set.id))
        .filter(job::Column::PhoneId.in_subquery(phones(set.id, Some(ChangeReach::Failed))))
        .exec(tx)
        .await?;
    let jobs = desired::push_all_again(app, tx, &targets, &change, set.id).await?;
    if !jobs.is_empty() {
        audit::record(tx, actor, "change-set.retry", &id.to_string(), format!("{} phones", jobs.len())).await?;
    }
    close(app, write, &Once::default(), &jobs, views::accepted_many(&jobs)).await
}
