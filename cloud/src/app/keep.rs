//! What is kept for a time only: events, finished jobs, the audit. It goes in small rounds, each a transaction of its own:
//! nobody waits long for the database because of it.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::Result;
use crate::clock::now_ms;
use crate::config::Keep;
use crate::db::Db;
use crate::db::entity::{audit, event, job, phone};

/// Rows removed in one round.
const ROWS: u64 = 1_000;
/// Rounds of one sweep, for each kind of row.
const ROUNDS: usize = 20;
/// Phones whose events are counted at one sweep.
const PHONES: u64 = 100;
const DAY_MS: i64 = 24 * 3_600_000;

/// Removes what is kept no longer, a bounded part of it at each sweep.
#[derive(Default)]
pub struct Sweeper {
    /// The last phone whose events were counted.
    counted: Uuid,
}

impl Sweeper {
    pub async fn sweep(&mut self, db: &Db, keep: &Keep) -> Result<()> {
        let before = |days: u32| now_ms() - i64::from(days) * DAY_MS;
        oldest::<event::Entity>(db, event::Column::Id, event::Column::ReceivedAt, before(keep.events_days)).await?;
        oldest::<audit::Entity>(db, audit::Column::Id, audit::Column::At, before(keep.audit_days)).await?;
        jobs(db, before(keep.jobs_days)).await?;
        self.crowded(db, u64::from(keep.events_per_phone)).await
    }

    /// Leaves the newest `most` events of each phone; some phones at each sweep.
    async fn crowded(&mut self, db: &Db, most: u64) -> Result<()> {
        let phones: Vec<Uuid> = phone::Entity::find()
            .select_only()
            .column(phone::Column::Id)
            .filter(phone::Column::Id.gt(self.counted))
            .order_by_asc(phone::Column::Id)
            .limit(PHONES)
            .into_tuple()
            .all(db.read())
            .await?;
        self.counted = phones.last().copied().unwrap_or_default();
        for phone in phones {
            let ids =
                event::Entity::find().select_only().column(event::Column::Id).filter(event::Column::PhoneId.eq(phone));
            let newest_first = ids.clone().order_by_desc(event::Column::Id).offset(most).limit(1);
            let Some(beyond) = newest_first.into_tuple::<i64>().one(db.read()).await? else { continue };
            for _ in 0..ROUNDS {
                let round =
                    ids.clone().filter(event::Column::Id.lte(beyond)).order_by_asc(event::Column::Id).limit(ROWS);
                let round: Vec<i64> = round.into_tuple().all(db.read()).await?;
                let Some(last) = round.last() else { break };
                let write = db.write_beside().await?;
                event::Entity::delete_many()
                    .filter(event::Column::PhoneId.eq(phone))
                    .filter(event::Column::Id.lte(*last))
                    .exec(&write.tx)
                    .await?;
                write.commit().await?;
            }
        }
        Ok(())
    }
}

/// Removes rows from before `before`. They were written in the order of their ids, so it looks at the first ones only.
async fn oldest<E: EntityTrait>(db: &Db, id: E::Column, at: E::Column, before: i64) -> Result<()> {
    for _ in 0..ROUNDS {
        let first = E::find().select_only().column(id).column(at).order_by_asc(id).limit(ROWS);
        let first: Vec<(i64, i64)> = first.into_tuple().all(db.read()).await?;
        let Some((last, _)) = first.iter().rfind(|(_, at)| *at < before) else { return Ok(()) };
        let write = db.write_beside().await?;
        E::delete_many().filter(id.lte(*last)).exec(&write.tx).await?;
        write.commit().await?;
    }
    Ok(())
}

/// Whether a job may go: not the newest change of settings, which says whether the phone is what it should be.
const NOT_THE_NEWEST: &str = "(kind <> 'configure' OR state = 'superseded' OR EXISTS (SELECT 1 FROM job newer \
     WHERE newer.phone_id = job.phone_id AND newer.kind = 'configure' AND newer.state <> 'superseded' \
     AND (newer.created_at, newer.id) > (job.created_at, job.id)))";

