//! Restarts that changes of settings need. A phone that takes values and says that they are not in force yet (Status 1 of
//! SetParameterValues, TR-069 A.3.2.1) waits to be restarted: once the change is there, and not in the middle of a call.

use contract::PhoneId;
use contract::rest::{JobState, Task};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::insert;
use crate::app::jobs::{self, CONFIGURE, Claim, Outcome, WAITING};
use crate::app::{Actor, App, Result};
use crate::clock::now_ms;
use crate::db::entity::{job, phone};
use crate::secrets::random_fraction;

/// The kind of the task that restarts a phone.
const REBOOT: &str = "reboot";
/// The memo of a change whose phone is to be restarted, and of the task that then restarts it. Such a task is carried out in
/// a session only: there the phone itself refuses while its handset is off the hook.
const OWED: &str = "restart";
/// The memo of a change that may owe one: a setting that counts after a restart was sent, and no answer was heard yet. If it
/// is lost, the phone has the value and does not say again that it waits.
const ASKED: &str = "restart?";
/// What is said of a restart that waits.
const HELD: &str = "The phone is in a call; it restarts when the handset is back on its hook.";
/// How soon a phone that was in a call is asked again, if nothing is heard of it, in milliseconds.
const AGAIN_MS: i64 = 5_000;
const AGAIN_CAP_MS: i64 = 600_000;
/// How long a phone may refuse to restart.
const PATIENCE_MS: i64 = 24 * 3_600_000;

/// A setting that counts after a restart is about to be sent.
pub async fn may_owe(tx: &impl ConnectionTrait, claim: &Claim) -> Result<()> {
    swap(tx, claim, "", ASKED).await
}

/// The phone took values, and they are in force.
pub async fn owe_nothing(tx: &impl ConnectionTrait, claim: &Claim) -> Result<()> {
    swap(tx, claim, ASKED, "").await
}

/// Changes the memo of a job, where it is `from`.
async fn swap(tx: &impl ConnectionTrait, claim: &Claim, from: &str, to: &str) -> Result<()> {
    let one = job::Entity::update_many().col_expr(job::Column::Memo, Expr::value(to));
    let one = one.filter(job::Column::Id.eq(claim.id)).filter(job::Column::Fence.eq(claim.fence));
    one.filter(job::Column::Memo.eq(from)).exec(tx).await?;
    Ok(())
}

/// The changes of a phone owe nothing any more. Returns whether any did.
async fn settle(tx: &impl ConnectionTrait, phone: Uuid) -> Result<bool> {
    let settled = job::Entity::update_many()
        .col_expr(job::Column::Memo, Expr::value(""))
        .filter(job::Column::PhoneId.eq(phone))
        .filter(job::Column::Kind.eq(CONFIGURE))
        .filter(job::Column::Memo.is_in([OWED, ASKED]))
        .exec(tx)
        .await?;
    Ok(settled.rows_affected > 0)
}

/// The phone took values that count after a restart. It is remembered with the job, whatever becomes of this session.
pub async fn owe(tx: &impl ConnectionTrait, claim: &Claim) -> Result<()> {
    jobs::remember(tx, claim, OWED).await
}

/// A change is done: if it, or one before it that it covers, needs a restart, a task is made for that. One that waits
/// already does it for both.
pub async fn follow(app: &App, tx: &impl ConnectionTrait, phone: &phone::Model, change: Uuid) -> Result<()> {
    let owed = settle(tx, phone.id).await?;
    // A person's own that is still to be asked for may be refused, and then this one would be lost with it.
    let does_it = job::Column::Memo.eq(OWED).or(job::Column::Step.eq(WAITING));
    if !owed || job::Entity::find().filter(open(phone.id)).filter(does_it).one(tx).await?.is_some() {
        return Ok(());
    }
    let change = job::Entity::find_by_id(change).one(tx).await?;
    let actor = Actor(change.map(|change| change.created_by).unwrap_or_default());
    let summary = "Restart the phone: a changed setting needs it".to_owned();
    insert(app, tx, phone, &actor, &Task::Reboot, summary, OWED).await.map(drop)
}

