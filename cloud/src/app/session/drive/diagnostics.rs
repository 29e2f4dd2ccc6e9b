//! Measurements by the phone's diagnostics objects: ping and traceroute (TR-106 §A.2), throughput (TR-143). They are
//! ordered by setting `DiagnosticsState` to `Requested`; the phone calls with `8 DIAGNOSTICS COMPLETE`, and what came of it
//! is read.

mod results;

use contract::rest::{Direction, JobState, Task};
use cwmp::{GetParameterValues, Message, ParameterValue, SetParameterValues, Value};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::refused::no_such_name;
use super::tasks::Job;
use super::{Reply, Step};
use crate::app::jobs::{self, FINISHED, Outcome, WAITING};
use crate::app::session::work::Doing;
use crate::app::{Result, files, parameters};
use crate::db::entity::job;

/// Time beside the measurement itself until somebody looks after it, in milliseconds.
const SPARE_MS: i64 = 5 * 60_000;
/// A measurement waits so long for another one at the same object.
const TURN_MS: i64 = 10_000;

/// The object of a measurement, in TR-106 and TR-143 as phones have it, then in TR-181.
fn roots(task: &Task) -> [&'static str; 2] {
    match task {
        Task::Ping(_) => ["Device.LAN.IPPingDiagnostics.", "Device.IP.Diagnostics.IPPing."],
        Task::Traceroute(_) => ["Device.LAN.TraceRouteDiagnostics.", "Device.IP.Diagnostics.TraceRoute."],
        Task::Throughput(test) if test.direction == Direction::Upload => {
            ["Device.UploadDiagnostics.", "Device.IP.Diagnostics.UploadDiagnostics."]
        }
        _ => ["Device.DownloadDiagnostics.", "Device.IP.Diagnostics.DownloadDiagnostics."],
    }
}

/// How long the measurement may take, in milliseconds.
fn takes_ms(task: &Task) -> i64 {
    match task {
        Task::Ping(ping) => i64::from(ping.count) * (i64::from(ping.timeout_ms) + 1_000),
        Task::Traceroute(trace) => i64::from(trace.max_hops) * i64::from(trace.tries) * i64::from(trace.timeout_ms),
        _ => 10 * 60_000,
    }
}

impl<C: ConnectionTrait> Step<'_, C> {
    pub async fn measure(&mut self, job: &Job, fresh: bool) -> Result<Option<Message>> {
        let root = roots(&job.task).iter().position(|root| *root == job.row.memo);
        match root {
            // It told that it is done, or should have by now.
            Some(root) if !fresh && matches!(job.row.step.as_str(), FINISHED | WAITING) => {
                let names = vec![roots(&job.task)[root].to_owned()];
                let late = job.row.step == WAITING;
                self.send(job, FINISHED, GetParameterValues { names }.into(), Doing::Results { root, late }).await
            }
            _ if self.taken(job).await? => {
                jobs::postpone(self.tx, &job.claim, TURN_MS, "Waits for another measurement to end.").await?;
                Ok(None)
            }
            _ => self.start(job, 0).await,
        }
    }

    /// Whether another measurement works on the same object: setting it would end that one.
    async fn taken(&self, job: &Job) -> Result<bool> {
        let other = job::Entity::find()
            .filter(job::Column::PhoneId.eq(self.phone.id))
            .filter(job::Column::Kind.eq(&job.row.kind))
            .filter(job::Column::State.eq(JobState::Running.as_str()))
            .filter(job::Column::Step.eq(WAITING))
            .filter(job::Column::Id.ne(job.row.id))
            .one(self.tx)
            .await?;
        Ok(other.is_some())
    }

    async fn start(&mut self, job: &Job, root: usize) -> Result<Option<Message>> {
        let object = roots(&job.task)[root];
        let set = |name: &str, value: Value| ParameterValue::new(format!("{object}{name}"), value);
        let mut values = match &job.task {
            Task::Ping(ping) => vec![
                set("Host", Value::string(&ping.host)),
                set("NumberOfRepetitions", Value::unsigned(ping.count.into())),
                set("Timeout", Value::unsigned(ping.timeout_ms)),
                set("DataBlockSize", Value::unsigned(ping.size.max(1).into())),
                set("DSCP", Value::unsigned(ping.dscp.into())),
            ],
            Task::Traceroute(trace) => {
                let mut values = vec![
                    set("Host", Value::string(&trace.host)),
                    set("Timeout", Value::unsigned(trace.timeout_ms)),
                    set("MaxHopCount", Value::unsigned(trace.max_hops.into())),
                ];
                // TR-106 leaves the number of tries to the phone.
                if root == 1 {
                    values.push(set("NumberOfTries", Value::unsigned(trace.tries.into())));
                }
                values
            }
            Task::Throughput(test) => {
                let url = match test.url.as_str() {
                    "" => files::test_url(self.app, &self.state.base, self.phone.id, job.row.id, test),
                    url => url.to_owned(),
                };
                match test.direction {
                    Direction::Download => vec![set("DownloadURL", Value::string(url))],
                    Direction::Upload => {
                        let bytes = u32::try_from(test.bytes).unwrap_or(u32::MAX);
                        vec![set("UploadURL", Value::string(url)), set("TestFileLength", Value::unsigned(bytes))]
                    }
                }
            }
            _ => return Ok(None),
        };
        values.push(set("DiagnosticsState", Value::string("Requested")));
        let request = SetParameterValues { parameters: values, parameter_key: job.key() };
        self.order(job, request.into(), Doing::Measure { root }).await
    }

    pub async fn measuring(&mut self, job: &Job, root: usize, reply: Reply) -> Result<Option<Message>> {
        match reply {
            Reply::Fault(fault) if root == 0 && absent(&fault) => self.start(job, 1).await,
            Reply::Fault(fault) => self.refuse(job, &fault).await,
            _ => {
                jobs::remember(self.tx, &job.claim, roots(&job.task)[root]).await?;
                self.wait(job, takes_ms(&job.task) + SPARE_MS, "The phone measures.").await
            }
        }
    }

    pub async fn measured(&mut self, job: &Job, root: usize, late: bool, reply: Reply) -> Result<Option<Message>> {
        let answer = match reply {
            Reply::Answer(Message::GetParameterValuesResponse(answer)) => answer,
            Reply::Fault(fault) => return self.refuse(job, &fault).await,
            _ => return Ok(None),
        };
        parameters::learn_values(self.tx, self.phone.id, &answer.parameters).await?;
        let told = results::Told::new(roots(&job.task)[root], &answer.parameters);
        match told.state() {
            "Requested" if !late => {
                // The call was about another one.
                self.wait(job, takes_ms(&job.task) + SPARE_MS, "The phone measures.").await
            }
            "Complete" | "Completed" => self.result(job, told.result(&job.task)).await,
            other => {
                let note = format!("The phone could not measure: {}.", results::reason(other));
                self.over(job, Outcome::Refused(note)).await
            }
        }
    }
}

/// The phone has no such object.
fn absent(fault: &cwmp::Fault) -> bool {
    no_such_name(fault)
        && (fault.parameters.is_empty()
            || fault.parameters.iter().any(|one| one.code == cwmp::FaultCode::INVALID_PARAMETER_NAME))
}
