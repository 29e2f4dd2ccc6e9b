//! What phones tell of tasks by themselves: events of an Inform, how a transfer ended, a file they send.

use contract::rest::{JobState, TaskResult};
use contract::{PhoneId, Timestamp};
use cwmp::{CwmpTime, EventCode, EventQueue, Inform, Message, TransferComplete};
use futures_util::Stream;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::lane::BY_MQTT;
use super::{open_by_key, restart, words};
use crate::app::error::{invalid, too_many};
use crate::app::jobs::{self, FINISHED, Outcome, SENT, WAITING};
use crate::app::{Actor, App, Result, audit, files, parameters};
use crate::clock::now_ms;
use crate::db::entity::{job, phone};

/// Changed values taken of one Inform; a refresh reads them all.
const CHANGED: usize = 1_000;

/// Takes what an Inform's events say of this phone's tasks. Does nothing at all for a periodic one.
pub async fn informed(tx: &impl ConnectionTrait, phone: Uuid, inform: &Inform) -> Result<()> {
    // `EventList` of the schema has 64 at most; one event told often is told once.
    let events = &inform.events[..inform.events.len().min(EventQueue::MAX_IN_INFORM)];
    for (at, event) in events.iter().enumerate() {
        if events[..at].contains(event) {
            continue;
        }
        match &event.code {
            code if *code == EventCode::M_REBOOT => {
                if let Some(job) = named(tx, phone, &event.command_key, &["reboot"]).await? {
                    jobs::conclude(tx, &job, Outcome::Done("The phone restarted.".to_owned()), None).await?;
                }
            }
            // It was asked to, whether its answer came or not.
            code if *code == EventCode::M_SCHEDULE_INFORM => {
                if let Some(job) = named(tx, phone, &event.command_key, &["schedule-inform"]).await? {
                    jobs::conclude(tx, &job, Outcome::Done("The phone called in as asked.".to_owned()), None).await?;
                }
            }
            // It does not say why it started, but it did.
            code if *code == EventCode::BOOT => {
                for job in under_way(tx, phone, &["reboot"]).await? {
                    jobs::conclude(tx, &job, Outcome::Done("The phone restarted.".to_owned()), None).await?;
                }
                restart::started(tx, phone).await?;
            }
            code if *code == EventCode::BOOTSTRAP => {
                for job in under_way(tx, phone, &["factory-reset"]).await? {
                    let note = "The phone was reset and came back.".to_owned();
                    jobs::conclude(tx, &job, Outcome::Done(note), None).await?;
                }
            }
            // It does not say which one; one that goes on says so when it is read.
            code if *code == EventCode::DIAGNOSTICS_COMPLETE => {
                // What it was sent over MQTT it answers there.
                let measures = under_way(tx, phone, &["ping", "traceroute", "throughput"]).await?;
                for job in measures.iter().filter(|job| job.memo != BY_MQTT) {
                    jobs::finished(tx, job).await?;
                }
            }
            code if *code == EventCode::VALUE_CHANGE => {
                let most = inform.parameters.len().min(CHANGED);
                parameters::learn_values(tx, phone, &inform.parameters[..most]).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The task of one of some kinds that is not over and that the phone knows by this key.
async fn named(tx: &impl ConnectionTrait, phone: Uuid, key: &str, kinds: &[&str]) -> Result<Option<job::Model>> {
    Ok(open_by_key(tx, phone, key).await?.filter(|job| kinds.contains(&job.kind.as_str())))
}

/// Tasks of some kinds that were sent to the phone and are not over.
async fn under_way(tx: &impl ConnectionTrait, phone: Uuid, kinds: &[&str]) -> Result<Vec<job::Model>> {
    Ok(job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone))
        .filter(job::Column::Kind.is_in(kinds.iter().copied()))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Running.as_str()]))
        .filter(job::Column::Step.is_in([SENT, WAITING, FINISHED]))
        .all(tx)
        .await?)
}

