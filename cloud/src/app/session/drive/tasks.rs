//! A task's life in a session: how it begins (also after a crash, in doubt), and which part of it goes on with an answer.

use contract::rest::{Task, TaskResult};
use cwmp::{CancelTransfer, ChangeDuState, Fault, FaultCode, Message, Reboot, ScheduleInform};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::refused::{no_such_name, too_much};
use super::{Reply, Step};
use crate::app::jobs::{self, AGAIN, Claim, Outcome, SENT, WAITING};
use crate::app::session::work::{Doing, Lost, Work};
use crate::app::tasks::lane::BY_MQTT;
use crate::app::tasks::{install, restart, stored, told, words};
use crate::app::{Actor, Result, desired, parameters};
use crate::clock::now_ms;
use crate::db::entity::{job, phone};

/// How long a phone may take to restart, in milliseconds: some write firmware meanwhile.
const RESTART_MS: i64 = 15 * 60_000;
/// How long a transfer or an installation may take.
pub const TRANSFER_MS: i64 = 3_600_000;

/// A claimed task.
pub struct Job {
    pub claim: Claim,
    pub row: job::Model,
    pub task: Task,
}

impl Job {
    /// The name the phone knows the task by.
    pub fn key(&self) -> String {
        self.row.command_key.clone()
    }
}