/// Restarts of a phone that are to come, whoever wants them.
fn open(phone: Uuid) -> Condition {
    Condition::all().add(job::Column::PhoneId.eq(phone)).add(job::Column::Kind.eq(REBOOT)).add(going_on())
}

fn going_on() -> Expr {
    job::Column::State.is_in([JobState::Ready.as_str(), JobState::Running.as_str()])
}

/// Of how many phones that have a change set the restart is still to come.
pub async fn to_come(tx: &impl ConnectionTrait, change_set: Uuid) -> Result<u32> {
    let restarts = job::Entity::find().select_only().column(job::Column::PhoneId);
    let restarts = restarts.filter(job::Column::Kind.eq(REBOOT)).filter(going_on()).into_query();
    let phones = job::Entity::find()
        .filter(job::Column::ChangeSetId.eq(change_set))
        .filter(job::Column::State.eq(JobState::Done.as_str()))
        .filter(job::Column::PhoneId.in_subquery(restarts));
    Ok(u32::try_from(phones.count(tx).await?).unwrap_or(u32::MAX))
}

/// Whether a task is a restart for the sake of a change.
pub fn is_owed(job: &job::Model) -> bool {
    job.kind == REBOOT && job.memo == OWED
}

/// Whether the phone is known to be in a call: what a phone said that is not connected any more may be long over.
pub fn in_call(phone: &phone::Model) -> bool {
    phone.connected && phone.off_hook
}

/// Puts a restart off while the phone is in a call. It is tried again when the handset is back, or after a while. `false`:
/// the phone has refused for too long.
pub async fn hold(tx: &impl ConnectionTrait, job: &job::Model, claim: &Claim) -> Result<bool> {
    let waited = now_ms() - job.created_at;
    if waited > PATIENCE_MS {
        return Ok(false);
    }
    jobs::postpone(tx, claim, again_ms(waited, random_fraction()), HELD).await?;
    Ok(true)
}

/// Half as long as it has waited already, within bounds, less a random part: phones that wait together do not come together.
fn again_ms(waited: i64, fraction: f64) -> i64 {
    let most = (waited / 2).clamp(AGAIN_MS, AGAIN_CAP_MS);
    (most as f64 * (0.75 + 0.25 * fraction)) as i64
}

/// Handsets are back on their hooks: restarts that waited for it are due. Returns whom they are for.
pub async fn hung_up(tx: &impl ConnectionTrait, phones: &[Uuid]) -> Result<Vec<PhoneId>> {
    if phones.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = Condition::all()
        .add(job::Column::PhoneId.is_in(phones.iter().copied()))
        .add(job::Column::Kind.eq(REBOOT))
        .add(job::Column::Memo.eq(OWED))
        .add(job::Column::State.eq(JobState::Ready.as_str()));
    let found = job::Entity::find().select_only().column(job::Column::PhoneId).distinct();
    let found: Vec<Uuid> = found.filter(theirs.clone()).into_tuple().all(tx).await?;
    if !found.is_empty() {
        job::Entity::update_many().col_expr(job::Column::RunAt, Expr::value(now_ms())).filter(theirs).exec(tx).await?;
    }
    Ok(found.into_iter().map(PhoneId).collect())
}

/// The phone has started, for whatever reason: what it had taken is in force.
pub async fn started(tx: &impl ConnectionTrait, phone: Uuid) -> Result<()> {
    let owed = job::Entity::find().filter(open(phone)).filter(job::Column::Memo.eq(OWED)).all(tx).await?;
    for job in owed {
        jobs::conclude(tx, &job, Outcome::Done("The phone restarted.".to_owned()), None).await?;
    }
    settle(tx, phone).await.map(drop)
}

#[cfg(test)]
mod tests {
    use contract::rest::Enrolment;
    use sea_orm::IntoActiveModel;