/// Takes a request of the phone's own. It is answered when this is kept.
pub async fn request(tx: &impl ConnectionTrait, phone: &phone::Model, message: &Message) -> Result<()> {
    match message {
        Message::TransferComplete(told) => transfer_complete(tx, phone, told).await,
        Message::AutonomousTransferComplete(told) => {
            let way = if told.is_download { "fetched" } else { "sent" };
            let how = match told.fault.is_success() {
                true => "done".to_owned(),
                false => format!("{} ({})", told.fault.code.text(), told.fault.code.0),
            };
            note(tx, phone, "transfer", format!("{way} {} by itself: {how}", told.file_type)).await
        }
        Message::RequestDownload(told) => note(tx, phone, "request-download", told.file_type.clone()).await,
        Message::Kicked(told) => note(tx, phone, "kicked", told.command.clone()).await,
        Message::DuStateChangeComplete(told) => {
            let Some(job) = named(tx, phone.id, &told.command_key, &["install-unit"]).await? else {
                return note(tx, phone, "unit", "of no task that is known".to_owned()).await;
            };
            let failed = told.results.iter().find(|one| !one.fault.is_success());
            let (outcome, result) = match failed {
                None => (Outcome::Done("The unit is installed.".to_owned()), None),
                Some(one) => {
                    let fault = words::transfer_fault(&one.fault);
                    (Outcome::Refused(words::fault_note(&fault)), Some(TaskResult::Fault(fault)))
                }
            };
            jobs::conclude(tx, &job, outcome, result.as_ref()).await.map(drop)
        }
        Message::AutonomousDuStateChangeComplete(told) => {
            note(tx, phone, "unit", format!("{} changed by themselves", told.results.len())).await
        }
        _ => Ok(()),
    }
}

async fn note(tx: &impl ConnectionTrait, phone: &phone::Model, what: &str, detail: String) -> Result<()> {
    let actor = Actor(format!("phone {}", phone.mac));
    Ok(audit::record_by_phone(tx, &actor, &format!("phone.{what}"), &phone.id.to_string(), &detail).await?)
}

/// A transfer ended; the command key says whose it was (TR-069 A.3.3.2).
async fn transfer_complete(tx: &impl ConnectionTrait, phone: &phone::Model, told: &TransferComplete) -> Result<()> {
    let kinds = ["download", "upload", "schedule-download"];
    let Some(job) = named(tx, phone.id, &told.command_key, &kinds).await? else {
        // Told twice (its answer was lost), or of another server's making.
        return note(tx, phone, "transfer", format!("of no task that waits, with the key {}", told.command_key)).await;
    };
    if told.fault.is_success() {
        // As it is now: the file it sent may just have been kept.
        let job = job::Entity::find_by_id(job.id).lock(LockType::NoKeyUpdate).one(tx).await?.unwrap_or(job);
        let result = transferred(&job, &told.start_time, &told.complete_time);
        let outcome = Outcome::Done(words::done(&result));
        return jobs::conclude(tx, &job, outcome, Some(&result)).await.map(drop);
    }
    let fault = words::transfer_fault(&told.fault);
    let outcome = Outcome::Refused(format!("The phone could not: {}", words::fault_note(&fault)));
    jobs::conclude(tx, &job, outcome, Some(&TaskResult::Fault(fault))).await.map(drop)
}

/// A transfer that is complete, with the file a phone sent for it, if it did.
pub fn transferred(job: &job::Model, started: &CwmpTime, completed: &CwmpTime) -> TaskResult {
    let file = match super::stored::result(job) {
        Some(TaskResult::Transfer { file, .. }) => file,
        _ => None,
    };
    TaskResult::Transfer { started_at: time(started), completed_at: time(completed), file }
}

fn time(told: &CwmpTime) -> Option<Timestamp> {
    (!told.is_unknown()).then(|| Timestamp(told.at.timestamp_millis()))
}

/// How often a phone may send the file of one task: each time, all of it is kept for a moment.
const SENT_PER_MINUTE: u32 = 6;

