//! What users set at their phones, as the phones report it: the keys are kept with the phone. To what they were set it does
//! not report, so the phone is asked.

use std::collections::BTreeSet;

use contract::mqtt::StateReport;
use contract::rest::{JobState, Task};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::is_ours;
use crate::app::{Actor, App, AppError, Result, desired, tasks, views};
use crate::db::entity::{job, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::Reported;
use crate::domain::layers::Desired;

/// The keys as the phone's row has them; what is no setting is left out.
pub fn kept(report: &StateReport) -> Result<String> {
    let keys: BTreeSet<&String> = report.set_by_user.iter().filter(|key| catalogue::find(key).is_some()).collect();
    Ok(if keys.is_empty() { String::new() } else { serde_json::to_string(&keys)? })
}

/// What the phone said under keys its user has set since is not what it runs with any more: it is forgotten, and read anew.
/// Whether the phone has to come for that. `before` and `now` are the phone's row.
pub async fn news(app: &App, tx: &impl ConnectionTrait, before: &phone::Model, now: &phone::Model) -> Result<bool> {
    let (known, all) = (views::set_by_user(before), views::set_by_user(now));
    let new = all.difference(&known).count();
    // Where more was set than what is new, any of them may be another now.
    let explained = i64::try_from(new).is_ok_and(|new| (0..=new).contains(&(now.user_changes - before.user_changes)));
    let asked = all.into_iter().filter(|key| !explained || !known.contains(key));
    // The room number is told by an Inform, at once; and a secret by nobody.
    let asked: Vec<String> = asked.filter(|key| key != catalogue::ROOM_NUMBER && !catalogue::is_secret(key)).collect();
    if asked.is_empty() {
        return Ok(false);
    }
    let Some(document) = desired::of(tx, now.id).await? else { return Ok(false) };
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

/// Has the phone say what stands below a path. One such task waits at most, and is made to read more.
async fn read(app: &App, tx: &impl ConnectionTrait, phone: &phone::Model, path: String) -> Result<bool> {
    let system = Actor::system();
    let waits = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .filter(job::Column::State.eq(JobState::Ready.as_str()))
        .filter(job::Column::Kind.eq(Task::Refresh { path: String::new() }.kind()))
        .filter(job::Column::CreatedBy.eq(&system.0));
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
            return Ok(true);
        }
    }
    match tasks::add(app, tx, phone, &system, Task::Refresh { path }, None).await {
        Ok(_) => Ok(true),
        // Too much waits already: it stays unknown until somebody looks.
        Err(AppError::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
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
    use super::common;

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