    use super::*;
    use crate::app::{Scratch, announce, scratch};

    struct House {
        app: std::sync::Arc<App>,
        phone: phone::Model,
        _scratch: Scratch,
    }

    async fn house() -> House {
        let (app, scratch) = scratch().await;
        let phone = announce::blank(contract::Mac::new([2; 6]), "1", Enrolment::Enrolled);
        phone::Entity::insert(phone.clone().into_active_model()).exec(app.db.read()).await.unwrap();
        House { app, phone, _scratch: scratch }
    }

    impl House {
        async fn change(&self, state: JobState, memo: &str) -> Uuid {
            let mut row = jobs::blank(self.phone.id, CONFIGURE);
            (row.state, row.memo) = (state.as_str().to_owned(), memo.to_owned());
            row.created_by = "somebody".to_owned();
            let id = row.id;
            job::Entity::insert(row.into_active_model()).exec(self.app.db.read()).await.unwrap();
            id
        }

        async fn follow(&self, change: Uuid) {
            follow(&self.app, self.app.db.read(), &self.phone, change).await.unwrap();
        }

        async fn restarts(&self) -> Vec<job::Model> {
            let all = job::Entity::find().filter(job::Column::Kind.eq(REBOOT));
            all.all(self.app.db.read()).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_phone_is_restarted_once_for_all_that_needs_it_and_for_nothing_else() {
        let house = house().await;
        let plain = house.change(JobState::Done, "").await;
        house.follow(plain).await;
        assert!(house.restarts().await.is_empty());
        // The first was covered by the second before it was verified.
        house.change(JobState::Superseded, OWED).await;
        let second = house.change(JobState::Done, "").await;
        house.follow(second).await;
        let made = house.restarts().await;
        assert_eq!((made.len(), made[0].created_by.as_str()), (1, "somebody"));
        assert!(is_owed(&made[0]) && !made[0].command_key.is_empty());
        // Of the next nobody heard whether it is in force. One that waits does it for that, too.
        let third = house.change(JobState::Done, ASKED).await;
        house.follow(third).await;
        assert_eq!(house.restarts().await.len(), 1);
    }

    #[tokio::test]
    async fn it_waits_for_the_handset_and_a_start_of_any_kind_settles_it() {
        let house = house().await;
        let tx = house.app.db.read();
        let change = house.change(JobState::Done, OWED).await;
        house.follow(change).await;
        let made = jobs::claim(tx, &house.app.config.jobs, house.phone.id, true).await.unwrap().unwrap();
        let claim = Claim { id: made.id, fence: made.fence };
        assert!(hold(tx, &made, &claim).await.unwrap());
        let waits = house.restarts().await.remove(0);
        assert!(waits.state == "ready" && waits.run_at > now_ms() && waits.attempts == 0, "{waits:?}");
        assert_eq!(waits.note, HELD);
        assert_eq!(hung_up(tx, &[house.phone.id]).await.unwrap(), [PhoneId(house.phone.id)]);
        assert!(house.restarts().await[0].run_at <= now_ms());
        house.change(JobState::Parked, OWED).await;
        started(tx, house.phone.id).await.unwrap();
        assert_eq!(house.restarts().await[0].state, "done");
        let next = house.change(JobState::Done, "").await;
        house.follow(next).await;
        assert_eq!(house.restarts().await.len(), 1, "what was taken before the start is in force");
        // Not for ever.
        let old = job::Model { created_at: now_ms() - PATIENCE_MS - 1, ..made };
        assert!(!hold(tx, &old, &claim).await.unwrap());
    }

    #[test]
    fn a_phone_in_a_call_is_asked_less_and_less_often() {
        let waits: Vec<i64> = [0, 60_000, 3_600_000].iter().map(|waited| again_ms(*waited, 1.0)).collect();
        assert_eq!(waits, [5_000, 30_000, 600_000]);
        assert!(again_ms(0, 0.0) >= 3_750);
    }
}
