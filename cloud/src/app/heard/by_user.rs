//! What users set at their phones, as the phones report it: the keys are kept with the phone. To what they were set it does
//! not report, so the phone is asked.

use std::collections::BTreeSet;

use contract::mqtt::StateReport;
use contract::rest::{JobState, Task};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use settings::VENDOR_ROOT;

use super::is_ours;
use crate::app::live::{Touched, touch};
use crate::app::{Actor, App, AppError, Result, desired, tasks, views};
use crate::clock::now_ms;
use crate::db::entity::{job, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::Reported;
use crate::domain::layers::Desired;
use crate::secrets::random_fraction;

/// How often a phone is read in a minute because its user set something.
const MOST_READS: u64 = 12;
const MINUTE_MS: i64 = 60_000;
/// A read that waits is late by so much at most, ms.
const JITTER_MS: f64 = 10_000.0;

/// The keys as the phone's row has them; what is no setting is left out.
pub fn kept(report: &StateReport) -> Result<String> {
    let keys: BTreeSet<&String> = report.set_by_user.iter().filter(|key| catalogue::find(key).is_some()).collect();
    Ok(if keys.is_empty() { String::new() } else { serde_json::to_string(&keys)? })
}

/// What the phone said under keys its user has set since is not what it runs with any more: it is forgotten, and read anew.
/// Where any setting may have been set, all are read. Whether the phone has to come for that. `before` and `now` are the
/// phone's row.
pub async fn news(app: &App, tx: &impl ConnectionTrait, before: &phone::Model, now: &phone::Model) -> Result<bool> {
    let Some(asked) = asked(before, now) else {
        // Not that of a phone nothing is wanted of yet.
        let wanted = desired::of(tx, now.id).await?.is_some();
        return Ok(wanted && read(app, tx, now, VENDOR_ROOT.to_owned()).await?);
    };
    // The room number is told by an Inform, at once; and a secret by nobody.
    let asked: Vec<String> =
        asked.into_iter().filter(|key| key != catalogue::ROOM_NUMBER && !catalogue::is_secret(key)).collect();
    if asked.is_empty() {
        return Ok(false);
    }
    // Locked: a session of the phone writes it too.
    let document = phone_document::Entity::find_by_id(now.id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let Some(document) = document else { return Ok(false) };
    let wanted: Desired = serde_json::from_str(&document.desired)?;
    let mut reported: Reported = serde_json::from_str(&document.reported)?;
    // Another value than ours is the user's, and shown until the phone says the next.
    let ours = |key: &String, said: &String| wanted.get(key).is_none_or(|wanted| wanted.value == *said);
    let count = reported.len();
    reported.retain(|key, said| !asked.contains(key) || !ours(key, said));
    if reported.len() != count {
        phone_document::Entity::update_many()
            .col_expr(phone_document::Column::Reported, Expr::value(serde_json::to_string(&reported)?))
            .filter(phone_document::Column::PhoneId.eq(now.id))
            .exec(tx)
            .await?;
    }
    let paths: Vec<String> = asked.iter().filter_map(|key| catalogue::path_on(key, is_ours(now))).collect();
    let Some(path) = common(&paths) else { return Ok(false) };
    read(app, tx, now, path).await
}

/// The keys whose values may be others than the phone last said; `None`: any may be.
fn asked(before: &phone::Model, now: &phone::Model) -> Option<BTreeSet<String>> {
    let (known, all) = (views::set_by_user(before), views::set_by_user(now));
    let new: BTreeSet<String> = all.difference(&known).cloned().collect();
    // Below what it was, the phone has forgotten.
    let count = usize::try_from(now.user_changes - before.user_changes).ok()?;
    match count {
        count if count <= new.len() => Some(new),
        // Some were set that were known already; of more than it can name, the phone may not have named them.
        count if count <= all.len() && all.len() < StateReport::MOST_KEYS => Some(all),
        _ => None,
    }
}

/// Has the phone say what stands below a path. One such task waits at most, and is made to read more; where
/// there were [`MOST_READS`] in the last minute, it waits for the next.
async fn read(app: &App, tx: &impl ConnectionTrait, phone: &phone::Model, path: String) -> Result<bool> {
    let (system, now) = (Actor::system(), now_ms());
    let reads = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .filter(job::Column::Kind.eq(Task::Refresh { path: String::new() }.kind()))
        .filter(job::Column::CreatedBy.eq(&system.0));
    let waits = reads.clone().filter(job::Column::State.eq(JobState::Ready.as_str()));
    if let Some(job) = waits.one(tx).await?
        && let Some(Task::Refresh { path: before }) = tasks::stored::show(&job)
    {
        let both = if before == path { before } else { common(&[before, path.clone()]).unwrap_or_default() };
        let task = Task::Refresh { path: both };
        let widened = job::Entity::update_many()
            .col_expr(job::Column::Summary, Expr::value(tasks::words::summary(&task, None)))
            .col_expr(job::Column::Detail, Expr::value(tasks::stored::keep(&app.secrets, &task)?))
            .filter(job::Column::Id.eq(job.id))
            .filter(job::Column::Fence.eq(job.fence))
            .exec(tx)
            .await?;
        if widened.rows_affected == 1 {
            touch(tx, [Touched { job: Some(job.id), ..Touched::phone(phone) }]).await?;
            return Ok(job.run_at <= now);
        }
    }
    let often = reads.filter(job::Column::CreatedAt.gt(now - MINUTE_MS)).count(tx).await? >= MOST_READS;
    let job = match tasks::add(app, tx, phone, &system, Task::Refresh { path }, None).await {
        Ok(job) => job,
        // Too much waits already: it stays unknown until somebody looks.
        Err(AppError::Refused(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    if often {
        let later = now + MINUTE_MS + (random_fraction() * JITTER_MS) as i64;
        job::Entity::update_many()
            .col_expr(job::Column::RunAt, Expr::value(later))
            .filter(job::Column::Id.eq(job.id))
            .exec(tx)
            .await?;
    }
    Ok(!often)
}

/// The name, or the partial path, below which all of these are. `None`: there are none.
fn common(paths: &[String]) -> Option<String> {
    let (first, rest) = paths.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let same = |length: &usize| paths.iter().all(|path| path.get(..*length) == first.get(..*length));
    let dots = first.match_indices('.').map(|(at, _)| at + 1);
    let length = dots.take_while(same).last().unwrap_or(0);
    first.get(..length).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use contract::Mac;
    use contract::rest::Enrolment;

    use super::{asked, common};
    use crate::app::announce::blank;

    #[test]
    fn only_new_keys_are_read_while_they_explain_every_change() {
        let row = |keys: &[&str], user_changes| {
            let phone = blank(Mac::new([0xc0, 0x74, 0xad, 1, 2, 3]), "", Enrolment::Enrolled);
            crate::db::entity::phone::Model { set_by_user: serde_json::to_string(keys).unwrap(), user_changes, ..phone }
        };
        let read = |before: (&[&str], i64), now: (&[&str], i64)| {
            let keys = asked(&row(before.0, before.1), &row(now.0, now.1))?;
            Some(keys.into_iter().collect::<Vec<_>>())
        };
        let keys = |keys: &[&str]| Some(keys.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read((&["a"], 1), (&["a", "b"], 2)), keys(&["b"]));
        assert_eq!(read((&["a"], 1), (&["a", "b"], 3)), keys(&["a", "b"]), "an upload of both");
        assert_eq!(read((&["a"], 1), (&["a"], 2)), keys(&["a"]), "once more");
        assert_eq!(read((&["a"], 1), (&[], 1)), keys(&[]), "written by us");
        assert_eq!(read((&["a"], 1), (&[], 1_001)), None, "a backup");
        assert_eq!(read((&["a"], 5), (&["a"], 4)), None, "the phone forgot");
        let many: Vec<String> = (0..100).map(|key| format!("k{key:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(read((&many, 200), (&many, 201)), None, "it names no more of them");
    }

    #[test]
    fn several_values_are_read_below_what_they_have_in_common() {
        let of = |paths: &[&str]| common(&paths.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Device.A.B"]).as_deref(), Some("Device.A.B"));
        assert_eq!(of(&["Device.A.B", "Device.A.C", "Device.A.Cd"]).as_deref(), Some("Device.A."));
        assert_eq!(of(&["Device.A.B", "Device.Ab.C"]).as_deref(), Some("Device."));
        assert_eq!(of(&["Device.A", "Other.A"]).as_deref(), Some(""));
        assert_eq!(of(&["Device.A.", "Device.A.B"]).as_deref(), Some("Device.A."));
    }
}
