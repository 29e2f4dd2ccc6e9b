//! Adding an object once: its table is listed before, so that after a crash it shows whether one was added.

use std::collections::BTreeSet;

use contract::rest::{Task, TaskResult};
use cwmp::{AddObject, GetParameterNames, Message, ParameterInfo};
use sea_orm::ConnectionTrait;

use super::refused::no_such_name;
use super::tasks::Job;
use super::{Reply, Step};
use crate::app::jobs::{self, Outcome, SENT};
use crate::app::session::work::Doing;
use crate::app::tasks::stored;
use crate::app::{Result, parameters};

impl<C: ConnectionTrait> Step<'_, C> {
    /// Lists what is there. `again`: an AddObject may have been sent before.
    pub async fn instances(&mut self, job: &Job, object: &str, again: bool) -> Result<Option<Message>> {
        // It is there already, and was being read when the session was cut off.
        if let Some(TaskResult::Object { instance }) = stored::result(&job.row) {
            return self.walk(job, format!("{object}{instance}."), true).await;
        }
        let request = GetParameterNames { path: object.to_owned(), next_level: true };
        let step = if again { SENT } else { "" };
        self.send(job, step, request.into(), Doing::Instances { again }).await
    }

    pub async fn instances_listed(&mut self, job: &Job, again: bool, reply: Reply) -> Result<Option<Message>> {
        let Task::AddObject { object } = &job.task else { return Ok(None) };
        let there: BTreeSet<u32> = match reply {
            Reply::Answer(Message::GetParameterNamesResponse(answer)) => {
                answer.parameters.iter().filter_map(|one| instance(object, &one.name)).collect()
            }
            // Adding one without knowing might add a second.
            Reply::Fault(fault) if again && !no_such_name(&fault) => {
                let note =
                    format!("The phone does not say which objects it has: {} ({}).", fault.code.text(), fault.code.0);
                return self.over(job, Outcome::Doubtful(note)).await;
            }
            // An empty table may be one that is not there yet; AddObject itself says what is wrong.
            _ => BTreeSet::new(),
        };
        if again {
            let before: BTreeSet<u32> = serde_json::from_str(&job.row.memo).unwrap_or_default();
            if let Some(new) = there.difference(&before).last() {
                return self.added(job, object, *new).await;
            }
        } else {
            jobs::remember(self.tx, &job.claim, &serde_json::to_string(&there)?).await?;
        }
        let request = AddObject { object_name: object.clone(), parameter_key: job.key() };
        self.order(job, request.into(), Doing::Order { again }).await
    }

    /// It is there; what it has is read.
    pub async fn added(&mut self, job: &Job, object: &str, instance: u32) -> Result<Option<Message>> {
        let path = format!("{object}{instance}.");
        jobs::keep_result(self.tx, &job.claim, &TaskResult::Object { instance }).await?;
        let new = [ParameterInfo { name: path.clone(), writable: true }];
        parameters::learn_names(self.tx, self.phone.id, &new).await?;
        self.walk(job, path, true).await
    }
}

/// The number of an instance right below an object.
fn instance(object: &str, name: &str) -> Option<u32> {
    name.strip_prefix(object)?.strip_suffix('.')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::instance;

    #[test]
    fn instances_are_right_below() {
        assert_eq!(instance("D.Line.", "D.Line.2."), Some(2));
        for name in ["D.Line.", "D.Line.2.Name", "D.Line.2.Call.1.", "D.Other.2."] {
            assert_eq!(instance("D.Line.", name), None, "{name}");
        }
    }
}
