//! The fast lane: what our own phones that are connected by MQTT are asked by a command instead of in a session. The
//! command's id is the task's command key, under which the phone knows it in a session as well: it does nothing twice.

use contract::mqtt::{Action, Command, CommandResult, CommandState};
use contract::rest::{JobState, Task, TaskResult};
use contract::{PhoneId, Timestamp};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

use super::{open_by_key, stored, words};
use crate::app::jobs::{self, Outcome, WAITING};
use crate::app::{App, Result, files, heard};
use crate::clock::now_ms;
use crate::db::entity::{job, phone};

/// The kinds that can go this way.
const KINDS: [&str; 4] = ["ping", "traceroute", "throughput", "reboot"];
/// The memo of a task that went this way; it does so once, then a session takes it.
pub const BY_MQTT: &str = "mqtt";
/// A command is not begun later than this after it was sent, in milliseconds.
const BEGIN_MS: i64 = 60_000;

/// Takes what a connected phone of ours can be sent as commands. They are marked as sent before they leave.
pub async fn due(app: &App, id: PhoneId) -> Result<Vec<Command>> {
    let open = Condition::any().add(job::Column::State.eq(JobState::Ready.as_str())).add(
        Expr::col(job::Column::State).eq(JobState::Running.as_str()).and(Expr::col(job::Column::Step).ne(WAITING)),
    );
    let find = job::Entity::find().filter(job::Column::PhoneId.eq(id.0)).filter(open);
    let any = find.clone().filter(job::Column::Kind.is_in(KINDS)).one(app.db.read()).await?;
    if any.is_none() {
        return Ok(Vec::new());
    }
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let Some(phone) = phone::Entity::find_by_id(id.0).one(tx).await? else { return Ok(Vec::new()) };
    if !phone.connected || !heard::is_ours(&phone) {
        return Ok(Vec::new());
    }
    let jobs = find.order_by_asc(job::Column::CreatedAt).order_by_asc(job::Column::Id).all(tx).await?;
    let now = now_ms();
    let mut commands = Vec::new();
    for (older, job) in jobs.iter().enumerate() {
        let waits = job.state == JobState::Ready.as_str() && job.run_at <= now && job.attempts < job.max_attempts;
        // A restart would cut off what was asked for before it.
        let in_turn = job.kind != "reboot" || older == 0;
        if !KINDS.contains(&job.kind.as_str()) || !waits || !in_turn || !job.memo.is_empty() {
            continue;
        }
        let Some((action, takes_ms)) = action(app, job, stored::open(&app.secrets, job)?) else { continue };
        let taken = job::Entity::update_many()
            .col_expr(job::Column::State, Expr::value(JobState::Running.as_str()))
            .col_expr(job::Column::Step, Expr::value(WAITING))
            .col_expr(job::Column::Memo, Expr::value(BY_MQTT))
            .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
            .col_expr(job::Column::Attempts, Expr::value(job.attempts + 1))
            .col_expr(job::Column::LeaseUntil, Expr::value(now + takes_ms))
            .col_expr(job::Column::Note, Expr::value("Sent to the phone over MQTT."))
            .filter(job::Column::Id.eq(job.id))
            .filter(job::Column::Fence.eq(job.fence))
            .exec(tx)
            .await?;
        if taken.rows_affected == 1 {
            jobs::tell(tx, job.id).await?;
            let expires_at = Timestamp(now + BEGIN_MS);
            commands.push(Command { id: job.command_key.clone(), expires_at, action });
        }
    }
    write.commit().await?;
    app.live.wake();
    Ok(commands)
}

/// After a start with the embedded broker: what it had not delivered is gone with it, so commands that were sent and not
/// answered are sent once more.
pub async fn send_again(app: &App) -> Result<()> {
    let write = app.db.write().await?;
    ready_again(&write.tx, sent(), "The server was started again; the phone is asked once more.").await?;
    write.commit().await?;
    Ok(())
}

/// When phones have a new line to the broker: what went out over the one before may be lost, as it is with a broker that
/// lost its store, so commands that were sent and not answered are sent once more. Returns whom they are for.
pub async fn lines_are_new(tx: &impl ConnectionTrait, phones: &[Uuid]) -> Result<Vec<PhoneId>> {
    if phones.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = sent().add(job::Column::PhoneId.is_in(phones.iter().copied()));
    let found = job::Entity::find().select_only().column(job::Column::PhoneId).distinct();
    let found: Vec<Uuid> = found.filter(theirs.clone()).into_tuple().all(tx).await?;
    if !found.is_empty() {
        ready_again(tx, theirs, "The phone has a new connection; it is asked once more.").await?;
    }
    Ok(found.into_iter().map(PhoneId).collect())
}

/// Commands that were sent and not answered.
fn sent() -> Condition {
    Condition::all()
        .add(job::Column::State.eq(JobState::Running.as_str()))
        .add(job::Column::Step.eq(WAITING))
        .add(job::Column::Memo.eq(BY_MQTT))
}