/// Removes jobs that ended before `before`.
async fn jobs(db: &Db, before: i64) -> Result<()> {
    for _ in 0..ROUNDS {
        let ended: Vec<Uuid> = job::Entity::find()
            .select_only()
            .column(job::Column::Id)
            .filter(job::Column::DoneAt.lt(before))
            .filter(Expr::cust(NOT_THE_NEWEST))
            .order_by_asc(job::Column::DoneAt)
            .limit(ROWS)
            .into_tuple()
            .all(db.read())
            .await?;
        if ended.is_empty() {
            return Ok(());
        }
        let write = db.write_beside().await?;
        // One a person has put back to work meanwhile has not ended.
        job::Entity::delete_many()
            .filter(job::Column::Id.is_in(ended))
            .filter(job::Column::DoneAt.lt(before))
            .exec(&write.tx)
            .await?;
        write.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contract::rest::{Enrolment, JobState};
    use sea_orm::ActiveValue::{NotSet, Set};
    use sea_orm::{ConnectionTrait, IntoActiveModel};

    use super::*;
    use crate::app::{announce, jobs};

    async fn event(db: &impl ConnectionTrait, phone: Uuid, seq: i64, received_at: i64) {
        let row = event::ActiveModel {
            id: NotSet,
            phone_id: Set(phone),
            property_id: Set(None),
            boot: Set(1),
            seq: Set(seq),
            kind: Set("off-hook".to_owned()),
            at: Set(0),
            received_at: Set(received_at),
            account: Set(None),
            detail: Set(None),
        };
        event::Entity::insert(row).exec(db).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_old_goes_and_the_newest_of_each_phone_stays() {
        let (db, _folder) = crate::db::scratch(2).await;
        let now = now_ms();
        let long_ago = now - 100 * DAY_MS;
        let mut phones = Vec::new();
        for last in 1..=2 {
            let phone = announce::blank(contract::Mac::new([2, 0, 0, 0, 0, last]), "1", Enrolment::Expected);
            phones.push(phone.id);
            phone::Entity::insert(phone.into_active_model()).exec(db.read()).await.unwrap();
        }
        for seq in 1..=4 {
            event(db.read(), phones[0], seq, if seq == 1 { long_ago } else { now }).await;
        }
        for seq in 1..=9 {
            event(db.read(), phones[1], seq, now).await;
        }
        let mut kept = Vec::new();
        for (kind, state, done_at, stays) in [
            ("reboot", JobState::Done, Some(long_ago), false),
            ("reboot", JobState::Parked, Some(long_ago), false),
            ("reboot", JobState::Done, Some(now), true),
            ("reboot", JobState::Ready, None, true),
            ("configure", JobState::Done, Some(long_ago), false),
            ("configure", JobState::Done, Some(long_ago + 1), true),
            ("configure", JobState::Superseded, Some(long_ago + 1), false),
        ] {
            let mut row = jobs::blank(phones[0], kind);
            (row.state, row.done_at, row.created_at) = (state.as_str().to_owned(), done_at, done_at.unwrap_or(now));
            kept.extend(stays.then_some(row.id));
            job::Entity::insert(row.into_active_model()).exec(db.read()).await.unwrap();
        }
        for at in [long_ago, now] {
            db.read()
                .execute_unprepared(&format!(
                    "INSERT INTO audit (at, actor, action, target, detail) VALUES ({at}, 'a', 'b', 'c', 'd')"
                ))
                .await
                .unwrap();
        }
        let keep = Keep { telemetry_days: 7, events_days: 90, events_per_phone: 5, jobs_days: 90, audit_days: 99 };
        Sweeper::default().sweep(&db, &keep).await.unwrap();
        let events = event::Entity::find().order_by_asc(event::Column::Id).all(db.read()).await.unwrap();
        let seqs = |phone: Uuid| -> Vec<i64> {
            events.iter().filter(|event| event.phone_id == phone).map(|event| event.seq).collect()
        };
        assert_eq!((seqs(phones[0]), seqs(phones[1])), (vec![2, 3, 4], vec![5, 6, 7, 8, 9]));
        let mut left: Vec<Uuid> =
            job::Entity::find().all(db.read()).await.unwrap().into_iter().map(|row| row.id).collect();
        left.sort_unstable();
        kept.sort_unstable();
        assert_eq!(left, kept);
        let left: Vec<i64> =
            audit::Entity::find().all(db.read()).await.unwrap().into_iter().map(|row| row.at).collect();
        assert_eq!(left, [now]);
    }
}