/// Keeps the file a phone sends for an Upload. Sent again, it replaces what it sent before.
pub async fn sent_file<E: std::fmt::Display>(
    app: &App,
    phone: PhoneId,
    job: Uuid,
    body: impl Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
) -> Result<()> {
    let db = app.db.read();
    let found = job::Entity::find_by_id(job).filter(job::Column::PhoneId.eq(phone.0)).one(db).await?;
    let waits = |job: &job::Model| [JobState::Ready.as_str(), JobState::Running.as_str()].contains(&job.state.as_str());
    let row = phone::Entity::find_by_id(phone.0).one(db).await?;
    let (Some(job), Some(row)) = (found.filter(waits), row) else {
        return Err(invalid("token", "Nobody waits for this file any more."));
    };
    if !app.sent.allows(&job.id.to_string(), SENT_PER_MINUTE, now_ms()) {
        return Err(too_many("This file was sent often enough; try again in a minute."));
    }
    let Ok(contract::rest::Task::Upload { file_type, .. }) = super::stored::open(&app.secrets, &job) else {
        return Err(invalid("token", "Nobody asked for a file."));
    };
    let words: String =
        file_type.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = format!("{}-{}-{words}", row.mac, Timestamp(now_ms()).rfc3339().replace(':', "-"));
    let new = files::New { name: name.chars().take(120).collect(), file_type, phone: Some(phone) };
    let actor = Actor(format!("phone {}", row.mac));
    let kept = files::store(app, &actor, new, body).await?;
    let result = TaskResult::Transfer { started_at: None, completed_at: None, file: Some(kept.id) };
    let write = app.db.write_beside().await?;
    // As it is now: the phone may have sent it twice at the same moment, or somebody cancelled meanwhile.
    let now = job::Entity::find_by_id(job.id).lock(LockType::NoKeyUpdate).one(&write.tx).await?.filter(waits);
    let Some(now) = now else {
        drop(write);
        files::remove(app, &actor, kept.id).await?;
        return Err(invalid("token", "Nobody waits for this file any more."));
    };
    job::Entity::update_many()
        .col_expr(job::Column::Result, Expr::value(serde_json::to_string(&result)?))
        .filter(job::Column::Id.eq(job.id))
        .exec(&write.tx)
        .await?;
    jobs::tell(&write.tx, job.id).await?;
    write.commit().await?;
    app.live.wake();
    match super::stored::result(&now) {
        Some(TaskResult::Transfer { file: Some(before), .. }) => files::remove(app, &actor, before).await,
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use contract::rest::Enrolment;
    use cwmp::{Event, TransferFault};
    use sea_orm::IntoActiveModel;

    use super::*;
    use crate::app::announce;

    /// What each of `jobs` is after `told`: state and step.
    async fn after(
        jobs: &[(&str, &str)],
        events: &[EventCode],
        transferred: bool,
        memo: &str,
    ) -> Vec<(String, String)> {
        let (db, _folder) = crate::db::scratch(2).await;
        let tx = db.read();
        let phone = announce::blank(contract::Mac::new([2; 6]), "1", Enrolment::Enrolled);
        phone::Entity::insert(phone.clone().into_active_model()).exec(tx).await.unwrap();
        let mut ids = Vec::new();
        for (kind, key) in jobs {
            let mut row = jobs::blank(phone.id, kind);
            (row.state, row.step) = (JobState::Running.as_str().to_owned(), WAITING.to_owned());
            (row.command_key, row.memo) = ((*key).to_owned(), memo.to_owned());
            ids.push(row.id);
            job::Entity::insert(row.into_active_model()).exec(tx).await.unwrap();
        }
        let inform = Inform {
            device_id: cwmp::DeviceId::default(),
            events: events.iter().map(|code| Event { code: code.clone(), command_key: "k".to_owned() }).collect(),
            max_envelopes: 1,
            current_time: CwmpTime::UNKNOWN,
            retry_count: 0,
            parameters: Vec::new(),
        };
        informed(tx, phone.id, &inform).await.unwrap();
        if transferred {
            let told = TransferComplete {
                command_key: "k".to_owned(),
                fault: TransferFault::success(),
                start_time: CwmpTime::UNKNOWN,
                complete_time: CwmpTime::UNKNOWN,
            };
            request(tx, &phone, &told.into()).await.unwrap();
        }
        let mut found = Vec::new();
        for id in ids {
            let row = job::Entity::find_by_id(id).one(tx).await.unwrap().unwrap();
            found.push((row.state, row.step));
        }
        found
    }

    fn is(state: JobState, step: &str) -> (String, String) {
        (state.as_str().to_owned(), step.to_owned())
    }

    #[tokio::test]
    async fn a_measurement_ordered_over_mqtt_is_not_read_in_a_session() {
        let told = [EventCode::DIAGNOSTICS_COMPLETE];
        assert_eq!(after(&[("ping", "p")], &told, false, BY_MQTT).await, [is(JobState::Running, WAITING)]);
        assert_eq!(after(&[("ping", "p")], &told, false, "").await, [is(JobState::Ready, FINISHED)]);
    }

    #[tokio::test]
    async fn a_key_ends_only_what_is_told_to_have_ended() {
        let waits = [is(JobState::Running, WAITING)];
        assert_eq!(after(&[("factory-reset", "k")], &[], true, "").await, waits);
        assert_eq!(after(&[("upload", "k")], &[], true, "").await, [is(JobState::Done, "")]);
        let told = [EventCode::M_REBOOT, EventCode::M_SCHEDULE_INFORM];
        assert_eq!(after(&[("upload", "k")], &told, false, "").await, waits);
        assert_eq!(after(&[("reboot", "k")], &told, false, "").await, [is(JobState::Done, "")]);
    }
}