/// Has commands sent again. The phone knows them by their ids, and does none twice.
async fn ready_again(tx: &impl ConnectionTrait, which: Condition, note: &str) -> Result<()> {
    // In the order in which everybody locks them.
    let mut locked = job::Entity::find().select_only().column(job::Column::Id).filter(which);
    locked = locked.order_by_asc(job::Column::PhoneId).order_by_asc(job::Column::Id);
    QuerySelect::query(&mut locked).lock(LockType::NoKeyUpdate);
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Ready.as_str()))
        .col_expr(job::Column::Step, Expr::value(""))
        .col_expr(job::Column::Memo, Expr::value(""))
        .col_expr(job::Column::RunAt, Expr::value(now_ms()))
        .col_expr(job::Column::Fence, Expr::col(job::Column::Fence).add(1))
        .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).sub(1))
        .col_expr(job::Column::Note, Expr::value(note))
        .filter(job::Column::Id.in_subquery(locked.into_query()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether tasks wait that are carried out in a session.
pub async fn wants_session(app: &App, id: PhoneId) -> Result<bool> {
    let waits = job::Entity::find()
        .filter(job::Column::PhoneId.eq(id.0))
        .filter(job::Column::Kind.ne(jobs::CONFIGURE))
        .filter(job::Column::State.eq(JobState::Ready.as_str()))
        .filter(job::Column::RunAt.lte(now_ms()))
        .one(app.db.read())
        .await?;
    Ok(waits.is_some())
}

/// The command for a task, and how long it may take until a session has to look after it, in milliseconds.
fn action(app: &App, job: &job::Model, task: Task) -> Option<(Action, i64)> {
    const SPARE_MS: i64 = 30_000;
    match task {
        Task::Reboot => Some((Action::Reboot, 180_000)),
        Task::Ping(ping) => {
            let takes = i64::from(ping.count) * (i64::from(ping.timeout_ms) + 1_000);
            Some((Action::Ping(ping), takes + SPARE_MS))
        }
        Task::Traceroute(trace) => {
            let takes = i64::from(trace.max_hops) * i64::from(trace.tries) * i64::from(trace.timeout_ms);
            Some((Action::Traceroute(trace), takes + SPARE_MS))
        }
        // Where the phone reaches our own test file is known in a session only.
        Task::Throughput(test) if test.url.is_empty() && app.config.server.public_url.is_empty() => None,
        Task::Throughput(mut test) => {
            if test.url.is_empty() {
                test.url = files::test_url(app, "", job.phone_id, job.id, &test);
            }
            Some((Action::Throughput(test), 120_000 + SPARE_MS))
        }
        _ => None,
    }
}

/// Takes what came of a command, or how far it is.
pub async fn heard_result(tx: &impl ConnectionTrait, phone: Uuid, told: &CommandResult) -> Result<()> {
    let Some(job) = open_by_key(tx, phone, &told.id).await? else {
        // Told twice, or cancelled meanwhile.
        return Ok(());
    };
    let result = told.output.as_ref();
    match told.state {
        CommandState::Running => {
            let mut change = job::Entity::update_many()
                .col_expr(job::Column::Note, Expr::value("The phone is at it."))
                .filter(job::Column::Id.eq(job.id))
                .filter(job::Column::Fence.eq(job.fence));
            if let Some(result) = result {
                change = change.col_expr(job::Column::Result, Expr::value(serde_json::to_string(result)?));
            }
            change.exec(tx).await?;
            jobs::tell(tx, job.id).await
        }
        CommandState::Done => {
            let note = match result {
                Some(result) => words::done(result),
                None if job.kind == "reboot" => "The phone restarted.".to_owned(),
                None => "Done.".to_owned(),
            };
            jobs::conclude(tx, &job, Outcome::Done(note), result).await.map(drop)
        }
        CommandState::Failed => {
            let fault = match result {
                Some(TaskResult::Fault(fault)) => words::fault_note(fault),
                _ => told.fault.clone().unwrap_or_else(|| "It did not say why.".to_owned()),
            };
            jobs::conclude(tx, &job, Outcome::Refused(format!("The phone could not: {fault}")), result).await.map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::rest::Enrolment;
    use sea_orm::IntoActiveModel;

    use super::*;
    use crate::app::announce;

    #[tokio::test]
    async fn what_was_sent_over_a_line_that_broke_is_sent_again_over_the_new_one() {
        let (db, _folder) = crate::db::scratch(2).await;
        let tx = db.read();
        let mut phones = Vec::new();
        for serial in ["1", "2"] {
            let phone = announce::blank(contract::Mac::new([serial.as_bytes()[0]; 6]), serial, Enrolment::Enrolled);
            phone::Entity::insert(phone.clone().into_active_model()).exec(tx).await.unwrap();
            phones.push(phone.id);
        }
        // To both phones over MQTT, and to the first one in a session as well.
        let mut ids = Vec::new();
        for (phone, memo) in [(phones[0], BY_MQTT), (phones[1], BY_MQTT), (phones[0], "")] {
            let mut row = jobs::blank(phone, "ping");
            (row.state, row.step) = (JobState::Running.as_str().to_owned(), WAITING.to_owned());
            (row.memo, row.attempts) = (memo.to_owned(), 1);
            ids.push(row.id);
            job::Entity::insert(row.into_active_model()).exec(tx).await.unwrap();
        }
        assert!(lines_are_new(tx, &[]).await.unwrap().is_empty());
        assert_eq!(lines_are_new(tx, &phones[..1]).await.unwrap(), [PhoneId(phones[0])]);
        let mut now = Vec::new();
        for id in ids {
            let row = job::Entity::find_by_id(id).one(tx).await.unwrap().unwrap();
            now.push((row.state, row.memo, row.attempts));
        }
        let is = |state: JobState, memo: &str, attempts| (state.as_str().to_owned(), memo.to_owned(), attempts);
        let wanted = [is(JobState::Ready, "", 0), is(JobState::Running, BY_MQTT, 1), is(JobState::Running, "", 1)];
        assert_eq!(now, wanted);
    }
}