impl<C: ConnectionTrait> Step<'_, C> {
    /// Starts on a task. `None`: it is over, for now at least.
    pub async fn begin_task(&mut self, row: job::Model, claim: Claim) -> Result<Option<Message>> {
        let task = match stored::open(&self.app.secrets, &row) {
            Ok(task) => task,
            Err(error) => {
                tracing::error!(job = %row.id, %error, "a task does not read");
                let outcome = Outcome::Refused("This version of the server does not know what was asked.".to_owned());
                jobs::end(self.tx, &self.app.config.jobs, &claim, outcome).await?;
                return Ok(None);
            }
        };
        // Asked for by a person again, or given back by the fast lane: from the beginning. The phone knows the name.
        let fresh = row.step.is_empty() || row.step == AGAIN || row.memo == BY_MQTT;
        let (sent, waited) = (!fresh && row.step == SENT, !fresh && row.step == WAITING);
        let job = Job { claim, row, task };
        match &job.task {
            Task::Refresh { path } => self.walk(&job, path.clone(), false).await,
            Task::SetParameters { .. } if sent => self.check_values(&job, true).await,
            Task::SetParameters { .. } => self.set_values(&job).await,
            Task::SetAttributes { attributes } => self.set_attributes(&job, attributes).await,
            Task::AddObject { object } => self.instances(&job, object, sent).await,
            Task::Download(_) | Task::Upload { .. } | Task::ScheduleDownload { .. } if sent || waited => {
                let lost = if sent { Lost::Order } else { Lost::End };
                self.list_transfers(&job, true, Some(lost)).await
            }
            Task::Download(_) | Task::Upload { .. } | Task::ScheduleDownload { .. } => self.transfer(&job).await,
            Task::Transfers => self.list_transfers(&job, true, None).await,
            Task::Ping(_) | Task::Traceroute(_) | Task::Throughput(_) => self.measure(&job, fresh).await,
            Task::Reboot if !waited && restart::is_owed(&job.row) && restart::in_call(self.phone) => {
                self.hold_restart(&job).await
            }
            // No event of a restart came with the session this one is in, or it would be over.
            Task::Reboot | Task::FactoryReset if waited => {
                let note = "The phone took the order, and did not restart since. Look at it, and try again.";
                self.over(&job, Outcome::Refused(note.to_owned())).await
            }
            Task::InstallUnit { .. } if sent || waited => {
                let note = "The phone did not tell whether it installed the unit. Read its parameters, and try again.";
                self.over(&job, Outcome::Refused(note.to_owned())).await
            }
            _ => self.simple(&job, sent).await,
        }
    }

    /// Tasks that are one request, which the phone answers or works on.
    async fn simple(&mut self, job: &Job, again: bool) -> Result<Option<Message>> {
        let request: Message = match &job.task {
            Task::Reboot => Reboot { command_key: job.key() }.into(),
            Task::FactoryReset => {
                self.let_in_anew(true).await?;
                Message::FactoryReset
            }
            Task::ScheduleInform { delay_seconds } => {
                ScheduleInform { delay_seconds: *delay_seconds, command_key: job.key() }.into()
            }
            Task::CancelTransfer { job: other } => {
                let other = job::Entity::find_by_id(other.0).one(self.tx).await?;
                let command_key = other.map(|other| other.command_key).unwrap_or_default();
                CancelTransfer { command_key }.into()
            }
            Task::Methods => Message::GetRpcMethods,
            Task::DeleteObject { object } => {
                cwmp::DeleteObject { object_name: object.clone(), parameter_key: job.key() }.into()
            }
            Task::InstallUnit { url, uuid } => {
                ChangeDuState { operations: vec![install(url, uuid)], command_key: job.key() }.into()
            }
            _ => return Ok(None),
        };
        self.order(job, request, Doing::Order { again }).await
    }

    /// Sends what may take effect: that is saved before it leaves.
    pub async fn order(&mut self, job: &Job, request: Message, doing: Doing) -> Result<Option<Message>> {
        self.send(job, SENT, request, doing).await
    }

    /// Sends `request`; `step` is what a later session finds if this one is cut off.
    pub async fn send(&mut self, job: &Job, step: &str, request: Message, doing: Doing) -> Result<Option<Message>> {
        if let Err(error) = request.check() {
            let note = format!("This cannot be sent to a phone: {error}. Change it, and ask again.");
            return self.over(job, Outcome::Refused(note)).await;
        }
        if !jobs::save_step(self.tx, &self.app.config.jobs, &job.claim, step).await? {
            return Ok(None);
        }
        self.state.work = Work::Task { claim: job.claim.clone(), doing };
        Ok(Some(request))
    }

    /// The phone answered. `None`: this task is over, for now at least.
    pub async fn go_on(&mut self, claim: Claim, doing: Doing, reply: Reply) -> Result<Option<Message>> {
        let Some(row) = job::Entity::find_by_id(claim.id).one(self.tx).await? else { return Ok(None) };
        if row.fence != claim.fence {
            // Cancelled, or taken over.
            return Ok(None);
        }
        let task = stored::open(&self.app.secrets, &row)?;
        let job = Job { claim, row, task };
        if let Reply::Unreadable(note) = &reply
            && !matches!(doing, Doing::Walk(_))
        {
            // What was sent may have taken effect.
            return self.over(&job, Outcome::Doubtful(note.clone())).await;
        }
        match doing {
            Doing::Walk(walk) => self.walked(&job, walk, reply).await,
            Doing::Set { from, count, parts } => self.set_answered(&job, from, count, parts, reply).await,
            Doing::Check { from, count, parts, wrong, then_set } => {
                self.checked(&job, (from, count), parts, wrong, then_set, reply).await
            }
            Doing::Attributes => self.attributes_read(&job, reply).await,
            Doing::Instances { again } => self.instances_listed(&job, again, reply).await,
            Doing::Queue { all, recover } => self.transfers_listed(&job, all, recover, reply).await,
            Doing::Measure { root } => self.measuring(&job, root, reply).await,
            Doing::Results { root, late } => self.measured(&job, root, late, reply).await,
            Doing::Order { again } => match reply {
                Reply::Fault(fault) => self.order_refused(&job, again, &fault).await,
                Reply::Answer(answer) => self.ordered(&job, answer).await,
                Reply::Unreadable(_) => Ok(None),
            },
        }
    }

    async fn ordered(&mut self, job: &Job, answer: Message) -> Result<Option<Message>> {
        match (&job.task, answer) {
            (Task::Reboot, _) => self.wait(job, RESTART_MS, "The phone restarts.").await,
            (Task::FactoryReset, _) => {
                self.set_up_anew(job).await?;
                // It forgets who we are: what else waits for it comes when it is back.
                self.closing = true;
                self.wait(job, RESTART_MS, "The phone resets itself; when it is back it is set up again.").await
            }
            (Task::ScheduleInform { delay_seconds }, _) => {
                self.done(job, None, format!("The phone calls in after {delay_seconds} s.")).await
            }
            (Task::CancelTransfer { job: other }, _) => {
                let other = job::Entity::find_by_id(other.0).one(self.tx).await?;
                if let Some(other) = other.filter(|other| matches!(other.state.as_str(), "ready" | "running")) {
                    jobs::give_up(self.tx, &other, "Cancelled on the phone.").await?;
                }
                self.done(job, None, "The phone cancelled the transfer.".to_owned()).await
            }
            (Task::Methods, Message::GetRpcMethodsResponse(answer)) => {
                let methods = answer.methods.into_iter().take(200).collect();
                self.result(job, TaskResult::Methods { methods }).await
            }
            (Task::DeleteObject { object }, _) => {
                parameters::forget(self.tx, self.phone.id, object).await?;
                self.done(job, None, "The object is gone.".to_owned()).await
            }
            (Task::AddObject { object }, Message::AddObjectResponse(answer)) => {
                self.added(job, object, answer.instance_number.get()).await
            }
            (Task::SetAttributes { attributes }, _) => self.read_attributes(job, attributes).await,
            (Task::Download(_), Message::DownloadResponse(answer)) => {
                self.transfer_answered(job, answer.status, answer.start_time, answer.complete_time).await
            }
            (Task::Upload { .. }, Message::UploadResponse(answer)) => {
                self.transfer_answered(job, answer.status, answer.start_time, answer.complete_time).await
            }
            (Task::ScheduleDownload { windows, .. }, _) => {
                let until = windows.iter().map(|window| i64::from(window.end)).max().unwrap_or(0);
                self.wait(job, until * 1000 + TRANSFER_MS, "The phone fetches the file when it is time.").await
            }
            (Task::InstallUnit { .. }, _) => self.wait(job, TRANSFER_MS, "The phone installs the unit.").await,
            (_, other) => {
                let note = format!("The phone answered {} instead of what was asked.", other.name());
                self.over(job, Outcome::Doubtful(note)).await
            }
        }
    }

    async fn order_refused(&mut self, job: &Job, again: bool, fault: &Fault) -> Result<Option<Message>> {
        match &job.task {
            // Asked twice, the first time did it.
            Task::DeleteObject { object } if again && no_such_name(fault) => {
                parameters::forget(self.tx, self.phone.id, object).await?;
                return self.done(job, None, "The object is gone.".to_owned()).await;
            }
            Task::FactoryReset => self.let_in_anew(false).await?,
            // In a call, and we did not know.
            Task::Reboot if restart::is_owed(&job.row) && fault.code == FaultCode::REQUEST_DENIED => {
                return self.hold_restart(job).await;
            }
            _ => {}
        }
        self.refuse(job, fault).await
    }

    /// The phone refused; some refusals are worth another try.
    pub async fn refuse(&mut self, job: &Job, fault: &Fault) -> Result<Option<Message>> {
        let view = words::fault(fault);
        let note = format!("The phone refused: {}", words::fault_note(&view));
        jobs::keep_result(self.tx, &job.claim, &TaskResult::Fault(view)).await?;
        // In a call, or out of memory just now.
        let passing = too_much(fault) || fault.code == FaultCode::REQUEST_DENIED;
        self.over(job, if passing { Outcome::Failed(note) } else { Outcome::Refused(note) }).await
    }

    /// Nobody is cut off for a change of settings.
    async fn hold_restart(&mut self, job: &Job) -> Result<Option<Message>> {
        if restart::hold(self.tx, &job.row, &job.claim).await? {
            return Ok(None);
        }
        let note = "The handset has been off its hook for a day. Put it back, and try again: until the phone is restarted, a \
                    setting that was changed is not in force.";
        self.over(job, Outcome::Refused(note.to_owned())).await
    }

    pub async fn over(&mut self, job: &Job, outcome: Outcome) -> Result<Option<Message>> {
        jobs::end(self.tx, &self.app.config.jobs, &job.claim, outcome).await?;
        Ok(None)
    }

    pub async fn done(&mut self, job: &Job, result: Option<TaskResult>, note: String) -> Result<Option<Message>> {
        if let Some(result) = result {
            jobs::keep_result(self.tx, &job.claim, &result).await?;
        }
        self.over(job, Outcome::Done(note)).await
    }

    pub async fn result(&mut self, job: &Job, result: TaskResult) -> Result<Option<Message>> {
        let note = words::done(&result);
        self.done(job, Some(result), note).await
    }

    /// The phone works on it by itself.
    pub async fn wait(&mut self, job: &Job, ms: i64, note: &str) -> Result<Option<Message>> {
        jobs::wait(self.tx, &job.claim, ms, note).await?;
        Ok(None)
    }

    /// A phone that is reset loses its credentials: from before the order leaves it may come without, as when it was
    /// announced. One that was not reset proves itself when it next comes, and is enrolled as before.
    async fn let_in_anew(&mut self, anew: bool) -> Result<()> {
        use contract::rest::Enrolment;
        let enrolment = if anew { Enrolment::Expected } else { Enrolment::Enrolled };
        phone::Entity::update_many()
            .col_expr(phone::Column::Enrolment, Expr::value(enrolment.as_str()))
            .filter(phone::Column::Id.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }

    /// Nothing of what was set is there any more; all of it is set again when the phone is back.
    async fn set_up_anew(&mut self, job: &Job) -> Result<()> {
        let documents = self.documents().await?;
        documents.reported.clear();
        documents.applied.clear();
        documents.changed = true;
        let actor = Actor(job.row.created_by.clone());
        let version = self.phone.desired_version + 1;
        let summary = "Set up again after the reset".to_owned();
        let mut again = desired::new_job(self.app, self.phone, &actor, summary, version);
        // Not in this session: the phone is about to forget it.
        again.run_at = now_ms() + 30_000;
        phone::Entity::update_many()
            .col_expr(phone::Column::DesiredVersion, Expr::value(version))
            .filter(phone::Column::Id.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        job::Entity::insert(again.clone().into_active_model()).exec(self.tx).await?;
        jobs::settle(self.tx, self.phone.id, Some(again.id)).await
    }

    async fn transfer_answered(
        &mut self,
        job: &Job,
        status: cwmp::Status,
        started: cwmp::CwmpTime,
        completed: cwmp::CwmpTime,
    ) -> Result<Option<Message>> {
        if status == cwmp::Status::Applied {
            return self.result(job, told::transferred(&job.row, &started, &completed)).await;
        }
        let delay = match &job.task {
            Task::Download(order) => order.delay_seconds,
            Task::Upload { delay_seconds, .. } => *delay_seconds,
            _ => 0,
        };
        self.wait(job, i64::from(delay) * 1000 + TRANSFER_MS, "The phone transfers the file.").await
    }
}
